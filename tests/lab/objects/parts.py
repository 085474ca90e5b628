"""Kube-OVN's own workloads: labels, containers and images as its charts have them (charts/kube-ovn)."""

from __future__ import annotations

from tests.lab.objects.made import Made, Object, container, daemon_set, deployment, new, template
from tests.lab.topology import IMAGE, NAMESPACE, NODES

CENTRAL = tuple(f"ovn-central-5f7b8d9c6d-{suffix}" for suffix in ("2kx7p", "8hq4z", "vt5wn"))
CONTROLLER = tuple(f"kube-ovn-controller-6c9d7b5f88-{suffix}" for suffix in ("4mlzr", "kd9x2", "wq7tn"))
SUFFIXES = {
    "ovs-ovn": ("b7k2m", "lq9xz", "t4wvd"),
    "kube-ovn-cni": ("5pcmn", "h8rjk", "zx2qf"),
    "kube-ovn-pinger": ("9dlwt", "jm6vb", "rk4hs"),
    "kube-proxy": ("6vtzq", "fw8ld", "ns2xh"),
}
_TOLERATE = [{"operator": "Exists", "effect": "NoSchedule"}, {"operator": "Exists", "effect": "NoExecute"}]


def _env(**more: str) -> list[Object]:
    """What the charts set; values that start with ``@`` are field references."""
    values = {
        "ENABLE_SSL": "false", "POD_IP": "@status.podIP", "POD_IPS": "@status.podIPs",
        "KUBE_NODE_NAME": "@spec.nodeName", "KUBE_NAMESPACE": "@metadata.namespace", **more,
    }  # fmt: skip
    made: list[Object] = []
    for name, value in values.items():
        if value.startswith("@"):
            made.append(
                {"name": name, "valueFrom": {"fieldRef": {"apiVersion": "v1", "fieldPath": value[1:]}}}
            )
        else:
            made.append({"name": name, "value": value})
    return made


def _spec(name: str, *, pid: bool = False, account: str = "ovn", init: str = "", **env: str) -> Object:
    spec: Object = {
        "hostNetwork": True,
        "serviceAccountName": account,
        "priorityClassName": "system-cluster-critical",
        "nodeSelector": {"kubernetes.io/os": "linux"},
        "tolerations": _TOLERATE,
        "containers": [container(name, IMAGE, env=_env(**env))],
    }
    if pid:
        spec["hostPID"] = True
    if init:
        spec["initContainers"] = [container(init, IMAGE)]
    return spec


def _labels(app: str) -> dict[str, str]:
    kind = {"component": "network", "type": "infra"}
    return {"app": app, **kind}


def add(made: Made) -> None:
    addresses = ",".join(node.ip for node in NODES)
    central = template(
        _labels("ovn-central"),
        _spec("ovn-central", init="hostpath-init", NODE_IPS=addresses, ENABLE_BIND_LOCAL_IP="true"),
    )
    # NODE_IPS stands second in the charts of 1.12, which is where restore scripts look for it.
    central["spec"]["containers"][0]["volumeMounts"] = [{"mountPath": "/etc/ovn", "name": "host-config-ovn"}]
    central["spec"]["volumes"] = [{"name": "host-config-ovn", "hostPath": {"path": "/etc/origin/ovn"}}]
    env = central["spec"]["containers"][0]["env"]
    env.insert(1, env.pop(next(i for i, e in enumerate(env) if e["name"] == "NODE_IPS")))
    leader = {"ovn-nb-leader": "false", "ovn-sb-leader": "false", "ovn-northd-leader": "false"}
    pods = [(name, node.name, {"labels": dict(leader)}) for name, node in zip(CENTRAL, NODES, strict=True)]
    deployment(made, "ovn-central", NAMESPACE, central, pods, "ovn-central-5f7b8d9c6d")
    controller = template(_labels("kube-ovn-controller"), _spec("kube-ovn-controller", OVN_DB_IPS=addresses))
    pods = [(name, node.name, {}) for name, node in zip(CONTROLLER, NODES, strict=True)]
    deployment(made, "kube-ovn-controller", NAMESPACE, controller, pods, "kube-ovn-controller-6c9d7b5f88")
    monitor = template(_labels("kube-ovn-monitor"), _spec("kube-ovn-monitor"))
    name = "kube-ovn-monitor-7f6d9b8c5-x2v8k"
    deployment(
        made,
        "kube-ovn-monitor",
        NAMESPACE,
        monitor,
        [(name, NODES[0].name, {})],
        "kube-ovn-monitor-7f6d9b8c5",
    )
    for workload, app, inside, pid, surge in (
        ("ovs-ovn", "ovs", "openvswitch", True, 1),
        ("kube-ovn-cni", "kube-ovn-cni", "cni-server", True, 0),
        ("kube-ovn-pinger", "kube-ovn-pinger", "pinger", True, 0),
    ):
        init = "install-cni" if inside == "cni-server" else ""
        of = template(_labels(app), _spec(inside, pid=pid, init=init, OVN_DB_IPS=addresses))
        daemon_set(made, workload, NAMESPACE, of, SUFFIXES[workload], surge)
    proxy = template(
        {"app": "kube-proxy", "k8s-app": "kube-proxy"}, _spec("kube-proxy", account="kube-proxy")
    )
    daemon_set(made, "kube-proxy", NAMESPACE, proxy, SUFFIXES["kube-proxy"])
    lease = {
        "holderIdentity": CONTROLLER[0], "leaseDurationSeconds": 15, "leaseTransitions": 1,
        "acquireTime": "2024-05-06T07:08:09.000000Z", "renewTime": "2024-05-06T07:08:09.000000Z",
    }  # fmt: skip
    made.add(new("coordination.k8s.io/v1", "Lease", "kube-ovn-controller", NAMESPACE, spec=lease))

"""The pods that use the network, with Kube-OVN's annotations, and the workloads that some of them belong to."""

from __future__ import annotations

import json

from tests.lab.api.workloads import REVISION, owner, template_hash
from tests.lab.objects.made import Made, Object, container, deployment, new, pod_of, template, uid
from tests.lab.topology import CONTROL, NODES, PODS, WORKER, Nic, Pod, subnet

IMAGE = "docker.io/library/nginx:1.27"
HOSTILE = (
    "[bold red]not a colour[/] [@click=app.quit]x[/] \x1b]0;owned\x07\x1b[2J\x1b[31mred\x1b[0m \x00\x9b5m"
)


def nic_annotations(p: Pod, nic: Nic | None = None) -> dict[str, str]:
    """What kube-ovn-controller and the CNI write on a pod for one of its NICs."""
    s = subnet(nic.subnet if nic else p.subnet)
    ips, mac = (nic.ips, p.nic_mac(nic)) if nic else (p.ips, p.mac)
    prefix = f"{nic.provider if nic else 'ovn'}.kubernetes.io"
    notes = {
        "allocated": "true", "routed": "true", "cidr": ",".join(s.cidrs[: max(1, len(ips))]),
        "gateway": ",".join(s.gateways[: max(1, len(ips))]), "ip_address": ",".join(ips),
        "logical_router": s.vpc, "logical_switch": s.name, "mac_address": mac, "pod_nic_type": "veth-pair",
    }  # fmt: skip
    if s.vlan:
        notes |= {"vlan_id": str(s.vlan), "provider_network": s.localnet}
        notes.pop("logical_router")
    if p.vm:
        notes["virtualmachine"] = p.vm
    if p.security_groups:
        notes |= {"port_security": "true", "security_groups": ",".join(p.security_groups)}
    return {f"{prefix}/{key}": value for key, value in notes.items()}


def annotations(p: Pod) -> dict[str, str]:
    if p.kind in ("host", "pending"):
        return {}
    notes = nic_annotations(p)
    for nic in p.nics:
        notes |= nic_annotations(p, nic)
    if p.nics:
        networks = [
            {"name": nic.nad, "namespace": nic.namespace, "interface": nic.interface} for nic in p.nics
        ]
        notes["k8s.v1.cni.cncf.io/networks"] = json.dumps(networks)
    if p.kind == "hostile":
        notes["example.com/note"] = HOSTILE
    return notes


def add(made: Made) -> None:
    dns = [p for p in PODS if p.labels.get("k8s-app") == "kube-dns"]
    spec = {"serviceAccountName": "coredns", "containers": [container("coredns", IMAGE, ports=(53,))]}
    of = template({"k8s-app": "kube-dns"}, spec)
    pods = [(p.name, p.node, {"ips": p.ips, "annotations": annotations(p)}) for p in dns]
    deployment(made, "coredns", "kube-system", of, pods, "coredns-7d9c4")
    _web(made)
    for p in PODS:
        if p not in dns and p.kind != "statefulset":
            made.add(_pod(p))
        if p.kind == "vm":
            _virtual_machine(made, p)


def _web(made: Made) -> None:
    """The StatefulSet ``web`` and its pods."""
    members = [p for p in PODS if p.kind == "statefulset"]
    of = template({"app": "web"}, {"containers": [container("web", IMAGE, ports=(8080,))]})
    word, count = template_hash(of), len(members)
    spec = {
        "replicas": count, "serviceName": "web", "selector": {"matchLabels": {"app": "web"}}, "template": of,
        "podManagementPolicy": "OrderedReady", "updateStrategy": {"type": "RollingUpdate"},
    }  # fmt: skip
    status = {
        "observedGeneration": 1, "replicas": count, "readyReplicas": count, "availableReplicas": count,
        "currentReplicas": count, "updatedReplicas": count, "currentRevision": word, "updateRevision": word,
    }  # fmt: skip
    whole = new("apps/v1", "StatefulSet", "web", "default", labels={"app": "web"}, spec=spec, status=status)
    made.add(whole)
    places = []
    for p in members:
        labels = {**p.labels, REVISION: word, "statefulset.kubernetes.io/pod-name": p.name}
        made.add(
            pod_of(
                of, p.name, p.namespace, p.node, p.ips, labels=labels, annotations=annotations(p),
                ownerReferences=[owner(whole, "StatefulSet")],
            )
        )  # fmt: skip
        places.append({"place": p.name, "node": p.node, "annotations": json.dumps(annotations(p))})
    made.places["StatefulSet", "default", "web"] = places


def _pod(p: Pod) -> Object:
    containers = [container("compute" if p.kind == "vm" else p.name.split("-")[0], IMAGE)]
    if p.name == "multi":
        containers.append(container("sidecar", IMAGE))
    spec: Object = {"containers": containers, "serviceAccountName": "default"}
    if p.kind == "host":
        spec["hostNetwork"] = True
    of = template(dict(p.labels), spec)
    if p.kind == "pending":
        pending = new("v1", "Pod", p.name, p.namespace, labels=p.labels, spec=of["spec"])
        message = f"0/{len(NODES)} nodes are available: {len(NODES)} Insufficient memory."
        condition = {"type": "PodScheduled", "status": "False", "reason": "Unschedulable", "message": message}
        pending["status"] = {"phase": "Pending", "conditions": [condition], "qosClass": "BestEffort"}
        return pending
    more: Object = {}
    if p.kind == "vm":
        vmi = {"apiVersion": "kubevirt.io/v1", "kind": "VirtualMachineInstance", "name": p.vm}
        vmi |= {"uid": uid("VirtualMachineInstance", p.namespace, p.vm)}
        more["ownerReferences"] = [{**vmi, "controller": True, "blockOwnerDeletion": True}]
    made = pod_of(of, p.name, p.namespace, p.node or WORKER, p.ips, annotations=annotations(p), **more)
    if p.kind == "completed":
        _complete(made)
    return made


def _complete(pod: Object) -> None:
    status = pod["status"]
    status["phase"] = "Succeeded"
    for condition in status["conditions"]:
        if condition["type"] in ("Ready", "ContainersReady"):
            condition |= {"status": "False", "reason": "PodCompleted"}
    for each in status["containerStatuses"]:
        ended = {"exitCode": 0, "reason": "Completed", **each["state"]["running"]}
        each |= {"ready": False, "started": False, "state": {"terminated": ended}}


def _virtual_machine(made: Made, p: Pod) -> None:
    domain = {"devices": {"interfaces": [{"name": "default", "bridge": {}}]}, "memory": {"guest": "1Gi"}}
    spec = {"domain": domain, "networks": [{"name": "default", "pod": {}}]}
    status = {
        "phase": "Running",
        "nodeName": p.node or CONTROL,
        "interfaces": [{"name": "default", "ipAddress": p.ips[0], "ipAddresses": list(p.ips), "mac": p.mac}],
        "activePods": {uid("Pod", p.namespace, p.name): p.node},
    }
    virtual = new(
        "kubevirt.io/v1", "VirtualMachine", p.vm, p.namespace, spec={"running": True, "template": {"spec": spec}},
        status={"printableStatus": "Running", "ready": True},
    )  # fmt: skip
    instance = new(
        "kubevirt.io/v1", "VirtualMachineInstance", p.vm, p.namespace, labels={"kubevirt.io/nodeName": p.node},
        ownerReferences=[owner(virtual, "VirtualMachine", "kubevirt.io/v1")], spec=spec, status=status,
    )  # fmt: skip
    made.add(virtual, instance)

"""Nodes and namespaces, the ServiceAccounts and ConfigMaps that diagnosis looks for."""

from __future__ import annotations

from tests.lab.objects.made import CREATED, Made, new
from tests.lab.topology import CONTROL, NAMESPACE, NODES, PODS


def add(made: Made) -> None:
    names = {"kube-system", "kube-public", "default", *(pod.namespace for pod in PODS)}
    for name in sorted(names):
        notes = {
            "ovn.kubernetes.io/logical_switch": "vpc2-net" if name == "vpc2" else "ovn-default",
            "ovn.kubernetes.io/cidr": "10.16.0.0/16" if name == "vpc2" else "10.16.0.0/16,fd00:10:16::/112",
        }
        labels = {"kubernetes.io/metadata.name": name}
        made.add(
            new("v1", "Namespace", name, labels=labels, annotations=notes, status={"phase": "Active"}),
            new("v1", "ServiceAccount", "default", name),
        )
    made.add(new("v1", "ServiceAccount", "ovn", NAMESPACE))
    config = {"Corefile": ".:53 {\n    kubernetes cluster.local\n}\n"}
    made.add(new("v1", "ConfigMap", "coredns", NAMESPACE, data=config))
    for each in NODES:
        _node(made, each.name)


def _node(made: Made, name: str) -> None:
    each = next(n for n in NODES if n.name == name)
    control = name == CONTROL
    labels = {
        "kubernetes.io/hostname": name, "kubernetes.io/os": "linux", "kubernetes.io/arch": "amd64",
        "kube-ovn/role": "master", "ovn.kubernetes.io/ovs_dp_type": "kernel",
    }  # fmt: skip
    if control:
        labels |= {"node-role.kubernetes.io/control-plane": ""}
    notes = {
        "ovn.kubernetes.io/allocated": "true",
        "ovn.kubernetes.io/chassis": each.chassis,
        "ovn.kubernetes.io/cidr": "100.64.0.0/16,fd00:100:64::/112",
        "ovn.kubernetes.io/gateway": "100.64.0.1,fd00:100:64::1",
        "ovn.kubernetes.io/ip_address": f"{each.join4},{each.join6}",
        "ovn.kubernetes.io/logical_switch": "join",
        "ovn.kubernetes.io/mac_address": each.mac,
        "ovn.kubernetes.io/port_name": each.lsp,
        "ovn.kubernetes.io/tunnel_interface": "br-phys",
    }
    ready = {
        "type": "Ready", "status": "True", "reason": "KubeletReady", "message": "kubelet is posting ready status",
        "lastHeartbeatTime": CREATED, "lastTransitionTime": CREATED,
    }  # fmt: skip
    status = {
        "addresses": [
            {"type": "InternalIP", "address": each.ip},
            {"type": "Hostname", "address": name},
        ],
        "conditions": [ready],
        "capacity": {"cpu": "4", "memory": "8Gi", "pods": "110"},
        "allocatable": {"cpu": "4", "memory": "8Gi", "pods": "110"},
        "nodeInfo": {
            "kubeletVersion": "v1.32.4", "osImage": "Debian GNU/Linux 12 (bookworm)",
            "kernelVersion": "6.1.0-18-amd64", "containerRuntimeVersion": "containerd://1.7.24",
            "architecture": "amd64", "operatingSystem": "linux",
        },
    }  # fmt: skip
    taints = [{"key": "node-role.kubernetes.io/control-plane", "effect": "NoSchedule"}] if control else []
    spec = {"podCIDR": "", "taints": taints} if taints else {}
    made.add(new("v1", "Node", name, labels=labels, annotations=notes, spec=spec, status=status))

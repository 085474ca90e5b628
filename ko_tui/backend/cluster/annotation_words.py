"""Kube-OVN's annotations of one NIC in words (kube-ovn pkg/util/const.go; docs of each feature)."""

from __future__ import annotations

from collections.abc import Mapping

# What the key is for; "{}" is its value.
WORDS: Mapping[str, str] = {
    "allocated": "kube-ovn-controller has made its logical port: {}",
    "routed": "the CNI may go on, its routes are in place: {}",
    "routes": "routes of its own: {}",
    "default_route": "the pod's default route goes through this NIC: {}",
    "ip_pool": "its address must come from {}",
    "snat": "leaves the cluster with the address {}",
    "eip": "reached from outside at {}",
    "vip": "may use the virtual address {}",
    "aaps": "allowed address pairs: {}",
    "port_vips": "its port also answers for {}",
    "port_security": "only packets with its own addresses may leave (port security): {}",
    "security_groups": "security groups: {}",
    "layer2_forward": "frames to unknown addresses are sent to it: {}",
    "ingress_rate": "at most {} Mbit/s to the pod",
    "egress_rate": "at most {} Mbit/s from the pod",
    "latency": "delays packets by {} ms",
    "limit": "holds at most {} packets back",
    "loss": "loses {} % of its packets on purpose",
    "jitter": "delays vary by {} ms",
    "mirror": "its packets are mirrored: {}",
    "pod_nic_type": "the NIC is of the type {}",
    "vlan_id": "frames leave the node with VLAN {}",
    "provider_network": "goes out by the provider network {}",
    "north_gateway": "goes out by the gateway {}",
    "bgp": "its address is announced by BGP: {}",
    "activation_strategy": "while a VM migrates, its port follows: {}",
    "virtualmachine": "the address belongs to the VM {}",
    "vpc_nat_gw": "it is the NAT gateway {}",
    "vpc_nat_gw_init": "the NAT gateway has been set up: {}",
    "vpc_cidrs": "networks behind the NAT gateway: {}",
    "tunnel_interface": "tunnels leave the node by {}",
}
# Shown as facts of the endpoint already.
FACTS = frozenset({"ip_address", "mac_address", "logical_switch", "logical_router", "cidr", "gateway", "vpc"})
OTHERS: Mapping[str, str] = {
    "k8s.v1.cni.cncf.io/networks": "attachment networks asked for: {}",
    "v1.multus-cni.io/default-network": "its first NIC is of {}",
}


def annotation_words(notes: Mapping[str, str], provider: str) -> list[tuple[str, str]]:
    """Each annotation of Kube-OVN's about one NIC with what it means; those without a meaning known here as they
    are. Addresses, switch and router are left out: an endpoint tells them."""
    prefix = f"{provider}.kubernetes.io/"
    found = []
    for name, value in sorted(notes.items()):
        if name.startswith(prefix):
            key = name.removeprefix(prefix)
            if key not in FACTS and value:
                found.append((key, WORDS[key].format(value) if key in WORDS else value))
        elif name in OTHERS:
            found.append((name.partition("/")[2], OTHERS[name].format(value)))
    return found

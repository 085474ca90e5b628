"""The kinds of object that ko-tui reads (kube-ovn pkg/apis/kubeovn/v1, Kubernetes API reference)."""

from __future__ import annotations

from ko_tui.backend.source.interface import Resource

PODS = Resource("", "v1", "pods")
NODES = Resource("", "v1", "nodes", namespaced=False)
NAMESPACES = Resource("", "v1", "namespaces", namespaced=False)
SERVICES = Resource("", "v1", "services")
EVENTS = Resource("", "v1", "events")
DEPLOYMENTS = Resource("apps", "v1", "deployments")
DAEMONSETS = Resource("apps", "v1", "daemonsets")
STATEFULSETS = Resource("apps", "v1", "statefulsets")
ENDPOINT_SLICES = Resource("discovery.k8s.io", "v1", "endpointslices")
LEASES = Resource("coordination.k8s.io", "v1", "leases")
NETWORK_POLICIES = Resource("networking.k8s.io", "v1", "networkpolicies")
CRDS = Resource("apiextensions.k8s.io", "v1", "customresourcedefinitions", namespaced=False)
NET_ATTACH_DEFS = Resource("k8s.cni.cncf.io", "v1", "network-attachment-definitions")
VMIS = Resource("kubevirt.io", "v1", "virtualmachineinstances")


def kube_ovn(plural: str, *, namespaced: bool = False) -> Resource:
    """A kind of group kubeovn.io/v1; cluster-scoped unless said."""
    return Resource("kubeovn.io", "v1", plural, namespaced)


SUBNETS = kube_ovn("subnets")
VPCS = kube_ovn("vpcs")
IPS = kube_ovn("ips")
VLANS = kube_ovn("vlans")
PROVIDER_NETWORKS = kube_ovn("provider-networks")
SECURITY_GROUPS = kube_ovn("security-groups")

# Every kind of kubeovn.io that kubectl ko diagnose looks for (kube-ovn dist/images/kubectl-ko).
KUBE_OVN_KINDS: tuple[Resource, ...] = tuple(
    kube_ovn(plural)
    for plural in (
        "vpcs",
        "subnets",
        "ips",
        "vips",
        "ippools",
        "vlans",
        "provider-networks",
        "security-groups",
        "vpc-nat-gateways",
        "vpc-dnses",
        "switch-lb-rules",
        "iptables-eips",
        "iptables-fip-rules",
        "iptables-snat-rules",
        "iptables-dnat-rules",
        "ovn-eips",
        "ovn-fips",
        "ovn-snat-rules",
        "ovn-dnat-rules",
        "qos-policies",
    )
)

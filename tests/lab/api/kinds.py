"""The kinds that the API serves: names, verbs, short names, subresources, field selectors, printer columns."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

VERBS = ("create", "delete", "deletecollection", "get", "list", "patch", "update", "watch")
NAME_FIELDS = ("metadata.name", "metadata.namespace")
POD_FIELDS = (
    *NAME_FIELDS,
    "spec.nodeName",
    "spec.restartPolicy",
    "spec.schedulerName",
    "spec.serviceAccountName",
    "spec.hostNetwork",
    "status.phase",
    "status.podIP",
    "status.nominatedNodeName",
)


@dataclass(frozen=True, slots=True)
class Column:
    """A printer column of a custom resource: ``path`` is a JSONPath as CRDs have it (``.spec.cidrBlock``)."""

    name: str
    path: str
    type: str = "string"
    priority: int = 0


@dataclass(frozen=True, slots=True)
class Kind:
    """One kind of object. ``subresources`` are those that answer besides the object itself."""

    group: str
    version: str
    kind: str
    plural: str
    namespaced: bool = True
    short: tuple[str, ...] = ()
    subresources: tuple[str, ...] = ()
    fields: tuple[str, ...] = NAME_FIELDS
    custom: bool = False
    columns: tuple[Column, ...] = ()
    categories: tuple[str, ...] = ()

    @property
    def api_version(self) -> str:
        return f"{self.group}/{self.version}" if self.group else self.version

    @property
    def singular(self) -> str:
        return self.kind.lower()

    @property
    def qualified(self) -> str:
        """``pods`` or ``deployments.apps``, as the server names a resource in its messages."""
        return f"{self.plural}.{self.group}" if self.group else self.plural


def _ovn(
    kind: str, plural: str, *columns: tuple[str, str], short: tuple[str, ...] = (), **more: bool
) -> Kind:
    shown = tuple(Column(name, path) for name, path in columns)
    return Kind(
        "kubeovn.io", "v1", kind, plural, more.get("namespaced", False), short, ("status",), NAME_FIELDS,
        True, shown,
    )  # fmt: skip


BUILT_IN = (
    Kind("", "v1", "Namespace", "namespaces", False, ("ns",), ("status",), (*NAME_FIELDS, "status.phase")),
    Kind("", "v1", "Node", "nodes", False, ("no",), ("status",), (*NAME_FIELDS, "spec.unschedulable")),
    Kind(
        "", "v1", "Pod", "pods", True, ("po",), ("status", "log", "exec"), POD_FIELDS, categories=("all",)
    ),
    Kind("", "v1", "Service", "services", True, ("svc",), ("status",), categories=("all",)),
    Kind("", "v1", "Endpoints", "endpoints", True, ("ep",)),
    Kind("", "v1", "ConfigMap", "configmaps", True, ("cm",)),
    Kind("", "v1", "Secret", "secrets", True, (), (), (*NAME_FIELDS, "type")),
    Kind("", "v1", "ServiceAccount", "serviceaccounts", True, ("sa",)),
    Kind(
        "", "v1", "Event", "events", True, ("ev",), (),
        (*NAME_FIELDS, "involvedObject.name", "involvedObject.namespace", "involvedObject.kind",
         "involvedObject.uid", "reason", "type"),
    ),
    Kind(
        "apps", "v1", "Deployment", "deployments", True, ("deploy",), ("status", "scale"), categories=("all",)
    ),
    Kind(
        "apps", "v1", "ReplicaSet", "replicasets", True, ("rs",), ("status", "scale"), categories=("all",)
    ),
    Kind("apps", "v1", "DaemonSet", "daemonsets", True, ("ds",), ("status",), categories=("all",)),
    Kind(
        "apps", "v1", "StatefulSet", "statefulsets", True, ("sts",), ("status", "scale"), categories=("all",)
    ),
    Kind("batch", "v1", "Job", "jobs", True, (), ("status",), categories=("all",)),
    Kind("coordination.k8s.io", "v1", "Lease", "leases"),
    Kind("discovery.k8s.io", "v1", "EndpointSlice", "endpointslices"),
    Kind("networking.k8s.io", "v1", "NetworkPolicy", "networkpolicies", True, ("netpol",)),
    Kind("rbac.authorization.k8s.io", "v1", "Role", "roles"),
    Kind("rbac.authorization.k8s.io", "v1", "RoleBinding", "rolebindings"),
    Kind("rbac.authorization.k8s.io", "v1", "ClusterRole", "clusterroles", False),
    Kind("rbac.authorization.k8s.io", "v1", "ClusterRoleBinding", "clusterrolebindings", False),
    Kind(
        "admissionregistration.k8s.io", "v1", "ValidatingAdmissionPolicy", "validatingadmissionpolicies",
        False, (), ("status",),
    ),
    Kind(
        "admissionregistration.k8s.io", "v1", "ValidatingAdmissionPolicyBinding",
        "validatingadmissionpolicybindings", False,
    ),
    Kind(
        "apiextensions.k8s.io", "v1", "CustomResourceDefinition", "customresourcedefinitions", False,
        ("crd", "crds"), ("status",),
    ),
)  # fmt: skip

CUSTOM = (
    _ovn("Vpc", "vpcs", ("Enableexternal", ".status.enableExternal"), ("Standby", ".status.standby"),
         ("Subnets", ".status.subnets"), ("Namespaces", ".spec.namespaces")),
    _ovn("Subnet", "subnets", ("Provider", ".spec.provider"), ("Vpc", ".spec.vpc"),
         ("Vlan", ".spec.vlan"), ("Protocol", ".spec.protocol"), ("CIDR", ".spec.cidrBlock"),
         ("Private", ".spec.private"), ("NAT", ".spec.natOutgoing"), ("Default", ".spec.default"),
         ("GatewayType", ".spec.gatewayType"), ("V4Used", ".status.v4usingIPs"),
         ("V4Available", ".status.v4availableIPs"), ("ExcludeIPs", ".spec.excludeIps")),
    _ovn("IP", "ips", ("V4IP", ".spec.v4IpAddress"), ("V6IP", ".spec.v6IpAddress"),
         ("Mac", ".spec.macAddress"), ("Node", ".spec.nodeName"), ("Subnet", ".spec.subnet")),
    _ovn("Vip", "vips", ("V4IP", ".status.v4ip"), ("Mac", ".status.mac"), ("Subnet", ".spec.subnet")),
    _ovn("IPPool", "ippools", ("Subnet", ".spec.subnet"), ("IPs", ".spec.ips")),
    _ovn("Vlan", "vlans", ("ID", ".spec.id"), ("Provider", ".spec.provider"), ("conflict", ".status.conflict")),
    _ovn("ProviderNetwork", "provider-networks", ("DefaultInterface", ".spec.defaultInterface"),
         ("Ready", ".status.ready"), short=("pn",)),
    _ovn("SecurityGroup", "security-groups", short=("sg",)),
    _ovn("VpcNatGateway", "vpc-nat-gateways", ("Vpc", ".spec.vpc"), ("Subnet", ".spec.subnet"),
         ("LanIP", ".spec.lanIp"), short=("gw",)),
    _ovn("VpcEgressGateway", "vpc-egress-gateways", ("VPC", ".spec.vpc"), ("Phase", ".status.phase"),
         short=("veg",), namespaced=True),
    _ovn("VpcDns", "vpc-dnses", ("Active", ".status.active"), ("Vpc", ".spec.vpc")),
    _ovn("SwitchLBRule", "switch-lb-rules", ("vip", ".spec.vip"), ("port(s)", ".status.ports"), short=("slr",)),
    _ovn("RouterLBRule", "router-lb-rules", short=("rlr",)),
    _ovn("IptablesEIP", "iptables-eips", ("IP", ".status.ip"), short=("eip",)),
    _ovn("IptablesFIPRule", "iptables-fip-rules", short=("fip",)),
    _ovn("IptablesSnatRule", "iptables-snat-rules", short=("snat",)),
    _ovn("IptablesDnatRule", "iptables-dnat-rules", short=("dnat",)),
    _ovn("OvnEip", "ovn-eips", ("V4IP", ".status.v4Ip"), ("Type", ".status.type"), short=("oeip",)),
    _ovn("OvnFip", "ovn-fips", ("Vpc", ".status.vpc"), ("V4Eip", ".status.v4Eip"), ("V4Ip", ".status.v4Ip"),
         short=("ofip",)),
    _ovn("OvnSnatRule", "ovn-snat-rules", ("V4Eip", ".status.v4Eip"), short=("osnat",)),
    _ovn("OvnDnatRule", "ovn-dnat-rules", ("V4Eip", ".status.v4Eip"), short=("odnat",)),
    _ovn("QoSPolicy", "qos-policies", ("Shared", ".spec.shared"), short=("qos",)),
    Kind("k8s.cni.cncf.io", "v1", "NetworkAttachmentDefinition", "network-attachment-definitions", True,
         ("net-attach-def",), (), NAME_FIELDS, True),
    Kind("kubevirt.io", "v1", "VirtualMachine", "virtualmachines", True, ("vm", "vms"), ("status",),
         NAME_FIELDS, True, (Column("Status", ".status.printableStatus"),)),
    Kind("kubevirt.io", "v1", "VirtualMachineInstance", "virtualmachineinstances", True, ("vmi", "vmis"),
         ("status",), NAME_FIELDS, True,
         (Column("Phase", ".status.phase"), Column("NodeName", ".status.nodeName"))),
    Kind("policy.networking.k8s.io", "v1alpha1", "AdminNetworkPolicy", "adminnetworkpolicies", False,
         ("anp",), ("status",), NAME_FIELDS, True),
    Kind("policy.networking.k8s.io", "v1alpha1", "BaselineAdminNetworkPolicy",
         "baselineadminnetworkpolicies", False, ("banp",), ("status",), NAME_FIELDS, True),
)  # fmt: skip


class Catalogue:
    """The kinds that one server has now; CustomResourceDefinitions may add and take away."""

    def __init__(self, kinds: tuple[Kind, ...] = BUILT_IN + CUSTOM) -> None:
        self._kinds = {(k.group, k.version, k.plural): k for k in kinds}

    def __iter__(self) -> Iterator[Kind]:
        return iter(list(self._kinds.values()))

    def find(self, group: str, version: str, plural: str) -> Kind | None:
        return self._kinds.get((group, version, plural))

    def of(self, kind: str) -> Kind:
        """The kind by its name (``Pod``); KeyError when there is none."""
        for found in self._kinds.values():
            if found.kind == kind:
                return found
        raise KeyError(kind)

    def add(self, kind: Kind) -> None:
        self._kinds[kind.group, kind.version, kind.plural] = kind

    def remove(self, group: str, plural: str) -> None:
        for key in [k for k in self._kinds if k[0] == group and k[2] == plural]:
            del self._kinds[key]

    def groups(self) -> dict[str, list[str]]:
        """Group -> its versions, the core group ("") first."""
        found: dict[str, list[str]] = {}
        for kind in self._kinds.values():
            versions = found.setdefault(kind.group, [])
            if kind.version not in versions:
                versions.append(kind.version)
        return found

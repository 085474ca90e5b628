"""What Kube-OVN calls things in OVN, told back in Kubernetes words. Pure: names and rows in, references out.

Source: Kube-OVN's naming of logical switch ports, port groups, load balancers and its priorities.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from ko_tui.backend.explain.model import ObjectRef

ACL_PURPOSES = (
    (2005, 18484, "acl_sg_rule"),
    (2004, 2004, "acl_sg_allow_all"),
    (2003, 2003, "acl_sg_deny_all"),
    (2001, 2001, "acl_np_allow"),
    (2000, 2000, "acl_np_drop"),
    (3000, 3000, "acl_node_allow"),
    (1900, 1900, "acl_east_west"),
    (1001, 1001, "acl_subnet_allow"),
    (1000, 1000, "acl_private_subnet"),
)
"""Priority ranges of NB ACLs, more exact ones later in the search than their owners would need; key of its purpose."""

POLICY_PURPOSES: Mapping[int, str] = {
    29000: "policy_gateway",
    29090: "policy_egress_gateway",
    29100: "policy_egress_gateway",
    29150: "policy_egress_gateway",
    29190: "policy_nat_gateway",
    29200: "policy_nat_gateway",
    29250: "policy_north_gateway",
    29400: "policy_u2o",
    29500: "policy_interconnection",
    30000: "policy_node",
    30050: "policy_u2o_physical",
    30060: "policy_u2o_physical",
    30100: "policy_node_local_dns",
    31000: "policy_subnet",
}
TIERS: Mapping[int, str] = {1: "tier_anp", 2: "tier_np", 3: "tier_banp"}
PROTOCOLS = ("tcp", "udp", "sctp")
_LABEL = re.compile(r"[a-z0-9](?:[a-z0-9-]*[a-z0-9])?")


@dataclass(slots=True)
class Names:
    """What is known beyond the naming rules: objects by their OVN name. All of it may be empty."""

    ports: Mapping[str, ObjectRef] = field(default_factory=dict)
    datapaths: Mapping[str, ObjectRef] = field(default_factory=dict)
    port_groups: Mapping[str, ObjectRef] = field(default_factory=dict)
    load_balancers: Mapping[str, ObjectRef] = field(default_factory=dict)
    addresses: Mapping[str, ObjectRef] = field(default_factory=dict)  # IP -> Pod, Service, Node

    def port(self, name: str) -> ObjectRef | None:
        """The object behind a logical port: a known row first, else the naming rules."""
        return self.ports.get(name) or port_object(name, self.datapaths)

    def port_group(self, name: str) -> ObjectRef | None:
        """The object behind a port group."""
        return self.port_groups.get(name) or port_group_object(name)

    def datapath(self, name: str) -> ObjectRef | None:
        """The Subnet or Vpc of that name, when known."""
        return self.datapaths.get(name)


def port_object(name: str, datapaths: Iterable[str] = ()) -> ObjectRef | None:
    """The object that a logical port's name tells of, or None when it follows no rule.

    ``datapaths`` are names of switches and routers, which tell a port between the two (``<subnet>-<vpc>``).
    """
    if name.startswith("cr-"):
        inner = port_object(name[3:], datapaths)
        return ObjectRef("GatewayPort", name[3:], owner=inner)
    if name.startswith("localnet."):
        return ObjectRef("Subnet", name[len("localnet.") :], detail="localnet")
    if name.startswith("node-"):
        return ObjectRef("Node", name[len("node-") :])
    known = set(datapaths)
    for at, character in enumerate(name):
        if character == "-" and name[:at] in known and name[at + 1 :] in known:
            return ObjectRef("RouterPort", name, detail=f"{name[:at]} - {name[at + 1 :]}")
    parts = name.split(".")
    if not all(_LABEL.fullmatch(part) for part in parts):
        return None
    if len(parts) == 2:
        return ObjectRef("Pod", parts[0], namespace=parts[1])
    if len(parts) >= 5 and parts[4] == "ovn":
        provider = ".".join(parts[2:])
        return ObjectRef("Pod", parts[0], namespace=parts[1], detail=provider)
    return None


def port_group_object(name: str, external_ids: Mapping[str, str] | None = None) -> ObjectRef | None:
    """The object that a port group stands for; its external_ids decide, else the name's form."""
    ids = external_ids or {}
    if found := ids.get("node"):
        return ObjectRef("Node", found)
    if found := ids.get("np"):
        namespace, _, policy = found.rpartition("/")
        return ObjectRef("NetworkPolicy", policy, namespace=namespace)
    for key, kind in (
        ("sg", "SecurityGroup"),
        ("anp", "AdminNetworkPolicy"),
        ("banp", "BaselineAdminNetworkPolicy"),
        ("cnp", "ClusterNetworkPolicy"),
        ("subnet", "Subnet"),
    ):
        if found := ids.get(key):
            return ObjectRef(kind, found)
    if name.startswith("ovn.sg."):
        return ObjectRef("SecurityGroup", name[len("ovn.sg.") :].replace(".", "-"))
    if name.startswith("node."):
        return ObjectRef("Node", name[len("node.") :].replace(".", "-"))
    parts = name.split(".")
    if len(parts) == 2 and all(parts):
        return ObjectRef("NetworkPolicy", parts[0], namespace=parts[1])
    return None


def address_set_object(name: str) -> ObjectRef | None:
    """The object behind an address set: ``ovn.sg.<sg>.associated.v4``, ``<np>.<ns>.ingress...``."""
    if name.startswith("ovn.sg."):
        group = name[len("ovn.sg.") :].partition(".associated.")[0]
        return ObjectRef("SecurityGroup", group.replace(".", "-"))
    parts = name.split(".")
    if len(parts) > 2 and parts[2] in ("ingress", "egress"):
        return ObjectRef("NetworkPolicy", parts[0], namespace=parts[1], detail=parts[2])
    return None


def acl_name_object(name: str) -> ObjectRef | None:
    """The NetworkPolicy that an ACL's name tells: ``np/<np>.<ns>/<ingress|egress>/IPv4/0``."""
    parts = name.split("/")
    if len(parts) >= 3 and parts[0] in ("np", "anp", "banp", "cnp"):
        policy, _, namespace = parts[1].partition(".")
        kinds = {
            "anp": "AdminNetworkPolicy",
            "banp": "BaselineAdminNetworkPolicy",
            "cnp": "ClusterNetworkPolicy",
        }
        if parts[0] != "np":
            return ObjectRef(kinds[parts[0]], parts[1], detail=parts[2])
        return ObjectRef("NetworkPolicy", policy, namespace=namespace, detail=parts[2])
    return None


def load_balancer_object(name: str) -> ObjectRef | None:
    """The Vpc that a load balancer serves, by its name."""
    for protocol in PROTOCOLS:
        if name in (f"cluster-{protocol}-loadbalancer", f"cluster-{protocol}-session-loadbalancer"):
            return ObjectRef("Vpc", "ovn-cluster")
        for suffix in (f"-{protocol}-sess-load", f"-{protocol}-load"):
            if name.startswith("vpc-") and name.endswith(suffix):
                return ObjectRef("Vpc", name[len("vpc-") : -len(suffix)])
    return None


def acl_purpose(priority: int) -> str | None:
    """Key of the purpose that Kube-OVN gives an NB ACL priority; None outside of its ranges.

    3000 lies within the range of security group rules: a caller that knows the port group should prefer that.
    """
    exact = [key for low, high, key in ACL_PURPOSES if low == high == priority]
    ranges = [key for low, high, key in ACL_PURPOSES if low <= priority <= high]
    found = exact or ranges
    return found[0] if found else None


def policy_purpose(priority: int) -> str | None:
    """Key of the purpose of a logical router policy's priority."""
    return POLICY_PURPOSES.get(priority)


def said(reference: ObjectRef) -> str:
    """``Pod kube-system/coredns-x``: a reference as one text; a subnet's pods of one node as ``Subnet x, Node y``."""
    name = f"{reference.namespace}/{reference.name}" if reference.namespace else reference.name
    of_node = reference.owner is not None and reference.kind == "Subnet"
    return f"{reference.kind} {name}" + (f", {said(reference.owner)}" if of_node and reference.owner else "")

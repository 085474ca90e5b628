"""Who may talk to whom, and which way: port groups, address sets, ACLs and router policies of the lab."""

from __future__ import annotations

from tests.lab.topology import (
    DEFAULT_VPC,
    EIP_TARGET,
    NODES,
    PODS,
    POLICIES,
    SECURITY_GROUPS,
    SUBNETS,
    NetworkPolicy,
    Node,
    SecurityGroup,
    SecurityRule,
    Subnet,
    dotted,
    selected,
    subnet,
)
from tests.lab.transaction import Transaction, kube_ovn

DENY_ALL = "ovn.sg.kubeovn_deny_all"
# What a security group always lets in: ARP, neighbour discovery, DHCP, VRRP.
_BASE = {
    "to-lport": ("outport", "{130, 134, 135, 136}", ("67", "68"), ("547", "546")),
    "from-lport": ("inport", "{130, 133, 135, 136}", ("68", "67"), ("546", "547")),
}


def add(t: Transaction) -> None:
    overlay = [s for s in SUBNETS if s.vpc == DEFAULT_VPC and not s.localnet]
    for s in overlay:
        for cidr in s.cidrs:
            _route(t, 31000, f"{_ip(cidr)}.dst == {cidr}", (), subnet=s.name)
    for node in NODES:
        ids = {"node": node.name, "address-family": "4"}
        _route(t, 30000, f"ip4.dst == {node.ip}", (node.join4,), **ids)
        _node_group(t, node)
        for s in overlay:
            if s.name != "join":
                _subnet_on_node(t, s, node)
    for policy in POLICIES:
        _network_policy(t, policy)
    if SECURITY_GROUPS:
        _group(
            t,
            DENY_ALL,
            [p.lsp for p in PODS if p.security_groups],
            type="security_group",
            sg="kubeovn_deny_all",
        )
        _acl(t, DENY_ALL, "to-lport", 2003, f"outport == @{DENY_ALL} && ip", "drop")
        _acl(t, DENY_ALL, "from-lport", 2003, f"inport == @{DENY_ALL} && ip", "drop")
    for group in SECURITY_GROUPS:
        _security_group(t, group)


def _ip(address: str) -> str:
    return "ip6" if ":" in address else "ip4"


def _route(t: Transaction, priority: int, match: str, hops: tuple[str, ...], **ids: str) -> None:
    t.create(
        "Logical_Router_Policy", ("Logical_Router", DEFAULT_VPC, "policies"), priority=priority, match=match,
        action="reroute" if hops else "allow", nexthops=hops, external_ids=kube_ovn(**ids),
    )  # fmt: skip


def _group(t: Transaction, name: str, ports: list[str], **ids: str) -> None:
    t.do("pg-add", name, *ports)
    t.set("Port_Group", name, external_ids=kube_ovn(**ids))


def _addresses(t: Transaction, name: str, addresses: list[str], **ids: str) -> None:
    t.create("Address_Set", name=name, addresses=addresses, external_ids=kube_ovn(**ids))


def _acl(
    t: Transaction,
    group: str,
    direction: str,
    priority: int,
    match: str,
    action: str,
    *,
    name: str = "",
    after_lb: bool = False,
) -> None:
    t.create(
        "ACL", ("Port_Group", group, "acls"), direction=direction, priority=priority, match=match, action=action,
        name=[name] if name else [], options={"apply-after-lb": "true"} if after_lb else {},
        external_ids=kube_ovn(parent=group),
    )  # fmt: skip


def _node_group(t: Transaction, node: Node) -> None:
    """The pods of a node, which the node itself may always reach."""
    group = f"node.{dotted(node.name)}"
    ports = [p.lsp for p in PODS if p.real and p.node == node.name and subnet(p.subnet).vpc == DEFAULT_VPC]
    # The key is Kube-OVN's own: this group is no NetworkPolicy.
    _group(t, group, ports, node=node.name, np=f"node/{node.name}")
    members = f"${group}_ip4"
    _acl(t, group, "to-lport", 3000, f"ip4.src == {node.ip} && ip4.dst == {members}", "allow-related")
    match = f"ip4.dst == {node.ip} && ip4.src == {members}"
    _acl(t, group, "from-lport", 3000, match, "allow-related", after_lb=True)


def _subnet_on_node(t: Transaction, s: Subnet, node: Node) -> None:
    """The pods of a subnet on a node leave the cluster through that node; those with an address outside do not."""
    group = f"{dotted(s.name)}.{dotted(node.name)}"
    here = [p for p in PODS if p.real and p.node == node.name]
    ports = [p.lsp for p in here if p.subnet == s.name and EIP_TARGET not in p.ips and not s.outside]
    ports += [p.nic_lsp(nic) for p in here for nic in p.nics if nic.subnet == s.name]
    _group(t, group, ports, subnet=s.name, node=node.name, np=f"{s.name}/{node.name}")
    for cidr in s.cidrs:
        hop = node.join6 if ":" in cidr else node.join4
        match = f"{_ip(cidr)}.src == ${group}_{_ip(cidr)}"
        _route(t, 29000, match, (hop,), subnet=s.name, node=node.name)


def _network_policy(t: Transaction, policy: NetworkPolicy) -> None:
    """Incoming traffic alone: what the policy names, the gateway of the subnet, and nothing else."""
    group, key = f"{policy.name}.{policy.namespace}", f"{policy.namespace}/{policy.name}"
    pods = selected(policy.namespace, policy.pods)
    _group(t, group, [p.lsp for p in pods], np=key)
    _acl(t, group, "to-lport", 2000, f"outport == @{group} && ip", "drop")
    peers = selected(policy.peer_namespace, policy.peers)
    for version, ip in (("IPv4", "ip4"), ("IPv6", "ip6")):
        allow, exception = (f"{dotted(group)}.ingress.{kind}.{version}.0" for kind in ("allow", "except"))
        members = [a for p in peers for a in p.ips if _ip(a) == ip]
        _addresses(t, allow, members, np=f"{key}/ingress")
        _addresses(t, exception, [], np=f"{key}/ingress")
        match = f"outport == @{group} && ip && {ip}.src == ${allow} && {ip}.src != ${exception}"
        match += f" && {policy.protocol.lower()}.dst == {policy.port}"
        _acl(t, group, "to-lport", 2001, match, "allow-related", name=f"np/{group}/ingress/{version}/0")
    for gateway in sorted({g for p in pods for g in subnet(p.subnet).gateways}):
        _acl(t, group, "to-lport", 2001, f"{_ip(gateway)}.src == {gateway}", "allow-stateless")
        match = f"{_ip(gateway)}.dst == {gateway}"
        _acl(t, group, "from-lport", 2001, match, "allow-stateless", after_lb=True)
    _acl(t, group, "from-lport", 2001, "nd || nd_ra || nd_rs", "allow-stateless", after_lb=True)


def _security_group(t: Transaction, each: SecurityGroup) -> None:
    group = f"ovn.sg.{dotted(each.name)}"
    pods = [p for p in PODS if p.real and each.name in p.security_groups]
    _group(t, group, [p.lsp for p in pods], type="security_group", sg=each.name)
    for suffix, ip in (("v4", "ip4"), ("v6", "ip6")):
        members = [a for p in pods for a in p.ips if _ip(a) == ip]
        _addresses(t, f"{group}.associated.{suffix}", members, sg=each.name)
    for direction, (port, types, (src4, dst4), (src6, dst6)) in _BASE.items():
        for match in (
            "arp",
            f"icmp6.type == {types} && icmp6.code == 0 && ip.ttl == 255",
            f"udp.src == {src4} && udp.dst == {dst4} && ip4",
            f"udp.src == {src6} && udp.dst == {dst6} && ip6",
            "ip.proto == 112",
        ):
            _acl(t, group, direction, 2005, f"{port} == @{group} && {match}", "allow-related")
    for rule in each.ingress:
        _security_rule(t, group, "to-lport", rule)
    for rule in each.egress:
        _security_rule(t, group, "from-lport", rule)


def _security_rule(t: Transaction, group: str, direction: str, rule: SecurityRule) -> None:
    port, way = ("outport", "src") if direction == "to-lport" else ("inport", "dst")
    ip = _ip(rule.remote)
    match = f"{port} == @{group} && {ip} && {ip}.{way} == {rule.remote}"
    if rule.protocol == "icmp":
        match += f" && icmp{ip[-1]}"
    elif rule.protocol != "all":
        match += f" && {rule.ports[0]} <= {rule.protocol}.dst <= {rule.ports[1]}"
    _acl(t, group, direction, 18484 - rule.priority, match, "allow-related")

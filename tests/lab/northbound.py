"""The northbound database as kube-ovn-controller writes it, as one command line of ovn-nbctl."""

from __future__ import annotations

import zlib

from tests.lab.topology import (
    EIP,
    EIP_TARGET,
    EXTERNAL_GATEWAY,
    GATEWAY_NODE,
    NODES,
    PODS,
    SERVICES,
    SNAT_ADDRESS,
    SUBNETS,
    Pod,
    Subnet,
    dotted,
    mac,
    node,
    pod,
    subnet,
)

VENDOR = "external_ids:vendor=kube-ovn"


def commands() -> list[list[str]]:
    """Every command in order; joined by ``--`` they are one transaction."""
    out: list[list[str]] = []
    for vpc in sorted({s.vpc for s in SUBNETS}):
        out += [["lr-add", vpc], ["set", "Logical_Router", vpc, VENDOR]]
    for each in SUBNETS:
        out += _switch(each)
    for each in NODES:
        out += _port(each.lsp, "join", each.mac, (each.join4, each.join6), (), {})
    for each in PODS:
        if each.real:
            out += _pod(each)
    out += [*_routes(), *_policies(), *_load_balancers(), *_network_policy(), *_security_group()]
    out += [*_dhcp(), *_qos(), *_nat()]
    return out


def argv() -> list[str]:
    words: list[str] = []
    for command in commands():
        words += ["--", *command]
    return words[1:]


def _switch(s: Subnet) -> list[list[str]]:
    out = [["ls-add", s.name], ["set", "Logical_Switch", s.name, VENDOR]]
    networks = [f"{g}/{c.split('/')[1]}" for g, c in zip(s.gateways, s.cidrs, strict=True)]
    if not s.underlay:
        out += [
            ["lrp-add", s.vpc, s.lrp, s.router_mac, *networks],
            ["set", "Logical_Router_Port", s.lrp, VENDOR],
            ["lsp-add", s.name, s.lrp_lsp],
            ["lsp-set-type", s.lrp_lsp, "router"],
            ["lsp-set-addresses", s.lrp_lsp, "router"],
            ["lsp-set-options", s.lrp_lsp, f"router-port={s.lrp}"],
            ["set", "Logical_Switch_Port", s.lrp_lsp, VENDOR],
        ]
    if s.localnet:
        name = f"localnet.{s.name}"
        tag = [["set", "Logical_Switch_Port", name, f"tag={s.vlan}"]] if s.vlan else []
        out += [
            ["lsp-add", s.name, name],
            ["lsp-set-type", name, "localnet"],
            ["lsp-set-addresses", name, "unknown"],
            ["lsp-set-options", name, f"network_name={s.localnet}"],
            ["set", "Logical_Switch_Port", name, VENDOR],
            *tag,
        ]
    return out


def _port(
    name: str, switch: str, address: str, ips: tuple[str, ...], secured: tuple[str, ...], ids: dict[str, str]
) -> list[list[str]]:
    line = " ".join((address, *ips))
    out = [["lsp-add", switch, name], ["lsp-set-addresses", name, line]]
    if secured:
        out.append(["lsp-set-port-security", name, " ".join((address, *secured))])
    pairs = [
        f"external_ids:{key}={_quoted(value)}"
        for key, value in {**ids, "ls": switch, "vendor": "kube-ovn"}.items()
    ]
    return [*out, ["set", "Logical_Switch_Port", name, *pairs]]


def _quoted(value: str) -> str:
    return f'"{value}"' if "/" in value else value


def _pod(p: Pod) -> list[list[str]]:
    ids = {"pod": p.key}
    if p.security_groups:
        ids["security_groups"] = ",".join(p.security_groups)
        ids |= {f"associated_sg_{group}": "true" for group in p.security_groups}
    out = _port(p.lsp, p.subnet, p.mac, p.ips, p.ips, ids)
    for nic in p.nics:
        out += _port(p.nic_lsp(nic), nic.subnet, p.nic_mac(nic), nic.ips, nic.ips, {"pod": p.key})
    return out


def _routes() -> list[list[str]]:
    return [
        ["lr-route-add", "ovn-cluster", "0.0.0.0/0", "100.64.0.1"],
        ["lr-route-add", "ovn-cluster", "::/0", "fd00:100:64::1"],
        ["--policy=src-ip", "lr-route-add", "ovn-cluster", "10.17.0.0/16", EXTERNAL_GATEWAY],
    ]


def _policies() -> list[list[str]]:
    out = []
    add = ["lr-policy-add", "ovn-cluster"]
    for s in SUBNETS:
        if s.vpc != "ovn-cluster" or s.underlay or s.localnet:
            continue
        for cidr in s.cidrs:
            family = "6" if ":" in cidr else "4"
            out.append([*add, "31000", f"ip{family}.dst == {cidr}", "allow"])
    for n in NODES:
        out.append([*add, "30000", f"ip4.dst == {n.ip}", "reroute", n.join4])
        group = f"{dotted('ovn-default')}.{dotted(n.name)}"
        members = [p.lsp for p in PODS if p.real and p.node == n.name and p.subnet == "ovn-default"]
        out += [
            ["pg-add", group, *members],
            [
                "set",
                "Port_Group",
                group,
                "external_ids:subnet=ovn-default",
                f"external_ids:node={n.name}",
                VENDOR,
            ],
            [*add, "29000", f"ip4.src == ${group}_ip4", "reroute", n.join4],
            [*add, "29000", f"ip6.src == ${group}_ip6", "reroute", n.join6],
        ]
    return out


def _load_balancers() -> list[list[str]]:
    out = []
    names = [
        f"cluster-{p}-{kind}" for p in ("tcp", "udp") for kind in ("loadbalancer", "session-loadbalancer")
    ]
    for name in names:
        protocol = name.split("-")[1]
        out += [
            [
                "--id=@" + name.replace("-", ""),
                "create",
                "Load_Balancer",
                f"name={name}",
                f"protocol={protocol}",
                VENDOR,
            ]
        ]
        if "session" in name:
            out[-1] += ["options:affinity_timeout=10800"]
        vips = _vips(protocol) if "session" not in name else []
        out[-1] += vips
    refs = ["@" + name.replace("-", "") for name in names]
    for switch in ("ovn-default", "dhcp-net", "attach-net"):
        out.append(["add", "Logical_Switch", switch, "load_balancer", *refs])
    return out


def _vips(protocol: str) -> list[str]:
    out = []
    for service in SERVICES:
        for port in service.ports:
            if port.protocol.lower() != protocol:
                continue
            for vip in service.ips:
                six = ":" in vip
                backends = [ip for key in service.backends for ip in pod(key).ips if (":" in ip) == six]
                targets = ",".join(_end(b, port.target).strip('"') for b in backends)
                out.append(f'vips:{_end(vip, port.port)}="{targets}"')
    return out


def _end(address: str, port: int) -> str:
    plain = f"[{address}]:{port}" if ":" in address else f"{address}:{port}"
    return f'"{plain}"'


def _acl(
    entity: str, kind: str, direction: str, priority: int, match: str, action: str, **ids: str
) -> list[str]:
    """An ACL with external_ids, which acl-add cannot give."""
    name = f"@acl{zlib.crc32(repr((entity, direction, priority, match)).encode())}"
    table = {"pg": "Port_Group", "ls": "Logical_Switch"}[kind]
    words = [
        f"--id={name}",
        "create",
        "ACL",
        f"direction={direction}",
        f"priority={priority}",
        f'match="{_escape(match)}"',
    ]
    words += [f"action={action}", f"external_ids:parent={entity}", VENDOR]
    words += [f"name={_quoted(ids['name'])}"] if "name" in ids else []
    return [*words, "--", "add", table, entity, "acls", name]


def _escape(text: str) -> str:
    return text.replace("\\", "\\\\").replace('"', '\\"')


def _network_policy() -> list[list[str]]:
    """prod/np1: pods labelled app=api take TCP 80 from default's pods with role=client, and nothing else."""
    group = "np1.prod"
    allow4, allow6 = "np1.prod.ingress.allow.IPv4.0", "np1.prod.ingress.allow.IPv6.0"
    client = pod("default/client")
    rule, policy = "np/np1.prod/ingress/{}/0", 'external_ids:np="prod/np1"'
    out = [
        ["pg-add", group, pod("prod/api-6b9f7").lsp],
        ["set", "Port_Group", group, policy, VENDOR],
        ["create", "Address_Set", f"name={allow4}", f"addresses={client.ips[0]}", policy, VENDOR],
        ["create", "Address_Set", f"name={allow6}", f'addresses="{client.ips[1]}"', policy, VENDOR],
    ]
    for family, name in (("4", allow4), ("6", allow6)):
        match = f"outport == @{group} && ip{family} && ip{family}.src == ${name} && tcp.dst == 80"
        out.append(
            _acl(group, "pg", "to-lport", 2001, match, "allow-related", name=rule.format(f"IPv{family}"))
        )
        out.append(_acl(group, "pg", "to-lport", 2000, f"outport == @{group} && ip{family}", "drop"))
    return out


def _security_group() -> list[list[str]]:
    """sg1 on prod/db-0: ICMP and TCP 5432 in, everything out; all else is denied."""
    group, deny = "ovn.sg.sg1", "ovn.sg.kubeovn_deny_all"
    port = pod("prod/db-0").lsp
    out = [
        ["pg-add", group, port],
        ["set", "Port_Group", group, "external_ids:sg=sg1", VENDOR],
        ["pg-add", deny, port],
        ["set", "Port_Group", deny, "external_ids:sg=kubeovn_deny_all", VENDOR],
        [
            "create",
            "Address_Set",
            "name=ovn.sg.sg1.associated.v4",
            f"addresses={pod('prod/db-0').ips[0]}",
            VENDOR,
        ],
        _acl(deny, "pg", "to-lport", 2003, f"outport == @{deny} && ip", "drop"),
        _acl(deny, "pg", "from-lport", 2003, f"inport == @{deny} && ip", "drop"),
    ]
    for priority, match in (
        (2005, "ip4 && icmp4"),
        (2006, "ip4 && ip4.src == 10.16.0.0/16 && tcp.dst == 5432"),
    ):
        out.append(
            _acl(group, "pg", "to-lport", priority, f"outport == @{group} && {match}", "allow-related")
        )
    out.append(_acl(group, "pg", "from-lport", 2005, f"inport == @{group} && ip4", "allow-related"))
    return out


def _dhcp() -> list[list[str]]:
    s = subnet("dhcp-net")
    options = f"options:lease_time=3600 options:router={s.gateways[0]} options:server_id=169.254.0.254"
    create = ["--id=@dhcp", "create", "DHCP_Options", f"cidr={s.cidrs[0]}", *options.split()]
    create += [f'options:server_mac="{mac("dhcp")}"', "external_ids:ls=dhcp-net", VENDOR]
    port = pod("default/dhcp-pod").lsp
    return [create, ["set", "Logical_Switch_Port", port, "dhcpv4_options=@dhcp"]]


def _qos() -> list[list[str]]:
    server = pod("default/server")
    match = f'inport == "{server.lsp}"'
    return [["qos-add", "ovn-default", "from-lport", "100", match, "dscp=10"]]


def _nat() -> list[list[str]]:
    lrp = subnet("ovn-external").lrp
    return [
        ["lrp-set-gateway-chassis", lrp, node(GATEWAY_NODE).chassis, "100"],
        ["lr-nat-add", "ovn-cluster", "snat", SNAT_ADDRESS, "10.17.0.0/16"],
        ["lr-nat-add", "ovn-cluster", "dnat_and_snat", EIP, EIP_TARGET],
    ]

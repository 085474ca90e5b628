"""The northbound database as kube-ovn-controller writes it, as one transaction of ovn-nbctl.

Names, external_ids and priorities are those of Kube-OVN 1.12 to 1.16 (pkg/controller, pkg/ovs).
"""

from __future__ import annotations

from tests.lab import northbound_rules
from tests.lab.topology import (
    DEFAULT_VPC,
    EIP,
    EIP_TARGET,
    EXTERNAL_GATEWAY,
    GATEWAY_NODE,
    NODES,
    PODS,
    SERVICES,
    SNAT_ADDRESS,
    SNAT_SUBNET,
    SUBNETS,
    Pod,
    Subnet,
    mac,
    node,
    pod,
    subnet,
)
from tests.lab.transaction import Transaction, kube_ovn

MTU = 1400


def argv() -> list[str]:
    """The words after ``ovn-nbctl`` that make everything."""
    t = Transaction()
    options = {
        "northd_probe_interval": "5000", "use_logical_dp_groups": "true", "use_ct_inv_match": "false",
        "ls_dnat_mod_dl_dst": "true", "ls_ct_skip_dst_lport_ips": "true",
    }  # fmt: skip
    t.set("NB_Global", ".", options=options)
    for vpc in sorted({s.vpc for s in SUBNETS}):
        t.do("lr-add", vpc)
        t.set("Logical_Router", vpc, external_ids=kube_ovn())
    for each in SUBNETS:
        _switch(t, each)
    for each_node in NODES:
        _port(t, each_node.lsp, "join", each_node.mac, (each_node.join4, each_node.join6), {})
    for each_pod in PODS:
        if each_pod.real:
            _pod(t, each_pod)
    _routes(t)
    northbound_rules.add(t)
    _load_balancers(t)
    _dhcp(t)
    _qos(t)
    _nat(t)
    return t.argv()


def _switch(t: Transaction, s: Subnet) -> None:
    t.do("ls-add", s.name)
    t.set("Logical_Switch", s.name, external_ids=kube_ovn())
    if not s.underlay:
        networks = [f"{g}/{c.split('/')[1]}" for g, c in zip(s.gateways, s.cidrs, strict=True)]
        t.do("lrp-add", s.vpc, s.lrp, s.router_mac, *networks)
        t.set("Logical_Router_Port", s.lrp, external_ids=kube_ovn())
        t.do("lsp-add", s.name, s.lrp_lsp)
        t.set(
            "Logical_Switch_Port", s.lrp_lsp, type="router", addresses=["router"],
            options={"router-port": s.lrp}, external_ids=kube_ovn(),
        )  # fmt: skip
    if s.localnet:
        name = f"localnet.{s.name}"
        t.do("lsp-add", s.name, name)
        t.set(
            "Logical_Switch_Port", name, type="localnet", addresses=["unknown"],
            options={"network_name": s.localnet}, external_ids=kube_ovn(ls=s.name),
        )  # fmt: skip
        if s.vlan:
            t.set("Logical_Switch_Port", name, tag=s.vlan)


def _port(
    t: Transaction,
    name: str,
    switch: str,
    address: str,
    ips: tuple[str, ...],
    ids: dict[str, str],
    *,
    secured: bool = False,
) -> None:
    line = " ".join((address, *ips))
    t.do("lsp-add", switch, name)
    t.set(
        "Logical_Switch_Port", name, addresses=[line], port_security=[line] if secured else [],
        external_ids=kube_ovn(**ids, ls=switch),
    )  # fmt: skip


def _pod(t: Transaction, p: Pod) -> None:
    ids = {"pod": p.key}
    if p.security_groups:
        ids["security_groups"] = "/".join(p.security_groups)
        ids |= {f"associated_sg_{group}": "true" for group in p.security_groups}
        ids["associated_sg_default-securitygroup"] = "false"
    _port(t, p.lsp, p.subnet, p.mac, p.ips, ids, secured=True)
    for nic in p.nics:
        _port(t, p.nic_lsp(nic), nic.subnet, p.nic_mac(nic), nic.ips, {"pod": p.key}, secured=True)


def _routes(t: Transaction) -> None:
    join = subnet("join")
    for prefix, gateway in zip(("0.0.0.0/0", "::/0"), join.gateways, strict=True):
        t.do("lr-route-add", DEFAULT_VPC, prefix, gateway)
    for source in (subnet(SNAT_SUBNET).cidrs[0], EIP_TARGET):
        t.do("--policy=src-ip", "lr-route-add", DEFAULT_VPC, source, EXTERNAL_GATEWAY)


def _load_balancers(t: Transaction) -> None:
    """Of each VPC one for each protocol, and one more for Services with session affinity."""
    for vpc, switches in (
        (DEFAULT_VPC, ("ovn-default", "dhcp-net", "attach-net", "vlan100")),
        ("vpc2", ("vpc2-net",)),
    ):
        references = []
        for protocol in ("tcp", "udp", "sctp"):
            plain, session = f"vpc-{vpc}-{protocol}-load", f"vpc-{vpc}-{protocol}-sess-load"
            if vpc == DEFAULT_VPC:
                plain, session = (
                    f"cluster-{protocol}-loadbalancer",
                    f"cluster-{protocol}-session-loadbalancer",
                )
            default = vpc == DEFAULT_VPC
            vips = _vips(protocol, session=False) if default else {}
            references.append(t.create("Load_Balancer", name=plain, protocol=protocol, vips=vips))
            vips = _vips(protocol, session=True) if default else {}
            affinity = {"affinity_timeout": "10800"}
            references.append(
                t.create("Load_Balancer", name=session, protocol=protocol, vips=vips, options=affinity)
            )
        for switch in switches:
            t.do("add", "Logical_Switch", switch, "load_balancer", *references)


def _vips(protocol: str, *, session: bool) -> dict[str, str]:
    vips = {}
    for service in SERVICES:
        for port in service.ports:
            if port.protocol.lower() != protocol or service.session != session:
                continue
            for vip in service.ips:
                backends = [
                    ip for key in service.backends for ip in pod(key).ips if (":" in ip) == (":" in vip)
                ]
                vips[_end(vip, port.port)] = ",".join(_end(backend, port.target) for backend in backends)
    return vips


def _end(address: str, port: int) -> str:
    return f"[{address}]:{port}" if ":" in address else f"{address}:{port}"


def _dhcp(t: Transaction) -> None:
    for s in SUBNETS:
        if not s.dhcp:
            continue
        options = {
            "lease_time": "3600", "router": s.gateways[0], "server_id": "169.254.0.254",
            "server_mac": mac(f"dhcp {s.name}"), "mtu": str(MTU),
        }  # fmt: skip
        ids = kube_ovn(ls=s.name, protocol="IPv4")
        row = t.create("DHCP_Options", cidr=s.cidrs[0], options=options, external_ids=ids)
        for p in PODS:
            if p.subnet == s.name:
                t.do("set", "Logical_Switch_Port", p.lsp, f"dhcpv4_options={row}")


def _qos(t: Transaction) -> None:
    port = pod("default/server").lsp
    t.do("qos-add", "ovn-default", "from-lport", "100", f'inport == "{port}"', "dscp=10")


def _nat(t: Transaction) -> None:
    t.do("lrp-set-gateway-chassis", subnet("ovn-external").lrp, node(GATEWAY_NODE).chassis, "100")
    t.do("lr-nat-add", DEFAULT_VPC, "snat", SNAT_ADDRESS, subnet(SNAT_SUBNET).cidrs[0])
    t.do("lr-nat-add", DEFAULT_VPC, "dnat_and_snat", EIP, EIP_TARGET)

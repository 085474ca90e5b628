"""Nodes and pods as network namespaces: the wire between nodes, Open vSwitch in userspace, and a veth for each pod.

Offloads are off on every veth: the userspace datapath takes packets as they are, and a checksum left for hardware to
fill in would never be filled in.
"""

from __future__ import annotations

import zlib
from collections.abc import Sequence
from typing import TYPE_CHECKING

from tests.lab import central
from tests.lab.places import NETNS, end, script
from tests.lab.topology import EXTERNAL_GATEWAY, GATEWAY_NODE, NODES, PODS, Node, Pod, subnet

if TYPE_CHECKING:
    from tests.lab.cluster import Lab

MTU = 1400
_DATABASE = """
    ovsdb-server --detach --no-chdir --pidfile=/var/run/openvswitch/ovsdb-server.pid -vconsole:off \\
        --log-file=/var/log/openvswitch/ovsdb-server.log --remote=punix:/var/run/openvswitch/db.sock \\
        /etc/openvswitch/conf.db
"""
_SWITCH = """
    ovs-vswitchd --detach --no-chdir --disable-system --pidfile=/var/run/openvswitch/ovs-vswitchd.pid \\
        -vconsole:off --log-file=/var/log/openvswitch/ovs-vswitchd.log
"""
_OFF = "ethtool -K {} tx off tso off gso off gro off >/dev/null 2>&1 || true"


def make_underlay(lab: Lab) -> None:
    """The wires: a bridge for the nodes' own network, one for the provider network, and a gateway on the latter."""
    wire, gateway = lab.netns("wire"), lab.netns("gateway")
    lines = [f"ip netns add {wire}", f"ip netns add {gateway}"]
    lines += [f"ip netns add {lab.netns(n.name)}" for n in NODES]
    lines += [f"ip netns add {lab.netns(p.key)}" for p in PODS if p.real]
    for bridge in ("under", "provider"):
        lines += [f"ip -n {wire} link add {bridge} type bridge", f"ip -n {wire} link set {bridge} up"]
    for node in NODES:
        ns = lab.netns(node.name)
        for device, bridge in (("eth0", "under"), ("eth1", "provider")):
            far = f"{node.short}-{device}"
            lines += [
                f"ip link add {far} netns {wire} type veth peer name {device} netns {ns}",
                f"ip -n {wire} link set {far} master {bridge} up",
                f"ip -n {ns} link set {device} up",
                f"ip netns exec {wire} {_OFF.format(far)}",
                f"ip netns exec {ns} {_OFF.format(device)}",
            ]
        lines.append(f"ip -n {ns} link set lo up")
    lines += [
        f"ip link add gw netns {wire} type veth peer name eth0 netns {gateway}",
        f"ip -n {wire} link set gw master provider up",
        f"ip -n {gateway} link set lo up",
        f"ip -n {gateway} link set eth0 up",
        f"ip netns exec {wire} {_OFF.format('gw')}",
        f"ip netns exec {gateway} {_OFF.format('eth0')}",
        f"ip -n {gateway} addr add {EXTERNAL_GATEWAY}/24 dev eth0",
        # The gateway of the VLAN is an access port of one node's bridge: not every kernel has VLAN devices.
        f"ip link add gw100 netns {lab.netns(GATEWAY_NODE)} type veth peer name vlan100 netns {gateway}",
        f"ip -n {lab.netns(GATEWAY_NODE)} link set gw100 up",
        f"ip netns exec {lab.netns(GATEWAY_NODE)} {_OFF.format('gw100')}",
        f"ip netns exec {gateway} {_OFF.format('vlan100')}",
        f"ip -n {gateway} addr add {subnet('vlan100').gateways[0]}/24 dev vlan100",
        f"ip -n {gateway} link set vlan100 up",
    ]
    script("\n".join(lines))


def start_switch(lab: Lab, node: Node) -> None:
    """Open vSwitch of a node, with the bridge that carries its address and the one to the provider network."""
    place = lab.node_place(node.name)
    place.script(
        f"""
        ovsdb-tool create /etc/openvswitch/conf.db /usr/share/openvswitch/vswitch.ovsschema
        echo {node.chassis} > /etc/openvswitch/system-id.conf
        {_DATABASE}
        ovs-vsctl --no-wait init
        ovs-vsctl --no-wait set Open_vSwitch . external_ids:system-id={node.chassis} \\
            external_ids:hostname={node.name} external_ids:ovn-remote='"{central.remotes("sb")}"' \\
            external_ids:ovn-encap-type=geneve external_ids:ovn-encap-ip={node.ip} \\
            external_ids:ovn-bridge-datapath-type=netdev external_ids:ovn-match-northd-version=true \\
            external_ids:ovn-bridge-mappings=provider:br-provider,external:br-provider \\
            external_ids:ovn-remote-probe-interval=10000 external_ids:ovn-openflow-probe-interval=180
        {_SWITCH}
        ovs-vsctl add-br br-phys -- set Bridge br-phys datapath_type=netdev -- add-port br-phys eth0 \\
            -- add-br br-provider -- set Bridge br-provider datapath_type=netdev external_ids:vendor=kube-ovn \\
            -- add-port br-provider eth1 \\
            -- add-br br-int -- set Bridge br-int datapath_type=netdev fail-mode=secure \\
            -- add-port br-int ovn0 -- set Interface ovn0 type=internal mac='"{node.mac}"' mtu_request={MTU} \\
            external_ids:iface-id={node.lsp} external_ids:ip='"{node.join4},{node.join6}"'
        {"ovs-vsctl add-port br-provider gw100 tag=100" if node.name == GATEWAY_NODE else ""}
        """
    )
    _address_node(lab, node)


def restart_switch(lab: Lab, node: Node) -> None:
    """Start a node's Open vSwitch again on the database that it has."""
    place = lab.node_place(node.name)
    place.script(_DATABASE + _SWITCH)
    _address_node(lab, node)


def stop_switch(lab: Lab, node: Node) -> None:
    """End a node's ovn-controller and Open vSwitch, as deleting its ovs-ovn pod does."""
    place = lab.node_place(node.name)
    end([pid for name in ("ovn-controller", "ovs-vswitchd", "ovsdb-server") if (pid := place.daemon(name))])


def _address_node(lab: Lab, node: Node) -> None:
    lab.node_place(node.name).script(
        f"""
        ip addr replace {node.ip}/16 dev br-phys
        ip link set br-phys up
        ip link set ovn0 address {node.mac} mtu {MTU}
        ip link set ovn0 up
        ip addr replace {node.join4}/16 dev ovn0
        ip -6 addr replace {node.join6}/112 dev ovn0 nodad
        ip route replace 10.16.0.0/16 via 100.64.0.1 dev ovn0 src {node.ip}
        ip -6 route replace fd00:10:16::/112 via fd00:100:64::1 dev ovn0
        """
    )


def start_controller(lab: Lab, node: Node) -> None:
    lab.node_place(node.name).run(
        "ovn-controller",
        "--detach",
        "--no-chdir",
        "--pidfile=/var/run/ovn/ovn-controller.pid",
        "--log-file=/var/log/ovn/ovn-controller.log",
        "-vconsole:off",
        "unix:/var/run/openvswitch/db.sock",
    )


def veth(p: Pod, suffix: str = "h") -> str:
    """The node's end of a pod's pair, named as Kube-OVN names it: twelve digits of the container's id."""
    digest = f"{zlib.crc32(p.key.encode()):08x}{zlib.crc32(p.lsp.encode()):08x}"[:12]
    return f"{digest}_{suffix}" if suffix == "h" else f"{digest[:8]}_{suffix}_h"


def plug_pods(lab: Lab, node: Node, pods: Sequence[Pod] = PODS) -> None:
    """A veth into br-int for each NIC of each pod of the node; their network namespaces are there."""
    ns = lab.netns(node.name)
    lines: list[str] = []
    ports: list[str] = []
    for p in pods:
        if not p.real or p.node != node.name:
            continue
        own = lab.netns(p.key)
        lines += _nic(ns, own, veth(p), "eth0", p.mac, p.subnet, p.ips, default=True)
        ports += _interface(p, veth(p), p.lsp, p.ips, f"{NETNS}/{own}", "ovn")
        for nic in p.nics:
            lines += _nic(
                ns, own, veth(p, "net1"), nic.interface, p.nic_mac(nic), nic.subnet, nic.ips, default=False
            )
            ports += _interface(p, veth(p, "net1"), p.nic_lsp(nic), nic.ips, f"{NETNS}/{own}", nic.provider)
    script("\n".join(lines))
    if ports:
        lab.node_place(node.name).run("ovs-vsctl", *ports[1:])


def _nic(
    node: str,
    own: str,
    outside: str,
    inside: str,
    address: str,
    net: str,
    ips: tuple[str, ...],
    *,
    default: bool,
) -> list[str]:
    s = subnet(net)
    lines = [
        f"ip link add {outside} netns {node} mtu {MTU} "
        f"type veth peer name {inside} netns {own} address {address} mtu {MTU}",
        f"ip -n {node} link set {outside} up",
        f"ip -n {own} link set lo up",
        f"ip -n {own} link set {inside} up",
        f"ip netns exec {node} {_OFF.format(outside)}",
        f"ip netns exec {own} {_OFF.format(inside)}",
    ]
    for ip in ips:
        six = ":" in ip
        cidr = next(c for c in s.cidrs if (":" in c) == six)
        gateway = next(g for g in s.gateways if (":" in g) == six)
        lines.append(f"ip -n {own} addr add {ip}/{cidr.split('/')[1]} dev {inside}{' nodad' if six else ''}")
        if default:
            lines.append(f"ip -n {own} {'-6 ' if six else ''}route add default via {gateway} dev {inside}")
    return lines


def _interface(p: Pod, name: str, lsp: str, ips: tuple[str, ...], netns: str, provider: str) -> list[str]:
    ids = {
        "iface-id": lsp,
        "vendor": "kube-ovn",
        "pod_name": p.name,
        "pod_namespace": p.namespace,
        "pod_netns": netns,
        "ip": ",".join(ips),
    }
    pairs = [f'external_ids:{key}="{value}"' for key, value in ids.items()]
    return ["--", "add-port", "br-int", name, "--", "set", "Interface", name, *pairs]

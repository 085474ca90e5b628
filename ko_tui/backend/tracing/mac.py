"""Which destination MAC the first packet carries, and why.

The order is that of a real sender: what was given; the group's own MAC for broadcast and multicast; a neighbour of
the same subnet through the port on *that* switch; the gateway of an underlay subnet; else the router port of the
subnet (kube-ovn dist/images/kubectl-ko).
"""

from __future__ import annotations

import ipaddress
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ko_tui.backend.cluster.bound_ports import router_ports
from ko_tui.backend.command.run import CommandRun
from ko_tui.backend.errors import ClusterError, KoError
from ko_tui.backend.ovn.table import many
from ko_tui.backend.packet import BROADCAST, Protocol, multicast_mac, solicited_mac
from ko_tui.backend.source.interface import NotInSnapshot
from ko_tui.backend.source.kinds import SUBNETS
from ko_tui.backend.tracing.lookup import owner_of_address
from ko_tui.backend.tracing.model import Endpoint, Reason, TraceRequest

if TYPE_CHECKING:
    from ko_tui.backend.session import Session

_MAC = re.compile(r"(?:[0-9a-fA-F]{2}:){5}[0-9a-fA-F]{2}")
_NETNS = re.compile(r"^/(?:var/)?run/netns/[A-Za-z0-9._-]+$")


class NoDestinationMac(ClusterError):
    """No way to the destination's MAC address was found."""

    title = "The destination MAC address is not known"


@dataclass(frozen=True, slots=True)
class ChosenMac:
    mac: str
    reason: Reason
    commands: tuple[CommandRun, ...] = ()


def choose_mac(
    session: Session, request: TraceRequest, source: Endpoint, destination: Endpoint, address: str
) -> ChosenMac:
    """The destination MAC for a packet from ``source`` to ``address``. Raises NoDestinationMac."""
    if request.dst_mac:
        return _chosen(request.dst_mac, "It was given.")
    if request.protocol is Protocol.ARP_REQUEST:
        return _chosen(BROADCAST, "An ARP request asks everybody.")
    if request.protocol is Protocol.ND_NS:
        return _chosen(
            solicited_mac(address), "A neighbour solicitation goes to the target's multicast group."
        )
    if ipaddress.ip_address(address).is_multicast:
        return _chosen(multicast_mac(address), f"{address} is a multicast group: its own MAC address.")
    if _is_broadcast(source, address):
        return _chosen(BROADCAST, f"{address} is a broadcast address: all of the subnet.")
    beside = not source.cidr and bool(destination.mac) and destination.switch == source.switch
    if beside or _same_subnet(source, address):
        return _neighbour(session, source, destination, address)
    return _gateway(session, source, address)


def _chosen(mac: str, why: str, *commands: CommandRun) -> ChosenMac:
    return ChosenMac(mac.lower(), Reason("dst MAC", mac.lower(), why), commands)


def _is_broadcast(source: Endpoint, address: str) -> bool:
    """255.255.255.255, or the last address of the sender's own IPv4 subnet, which no host has (RFC 919, RFC 3021)."""
    if address == "255.255.255.255":
        return True
    for cidr in filter(None, source.cidr.split(",")):
        try:
            net = ipaddress.ip_network(cidr.strip(), strict=False)
        except ValueError:
            continue
        if net.version == 4 and net.prefixlen < 31 and address == str(net.broadcast_address):
            return True
    return False


def _same_subnet(source: Endpoint, address: str) -> bool:
    wanted = ipaddress.ip_address(address)
    for cidr in filter(None, source.cidr.split(",")):
        try:
            if wanted in ipaddress.ip_network(cidr.strip(), strict=False):
                return True
        except ValueError:
            continue
    return False


def _neighbour(session: Session, source: Endpoint, destination: Endpoint, address: str) -> ChosenMac:
    if destination.mac and destination.switch == source.switch:
        return _chosen(
            destination.mac, f"{destination.key} is on the same switch, {source.switch}: its own MAC address."
        )
    if address in source.gateway.split(","):
        return _gateway(session, source, address)
    owner = owner_of_address(session, address)
    if owner and owner.switch == source.switch and owner.mac:
        return _chosen(owner.mac, f"{owner.key} has {address} on the same switch, {source.switch}.")
    found = _port_on_switch(session, source.switch, address)
    if found:
        name, mac = found
        return _chosen(mac, f"Port {name} on switch {source.switch} has {address}.")
    learned = _learned(session, address)
    if learned:
        return _chosen(learned, f"OVN has learned it for {address} (MAC_Binding).")
    if source.vlan and source.vlan != "0":
        return _probe(session, source, address)
    raise NoDestinationMac(
        f"{address} is in the subnet {source.switch} ({source.cidr}), but no port on that switch has it.",
        "Nothing there would answer ARP. Give a MAC address after the destination to trace such a packet all the same.",
    )


def _gateway(session: Session, source: Endpoint, address: str) -> ChosenMac:
    if source.kind != "node" and _is_underlay(session, source):
        family = ipaddress.ip_address(address).version
        gateway = next((g for g in source.gateway.split(",") if (":" in g) == (family == 6)), source.gateway)
        found = _port_on_switch(session, source.switch, gateway)
        if found and found[1]:
            return _chosen(found[1], f"The underlay gateway {gateway} is port {found[0]}.")
        learned = _learned(session, gateway)
        if learned:
            return _chosen(learned, f"OVN has learned it for the underlay gateway {gateway} (MAC_Binding).")
        return _probe(session, source, gateway)
    name = f"{source.vpc}-{source.switch}"
    try:
        rows = session.rows("nb", "Logical_Router_Port", ("name", "mac"), where=(f"name={name}",)).value
    except NotInSnapshot:
        return _bound_gateway(session, source)
    for row in rows:
        return _chosen(str(row["mac"]), f"Another subnet: the packet goes to the router port {name}.")
    raise NoDestinationMac(
        f"The subnet {source.switch} has no router port {name}, so packets cannot leave it.",
        "Check the Subnet's VPC and kubectl ko nbctl show; or give the gateway's MAC address.",
    )


def _bound_gateway(session: Session, source: Endpoint) -> ChosenMac:
    """By the southbound database alone."""
    for port in router_ports(session.saved_southbound()).get(source.switch, ()):
        return _chosen(port.mac, f"Another subnet: the packet goes to the router port {port.name}.")
    raise NoDestinationMac(
        f"The switch {source.switch} is connected to no router, so packets cannot leave it.",
        "Give the gateway's MAC address if there is one outside of OVN.",
    )


def _is_underlay(session: Session, source: Endpoint) -> bool:
    """A VLAN subnet whose gateway is a physical one (Subnet spec of kubeovn.io/v1)."""
    try:
        spec = session.source.get(SUBNETS, "", source.switch).spec
    except KoError:
        return bool(source.vlan and source.vlan != "0")
    return bool(spec.get("vlan")) and not spec.get("logicalGateway") and not spec.get("u2oInterconnection")


def _port_on_switch(session: Session, switch: str, address: str) -> tuple[str, str] | None:
    """The port of *this* switch that has ``address``: the same address may live in another VPC too."""
    try:
        switches = session.rows("nb", "Logical_Switch", ("ports",), where=(f"name={switch}",)).value
        rows = session.rows("nb", "Logical_Switch_Port", ("_uuid", "name", "addresses", "dynamic_addresses"))
    except KoError:
        return None
    members = {str(u) for row in switches for u in many(row["ports"])}
    wanted = ipaddress.ip_address(address)
    for row in rows.value:
        if str(row["_uuid"]) not in members:
            continue
        for text in [*many(row["addresses"]), *many(row["dynamic_addresses"])]:
            mac, *ips = str(text).split() or [""]
            if _MAC.fullmatch(mac) and any(_equal(ip, wanted) for ip in ips):
                return str(row["name"]), mac
    return None


def _learned(session: Session, address: str) -> str:
    try:
        rows = session.rows("sb", "MAC_Binding", ("ip", "mac"), where=(f"ip={address}",)).value
    except KoError:
        return ""
    return str(rows[0]["mac"]) if rows else ""


def _probe(session: Session, source: Endpoint, address: str) -> ChosenMac:
    """Ask on the wire, from the pod's own network namespace, as the pod would (arping, ndisc6)."""
    if not session.live or session.options.mode == "strict":
        raise NoDestinationMac(
            f"{address} is on a physical network and OVN has not learned its MAC address.",
            "It would have to be asked for on the wire, which is not done here: give the MAC address.",
        )
    ovs, cni = session.ovs(source.node), session.cni(source.node)
    interface = session.run(
        ovs,
        (
            "ovs-vsctl",
            "--timeout=10",
            "--no-headings",
            "--columns=external_ids",
            "--format=json",
            "find",
            "Interface",
            f"external_ids:iface-id={source.lsp}",
        ),
    )
    netns = re.search(r'"pod_netns",\s*"([^"]+)"', interface.stdout)
    if not netns or not _NETNS.match(netns[1]):
        raise NoDestinationMac(
            f"The network namespace of {source.key} was not found on node {source.node}.",
            "Give the MAC address of the gateway.",
        )
    probe = (
        ("arping", "-c", "3", "-C", "1", "-i", "eth0", address)
        if ":" not in address
        else ("ndisc6", "-q", "-n", "-r", "3", "-1", address, "eth0")
    )
    asked = session.run(cni, ("timeout", "-k", "2", "8", "nsenter", f"--net={netns[1]}", *probe), timeout=12)
    macs = list(dict.fromkeys(m.lower() for m in _MAC.findall(asked.stdout)))
    if not macs:
        raise NoDestinationMac(
            f"{address} did not answer on the wire from {source.key}.",
            "Is the physical gateway up, and the VLAN right? Give its MAC address to trace all the same.",
        )
    also = f" ({len(macs)} answered; the first was taken)" if len(macs) > 1 else ""
    return _chosen(macs[0], f"{address} answered on the wire from {source.key}{also}.", interface, asked)


def _equal(text: str, wanted: ipaddress.IPv4Address | ipaddress.IPv6Address) -> bool:
    try:
        return ipaddress.ip_address(text.split("/")[0]) == wanted
    except ValueError:
        return False

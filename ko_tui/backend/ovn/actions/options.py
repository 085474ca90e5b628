"""Actions that carry options: DHCP, router advertisement, controller events.

Source of the option names: what ovn-northd writes to DHCP_Options and DHCPv6_Options, and ovn-sb(5).
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Literal, cast

from ko_tui.backend.ovn.actions.connections import endpoint
from ko_tui.backend.ovn.actions.reader import ActionReader, Target
from ko_tui.backend.ovn.actions.tree import Action, DhcpRelay, Option, PutOptions, TriggerEvent
from ko_tui.backend.ovn.expression.tree import AddressSet, Constant, PortGroup, StringConstant
from ko_tui.backend.ovn.lexer import ID, Format, Number

DHCP_OPTIONS: dict[str, str] = dict.fromkeys(
    [
        *("offerip", "netmask", "router", "dns_server", "log_server", "lpr_server", "swap_server"),
        *("policy_filter", "router_solicitation", "nis_server", "ntp_server", "server_id"),
        *("tftp_server_address", "broadcast_address", "netbios_name_server", "next_server"),
    ],
    "ipv4",
) | {
    "hostname": "str",
    "domain_name": "str",
    "bootfile_name": "str",
    "bootfile_name_alt": "str",
    "wpad": "str",
    "path_prefix": "str",
    "domain_search_list": "domains",
    "tftp_server": "host_id",
    "classless_static_route": "static_routes",
    "ms_classless_static_route": "static_routes",
    "ip_forward_enable": "bool",
    "router_discovery": "bool",
    "ethernet_encap": "bool",
    "default_ttl": "uint8",
    "tcp_ttl": "uint8",
    "netbios_node_type": "uint8",
    "mtu": "uint16",
    "lease_time": "uint32",
    "T1": "uint32",
    "T2": "uint32",
    "arp_cache_timeout": "uint32",
    "tcp_keepalive_interval": "uint32",
}
"""DHCPv4 option name -> type."""

DHCPV6_OPTIONS: dict[str, str] = {
    "server_id": "mac",
    "ia_addr": "ipv6",
    "dns_server": "ipv6",
    "domain_search": "str",
    "bootfile_name": "str",
    "bootfile_name_alt": "str",
    "fqdn": "domain",
}
"""DHCPv6 option name -> type."""

DHCPV6_SINCE_24_03 = frozenset({"bootfile_name", "bootfile_name_alt", "fqdn"})

ND_RA_OPTIONS: dict[str, str] = {
    "addr_mode": "str",
    "router_preference": "str",
    "slla": "mac",
    "prefix": "ipv6",
    "mtu": "uint32",
    "rdnss": "ipv6",
    "dnssl": "str",
    "route_info": "str",
}
"""Router advertisement option name -> type."""

EVENT_OPTIONS: dict[str, str] = {"vip": "str", "protocol": "str", "load_balancer": "str"}
EVENTS = ("empty_lb_backends",)

_TEXTUAL = ("str", "domains", "domain")
_ADDRESS_MODES = ("slaac", "dhcpv6_stateful", "dhcpv6_stateless")
_PREFERENCES = ("MEDIUM", "HIGH", "LOW")
_UUID = re.compile(r"[0-9a-fA-F]{8}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{12}\Z")


def put_dhcp_opts(reader: ActionReader, target: Target) -> Action:
    """``field = put_dhcp_opts(offerip = ..., ...)``."""
    start = reader.at
    options = _options(reader, target, DHCP_OPTIONS, "DHCPv4")
    if not any(option.name == "offerip" for option in options):
        reader.fail("put_dhcp_opts needs offerip", start)
    return PutOptions("put_dhcp_opts", target[1], options)


def put_dhcpv6_opts(reader: ActionReader, target: Target) -> Action:
    """``field = put_dhcpv6_opts(ia_addr = ..., ...)``."""
    return PutOptions("put_dhcpv6_opts", target[1], _options(reader, target, DHCPV6_OPTIONS, "DHCPv6"))


def put_nd_ra_opts(reader: ActionReader, target: Target) -> Action:
    """``field = put_nd_ra_opts(slla = ..., prefix = ..., ...)``."""
    start = reader.at
    options = _options(reader, target, ND_RA_OPTIONS, "router advertisement")
    names = {option.name for option in options}
    stateful = False
    for option in options:
        value = option.values[0]
        if len(option.values) > 1 or not _advertisable(option.name, value):
            reader.fail(f"the value of {option.name} is not valid", start)
        if option.name == "addr_mode" and isinstance(value, StringConstant):
            stateful = stateful or value.value == "dhcpv6_stateful"
    if "slla" not in names:
        reader.fail("put_nd_ra_opts needs slla", start)
    if not stateful and "prefix" not in names:
        reader.fail("put_nd_ra_opts needs prefix unless addr_mode is dhcpv6_stateful", start)
    return PutOptions("put_nd_ra_opts", target[1], options)


def _advertisable(name: str, value: object) -> bool:
    if isinstance(value, StringConstant):
        if name == "addr_mode":
            return value.value in _ADDRESS_MODES
        return value.value in _PREFERENCES if name == "router_preference" else True
    if not isinstance(value, Constant):
        return False
    if name == "prefix":
        return value.format is Format.IPV6 and value.mask is not None
    wanted = {"slla": Format.ETHERNET, "mtu": Format.DECIMAL, "rdnss": Format.IPV6}
    return value.format is wanted.get(name)


def _options(
    reader: ActionReader, target: Target, known: Mapping[str, str], family: str
) -> tuple[Option, ...]:
    reader.check(target, 1, reader.at)
    made: list[Option] = []
    while not reader.accept(")"):
        made.append(_option(reader, known, family))
        reader.accept(",")
    return tuple(made)


def _option(reader: ActionReader, known: Mapping[str, str], family: str) -> Option:
    name = reader.values[reader.at]
    if reader.kinds[reader.at] != ID or name not in known:
        reader.unexpected(f"the name of a {family} option")
    kind = known[cast(str, name)]
    if known is DHCPV6_OPTIONS and name in DHCPV6_SINCE_24_03 and not reader.since("24.03"):
        reader.unexpected(f"the name of a {family} option")
    reader.at += 1
    reader.expect("=")
    at = reader.at
    value = reader.constants()
    option = Option(cast(str, name), value)
    if any(isinstance(each, AddressSet | PortGroup) for each in option.values):
        reader.fail("an option cannot be an address set or a port group", at)
    textual = isinstance(option.values[0], StringConstant)
    if kind != "host_id" and textual is not (kind in _TEXTUAL):
        reader.fail(f"{name} must be a {'string' if kind in _TEXTUAL else 'number'}", at)
    return option


def trigger_event(reader: ActionReader) -> Action:
    """``trigger_event(event = "empty_lb_backends", vip = "...", ...)``."""
    reader.expect("(")
    reader.name_of("event")
    reader.expect("=")
    event = reader.string("an event's name in quotes")
    if event not in EVENTS:
        reader.fail(f"there is no event {event}", reader.at - 1)
    reader.accept(",")
    start = reader.at
    options: list[Option] = []
    while not reader.accept(")"):
        options.append(_option(reader, EVENT_OPTIONS, "event"))
        reader.accept(",")
    for option in options:
        value = option.values[0]
        if (
            len(option.values) > 1
            or not isinstance(value, StringConstant)
            or not _told(option.name, value.value)
        ):
            reader.fail(f"the value of {option.name} is not valid", start)
    return TriggerEvent(event, tuple(options))


def _told(name: str, value: str) -> bool:
    if name == "vip":
        return endpoint(value) is not None
    if name == "protocol":
        return value in ("tcp", "udp", "sctp")
    return _UUID.match(value) is not None


def dhcp_relay(
    kind: Literal["dhcp_relay_req_chk", "dhcp_relay_resp_chk"], reader: ActionReader, target: Target
) -> Action:
    """``field = dhcp_relay_req_chk(relay, server)``."""
    reader.check(target, 1, reader.at)
    relay = _ipv4(reader, "the relay's IPv4 address")
    reader.accept(",")
    server = _ipv4(reader, "the server's IPv4 address")
    reader.expect(")")
    return DhcpRelay(target[1], kind, relay, server)


def _ipv4(reader: ActionReader, wanted: str) -> Constant:
    number = reader.values[reader.at]
    if not isinstance(number, Number) or number.format is not Format.IPV4:
        reader.unexpected(wanted)
    reader.at += 1
    return Constant(number.value, Format.IPV4)

"""Port security as ovn-trace checks it (check_in_port_sec, check_out_port_sec; OVN 22.06 and later)."""

from __future__ import annotations

from collections.abc import Sequence

from ko_tui.backend.packet import link_local
from ko_tui.backend.simulate.packet_state import ETH_ARP, ETH_IP, ETH_IPV6, ICMPV6, UDP, State
from ko_tui.backend.simulate.southbound import AllowedAddresses

_BROADCAST4 = 0xFFFFFFFF


def denied_in(state: State, allowed: Sequence[AllowedAddresses]) -> bool:
    """Whether the packet may not come in from a port with this port security."""
    if not allowed:
        return False
    entry = next((a for a in allowed if a.mac == state["eth.src"]), None)
    if entry is None:
        return True
    kind = state["eth.type"]
    if kind == ETH_IP:
        return not _in_ip4(state, entry)
    if kind == ETH_ARP:
        return state["arp_sha"] != entry.mac or bool(entry.ipv4 and state["nw_src"] not in entry.ipv4)
    return kind == ETH_IPV6 and not _in_ip6(state, entry)


def denied_out(state: State, allowed: Sequence[AllowedAddresses]) -> bool:
    """Whether the packet may not go out to a port with this port security."""
    if not allowed:
        return False
    entry = next((a for a in allowed if a.mac == state["eth.dst"]), None)
    if entry is None:
        return True
    if not entry.ipv4 and not entry.ipv6:
        return False
    kind = state["eth.type"]
    if kind == ETH_IP:
        to = state["nw_dst"]
        return not entry.ipv4 or not (to in entry.ipv4 or to == _BROADCAST4 or to >> 28 == 0xE)
    if kind == ETH_IPV6:
        to = state["ipv6_dst"]
        return not entry.ipv6 or not (to in entry.ipv6 or to == link_local(entry.mac) or to >> 120 == 0xFF)
    return False


def _in_ip4(state: State, entry: AllowedAddresses) -> bool:
    if (not entry.ipv4 and not entry.ipv6) or state["nw_src"] in entry.ipv4:
        return True
    return (
        state["nw_proto"] == UDP
        and (state["tp_src"], state["tp_dst"]) == (68, 67)
        and (state["nw_src"], state["nw_dst"]) == (0, _BROADCAST4)
    )


def _in_ip6(state: State, entry: AllowedAddresses) -> bool:
    if not entry.ipv4 and not entry.ipv6:
        return True
    own = link_local(entry.mac)
    if state["ipv6_src"] not in entry.ipv6 and state["ipv6_src"] != own:
        return False
    if state["nw_proto"] != ICMPV6:
        return True
    if state["tp_src"] == 135:
        return state["arp_sha"] in (0, entry.mac)
    if state["tp_src"] == 136:
        if state["arp_tha"] not in (0, entry.mac):
            return False
        return not entry.ipv6 or state["nd_target"] in entry.ipv6 or state["nd_target"] == own
    return True

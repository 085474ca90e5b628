"""The packets that nested actions begin with: ``arp { ... }``, ``icmp4 { ... }``, ``tcp_reset { ... }`` and kin.

Facts: utilities/ovn-trace.c (execute_arp and what follows it), with what it gets wrong left as it is.
"""

from __future__ import annotations

from ko_tui.backend.simulate.packet_state import (
    ETH_ARP,
    ETH_IP,
    ICMP,
    ICMPV6,
    SCTP,
    TCP,
    State,
)

_RST = 4
_UNREACHABLE4, _UNREACHABLE6 = 3, 1
_SOLICITED_NODE = 0xFF02_0000_0000_0000_0000_0001_FF00_0000


def nested_packet(name: str, state: State) -> tuple[str, State] | None:
    """The header that ovn-trace prints and the packet that the nested actions see; None: nothing happens."""
    made = dict(state)
    if name == "clone":
        return "clone", made
    if name == "arp":
        made.update({"nw_frag": 0, "nw_tos": 0, "nw_ttl": 0, "tcp_flags": 0, "eth.type": ETH_ARP})
        made.update({"nw_proto": 1, "arp_sha": made["eth.src"], "arp_tha": 0})
        return "arp", made
    if name in ("nd_na", "nd_na_router"):
        made["eth.src"], made["eth.dst"] = state["eth.dst"], state["eth.src"]
        made["ipv6_dst"], made["ipv6_src"] = state["ipv6_src"], state["nd_target"]
        made.update({"tp_src": 136, "arp_sha": 0, "arp_tha": state["eth.dst"]})
        return "nd_na", made
    if name == "nd_ns":
        multicast = _SOLICITED_NODE | state["ipv6_dst"] & 0xFFFFFF
        made["eth.dst"] = 0x3333 << 32 | multicast & 0xFFFFFFFF
        made.update({"tp_src": 135, "arp_sha": 0, "arp_tha": state["eth.dst"]})
        return "nd_ns", made
    if name == "reject":
        return _reject(state)
    if name.startswith("icmp4"):
        return _icmp4(state, back=False)
    if name.startswith("icmp6"):
        return _icmp6(state, back=False)
    if name == "tcp_reset":
        return _tcp_reset(state, back=False)
    return _sctp_abort(state, back=False)


def _reject(state: State) -> tuple[str, State] | None:
    """``reject`` answers in the protocol of the packet, back to its sender."""
    if state["nw_proto"] == TCP:
        return _tcp_reset(state, back=True)
    if state["nw_proto"] == SCTP:
        return _sctp_abort(state, back=True)
    return _icmp4(state, back=True) if state["eth.type"] == ETH_IP else _icmp6(state, back=True)


def _turned(state: State, *, v4: bool, back: bool) -> State:
    made = dict(state)
    if back:
        source, destination = ("nw_src", "nw_dst") if v4 else ("ipv6_src", "ipv6_dst")
        made["eth.dst"], made["eth.src"] = state["eth.src"], state["eth.dst"]
        made[destination], made[source] = state[source], state[destination]
    return made


def _icmp4(state: State, *, back: bool) -> tuple[str, State] | None:
    if back and state["tp_src"] == _UNREACHABLE4:
        return None  # an answer is not answered
    made = _turned(state, v4=True, back=back)
    made.update({"nw_proto": ICMP, "nw_ttl": 255, "tp_src": _UNREACHABLE4, "tp_dst": 1})
    return "icmp4", made


def _icmp6(state: State, *, back: bool) -> tuple[str, State] | None:
    if back and state["tp_src"] == _UNREACHABLE6:
        return None
    made = _turned(state, v4=False, back=back)
    made.update({"nw_proto": ICMPV6, "nw_ttl": 255, "tp_src": _UNREACHABLE6, "tp_dst": 1})
    return "icmp6", made


def _tcp_reset(state: State, *, back: bool) -> tuple[str, State] | None:
    if back and state["tcp_flags"] == _RST:
        return None
    made = _turned(state, v4=state["eth.type"] == ETH_IP, back=back)
    made.update({"nw_proto": TCP, "nw_ttl": 255, "tcp_flags": _RST})
    return "tcp_reset", made


def _sctp_abort(state: State, *, back: bool) -> tuple[str, State] | None:
    if back and state["tcp_flags"] == _RST:
        return None
    v4 = state["eth.type"] == ETH_IP
    made = _turned(state, v4=v4, back=back)
    # For IPv6 ovn-trace makes it a TCP packet.
    made.update({"nw_proto": SCTP if v4 else TCP, "nw_ttl": 255, "tcp_flags": _RST})
    return "sctp_abort", made

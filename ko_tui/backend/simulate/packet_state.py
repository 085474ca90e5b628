"""The packet as it stands at some point of a trace: header fields, conntrack state and registers as numbers.

A state is a plain dict so that it copies and compares fast. Its keys are those of Open vSwitch's ``struct flow``:
TCP, UDP and SCTP ports and ICMP type and code share ``tp_src`` and ``tp_dst``, ARP shares the IPv4 addresses,
and so on, as ovn-trace's results depend on it. Facts: lib/flow.h, lib/meta-flow.c, OVN's lib/logical-fields.c.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from ko_tui.backend.ovn.symbols import Symbol, SymbolTable

State = dict[str, int]

ETH_IP, ETH_ARP, ETH_RARP, ETH_IPV6 = 0x0800, 0x0806, 0x8035, 0x86DD
ICMP, IGMP, TCP, UDP, ICMPV6, SCTP = 1, 2, 6, 17, 58, 132
CT_NEW, CT_EST, CT_REL, CT_RPL, CT_INV, CT_TRK, CT_SNAT, CT_DNAT = (1 << n for n in range(8))
FRAG_ANY, FRAG_LATER = 1, 2
LOOPBACK = 1 << 0
"""``flags.loopback``: the packet may leave by the port it came in by."""

_KEYS = """
eth.src eth.dst eth.type vlan.tci nw_src nw_dst ipv6_src ipv6_dst ipv6_label nw_proto nw_tos nw_ttl nw_frag tp_src
tp_dst tcp_flags arp_sha arp_tha nd_target pkt.mark
ct_state ct_mark ct_label ct_nw_proto ct_nw_src ct_nw_dst ct_ipv6_src ct_ipv6_dst ct_tp_src ct_tp_dst
xxreg0 xxreg1 xreg4 flags reg11 reg12 reg13 inport outport remote_outport
"""
EMPTY: State = dict.fromkeys(_KEYS.split(), 0)

Prerequisite = Literal[
    "", "arp", "ipv4", "ipv6", "ip", "tcp", "udp", "sctp", "icmp4", "icmp6", "nd", "ns", "na"
]


@dataclass(frozen=True, slots=True)
class Place:
    """Where a field lives: bits ``shift`` to ``shift + width - 1`` of ``key``.

    ``prerequisite`` is what Open vSwitch asks of the packet before it writes the field.
    """

    key: str
    shift: int
    width: int
    prerequisite: Prerequisite = ""
    register: bool = False

    @property
    def mask(self) -> int:
        return ((1 << self.width) - 1) << self.shift

    def read(self, state: State) -> int:
        return state[self.key] >> self.shift & ((1 << self.width) - 1)

    def write(self, state: State, value: int) -> None:
        """Write without asking for the prerequisite."""
        mask = self.mask
        state[self.key] = state[self.key] & ~mask | (value << self.shift & mask)


_PLACES: dict[str, Place] = {
    "eth.src": Place("eth.src", 0, 48),
    "eth.dst": Place("eth.dst", 0, 48),
    "eth.type": Place("eth.type", 0, 16),
    "vlan.tci": Place("vlan.tci", 0, 16),
    "ip.proto": Place("nw_proto", 0, 8, "ip"),
    "ip.dscp": Place("nw_tos", 2, 6, "ip"),
    "ip.ecn": Place("nw_tos", 0, 2, "ip"),
    "ip.ttl": Place("nw_ttl", 0, 8, "ip"),
    "ip.frag": Place("nw_frag", 0, 2, "ip"),
    "ip4.src": Place("nw_src", 0, 32, "ipv4"),
    "ip4.dst": Place("nw_dst", 0, 32, "ipv4"),
    "ip6.src": Place("ipv6_src", 0, 128, "ipv6"),
    "ip6.dst": Place("ipv6_dst", 0, 128, "ipv6"),
    "ip6.label": Place("ipv6_label", 0, 20, "ipv6"),
    "icmp4.type": Place("tp_src", 0, 8, "icmp4"),
    "icmp4.code": Place("tp_dst", 0, 8, "icmp4"),
    "icmp6.type": Place("tp_src", 0, 8, "icmp6"),
    "icmp6.code": Place("tp_dst", 0, 8, "icmp6"),
    "nd.target": Place("nd_target", 0, 128, "nd"),
    "nd.sll": Place("arp_sha", 0, 48, "ns"),
    "nd.tll": Place("arp_tha", 0, 48, "na"),
    "tcp.flags": Place("tcp_flags", 0, 12, "tcp"),
    "ct_state": Place("ct_state", 0, 32),
    "ct_mark": Place("ct_mark", 0, 32),
    "ct_label": Place("ct_label", 0, 128),
    "pkt.mark": Place("pkt.mark", 0, 32),
    "xxreg0": Place("xxreg0", 0, 128, register=True),
    "xxreg1": Place("xxreg1", 0, 128, register=True),
    "xreg4": Place("xreg4", 0, 64, register=True),
    "flags": Place("flags", 0, 32, register=True),
    "inport": Place("inport", 0, 32, register=True),
    "outport": Place("outport", 0, 32, register=True),
    "__inport": Place("inport", 0, 32, register=True),
    "__outport": Place("outport", 0, 32, register=True),
    "remote_outport": Place("remote_outport", 0, 32, register=True),
}
for _family in ("arp", "rarp"):
    _PLACES |= {
        f"{_family}.op": Place("nw_proto", 0, 16, "arp"),
        f"{_family}.spa": Place("nw_src", 0, 32, "arp"),
        f"{_family}.tpa": Place("nw_dst", 0, 32, "arp"),
        f"{_family}.sha": Place("arp_sha", 0, 48, "arp"),
        f"{_family}.tha": Place("arp_tha", 0, 48, "arp"),
    }
for _layer in ("tcp", "udp", "sctp"):
    _PLACES |= {
        f"{_layer}.src": Place("tp_src", 0, 16, _layer),
        f"{_layer}.dst": Place("tp_dst", 0, 16, _layer),
    }


def place_of(
    symbols: SymbolTable, name: str, low: int | None = None, high: int | None = None
) -> Place | None:
    """Where a symbol's bits live; None for predicates and for OVN's own fields, which no packet has."""
    symbol: Symbol | None = symbols.get(name)
    if symbol is None:
        return None
    first = low or 0
    width = symbol.width if high is None else high - first + 1
    while symbol.parent:
        first += symbol.low
        symbol = symbols[symbol.parent]
    base = _PLACES.get(symbol.name)
    if base is None:
        return None
    return Place(base.key, base.shift + first, width or base.width, base.prerequisite, base.register)


def is_ip(state: State) -> bool:
    return state["eth.type"] in (ETH_IP, ETH_IPV6)


def allows(prerequisite: Prerequisite, state: State) -> bool:
    """Whether Open vSwitch would write a field with this prerequisite."""
    if not prerequisite:
        return True
    kind, proto = state["eth.type"], state["nw_proto"]
    if prerequisite == "arp":
        return kind in (ETH_ARP, ETH_RARP)
    if prerequisite == "ipv4":
        return kind == ETH_IP
    if prerequisite == "ipv6":
        return kind == ETH_IPV6
    if prerequisite == "ip":
        return kind in (ETH_IP, ETH_IPV6)
    if prerequisite in ("tcp", "udp", "sctp"):
        wanted = {"tcp": TCP, "udp": UDP, "sctp": SCTP}[prerequisite]
        return is_ip(state) and proto == wanted and not state["nw_frag"] & FRAG_LATER
    if prerequisite == "icmp4":
        return kind == ETH_IP and proto == ICMP
    if kind != ETH_IPV6 or proto != ICMPV6:
        return False
    if prerequisite == "icmp6":
        return True
    message = state["tp_src"] if state["tp_dst"] == 0 else 0
    return message in {"nd": (135, 136), "ns": (135,), "na": (136,)}[prerequisite]


def register(state: State, index: int) -> int:
    """The 32-bit register ``reg<index>`` of OpenFlow (10 flags, 11 to 13 zones, 14 inport, 15 outport)."""
    if index < 4:
        return state["xxreg0"] >> 32 * (3 - index) & 0xFFFFFFFF
    if index < 8:
        return state["xxreg1"] >> 32 * (7 - index) & 0xFFFFFFFF
    if index < 10:
        return state["xreg4"] >> 32 * (9 - index) & 0xFFFFFFFF
    return state[("flags", "reg11", "reg12", "reg13", "inport", "outport")[index - 10]]


def clear_conntrack(state: State) -> None:
    """``ct_clear``."""
    for key in ("ct_state", "ct_mark", "ct_label", "ct_nw_proto", "ct_tp_src", "ct_tp_dst"):
        state[key] = 0
    if state["eth.type"] == ETH_IP:
        state["ct_nw_src"] = state["ct_nw_dst"] = 0
    elif state["eth.type"] == ETH_IPV6:
        state["ct_ipv6_src"] = state["ct_ipv6_dst"] = 0


def mac(value: int) -> str:
    """A MAC address as text."""
    return ":".join(f"{value >> shift & 255:02x}" for shift in range(40, -1, -8))

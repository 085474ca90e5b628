"""The packet as it is at one point of its way: header fields, registers, flags, connection state, as known text.

What is not known is said as ``?``, never guessed. Registers overlap (``xxreg0`` is ``reg0`` to ``reg3``), so they
are kept as bits; names are shown the way they were last written.
"""

from __future__ import annotations

import ipaddress
import re
from dataclasses import dataclass, field

UNKNOWN = "?"

_PLACE = re.compile(r"(x{0,2})reg(\d+)(?:\[(\d+)(?:\.\.(\d+))?\])?\Z")
_OPENFLOW = {
    "dl_src": "eth.src",
    "dl_dst": "eth.dst",
    "dl_type": "eth.type",
    "nw_src": "ip4.src",
    "nw_dst": "ip4.dst",
    "ipv6_src": "ip6.src",
    "ipv6_dst": "ip6.dst",
    "nw_ttl": "ip.ttl",
    "nw_proto": "ip.proto",
    "arp_spa": "arp.spa",
    "arp_tpa": "arp.tpa",
    "arp_sha": "arp.sha",
    "arp_tha": "arp.tha",
    "arp_op": "arp.op",
    "nd_target": "nd.target",
    "nd_sll": "nd.sll",
    "nd_tll": "nd.tll",
    "tcp_flags": "tcp.flags",
    "ct_state": "ct_state",
    "ct_mark": "ct_mark",
    "ct_label": "ct_label",
    "pkt_mark": "pkt.mark",
}
_PROTOCOLS = {
    "tcp": ("tcp", "IPv4"),
    "udp": ("udp", "IPv4"),
    "sctp": ("sctp", "IPv4"),
    "tcp6": ("tcp", "IPv6"),
    "udp6": ("udp", "IPv6"),
    "sctp6": ("sctp", "IPv6"),
    "icmp": ("icmp4", "IPv4"),
    "icmp6": ("icmp6", "IPv6"),
}
ADDRESSES = ("ip4.src", "ip4.dst", "ip6.src", "ip6.dst")
TRANSPORTS = ("tcp", "udp", "sctp")


@dataclass(frozen=True, slots=True)
class Place:
    """The bits of a register name in one numbering over all registers: ``low`` is the least significant one."""

    low: int
    width: int

    def overlaps(self, other: Place) -> bool:
        """Whether the two share a bit."""
        return self.low < other.low + other.width and other.low < self.low + self.width


def place_of(name: str) -> Place | None:
    """Where a register name lives, or None for a name that is no register.

    Registers are numbered downwards so that the parts of a wide one keep their order: reg0 is the most
    significant quarter of xxreg0.
    """
    found = _PLACE.match(name)
    if found is None:
        return None
    size = {"": 1, "x": 2, "xx": 4}[found[1]]
    low, high = (int(found[3]), int(found[4] or found[3])) if found[3] else (0, 32 * size - 1)
    last = (int(found[2]) + 1) * size  # registers up to and with this one
    return Place((16 - last) * 32 + low, high - low + 1)


def as_number(text: str) -> int | None:
    """The number behind a constant in any of OVN's spellings (address, MAC, decimal, hexadecimal)."""
    try:
        if re.fullmatch(r"(?:[0-9a-fA-F]{1,2}:){5}[0-9a-fA-F]{1,2}", text):
            return int("".join(part.zfill(2) for part in text.split(":")), 16)
        if "." in text or ":" in text:
            return int(ipaddress.ip_address(text))
        return int(text, 16) if text.lower().startswith("0x") else int(text)
    except ValueError:
        return None


@dataclass(slots=True)
class RunningPacket:
    """Fields by OVN's names. ``bits`` and ``known`` are the registers as one number and which bits are known."""

    fields: dict[str, str] = field(default_factory=dict)
    registers: dict[str, str] = field(default_factory=dict)
    bits: int = 0
    unknown: int = 0
    stack: list[str] = field(default_factory=list)

    def copy(self) -> RunningPacket:
        """An independent packet with the same values."""
        return RunningPacket(
            dict(self.fields), dict(self.registers), self.bits, self.unknown, list(self.stack)
        )

    def view(self) -> dict[str, str]:
        """All names and values, header fields first."""
        return {**self.fields, **self.registers}

    def read(self, name: str) -> str:
        """The value of a field or register; ``?`` when it is not known. Unset registers and flags are 0."""
        place = place_of(name)
        if place is not None:
            mask = ((1 << place.width) - 1) << place.low
            if self.unknown & mask:
                return UNKNOWN
            return self.registers.get(name) or str((self.bits & mask) >> place.low)
        if name.startswith("flags."):
            return self.registers.get(name, "0")
        return self.fields.get(name, UNKNOWN)

    def write(self, name: str, value: str) -> None:
        """Give a field or register a value in OVN's spelling, ``?`` for one that is not known."""
        place = place_of(name)
        if place is None:
            (self.registers if name.startswith("flags") else self.fields)[name] = value
            return
        mask = ((1 << place.width) - 1) << place.low
        for other in [o for o in self.registers if (p := place_of(o)) is not None and p.overlaps(place)]:
            if other != name:
                del self.registers[other]
        self.registers[name] = value
        number = as_number(value)
        if number is None:
            self.unknown |= mask
            return
        self.unknown &= ~mask
        self.bits = (self.bits & ~mask) | (number << place.low & mask)

    def clear_registers(self) -> None:
        """Forget registers and flags, as at the start of a pipeline."""
        self.registers.clear()
        self.bits = self.unknown = 0

    def add_state(self, names: set[str], without: set[str]) -> None:
        """Learn bits of ct_state (``new``, ``trk``) and that others are not set."""
        known = self.fields.get("ct_state", "")
        now = {part for part in known.split("|") if part and part != UNKNOWN}
        now = (now | names) - without
        if names - {"trk"}:
            now.add("trk")
        order = ("new", "est", "rel", "rpl", "inv", "trk", "snat", "dnat")
        self.fields["ct_state"] = "|".join(sorted(now, key=order.index)) if now else UNKNOWN

    @property
    def transport(self) -> str:
        """``tcp``, ``udp`` or ``sctp``; empty for others."""
        return next((name for name in TRANSPORTS if f"{name}.dst" in self.fields), "")

    @property
    def family(self) -> str:
        """``ip4`` or ``ip6``; empty for others."""
        return next((name for name in ("ip4", "ip6") if f"{name}.dst" in self.fields), "")

    def endpoint(self, side: str) -> str:
        """``10.16.0.4:53`` or ``[fd00::1]:53`` of ``src`` or ``dst``; empty when the packet is not IP."""
        if not self.family:
            return ""
        address = self.fields.get(f"{self.family}.{side}", UNKNOWN)
        port = self.fields.get(f"{self.transport}.{side}", "") if self.transport else ""
        if not port:
            return address
        return f"[{address}]:{port}" if self.family == "ip6" else f"{address}:{port}"


def packet_from_flow(flow: str) -> RunningPacket:
    """The packet that ovn-trace's first line tells in OpenFlow's spelling (``udp,dl_src=...,nw_dst=...``)."""
    packet = RunningPacket()
    protocol = ""
    pairs: dict[str, str] = {}
    for item in re.split(r",\s*", flow.strip().removeprefix("#").strip()):
        name, equals, value = item.partition("=")
        if equals:
            pairs[name] = value
        elif name in _PROTOCOLS:
            protocol = _PROTOCOLS[name][0]
    for name, value in pairs.items():
        if own := _OPENFLOW.get(name):
            packet.fields[own] = value
    for side in ("src", "dst"):
        if protocol in TRANSPORTS and f"tp_{side}" in pairs:
            packet.fields[f"{protocol}.{side}"] = pairs[f"tp_{side}"]
    if protocol in ("icmp4", "icmp6"):
        for own, other in (("type", "icmp_type"), ("code", "icmp_code")):
            if other in pairs:
                packet.fields[f"{protocol}.{own}"] = pairs[other]
    return packet

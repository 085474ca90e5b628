"""A captured packet in one line: addresses, ports, flags, and what Geneve carries inside.

Formats: RFC 791, 8200, 9293, 768, 792, 4443, 826, 8926 (Geneve), IEEE 802.1Q. What is not understood is named by
its number; a packet cut short says so.
"""

from __future__ import annotations

import ipaddress
import struct
from dataclasses import dataclass

from ko_tui.backend.capture.pcap import (
    LINKTYPE_ETHERNET,
    LINKTYPE_LINUX_SLL,
    LINKTYPE_LINUX_SLL2,
    CapturedPacket,
)

GENEVE_PORT = 6081
_ICMP4 = {0: "echo reply", 3: "unreachable", 5: "redirect", 8: "echo request", 11: "time exceeded"}
_ICMP6 = {
    1: "unreachable",
    2: "packet too big",
    3: "time exceeded",
    128: "echo request",
    129: "echo reply",
    133: "router solicitation",
    134: "router advertisement",
    135: "neighbour solicitation",
    136: "neighbour advertisement",
}
_FLAGS = ((0x02, "SYN"), (0x10, "ACK"), (0x01, "FIN"), (0x04, "RST"), (0x08, "PSH"), (0x20, "URG"))


@dataclass(frozen=True, slots=True)
class Decoded:
    """``protocol`` is the innermost that was understood; ``source`` and ``destination`` hold ports where there are."""

    protocol: str
    source: str
    destination: str
    info: str
    vlan: int | None = None
    tunnel: str = ""  # outer header of a Geneve packet: "geneve vni 3 172.18.0.2 -> 172.18.0.3"

    def line(self) -> str:
        vlan = f"vlan {self.vlan} " if self.vlan is not None else ""
        inner = f"{vlan}{self.protocol} {self.source} > {self.destination} {self.info}".rstrip()
        return f"{self.tunnel} | {inner}" if self.tunnel else inner


class _Short(Exception):
    """The packet ends before its header does."""


def decode(packet: CapturedPacket) -> Decoded:
    """Never raises: a packet that cannot be read is described as far as it could be."""
    try:
        if packet.linktype == LINKTYPE_LINUX_SLL:
            return _network(_u16(packet.content, 14), packet.content[16:], "", "", None)
        if packet.linktype == LINKTYPE_LINUX_SLL2:
            return _network(_u16(packet.content, 0), packet.content[20:], "", "", None)
        if packet.linktype == LINKTYPE_ETHERNET:
            return _ethernet(packet.content)
    except _Short:
        return Decoded("?", "", "", f"cut short at {len(packet.content)} bytes")
    return Decoded("?", "", "", f"link type {packet.linktype}, {packet.length} bytes")


def _u16(content: bytes, at: int) -> int:
    return int.from_bytes(_take(content, at, 2))


def _take(content: bytes, at: int, size: int) -> bytes:
    part = content[at : at + size]
    if len(part) < size:
        raise _Short
    return part


def _mac(part: bytes) -> str:
    return part.hex(":")


def _ethernet(content: bytes) -> Decoded:
    destination, source = _mac(_take(content, 0, 6)), _mac(_take(content, 6, 6))
    kind, at, vlan = _u16(content, 12), 14, None
    while kind in (0x8100, 0x88A8):
        vlan = _u16(content, at) & 0xFFF
        kind, at = _u16(content, at + 2), at + 4
    return _network(kind, content[at:], source, destination, vlan)


def _network(kind: int, content: bytes, source: str, destination: str, vlan: int | None) -> Decoded:
    if kind == 0x0800:
        return _ipv4(content, vlan)
    if kind == 0x86DD:
        return _ipv6(content, vlan)
    if kind == 0x0806:
        return _arp(content, vlan)
    return Decoded(f"0x{kind:04x}", source, destination, f"{len(content)} bytes", vlan)


def _arp(content: bytes, vlan: int | None) -> Decoded:
    operation = _u16(content, 6)
    sha, spa = _mac(_take(content, 8, 6)), str(ipaddress.IPv4Address(_take(content, 14, 4)))
    tpa = str(ipaddress.IPv4Address(_take(content, 24, 4)))
    info = {1: f"who has {tpa}? tell {spa} ({sha})", 2: f"{spa} is at {sha}"}.get(
        operation, f"op {operation}"
    )
    return Decoded("arp", spa, tpa, info, vlan)


def _ipv4(content: bytes, vlan: int | None) -> Decoded:
    head = _take(content, 0, 20)
    size = (head[0] & 15) * 4
    source, destination = str(ipaddress.IPv4Address(head[12:16])), str(ipaddress.IPv4Address(head[16:20]))
    offset = _u16(head, 6) & 0x1FFF
    if offset:
        return Decoded("ip", source, destination, f"fragment at {offset * 8}", vlan)
    return _transport(head[9], content[size:], source, destination, f"ttl {head[8]}", vlan)


def _ipv6(content: bytes, vlan: int | None) -> Decoded:
    head = _take(content, 0, 40)
    source, destination = str(ipaddress.IPv6Address(head[8:24])), str(ipaddress.IPv6Address(head[24:40]))
    following, at = head[6], 40
    while following in (0, 43, 60):  # hop-by-hop, routing, destination options
        following, at = _take(content, at, 2)[0], at + 8 + content[at + 1] * 8
    return _transport(following, content[at:], source, destination, f"hlim {head[7]}", vlan)


def _transport(
    protocol: int, content: bytes, source: str, destination: str, life: str, vlan: int | None
) -> Decoded:
    if protocol in (6, 17, 132):
        name = {6: "tcp", 17: "udp", 132: "sctp"}[protocol]
        sport, dport = _u16(content, 0), _u16(content, 2)
        if protocol == 17 and dport == GENEVE_PORT:
            return _geneve(content[8:], source, destination)
        info = f"{max(0, len(content) - 8)} bytes {life}"
        if protocol == 6:
            _, _, offset, flags = struct.unpack("!IIBB", _take(content, 4, 10))
            named = ",".join(word for bit, word in _FLAGS if flags & bit) or "no flags"
            info = f"[{named}] {max(0, len(content) - (offset >> 4) * 4)} bytes {life}"
        ends = (_with_port(source, sport), _with_port(destination, dport))
        return Decoded(name, *ends, info, vlan)
    if protocol in (1, 58):
        kind, code = _take(content, 0, 2)
        names = _ICMP4 if protocol == 1 else _ICMP6
        info = names.get(kind, f"type {kind}") + (f" code {code}" if code else "")
        if "echo" in info:
            info += f" id {_u16(content, 4)} seq {_u16(content, 6)}"
        elif protocol == 58 and kind in (135, 136):
            info += f" {ipaddress.IPv6Address(_take(content, 8, 16))}"
        return Decoded("icmp" if protocol == 1 else "icmp6", source, destination, f"{info} {life}", vlan)
    return Decoded(f"ip proto {protocol}", source, destination, f"{len(content)} bytes {life}", vlan)


def _geneve(content: bytes, source: str, destination: str) -> Decoded:
    head = _take(content, 0, 8)
    options = (head[0] & 0x3F) * 4
    vni = int.from_bytes(head[4:7])
    inner = _ethernet(content[8 + options :])
    tunnel = f"geneve vni {vni} {source} > {destination}"
    return Decoded(inner.protocol, inner.source, inner.destination, inner.info, inner.vlan, tunnel)


def _with_port(address: str, port: int) -> str:
    return f"[{address}]:{port}" if ":" in address else f"{address}:{port}"

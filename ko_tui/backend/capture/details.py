"""A captured packet whole: what was understood of it, and the bytes that were kept."""

from __future__ import annotations

import re

from ko_tui.backend.capture.capture import Seen
from ko_tui.backend.capture.pcap import clock

ROW = 16  # bytes a line
_ENDS = re.compile(r"^(?:\[(?P<six>[^\]]+)\]|(?P<four>[\d.]+)):(?P<port>\d+)$")
TRACED = frozenset({"tcp", "udp", "sctp", "icmp", "icmp6"})


def details(seen: Seen) -> str:
    """The packet as text of several lines, for people."""
    packet, decoded = seen.packet, seen.decoded
    kept = len(packet.content)
    cut = f", {kept} of them kept" if kept < packet.length else ""
    facts = {
        "time": clock(packet.time),
        "seen at": seen.endpoint.key + (f" on {seen.endpoint.node}" if seen.endpoint.node else ""),
        "length": f"{packet.length} bytes{cut}",
        "tunnel": decoded.tunnel,
        "vlan": "" if decoded.vlan is None else str(decoded.vlan),
        "protocol": decoded.protocol,
        "from": decoded.source,
        "to": decoded.destination,
        "says": decoded.info,
    }
    lines = [f"{name:<9} {value}" for name, value in facts.items() if value]
    return "\n".join([*lines, "", *hexdump(packet.content)]) + "\n"


def hexdump(content: bytes) -> list[str]:
    """Rows of offset, bytes in hexadecimal, and what of them is ASCII."""
    rows = []
    for at in range(0, len(content), ROW):
        part = content[at : at + ROW]
        shown = "".join(chr(byte) if 32 <= byte < 127 else "." for byte in part)
        rows.append(f"{at:04x}  {part.hex(' ', 2):<{ROW * 2 + ROW // 2}} {shown}")
    return rows


def address_and_port(end: str) -> tuple[str, int]:
    """``10.16.0.5:80`` or ``[fd00::5]:80`` or an address alone; port 0 when there is none."""
    found = _ENDS.match(end)
    return (found["six"] or found["four"], int(found["port"])) if found else (end, 0)


def traced_as(seen: Seen, source: str) -> str:
    """The packet as a trace in one line, from the endpoint ``source``; "" for what cannot be traced."""
    decoded = seen.decoded
    if decoded.protocol not in TRACED:
        return ""
    address, port = address_and_port(decoded.destination)
    there = f"[{address}]:{port}" if port and ":" in address else f"{address}:{port}" if port else address
    return f"{source} -> {there} {'icmp' if decoded.protocol == 'icmp6' else decoded.protocol}"

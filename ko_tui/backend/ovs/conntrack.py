"""Connections as ``dpctl/dump-conntrack`` prints them (ovs-vswitchd(8)), and the zones that they are kept in."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from ko_tui.backend.ovs.datapath import split_actions

_ZONE = re.compile(r"^(?P<name>.+) (?P<zone>\d+)$")


@dataclass(frozen=True, slots=True)
class Direction:
    """Packets of one direction. Ports are None where the protocol has none; an ICMP echo has ``icmp_id``."""

    source: str = ""
    destination: str = ""
    source_port: int | None = None
    destination_port: int | None = None
    icmp_id: int | None = None
    icmp_type: int | None = None
    packets: int | None = None
    bytes: int | None = None


@dataclass(frozen=True, slots=True)
class Connection:
    """One entry. ``reply`` is what an answer looks like on the wire before it is translated back.

    ``state`` is TCP's or SCTP's own; ``timeout`` in seconds, when -s was given. ``known`` is False for a line that
    could not be taken apart.
    """

    raw: str
    protocol: str = ""
    original: Direction = Direction()
    reply: Direction = Direction()
    zone: int = 0
    mark: int = 0
    labels: str = ""
    state: str = ""
    timeout: int | None = None
    known: bool = True

    @property
    def destination_nat(self) -> tuple[str, int | None] | None:
        """What the destination was rewritten to (address, port), as a load balancer does; None when it was not."""
        there = (self.reply.source, self.reply.source_port)
        return there if there != (self.original.destination, self.original.destination_port) else None

    @property
    def source_nat(self) -> tuple[str, int | None] | None:
        """What the source was rewritten to (address, port); None when it was not."""
        here = (self.reply.destination, self.reply.destination_port)
        return here if here != (self.original.source, self.original.source_port) else None

    def belongs(
        self,
        protocol: str,
        source: str,
        destination: str,
        source_port: int | None = None,
        destination_port: int | None = None,
    ) -> bool:
        """Is a packet with these addresses of this connection, in its first direction or its reply's? A port that
        is None fits any."""
        if protocol != self.protocol:
            return False
        return any(
            (way.source, way.destination) == (source, destination)
            and source_port in (None, way.source_port)
            and destination_port in (None, way.destination_port)
            for way in (self.original, self.reply)
        )


def parse_connection(line: str) -> Connection:
    """One line; never raises."""
    protocol, *parts = split_actions(line.strip()) or [""]
    facts = {name: rest for name, equals, rest in (part.partition("=") for part in parts) if equals}
    if "orig" not in facts or "reply" not in facts:
        return Connection(line, known=False)
    state = re.search(r"state=([A-Z0-9_]+)", facts.get("protoinfo", ""))
    # Each end may have a state of its own (-m): then they are told apart by their direction.
    ends = re.findall(r"state_(?:orig|reply)=([A-Z0-9_]+)", facts.get("protoinfo", ""))
    return Connection(
        raw=line,
        protocol=protocol,
        original=_direction(facts["orig"]),
        reply=_direction(facts["reply"]),
        zone=_number(facts.get("zone")) or 0,
        mark=_number(facts.get("mark")) or 0,
        labels=facts.get("labels", ""),
        state=state[1] if state else "/".join(ends),
        timeout=_number(facts.get("timeout")),
    )


def parse_connections(text: str) -> Iterator[Connection]:
    """Every connection of a dump; other lines are passed over."""
    for line in text.splitlines():
        if ",orig=(" in line:
            yield parse_connection(line)


def parse_zones(text: str) -> dict[str, int]:
    """``ovn-appctl -t ovn-controller ct-zone-list``: logical port, or datapath with ``_snat`` or ``_dnat`` -> zone."""
    found = (_ZONE.match(line) for line in text.splitlines())
    return {zone["name"]: int(zone["zone"]) for zone in found if zone}


def _direction(text: str) -> Direction:
    parts = (part.partition("=") for part in text.strip("()").split(","))
    facts = {name: rest for name, _, rest in parts}
    return Direction(
        facts.get("src", ""),
        facts.get("dst", ""),
        _number(facts.get("sport")),
        _number(facts.get("dport")),
        _number(facts.get("id")),
        _number(facts.get("type")),
        _number(facts.get("packets")),
        _number(facts.get("bytes")),
    )


def _number(text: str | None) -> int | None:
    try:
        return int(text, 0) if text else None
    except ValueError:
        return None

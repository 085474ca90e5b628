"""Flows of the datapath itself as ``dpctl/dump-flows`` prints them (ovs-dpctl(8)), and what datapath actions do.

A datapath flow is what packets really met in the last seconds: it is made from OpenFlow when the first of them comes.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

_FLOW = re.compile(
    r"^(?:ufid:(?P<ufid>[0-9a-f-]{36}), ?)?(?P<match>\S.*?), packets:(?P<packets>\d+), bytes:(?P<bytes>\d+), "
    r"used:(?P<used>never|[\d.]+s)(?P<more>(?:, (?!actions:)[a-z_-]+:[^ ]*)*), actions:(?P<actions>.*?)"
    r"(?:, dp-extra-info:(?P<extra>.*))?$"
)
# A word without brackets is a port (by number, or by name: Kube-OVN's veths are called 4d2a8dad4081_h), but these.
_NO_PORT = re.compile(r".*[(=<]|(?:drop|ct_clear|ct|pop_vlan|pop_eth|pop_nsh)$")
_HOLD_ACTIONS = frozenset({"clone", "check_pkt_len", "gt", "le"})
DEEPEST = 20  # actions within actions


@dataclass(frozen=True, slots=True)
class DatapathFlow:
    """One flow. ``used`` is seconds since the last packet, None for never; ``tcp_flags`` those seen so far.

    ``known`` is False for a line that could not be taken apart: then only ``raw`` is filled.
    """

    raw: str
    match: str = ""
    actions: str = ""
    packets: int = 0
    bytes: int = 0
    used: float | None = None
    ufid: str = ""
    tcp_flags: str = ""
    offloaded: bool = False
    known: bool = True

    @property
    def fields(self) -> dict[str, str]:
        """The match by field: ``in_port`` -> ``6``, ``ipv4`` -> ``dst=172.18.0.2,frag=no``."""
        parts = (part.partition("(") for part in split_actions(self.match))
        return {name: rest.removesuffix(")") for name, _, rest in parts}

    @property
    def recirculation(self) -> int:
        """The pass through the switch that it belongs to: 0 is the first."""
        found = re.match(r"0x[0-9a-f]+|\d+", self.fields.get("recirc_id", "0"))
        return int(found[0], 0) if found else 0

    @property
    def outputs(self) -> list[str]:
        """The ports that its packets leave by, by number or name."""
        return output_ports(self.actions)

    @property
    def drops(self) -> bool:
        """Nothing is done with its packets. An empty list of actions is how some datapaths say so."""
        return self.actions in ("drop", "")


def parse_flow(line: str) -> DatapathFlow:
    """One line; never raises."""
    found = _FLOW.match(line.strip())
    if found is None:
        return DatapathFlow(line, known=False)
    more = dict(part.split(":", 1) for part in found["more"].split(", ") if ":" in part)
    return DatapathFlow(
        raw=line,
        match=found["match"],
        actions=found["actions"],
        packets=int(found["packets"]),
        bytes=int(found["bytes"]),
        used=None if found["used"] == "never" else float(found["used"][:-1]),
        ufid=found["ufid"] or "",
        tcp_flags=more.get("flags", ""),
        offloaded=more.get("offloaded", "") in ("yes", "partial"),
    )


def parse_dump(text: str) -> Iterator[DatapathFlow]:
    """Every flow of a dump; what is said between them (``flow-dump from the main thread:``) is passed over."""
    for line in text.splitlines():
        if ", actions:" in line:
            yield parse_flow(line)


def split_actions(text: str) -> list[str]:
    """Actions (or fields of a match) at the top level: ``ct(zone=24,nat),recirc(0x3)`` -> two."""
    found, depth, start = [], 0, 0
    for at, character in enumerate(text):
        if character == "(":
            depth += 1
        elif character == ")":
            depth -= 1
        elif character == "," and depth == 0:
            found.append(text[start:at])
            start = at + 1
    found.append(text[start:])
    return [word for word in found if word]


def carried_out(actions: str, depth: int = 0) -> Iterator[str]:
    """Actions in order, those within ``clone`` and ``check_pkt_len`` too; a ``sample`` is no way of the packet."""
    for word in split_actions(actions):
        name, bracket, rest = word.partition("(")
        if bracket and name in _HOLD_ACTIONS and depth < DEEPEST:
            yield from carried_out(rest.removesuffix(")"), depth + 1)
        else:
            yield word


def output_ports(actions: str) -> list[str]:
    """The ports that datapath actions send to, each once, in order."""
    return list(dict.fromkeys(word for word in carried_out(actions) if not _NO_PORT.match(word)))

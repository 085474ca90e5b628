"""OpenFlow as ``ovs-ofctl dump-flows`` prints it (ovs-ofctl(8)): a cheap split of every line, the meaning on demand.

The selected flow is decoded by the ``ovs`` package's own decoder (ovs.flow), which knows every field and action.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

_HEAD = re.compile(
    r"^\s*cookie=(?P<cookie>0x[0-9a-f]+), (?:duration=(?P<duration>[\d.]+)s, )?table=(?P<table>[\w-]+), "
    r"(?:n_packets=(?P<packets>\d+), n_bytes=(?P<bytes>\d+), )?(?P<rest>.*)$"
)
_STRIPPED = re.compile(
    r"^\s*(?:cookie=(?P<cookie>0x[0-9a-f]+), ?)?(?:table=(?P<table>[\w-]+), ?)?(?P<rest>.*actions=.*)$"
)
_AGES = re.compile(
    r"^(?:(?:idle_age|hard_age|idle_timeout|hard_timeout|importance|send_flow_rem|reset_counts)(?:=\d+)?, ?)*"
)
_PRIORITY = re.compile(r"^priority=(\d+),?")


@dataclass(frozen=True, slots=True)
class OpenFlow:
    """One flow. ``cookie`` has eight digits (the first of an SB row's UUID; zeros are not printed by the tool);
    ``packets`` and ``bytes`` are None when the line carries no counters."""

    raw: str
    cookie: str
    table: int | None
    priority: int
    match: str
    actions: str
    packets: int | None = None
    bytes: int | None = None
    duration: float | None = None  # seconds
    known: bool = True

    @property
    def key(self) -> tuple[int | None, int, str]:
        """What identifies a flow on a switch: table, priority and match."""
        return self.table, self.priority, self.match


def parse_line(line: str) -> OpenFlow:
    """One line of dump-flows; never raises: ``known`` is False for a line that is no flow."""
    found = _HEAD.match(line) or _STRIPPED.match(line)
    if found is None or "actions=" not in line:
        return OpenFlow(line, "", None, 0, "", "", known=False)
    groups = found.groupdict()
    rest = groups["rest"]
    rest = rest[_AGES.match(rest).end() :]  # type: ignore[union-attr]  # the pattern matches the empty text too
    match, _, actions = rest.partition("actions=")
    match = match.rstrip(" ,")
    priority = 32768  # ovs-ofctl(8): the default, which is not printed
    if (given := _PRIORITY.match(match)) is not None:
        priority, match = int(given[1]), match[given.end() :]
    table = groups["table"]
    return OpenFlow(
        raw=line,
        cookie=(groups["cookie"] or "0x0")[2:].zfill(8),
        table=int(table) if table and table.isdigit() else None if table else 0,
        priority=priority,
        match=match,
        actions=actions,
        packets=int(groups["packets"]) if groups.get("packets") else None,
        bytes=int(groups["bytes"]) if groups.get("bytes") else None,
        duration=float(groups["duration"]) if groups.get("duration") else None,
    )


def parse_dump(text: str) -> Iterator[OpenFlow]:
    """Every flow of a dump; headers (``NXST_FLOW reply``) and blank lines are passed over."""
    for line in text.splitlines():
        if "actions=" in line:
            yield parse_line(line)


def decode(flow: OpenFlow) -> dict[str, Any]:
    """Fields and actions by the ``ovs`` package: ``match`` (name -> text) and ``actions`` (name, text) in order.

    Raises ValueError when that decoder does not know the line.
    """
    from ovs.flow.ofp import OFPFlow

    try:
        decoded: Any = OFPFlow(flow.raw.strip())  # type: ignore[no-untyped-call]
        return {
            "match": {kv.key: str(kv.value) for kv in decoded.match_kv},
            "actions": [(kv.key, str(kv.value)) for kv in decoded.actions_kv],
        }
    except Exception as error:  # the decoder raises many kinds
        raise ValueError(f"not decoded: {error}") from error


@dataclass(frozen=True, slots=True)
class Rate:
    """A flow with what it counted since the last look: packets per second, None at the first look."""

    flow: OpenFlow
    per_second: float | None


def rates(before: Sequence[OpenFlow], now: Sequence[OpenFlow], seconds: float) -> list[Rate]:
    """Compare two dumps taken ``seconds`` apart; the hottest first, then by packets."""
    old = {flow.key: flow.packets for flow in before}
    found = []
    for flow in now:
        last = old.get(flow.key)
        rate = None
        if last is not None and flow.packets is not None and seconds > 0:
            rate = max(0, flow.packets - last) / seconds
        found.append(Rate(flow, rate))
    return sorted(found, key=lambda r: (-(r.per_second or 0.0), -(r.flow.packets or 0)))

"""How many packets the flows on a traced packet's way have counted, on the nodes where it goes.

A flow is found in a node's dump as ofproto/trace named it: by table, priority and match. A flow that a trace names but
the dump has not (it was made anew meanwhile) is counted by its cookie.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from ko_tui.backend.cluster.rows import check
from ko_tui.backend.command.run import CommandRun
from ko_tui.backend.ovs.openflow import OpenFlow, parse_dump
from ko_tui.backend.source.interface import Cancel
from ko_tui.backend.tracing.datapath_model import DatapathTrace, Step

if TYPE_CHECKING:
    from ko_tui.backend.session import Session

SECONDS = 90


@dataclass(frozen=True, slots=True)
class Count:
    """Packets of one lookup's flow. ``grown`` is what came since the look before, None at the first look."""

    packets: int
    grown: int | None = None


@dataclass(slots=True)
class LiveCounts:
    """``stages``: stage of the logical trace -> count; ``steps``: (pass, lookup) -> count. ``taken_at`` in
    time.time() seconds."""

    taken_at: float
    stages: dict[int, Count] = field(default_factory=dict)
    steps: dict[tuple[int, int], Count] = field(default_factory=dict)
    nodes: tuple[str, ...] = ()
    runs: tuple[CommandRun, ...] = ()
    seconds: float | None = None  # since the look before

    @property
    def grown(self) -> bool:
        """Whether anything was counted since the look before."""
        return any(count.grown for count in self.steps.values())


def live_counts(
    session: Session, trace: DatapathTrace, before: LiveCounts | None = None, *, cancel: Cancel | None = None
) -> LiveCounts:
    """Look at every node on the way; ``before`` is an earlier look at the same trace. Raises ClusterError kinds."""
    nodes = tuple(dict.fromkeys(part.node for part in trace.passes))
    dumps: dict[str, Sequence[OpenFlow]] = {}
    runs = []
    for node in nodes:
        argv = ("ovs-ofctl", "--timeout=60", "--no-names", "dump-flows", "br-int")
        run = check(session.run(session.ovs(node), argv, timeout=SECONDS, cancel=cancel))
        runs.append(run)
        dumps[node] = tuple(parse_dump(run.stdout))
    found = LiveCounts(time.time(), nodes=nodes, runs=tuple(runs))
    if before is not None:
        found.seconds = found.taken_at - before.taken_at
    for node in nodes:
        _count(found, trace, node, dumps[node], before)
    return found


def _count(
    found: LiveCounts, trace: DatapathTrace, node: str, flows: Sequence[OpenFlow], before: LiveCounts | None
) -> None:
    exact = {(f.table, f.priority, _plain(f.match)): f.packets or 0 for f in flows}
    by_cookie: Counter[tuple[int | None, str]] = Counter()
    for flow in flows:
        by_cookie[flow.table, flow.cookie] += flow.packets or 0
    for number, part in enumerate(trace.passes):
        if part.node != node:
            continue
        for at, step in enumerate(part.steps):
            packets = _packets(step, exact, by_cookie)
            if packets is None:
                continue
            last = before.steps.get((number, at)) if before is not None else None
            # A flow that was made anew begins to count again.
            grown = None if last is None else max(0, packets - last.packets)
            found.steps[number, at] = Count(packets, grown)
            if step.at >= 0:
                found.stages[step.at] = found.steps[number, at]


def _packets(
    step: Step,
    exact: dict[tuple[int | None, int, str], int],
    by_cookie: Counter[tuple[int | None, str]],
) -> int | None:
    rule = step.rule
    if step.bridge != "br-int" or rule.no_match or rule.priority is None:
        return None
    known = exact.get((rule.table, rule.priority, _plain(rule.match)))
    if known is not None:
        return known
    key = (rule.table, rule.cookie)
    return by_cookie[key] if step.uuid and key in by_cookie else None


def _plain(match: str) -> str:
    return match.strip(" ,")

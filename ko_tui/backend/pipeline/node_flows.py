"""The OpenFlow of a node, its tables named by the logical stages they come from."""

from __future__ import annotations

import time
from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from ko_tui.backend.cluster.rows import check
from ko_tui.backend.ovs.openflow import OpenFlow, parse_dump
from ko_tui.backend.source.interface import Cancel

if TYPE_CHECKING:
    from ko_tui.backend.session import Session

SECONDS = 120


@dataclass(frozen=True, slots=True)
class NodeFlows:
    """A dump: ``taken_at`` in time.time() seconds; ``stages`` names a table by the stage most of its flows are of."""

    node: str
    bridge: str
    flows: tuple[OpenFlow, ...]
    taken_at: float
    stages: dict[int, str] = field(default_factory=dict)
    by_cookie: dict[str, tuple[str, str]] = field(default_factory=dict)  # cookie -> (stage, match)


def dump_flows(
    session: Session, node: str, bridge: str = "br-int", *, cancel: Cancel | None = None
) -> NodeFlows:
    """``dump-flows`` of a bridge, with each table's logical stage found by its cookies."""
    argv = ("ovs-ofctl", "--timeout=60", "--no-names", "dump-flows", bridge)
    run = check(session.run(session.ovs(node), argv, timeout=SECONDS, cancel=cancel))
    flows = tuple(parse_dump(run.stdout))
    known = logical_flows(session) if bridge == "br-int" else {}
    return NodeFlows(node, bridge, flows, time.time(), table_stages(flows, known), known)


def logical_flows(session: Session) -> dict[str, tuple[str, str]]:
    """The first eight digits of each Logical_Flow's UUID -> (stage, match)."""
    rows = session.rows("sb", "Logical_Flow", ("_uuid", "external_ids", "match"), max_age=120.0).value
    return {
        str(row["_uuid"])[:8]: (str((row["external_ids"] or {}).get("stage-name", "")), str(row["match"]))
        for row in rows
    }


def table_stages(flows: tuple[OpenFlow, ...], known: dict[str, tuple[str, str]]) -> dict[int, str]:
    """OpenFlow table -> stage. A table serves a switch's and a router's stage of the same number: both are named."""
    counts: dict[int, Counter[str]] = {}
    for flow in flows:
        if flow.table is not None and flow.cookie in known:
            counts.setdefault(flow.table, Counter())[known[flow.cookie][0]] += 1
    return {table: " / ".join(sorted(stages)) for table, stages in sorted(counts.items())}

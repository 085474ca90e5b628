"""The OpenFlow of a node, its tables named by the logical stages they come from.

Table numbers move between OVN releases. The cookies tell: each is the beginning of a Logical_Flow's UUID (facts:
ovn-architecture(7)). From the stages found so follows the release, and from that the purpose of the other tables.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from ko_tui.backend.cluster.leader import Leader
from ko_tui.backend.cluster.leading import run_on_leader
from ko_tui.backend.cluster.rows import check
from ko_tui.backend.explain.openflow import openflow_table
from ko_tui.backend.explain.pipelines import infer_version
from ko_tui.backend.ovn.table import Row, parse_table
from ko_tui.backend.ovn.versions import DEFAULT, OvnVersion
from ko_tui.backend.ovs.openflow import OpenFlow, parse_dump
from ko_tui.backend.source.interface import Cancel, NoSuchContainer

if TYPE_CHECKING:
    from ko_tui.backend.session import Session

SECONDS = 120
ALL_ASKED = 50_000
"""In a cluster with more logical flows than that, a few of each table are asked for, the others one by one."""
SAMPLE = 4  # flows of a table
COLUMNS = ("_uuid", "external_ids", "match", "table_id")


@dataclass(frozen=True, slots=True)
class NodeFlows:
    """A dump: ``taken_at`` in time.time() seconds; ``stages`` names a table by the stages its flows are of, or by its
    purpose. ``by_cookie`` (cookie -> stage, match) holds all logical flows of the cluster when ``complete``."""

    node: str
    bridge: str
    flows: tuple[OpenFlow, ...]
    taken_at: float
    stages: dict[int, str] = field(default_factory=dict)
    by_cookie: dict[str, tuple[str, str]] = field(default_factory=dict)
    complete: bool = True
    version: OvnVersion = DEFAULT


def dump_flows(
    session: Session, node: str, bridge: str = "br-int", *, cancel: Cancel | None = None
) -> NodeFlows:
    """``dump-flows`` of a bridge, with each table's logical stage found by its cookies."""
    argv = ("ovs-ofctl", "--timeout=60", "--no-names", "dump-flows", bridge)
    try:
        run = check(session.run(session.ovs(node), argv, timeout=SECONDS, cancel=cancel))
    except NoSuchContainer:  # its pod was replaced since the pods were listed
        run = check(session.run(session.ovs(node, max_age=0.0), argv, timeout=SECONDS, cancel=cancel))
    flows, taken_at = tuple(parse_dump(run.stdout)), time.time()
    if bridge != "br-int":
        return NodeFlows(node, bridge, flows, taken_at)
    rows, complete = _logical_flows(session, flows)
    version = infer_version((_stage(row), int(row["table_id"])) for row in rows) or DEFAULT
    known = {str(row["_uuid"])[:8]: (_stage(row), str(row["match"])) for row in rows}
    return NodeFlows(
        node, bridge, flows, taken_at, table_stages(flows, known, version), known, complete, version
    )


def logical_flow(session: Session, cookie: str) -> tuple[str, str] | None:
    """The logical flow behind a cookie: its stage and match; None when it is ovn-controller's own."""
    rows = session.answers.get(("cookie", cookie), lambda: _by_prefix(session, [cookie]), max_age=600.0).value
    return next(((_stage(row), str(row["match"])) for row in rows if str(row["_uuid"])[:8] == cookie), None)


def flows_by_cookie(session: Session, cookies: Sequence[str]) -> dict[str, tuple[str, str]]:
    """Cookie -> stage and match of the logical flow behind it; what is no logical flow's is left out."""
    wanted = set(cookies)
    found = {str(row["_uuid"])[:8]: (_stage(row), str(row["match"])) for row in _by_prefix(session, cookies)}
    return {cookie: row for cookie, row in found.items() if cookie in wanted}


def table_stages(
    flows: Sequence[OpenFlow], known: dict[str, tuple[str, str]], version: OvnVersion = DEFAULT
) -> dict[int, str]:
    """OpenFlow table -> stage. A table serves a switch's and a router's stage of the same number: both are named."""
    counts: dict[int, Counter[str]] = {}
    for flow in flows:
        if flow.table is not None:
            found = counts.setdefault(flow.table, Counter())
            if flow.cookie in known:
                found[known[flow.cookie][0]] += 1
    return {
        table: " / ".join(sorted(stages)) or openflow_table(table, version).key
        for table, stages in sorted(counts.items())
    }


def _stage(row: Row) -> str:
    return str((row["external_ids"] or {}).get("stage-name", ""))


def _logical_flows(session: Session, flows: Sequence[OpenFlow]) -> tuple[list[Row], bool]:
    """Rows of Logical_Flow, and whether they are all."""
    if not session.live or sum(session.flow_counts().value.values()) <= ALL_ASKED:
        return session.rows("sb", "Logical_Flow", COLUMNS, max_age=120.0).value, True
    return _by_prefix(session, sample(flows)), False


def sample(flows: Sequence[OpenFlow]) -> list[str]:
    """A few cookies of each table; 0 is the cookie of what ovn-controller makes without any row."""
    found: dict[int | None, dict[str, None]] = {}
    for flow in flows:
        of_table = found.setdefault(flow.table, {})
        if len(of_table) < SAMPLE and flow.cookie.strip("0"):
            of_table[flow.cookie] = None
    return list(dict.fromkeys(cookie for of_table in found.values() for cookie in of_table))


def _by_prefix(session: Session, cookies: Sequence[str]) -> list[Row]:
    """The Logical_Flow rows whose UUIDs begin so; a cookie of another table's row gives nothing."""
    if not session.live:
        return session.rows("sb", "Logical_Flow", COLUMNS, max_age=3600.0).value

    def words(leader: Leader) -> tuple[str, ...]:
        belt = () if leader.certain else ("--no-leader-only",)
        argv = ("ovn-sbctl", "--timeout=60", *belt, "--format=json", f"--columns={','.join(COLUMNS)}")
        return (*argv, "--if-exists", "list", "Logical_Flow", *cookies)

    run, _ = run_on_leader(session, "sb", words, timeout=65)
    return parse_table(check(run).stdout)

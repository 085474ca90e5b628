"""The objects behind the flows of a trace: flow -> northbound row -> what Kube-OVN made it from."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

from ko_tui.backend.cluster.leader import Leader
from ko_tui.backend.cluster.leading import run_on_leader
from ko_tui.backend.cluster.rows import check
from ko_tui.backend.errors import KoError
from ko_tui.backend.explain.model import ExplainedStage, ObjectRef
from ko_tui.backend.explain.northbound_rows import IndexedRows
from ko_tui.backend.explain.owner import NbRow, find_owner
from ko_tui.backend.ovn.table import Row, parse_table

if TYPE_CHECKING:
    from ko_tui.backend.session import Session

AGE = 60.0
SECONDS = 60


class SessionRows(IndexedRows):
    """Northbound rows of a session, live or saved; a live table is kept for a minute."""

    def __init__(self, session: Session) -> None:
        super().__init__(self._northbound)
        self._session = session

    def _northbound(self, table: str) -> Iterable[NbRow]:
        try:
            rows = self._session.rows("nb", table, max_age=AGE).value
        except KoError:
            return ()  # a table that this release does not have
        return (NbRow(table, str(row["_uuid"]), _columns(row)) for row in rows)


def _columns(row: Row) -> dict[str, object]:
    return {name: list(cell) if isinstance(cell, tuple) else cell for name, cell in row.items()}


def find_objects(session: Session, stages: Iterable[ExplainedStage]) -> dict[str, ObjectRef]:
    """Flow UUID (first eight digits) -> the object behind it, for the flows of ``stages`` that have one."""
    wanted = sorted({s.stage.uuid for s in stages if s.stage.uuid})
    hints = stage_hints(session, wanted)
    rows = SessionRows(session)
    found = {uuid: find_owner(hint, rows) for uuid, hint in hints.items()}
    return {uuid: reference for uuid, reference in found.items() if reference is not None}


def stage_hints(session: Session, uuids: Sequence[str]) -> dict[str, str]:
    """Flow UUID -> its ``stage-hint`` (ovn-sb(5), Logical_Flow, external_ids); flows without one are left out."""
    if not uuids:
        return {}
    if not session.live:
        rows = session.rows("sb", "Logical_Flow", ("_uuid", "external_ids"), max_age=3600.0).value
    else:

        def words(leader: Leader) -> tuple[str, ...]:
            belt = () if leader.certain else ("--no-leader-only",)
            argv = (
                "ovn-sbctl",
                f"--timeout={SECONDS}",
                *belt,
                "--format=json",
                "--columns=_uuid,external_ids",
            )
            return (*argv, "--if-exists", "list", "Logical_Flow", *uuids)

        run, _ = run_on_leader(session, "sb", words, timeout=SECONDS + 5)
        rows = parse_table(check(run).stdout)
    hints = {}
    prefixes = set(uuids)
    for row in rows:
        uuid = str(row["_uuid"])[:8]
        hint = (row["external_ids"] or {}).get("stage-hint", "")
        if uuid in prefixes and hint:
            hints[uuid] = str(hint)
    return hints


def attach_objects(session: Session, stages: Sequence[ExplainedStage]) -> None:
    """Fill ``objects`` of each stage."""
    found = find_objects(session, stages)
    for stage in stages:
        reference = found.get(stage.stage.uuid)
        if reference is not None:
            stage.objects = [reference]

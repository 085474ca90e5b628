"""The names of the objects behind flows, from northbound rows at hand."""

from __future__ import annotations

from ko_tui.backend.explain.model import ObjectRef
from ko_tui.backend.explain.northbound_rows import IndexedRows
from ko_tui.backend.explain.owner import NbRow, NbRows, find_owner
from ko_tui.backend.simulate.flows import Flow
from ko_tui.backend.source.ovsdb_file import Database, Row


def saved_rows(database: Database) -> IndexedRows:
    """The rows of a northbound database that was read from a file."""
    return IndexedRows(lambda table: (_row(table, row) for row in database.table(table).rows()))


def _row(table: str, row: Row) -> NbRow:
    columns = {k: list(v) if isinstance(v, tuple) else v for k, v in row.items()}
    return NbRow(table, str(row["_uuid"]), columns)


class FlowNames:
    """Names flows by the object that they were made from."""

    def __init__(self, northbound: NbRows | None) -> None:
        self._rows = northbound
        self._known: dict[str, ObjectRef | None] = {}

    def owner(self, flow: Flow) -> ObjectRef | None:
        """The NB row behind a flow, with the Kubernetes object as its ``owner``; None when it is not known."""
        hint = flow.external_ids.get("stage-hint", "")
        if not hint or self._rows is None:
            return None
        if hint not in self._known:
            self._known[hint] = find_owner(hint, self._rows)
        return self._known[hint]

    def __call__(self, flow: Flow) -> str:
        """``NetworkPolicy prod/np1``, ``ACL np1``, or "" when nothing is known."""
        found = self.owner(flow)
        if found is None:
            return ""
        behind = found.owner or found
        where = f"{behind.namespace}/{behind.name}" if behind.namespace else behind.name
        return f"{behind.kind} {where}".strip() if where else ""

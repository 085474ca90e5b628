"""The names of the objects behind flows, from a northbound database at hand."""

from __future__ import annotations

from collections.abc import Sequence

from ko_tui.backend.explain.model import ObjectRef
from ko_tui.backend.explain.owner import NbRow, find_owner
from ko_tui.backend.simulate.flows import Flow
from ko_tui.backend.source.ovsdb_file import Database, Row


class SavedRows:
    """Implements ko_tui.backend.explain.owner.NbRows on a database read from a file; tables are indexed once."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._rows: dict[str, list[NbRow]] = {}

    def _table(self, name: str) -> list[NbRow]:
        if name not in self._rows:
            self._rows[name] = [_row(name, row) for row in self._database.table(name).rows()]
        return self._rows[name]

    def by_prefix(self, table: str, prefix: str) -> Sequence[NbRow]:
        """See NbRows."""
        return [row for row in self._table(table) if row.uuid.startswith(prefix)]

    def by_name(self, table: str, name: str) -> Sequence[NbRow]:
        """See NbRows."""
        return [row for row in self._table(table) if row.columns.get("name") == name]

    def referring(self, table: str, column: str, uuid: str) -> Sequence[NbRow]:
        """See NbRows."""
        return [row for row in self._table(table) if uuid in row.references(column)]


def _row(table: str, row: Row) -> NbRow:
    columns = {k: list(v) if isinstance(v, tuple) else v for k, v in row.items()}
    return NbRow(table, str(row["_uuid"]), columns)


class FlowNames:
    """Names flows by the object that they were made from."""

    def __init__(self, northbound: Database | None) -> None:
        self._rows = SavedRows(northbound) if northbound is not None else None
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

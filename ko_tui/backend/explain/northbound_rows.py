"""Northbound rows indexed as :func:`ko_tui.backend.explain.owner.find_owner` asks for them."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence

from ko_tui.backend.explain.owner import NbRow

HINT = 8  # hexadecimal digits of a stage-hint


class IndexedRows:
    """Implements ko_tui.backend.explain.owner.NbRows; ``fetch`` gives the rows of a table and is asked once a table.

    As many rows as a large cluster has are looked up by UUID, name and reference without going through them all.
    """

    def __init__(self, fetch: Callable[[str], Iterable[NbRow]]) -> None:
        self._fetch = fetch
        self._tables: dict[str, list[NbRow]] = {}
        self._indexes: dict[tuple[str, str], dict[str, list[NbRow]]] = {}

    def by_prefix(self, table: str, prefix: str) -> Sequence[NbRow]:
        """See NbRows."""
        near = self._index(table, "_uuid", lambda row: (row.uuid[:HINT],))
        if len(prefix) < HINT:
            return [row for row in self._rows(table) if row.uuid.startswith(prefix)]
        return [row for row in near.get(prefix[:HINT], ()) if row.uuid.startswith(prefix)]

    def by_name(self, table: str, name: str) -> Sequence[NbRow]:
        """See NbRows."""
        return self._index(table, "name", lambda row: (row.text("name"),)).get(name, [])

    def referring(self, table: str, column: str, uuid: str) -> Sequence[NbRow]:
        """See NbRows."""
        return self._index(table, f">{column}", lambda row: row.references(column)).get(uuid, [])

    def _rows(self, table: str) -> list[NbRow]:
        if table not in self._tables:
            self._tables[table] = list(self._fetch(table))
        return self._tables[table]

    def _index(self, table: str, kind: str, keys: Callable[[NbRow], Iterable[str]]) -> dict[str, list[NbRow]]:
        made = self._indexes.get((table, kind))
        if made is None:
            made = defaultdict(list)
            for row in self._rows(table):
                for key in keys(row):
                    made[key].append(row)
            made = self._indexes[table, kind] = dict(made)
        return made

"""OVSDB database files, standalone and clustered, as tables of rows.

Made for large southbound databases: a row stays in the bytes that were read until somebody asks for it, so that
a database costs little more memory than its file. Facts: ovsdb(5), ovsdb/file.c, ovsdb/raft-private.c.
"""

from __future__ import annotations

import io
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO, TypeVar

import msgspec

from ko_tui.backend.source.ovsdb_log import DatabaseFileError, records
from ko_tui.backend.source.ovsdb_schema import Column, columns_of

if TYPE_CHECKING:
    from ko_tui.backend.ovn.table import Row as NamedRow

Row = dict[str, Any]
"""Column name -> value, every column of the table present, and the row's UUID as ``_uuid``."""

T = TypeVar("T")
OnProgress = Callable[[int], None]

_RawRows = msgspec.json.Decoder(dict[str, msgspec.Raw])
_NULL = b"null"


class Table:
    """The rows of one table. Iterating gives UUIDs in the file's order."""

    def __init__(self, name: str, columns: dict[str, Column]) -> None:
        self.name = name
        self.columns = columns
        # A row is its bytes as read, or a dict of raw JSON values once a later record has changed it.
        self._rows: dict[str, msgspec.Raw | dict[str, Any]] = {}

    def __len__(self) -> int:
        return len(self._rows)

    def __iter__(self) -> Iterator[str]:
        return iter(self._rows)

    def __contains__(self, uuid: object) -> bool:
        return uuid in self._rows

    def get(self, uuid: str) -> Row | None:
        """The row, or None. Raises DatabaseFileError when its bytes make no row."""
        stored = self._rows.get(uuid)
        return None if stored is None else self._typed(uuid, stored)

    def rows(self) -> Iterator[Row]:
        """Every row, decoded one at a time."""
        for uuid, stored in self._rows.items():
            yield self._typed(uuid, stored)

    def structs(self, kind: type[T]) -> Iterator[tuple[str, T]]:
        """UUID and row for every row, decoded as ``kind`` (a msgspec.Struct with the file's own spelling)."""
        decode = msgspec.json.Decoder(kind).decode
        try:
            for uuid, stored in self._rows.items():
                yield uuid, (msgspec.convert(stored, kind) if isinstance(stored, dict) else decode(stored))
        except (msgspec.ValidationError, msgspec.DecodeError) as error:
            raise DatabaseFileError(f"Table {self.name} has a row that cannot be read: {error}.") from None

    def struct(self, uuid: str, decoder: msgspec.json.Decoder[T]) -> T:
        """One row as ``structs`` gives it; the row must exist."""
        stored = self._rows[uuid]
        try:
            if isinstance(stored, dict):
                return decoder.decode(msgspec.json.encode(stored))
            return decoder.decode(stored)
        except (msgspec.ValidationError, msgspec.DecodeError) as error:
            raise DatabaseFileError(f"Table {self.name} has a row that cannot be read: {error}.") from None

    def copy(self) -> Table:
        """The same rows, to be changed apart."""
        other = Table(self.name, self.columns)
        other._rows = self._rows.copy()
        return other

    def put(self, uuid: str, row: Row | None) -> None:
        """Set a row whole, columns as a file spells them; None: it is gone."""
        if row is None:
            self._rows.pop(uuid, None)
        else:
            self._rows[uuid] = msgspec.Raw(msgspec.json.encode(row))

    def apply(self, raw: msgspec.Raw, is_diff: bool) -> None:
        """One transaction's changes to this table."""
        for uuid, change in _RawRows.decode(raw).items():
            if uuid not in self._rows:
                if bytes(change) != _NULL:
                    self._rows[uuid] = change
            elif bytes(change) == _NULL:
                del self._rows[uuid]
            else:
                self._change(uuid, msgspec.json.decode(change), is_diff)

    def _change(self, uuid: str, change: dict[str, Any], is_diff: bool) -> None:
        stored = self._rows[uuid]
        row = stored if isinstance(stored, dict) else msgspec.json.decode(stored)
        for name, value in change.items():
            column = self.columns.get(name)
            row[name] = column.changed(row.get(name), value) if is_diff and column else value
        self._rows[uuid] = row

    def _typed(self, uuid: str, stored: msgspec.Raw | dict[str, Any]) -> Row:
        try:
            json = stored if isinstance(stored, dict) else msgspec.json.decode(stored)
            row: Row = {"_uuid": uuid}
            for name, column in self.columns.items():
                row[name] = column.typed(json[name]) if name in json else column.default()
            return row
        except (ValueError, TypeError, AttributeError) as error:
            raise DatabaseFileError(f"Row {uuid[:8]} of table {self.name} cannot be read: {error}.") from None


class Database:
    """A database read from a file. ``name`` is OVN_Northbound, OVN_Southbound or Open_vSwitch."""

    def __init__(self, name: str, version: str, tables: dict[str, Table]) -> None:
        self.name = name
        self.version = version
        self.tables = tables

    def table(self, name: str) -> Table:
        """A table; an empty one when this release's schema does not have it."""
        found = self.tables.get(name)
        return Table(name, {}) if found is None else found

    def changed(self, changes: Iterable[tuple[str, str, Row | None]]) -> Database:
        """Another database with these rows: table, UUID, and the columns as a file spells them (None: gone).

        This one stays as it is; what did not change is shared.
        """
        tables = dict(self.tables)
        for name, uuid, row in changes:
            table = tables.get(name)
            if table is None:
                continue
            if table is self.tables[name]:
                table = tables[name] = table.copy()
            table.put(uuid, row)
        return Database(self.name, self.version, tables)

    def find(
        self, table: str, columns: Sequence[str] = (), where: Sequence[str] = (), record: str = ""
    ) -> list[NamedRow]:
        """Rows as ``ovn-sbctl list|find`` gives them; see Session.rows for the parameters."""
        from ko_tui.backend.source.ovsdb_find import find_rows

        return find_rows(self.table(table), columns, where, record)


def load(path: Path, *, on_progress: OnProgress | None = None) -> Database:
    """Read a database file of either form. Raises DatabaseFileError; ``on_progress`` gets bytes read so far."""
    try:
        with path.open("rb") as stream:
            return read(stream, path.name, on_progress=on_progress)
    except OSError as error:
        raise DatabaseFileError(f"{path.name} cannot be opened: {error.strerror}.") from None


def loads(content: bytes, name: str) -> Database:
    """The same from bytes at hand."""
    return read(io.BytesIO(content), name)


def read(stream: BinaryIO, name: str, *, on_progress: OnProgress | None = None) -> Database:
    """The same from an open stream."""
    done = 0
    schema: Any = None
    database: Database | None = None
    entries: list[tuple[int, bytes]] = []
    clustered = False
    try:
        for magic, body in records(stream, name):
            done += len(body)
            if on_progress:
                on_progress(done)
            if magic == "CLUSTER":
                clustered = True
                schema = _raft_record(body, entries, first=done == len(body)) or schema
            elif database is None:
                database = _empty(msgspec.json.decode(body))
            else:
                _apply(database, body)
        if clustered:
            if schema is None:
                raise DatabaseFileError(
                    f"{name} holds no data: its server has not joined a cluster yet.",
                    "Take the file of a server that has joined.",
                )
            database = _empty(schema)
            for _, entry in entries:
                _apply(database, entry)
    except (ValueError, TypeError, KeyError, AttributeError) as error:
        raise DatabaseFileError(f"{name} holds a record that makes no sense: {error}.") from None
    assert database is not None
    return database


def _empty(schema: dict[str, Any]) -> Database:
    tables = {name: Table(name, columns_of(spec)) for name, spec in schema["tables"].items()}
    return Database(schema["name"], schema.get("version", ""), tables)


def _apply(database: Database, body: bytes | msgspec.Raw) -> None:
    transaction = _RawRows.decode(body)
    is_diff = "_is_diff" in transaction and bytes(transaction["_is_diff"]) == b"true"
    for name, changes in transaction.items():
        table = database.tables.get(name)
        if table is not None:
            table.apply(changes, is_diff)


def _raft_record(body: bytes, entries: list[tuple[int, Any]], *, first: bool) -> Any:
    """Take one record of a raft log; gives a schema when it carries one.

    An entry with an index that was seen before replaces what came from there on: the log was cut back.
    """
    record = _RawRows.decode(body)
    data = record.get("prev_data" if first else "data")
    if data is None or bytes(data) == _NULL:
        return None
    index = int(bytes(record["prev_index" if first else "index"]))
    while entries and entries[-1][0] >= index:
        entries.pop()
    pair = msgspec.json.decode(data, type=list[msgspec.Raw])
    if len(pair) != 2:
        raise ValueError("a raft entry without schema and data")
    if bytes(pair[1]) != _NULL:
        entries.append((index, pair[1]))
    return None if bytes(pair[0]) == _NULL else msgspec.json.decode(pair[0])

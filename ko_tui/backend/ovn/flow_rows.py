"""Logical flows as ``ovn-sbctl --format=json list Logical_Flow`` prints them: a store that loads a stream.

A row belongs to one datapath or to a group of them (ovn-sb(5), Logical_Flow, logical_dp_group), so a flow that many
switches share is kept once. The text is the store, as in :mod:`ko_tui.backend.ovn.flows`: kept are where each row
begins, its priority, and the rows of each table; a row is decoded again when it is looked at.
"""

from __future__ import annotations

import re
from array import array
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, cast, overload

import msgspec

from ko_tui.backend.ovn.flows import DatapathFlows, Flow, Pipeline, StageFlows
from ko_tui.backend.ovn.table import NotATable, many, value

# A row begins with its UUID. Within a row the same characters cannot occur: quotes in strings are escaped, and a set of
# UUIDs begins after its word. It needs _uuid as the first column, as the tool puts it when no columns are named.
_BETWEEN = re.compile(rb'\],\[\["uuid","')
_BEGIN = b'"data":[[["uuid","'
_HEADINGS = re.compile(rb'\]\],"headings":\[(?P<names>[^\]]*)\]\}\s*$')
_NEEDED = (
    "_uuid",
    "pipeline",
    "table_id",
    "priority",
    "match",
    "actions",
    "external_ids",
    "logical_datapath",
)
_Table = tuple[Pipeline, int, str]
_row = msgspec.json.Decoder(list[Any])


class FlowRows:
    """Feed it the output in pieces of any size, then ``finish``.

    ``groups`` are the rows of Logical_DP_Group (UUID -> UUIDs of its datapaths), ``names`` those of Datapath_Binding
    (UUID -> name); a datapath without a name is called by its UUID.
    """

    def __init__(
        self, groups: Mapping[str, Iterable[str]] | None = None, names: Mapping[str, str] | None = None
    ) -> None:
        self._groups = {group: tuple(members) for group, members in (groups or {}).items()}
        self._names = dict(names or {})
        self._text = bytearray()
        self._searched = 0
        self._starts = array("Q")
        self._priorities = array("H")
        self._columns: dict[str, int] = {}
        self._owners: dict[str, dict[_Table, array[int]]] = {}  # datapath or group -> table -> row numbers

    def __len__(self) -> int:
        return len(self._priorities)

    def feed(self, part: bytes) -> None:
        """Take a piece of the stream."""
        self._text += part
        if not self._starts:
            begin = self._text.find(_BEGIN)
            if begin < 0:
                return
            self._starts.append(begin + len(b'"data":['))
            self._searched = begin + len(_BEGIN)
        for found in _BETWEEN.finditer(self._text, self._searched):
            self._starts.append(found.start() + 2)
            self._searched = found.end()
        # What is looked for may be cut in two: the next search begins a little before the end.
        self._searched = max(self._searched, len(self._text) - 12)

    def finish(self) -> None:
        """The stream has ended: put every row into its table. Raises NotATable when it is not whole."""
        if self._text.strip().startswith(b'{"data":[],'):
            return
        ending = _HEADINGS.search(self._text, max(0, len(self._text) - 4096))
        if ending is None or not self._starts:
            raise NotATable(f"not a whole list of flows: {bytes(self._text[-60:])!r}")
        names = msgspec.json.decode(b"[" + ending["names"] + b"]", type=list[str])
        self._columns = {name: index for index, name in enumerate(names)}
        missing = [name for name in _NEEDED if name not in self._columns]
        if missing:
            raise NotATable(f"columns are missing: {', '.join(missing)}")
        self._starts.append(ending.start() + 1)
        for number in range(len(self._starts) - 1):
            try:
                self._place(number)
            except (AttributeError, IndexError, OverflowError, TypeError, ValueError) as error:
                raise NotATable(f"row {number} is no logical flow: {error}") from error

    def _place(self, number: int) -> None:
        cells = self._cells(number)
        table = self._table(cells)
        self._priorities.append(cells[self._columns["priority"]])
        for owner in self._owner_ids(cells):
            self._owners.setdefault(owner, {}).setdefault(table, array("I")).append(number)

    def _cells(self, number: int) -> list[Any]:
        text = bytes(self._text[self._starts[number] : self._starts[number + 1]])
        try:
            return _row.decode(text.rstrip(b",\r\n "))
        except msgspec.DecodeError as error:
            raise NotATable(f"{error} in {text[:80]!r}") from error

    def _table(self, cells: list[Any]) -> _Table:
        ids = value(cells[self._columns["external_ids"]]) or {}
        pipeline = cast(Pipeline, cells[self._columns["pipeline"]])
        return pipeline, int(cells[self._columns["table_id"]]), str(ids.get("stage-name", ""))

    def _owner_ids(self, cells: list[Any]) -> Iterator[str]:
        for name in ("logical_datapath", "logical_dp_group"):
            if name in self._columns:
                yield from map(str, many(value(cells[self._columns[name]])))

    def flow(self, number: int, datapath: str = "") -> Flow:
        """A row, as a flow of ``datapath`` (a name)."""
        cells = self._cells(number)
        pipeline, table, stage = self._table(cells)
        ids = value(cells[self._columns["external_ids"]]) or {}
        return Flow(
            datapath,
            pipeline,
            table,
            stage,
            int(cells[self._columns["priority"]]),
            str(cells[self._columns["match"]]),
            str(cells[self._columns["actions"]]),
            str(value(cells[self._columns["_uuid"]]))[:8],
            hint=str(ids.get("stage-hint", "")),
            source=str(ids.get("source", "")),
        )

    def sorted_rows(self, rows: Iterable[int]) -> list[int]:
        """By priority, the highest first, as lflow-list prints them."""
        return sorted(rows, key=lambda number: -self._priorities[number])

    # -- what is in it ------------------------------------------------------------------------------------------

    def datapaths(self) -> list[DatapathFlows]:
        """Every datapath that has flows, by name."""
        found = []
        uuids = {m for owner in self._owners for m in self._groups.get(owner, (owner,))}
        for uuid in uuids:
            count = sum(len(rows) for tables in self._tables(uuid) for rows in tables.values())
            found.append(DatapathFlows(self._names.get(uuid, uuid), uuid, count))
        return sorted(found, key=lambda d: (d.name, d.uuid))

    def stages(self, datapath: str) -> list[StageFlows]:
        """The tables of a datapath (by name or UUID): ingress, then egress, each by number."""
        counts: dict[_Table, int] = {}
        for uuid in self._uuids(datapath):
            for tables in self._tables(uuid):
                for table, rows in tables.items():
                    counts[table] = counts.get(table, 0) + len(rows)
        ordered = sorted(counts, key=lambda t: (t[0] == "egress", t[1]))
        return [StageFlows(*table, counts[table]) for table in ordered]

    def flows(self, datapath: str, pipeline: Pipeline | None = None, stage: str | None = None) -> RowList:
        """The flows of a datapath, of one pipeline and one stage when named, table by table as lflow-list has them."""
        rows: dict[_Table, list[int]] = {}
        name = datapath
        for uuid in self._uuids(datapath):
            name = self._names.get(uuid, uuid)
            for tables in self._tables(uuid):
                for table, numbers in tables.items():
                    if pipeline in (None, table[0]) and stage in (None, table[2]):
                        rows.setdefault(table, []).extend(numbers)
        ordered = sorted(rows, key=lambda t: (t[0] == "egress", t[1]))
        return RowList(
            self, name, array("I", (n for table in ordered for n in self.sorted_rows(rows[table])))
        )

    def _tables(self, uuid: str) -> Iterator[dict[_Table, array[int]]]:
        """A datapath's own tables, and those of each group that it is in."""
        if uuid in self._owners:
            yield self._owners[uuid]
        for group, members in self._groups.items():
            if uuid in members and group in self._owners:
                yield self._owners[group]

    def _uuids(self, datapath: str) -> list[str]:
        named = [uuid for uuid, name in self._names.items() if name == datapath]
        return named or [datapath]


class RowList(Sequence[Flow]):
    """Flows of a datapath, decoded one at a time."""

    def __init__(self, store: FlowRows, datapath: str, rows: array[int]) -> None:
        self._store, self._datapath, self._rows = store, datapath, rows

    def __len__(self) -> int:
        return len(self._rows)

    @overload
    def __getitem__(self, index: int) -> Flow: ...
    @overload
    def __getitem__(self, index: slice) -> list[Flow]: ...
    def __getitem__(self, index: int | slice) -> Flow | list[Flow]:
        if isinstance(index, slice):
            return [self._store.flow(number, self._datapath) for number in self._rows[index]]
        return self._store.flow(self._rows[index], self._datapath)

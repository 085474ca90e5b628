"""A raft member's database file, whole or damaged: how far it can be read, and what it then holds.

Facts: ovsdb(5), ovsdb/raft-private.c (fields of a record), ovsdb/log.c.
"""

from __future__ import annotations

import io
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Literal

import msgspec

from ko_tui.backend.source.ovsdb_file import loads
from ko_tui.backend.source.ovsdb_log import DatabaseFileError, records

Kind = Literal["clustered", "standalone", "unusable"]


class _Position(msgspec.Struct):
    """Where a raft record stands in the log; the first record tells it for the snapshot before it."""

    index: int | None = None
    term: int | None = None
    prev_index: int | None = None
    prev_term: int | None = None


@dataclass(frozen=True, slots=True)
class MemberFile:
    """``good`` bytes from the start can be read, of ``size``; ``rows`` by table are what they hold.

    ``term`` and ``index`` are those of the last entry: of two members the one with the higher pair knows more.
    ``problem`` says why the rest, or all of it, cannot be read.
    """

    node: str
    kind: Kind
    size: int = 0
    good: int = 0
    term: int = 0
    index: int = 0
    rows: dict[str, int] = field(default_factory=dict)
    problem: str = ""

    @property
    def whole(self) -> bool:
        return not self.problem

    def __str__(self) -> str:
        if self.kind == "unusable":
            return f"{self.node}: {self.problem}"
        where = f"term {self.term}, index {self.index}, " if self.kind == "clustered" else ""
        lost = f"; only {self.good} of {self.size} bytes can be read ({self.problem})" if self.problem else ""
        return f"{self.node}: {where}{sum(self.rows.values())} rows{lost}"


def examine(node: str, content: bytes, database: str) -> MemberFile:
    """How far ``content`` can be read as a file of ``database``; never raises for what it holds."""
    good = term = index = 0
    clustered, problem = False, ""
    stream = io.BytesIO(content)
    try:
        for magic, body in records(stream, "the file"):
            if magic == "CLUSTER":
                clustered = True
                at = msgspec.json.decode(body, type=_Position)
                if at.index is not None:
                    term, index = at.term or term, at.index
                elif at.prev_index is not None:
                    term, index = at.prev_term or 0, at.prev_index
            good = stream.tell()
    except DatabaseFileError as error:
        problem = error.what
    except msgspec.DecodeError as error:
        problem = f"a record makes no sense: {error}"
    if good < len(content) and not problem:
        problem = "its last record was not written to the end"
    try:
        if not good:
            raise DatabaseFileError(problem or "it is empty")
        opened = loads(content[:good], "the file")
        if opened.name != database:
            raise DatabaseFileError(f"it holds {opened.name}, not {database}")
    except DatabaseFileError as error:
        return MemberFile(node, "unusable", len(content), problem=error.what)
    rows = {name: len(table) for name, table in opened.tables.items() if len(table)}
    kind: Kind = "clustered" if clustered else "standalone"
    if not rows:
        return MemberFile(node, "unusable", len(content), problem="it holds no rows at all")
    return MemberFile(node, kind, len(content), good, term, index, rows, problem)


def best(files: Sequence[MemberFile]) -> MemberFile | None:
    """The member that knows most; of equals a whole file, then the first. None when none can be used."""
    usable = [f for f in files if f.kind == "clustered"]
    return max(usable, key=lambda f: (f.term, f.index, f.whole), default=None)

"""What ``ovsdb-client -f json monitor SERVER DATABASE ALL !initial`` prints, as changes of rows.

A line is a table of changes: ``{"caption": table, "headings": ["row", "action", column...], "data": [[...]]}``. An
action is insert, delete, or a pair of lines, old and new; the new one has no UUID of its own but every column
(ovsdb-client(1), monitor; ovsdb/ovsdb-client.c).
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import msgspec

from ko_tui.backend.errors import ClusterError

Change = tuple[str, str, dict[str, Any] | None]
"""Table, UUID, and the row's columns as a database file spells them; None: the row is gone."""


class NotUpdates(ClusterError):
    """The output is something else than changes."""

    title = "The southbound database cannot be followed"


class _Table(msgspec.Struct):
    headings: list[str]
    data: list[list[Any]]
    caption: str = ""


_read = msgspec.json.Decoder(_Table)


class UpdateLines:
    """Feed bytes as they come, get changes in the order in which they were made."""

    def __init__(self) -> None:
        self._begun: list[bytes] = []  # of the line that has not ended yet

    def feed(self, part: bytes) -> list[Change]:
        """The changes of the lines that ``part`` completes. Raises NotUpdates."""
        first, *others = part.split(b"\n")
        self._begun.append(first)
        if not others:
            return []
        lines = [b"".join(self._begun), *others[:-1]]
        self._begun = others[-1:]
        return [change for line in lines if line.strip() for change in _changes(line)]


def _changes(line: bytes) -> Iterator[Change]:
    try:
        table = _read.decode(line)
        columns = table.headings[2:]
        if table.headings[:2] != ["row", "action"] or not table.caption:
            raise ValueError("no changes")
        uuid = ""
        for row in table.data:
            uuid, action = row[0] or uuid, row[1]
            if action == "delete":
                yield table.caption, uuid, None
            elif action in ("insert", "new", "initial"):
                yield table.caption, uuid, dict(zip(columns, row[2:], strict=True))
            elif action != "old":
                raise ValueError(f"action {action}")
    except (msgspec.MsgspecError, ValueError, IndexError, TypeError) as error:
        shown = line[:80].decode("utf-8", "replace")
        raise NotUpdates(f"ovsdb-client printed what is no change ({error}): {shown}") from error

"""``list``, ``find``, ``get`` and ``show`` of ovn-nbctl and ovn-sbctl on a saved database: no pod is needed.

Facts: ovs-vsctl(8), "Database Commands" and "Database Values"; the form is the tools' own ``--format=list``.
"""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from ko_tui.backend.command.run import CommandRun
from ko_tui.backend.errors import UsageError
from ko_tui.backend.source.interface import PodRef

if TYPE_CHECKING:
    from ko_tui.backend.command.tools import ToolCall
    from ko_tui.backend.session import Session

_BARE = re.compile(r"[A-Za-z_][A-Za-z0-9_.-]*")
_UUID = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}")
_COLUMNS = "--columns="
_HARMLESS = re.compile(r"--(?:timeout=\d+|no-leader-only|if-exists|dry-run)")


def answer(session: Session, call: ToolCall) -> CommandRun | None:
    """What the tool would print of the saved rows; None when the call asks for something else than rows.

    Raises NotInSnapshot when the file holds not that database, UsageError for a table or column that is not there.
    """
    place = call.tool.place
    if session.live or (place != "nb" and place != "sb"):
        return None
    columns: list[str] = []
    words: list[str] = []
    for word in call.argv[1:]:
        if word.startswith(_COLUMNS):
            columns = word.removeprefix(_COLUMNS).split(",")
        elif word.startswith("-"):
            if not _HARMLESS.fullmatch(word):
                return None  # another form of output, or several commands in one
        else:
            words.append(word)
    text = _printed(session, place, words, columns)
    if text is None:
        return None
    return CommandRun(call.argv, PodRef("", session.info.label), stdout=text, exit_code=0)


def _printed(session: Session, place: Any, words: Sequence[str], columns: Sequence[str]) -> str | None:
    if words and words[0] == "show" and len(words) <= (2 if place == "nb" else 1) and not columns:
        from ko_tui.backend.command.saved_show import show

        return show(place, lambda table: session.rows(place, table).value, *words[1:])
    if len(words) < 2 or words[0] not in ("list", "find", "get"):
        return None
    command, given, *rest = words
    tables = session.source.database(place).tables  # type: ignore[attr-defined]  # a saved one
    table = next((name for name in tables if name.lower() == given.lower()), "")
    if not table:
        raise UsageError(f"This database has no table {given!r}.", f"It has {', '.join(sorted(tables))}.")
    if command == "find":
        rows = session.rows(place, table, columns, where=rest).value
    elif command == "list":
        if len(rest) > 1:
            return None
        rows = session.rows(place, table, columns, record=rest[0] if rest else "").value
    else:
        if len(rest) < 2 or any(":" in column for column in rest[1:]):
            return None
        rows = session.rows(place, table, rest[1:], record=rest[0]).value
        if not rows:
            raise UsageError(f"Table {table} has no row {rest[0]!r}.")
        several = _several(session, place, table)
        return "".join(f"{_value(rows[0][column], column in several)}\n" for column in rest[1:])
    several = _several(session, place, table)
    blocks = (
        "".join(f"{name:<20}: {_value(cell, name in several)}\n" for name, cell in row.items())
        for row in rows
    )
    return "\n".join(blocks)


def _several(session: Session, place: Any, table: str) -> set[str]:
    """The columns that may hold more than one value: the tools put those in brackets even when there is one."""
    columns = session.source.database(place).table(table).columns  # type: ignore[attr-defined]  # a saved one
    return {name for name, column in columns.items() if column.shape == "set"}


def _value(cell: Any, several: bool) -> str:
    if several and not isinstance(cell, tuple):
        cell = () if cell is None else (cell,)
    if cell is None:
        return "[]"
    if isinstance(cell, dict):
        pairs = sorted((_atom(key), _atom(item)) for key, item in cell.items())
        return "{" + ", ".join(f"{key}={item}" for key, item in pairs) + "}"
    if isinstance(cell, tuple):
        return "[" + ", ".join(sorted(map(_atom, cell))) + "]"
    return _atom(cell)


def _atom(cell: Any) -> str:
    if isinstance(cell, bool):
        return "true" if cell else "false"
    if not isinstance(cell, str):
        return str(cell)
    plain = _UUID.fullmatch(cell) or (_BARE.fullmatch(cell) and cell not in ("true", "false"))
    return cell if plain else json.dumps(cell, ensure_ascii=False)

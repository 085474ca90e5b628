"""Rows as ``--format=json`` of ovn-nbctl, ovn-sbctl and ovs-vsctl prints them (RFC 7047, section 5.1).

A set of one is its member, an empty set None, a larger set a tuple; a map is a dict; a UUID is its text.
"""

from __future__ import annotations

from typing import Any

import msgspec

Row = dict[str, Any]


class NotATable(ValueError):
    """The text is not a table in JSON."""


class _Table(msgspec.Struct):
    headings: list[str]
    data: list[list[Any]]


_decoder = msgspec.json.Decoder(_Table)


def parse_table(text: str | bytes) -> list[Row]:
    """The rows of one table; several tables one after the other are joined. Raises NotATable."""
    rows: list[Row] = []
    lines = text.splitlines()
    for line in lines:
        if not line.strip():
            continue
        try:
            table = _decoder.decode(line)
        except msgspec.DecodeError as error:
            raise NotATable(f"{error} in {line[:80]!r}") from error
        rows += [dict(zip(table.headings, map(value, cells), strict=True)) for cells in table.data]
    return rows


def value(cell: Any) -> Any:
    """One cell as a Python value."""
    if isinstance(cell, list) and len(cell) == 2:
        kind, content = cell
        if kind in ("uuid", "named-uuid"):
            return content
        if kind == "set":
            members = tuple(value(member) for member in content)
            return None if not members else members[0] if len(members) == 1 else members
        if kind == "map":
            return {value(key): value(item) for key, item in content}
    return cell


def many(cell: Any) -> tuple[Any, ...]:
    """A set column as a tuple, whether it holds none, one or many."""
    if cell is None:
        return ()
    return cell if isinstance(cell, tuple) else (cell,)

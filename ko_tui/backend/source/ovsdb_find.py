"""``list`` and ``find`` of ovn-sbctl(8) on a table from a file, in the rows that the tools' JSON gives.

Facts: ovs-vsctl(8), "Database Commands", and RFC 7047, section 5.1.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any

from ko_tui.backend.errors import UsageError

if TYPE_CHECKING:
    from ko_tui.backend.ovn.table import Row
    from ko_tui.backend.source.ovsdb_file import Table

_CONDITION = re.compile(
    r"([A-Za-z_]\w*)(?::((?:[^=!<>{\\]|\\.)+))?(!=|<=|>=|=|<|>|\{=\}|\{!=\}|\{in\})(.*)", re.DOTALL
)
_NAMES = ("name", "logical_port", "hostname")
"""Columns by which ovn-sbctl and ovn-nbctl let a record be named."""


def find_rows(table: Table, columns: Sequence[str], where: Sequence[str], record: str) -> list[Row]:
    """Rows with these columns (all when empty) that meet every condition, or the one record that is named.

    Raises UsageError for a column that the table has not or a condition that cannot be read.
    """
    return pick_rows(table.rows(), {"_uuid", *table.columns}, table.name, columns, where, record)


def pick_rows(
    rows: Iterable[Row], known: set[str], name: str, columns: Sequence[str], where: Sequence[str], record: str
) -> list[Row]:
    """The same of rows from elsewhere: ``known`` are the columns they have, ``name`` is their table's."""
    wanted = list(columns) or sorted(known)
    if unknown := [c for c in wanted if c not in known]:
        raise UsageError(f"Table {name} has no column {unknown[0]!r}.")
    tests = [_condition(text, known, name) for text in where]
    found: list[Row] = []
    for row in rows:
        if record and not _named(row, record):
            continue
        if all(_holds(_shape(row[column]), key, op, value) for column, key, op, value in tests):
            found.append({column: _shape(row[column]) for column in wanted})
    return found


def _shape(value: Any) -> Any:
    """A set of one is its member and an empty set None, as in the tools' JSON."""
    if isinstance(value, tuple):
        return None if not value else value[0] if len(value) == 1 else value
    return value


def _named(row: Row, record: str) -> bool:
    if len(record) >= 4 and str(row["_uuid"]).startswith(record):
        return True
    if any(row.get(name) == record for name in _NAMES):
        return True
    ids = row.get("external_ids")
    return isinstance(ids, dict) and record in (ids.get("name"), ids.get("name2"))


def _condition(text: str, known: set[str], table: str) -> tuple[str, str | None, str, str]:
    found = _CONDITION.fullmatch(text)
    if found is None or found[1] not in known:
        raise UsageError(f"{text!r} is no condition on table {table}.", "Write COLUMN[:KEY]=VALUE.")
    value = found[4]
    if len(value) > 1 and value[0] == value[-1] == '"':
        value = value[1:-1]
    key = found[2].strip('"') if found[2] else None
    return found[1], key, found[3].strip("{}"), value


def _holds(have: Any, key: str | None, op: str, value: str) -> bool:
    if key is not None:
        if not isinstance(have, dict) or key not in have:
            return False
        have = have[key]
    members = {_text(m) for m in (have if isinstance(have, tuple) else (() if have is None else (have,)))}
    if op in ("=", "!="):
        wanted = (
            set() if value in ("[]", "{}") else {v.strip().strip('"') for v in value.strip("[]").split(",")}
        )
        return (members == wanted) is (op == "=")
    if op == "in":
        return bool(members) and members <= {v.strip().strip('"') for v in value.strip("[]").split(",")}
    try:
        number, bound = float(_text(have)), float(value)
    except ValueError:
        return False
    return {"<": number < bound, "<=": number <= bound, ">": number > bound, ">=": number >= bound}[op]


def _text(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, dict):
        return "{" + ", ".join(f"{k}={v}" for k, v in sorted(value.items())) + "}"
    return str(value)

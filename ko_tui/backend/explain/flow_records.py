"""Logical flows as ``ovn-sbctl list Logical_Flow`` prints them: as JSON, or as a record of ``column : value`` lines.

The columns are those of ovn-sb(5), Logical_Flow; the two forms are told in ovn-sbctl(8), Table Formatting Options, and
RFC 7047, section 5.1. JSON may hold Logical_DP_Group and Datapath_Binding too, one table after the other: then
datapaths are called by their names.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from ko_tui.backend.ovn.table import many, value

_RECORD = re.compile(r"^(?P<column>[a-z_]+) *:(?: (?P<value>.*))?$")
_TABLE = re.compile(r'\s*\{\s*"data":\s*\[\s*\[')
_MATCH = re.compile(r"^match +: ", re.MULTILINE)
_ACTIONS = re.compile(r"^actions +: ", re.MULTILINE)
_STAGE = re.compile(r'(?<![\w-])stage-name=(?P<name>"(?:[^"\\]|\\.)*"|[^\s,}]+)')
_NOTHING = ("", "[]")
_ORDER = {"ingress": 0, "egress": 1}


class NotWhole(ValueError):
    """JSON that breaks off, or holds no table."""


@dataclass(frozen=True, slots=True)
class FlowRecord:
    """One row. ``datapath`` is a name, a UUID, or the UUID of a group; ``uuid`` has eight digits."""

    table: int
    stage: str
    priority: int
    match: str
    actions: str
    datapath: str
    pipeline: str
    uuid: str


def holds_records(text: str) -> bool:
    """Whether ``text`` is a list of logical flows in one of the two forms."""
    if text.lstrip()[:1] == "{":
        if '"headings"' not in text:  # it comes last: a table that breaks off has none
            return _TABLE.match(text) is not None
        return '"match"' in text and '"actions"' in text
    return _MATCH.search(text) is not None and _ACTIONS.search(text) is not None


def flow_records(text: str) -> list[FlowRecord]:
    """Every flow of such text, in lflow-list's order. Raises NotWhole for JSON that cannot be read."""
    rows = _json_rows(text) if text.lstrip()[:1] == "{" else list(_listed_rows(text))
    groups = {row["_uuid"]: many(row["datapaths"]) for row in rows if "datapaths" in row and "_uuid" in row}
    names = {
        row["_uuid"]: _map(row).get("name", "") for row in rows if "tunnel_key" in row and "_uuid" in row
    }
    flows = [_record(row, groups, names) for row in rows if "match" in row and "actions" in row]
    return sorted(flows, key=lambda f: (f.datapath, _ORDER.get(f.pipeline, 2), f.table, -f.priority))


def _record(row: dict[str, Any], groups: dict[Any, tuple[Any, ...]], names: dict[Any, str]) -> FlowRecord:
    owners = many(row.get("logical_datapath")) or tuple(
        member for group in many(row.get("logical_dp_group")) for member in groups.get(group, (group,))
    )
    return FlowRecord(
        _number(row.get("table_id")),
        str(_map(row).get("stage-name", "")),
        _number(row.get("priority")),
        str(row["match"]),
        str(row["actions"]),
        ", ".join(sorted(names.get(owner) or str(owner) for owner in owners)),
        str(row.get("pipeline", "")),
        str(row.get("_uuid", ""))[:8],
    )


def _map(row: dict[str, Any]) -> dict[str, str]:
    ids = row.get("external_ids")
    return ids if isinstance(ids, dict) else {}


def _number(cell: Any) -> int:
    try:
        return int(cell)
    except (TypeError, ValueError):
        return 0


def _json_rows(text: str) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = []
    read, at = json.JSONDecoder().raw_decode, 0
    text = text.strip()
    while at < len(text):
        try:
            table, at = read(text, at)
            headings = table["headings"]
            rows += [dict(zip(headings, map(value, cells), strict=True)) for cells in table["data"]]
        except (KeyError, TypeError, ValueError, RecursionError) as error:
            raise NotWhole(f"the table in JSON cannot be read: {error}") from error
        at += len(text[at:]) - len(text[at:].lstrip())
    return rows


def _listed_rows(text: str) -> Iterator[dict[str, Any]]:
    """Records; a blank line or a column that comes again begins the next."""
    row: dict[str, Any] = {}
    for line in text.splitlines():
        found = _RECORD.match(line)
        if (not line.strip() or (found and found["column"] in row)) and row:
            yield row
            row = {}
        if found:
            row[found["column"]] = _cell(found["column"], (found["value"] or "").strip())
    if row:
        yield row


def _cell(column: str, text: str) -> Any:
    if column == "external_ids":
        stage = _STAGE.search(text)
        return {"stage-name": _plain(stage["name"])} if stage else {}
    if column.startswith("logical_d") and text in _NOTHING:
        return None
    return _plain(text)


def _plain(text: str) -> str:
    """A value without its quotes: strings are quoted as in JSON, unless ``--data=bare`` left that out."""
    if text[:1] == '"':
        try:
            read = json.loads(text)
        except ValueError:
            return text
        return str(read)
    return text

"""The schema of an OVSDB database and the values of its columns (RFC 7047, sections 3.2 and 5.1).

How a column's value comes out: a scalar as itself; an optional scalar as itself or None; a set as a tuple; a map
as a dict. A reference to a row is the row's UUID as text.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

Shape = Literal["scalar", "optional", "set", "map"]
_DEFAULTS: Mapping[str, Any] = {
    "string": "",
    "integer": 0,
    "real": 0.0,
    "boolean": False,
    "uuid": "00000000-0000-0000-0000-000000000000",
}


@dataclass(frozen=True, slots=True)
class Column:
    """A column's type, as far as reading needs it. ``refers_to`` is the table that a UUID names a row of."""

    name: str
    shape: Shape
    key: str
    value: str = ""
    refers_to: str = ""

    def default(self) -> Any:
        """What a row holds that does not mention the column."""
        if self.shape == "map":
            return {}
        if self.shape == "set":
            return ()
        return None if self.shape == "optional" else _DEFAULTS[self.key]

    def typed(self, json: Any) -> Any:
        """A value as the file spells it, as a Python value. Raises ValueError when it has another shape."""
        if self.shape == "scalar":
            return atom(json)
        if self.shape == "map":
            return {atom(k): atom(v) for k, v in _pairs(json)}
        members = tuple(atom(member) for member in _members(json))
        if self.shape == "set":
            return members
        if len(members) > 1:
            raise ValueError(f"column {self.name} holds {len(members)} values")
        return members[0] if members else None

    def changed(self, old: Any, difference: Any) -> Any:
        """``old`` with a difference applied, both as the file spells them (ovsdb/file.c, ``_is_diff``)."""
        if self.shape == "map":
            pairs = {_hashable(k): [k, v] for k, v in _pairs(old)} if old is not None else {}
            for key, value in _pairs(difference):
                name = _hashable(key)
                if name in pairs and pairs[name][1] == value:
                    del pairs[name]
                else:
                    pairs[name] = [key, value]
            return ["map", list(pairs.values())]
        if self.shape == "set":
            members = {_hashable(m): m for m in _members(old)} if old is not None else {}
            for member in _members(difference):
                if members.pop(_hashable(member), None) is None:
                    members[_hashable(member)] = member
            return ["set", list(members.values())]
        return difference


def atom(json: Any) -> Any:
    """One atom: ``["uuid", U]`` gives U, anything else is itself."""
    if isinstance(json, list):
        if len(json) == 2 and json[0] == "uuid":
            return json[1]
        raise ValueError("a value has an unknown form")
    return json


def columns_of(table: Mapping[str, Any]) -> dict[str, Column]:
    """The columns of one table of a schema. Raises ValueError when it is no schema."""
    return {name: _column(name, spec["type"]) for name, spec in table["columns"].items()}


def _column(name: str, kind: Any) -> Column:
    if isinstance(kind, str):
        return Column(name, "scalar", kind)
    key = kind["key"]
    base = key if isinstance(key, str) else key["type"]
    refers = "" if isinstance(key, str) else key.get("refTable", "")
    if "value" in kind:
        value = kind["value"]
        return Column(name, "map", base, value if isinstance(value, str) else value["type"], refers)
    if kind.get("max", 1) != 1:
        return Column(name, "set", base, refers_to=refers)
    return Column(name, "optional" if kind.get("min", 1) == 0 else "scalar", base, refers_to=refers)


def _members(json: Any) -> list[Any]:
    """The members of a set; one member may stand alone."""
    if isinstance(json, list) and len(json) == 2 and json[0] == "set" and isinstance(json[1], list):
        return json[1]
    return [json]


def _pairs(json: Any) -> list[list[Any]]:
    if isinstance(json, list) and len(json) == 2 and json[0] == "map" and isinstance(json[1], list):
        return json[1]
    raise ValueError("a map has an unknown form")


def _hashable(json: Any) -> Any:
    return tuple(json) if isinstance(json, list) else json

"""``ko-tui explain --match - --against -``: would this packet match, and which clause says no?

Without a database: ports are told apart by name, address sets and port groups are unknown.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any, TextIO

from ko_tui.backend.ovn.expression import ExpressionError, parse
from ko_tui.backend.ovn.versions import DEFAULT, OvnVersion
from ko_tui.backend.simulate.clauses import Clause, View, clauses, judge
from ko_tui.backend.simulate.matching import Scope
from ko_tui.backend.simulate.microflow import MicroflowError, parse_known


class _Names:
    """Numbers for port names: the same name always has the same one."""

    def __init__(self) -> None:
        self._numbers: dict[str, int] = {"": 0, "none": 0}

    def number(self, name: str) -> int:
        return self._numbers.setdefault(name, len(self._numbers))

    def name(self, number: int) -> str:
        return next((n for n, v in self._numbers.items() if v == number), "")


def evaluate(match: str, microflow: str, *, version: OvnVersion = DEFAULT) -> dict[str, Any]:
    """``{"value", "clauses"}``; what the microflow does not say is unknown, as are sets and the tracker's marks.

    Raises ExpressionError for the match and MicroflowError for the microflow.
    """
    names = _Names()
    scope = Scope(version, lambda _: None, lambda _: None, names.number, lambda _: True)
    expression = parse(match, symbols=scope.symbols)
    state, known = parse_known(microflow, scope)
    view = View(state, scope, names.name, known)
    return {
        "value": judge(expression, view),
        "clauses": [_as_json(c) for c in clauses(expression, view)],
    }


def _as_json(clause: Clause) -> dict[str, Any]:
    made: dict[str, Any] = {"text": clause.text, "value": clause.value, "packet": clause.packet}
    if clause.alternatives:
        made["clauses"] = [_as_json(part) for part in clause.alternatives]
    return made


def evaluate_lines(stream_in: Iterable[str], stream_out: TextIO, *, version: OvnVersion = DEFAULT) -> int:
    """A JSON line ``{"value","clauses"}`` or ``{"error"}`` for each ``{"match","microflow"}``; 1 if one was wrong."""
    bad = 0
    for line in stream_in:
        if not line.strip():
            continue
        answer = _answer(line, version)
        bad |= "error" in answer
        stream_out.write(json.dumps(answer, ensure_ascii=False) + "\n")
        stream_out.flush()
    return 1 if bad else 0


def _answer(line: str, version: OvnVersion) -> dict[str, Any]:
    try:
        asked = json.loads(line)
    except ValueError as error:
        return {"error": f"not JSON: {error}"}
    if not isinstance(asked, dict):
        return {"error": 'a line is an object with "match" and "microflow"'}
    match, microflow = asked.get("match"), asked.get("microflow")
    if not isinstance(match, str) or not isinstance(microflow, str):
        return {"error": '"match" and "microflow" are strings'}
    try:
        return evaluate(match, microflow, version=version)
    except ExpressionError as error:
        return {"error": f"match: {error.message}", "offset": error.offset}
    except MicroflowError as error:
        return {"error": f"microflow: {str(error).strip()}"}

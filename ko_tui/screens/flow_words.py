"""Filter words for OpenFlow as ovs-flowviz(8) has them: ``table=12 and n_packets>0``.

Any other word is an expression.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ko_tui.backend.ovs.openflow import Rate

_WORD = re.compile(r"^(!?)(table|priority|n_packets|n_bytes|cookie|rate|stage)(=|!=|<=|>=|<|>|~)(.+)$")
_COMPARE: dict[str, Callable[[float, float], bool]] = {
    "=": lambda a, b: a == b,
    "!=": lambda a, b: a != b,
    "<": lambda a, b: a < b,
    ">": lambda a, b: a > b,
    "<=": lambda a, b: a <= b,
    ">=": lambda a, b: a >= b,
}
Test = Callable[["Rate"], bool]


def keep(rates: Sequence[Rate], text: str, stage_of: Callable[[Rate], str]) -> list[Rate]:
    """The flows that all words let through. An expression that is none is taken as plain text."""
    tests = [_test(word, stage_of) for word in text.split() if word not in ("and", "&&")]
    return [r for r in rates if all(test(r) for test in tests)]


def _test(word: str, stage_of: Callable[[Rate], str]) -> Test:
    found = _WORD.match(word)
    if found is not None:
        turned, name, sign, value = found.groups()
        test = _field(name, sign, value, stage_of)
        if test is not None:
            return (lambda r: not test(r)) if turned else test
    turned_text, text = (True, word[1:]) if word.startswith("!") else (False, word)
    try:
        search = re.compile(text, re.IGNORECASE if text == text.lower() else re.NOFLAG).search
    except re.error:
        search = re.compile(re.escape(text), re.IGNORECASE).search
    return lambda r: (search(r.flow.raw) is None) == turned_text


def _field(name: str, sign: str, value: str, stage_of: Callable[[Rate], str]) -> Test | None:
    if name == "cookie":
        wanted = value.lower().removeprefix("0x").zfill(8)[:8]
        return lambda r: (r.flow.cookie == wanted) == (sign != "!=")
    if name == "stage":
        return lambda r: value in stage_of(r)
    try:
        number = float(int(value, 0)) if value.lower().startswith("0x") else float(value)
    except ValueError:
        return None
    compare = _COMPARE.get(sign)
    if compare is None:
        return None
    return lambda r: compare(_number(r, name), number)


def _number(rate: Rate, name: str) -> float:
    flow = rate.flow
    if name == "table":
        return float(flow.table if flow.table is not None else -1)
    if name == "priority":
        return float(flow.priority)
    if name == "n_packets":
        return float(flow.packets or 0)
    if name == "n_bytes":
        return float(flow.bytes or 0)
    return float(rate.per_second or 0.0)

"""Filter words for OpenFlow as ovs-flowviz(8) has them.

``table=12 and n_packets>0``, ``not drop``, ``nw_src~=10.0.0.1``. A name is one of the flow's own figures or a field of
its match; any other word is an expression on the whole line. Words side by side must all fit; ``or`` or ``||`` stands
between whole groups, and binds less than ``and``.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ko_tui.backend.ovs.openflow import Rate

_FIGURES = frozenset({"table", "priority", "n_packets", "n_bytes", "rate"})
_SIGNS = r"!=|<=|>=|~=|=|<|>|~"
_WORD = re.compile(rf"^(!*)([A-Za-z][\w.]*)({_SIGNS})(.+)$")
# ``n_packets > 0`` is one word; what is on both sides of a lone sign belongs to it.
_SPACED = re.compile(rf"(?<=\w)\s+({_SIGNS})\s+(?=\S)")
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
    """The flows that the words let through. An expression that is none is taken as plain text."""
    groups: list[list[Test]] = [[]]
    turned = False
    for word in _SPACED.sub(r"\1", text).split():
        if word in ("or", "||"):
            groups.append([])
        elif word in ("not", "!"):
            turned = not turned
        elif word not in ("and", "&&"):
            groups[-1].append(_turned(_test(word, stage_of), turned))
            turned = False
    said = [tests for tests in groups if tests]  # ``or`` at the end: the rest is still to be typed
    return [r for r in rates if not said or any(all(test(r) for test in tests) for tests in said)]


def _turned(test: Test, turned: bool) -> Test:
    return (lambda r: not test(r)) if turned else test


def _test(word: str, stage_of: Callable[[Rate], str]) -> Test:
    found = _WORD.match(word)
    if found is not None:
        marks, name, sign, value = found.groups()
        test = _field(name, sign, value, stage_of)
        if test is not None:
            return _turned(test, len(marks) % 2 == 1)
    turned, text = (True, word[1:]) if word.startswith("!") else (False, word)
    small = text == text.lower()
    try:
        search = re.compile(text, re.IGNORECASE if small else re.NOFLAG).search
    except re.error:
        search = re.compile(re.escape(text), re.IGNORECASE).search

    def found_in(raw: str) -> bool:
        # An action as it stands in a flow, resubmit(,8) or reg0[3], is an expression too, but of something else.
        return text in (raw.lower() if small else raw) or search(raw) is not None

    return lambda r: found_in(r.flow.raw) != turned


def _field(name: str, sign: str, value: str, stage_of: Callable[[Rate], str]) -> Test | None:
    if name == "cookie":
        wanted = value.lower().removeprefix("0x").zfill(8)[:8]
        return lambda r: (r.flow.cookie == wanted) == (sign != "!=")
    if name == "stage":
        return lambda r: (value in stage_of(r)) == (sign != "!=")
    if name in _FIGURES:
        number, compare = _as_number(value), _COMPARE.get(sign)
        if number is None or compare is None:
            return None
        return lambda r: compare(_figure(r, name), number)
    if "," in value or sign == "~" or name in ("actions", "duration"):
        return None  # a piece of a line as it was copied
    return _of_match(name, sign, value)


def _of_match(name: str, sign: str, value: str) -> Test:
    """A field of the match: equal as a number, an address or text; ``~=`` within a network, or under the mask."""
    number, compare = _as_number(value), _COMPARE.get(sign)

    def test(rate: Rate) -> bool:
        own = _fields(rate.flow.match).get(name)
        if own is None:
            return False
        if sign == "~=":
            return _within(own, value)
        theirs = _as_number(own)
        if number is not None and theirs is not None and compare is not None:
            return compare(theirs, number)
        return (own == value.lower()) == (sign != "!=") if sign in ("=", "!=") else False

    return test


def _fields(match: str) -> dict[str, str]:
    pairs = (part.strip().partition("=") for part in match.split(","))
    return {name: value.lower() for name, sign, value in pairs if sign}


def _within(own: str, value: str) -> bool:
    """Whether ``value`` is among what the field ``own`` lets through, or ``own`` lies in the network ``value``."""
    try:
        one, other = ipaddress.ip_network(own, strict=False), ipaddress.ip_network(value, strict=False)
    except ValueError:
        bits, _, mask = own.partition("/")
        a, b, m = _whole(bits), _whole(value), _whole(mask) if mask else -1
        return own == value.lower() if a is None or b is None or m is None else a & m == b & m
    if one.version != other.version:
        return False
    return one.subnet_of(other) or other.subnet_of(one)  # type: ignore[arg-type]


def _whole(text: str) -> int | None:
    try:
        return int(text, 0)
    except ValueError:
        return None


def _as_number(text: str) -> float | None:
    whole = _whole(text)
    if whole is not None:
        return float(whole)
    try:
        return float(text)
    except ValueError:
        return None


def _figure(rate: Rate, name: str) -> float:
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

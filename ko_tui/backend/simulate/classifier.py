"""Finding the flow that a packet hits among many, without looking at those that cannot match.

Tuple space search: flows whose matches test the same bits for equality form a group, and within a group the values
of those bits are a hash key. What a match asks beyond that is tested on the few flows that the key leaves. Which
bits a match tests is read off its text; a term that is not understood here is simply no part of the key.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import cache
from typing import TYPE_CHECKING

from ko_tui.backend.ovn.lexer import Number, integer
from ko_tui.backend.ovn.versions import OvnVersion
from ko_tui.backend.simulate.matching import Scope
from ko_tui.backend.simulate.packet_state import State, place_of

if TYPE_CHECKING:
    from ko_tui.backend.simulate.flows import Flow

Key = tuple[object, ...]
# A dimension of a group: a key of the state and which of its bits; for a port group, the port's field and no bits.
Dimension = tuple[str, int]

_TERM = re.compile(
    r"([a-z_][\w.]*)(?:\[(\d+)(?:\.\.(\d+))?\])? == "
    r"""(?:\{?("[^"\\]*")\}?|\{?@([\w.]+)\}?|\{?([0-9a-fA-F:.x]+)(/[0-9a-fA-F:.x]+)?\}?)"""
)
_PIECE = re.compile(r'"(?:[^"\\]|\\.)*"|[(){}]|&&|\|\||!(?!=)')
_AMPERSAND_IN_QUOTES = re.compile(r'"[^"]*&&[^"]*"')
MAX_TERMS = 64


class Group:
    """Flows whose matches test the same bits."""

    __slots__ = ("buckets", "dimensions", "port_group", "rank", "signature")

    def __init__(self, dimensions: tuple[Dimension, ...]) -> None:
        self.signature = dimensions
        self.dimensions = tuple(d for d in dimensions if d[1])
        self.port_group = next((d[0] for d in dimensions if not d[1]), "")
        self.buckets: dict[Key, list[Flow]] = {}
        self.rank: tuple[int, int, int] = (0, 0, 0)

    def candidates(self, state: State, members: Mapping[int, tuple[str, ...]]) -> Iterator[Flow]:
        """Flows that may match, by rank within each bucket."""
        key = tuple([state[name] & mask for name, mask in self.dimensions])
        if not self.port_group:
            yield from self.buckets.get(key, ())
            return
        for name in members.get(state[self.port_group], ()):
            yield from self.buckets.get((*key, name), ())


class Classifier:
    """The flows of one stage, ready for look-ups."""

    def __init__(self, flows: Sequence[Flow], scope: Scope, members: Mapping[int, tuple[str, ...]]) -> None:
        self.members = members
        self._scope = scope
        self._groups: dict[tuple[Dimension, ...], Group] = {}
        self.groups: list[Group] = []
        self.change((), flows, ())

    def change(self, gone: Iterable[Flow], came: Iterable[Flow], moved: Iterable[Flow]) -> None:
        """Flows that the stage has no more, that are new in it, and whose rank is another than it was."""
        touched: dict[Group, set[Key]] = {}
        for flow in gone:
            for group, key in self._home(flow):
                group.buckets[key].remove(flow)
                touched.setdefault(group, set()).add(key)
        for flow in came:
            for group, key in self._home(flow):
                group.buckets.setdefault(key, []).append(flow)
                touched.setdefault(group, set()).add(key)
        for flow in moved:
            for group, key in self._home(flow):
                touched.setdefault(group, set()).add(key)
        for group, keys in touched.items():
            for key in keys:
                if bucket := group.buckets[key]:
                    bucket.sort(key=lambda flow: flow.rank)
                else:
                    del group.buckets[key]
            if group.buckets:
                group.rank = min(bucket[0].rank for bucket in group.buckets.values())
            else:
                del self._groups[group.signature]
        self.groups = sorted(self._groups.values(), key=lambda group: group.rank)

    def _home(self, flow: Flow) -> Iterator[tuple[Group, Key]]:
        """The flow's group and key; nothing when it compares a port with one that this datapath does not have."""
        made = signature(flow.match, self._scope)
        if made is not None:
            dimensions, key = made
            group = self._groups.get(dimensions)
            if group is None:
                group = self._groups[dimensions] = Group(dimensions)
            yield group, key

    def lookup(self, state: State) -> Flow | None:
        """The best flow that matches."""
        best: Flow | None = None
        for group in self.groups:
            if best is not None and best.rank < group.rank:
                break
            for flow in group.candidates(state, self.members):
                if best is not None and best.rank < flow.rank:
                    if not group.port_group:
                        break
                    continue
                if flow.matches(state):
                    best = flow
                    if not group.port_group:
                        break
        return best


def signature(match: str, scope: Scope) -> tuple[tuple[Dimension, ...], Key] | None:
    """The bits that a match tests for equality and their values; None when it can never match here."""
    bits: dict[str, tuple[int, int]] = {}
    group: tuple[str, str] | None = None
    for term in conjuncts(match):
        found = _TERM.fullmatch(term)
        if found is None:
            continue
        name, low, high, text, port_group, number, slash = found.groups()
        if port_group:
            if group is None and name in ("inport", "outport"):
                group = (name, port_group)
            continue
        place = _place(scope.version, name, low, high)
        if place is None:
            continue
        key, shift, width, is_string = place
        mask = ((1 << width) - 1) << shift
        if is_string != bool(text):
            continue
        if text:
            port = scope.number(text[1:-1])
            if port is None:
                return None
            value = port
        else:
            parsed = integer(number, slash)
            if not isinstance(parsed, Number):
                continue
            value = parsed.value << shift
            if parsed.mask is not None:
                mask &= parsed.mask << shift
        if not mask:
            continue
        old_mask, old_value = bits.get(key, (0, 0))
        bits[key] = (old_mask | mask, old_value | value & mask)
    names = sorted(bits)
    dimensions = tuple((name, bits[name][0]) for name in names)
    values: Key = tuple(bits[name][1] for name in names)
    if group is not None:
        return (*dimensions, (group[0], 0)), (*values, group[1])
    return dimensions, values


@cache
def _place(
    version: OvnVersion, name: str, low: str | None, high: str | None
) -> tuple[str, int, int, bool] | None:
    from ko_tui.backend.ovn.symbols import table

    symbols = table(version)
    symbol = symbols.get(name)
    if symbol is None or symbol.kind == "predicate":
        return None
    first = None if low is None else int(low)
    last = first if high is None else int(high)
    place = place_of(symbols, name, first, last)
    return None if place is None else (place.key, place.shift, place.width, symbol.width == 0)


def conjuncts(match: str) -> list[str]:
    """The terms that must all hold; an empty list when the match is no conjunction."""
    if "(" not in match and "{" not in match and not _AMPERSAND_IN_QUOTES.search(match):
        return [] if "||" in match else match.split(" && ", MAX_TERMS)
    return _split(match.strip())


def _split(text: str) -> list[str]:
    pieces: list[str] = []
    depth, start = 0, 0
    for found in _PIECE.finditer(text):
        token = found[0]
        if token in ("(", "{"):
            depth += 1
        elif token in (")", "}"):
            depth -= 1
        elif depth == 0 and token == "||":
            return []
        elif depth == 0 and token == "&&":
            pieces.append(text[start : found.start()].strip())
            start = found.end()
    pieces.append(text[start:].strip())
    out: list[str] = []
    for piece in pieces[:MAX_TERMS]:
        if piece.startswith("(") and _encloses(piece):
            out += _split(piece[1:-1].strip())
        else:
            out.append(piece)
    return out


def _encloses(text: str) -> bool:
    """Whether the first parenthesis closes at the very end."""
    depth = 0
    for found in _PIECE.finditer(text):
        if found[0] == "(":
            depth += 1
        elif found[0] == ")":
            depth -= 1
            if depth == 0:
                return found.end() == len(text)
    return False

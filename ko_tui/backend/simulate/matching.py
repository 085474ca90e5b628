"""Matches compiled to functions of a packet's state.

What OVN does with a match before it looks at a packet is done here once: negation moves inward, each field brings
its prerequisites (which stay positive under negation), subfields become bits of their field, and predicates what
they stand for. Facts: lib/expr.c of OVN.
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field

from ko_tui.backend.ovn import symbols as symbol_tables
from ko_tui.backend.ovn.expression import (
    AddressSet,
    And,
    Boolean,
    ChassisResident,
    Compare,
    Constant,
    Expression,
    FieldRef,
    Not,
    Or,
    PortGroup,
    Range,
    StringConstant,
    Value,
    parse,
)
from ko_tui.backend.ovn.lexer import INTEGER, Number, tokenize
from ko_tui.backend.ovn.symbols import SymbolTable
from ko_tui.backend.ovn.versions import OvnVersion
from ko_tui.backend.simulate.packet_state import State, place_of

Test = Callable[[State], bool]

_INVERTED = {"==": "!=", "!=": "==", "<": ">=", "<=": ">", ">": "<=", ">=": "<"}
_COMPARE: Mapping[str, Callable[[int, int], bool]] = {
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
}


class UnknownName(Exception):
    """A match names an address set or port group that the database does not have: ovn-trace skips such a flow."""


def always(state: State) -> bool:
    """The match ``1``."""
    return True


def never(state: State) -> bool:
    """The match ``0``."""
    return False


@dataclass
class Scope:
    """What the names in a match mean: ports and groups of one datapath, address sets of the database."""

    version: OvnVersion
    address_set: Callable[[str], tuple[str, ...] | None]
    port_group: Callable[[str], tuple[str, ...] | None]
    port_number: Callable[[str], int | None]
    resident: Callable[[str], bool]
    symbols: SymbolTable = field(init=False)

    def __post_init__(self) -> None:
        self.symbols = symbol_tables.table(self.version)
        self._predicates: dict[str, Test] = {}
        self._sets: dict[str, tuple[frozenset[int], tuple[tuple[int, int], ...]]] = {}
        self._numbers: dict[str, int | None] = {}

    def number(self, port: str) -> int | None:
        """A port's number, remembered."""
        if port not in self._numbers:
            self._numbers[port] = self.port_number(port)
        return self._numbers[port]

    def addresses(self, name: str) -> tuple[frozenset[int], tuple[tuple[int, int], ...]]:
        """An address set as exact values and (value, mask) pairs. Raises UnknownName."""
        found = self._sets.get(name)
        if found is None:
            texts = self.address_set(name)
            if texts is None:
                raise UnknownName(f"${name}")
            found = self._sets[name] = _addresses(texts)
        return found

    def predicate(self, name: str) -> Test:
        """A predicate, or a prerequisite, as a test. ``name`` is its expression."""
        found = self._predicates.get(name)
        if found is None:
            found = self._predicates[name] = compile_match(parse(name, symbols=self.symbols), self)
        return found


def compile_match(expression: Expression, scope: Scope, *, negated: bool = False) -> Test:
    """The test that ``expression`` (or its negation) is. Raises UnknownName."""
    if isinstance(expression, And | Or):
        tests = [compile_match(term, scope, negated=negated) for term in expression.terms]
        return all_of(tests) if isinstance(expression, And) is not negated else any_of(tests)
    if isinstance(expression, Not):
        return compile_match(expression.term, scope, negated=not negated)
    if isinstance(expression, Compare):
        values = expression.values
        op = _INVERTED[expression.op] if negated else expression.op
        return _compare(expression.field, op, values, scope)
    if isinstance(expression, FieldRef):
        zero = (Constant(0),)
        return _compare(expression, "==" if negated else "!=", zero, scope)
    if isinstance(expression, Range):
        low_op = {"<": ">", "<=": ">="}[expression.low_op]
        low = _compare(expression.field, _INVERTED[low_op] if negated else low_op, (expression.low,), scope)
        high_op = _INVERTED[expression.high_op] if negated else expression.high_op
        high = _compare(expression.field, high_op, (expression.high,), scope)
        return any_of([low, high]) if negated else all_of([low, high])
    if isinstance(expression, Boolean):
        return always if expression.value is not negated else never
    assert isinstance(expression, ChassisResident)
    return always if scope.resident(expression.port) is not negated else never


def all_of(tests: list[Test]) -> Test:
    """True when every test is."""
    tests = [t for t in tests if t is not always]
    if never in tests:
        return never
    if len(tests) < 2:
        return tests[0] if tests else always
    if len(tests) == 2:
        first, second = tests
        return lambda state: first(state) and second(state)

    def every(state: State) -> bool:
        for test in tests:  # noqa: SIM110 (half the time of all())
            if not test(state):
                return False
        return True

    return every


def any_of(tests: list[Test]) -> Test:
    """True when one test is."""
    tests = [t for t in tests if t is not never]
    if always in tests:
        return always
    if len(tests) < 2:
        return tests[0] if tests else never
    if len(tests) == 2:
        first, second = tests
        return lambda state: first(state) or second(state)

    def some(state: State) -> bool:
        for test in tests:  # noqa: SIM110
            if test(state):
                return True
        return False

    return some


def _compare(ref: FieldRef, op: str, values: tuple[Value, ...], scope: Scope) -> Test:
    symbol = scope.symbols[ref.name]
    if symbol.kind == "predicate":
        positive = [(v.value & 1 == 1) is not (op == "!=") for v in values if isinstance(v, Constant)]
        test = scope.predicate(symbol.expansion)
        tests = [test if p else _negation(test) for p in positive]
        return any_of(tests) if op == "==" else all_of(tests)
    place = place_of(scope.symbols, ref.name, ref.low, ref.high)
    if place is None:
        return never
    if not symbol.width:
        test = _strings(place.key, op, values, scope)
    else:
        test = _integers(place.key, place.shift, place.width, op, values, scope)
    if symbol.prerequisites:
        return all_of([scope.predicate(symbol.prerequisites), test])
    return test


def _negation(test: Test) -> Test:
    return lambda state: not test(state)


def _strings(key: str, op: str, values: tuple[Value, ...], scope: Scope) -> Test:
    names: list[str] = []
    for value in values:
        if isinstance(value, PortGroup):
            ports = scope.port_group(value.name)
            if ports is None:
                raise UnknownName(f"@{value.name}")
            names += ports
        elif isinstance(value, StringConstant):
            names.append(value.value)
    known = [scope.number(name) for name in names]
    numbers = frozenset(n for n in known if n is not None)
    if op == "==":
        if len(numbers) == 1:
            (only,) = numbers
            return lambda state: state[key] == only
        return (lambda state: state[key] in numbers) if numbers else never
    if None in known:
        return never  # a name that is no port here compares as false, for != too
    return lambda state: state[key] not in numbers


def _integers(key: str, shift: int, width: int, op: str, values: tuple[Value, ...], scope: Scope) -> Test:
    field_mask = ((1 << width) - 1) << shift
    if op in _COMPARE:
        (value,) = values
        if not isinstance(value, Constant):
            return _from_sets(key, shift, field_mask, op, values, scope)
        relation, bound = _COMPARE[op], value.value << shift
        if (op == ">=" and bound == 0) or (op == "<=" and bound == field_mask):
            return always
        return lambda state: relation(state[key] & field_mask, bound)
    if len(values) == 1 and isinstance(values[0], Constant):
        only = values[0]
        mask = field_mask if only.mask is None else only.mask << shift & field_mask
        wanted = only.value << shift & mask
        if op == "==":
            return (lambda state: state[key] & mask == wanted) if mask else always
        if not mask:
            return never
        return lambda state: state[key] & mask != wanted
    return _from_sets(key, shift, field_mask, op, values, scope)


def _from_sets(
    key: str, shift: int, field_mask: int, op: str, values: tuple[Value, ...], scope: Scope
) -> Test:
    exact: set[int] = set()
    masked: list[tuple[int, int]] = []
    for value in values:
        if isinstance(value, AddressSet):
            members, prefixes = scope.addresses(value.name)
            exact |= members
            masked += prefixes
        elif isinstance(value, Constant):
            if value.mask is None:
                exact.add(value.value)
            else:
                masked.append((value.value, value.mask))
    if op in _COMPARE:  # ovn-trace compares with each member of a set in turn
        relation, bounds = _COMPARE[op], [m << shift for m in exact]
        return lambda state: all(relation(state[key] & field_mask, bound) for bound in bounds)
    members = frozenset(m << shift for m in exact)
    pairs = tuple((v << shift, m << shift & field_mask) for v, m in masked)

    def within(state: State) -> bool:
        value = state[key] & field_mask
        if value in members:
            return True
        for wanted, mask in pairs:  # noqa: SIM110
            if value & mask == wanted:
                return True
        return False

    if op == "==":
        return within if members or pairs else never
    return _negation(within)


def _addresses(texts: Iterable[str]) -> tuple[frozenset[int], tuple[tuple[int, int], ...]]:
    exact: set[int] = set()
    masked: set[tuple[int, int]] = set()
    for text in texts:
        kinds, values, _, _ = tokenize(text)
        number = values[0]
        if kinds[0] != INTEGER or not isinstance(number, Number):
            continue  # ovn-trace leaves out what is no number
        if number.mask is None:
            exact.add(number.value)
        else:
            masked.add((number.value, number.mask))
    return frozenset(exact), tuple(masked)

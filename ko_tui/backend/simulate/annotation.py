"""A match with its prerequisites and predicates written out: how OVN understands a packet description.

Facts: lib/expr.c (expr_annotate, expr_format, expr_parse_microflow).
"""

from __future__ import annotations

from dataclasses import dataclass

from ko_tui.backend.ovn.expression import (
    And,
    Boolean,
    ChassisResident,
    Compare,
    Constant,
    Expression,
    FieldRef,
    Not,
    Or,
    Range,
    StringConstant,
    parse,
)
from ko_tui.backend.ovn.lexer import quote
from ko_tui.backend.simulate.matching import Scope, UnknownName

_INVERTED = {"==": "!=", "!=": "==", "<": ">=", "<=": ">", ">": "<=", ">=": "<"}


@dataclass(frozen=True, slots=True)
class Test:
    """A comparison of one field: under ``mask`` with ``value``, or with the string ``text``."""

    symbol: str
    op: str
    value: int = 0
    mask: int = 0
    text: str | None = None


@dataclass(frozen=True, slots=True)
class Joint:
    """Several terms, all or any of which must hold."""

    all: bool
    terms: tuple[Annotated, ...]


@dataclass(frozen=True, slots=True)
class Fixed:
    """Always, or never; ``port`` when it comes from ``is_chassis_resident``."""

    value: bool
    port: str | None = None


Annotated = Test | Joint | Fixed


def annotate(expression: Expression, scope: Scope) -> Annotated:
    """The expression in terms of whole fields. Raises UnknownName for a group or set that is not there."""
    return _annotated(_plain(expression, scope, False), scope, True)


def joined(terms: list[Annotated], *, every: bool) -> Annotated:
    """Terms as one, those of the same kind merged."""
    flat: list[Annotated] = []
    for term in terms:
        if isinstance(term, Joint) and term.all is every:
            flat += term.terms
        else:
            flat.append(term)
    return flat[0] if len(flat) == 1 else Joint(every, tuple(flat))


def _plain(expression: Expression, scope: Scope, negated: bool) -> Annotated:
    """Negations moved to the comparisons; symbols as they were written."""
    if isinstance(expression, And | Or):
        every = isinstance(expression, And) is not negated
        return joined([_plain(t, scope, negated) for t in expression.terms], every=every)
    if isinstance(expression, Not):
        return _plain(expression.term, scope, not negated)
    if isinstance(expression, Boolean):
        return Fixed(expression.value is not negated)
    if isinstance(expression, ChassisResident):
        return Fixed(not negated, expression.port)
    if isinstance(expression, FieldRef):
        return _test(expression, "==" if negated else "!=", 0, None, scope)
    if isinstance(expression, Range):
        low = {"<": ">", "<=": ">="}[expression.low_op]
        bounds = [
            _test(expression.field, _INVERTED[op] if negated else op, bound.value, None, scope)
            for op, bound in ((low, expression.low), (expression.high_op, expression.high))
            if isinstance(bound, Constant)
        ]
        return joined(list(bounds), every=not negated)
    op = _INVERTED[expression.op] if negated else expression.op
    terms = _values(expression, op, scope)
    if not terms:
        return Fixed(op == "!=")
    return joined(terms, every=(expression.op != "==") is not negated)


def _values(compare: Compare, op: str, scope: Scope) -> list[Annotated]:
    symbol = scope.symbols[compare.field.name]
    terms: list[Annotated] = []
    for value in compare.values:
        if isinstance(value, Constant):
            terms.append(_test(compare.field, op, value.value, value.mask, scope))
        elif isinstance(value, StringConstant):
            terms.append(Test(symbol.name, op, text=value.value))
        elif symbol.width:
            exact, masked = scope.addresses(value.name)
            terms += [_test(compare.field, op, number, None, scope) for number in sorted(exact)]
            terms += [_test(compare.field, op, number, mask, scope) for number, mask in sorted(masked)]
        else:
            ports = scope.port_group(value.name)
            if ports is None:
                raise UnknownName(f"@{value.name}")
            terms += [Test(symbol.name, op, text=port) for port in ports]
    return terms


def _test(field: FieldRef, op: str, value: int, mask: int | None, scope: Scope) -> Test:
    low = field.low or 0
    width = scope.symbols[field.name].width if field.high is None else field.high - low + 1
    bits = (1 << width) - 1 if mask is None else mask
    return Test(field.name, op, value << low, bits << low)


def _annotated(term: Annotated, scope: Scope, add: bool) -> Annotated:
    if isinstance(term, Fixed):
        return term
    if isinstance(term, Test):
        return _test_annotated(term, scope, add)
    terms: list[Annotated] = list(term.terms)
    only = _unique(term) if add else None
    if only is not None:
        add = False
        if needed := scope.symbols[only].prerequisites:
            asked = annotate(parse(needed, symbols=scope.symbols), scope)
            if term.all:
                terms = [*terms, *(asked.terms if isinstance(asked, Joint) and asked.all else [asked])]
            else:
                inner = joined([_annotated(t, scope, False) for t in terms], every=False)
                return joined([inner, asked], every=True)
    return joined([_annotated(t, scope, add) for t in terms], every=term.all)


def _unique(term: Annotated) -> str | None:
    """The one symbol that every comparison names, if there is one."""
    if isinstance(term, Test):
        return term.symbol
    if isinstance(term, Fixed):
        return None
    names = {_unique(t) for t in term.terms}
    return names.pop() if len(names) == 1 else None


def _test_annotated(test: Test, scope: Scope, add: bool) -> Annotated:
    symbol = scope.symbols[test.symbol]
    terms: list[Annotated] = []
    if symbol.kind == "predicate":
        made = annotate(parse(symbol.expansion, symbols=scope.symbols), scope)
        positive = bool(test.value & 1) is not (test.op == "!=")
        terms.append(made if positive else _inverse(made))
    else:
        value, mask = test.value, test.mask
        base = symbol
        while base.parent:
            value, mask = value << base.low, mask << base.low
            base = scope.symbols[base.parent]
        terms.append(Test(base.name, test.op, value, mask, test.text))
    if add and symbol.prerequisites:
        terms.append(annotate(parse(symbol.prerequisites, symbols=scope.symbols), scope))
    return joined(terms, every=True)


def _inverse(term: Annotated) -> Annotated:
    if isinstance(term, Test):
        return Test(term.symbol, _INVERTED[term.op], term.value, term.mask, term.text)
    if isinstance(term, Fixed):
        return Fixed(not term.value, term.port)
    return Joint(not term.all, tuple(_inverse(t) for t in term.terms))


def written(term: Annotated, scope: Scope) -> str:
    """OVN's spelling of an annotated match."""
    if isinstance(term, Joint):
        parts = [f"({written(t, scope)})" if isinstance(t, Joint) else written(t, scope) for t in term.terms]
        return (" && " if term.all else " || ").join(parts)
    if isinstance(term, Fixed):
        if term.port is not None:
            return f"{'' if term.value else '!'}is_chassis_resident({quote(term.port)})"
        return "1" if term.value else "0"
    if term.text is not None:
        return f"{term.symbol} {term.op} {quote(term.text)}"
    return _comparison(term, scope.symbols[term.symbol].width)


def _comparison(test: Test, width: int) -> str:
    low = (test.mask & -test.mask).bit_length() - 1 if test.mask else 0
    count = test.mask.bit_count()
    if test.mask != ((1 << count) - 1) << low:
        count = 0  # bits that are not side by side
    if count == 1 and test.op in ("==", "!="):
        positive = bool(test.value >> low & 1) is not (test.op == "!=")
        return f"{'' if positive else '!'}{test.symbol}{f'[{low}]' if width > 1 else ''}"
    field = test.symbol
    if 0 < count < width:
        field += f"[{low}..{low + count - 1}]" if count > 1 else f"[{low}]"
    if count:
        return f"{field} {test.op} {_hex(test.value >> low)}"
    return f"{field} {test.op} {_hex(test.value)}/{_hex(test.mask)}"


def _hex(value: int) -> str:
    """OVN writes 0 without 0x."""
    return f"{value:#x}" if value else "0"

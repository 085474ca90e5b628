"""The typed tree of a match: immutable, comparable, hashable; ``str()`` is its text in OVN's own spelling.

A tree is in OVN's own normal shape: ``a && (b && c)`` is one And of three terms, parentheses around a single
term are gone, and a comparison has its field on the left. The text of a tree parses to an equal tree.

The nodes are msgspec structs: they behave as frozen dataclasses do, and are made ten times faster.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Literal

from msgspec import Struct

from ko_tui.backend.ovn.lexer import ETHERNET, IPV4, IPV6, Format, format_number, quote

Operator = Literal["==", "!=", "<", "<=", ">", ">="]


class Constant(Struct, frozen=True, gc=False):
    """An integer: ``value`` has no bits outside ``mask`` (None: all bits count). Hashing: 1 and 0x1 differ."""

    value: int
    format: Format = Format.DECIMAL
    mask: int | None = None

    def __str__(self) -> str:
        return format_number(self.value, self.format, self.mask)

    @property
    def width(self) -> int:
        """The fewest bits a field must have to be compared with it."""
        if self.mask is not None:
            return self.mask.bit_length()
        # Identity: hashing a member of an enumeration is slow.
        shape = self.format
        if shape is IPV4:
            return 32
        if shape is ETHERNET:
            return 48
        if shape is IPV6:
            return 128
        return self.value.bit_length()


class StringConstant(Struct, frozen=True, gc=False):
    """A quoted string; ``value`` is what it means, escapes undone."""

    value: str

    def __str__(self) -> str:
        return quote(self.value)


class AddressSet(Struct, frozen=True, gc=False):
    """``$name``: all addresses of an Address_Set, which for ``pg_ip4`` and ``pg_ip6`` names is a port group's."""

    name: str

    def __str__(self) -> str:
        return f"${self.name}"

    @property
    def port_group(self) -> tuple[str, Literal[4, 6]] | None:
        """The port group's name and the IP version, when the name has the form of a port group's set."""
        base, _, family = self.name.rpartition("_")
        if base and family in ("ip4", "ip6"):
            return base, 4 if family == "ip4" else 6
        return None


class PortGroup(Struct, frozen=True, gc=False):
    """``@name``: all ports of a Port_Group."""

    name: str

    def __str__(self) -> str:
        return f"@{self.name}"


Value = Constant | StringConstant | AddressSet | PortGroup


class ConstantSet(Struct, frozen=True, gc=False):
    """``{a, b}``: values in braces, at least one."""

    values: tuple[Value, ...]

    def __str__(self) -> str:
        return "{" + ", ".join(map(str, self.values)) + "}"


class FieldRef(Struct, frozen=True, gc=False):
    """A field, or the bits ``low`` to ``high`` of it; both None for the whole field.

    As a term of an expression it is true when it is not 0: a predicate (``ip4``) or bits (``eth.src[40]``).
    """

    name: str
    low: int | None = None
    high: int | None = None

    def __str__(self) -> str:
        if self.low is None:
            return self.name
        if self.low == self.high:
            return f"{self.name}[{self.low}]"
        return f"{self.name}[{self.low}..{self.high}]"


class Compare(Struct, frozen=True, gc=False):
    """``field op value``; a set compares with each of its values."""

    field: FieldRef
    op: Operator
    value: Value | ConstantSet

    def __str__(self) -> str:
        return f"{self.field} {self.op} {self.value}"

    @property
    def values(self) -> tuple[Value, ...]:
        """The values compared with, one or many."""
        return self.value.values if isinstance(self.value, ConstantSet) else (self.value,)


class Range(Struct, frozen=True, gc=False):
    """``low < field <= high``: each operator is ``<`` or ``<=``."""

    low: Value
    low_op: Literal["<", "<="]
    field: FieldRef
    high_op: Literal["<", "<="]
    high: Value

    def __str__(self) -> str:
        return f"{self.low} {self.low_op} {self.field} {self.high_op} {self.high}"


class Boolean(Struct, frozen=True, gc=False):
    """``1``: always, ``0``: never."""

    value: bool

    def __str__(self) -> str:
        return "1" if self.value else "0"


class ChassisResident(Struct, frozen=True, gc=False):
    """``is_chassis_resident("port")``: whether the port lives on the chassis that evaluates it."""

    port: str

    def __str__(self) -> str:
        return f"is_chassis_resident({quote(self.port)})"


class Not(Struct, frozen=True, gc=False):
    """``!term``."""

    term: Expression

    def __str__(self) -> str:
        if isinstance(self.term, FieldRef | Boolean | ChassisResident):
            return f"!{self.term}"
        return f"!({self.term})"


class And(Struct, frozen=True, gc=False):
    """``a && b && c``: two terms or more, none of them an And."""

    terms: tuple[Expression, ...]

    def __str__(self) -> str:
        return " && ".join([f"({t})" if isinstance(t, Or) else str(t) for t in self.terms])


class Or(Struct, frozen=True, gc=False):
    """``a || b || c``: two terms or more, none of them an Or."""

    terms: tuple[Expression, ...]

    def __str__(self) -> str:
        return " || ".join([f"({t})" if isinstance(t, And) else str(t) for t in self.terms])


Expression = And | Or | Not | Compare | Range | FieldRef | Boolean | ChassisResident


def walk(expression: Expression) -> Iterator[Expression]:
    """The expression and all its terms, outer before inner, in written order."""
    yield expression
    if isinstance(expression, And | Or):
        for term in expression.terms:
            yield from walk(term)
    elif isinstance(expression, Not):
        yield from walk(expression.term)


def fields(expression: Expression) -> Iterator[FieldRef]:
    """Every field and predicate the expression names, in written order."""
    for term in walk(expression):
        if isinstance(term, FieldRef):
            yield term
        elif isinstance(term, Compare | Range):
            yield term.field

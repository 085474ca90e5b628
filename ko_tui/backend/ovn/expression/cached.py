"""A parser for matches whose like was seen before.

Logical flows repeat few shapes and many parts: the same port, address or predicate stands in the matches of
dozens of stages. A match is cut at `` && ``; a part that was seen before is taken from a table, a comparison of a
seen shape is made from its constant alone, and only what is left goes to the parser. The tree is equal to
the parser's, and equal parts of different trees are one object, which saves memory too.
"""

from __future__ import annotations

import re
from functools import cache, lru_cache
from socket import AF_INET, inet_pton

from ko_tui.backend.ovn import symbols as symbol_tables
from ko_tui.backend.ovn.expression.parser import ExpressionError, ExpressionReader
from ko_tui.backend.ovn.expression.template import Template, split, template
from ko_tui.backend.ovn.expression.tree import (
    AddressSet,
    And,
    ChassisResident,
    Compare,
    Constant,
    ConstantSet,
    Expression,
    FieldRef,
    Not,
    Or,
    PortGroup,
    StringConstant,
    Value,
)
from ko_tui.backend.ovn.lexer import DECIMAL, END, ETHERNET, IPV4, Number, integer
from ko_tui.backend.ovn.symbols import SymbolTable
from ko_tui.backend.ovn.versions import DEFAULT, OvnVersion

LIMIT = 1 << 16
"""Most entries a table holds before it begins anew."""

_NAME = re.compile(r"[$@][A-Za-z_.][A-Za-z0-9_.]*")


class CachedParser:
    """The tables for one symbol table."""

    def __init__(self, symbols: SymbolTable) -> None:
        self.symbols = symbols
        self._wholes: dict[str, Expression] = {}
        self._terms: dict[str, Expression] = {}
        self._templates: dict[tuple[str, ...], Template | None] = {}
        # What stands left of == and != -> the field and its width (0 for a string).
        self._equal: dict[str, tuple[FieldRef, int]] = {}
        self._unequal: dict[str, tuple[FieldRef, int]] = {}

    def parse(self, text: str) -> Expression:
        """The tree of ``text``; raises ``ExpressionError`` as the parser does."""
        found = self._wholes.get(text)
        if found is not None:
            return found
        parts_known = len(self._terms)
        if "is_chassis_resident(" in text:
            made = self._of_terms(_balanced(text, " && "))
        elif "(" in text or "||" in text:
            made = self._of_template(text)
        else:
            made = self._of_terms(text.split(" && "))
        if made is None:
            # Few parentheses: no text is then cut deeper than the parser itself would go.
            simple = text.count("(") <= 20
            made = (simple and self._cut(text)) or ExpressionReader(text, self.symbols).whole()
        # A match with a part of its own is likely to come only once.
        if len(self._terms) == parts_known:
            if len(self._wholes) >= LIMIT:
                self._wholes.clear()
            self._wholes[text] = made
        return made

    def _of_terms(self, parts: list[str]) -> Expression | None:
        """The And of the parts, or the only part, when each is known or of a known shape."""
        known = self._terms
        terms: list[Expression] = []
        nested = False
        for part in parts:
            term = known.get(part) or self._of_shape(part)
            if term is None:
                if part[:1] != "(" or not _wrapped(part):
                    return None
                term = self._group(part)
                if term is None:
                    return None
            if type(term) is And:
                nested = True
            terms.append(term)
        if len(terms) == 1:
            return terms[0]
        return And(_flat(terms, And)) if nested else And(tuple(terms))

    def _group(self, part: str) -> Expression | None:
        """A part that parentheses enclose."""
        try:
            made = self._of_template(part)
        except ExpressionError:
            return None
        return made and self._keep(part, made)

    def _of_template(self, text: str) -> Expression | None:
        """The tree of a match with parentheses, from the template of its shape."""
        parts = split(text)
        key = tuple(parts[::2])
        try:
            found = self._templates[key]
        except KeyError:
            return self._first(text, key, parts[1::2])
        if found is None:
            return None
        values: list[Value | ConstantSet] = []
        for part, width in zip(parts[1::2], found.widths, strict=True):
            value = _value(part)
            if value is None or not self._suits(value, width):
                return None
            values.append(value)
        return found.build(values)

    def _first(self, text: str, key: tuple[str, ...], parts: list[str]) -> Expression:
        """The first match of its shape: parsed as a whole, and made into a template."""
        made = ExpressionReader(text, self.symbols).whole()
        values = [_value(part) for part in parts]
        constants = [value for value in values if value is not None]
        if len(self._templates) >= LIMIT:
            self._templates.clear()
        self._templates[key] = (
            template(made, key, constants, self.symbols) if len(constants) == len(values) else None
        )
        return made

    def _of_shape(self, part: str) -> Expression | None:
        """A comparison whose field and operator were seen before, with a new constant."""
        left, op, right = part.partition(" == ")
        if op:
            shape = self._equal.get(left)
        else:
            left, op, right = part.partition(" != ")
            shape = self._unequal.get(left)
        if shape is None:
            return self._resident(part) if "is_chassis_resident(" in part else None
        field, width = shape
        value: Value | ConstantSet | None
        if not width and right[:1] == '"':
            value = _string(right)
        else:
            value = _value(right)
        if value is None or not self._suits(value, width):
            return None
        made = Compare(field, "==" if op == " == " else "!=", value)
        if len(self._terms) >= LIMIT:
            self._terms.clear()
        self._terms[part] = made
        return made

    def _suits(self, value: Value | ConstantSet, width: int) -> bool:
        kind = type(value)
        if kind is StringConstant:
            return not width
        if kind is Constant:
            return 0 < width >= value.width  # type: ignore[union-attr]
        if kind is ConstantSet:
            return all(self._suits(each, width) for each in value.values)  # type: ignore[union-attr]
        return (kind is AddressSet) is (width > 0)

    def _resident(self, part: str) -> Expression | None:
        negative = part[:1] == "!"
        bare = part[1:] if negative else part
        if bare[:20] != "is_chassis_resident(" or bare[-1:] != ")":
            return None
        port = _constant(bare[20:-1])
        if type(port) is not StringConstant:
            return None
        made = ChassisResident(port.value)
        return self._keep(part, Not(made) if negative else made)

    def _keep(self, part: str, term: Expression) -> Expression:
        if len(self._terms) >= LIMIT:
            self._terms.clear()
        self._terms[part] = term
        return term

    def _cut(self, text: str) -> Expression | None:
        """The tree by way of its terms, which are kept; None when the text does not come apart so simply."""
        for joint in (" && ", " || "):
            parts = _balanced(text, joint)
            terms: list[Expression] = []
            for part in parts:
                term = self._terms.get(part) or self._of_shape(part) or self._term(part)
                if term is None:
                    break
                terms.append(term)
            else:
                if len(terms) == 1:
                    return terms[0]
                return And(_flat(terms, And)) if joint == " && " else Or(_flat(terms, Or))
        return None

    def _term(self, part: str) -> Expression | None:
        """The term that ``part`` is, or None when it has to be read together with the rest."""
        if "//" in part or "/*" in part:
            return None
        if part[:1] == "(" and part[-1:] == ")" and _wrapped(part):
            inner = self._cut(part[1:-1])
            if inner is not None:
                return self._keep(part, inner)
        reader = ExpressionReader(part, self.symbols)
        try:
            made = reader.term()
        except ExpressionError:
            return None
        if reader.kinds[reader.at] != END:
            return None
        if type(made) is Compare and made.op in ("==", "!="):
            symbol = self.symbols[made.field.name]
            # Only "field op constant" as OVN spells it; predicates and nominal fields have rules of their own.
            if symbol.kind != "predicate" and part.startswith(f"{made.field} {made.op} "):
                shapes = self._equal if made.op == "==" else self._unequal
                shapes[str(made.field)] = (made.field, symbol.width)
        return self._keep(part, made)


def _flat(terms: list[Expression], family: type[And] | type[Or]) -> tuple[Expression, ...]:
    flat: list[Expression] = []
    for term in terms:
        if type(term) is family:
            flat.extend(term.terms)
        else:
            flat.append(term)
    return tuple(flat)


def _balanced(text: str, joint: str) -> list[str]:
    """``text`` cut at each ``joint`` that is outside all parentheses."""
    parts = text.split(joint)
    if "(" not in text:
        return parts
    made: list[str] = []
    held: list[str] = []
    depth = 0
    for part in parts:
        depth += part.count("(") - part.count(")")
        held.append(part)
        if depth <= 0:
            made.append(held[0] if len(held) == 1 else joint.join(held))
            held.clear()
            depth = 0
    if held:
        made.append(joint.join(held))
    return made


def _wrapped(part: str) -> bool:
    """Whether the parenthesis that begins the part ends with it (parentheses within quotes give False or a refusal)."""
    depth = 0
    for piece in part[1:-1].split(")"):
        depth += piece.count("(")
        if depth < 0:
            return False
        depth -= 1
    return depth == -1


def _string(text: str) -> StringConstant | None:
    """The string that ``text``, which begins with a quote, is when nothing in it needs care."""
    if text.count('"') != 2 or text[-1] != '"' or "\\" in text or "\0" in text:
        return None
    return StringConstant(text[1:-1])


@lru_cache(maxsize=1 << 13)
def _value(text: str) -> Value | ConstantSet | None:
    if text[:1] == "{" and text[-1:] == "}":
        values = [_constant(each) for each in text[1:-1].split(", ")]
        return None if None in values else ConstantSet(tuple(values))  # type: ignore[arg-type]
    return _constant(text)


def _constant(text: str) -> Value | None:
    if text.count(".") == 3 and "/" not in text:
        try:
            return Constant(int.from_bytes(inet_pton(AF_INET, text), "big"), IPV4)
        except (OSError, ValueError):
            pass
    first = text[:1]
    if first == '"':
        return _string(text)
    if first in ("$", "@"):
        if not _NAME.fullmatch(text):
            return None
        return AddressSet(text[1:]) if first == "$" else PortGroup(text[1:])
    if not text.isascii():
        return None
    if text.isdigit() and first != "0" and len(text) < 19:
        return Constant(int(text), DECIMAL)
    if len(text) == 17 and text[2::3] == ":::::":
        digits = text.replace(":", "")
        if len(digits) == 12 and digits.isalnum():
            try:
                return Constant(int(digits, 16), ETHERNET)
            except ValueError:
                return None
    value, slash, mask = text.partition("/")
    number = integer(value, slash + mask if slash else None)
    return Constant(number.value, number.format, number.mask) if isinstance(number, Number) else None


@cache
def _parser(version: OvnVersion) -> CachedParser:
    return CachedParser(symbol_tables.table(version))


def parse_cached(text: str, *, version: OvnVersion = DEFAULT) -> Expression:
    """As ``parse``, and much faster for a match whose like was seen before."""
    return _parser(version).parse(text)

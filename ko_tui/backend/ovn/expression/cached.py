"""A parser for matches whose like was seen before.

Logical flows repeat few shapes and many parts: the same port, address or predicate stands in the matches of
dozens of stages. A match is cut at `` && `` and `` || `` into pieces. A piece that was seen before is taken from a
table, a comparison of a seen field is made from its constant alone, checked as the parser checks it, and how the
pieces hang together is read once for each skeleton of parentheses. Only what is left goes to the parser. The tree is
equal to the parser's, and equal parts of different trees are one object, which saves memory too.
"""

from __future__ import annotations

import re
from functools import cache, lru_cache
from socket import AF_INET, inet_pton

from ko_tui.backend.ovn import symbols as symbol_tables
from ko_tui.backend.ovn.expression.parser import ExpressionError, ExpressionReader
from ko_tui.backend.ovn.expression.skeleton import Build, builder
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
    PortGroup,
    StringConstant,
    Value,
)
from ko_tui.backend.ovn.lexer import DECIMAL, END, ETHERNET, IPV4, Number, integer, prefix_mask
from ko_tui.backend.ovn.symbols import SymbolTable
from ko_tui.backend.ovn.versions import DEFAULT, OvnVersion

LIMIT = 1 << 16
"""Most entries a table holds before it begins anew."""
MOST_PIECES = 256
"""Skeletons of more pieces are not kept."""

_MASKS = {str(length): prefix_mask(length, 32) for length in range(33)}
_NAME = re.compile(r"[$@][A-Za-z_.][A-Za-z0-9_.]*")


class _Unknown(KeyError):
    """A piece that only the parser can read, together with the rest."""


class _Terms(dict[str, Expression]):
    """The term of each piece; one that is not there is made, or ``_Unknown`` raised."""

    def __init__(self, symbols: SymbolTable) -> None:
        super().__init__()
        self.symbols = symbols
        self.marks: dict[str, str] = {}
        """What stands around the term of a piece, if anything does: ``||`` and ``(`` before it, ``)`` after it."""
        # What stands left of == -> the field, its width (0 for a string) and the parentheses before it; of !=.
        self._equal: dict[str, tuple[FieldRef, int, str]] = {}
        self._unequal: dict[str, tuple[FieldRef, int]] = {}

    def __missing__(self, piece: str) -> Expression:
        left, op, right = piece.partition(" == ")
        shape = self._equal.get(left)
        if shape is None or not op:
            term = self._other(piece)
        else:
            field, width, before = shape
            bare = right.rstrip(")")
            value = _string(bare) if not width and right[:1] == '"' else _fitting(bare, width)
            if value is None:
                term = self._other(piece)
            else:
                term = Compare(field, "==", value)
                if before or bare is not right:
                    self.marks[piece] = before + right[len(bare) :]
        if len(self) >= LIMIT:
            self.clear()
            self.marks.clear()
            raise _Unknown(piece)  # marks of the same match may be gone
        self[piece] = term
        return term

    def _other(self, piece: str) -> Expression:
        if "is_chassis_resident(" in piece and (resident := _resident(piece)):
            return resident
        left, _, right = piece.partition(" != ")
        shape = self._unequal.get(left)
        if shape is not None and (value := _fitting(right, shape[1])) is not None:
            return Compare(shape[0], "!=", value)
        rest = piece[2:].lstrip(" ") if piece[:2] == "||" else piece
        bare = rest.lstrip("(")
        closed = max(0, bare.count(")") - bare.count("("))
        core = bare[: len(bare) - closed]
        if core == piece:
            return self._read(piece)
        if bare[len(core) :] != ")" * closed or core[:2] == "||":
            raise _Unknown(piece)
        term = self[core]
        before = "||" * (rest is not piece) + "(" * (len(rest) - len(bare))
        self.marks[piece] = before + ")" * closed
        left, op, _ = core.partition(" == ")
        if op and left in self._equal and before:
            field, width, _ = self._equal[left]
            self._equal[piece.partition(" == ")[0]] = (field, width, before)
        return term

    def _read(self, piece: str) -> Expression:
        """The term, read by the parser; a comparison's shape is remembered."""
        if "//" in piece or "/*" in piece:
            raise _Unknown(piece)
        reader = ExpressionReader(piece, self.symbols)
        try:
            made = reader.term()
        except ExpressionError:
            raise _Unknown(piece) from None
        # What holds others belongs to the skeleton, and what stands under a negation is read by other rules.
        grouped = "(" in reader.kinds and "is_chassis_resident" not in reader.values
        if reader.kinds[reader.at] != END or grouped:
            raise _Unknown(piece)
        if type(made) is Compare and made.op in ("==", "!="):
            symbol = self.symbols[made.field.name]
            # Only "field op constant" as OVN spells it; predicates and nominal fields have rules of their own.
            if symbol.kind != "predicate" and piece.startswith(f"{made.field} {made.op} "):
                if made.op == "==":
                    self._equal[str(made.field)] = (made.field, symbol.width, "")
                else:
                    self._unequal[str(made.field)] = (made.field, symbol.width)
        return made


class CachedParser:
    """The tables for one symbol table."""

    def __init__(self, symbols: SymbolTable) -> None:
        self.symbols = symbols
        self._wholes: dict[str, Expression] = {}
        self._terms = _Terms(symbols)
        self._term = self._terms.__getitem__
        self._mark = self._terms.marks.get
        self._skeletons: dict[tuple[str | None, ...], Build] = {}

    def parse(self, text: str) -> Expression:
        """The tree of ``text``; raises ``ExpressionError`` as the parser does."""
        found = self._wholes.get(text)
        if found is not None:
            return found
        known = len(self._terms)
        try:
            if "(" in text or ")" in text or "||" in text:
                made = self._of_skeleton(text)
            else:
                terms = tuple(map(self._term, text.split(" && ")))
                made = And(terms) if len(terms) > 1 else terms[0]
        except _Unknown:
            made = ExpressionReader(text, self.symbols).whole()
        # A match with a part of its own is likely to come only once.
        if len(self._terms) == known:
            if len(self._wholes) >= LIMIT:
                self._wholes.clear()
            self._wholes[text] = made
        return made

    def _of_skeleton(self, text: str) -> Expression:
        """The tree of a match with parentheses or alternatives."""
        pieces = text.replace(" ||", " && ||").split(" && ")
        terms = tuple(map(self._term, pieces))
        marks = tuple(map(self._mark, pieces))
        build = self._skeletons.get(marks)
        if build is not None:
            return build(terms)
        made = ExpressionReader(text, self.symbols).whole()
        found = builder(made, terms)
        if found is not None and len(pieces) <= MOST_PIECES:
            if len(self._skeletons) >= LIMIT:
                self._skeletons.clear()
            self._skeletons[marks] = found
        return made


@lru_cache(maxsize=1 << 14)
def _fitting(text: str, width: int) -> Value | ConstantSet | None:
    """The value, when it can stand behind a field of ``width`` bits (0: a string)."""
    value: Value | ConstantSet | None
    if text[:1] == "{" and text[-1:] == "}":
        values = [_constant(each) for each in text[1:-1].split(", ")]
        value = None if None in values else ConstantSet(tuple(values))  # type: ignore[arg-type]
    else:
        value = _constant(text)
    return value if value is not None and _suits(value, width) else None


def _suits(value: Value | ConstantSet, width: int) -> bool:
    kind = type(value)
    if kind is StringConstant:
        return not width
    if kind is Constant:
        return 0 < width >= value.width  # type: ignore[union-attr]
    if kind is ConstantSet:
        return all(_suits(each, width) for each in value.values)  # type: ignore[union-attr]
    return (kind is AddressSet) is (width > 0)


def _resident(piece: str) -> Expression | None:
    negative = piece[:1] == "!"
    bare = piece[1:] if negative else piece
    if bare[:21] != 'is_chassis_resident("' or bare[-1:] != ")":
        return None
    port = _string(bare[20:-1])
    if port is None:
        return None
    made = ChassisResident(port.value)
    return Not(made) if negative else made


def _string(text: str) -> StringConstant | None:
    """The string that ``text``, which begins with a quote, is when nothing in it needs care."""
    if text.count('"') != 2 or text[-1] != '"' or "\\" in text or "\0" in text:
        return None
    return StringConstant(text[1:-1])


def _constant(text: str) -> Value | None:
    if text.count(".") == 3:
        address, slash, length = text.partition("/")
        mask = _MASKS.get(length) if slash else None
        if mask is not None or not slash:
            try:
                bits = int.from_bytes(inet_pton(AF_INET, address), "big")
                return Constant(bits, IPV4) if mask is None else Constant(bits & mask, IPV4, mask)
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
    value, slash, tail = text.partition("/")
    number = integer(value, slash + tail if slash else None)
    return Constant(number.value, number.format, number.mask) if isinstance(number, Number) else None


@cache
def _parser(version: OvnVersion) -> CachedParser:
    return CachedParser(symbol_tables.table(version))


def parse_cached(text: str, *, version: OvnVersion = DEFAULT) -> Expression:
    """As ``parse``, and much faster for a match whose like was seen before."""
    return _parser(version).parse(text)

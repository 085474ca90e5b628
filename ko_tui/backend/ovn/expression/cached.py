"""A parser for matches whose like was seen before.

Logical flows repeat few shapes and many parts: the same port, address or predicate stands in the matches of
dozens of stages. A match is cut at `` && `` and `` || `` into pieces. A piece that was seen before is taken from a
table, a comparison of a seen field is made from its constant alone, checked as the parser checks it, and how the
pieces hang together is read once for each skeleton of parentheses. Only what is left goes to the parser. The tree is
equal to the parser's, and equal parts of different trees are one object, which saves memory too.
"""

from __future__ import annotations

from functools import cache

from ko_tui.backend.ovn import symbols as symbol_tables
from ko_tui.backend.ovn.expression.constants import decode
from ko_tui.backend.ovn.expression.parser import ExpressionError, ExpressionReader
from ko_tui.backend.ovn.expression.skeleton import Build, builder
from ko_tui.backend.ovn.expression.tree import (
    And,
    ChassisResident,
    Compare,
    Expression,
    FieldRef,
    Not,
    StringConstant,
)
from ko_tui.backend.ovn.lexer import END
from ko_tui.backend.ovn.symbols import SymbolTable
from ko_tui.backend.ovn.versions import DEFAULT, OvnVersion

LIMIT = 1 << 16
"""Most entries a table holds before it begins anew."""
MOST_PIECES = 256
"""Skeletons of more pieces are not kept."""


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
            bare = right.rstrip(")") if right[-1:] == ")" else right
            value = decode(bare, width)
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
        if shape is not None and (value := decode(right, shape[1])) is not None:
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


def _resident(piece: str) -> Expression | None:
    negative = piece[:1] == "!"
    bare = piece[1:] if negative else piece
    if bare[:21] != 'is_chassis_resident("' or bare[-1:] != ")":
        return None
    port = decode(bare[20:-1], 0)
    if type(port) is not StringConstant:
        return None
    made = ChassisResident(port.value)
    return Not(made) if negative else made


@cache
def _parser(version: OvnVersion) -> CachedParser:
    return CachedParser(symbol_tables.table(version))


def parse_cached(text: str, *, version: OvnVersion = DEFAULT) -> Expression:
    """As ``parse``, and much faster for a match whose like was seen before."""
    return _parser(version).parse(text)

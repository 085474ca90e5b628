"""A match's shape: its text without the constants it compares with, and how to make the tree from new ones."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence

from ko_tui.backend.ovn.expression.tree import (
    And,
    Compare,
    ConstantSet,
    Expression,
    Not,
    Or,
    Range,
    Value,
)
from ko_tui.backend.ovn.symbols import SymbolTable

split = re.compile(r"= (\{[^{}]*\}|[^ (){},]+)").split
"""Cuts a match into fixed text and constants, by turns."""

Constants = Sequence[Value | ConstantSet]
Build = Callable[[Constants], Expression]


class Template:
    """What all matches of one shape have in common: the widths of the fields compared, and the tree's frame."""

    def __init__(self, widths: tuple[int, ...], build: Build) -> None:
        self.widths = widths
        self.build = build


def template(
    tree: Expression, fixed: Sequence[str], constants: Constants, symbols: SymbolTable
) -> Template | None:
    """The template of a match that was parsed to ``tree``; None when its constants cannot be exchanged so simply."""
    if any("//" in text or "/*" in text or '"' in text for text in fixed):
        return None
    widths: list[int] = []
    build = _builder(tree, constants, widths, symbols)
    if build is None or len(widths) != len(constants) or build(constants) != tree:
        return None
    return Template(tuple(widths), build)


def _builder(tree: Expression, constants: Constants, widths: list[int], symbols: SymbolTable) -> Build | None:
    """What makes ``tree`` anew, or None when a constant stands where none was cut out."""
    if isinstance(tree, Compare):
        if tree.op in ("<", ">"):
            return lambda values: tree
        if tree.op in ("<=", ">="):
            return None
        slot = len(widths)
        symbol = symbols[tree.field.name]
        # A predicate has rules about its value.
        if symbol.kind == "predicate" or slot >= len(constants) or constants[slot] != tree.value:
            return None
        widths.append(symbol.width)
        field, op = tree.field, tree.op
        return lambda values: Compare(field, op, values[slot])
    if isinstance(tree, Not):
        inner = _builder(tree.term, constants, widths, symbols)
        return None if inner is None else lambda values: Not(inner(values))
    if isinstance(tree, And | Or):
        terms: list[Build] = []
        for term in tree.terms:
            made = _builder(term, constants, widths, symbols)
            if made is None:
                return None
            terms.append(made)
        family = type(tree)
        return lambda values: family(tuple([term(values) for term in terms]))
    if isinstance(tree, Range):
        return None
    return lambda values: tree

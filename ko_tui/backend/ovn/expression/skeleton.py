"""How the terms of a match hang together: the tree's frame, to be filled with other terms."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from ko_tui.backend.ovn.expression.tree import And, Expression, Or

Terms = tuple[Expression, ...]
Build = Callable[[Terms], Expression]


def builder(tree: Expression, terms: Terms) -> Build | None:
    """What makes ``tree`` from ``terms``, its leaves in written order, and other trees of its frame from others.

    None when the leaves are not these terms: then something else than terms and parentheses was in the text.
    """
    made, count = _builder(tree, terms, 0)
    if made is None or count != len(terms) or made(terms) != tree:
        return None
    return made


def _builder(tree: Expression, terms: Sequence[Expression], at: int) -> tuple[Build | None, int]:
    """The builder of ``tree``, whose first leaf is term ``at``, and the number of the term after its last."""
    if not isinstance(tree, And | Or):
        if at >= len(terms) or terms[at] != tree:
            return None, at
        return (lambda filled: filled[at]), at + 1
    family, first = type(tree), at
    parts: list[Build] = []
    for term in tree.terms:
        made, at = _builder(term, terms, at)
        if made is None:
            return None, at
        parts.append(made)
    end = at
    if end - first == len(parts):
        return (lambda filled: family(filled[first:end])), end
    return (lambda filled: family(tuple([part(filled) for part in parts]))), end

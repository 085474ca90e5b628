"""Tones: what a piece of text is, as a name; themes give them colours. Never the only sign of a meaning."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

from textual.content import Content

Tone = Literal[
    "", "dim", "name", "good", "bad", "warn", "accent", "head", "strong", "match", "code", "change"
]
Piece = tuple[str, Tone]
Line = Sequence[Piece]

STYLES: dict[Tone, str] = {
    "": "",
    "dim": "$text-muted",
    "name": "$secondary",
    "good": "$success",
    "bad": "bold $error",
    "warn": "$warning",
    "accent": "$accent",
    "head": "bold $primary",
    "strong": "bold",
    "match": "reverse",
    "code": "$ko-code",
    "change": "bold $warning",
}


def content(lines: Sequence[Line]) -> Content:
    """Lines of pieces as Textual content; nothing in them is read as markup."""
    parts: list[Content | str | tuple[str, str]] = []
    for number, line in enumerate(lines):
        if number:
            parts.append("\n")
        parts += [(text, STYLES[tone]) if tone else text for text, tone in line]
    return Content.assemble(*parts)


def plain(line: Line) -> str:
    """The text of a line alone."""
    return "".join(text for text, _ in line)

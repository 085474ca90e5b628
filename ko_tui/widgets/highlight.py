"""Colours for OVN and OpenFlow text, by the project's Pygments lexers; one line at a time, when it is looked at."""

from __future__ import annotations

from functools import lru_cache
from typing import Any, Literal

from ko_tui.widgets.tones import Line, Piece, Tone

Language = Literal["match", "actions", "flow", "trace", "openflow", "plain"]
_CLASSES = {
    "match": "OvnMatchLexer",
    "actions": "OvnActionLexer",
    "flow": "OvnFlowLexer",
    "trace": "OvnTraceLexer",
    "openflow": "OpenFlowLexer",
}
LONGEST = 4000  # characters of a line that are coloured


@lru_cache(maxsize=8)
def _lexer(language: Language) -> Any:
    from ko_tui import lexers

    return getattr(lexers, _CLASSES[language])(stripnl=False, ensurenl=False)


@lru_cache(maxsize=4096)
def highlight(text: str, language: Language) -> tuple[Piece, ...]:
    """One line as pieces. What is too long, or in no language, is one plain piece."""
    if language == "plain" or len(text) > LONGEST:
        return ((text, ""),)
    pieces: list[Piece] = []
    for kind, value in _lexer(language).get_tokens(text):
        value = value.rstrip("\n")
        if value:
            pieces.append((value, _tone(str(kind))))
    return tuple(pieces) or ((text, ""),)


def colour_for(language: Language) -> Any:
    """A function from a line of text to its pieces."""

    def colour(text: str) -> Line:
        return highlight(text, language)

    return colour


def _tone(kind: str) -> Tone:
    for prefix, tone in _TONES:
        if kind.startswith(prefix):
            return tone
    return ""


_TONES: tuple[tuple[str, Tone], ...] = (
    ("Token.Generic.Heading", "head"),
    ("Token.Generic.Deleted", "bad"),
    ("Token.Generic.Error", "bad"),
    ("Token.Generic", "head"),
    ("Token.Comment", "dim"),
    ("Token.Keyword.Constant", "warn"),
    ("Token.Keyword", "accent"),
    ("Token.Name.Exception", "bad"),
    ("Token.Name.Function", "accent"),
    ("Token.Name.Label", "head"),
    ("Token.Name", "name"),
    ("Token.Literal.String", "good"),
    ("Token.Literal.Number", "warn"),
    ("Token.Punctuation", "dim"),
    ("Token.Operator", "dim"),
)

"""Text from a cluster, safe for a terminal: control characters are shown, not obeyed."""

from __future__ import annotations

import unicodedata

_KEEP = "\n\t"


def visible(text: str) -> str:
    """Control, bidirectional-override and unassigned characters become ``\\x1b``-like escapes."""
    if text.isascii() and text.isprintable():
        return text
    return "".join(_shown(c) for c in text)


def one_line(text: str) -> str:
    """The same on one line: line ends and tabs are shown as escapes too."""
    if text.isprintable():
        return text
    return visible(text).replace("\n", "\\n").replace("\t", "\\t")


def _shown(character: str) -> str:
    if character in _KEEP or character.isprintable():
        return character
    if unicodedata.category(character) == "Zs":
        return character
    code = ord(character)
    return f"\\x{code:02x}" if code < 256 else f"\\u{code:04x}"

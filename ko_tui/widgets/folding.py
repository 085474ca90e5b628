"""Long lines folded to a width: at spaces, with what follows set in below the words it belongs to."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

from rich.cells import cell_len, chop_cells

from ko_tui.widgets.tones import Line, Piece, plain

_TOKEN = re.compile(r" +|[^ ]+")
_COLUMN = re.compile(r"\S {2,}(?=\S)")
LEAST = 20  # cells that a folded line must have beside its indent


def folded(lines: Iterable[Line], width: int) -> list[Line]:
    """Every line in rows of at most ``width`` cells; 0 leaves them as they are."""
    return [row for line in lines for row in (fold(line, width) if width > 0 else (line,))]


def fold(line: Line, width: int, *, hanging: int | None = None) -> Sequence[Line]:
    """One line in rows. Tones stay with their words; a word that is longer than a row is cut hard.

    The rows that follow are set in by ``hanging``, or by what the line looks like; with it a word that no row has
    room for begins where it stands.
    """
    text = plain(line)
    if cell_len(text) <= width:
        return (line,)
    indent = _hanging(text, width) if hanging is None else hanging
    rows: list[list[Piece]] = [[]]
    used = 0
    for word in _words(line):
        size = sum(cell_len(t) for t, _ in word)
        fits_none = hanging is not None and size > width - indent
        if used + size > width and used > (indent if len(rows) > 1 else 0) and not fits_none:
            rows.append([(" " * indent, "")])
            used = indent
            if word[0][0].isspace():
                continue
        for t, tone in word:
            for number, part in enumerate(_chopped(t, width - used, width - indent)):
                if number:
                    rows.append([(" " * indent, "")])
                    used = indent
                rows[-1].append((part, tone))
                used += cell_len(part)
    return rows


def _chopped(text: str, first: int, rest: int) -> list[str]:
    """The text itself when it has room, else parts: the first may be shorter than the others."""
    if cell_len(text) <= first:
        return [text]
    head = chop_cells(text, first)[0] if first > 1 else ""
    return [head, *chop_cells(text[len(head) :], max(2, rest))]


def _hanging(text: str, width: int) -> int:
    """Where the following rows begin: below the second column when there is one, else a little further in."""
    indent = len(text) - len(text.lstrip(" "))
    column = _COLUMN.search(text, indent)
    if column is not None and column.end() <= width // 2 and width - column.end() >= LEAST:
        return column.end()
    return min(indent + 2, width // 2)


def _words(line: Line) -> list[list[Piece]]:
    """Runs of spaces, and words whose pieces may differ in tone."""
    words: list[list[Piece]] = []
    for text, tone in line:
        for token in _TOKEN.findall(text):
            space = token[0] == " "
            if words and not space and not words[-1][-1][0].endswith(" "):
                words[-1].append((token, tone))
            else:
                words.append([(token, tone)])
    return words

"""Flows in rows, coloured by their own language; only what is in sight is taken apart."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from rich.cells import cell_len

from ko_tui.visible import one_line
from ko_tui.widgets.highlight import Language, highlight
from ko_tui.widgets.line_table import Column, LineTable, cut
from ko_tui.widgets.tones import Line, Piece


def fitted(pieces: Sequence[Piece], width: int) -> list[Piece]:
    """Pieces cut or padded to ``width`` cells."""
    made: list[Piece] = []
    room = width
    for text, tone in pieces:
        size = cell_len(text)
        if size > room:
            made.append((cut(text, room), tone))
            return made
        made.append((text, tone))
        room -= size
    made.append((" " * room, ""))
    return made


class FlowTable(LineTable[Any]):
    """A table some of whose columns hold a language: ``languages`` by column title."""

    def __init__(self, columns: Sequence[Column[Any]], languages: dict[str, Language], **more: Any) -> None:
        super().__init__(columns, **more)
        self.languages = languages

    def line(self, index: int) -> Line:
        if not len(self.kept):
            return super().line(index)
        row = self.rows[self.kept[index]]
        pieces: list[Piece] = []
        for column, width in zip(self.columns, self.widths(), strict=True):
            if not width:
                continue
            text = one_line(column.cell(row))
            language = self.languages.get(column.title)
            if language is not None:
                # Cut first: no token may end where the column does without the mark that says so.
                pieces += fitted(highlight(cut(text[: width + 1], width), language), width)
            else:
                tone = column.tone(row) if callable(column.tone) else column.tone
                text = cut(text, width)
                gap = " " * (width - cell_len(text))
                pieces.append((gap + text if column.right else text + gap, tone))
            pieces.append((" ", ""))
        return pieces

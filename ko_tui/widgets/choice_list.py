"""A short list of things to take while one types elsewhere: matches, or what was made before."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from ko_tui.widgets.line_view import LineView
from ko_tui.widgets.tones import Line, Piece, Tone


@dataclass(frozen=True, slots=True)
class ChoiceItem:
    """``value`` is what is taken; ``text`` and ``about`` are shown."""

    value: str
    text: str
    about: str = ""
    tone: Tone = "name"


class ChoiceList(LineView):
    """Items with one marked; the cursor can be moved from outside while another widget has the focus."""

    header_rows = 1

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self.items: Sequence[ChoiceItem] = ()
        self.title = ""
        self.marked = False  # Enter elsewhere takes the item under the cursor

    def offer(self, title: str, items: Sequence[ChoiceItem], *, marked: bool = False) -> None:
        self.title = title
        self.items = items
        self.marked = marked and bool(items)
        self.lines_changed(cursor=0)

    @property
    def current(self) -> ChoiceItem | None:
        return self.items[self.cursor] if 0 <= self.cursor < len(self.items) else None

    @property
    def shows_cursor(self) -> bool:
        return self.has_focus or self.marked

    def line_count(self) -> int:
        return len(self.items)

    def header(self, row: int) -> Line:
        return [(self.title, "dim")]

    def line(self, index: int) -> Line:
        item = self.items[index]
        width = max(24, self.size.width // 2)
        pieces: list[Piece] = [(f"  {item.text:<{width}} ", item.tone), (item.about, "dim")]
        return pieces

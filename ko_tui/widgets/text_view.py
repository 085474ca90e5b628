"""Text of any size, a line at a time: raw output, exact commands, help."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from textual import events
from textual.geometry import Size

from ko_tui.widgets.folding import folded
from ko_tui.widgets.line_view import LineView
from ko_tui.widgets.tones import Line, plain

Colour = Callable[[str], Line]


def uncoloured(text: str) -> Line:
    return [(text, "")]


class TextView(LineView):
    """Lines of text; ``colour`` turns one into pieces when it comes into sight. ``prose`` is folded, not cut."""

    def __init__(
        self, text: str = "", colour: Colour = uncoloured, *, prose: bool = False, id: str | None = None
    ) -> None:
        super().__init__(id=id)
        self.colour = colour
        self.texts: list[str] = text.split("\n") if text else []
        self.made: Sequence[Line] | None = None
        # Folded anew for every width.
        self.unfolded: Sequence[Line] | None = [uncoloured(t) for t in self.texts] if prose else None
        self._folded_to = Size(0, 0)

    def on_mount(self) -> None:
        super().on_mount()  # type: ignore[no-untyped-call]
        self.lines_changed()

    def show_text(self, text: str, colour: Colour | None = None) -> None:
        if colour is not None:
            self.colour = colour
        self.show_texts(text.rstrip("\n").split("\n") if text else [])

    def show_texts(self, texts: list[str]) -> None:
        """Lines that are split already; the list is kept, not copied."""
        self.made = self.unfolded = None
        self.texts = texts
        self.lines_changed(cursor=0)

    def show_lines(self, lines: Sequence[Line], *, stay: bool = False, fold: bool = False) -> None:
        """Lines that are pieces already; ``stay`` keeps the cursor and the place, for lists that are renewed;
        ``fold`` is for prose: nothing of it may be cut off at the right."""
        self.unfolded = lines if fold else None
        self._set(self._fold(lines) if fold else lines)
        self.lines_changed(cursor=None if stay else 0)

    def on_resize(self, _: events.Resize) -> None:
        if self.unfolded is not None and self.outer_size != self._folded_to:
            self._folded_to = self.outer_size
            self._set(self._fold(self.unfolded))
            self.lines_changed()

    def _fold(self, lines: Sequence[Line]) -> list[Line]:
        """To the whole width, or beside the scroll bar when there will be one."""
        width, height = self.outer_size
        rows = folded(lines, width)
        return rows if len(rows) <= height else folded(lines, width - self.styles.scrollbar_size_vertical)

    def _set(self, lines: Sequence[Line]) -> None:
        self.made = lines
        self.texts = [plain(line) for line in lines]

    def add_texts(self, texts: Sequence[str], *, follow: bool = True) -> None:
        """More lines at the end; the cursor goes along when it was on the last one."""
        at_end = self.cursor >= len(self.texts) - 1
        self.texts.extend(texts)
        self.lines_changed(cursor=len(self.texts) - 1 if follow and at_end else self.cursor)

    def line_count(self) -> int:
        return len(self.texts)

    def line(self, index: int) -> Line:
        return self.made[index] if self.made is not None else self.colour(self.texts[index])

    def plain(self, index: int) -> str:
        return self.texts[index]

    def whole(self) -> str:
        return "\n".join(self.texts) + ("\n" if self.texts else "")

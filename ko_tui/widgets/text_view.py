"""Text of any size, a line at a time: raw output, exact commands, help."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from ko_tui.widgets.line_view import LineView
from ko_tui.widgets.tones import Line

Colour = Callable[[str], Line]


def uncoloured(text: str) -> Line:
    return [(text, "")]


class TextView(LineView):
    """Lines of text; ``colour`` turns one into pieces when it comes into sight."""

    def __init__(self, text: str = "", colour: Colour = uncoloured, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self.colour = colour
        self.texts: list[str] = text.split("\n") if text else []
        self.made: Sequence[Line] | None = None

    def on_mount(self) -> None:
        super().on_mount()  # type: ignore[no-untyped-call]
        self.lines_changed()

    def show_text(self, text: str, colour: Colour | None = None) -> None:
        if colour is not None:
            self.colour = colour
        self.made = None
        self.texts = text.rstrip("\n").split("\n") if text else []
        self.lines_changed(cursor=0)

    def show_lines(self, lines: Sequence[Line], *, stay: bool = False) -> None:
        """Lines that are pieces already; ``stay`` keeps the cursor and the place, for lists that are renewed."""
        self.made = lines
        self.texts = ["".join(t for t, _ in line) for line in lines]
        self.lines_changed(cursor=None if stay else 0)

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

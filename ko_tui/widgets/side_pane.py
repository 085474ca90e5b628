"""Words beside a list, scrolled by the same keys as the list."""

from __future__ import annotations

from typing import ClassVar

from textual.containers import VerticalScroll

from ko_tui.commands import Command, bindings
from ko_tui.widgets.line_view import MOVES

SCROLLS = ("down", "up", "page-down", "page-up", "half-down", "half-up", "top", "bottom")


class SidePane(VerticalScroll, inherit_bindings=False):
    """Holds one text; rebinding a key of the lists rebinds it here."""

    commands: ClassVar[tuple[Command, ...]] = tuple(m for m in MOVES if m.id.removeprefix("list.") in SCROLLS)
    BINDINGS = bindings(commands)

    def __init__(self, *, id: str) -> None:
        super().__init__(id=id, classes="side")

    def _by(self, rows: int) -> None:
        self.scroll_to(y=round(self.scroll_target_y) + rows, animate=False)

    def action_down(self) -> None:
        self._by(1)

    def action_up(self) -> None:
        self._by(-1)

    def action_page_down(self) -> None:
        self._by(max(1, self.size.height - 1))

    def action_page_up(self) -> None:
        self._by(-max(1, self.size.height - 1))

    def action_half_down(self) -> None:
        self._by(max(1, self.size.height // 2))

    def action_half_up(self) -> None:
        self._by(-max(1, self.size.height // 2))

    def action_top(self) -> None:
        self.scroll_to(y=0, animate=False)

    def action_bottom(self) -> None:
        self.scroll_to(y=self.max_scroll_y, animate=False)

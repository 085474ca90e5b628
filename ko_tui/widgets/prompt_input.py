"""Where one types behind ``/`` or ``:``."""

from __future__ import annotations

from typing import ClassVar

from textual.binding import Binding
from textual.widgets import Input

from ko_tui.visible import one_line
from ko_tui.widgets.prompt import PromptLine


class PromptInput(Input):
    """One line of typing; up and down walk through history, tab takes the first completion."""

    BINDINGS: ClassVar[list[Binding]] = [  # type: ignore[assignment]
        Binding("escape", "give_up", "Back", show=False),
        Binding("up", "older", show=False),
        Binding("down", "newer", show=False),
        Binding("tab", "complete", show=False),
        Binding("shift+tab", "complete(-1)", show=False),
    ]

    def validate_value(self, value: str) -> str:
        """Names come from the cluster too: control characters are shown, never written to the terminal."""
        return one_line(value)

    def put(self, text: str) -> None:
        """Stand there instead, without a message: nobody typed it."""
        with self.prevent(Input.Changed):
            self.value = text
        self.cursor_position = len(text)

    def action_give_up(self) -> None:
        self.prompt.close(submitted=False)

    def action_older(self) -> None:
        self.prompt.walk(-1)

    def action_newer(self) -> None:
        self.prompt.walk(1)

    def action_complete(self, step: int = 1) -> None:
        self.prompt.complete(step)

    @property
    def prompt(self) -> PromptLine:
        return self.query_ancestor(PromptLine)

"""What any Textual program costs: an app with one word."""

from __future__ import annotations

from textual.app import App, ComposeResult
from textual.widgets import Static


class Empty(App[None]):
    def compose(self) -> ComposeResult:
        yield Static("1 Status")


if __name__ == "__main__":
    Empty().run()

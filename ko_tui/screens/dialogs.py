"""Small windows: an error with its way out, a yes or no, a name to be typed before something is changed."""

from __future__ import annotations

from collections.abc import Sequence

from textual.app import ComposeResult
from textual.binding import Binding
from textual.containers import Vertical
from textual.screen import ModalScreen
from textual.widgets import Input, Static

from ko_tui.backend.errors import KoError
from ko_tui.visible import visible
from ko_tui.widgets.glyphs import glyphs
from ko_tui.widgets.tones import Line, content


class Window(ModalScreen[bool]):
    """Lines in the middle of the screen; Esc and Enter close it."""

    BINDINGS = [
        Binding("escape", "close(False)", "Close"),
        Binding("enter", "close(True)", "Close"),
    ]

    def __init__(self, lines: Sequence[Line]) -> None:
        super().__init__()
        self.lines = [[(visible(text), tone) for text, tone in line] for line in lines]

    def compose(self) -> ComposeResult:
        with Vertical(classes="window"):
            yield Static(content(self.lines), markup=False)
            yield from self.more()

    def more(self) -> ComposeResult:
        return iter(())

    def action_close(self, answer: bool) -> None:
        self.dismiss(answer)

    def action_stop(self) -> None:
        self.dismiss(False)


class ErrorDialog(Window):
    """What went wrong, and what to do next."""

    def __init__(self, error: KoError) -> None:
        self.error = error
        lines: list[Line] = [
            [(f"{glyphs().bad} {error.title}", "bad")],
            [("", "")],
            [(error.what, "")],
        ]
        if error.next_step:
            lines += [[("", "")], [("Next: ", "head"), (error.next_step, "")]]
        lines += [[("", "")], [("Enter or Esc closes this; y copies it.", "dim")]]
        super().__init__(lines)

    BINDINGS = [Binding("y", "copy", "Copy")]

    def action_copy(self) -> None:
        from ko_tui.clipboard import copy

        settings = getattr(self.app, "settings", None)
        done = copy(str(self.error), settings.clipboard if settings is not None else "auto")
        driver = getattr(self.app, "_driver", None)
        if done.sequence and driver is not None:
            driver.write(done.sequence)
        below = self.app.screen_stack[-2]
        self.dismiss(False)
        if (tell := getattr(below, "tell", None)) is not None:
            tell(done.words, "good")


class Choice(Window):
    """Yes by Enter (or one more key), no by Esc."""

    def __init__(self, question: str, words: str, *, also: str = "") -> None:
        super().__init__([[(question, "strong")], [("", "")], [(words, "dim")]])
        if also:
            self._bindings.bind(also, "close(True)")


class TypedConfirmation(Window):
    """Yes only by typing a name: for what changes something."""

    def __init__(self, lines: Sequence[Line], target: str) -> None:
        super().__init__(
            [*lines, [("", "")], [("Type ", ""), (target, "strong"), (" to do it; Esc leaves it.", "")]]
        )
        self.target = target

    def more(self) -> ComposeResult:
        yield Input(id="confirmation", compact=True)

    def on_mount(self) -> None:
        self.query_one(Input).focus()

    def on_input_submitted(self, event: Input.Submitted) -> None:
        event.stop()
        if event.value.strip() == self.target:
            self.dismiss(True)
        else:
            event.input.value = ""
            event.input.placeholder = f"not that: type {visible(self.target)}"

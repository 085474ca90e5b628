"""The line at the foot: a message, or what is being typed behind ``/`` or ``:``, with what could be meant above it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import ClassVar

from rich.cells import cell_len
from textual.app import ComposeResult
from textual.binding import Binding
from textual.containers import Horizontal
from textual.message import Message
from textual.widgets import Input, Static

from ko_tui.history import Walk
from ko_tui.visible import one_line
from ko_tui.widgets.bars import Bar
from ko_tui.widgets.tones import Line, Tone, content

SHOWN = 7
Completer = Callable[[str], Sequence[tuple[str, str]]]  # text -> (whole new text, what it is)


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


class Candidates(Static):
    """What could be meant, above the line. Hidden when there is nothing to show."""

    def __init__(self) -> None:
        super().__init__("", markup=False)

    def on_mount(self) -> None:
        self.display = False

    def offer(self, candidates: Sequence[tuple[str, str]], chosen: int = -1) -> None:
        first = max(0, min(chosen - SHOWN + 1, len(candidates) - SHOWN))
        lines: list[Line] = []
        width = max((len(text) for text, _ in candidates[first : first + SHOWN]), default=0)
        for number, (text, what) in enumerate(candidates[first : first + SHOWN], first):
            tone: Tone = "strong" if number == chosen else "name"
            sign = "> " if number == chosen else "  "
            lines.append(
                [(sign, "head"), (one_line(text).ljust(min(width, 60)), tone), ("  " + one_line(what), "dim")]
            )
        if len(candidates) > SHOWN:
            lines[-1] = [*lines[-1], (f"   {len(candidates)} in all", "dim")]
        self.display = bool(lines)
        self.update(content(lines))


class PromptLine(Horizontal):
    """Shows the last message until something is typed."""

    @dataclass
    class Changed(Message):
        sign: str
        text: str

    @dataclass
    class Submitted(Message):
        sign: str
        text: str

    @dataclass
    class Closed(Message):
        sign: str

    def __init__(self) -> None:
        super().__init__()
        self.sign = ""
        self.history: list[str] = []
        self.completer: Completer | None = None
        self._walk: Walk | None = None
        self._candidates: Sequence[tuple[str, str]] = ()
        self._chosen = -1
        self._setting = False

    def compose(self) -> ComposeResult:
        yield Bar(id="prompt-words")
        field = PromptInput(id="prompt-input", compact=True, select_on_focus=False)
        field.display = False
        yield field

    @property
    def field(self) -> PromptInput:
        return self.query_one("#prompt-input", PromptInput)

    @property
    def words(self) -> Bar:
        return self.query_one("#prompt-words", Bar)

    def tell(self, line: Line) -> None:
        """A message; it stays until the next."""
        if not self.sign:
            self.words.say([(" ", ""), *line])

    def open(
        self,
        sign: str,
        text: str = "",
        *,
        history: list[str] | None = None,
        completer: Completer | None = None,
    ) -> None:
        self.sign, self.history, self.completer = sign, history or [], completer
        self._walk = None
        self.add_class("-typing")
        self.words.say([(sign, "head")])
        self.words.styles.width = cell_len(sign)
        field = self.field
        field.display = True
        with self.prevent(Input.Changed):
            field.value = text
        field.cursor_position = len(text)
        # At once, not with the next message: the keys that follow are already on their way.
        self.screen.set_focus(field)
        self._offer(text)

    def close(self, *, submitted: bool, text: str | None = None) -> None:
        if not self.sign:
            return
        sign, text = self.sign, self.field.value if text is None else text
        self.sign = ""
        self.remove_class("-typing")
        self.field.display = False
        self.words.styles.clear_rule("width")
        self.words.say([])
        self._show(())
        if submitted:
            self.post_message(self.Submitted(sign, text))
        else:
            self.post_message(self.Closed(sign))

    def hints(self) -> Sequence[tuple[str, str]]:
        """The keys that matter while something is typed here; none when nothing is."""
        if not self.sign:
            return ()
        if self.sign == "/":
            return (("enter", "keep"), ("esc", "take away"), ("!", "in front: all others"))
        more = [("tab", "complete")] if self.completer is not None else []
        if self.history:
            more.append(("up", "history"))
        return (("enter", "do it"), *more, ("esc", "back"))

    def insert(self, character: str) -> None:
        """A key that was meant for the line but went elsewhere, because it came before the focus did."""
        self.field.insert_text_at_cursor(character)

    def walk(self, step: int) -> None:
        if self._walk is None:
            self._walk = Walk(self.history, self.field.value)
        kept = self._walk
        self._set(self._walk.older() if step < 0 else self._walk.newer())
        self._walk = kept

    def complete(self, step: int) -> None:
        if not self._candidates:
            return
        self._chosen = (self._chosen + step) % len(self._candidates)
        self._set(self._candidates[self._chosen][0], offer=False)
        self._show(self._candidates, self._chosen)

    def _set(self, text: str, *, offer: bool = True) -> None:
        with self.prevent(Input.Changed):
            self.field.value = text
        self.field.cursor_position = len(text)
        if offer:
            self._offer(text)

    def offer_again(self) -> None:
        """More is known than when the line was typed."""
        if self.sign and self._chosen < 0:
            self._offer(self.field.value)

    def _offer(self, text: str) -> None:
        self._candidates = self.completer(text) if self.completer is not None else ()
        self._chosen = -1
        self._show(self._candidates)

    def _show(self, candidates: Sequence[tuple[str, str]], chosen: int = -1) -> None:
        self.screen.query_one(Candidates).offer(candidates, chosen)

    def on_input_changed(self, event: Input.Changed) -> None:
        event.stop()
        if not self.sign:
            return
        self._walk = None
        self._offer(event.value)
        self.post_message(self.Changed(self.sign, event.value))

    def on_input_submitted(self, event: Input.Submitted) -> None:
        event.stop()
        self.close(submitted=True, text=event.value)

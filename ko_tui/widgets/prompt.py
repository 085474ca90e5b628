"""The line at the foot: a message, or what is being typed behind ``/`` or ``:``, with what could be meant above it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from rich.cells import cell_len
from textual.app import ComposeResult
from textual.containers import Horizontal
from textual.message import Message
from textual.widgets import Static

from ko_tui.history import Walk
from ko_tui.visible import one_line
from ko_tui.widgets.bars import FoldedBar, KeyBar
from ko_tui.widgets.glyphs import glyphs
from ko_tui.widgets.tones import Line, Tone, content

if TYPE_CHECKING:
    from textual.widgets import Input

    from ko_tui.widgets.prompt_input import PromptInput

SHOWN = 7
Completer = Callable[[str], Sequence[tuple[str, str]]]  # text -> (whole new text, what it is)


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
            lines.append([(f"  {len(candidates):,} in all", "dim")])
        self.display = bool(lines)
        self.update(content(lines))


class PromptLine(Horizontal):
    """Shows the last message until something is typed."""

    class Typed(Message):
        """``text`` stands behind ``sign`` now."""

        def __init__(self, sign: str, text: str = "") -> None:
            super().__init__()
            self.sign, self.text = sign, text

    class Changed(Typed):
        """It was typed."""

    class Submitted(Typed):
        """It was given."""

    class Closed(Typed):
        """It was given up."""

    def __init__(self) -> None:
        super().__init__()
        self.sign = ""
        self.problem = ""  # why what is being typed is not understood
        self.found = ""  # how much matches, in a list that shows the rest too
        self.history: list[str] = []
        self.completer: Completer | None = None
        self._walk: Walk | None = None
        self._candidates: Sequence[tuple[str, str]] = ()
        self._chosen = -1
        self._field: PromptInput | None = None

    def compose(self) -> ComposeResult:
        yield FoldedBar(id="prompt-words")

    @property
    def field(self) -> PromptInput:
        """Where one types. It is made when it is first needed: no first paint waits for it."""
        from ko_tui.widgets.prompt_input import PromptInput

        if self._field is None:
            self._field = PromptInput(id="prompt-input", compact=True, select_on_focus=False)
            self._field.display = False
            self.mount(self._field)
        return self._field

    @property
    def words(self) -> FoldedBar:
        return self.query_one("#prompt-words", FoldedBar)

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
        self.problem = self.found = ""
        self._walk = None
        self.add_class("-typing")
        self.words.say([(sign, "head")])
        self.words.styles.width = cell_len(sign)
        field = self.field
        field.display = True
        field.put(text)
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

    def understood(self, problem: str, found: str = "") -> None:
        """Why what is being typed is not understood ("": it is), and how much it finds; said in the key bar."""
        if (problem, found) != (self.problem, self.found):
            self.problem, self.found = problem, found
            self.screen.query_one(KeyBar).lay_out()

    def hints(self) -> Sequence[tuple[str, str]]:
        """The keys that matter while something is typed here; none when nothing is."""
        if not self.sign:
            return ()
        if self.sign == "/" and self.problem:
            return ((glyphs().warn, self.problem), ("esc", "take away"))
        if self.sign == "/":
            found = (("", self.found),) if self.found else ()
            return (*found, ("enter", "keep"), ("esc", "take away"), ("!", "in front: all others"))
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
        self.field.put(text)
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

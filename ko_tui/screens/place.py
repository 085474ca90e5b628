"""The frame that every full screen shares: bars, prompt, filter, help, copying, and how trouble is told."""

from __future__ import annotations

import time
from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any, ClassVar

from textual import events, on
from textual.app import ComposeResult
from textual.containers import Vertical
from textual.screen import Screen
from textual.timer import Timer
from textual.widget import Widget

from ko_tui.backend.errors import KoError
from ko_tui.commands import BY_MODE, EVERYWHERE, Command, bindings
from ko_tui.screens.asking import Asking
from ko_tui.screens.everywhere import Everywhere
from ko_tui.screens.searching import Searching
from ko_tui.widgets.bars import Banner, CrumbBar, KeyBar, ModeBar, age_words
from ko_tui.widgets.glyphs import glyphs
from ko_tui.widgets.line_view import LineView
from ko_tui.widgets.prompt import Candidates, PromptLine
from ko_tui.widgets.side_pane import SidePane
from ko_tui.widgets.tones import Line, Piece

if TYPE_CHECKING:
    from textual.app import App

    from ko_tui.app import KoTuiApp
    from ko_tui.backend.session import Session

RETRY_SECONDS = (5, 10, 20, 30)
AGE_TICK = 5.0
FIRST_PAINT = 0.15  # seconds that the first paint gets before the first question
ACTING = frozenset({"go", "command_line", "save", "copy"})
# Kinds of error that mend themselves: asked again after a while. Named, so that no source is imported for it.
PASSING = frozenset({"ApiUnavailable", "ExecInterrupted", "ExecTimeout", "ExecNoStatus"})


class PlaceScreen(Everywhere, Asking, Searching, Screen[Any]):
    """A full screen within a mode. Subclasses give :meth:`body` and say what they show."""

    commands: ClassVar[tuple[Command, ...]] = ()
    BINDINGS = bindings(EVERYWHERE)
    HORIZONTAL_BREAKPOINTS = [(0, "-narrow"), (110, "-wide")]
    mode = ""
    enter = ""  # what Enter on a line does, in a word

    def __init__(self) -> None:
        super().__init__()
        self.taken_at = 0.0
        self.count_words = ""
        self._retry: Timer | None = None
        self._retry_left = 0
        self._retries = 0
        self._trouble: KoError | None = None
        self._begun = False
        self._audit_problem = ""

    def _post_register(self, app: App[Any]) -> None:
        super()._post_register(app)
        # A new screen is styled as it is mounted; without this Textual reads every style sheet again for it,
        # and styles it again when its width is told.
        self._css_update_count = app._css_update_count
        self._classes |= self._get_breakpoint_classes(app.size.width, self.HORIZONTAL_BREAKPOINTS)

    @property
    def ko(self) -> KoTuiApp:
        """The app, by its own type."""
        app: Any = self.app
        return app  # type: ignore[no-any-return]

    # -- what subclasses say --------------------------------------------------------------------------------

    def body(self) -> Iterable[Widget]:
        """The widgets between the bars."""
        return ()

    def hints(self) -> Sequence[tuple[str, str]]:
        """Keys that the focused widget takes itself, with what they mean here: first in the key bar."""
        if isinstance(self.focused, SidePane):
            return (("j k", "scroll"), ("tab", "back to the list"))
        return (("enter", self.enter),) if self.enter else ()

    def typing_hints(self) -> Sequence[tuple[str, str]]:
        """The keys that matter instead while something is typed in the line at the foot."""
        return self.query_one(PromptLine).hints()

    def crumbs(self) -> Sequence[str]:
        """Where one is, below the mode's own title."""
        return ()

    def facts(self) -> list[Piece]:
        """Words at the right of the second line, before the connection's own."""
        words, view = self.count_words, self.list_view() if self.is_mounted else None
        kept = getattr(view, "kept", None) if view is not None and view.filter.words else None
        if (
            words[:1].isdigit() and kept is not None and " of " not in words
        ):  # some places say it in their own way
            words = f"{len(kept):,} of {words}"
        return [(words, "")] if words else []

    def load(self, *, fresh: bool = False) -> None:
        """Ask for what is shown; ``fresh`` when the person wants it new."""

    def arrive(self, words: str) -> None:
        """``:`` brought the person here with these arguments."""

    def list_view(self) -> LineView | None:
        """The list that ``/``, n and y mean; default: the focused one, else the first."""
        if isinstance(self.focused, LineView):
            return self.focused
        found = self.query(LineView)
        return found.first() if found else None

    # -- life -----------------------------------------------------------------------------------------------

    def compose(self) -> ComposeResult:
        yield ModeBar(self.mode)
        yield CrumbBar()
        yield Banner()
        with Vertical(id="body"):
            yield from self.body()
        yield Candidates()
        yield PromptLine()
        yield KeyBar()

    def on_mount(self) -> None:
        if self._begun:  # Textual calls this of every class that has it, and subclasses call it too
            return
        self._begun = True
        self.set_class(glyphs().line == "-", "-ascii")
        self.show_place()
        self.screen_layout_refresh_signal.subscribe(self, self._behind_a_window)
        self.set_interval(AGE_TICK, self.show_place)
        # The first paint comes before the first question: asking imports the cluster's side.
        self.set_timer(FIRST_PAINT, self.load)

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """A dashboard takes no keys that act: it may hang on a wall."""
        return not (self.ko.dashboard and action in ACTING)

    def _behind_a_window(self, _screen: object) -> None:
        """A window that opened before this place was laid out is drawn anew: it shows what is behind it."""
        if self.is_attached and self.app.screen_stack and self.app.screen is not self:
            self.app.screen.refresh()

    def on_screen_resume(self) -> None:
        self.show_place()
        self.call_after_refresh(self.query_one(KeyBar).lay_out)

    def on_unmount(self) -> None:
        for topic in list(self.questions):
            self.cancel_question(topic)

    def asking_changed(self) -> None:
        if self.is_attached:
            self.show_place()

    def show_place(self) -> None:
        """Draw the second line anew; it costs nothing when it says the same."""
        if not self.is_attached or not self.is_current or not self.children:  # leaving
            return
        session = self.ko.door.opened
        waiting = "no cluster" if self.ko.door.refused else "connecting" + glyphs().ellipsis
        label = session.info.label if session is not None else waiting
        title = BY_MODE[self.mode].title if self.mode in BY_MODE else ""
        facts: list[Piece] = list(self.facts())
        if self.busy:
            stops = "" if all(q.stopping for q in self.questions.values()) else " (ctrl+c stops)"
            facts = [(f"{self.busy[-1]}{glyphs().ellipsis}{stops}", "warn"), *facts[:1]]
        elif age := age_words(self._as_of(session)):
            facts.append((age, "dim"))
        spare: list[Piece] = []
        if session is not None:
            if session.options.mode == "allow-write":
                facts.append(("may write", "warn"))
            else:
                spare.append(("read-only", "dim"))
            if not session.live:
                spare.append(("saved cluster", "accent"))
            if problem := session.runner.audit_problem:
                facts.insert(0, ("not logged", "bad"))
                if problem != self._audit_problem:
                    self.tell(problem, "bad")
            self._audit_problem = problem
        self.query_one(CrumbBar).place([label, title, *self.crumbs()], facts, spare)

    def _as_of(self, session: Session | None) -> float:
        """When what is shown was so: a saved cluster is as old as its file says, however new the answer is."""
        if not self.taken_at or session is None or session.live or not session.info.taken_at:
            return self.taken_at
        try:
            return min(self.taken_at, datetime.fromisoformat(session.info.taken_at).timestamp())
        except ValueError:
            return self.taken_at

    def had(self, count: str, taken_at: float | None = None) -> None:
        """An answer came: its count and when it was had. Trouble is over."""
        self.count_words = count
        self.taken_at = time.time() if taken_at is None else taken_at
        self._end_trouble()
        self.show_place()

    # -- messages and trouble -------------------------------------------------------------------------------

    def tell(self, words: str, tone: str = "") -> None:
        """A word in the message line."""
        self.query_one(PromptLine).tell([(words, tone)])  # type: ignore[list-item]

    def tell_pieces(self, line: Line) -> None:
        self.query_one(PromptLine).tell(line)

    def show_failure(self, error: KoError) -> None:
        """What somebody asked for came to nothing: told in a window."""
        from ko_tui.screens.dialogs import ErrorDialog

        self.app.push_screen(ErrorDialog(error))

    def show_trouble(self, error: KoError) -> None:
        """A list could not be had: a banner, what is there stays; passing kinds are asked again by themselves."""
        self._trouble = error
        # The banner has one line; where nothing is shown yet is room for all of it.
        said = (f"{error.title}.", error.what, error.next_step, "r asks again.")
        self.show_reason([part for part in said if part])
        if self._retry is not None:
            self._retry.stop()
            self._retry = None
        if type(error).__name__ in PASSING:
            self._retry_left = RETRY_SECONDS[min(self._retries, len(RETRY_SECONDS) - 1)]
            self._retries += 1
            self._retry = self.set_interval(1.0, self._count_down)
        self._tell_trouble()

    def show_reason(self, said: Sequence[str]) -> None:
        """Why there is nothing to see, a paragraph each, in the place of what is not there."""
        view = self.list_view()
        waits = view is not None and isinstance(getattr(view, "empty", None), str)
        if view is not None and waits and not getattr(view, "rows", None):
            view.empty = "\n\n".join(said)  # type: ignore[attr-defined]
            view.lines_changed()

    def _count_down(self) -> None:
        self._retry_left -= 1
        if self._retry_left > 0:
            self._tell_trouble()
            return
        if self._retry is not None:
            self._retry.stop()
            self._retry = None
        self._tell_trouble()
        self.load()

    def _tell_trouble(self) -> None:
        error = self._trouble
        if error is None:
            return
        when = ""
        if self._retry is not None:
            when = f"  Again in {self._retry_left} s (r: now)."
        line: list[Piece] = [
            (f" {glyphs().warn} ", "bad"),
            (error.title, "bad"),
            (when, "warn"),
            (f"  {error.what} {error.next_step}", ""),
        ]
        self.query_one(Banner).tell(line)

    def _end_trouble(self) -> None:
        if self._trouble is not None:
            self._trouble = None
            self._retries = 0
            if self._retry is not None:
                self._retry.stop()
                self._retry = None
            self.query_one(Banner).tell(())

    def stray_key(self, event: events.Key) -> bool:
        """A typed line may arrive in one piece (a paste, a slow connection), before its prompt has the focus.

        True when the key was one of such a line and has been put there: nothing of it is lost or obeyed.
        """
        prompt = next(iter(self.query(PromptLine)), None)  # not there yet when the place is only being made
        if prompt is None or not prompt.sign or not event.is_printable or not event.character:
            return False
        prompt.insert(event.character)
        return True

    # -- the filter -----------------------------------------------------------------------------------------

    @on(PromptLine.Changed)
    def _prompt_typed(self, event: PromptLine.Changed) -> None:
        event.stop()
        if event.sign == "/":
            self.filter_changed(event.text)

    @on(PromptLine.Submitted)
    def _prompt_submitted(self, event: PromptLine.Submitted) -> None:
        event.stop()
        self.focus_list()
        if event.sign == "/":
            self.filter_changed(event.text)
        elif event.sign == ":":
            self.run_line(event.text)
        else:
            self.answered_prompt(event.sign, event.text)

    @on(PromptLine.Closed)
    def _prompt_closed(self, event: PromptLine.Closed) -> None:
        event.stop()
        if event.sign == "/":
            self.filter_changed("")
        self.focus_list()

    def answered_prompt(self, sign: str, text: str) -> None:
        """Something was typed behind a sign of the screen's own."""

    def focus_list(self) -> None:
        view = self.list_view()
        if view is not None:
            self.set_focus(view)

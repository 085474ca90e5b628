"""The trace builder: from, to, protocol and port, the packet they make, and one key to trace it."""

from __future__ import annotations

import time
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, ClassVar

from textual.containers import Container, Grid, Vertical
from textual.timer import Timer
from textual.widget import Widget
from textual.widgets import Input, Static

from ko_tui.backend.errors import KoError
from ko_tui.commands import Command, bindings
from ko_tui.screens.builder_engine import ENGINE, EngineChoice
from ko_tui.screens.builder_matches import ENDS, Matches
from ko_tui.screens.guide import guide
from ko_tui.screens.matching import Matcher
from ko_tui.screens.place import PlaceScreen
from ko_tui.screens.trace_form import (
    FIELDS,
    FieldError,
    field_problem,
    request_of,
    values_of,
)
from ko_tui.widgets.choice_list import ChoiceList
from ko_tui.widgets.field import Field, FieldInput
from ko_tui.widgets.plan_view import problem_lines, waiting_lines
from ko_tui.widgets.side_pane import SidePane
from ko_tui.widgets.tones import Line, content

if TYPE_CHECKING:
    from ko_tui.backend.session import Session
    from ko_tui.backend.source.interface import Cancel
    from ko_tui.backend.tracing.model import Inventory, TracePlan, TraceRequest, TraceResult

PAUSE = 0.25  # seconds without typing before the packet is resolved


class BuilderScreen(Matches, EngineChoice, PlaceScreen):
    """The form on the left; what it makes on the right, or below in a narrow terminal."""

    mode = "trace"
    AUTO_FOCUS = ""  # while a trace runs no field has the keys
    commands: ClassVar[tuple[Command, ...]] = (
        Command(
            "builder.run", "enter", "Trace the packet, or take the marked match", "trace", action="run_trace"
        ),
        Command("builder.more", "f9", "All fields of the packet, on and off", "all fields", action="more"),
        Command("builder.field", "i", "Go to the fields", "fields", action="fields"),
        Command("builder.swap", "f10", "Swap From and To", "swap", action="swap"),
        *ENGINE,
        Command("builder.clear", "f12", "Empty the form", action="clear", colon=("clear",)),
    )
    BINDINGS = bindings(commands)

    def __init__(self) -> None:
        super().__init__()
        self.matcher = Matcher()
        self.plan: TracePlan | None = None
        self._pause: Timer | None = None
        self._left: FieldInput | None = None  # where the cursor was when the trace began

    def body(self) -> Iterable[Widget]:
        with Container(classes="panes"):
            with Vertical(id="form"):
                with Grid(id="main-fields"):
                    for spec in FIELDS:
                        if spec.main:
                            yield Field(
                                spec.name, spec.label, value=spec.default, hint=spec.hint, choices=spec.choices,
                                narrow=spec.name in ("protocol", "port"),
                            )  # fmt: skip
                with Grid(id="more-fields"):
                    for spec in FIELDS:
                        if not spec.main:
                            yield Field(
                                spec.name, spec.label, value=spec.default, hint=spec.hint, choices=spec.choices,
                                narrow=True,
                            )  # fmt: skip
                yield ChoiceList(id="choices")
            with SidePane(id="packet"):
                yield Static(id="packet-words", markup=False)

    def field(self, name: str) -> Field:
        return self.query_one(f"#field-{name}", Field)

    @property
    def choices(self) -> ChoiceList:
        return self.query_one(ChoiceList)

    def on_mount(self) -> None:
        super().on_mount()
        self.query_one("#more-fields").display = False
        self._show_packet(
            waiting_lines("Name where the packet starts and where it goes; ↑ ↓ choose, Enter takes.")
        )
        self.set_focus(self.field("source").input)
        self._offer()
        guide(self, "builder")

    def hints(self) -> Sequence[tuple[str, str]]:
        if isinstance(self.focused, ChoiceList):
            return (("enter", "trace it again"),)
        if self.focused is None:
            return ()
        return (
            ("enter", "take the match" if self.choices.marked else "trace"),
            ("tab", "next field"),
            ("esc", "leave the fields"),
        )

    def crumbs(self) -> Sequence[str]:
        return ("a packet",)

    # -- asking -----------------------------------------------------------------------------------------------

    def load(self, *, fresh: bool = False) -> None:
        def question(session: Session, cancel: Cancel) -> tuple[Inventory, Matcher]:
            inventory = session.inventory(refresh=fresh, cancel=cancel)
            return inventory, Matcher(inventory.endpoints)

        def arrived(answer: tuple[Inventory, Matcher]) -> None:
            inventory, self.matcher = answer
            self.ko.known["endpoint"] = [e.key for e in inventory.endpoints]
            self.had(f"{len(inventory.endpoints):,} endpoints", inventory.taken_at)
            self._offer()
            self._changed()

        self.ask("inventory", question, arrived, label="listing pods", failed=self.show_trouble)
        self.propose()

    def show_reason(self, said: Sequence[str]) -> None:
        self._show_packet([[(part, "")] for one in said for part in (one, "")])

    def _request(self) -> TraceRequest:
        return request_of(self.values(), namespace=self._namespace(), engine=self.auto())

    def arrive(self, words: str) -> None:
        """``from KEY``, ``to KEY``, or a whole trace in one line, which runs at once."""
        which, _, rest = words.partition(" ")
        if which in ("from", "to") and rest:
            name = "source" if which == "from" else "destination"
            self.field(name).value = rest
            self._take_service_port(rest)
            other = "destination" if which == "from" else "source"
            free = other if not self.field(other).value else "port"
            self.field(free).input.focus()
            self._changed()
            return
        from ko_tui.backend.tracing.oneline import parse_line

        try:
            request = parse_line(words)
        except KoError as error:
            self.show_failure(error)
            return
        self.fill(request)
        self.action_run_trace()

    def fill(self, request: TraceRequest) -> None:
        """Put a request into the fields."""
        values = values_of(request, engine=self.auto())
        for spec in FIELDS:
            self.field(spec.name).value = values[spec.name]
        if any(values[s.name] not in ("", s.default) for s in FIELDS if not s.main):
            self._show_more(True)
        self._changed()

    def values(self) -> dict[str, str]:
        return {spec.name: self.field(spec.name).value for spec in FIELDS}

    def _namespace(self) -> str:
        session = self.ko.door.opened
        return (session.info.namespace if session is not None else "") or "default"

    # -- while one types --------------------------------------------------------------------------------------

    def on_input_changed(self, event: Input.Changed) -> None:
        event.stop()
        self._offer()
        self._changed()

    def on_descendant_focus(self) -> None:
        self._offer()

    def _changed(self) -> None:
        self.plan = None
        self.cancel_question("plan")
        if self._pause is not None:
            self._pause.stop()
        if "->" in self.field("source").value:
            self._show_packet(waiting_lines("A whole trace in one line: Enter traces it."))
            return
        # First what is wrong where one is typing.
        focused = self.focused
        here = focused.query_ancestor(Field).field_name if isinstance(focused, FieldInput) else ""
        wrong = field_problem(here, self.values()) or self.unknown_end()
        if wrong is not None:
            self._show_packet(problem_lines(wrong))
            return
        try:
            request = self._request()
        except KoError as error:
            self._show_packet(problem_lines(error))
            return
        self._show_packet(waiting_lines(f"{request.line()}"))
        if all(self.named(name) for name in ENDS):
            self._pause = self.set_timer(PAUSE, lambda: self._resolve(request))

    def _resolve(self, request: TraceRequest) -> None:
        def arrived(plan: TracePlan) -> None:
            self.plan = plan
            self.show_plan(plan)

        self.ask(
            "plan",
            lambda session, _cancel: session.plan(request),
            arrived,
            label="resolving the packet",
            failed=lambda error: self._show_packet(problem_lines(error)),
        )

    def _show_packet(self, lines: Sequence[Line]) -> None:
        self.query_one("#packet-words", Static).update(content(lines))

    async def action_back(self) -> None:
        """From a field to the list, where the digits go to other places."""
        if isinstance(self.focused, FieldInput):
            self.choices.marked = False
            self.choices.focus()
            self.tell("1-8 go to other places; i or Tab come back to the fields.")
        else:
            await super().action_back()

    # -- doing ------------------------------------------------------------------------------------------------

    def action_run_trace(self) -> None:
        for name in ENDS:
            self.settle(self.field(name))
        unknown = self.unknown_end()
        try:
            if unknown is not None and self.could_be(unknown.field):
                raise unknown
            request = self._request()
        except FieldError as error:
            self._show_packet(problem_lines(error))
            self.field(error.field).input.focus()
            self.tell(f"{error.what} {error.next_step}", "warn")
            return
        except KoError as error:
            self._show_packet(problem_lines(error))
            self.tell(error.what, "warn")
            return
        plan = self.plan if self.plan is not None and self.plan.request == request else None

        def question(session: Session, cancel: Cancel) -> TraceResult:
            return session.trace(plan or session.plan(request), cancel=cancel)

        def arrived(result: TraceResult) -> None:
            from ko_tui.screens.trace import TraceScreen

            self.ko.traces_made.add(request.line(), verdict=str(result.explained.verdict))
            self.had(self.count_words, self.taken_at or time.time())
            self.app.push_screen(TraceScreen(result))

        def failed(error: KoError) -> None:
            self._back_to_field()
            self.show_failure(error)

        self.ask("trace", question, arrived, label="tracing", failed=failed)
        # What is typed from now on is meant for the result, not for a field of what is being traced.
        if isinstance(self.focused, FieldInput):
            self._left = self.focused
            self.set_focus(None)

    def _back_to_field(self) -> None:
        if self._left is not None and self.focused is None:
            self._left.focus()
        self._left = None

    def action_stop(self) -> None:
        tracing = "trace" in self.questions
        super().action_stop()
        if tracing:  # what is in the fields is what one goes on with, not what was traced before
            self.set_focus(self._left or self.field("port").input)
            self._left = None

    def on_screen_resume(self) -> None:
        super().on_screen_resume()
        if "trace" not in self.questions:
            self._back_to_field()

    def _show_more(self, shown: bool) -> None:
        self.query_one("#more-fields").display = shown
        self.set_class(shown, "-all-fields")  # the list of matches needs room below them

    def action_more(self) -> None:
        shown = not self.query_one("#more-fields").display
        self._show_more(shown)
        self.field("family" if shown else "source").input.focus()

    def action_fields(self) -> None:
        self.field(next((n for n in ENDS if not self.field(n).value), "source")).input.focus()

    def action_swap(self) -> None:
        source, destination = self.field("source").value, self.field("destination").value
        self.field("source").value, self.field("destination").value = destination, source

    def action_clear(self) -> None:
        for spec in FIELDS:
            self.field(spec.name).value = spec.default
        self.action_fields()

    def filter_text(self) -> str:
        return ""

    def copy_text(self) -> str:
        return self.plan.request.line() if self.plan is not None else ""

    def exact_commands(self) -> list[str]:
        import shlex

        if self.plan is None:
            return []
        return [*(run.kubectl() for run in self.plan.commands), shlex.join(self.plan.ovn_trace)]

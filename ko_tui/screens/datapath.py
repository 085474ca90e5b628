"""The node's own trace of a packet: its OpenFlow tables as a tree, each with the logical stage that it stands for."""

from __future__ import annotations

import time
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, ClassVar

from textual.containers import Container
from textual.widget import Widget
from textual.widgets import Static

from ko_tui.commands import Command, bindings
from ko_tui.screens.place import PlaceScreen
from ko_tui.widgets.line_view import LineView
from ko_tui.widgets.side_pane import SidePane
from ko_tui.widgets.step_detail import datapath_lines, pass_lines, step_lines, summary_lines
from ko_tui.widgets.step_list import StepList
from ko_tui.widgets.tones import Line, content, plain

if TYPE_CHECKING:
    from ko_tui.backend.session import Session
    from ko_tui.backend.source.interface import Cancel
    from ko_tui.backend.tracing.datapath_model import DatapathTrace
    from ko_tui.backend.tracing.live_counts import LiveCounts
    from ko_tui.backend.tracing.model import TraceResult
    from ko_tui.screens.trace import TraceScreen

NO_LOOKUP = "There is no table lookup under the cursor."


class DatapathScreen(PlaceScreen):
    """One datapath trace of a result. ``stage`` is the stage of the logical trace to begin at."""

    mode = "trace"
    enter = "whole explanation"
    commands: ClassVar[tuple[Command, ...]] = (
        Command("datapath.counts", "c", "Packets counted by each flow; again: what came since", "counts"),
        Command("datapath.logical", "L", "The logical flow behind it, in Pipeline", "logical flow"),
        Command("datapath.flow", "F", "This flow among the node's flows, in OpenFlow", "on the node"),
        Command("datapath.again", "a", "Ask the nodes again", action="again"),
        Command("datapath.pane", "tab", "Go to the explanation and back", action="other_pane"),
        Command(
            "datapath.filter", "slash", "Find in the tables; n next, N previous", "/find", action="filter"
        ),
    )
    BINDINGS = bindings(commands)

    def __init__(self, result: TraceResult | None = None, stage: int = -1) -> None:
        super().__init__()
        self._result = result
        self._stage = stage
        self.counted: LiveCounts | None = None

    @property
    def result(self) -> TraceResult:
        assert self._result is not None
        return self._result

    @property
    def trace(self) -> DatapathTrace:
        assert self.result.datapath is not None
        return self.result.datapath

    def body(self) -> Iterable[Widget]:
        yield Static(id="verdict", markup=False)
        with Container(classes="panes"):
            yield StepList(id="stages", open_quiet=self.ko.settings.show_quiet_stages)
            with SidePane(id="explanation"):
                yield Static(id="explanation-words", markup=False)

    @property
    def steps(self) -> StepList:
        return self.query_one(StepList)

    def crumbs(self) -> Sequence[str]:
        return (self.result.plan.request.line(), "OpenFlow")

    def on_mount(self) -> None:
        super().on_mount()
        self.steps.focus()
        self._show(self._stage)
        look_again(self)

    def load(self, *, fresh: bool = False) -> None:
        if fresh:
            self.action_again()

    def _show(self, stage: int = -1) -> None:
        trace = self.trace
        self.query_one("#verdict", Static).update(content(summary_lines(trace)))
        self.steps.show(trace, stage)
        lookups = sum(len(part.steps) for part in trace.passes)
        nodes = len({part.node for part in trace.passes})
        self.had(f"{lookups} tables on {nodes} node{'s' if nodes > 1 else ''}", time.time())
        self._explain()

    def _lines(self) -> list[Line]:
        here = self.steps.current
        if here is None:
            return [[("There is nothing to explain.", "dim")]]
        part, step = here
        if step is None:
            return pass_lines(part)
        row = self.steps.rows[self.steps.cursor]
        count = self.counted.steps.get((row.part, row.step)) if self.counted is not None else None
        return step_lines(self.trace, part, step, count)

    def _explain(self, *, stay: bool = False) -> None:
        self.query_one("#explanation-words", Static).update(content(self._lines()))
        if not stay:
            self.query_one("#explanation", SidePane).scroll_home(animate=False)

    def on_line_view_moved(self, event: LineView.Moved) -> None:
        event.stop()
        self._explain()

    def on_line_view_chosen(self, event: LineView.Chosen) -> None:
        event.stop()
        self.query_one("#explanation").focus()
        self.steps.display = False

    def action_other_pane(self) -> None:
        pane = self.query_one("#explanation")
        self.steps.display = True
        if self.focused is pane:
            self.steps.focus()
        else:
            pane.focus()

    async def action_back(self) -> None:
        if self.focused is self.query_one("#explanation"):
            self.steps.display = True
            self.steps.focus()
            return
        await super().action_back()

    def list_view(self) -> LineView | None:
        return self.steps

    # -- doing ------------------------------------------------------------------------------------------------

    def action_counts(self) -> None:
        trace, before = self.trace, self.counted

        def question(session: Session, cancel: Cancel) -> LiveCounts:
            return session.live_counts(trace, before, cancel=cancel)

        def arrived(counted: LiveCounts) -> None:
            self.counted = counted
            self.steps.show_counts(counted.steps)
            self._explain(stay=True)
            self.tell(counts_words(counted), "good" if counted.grown else "")

        self.ask("counts", question, arrived, label="counting packets")

    def action_again(self) -> None:
        from dataclasses import replace

        result = self.result

        def renewed(trace: DatapathTrace) -> None:
            self._result = replace(result, datapath=trace)
            self.counted = None
            self.steps.show_counts(None)
            self._show()
            self.tell("Asked again.", "good")

        self.ask("datapath", lambda session, cancel: session.datapath(result, cancel=cancel), renewed,
                 label="tracing on the nodes")  # fmt: skip

    def action_logical(self) -> None:
        here = self.steps.current
        step = here[1] if here is not None else None
        if step is None or not step.logical:
            self.tell("No logical flow is behind this one." if step is not None else NO_LOOKUP, "warn")
            return
        from ko_tui.screens.jumps import visit_logical

        visit_logical(self, step.rule.match, step.stage, step.uuid)

    def action_flow(self) -> None:
        here = self.steps.current
        step = here[1] if here is not None else None
        if here is None or step is None:
            self.tell(NO_LOOKUP, "warn")
            return
        part = here[0]
        words = f"{part.node} table={step.rule.table}"
        if step.uuid:
            words += f" cookie=0x{step.uuid}"
        self.app.run_worker(self.visit("openflow", words), group="visit")

    # -- taking it away ---------------------------------------------------------------------------------------

    def copy_text(self) -> str:
        if self.focused is self.query_one("#explanation"):
            return "\n".join(plain(line) for line in self._lines()) + "\n"
        return self.save_text()

    def save_text(self) -> str:
        return "\n".join(plain(line).rstrip() for line in datapath_lines(self.trace)) + "\n"

    def exact_commands(self) -> list[str]:
        runs = self.counted.runs if self.counted is not None else ()
        return [run.kubectl() for run in (*self.trace.commands, *runs)]

    def raw_text(self) -> tuple[str, str]:
        return self.trace.text, "openflow"


def look_again(screen: TraceScreen | DatapathScreen) -> None:
    """Once packets are counted, count again as often as the setting says."""

    def look() -> None:
        if screen.app.screen is screen and screen.counted is not None and not screen.questions:
            screen.action_counts()

    if screen.ko.settings.openflow_seconds:
        screen.set_interval(max(5, screen.ko.settings.openflow_seconds), look)


def counts_words(counted: LiveCounts) -> str:
    """What a look at the counters says, for the message line."""
    where = ", ".join(counted.nodes)
    if counted.seconds is None:
        return f"Counted on {where}; c looks again and says what came since."
    if not counted.grown:
        return f"Nothing came this way in {counted.seconds:.0f} s (a switch counts about once a second)."
    return f"In {counted.seconds:.0f} s on {where}: + is what came."

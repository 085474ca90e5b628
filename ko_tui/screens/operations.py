"""Checks and repairs: chosen from a list, run with their progress on the screen, changes only after a typed yes."""

from __future__ import annotations

import time
from collections.abc import Iterable, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any, ClassVar, Literal

from textual import events
from textual.containers import Container
from textual.widget import Widget

from ko_tui.backend.errors import KoError, PolicyRefusal
from ko_tui.commands import Command, bindings
from ko_tui.screens.known_names import datapath_names, node_names
from ko_tui.screens.operation_list import OPERATIONS, Operation, Proposal, Runner, Telling
from ko_tui.screens.place import PlaceScreen
from ko_tui.visible import visible
from ko_tui.widgets.glyphs import glyphs
from ko_tui.widgets.line_table import Column, LineTable
from ko_tui.widgets.line_view import LineView
from ko_tui.widgets.prompt import PromptLine
from ko_tui.widgets.text_view import TextView
from ko_tui.widgets.tones import Line, Tone

if TYPE_CHECKING:
    from ko_tui.backend.operations.model import Check, Report
    from ko_tui.backend.session import Session
    from ko_tui.backend.source.interface import Cancel

_TONES: dict[str, Tone] = {
    "fail": "bad",
    "warn": "warn",
    "unknown": "warn",
    "ok": "good",
    "skipped": "dim",
    "info": "",
}


class OperationsScreen(PlaceScreen):
    """The list on the left or above, what came of the last one beside it."""

    mode = "operations"
    enter = "start"
    commands: ClassVar[tuple[Command, ...]] = (
        Command(
            "operations.well", "v", "Show what is well too, or only what is not", "well too", action="well"
        ),
        Command("operations.pane", "tab", "Go to the results and back", "results", action="other_pane"),
        Command(
            "operations.filter", "slash", "Filter the list, or find in the results", "/find", action="filter"
        ),
    )
    BINDINGS = bindings(commands)

    def __init__(self) -> None:
        super().__init__()
        self.chosen: Operation | None = None  # whose results are shown
        self.argument = ""
        self._asked: Operation | None = None  # whose argument is being typed
        self._members: list[tuple[str, str]] = []  # of the database whose member is being typed
        self.checks: list[Check] = []
        self.words: list[str] = []
        self.well = False
        self._stopped = False  # the one whose results are shown was stopped by ctrl+c

    def body(self) -> Iterable[Widget]:
        with Container(classes="panes"):
            yield LineTable[Any](
                [
                    Column("OPERATION", lambda o: o.name, "name", 17, 20),
                    Column("", lambda o: glyphs().warn if o.propose else " ", "warn", 2, 2),
                    Column("WHAT IT DOES", lambda o: o.summary, "", 30, 70),
                ],
                identity=lambda o: o.name,
                id="operations",
            )
            yield TextView(
                "Enter starts the operation under the cursor. What changes the cluster asks before.",
                prose=True,
                id="results",
            )

    @property
    def table(self) -> LineTable[Operation]:
        found: LineTable[Any] = self.query_one("#operations", LineTable)
        return found

    @property
    def results(self) -> TextView:
        return self.query_one("#results", TextView)

    def on_mount(self) -> None:
        super().on_mount()
        self.table.show(OPERATIONS)
        # At once: an operation that was named on the way here has its prompt focused next.
        self.set_focus(self.table)

    def crumbs(self) -> Sequence[str]:
        return (f"{self.chosen.name} {self.argument}".strip() if self.chosen is not None else "",)

    def hints(self) -> Sequence[tuple[str, str]]:
        return () if self.focused is self.results else super().hints()

    def load(self, *, fresh: bool = False) -> None:
        if fresh and self.chosen is not None:
            self._named_all(self.chosen, self.argument)
        for kind, question in (("node", node_names), ("datapath", datapath_names)):
            if kind not in self.ko.known:  # for completion only: nobody is told when they cannot be had
                self.ask(kind, question, partial(self._named, kind), failed=lambda _error: None)

    def _named(self, kind: str, names: list[str]) -> None:
        self.ko.known[kind] = names
        self.query_one(PromptLine).offer_again()

    def arrive(self, words: str) -> None:
        found = next((o for o in OPERATIONS if o.name == words), None)
        if found is None:
            self.filter_changed(words)
        else:
            self._start(found)

    # -- starting -------------------------------------------------------------------------------------------------

    def on_line_view_chosen(self, event: LineView.Chosen) -> None:
        event.stop()
        if event.view is self.table and self.table.current is not None:
            self._start(self.table.current)

    def on_line_view_moved(self, event: LineView.Moved) -> None:
        """The list has not room for all of what an operation does; the message line has."""
        event.stop()
        if event.view is self.table and self.focused is self.table and self.table.current is not None:
            self.tell(self.table.current.summary, "dim")

    def on_descendant_focus(self, event: events.DescendantFocus) -> None:
        """Where the two share a small screen, the one that is read has most of it."""
        if event.widget in (self.table, self.results):
            self.set_class(event.widget is self.results, "-reading")

    def _start(self, operation: Operation) -> None:
        running = self.questions.get("operation")
        if running is not None and running.lingers:
            self.tell(f"{running.label} is still at work in the cluster; ctrl+c stops it.", "warn")
            return
        shown = self.table.shown()
        if operation in shown:  # named behind a colon, it is not under the cursor yet
            self.table.cursor = shown.index(operation)
        session = self.ko.door.opened
        if operation.propose and (session is None or session.options.mode != "allow-write"):
            self.show_failure(
                PolicyRefusal(
                    f"{operation.name} changes the cluster, and ko-tui is read-only.",
                    "Start ko-tui with --allow-write; it will ask before it does anything.",
                )
            )
            return
        self._asked = operation
        if not operation.needs:
            self._named_all(operation, "")
            return
        self.tell(operation.hint)
        if operation.needs == "member":
            self._ask_members("sb" if operation.name.endswith(" sb") else "nb")
        self.query_one(PromptLine).open(
            f"{operation.needs}: ",
            operation.hint if operation.needs == "file" and "." in operation.hint else "",
            completer=partial(self._complete, operation),
        )

    def _ask_members(self, database: Literal["nb", "sb"]) -> None:
        """Whom one may mean, asked anew each time: who is dead is what matters."""
        from ko_tui.backend.operations.members import servers

        self._members = []

        def arrived(found: list[tuple[str, str]]) -> None:
            self._members = found
            self.query_one(PromptLine).offer_again()

        self.ask(
            "members", lambda session, _cancel: servers(session, database), arrived, failed=lambda _e: None
        )

    def _complete(self, operation: Operation, text: str) -> list[tuple[str, str]]:
        if operation.needs == "member" and self._members:
            return [(nick, what) for nick, what in self._members if text in nick]
        known = self.ko.known.get({"subnet": "datapath"}.get(operation.needs, operation.needs), [])
        found: list[tuple[str, str]] = [(name, operation.needs) for name in known if text in name]
        return found or ([] if text else [("", operation.hint)])

    def answered_prompt(self, sign: str, text: str) -> None:
        if self._asked is not None:
            self._named_all(self._asked, text.strip())

    def _named_all(self, operation: Operation, argument: str) -> None:
        if operation.run is not None:
            self._run(operation, operation.run, argument)
        elif operation.propose is not None:
            propose = operation.propose
            # Checked first: what cannot be done is not asked about.
            self.ask(
                "operation",
                lambda session, _cancel: propose(session, argument),
                partial(self._confirm, operation, argument),
                label=f"checking {operation.name}",
            )

    def _confirm(self, operation: Operation, argument: str, proposal: Proposal) -> None:
        from ko_tui.screens.dialogs import TypedConfirmation

        lines: list[Line] = [
            [(f"{operation.name} {argument}".strip(), "strong")],
            [("", "")],
            [(proposal.effect, "warn")],
        ]

        def decided(answer: bool | None) -> None:
            if answer:
                self._run(operation, proposal.run, argument)
            else:
                self.tell("Nothing was changed.")

        self.app.push_screen(TypedConfirmation(lines, proposal.target), decided)

    def _run(self, operation: Operation, run: Runner, argument: str) -> None:
        self.chosen, self.argument = operation, argument
        self.checks, self.words = [], []
        self._draw()

        def question(session: Session, cancel: Cancel) -> Report | str:
            return run(
                session,
                cancel,
                argument,
                Telling(
                    lambda checks: self.heard("operation", number, checks),
                    lambda t: self.heard("operation", number, t),
                ),
            )

        self._stopped = False
        number = 0
        number = self.ask(
            "operation",
            question,
            self._done,
            label=operation.name,
            failed=self._failed,
            progress=self._heard,
            lingers=operation.propose is not None,
        )
        self.count_words, self.taken_at = "", 0.0  # of what ran before
        self.show_place()
        self.results.focus()

    def asking_changed(self) -> None:
        asked = self.questions.get("operation")
        self._stopped |= asked is not None and asked.stopping
        super().asking_changed()

    def _heard(self, part: list[Check] | str) -> None:
        if isinstance(part, str):
            self.words.append(part)
        else:
            self.checks += part
        self._draw()

    def _done(self, outcome: Report | str) -> None:
        if isinstance(outcome, str):
            self.words.append(outcome)
        else:
            self.checks = list(outcome.checks)
            self.words += [f"not the whole truth: {words}" for words in outcome.partial]
            self.words.insert(0, f"{outcome.title}: {outcome.summary}")
        self._draw()
        if self._stopped:
            self.tell("Stopped.", "warn")
        words = "stopped" if self._stopped else "done"
        self.had(f"{len(self.checks)} checks" if self.checks else words, time.time())

    def _failed(self, error: KoError) -> None:
        if isinstance(error, _cancelled()):
            self.words.append(f"Stopped: {error.what}")
            self._draw()
            self.tell("Stopped.", "warn")
            self.had("stopped")
            return
        self.words.append(str(error))
        self._draw()
        self.had("failed")
        self.show_failure(error)

    # -- results --------------------------------------------------------------------------------------------------

    def _draw(self) -> None:
        view = self.results
        at_end = view.cursor >= view.line_count() - 1
        view.show_lines(report_lines(self.checks, self.words, well=self.well), stay=True, fold=True)
        if (
            at_end and not self.checks
        ):  # steps in words: the last one is what matters, unless somebody looks back
            view.lines_changed(cursor=view.line_count() - 1)

    def action_well(self) -> None:
        self.well = not self.well
        self._draw()

    def action_other_pane(self) -> None:
        (self.table if self.focused is self.results else self.results).focus()

    async def action_back(self) -> None:
        if self.focused is self.results:
            self.table.focus()
        else:
            await super().action_back()

    def save_text(self) -> str:
        return self.results.whole()


def _cancelled() -> type[KoError]:
    from ko_tui.backend.source.interface import ExecCancelled

    return ExecCancelled


def report_lines(checks: Sequence[Check], words: Sequence[str], *, well: bool) -> list[Line]:
    """Checks, the most serious first; what is well only on request, but counted."""
    from ko_tui.backend.operations.model import RANK

    lines: list[Line] = [[(visible(row), "strong")] for text in words for row in text.split("\n")]
    shown = [c for c in checks if well or str(c.level) not in ("ok", "info")]
    g = glyphs()
    signs = {"fail": g.bad, "warn": g.warn, "unknown": g.unknown, "ok": g.ok}
    for check in sorted(shown, key=lambda c: (RANK[c.level], c.group, c.place)):
        level = str(check.level)
        tone = _TONES.get(level, "")
        place = f" on {visible(check.place)}" if check.place else ""
        lines.append(
            [
                (f" {signs.get(level, ' ')} {level:<8}", tone),
                (f"{visible(check.group)}: {visible(check.name)}{place}  ", ""),
                (visible(check.detail), "dim"),
            ]
        )
        if check.advice and level not in ("ok", "info"):
            lines.append([("            next: ", "head"), (visible(check.advice), "")])
    hidden = len(checks) - len(shown)
    if hidden:
        lines.append([(f" {g.ok} {hidden} more are well (v shows them)", "good")])
    return lines or [[("Working" + g.ellipsis, "dim")]]

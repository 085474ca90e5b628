"""The OpenFlow of a traced packet as a tree: nodes, their tables with the stage each stands for, what came of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar, Literal

from ko_tui.commands import Command, bindings
from ko_tui.visible import one_line, visible
from ko_tui.widgets.glyphs import glyphs
from ko_tui.widgets.highlight import highlight
from ko_tui.widgets.line_view import MOVES, LineView
from ko_tui.widgets.stage_list import count_pieces
from ko_tui.widgets.tones import Line, Piece, Tone

if TYPE_CHECKING:
    from ko_tui.backend.tracing.datapath_model import DatapathTrace, NodePass, Step
    from ko_tui.backend.tracing.live_counts import Count

QUIET: tuple[Command, ...] = (
    Command("steps.unfold", "v", "Show the tables that only go on, or fold them", "quiet", action="unfold"),
)
_MARKS: dict[str, Tone] = {
    "same": "good",
    "other-flow": "warn",
    "follows": "dim",
    "parts": "bad",
    "quiet": "dim",
}


@dataclass(slots=True)
class StepRow:
    """A node's title, a lookup, a fold of quiet ones, a datapath action, or how it ended."""

    kind: Literal["node", "step", "fold", "action", "end"]
    part: int
    step: int = -1  # of a fold the first
    count: int = 0
    text: str = ""


class StepList(LineView):
    """The lookups of one datapath trace."""

    commands: ClassVar[tuple[Command, ...]] = (*QUIET, *MOVES)
    BINDINGS = bindings(QUIET)

    def __init__(self, *, id: str | None = None, open_quiet: bool = False) -> None:
        super().__init__(id=id)
        self.trace: DatapathTrace | None = None
        self.rows: list[StepRow] = []
        self.open_quiet = open_quiet
        self.opened: set[tuple[int, int]] = set()
        self.counts: Mapping[tuple[int, int], Count] | None = None

    def show(self, trace: DatapathTrace, stage: int = -1) -> None:
        """``stage``: the stage of the logical trace to stand on; where they part goes first."""
        self.trace = trace
        self.opened.clear()
        self._arrange()
        wanted = self._row_of_stage(stage) if stage >= 0 and not trace.findings else -1
        if wanted < 0:
            wanted = self._row_of_finding() if trace.findings else min(1, len(self.rows) - 1)
        self.lines_changed(cursor=wanted)

    def show_counts(self, counts: Mapping[tuple[int, int], Count] | None) -> None:
        self.counts = counts
        self.lines_changed()

    def _arrange(self) -> None:
        assert self.trace is not None
        self.rows = []
        for number, part in enumerate(self.trace.passes):
            self.rows.append(StepRow("node", number, text=part.why))
            quiet: list[int] = []
            for at, step in enumerate(part.steps):
                if step.fit == "quiet" and not self.open_quiet:
                    quiet.append(at)
                    continue
                self._flush(number, quiet)
                self.rows.append(StepRow("step", number, at))
            self._flush(number, quiet)
            self.rows += [StepRow("action", number, text=words) for words in part.actions]
            self.rows += [StepRow("action", number, text=f"slow path: {words}") for words in part.slow_path]
            self.rows.append(StepRow("end", number, text=part.ends))

    def _flush(self, part: int, quiet: list[int]) -> None:
        if not quiet:
            return
        if len(quiet) == 1 or (part, quiet[0]) in self.opened:
            self.rows += [StepRow("step", part, at) for at in quiet]
        else:
            self.rows.append(StepRow("fold", part, quiet[0], len(quiet)))
        quiet.clear()

    def _row_of_finding(self) -> int:
        """The lookup where the ways part, else the last one of all."""
        steps = [(i, s) for i, row in enumerate(self.rows) if (s := self.step_at(row)) is not None]
        at = self.trace.findings[0].at if self.trace is not None and self.trace.findings else -1
        parts = [i for i, step in steps if step.fit == "parts" or (at >= 0 and step.at == at)]
        return parts[0] if parts else steps[-1][0] if steps else 0

    def _row_of_stage(self, stage: int) -> int:
        for index, row in enumerate(self.rows):
            step = self.step_at(row)
            if row.kind == "step" and step is not None and step.at == stage:
                return index
        return -1

    def step_at(self, row: StepRow) -> Step | None:
        """The lookup of a row; None for titles and ends."""
        if self.trace is None or row.step < 0:
            return None
        return self.trace.passes[row.part].steps[row.step]

    @property
    def current(self) -> tuple[NodePass, Step | None] | None:
        """The pass and the lookup under the cursor."""
        if self.trace is None or not 0 <= self.cursor < len(self.rows):
            return None
        row = self.rows[self.cursor]
        return self.trace.passes[row.part], self.step_at(row)

    # -- drawing --------------------------------------------------------------------------------------------

    def line_count(self) -> int:
        return len(self.rows)

    def line(self, index: int) -> Line:
        assert self.trace is not None
        g = glyphs()
        row = self.rows[index]
        part = self.trace.passes[row.part]
        if row.kind == "node":
            why: list[Piece] = [(f"  {one_line(row.text)}", "warn")] if row.text else []
            return [
                (f"{g.open} {one_line(part.node)}", "head"),
                (f"  in by {one_line(part.port)}", "dim"),
                *why,
            ]
        if row.kind == "action":
            return [("   ", ""), (f"{g.bullet} ", "dim"), (one_line(row.text), "")]
        if row.kind == "end":
            bad = part.end in ("dropped", "unknown")
            sign, tone = (
                (g.bad, "bad") if bad else (g.ok, "good") if part.end == "delivered" else (g.arrow, "accent")
            )
            return [(f" {sign} ", tone), (one_line(row.text), tone)]  # type: ignore[list-item]
        step = part.steps[row.step]
        if row.kind == "fold":
            names = dict.fromkeys(s.stage for s in part.steps[row.step : row.step + row.count])
            return [(f"   {g.closed} {row.count} only go on: {one_line(', '.join(names))}", "dim")]
        return self._step_line(row, step)

    def _step_line(self, row: StepRow, step: Step) -> Line:
        g = glyphs()
        tone = _MARKS.get(step.fit, "")
        sign = {"same": g.ok, "other-flow": g.warn, "follows": g.warn, "parts": g.bad}.get(step.fit, " ")
        name = step.stage or step.bridge
        what = "no flow matches" if step.rule.no_match else step.rule.match or "any packet"
        counts = count_pieces(self.counts.get((row.part, row.step))) if self.counts is not None else []
        return [
            (f"{'  ' * min(step.depth, 4)} {sign} ", tone),
            (f"{step.rule.table:>3} ", "dim"),
            (f"{one_line(name):<25} ", "name" if step.logical and step.fit != "quiet" else "dim"),
            *counts,
            (f"{step.rule.priority if step.rule.priority is not None else '':>5} ", "warn"),
            *highlight(visible(what), "openflow"),
        ]

    # -- folding --------------------------------------------------------------------------------------------

    def action_choose(self) -> None:
        row = self.rows[self.cursor] if self.cursor < len(self.rows) else None
        if row is not None and row.kind == "fold":
            self.opened.add((row.part, row.step))
            self._arrange()
            self.lines_changed()
            self.post_message(self.Moved(self, self.cursor))
        else:
            super().action_choose()

    def action_unfold(self) -> None:
        self.open_quiet = not self.open_quiet
        self.opened.clear()
        kept = self.rows[self.cursor] if self.cursor < len(self.rows) else None
        self._arrange()
        near = [
            i for i, r in enumerate(self.rows)
            if kept is not None and r.part == kept.part and r.kind in ("step", "fold") and r.step <= max(kept.step, 0)
        ]  # fmt: skip
        self.lines_changed(cursor=near[-1] if near else 0)
        self.post_message(self.Moved(self, self.cursor))

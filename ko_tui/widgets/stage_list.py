"""The stages of a trace, grouped by datapath and pipeline; runs of stages where nothing happens are folded."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, ClassVar, Literal

from ko_tui.commands import Command, bindings
from ko_tui.visible import one_line
from ko_tui.widgets.glyphs import glyphs
from ko_tui.widgets.line_view import MOVES, LineView
from ko_tui.widgets.tones import Line, Piece, Tone

if TYPE_CHECKING:
    from ko_tui.backend.explain.model import ExplainedStage, ExplainedTrace
    from ko_tui.backend.tracing.live_counts import Count

Show = Literal["all", "changes", "drops"]
# A change of these is the packet's own, which a person cares about; registers are OVN's notes to itself.
_HEADERS = ("eth.", "ip4.", "ip6.", "ip.", "tcp.", "udp.", "sctp.", "icmp", "arp.", "nd.", "vlan.")


@dataclass(slots=True)
class Row:
    """A group's title, a stage, or a fold that stands for several stages."""

    kind: Literal["group", "stage", "fold"]
    stage: int = -1  # number in ExplainedTrace.stages; of a fold the first
    stages: Sequence[int] = ()
    text: str = ""
    depth: int = 0


@dataclass(slots=True)
class StageFacts:
    """What the list marks about a stage."""

    ends: str = ""  # "dropped", "delivered", ... where a branch ends
    header_changed: bool = False
    touched: Sequence[str] = field(default=())


FOLDING: tuple[Command, ...] = (
    Command(
        "stages.only-changes",
        "x",
        "Only stages that change the packet, and back",
        "only changes",
        action="only('changes')",
    ),
    Command(
        "stages.only-drops",
        "D",
        "Only stages where a branch ends, and back",
        "only ends",
        action="only('drops')",
    ),
    Command("stages.unfold", "v", "Show all quiet stages, or fold them", "quiet", action="unfold"),
)


class StageList(LineView):
    """Stages of one explained trace."""

    commands: ClassVar[tuple[Command, ...]] = (*FOLDING, *MOVES)
    BINDINGS = bindings(FOLDING)

    def __init__(self, *, id: str | None = None, open_quiet: bool = False) -> None:
        super().__init__(id=id)
        self.trace: ExplainedTrace | None = None
        self.facts: list[StageFacts] = []
        self.rows: list[Row] = []
        self.show_only: Show = "all"
        self.open_quiet = open_quiet
        self.opened: set[int] = set()
        self.counts: Mapping[int, Count] | None = (
            None  # packets of each stage's flow, when they were asked for
        )

    # -- what is shown --------------------------------------------------------------------------------------

    def show(self, trace: ExplainedTrace) -> None:
        self.trace = trace
        self.facts = stage_facts(trace)
        self.opened.clear()
        self._arrange()
        # What decided is looked at first: where it was dropped or handed over; else the beginning.
        stopped = trace.verdict if trace.verdict in ("dropped", "controller") else None
        decided = [i for i, f in enumerate(self.facts) if f.ends == stopped]
        self.lines_changed(cursor=self.row_of(decided[0] if decided else 0))

    def show_counts(self, counts: Mapping[int, Count] | None) -> None:
        """Put what the flows counted at each stage, or take it away."""
        self.counts = counts
        self.lines_changed()

    def _arrange(self) -> None:
        assert self.trace is not None
        self.rows = []
        group: tuple[object, ...] = ()
        run: list[int] = []
        for number, stage in enumerate(self.trace.stages):
            facts = self.facts[number]
            if self.show_only == "changes" and not (facts.header_changed or facts.ends):
                continue
            if self.show_only == "drops" and not facts.ends:
                continue
            key = (stage.datapath, stage.pipeline, stage.depth, id(stage.block) if stage.depth else 0)
            if key != group:
                self._flush(run)
                group = key
                self.rows.append(Row("group", number, text=group_words(stage), depth=stage.depth))
            quiet = stage.quiet and not facts.ends and not facts.header_changed and stage.known
            if quiet and not self.open_quiet and self.show_only == "all":
                run.append(number)
                continue
            self._flush(run)
            self.rows.append(Row("stage", number, depth=stage.depth))
        self._flush(run)

    def _flush(self, run: list[int]) -> None:
        if not run:
            return
        assert self.trace is not None
        depth = self.trace.stages[run[0]].depth
        if len(run) == 1 or run[0] in self.opened:
            self.rows += [Row("stage", n, depth=depth) for n in run]
        else:
            self.rows.append(Row("fold", run[0], tuple(run), depth=depth))
        run.clear()

    def row_of(self, stage: int) -> int:
        """The row that shows a stage, or the fold it is in."""
        for index, row in enumerate(self.rows):
            if (row.kind == "stage" and row.stage == stage) or (row.kind == "fold" and stage in row.stages):
                return index
        return min(1, max(0, len(self.rows) - 1))

    @property
    def current(self) -> ExplainedStage | None:
        """The stage under the cursor; of a group or fold its first."""
        if self.trace is None or not 0 <= self.cursor < len(self.rows):
            return None
        return self.trace.stages[self.rows[self.cursor].stage]

    @property
    def current_number(self) -> int:
        return self.rows[self.cursor].stage if 0 <= self.cursor < len(self.rows) else -1

    # -- drawing --------------------------------------------------------------------------------------------

    def line_count(self) -> int:
        return len(self.rows)

    def selectable(self, index: int) -> bool:
        return self.rows[index].kind != "group"

    def line(self, index: int) -> Line:
        assert self.trace is not None
        g = glyphs()
        row = self.rows[index]
        indent = "  " * row.depth
        if row.kind == "group":
            return [(f"{indent}{g.open} {row.text}", "head")]
        if row.kind == "fold":
            stages = [self.trace.stages[n].stage for n in row.stages]
            names = ", ".join(dict.fromkeys(one_line(s.name) for s in stages))
            return [(f"{indent}   {g.closed} {len(stages)} quiet: {names}", "dim")]
        stage, facts = self.trace.stages[row.stage], self.facts[row.stage]
        mark, tone = self._mark(stage, facts)
        title = one_line(stage.title) if stage.known else "not known to this ko-tui: shown as it is"
        end = f"  {facts.ends.upper()}" if facts.ends else ""
        return [
            (f"{indent} {mark} ", tone),
            (f"{stage.stage.table:>2} ", "dim"),
            (f"{one_line(stage.stage.name):<25} ", "dim" if stage.quiet and not facts.ends else "name"),
            *(count_pieces(self.counts.get(row.stage)) if self.counts is not None else ()),
            (title, "bad" if facts.ends == "dropped" else "dim" if stage.quiet else ""),
            (end, tone),
        ]

    def _mark(self, stage: ExplainedStage, facts: StageFacts) -> tuple[str, Tone]:
        g = glyphs()
        if facts.ends:
            if facts.ends == "dropped":
                return g.bad, "bad"
            return (g.ok, "good") if facts.ends in ("delivered", "replied") else (g.unknown, "warn")
        if facts.header_changed:
            return g.changed, "change"
        if not stage.known:
            return g.unknown, "warn"
        if stage.assumptions:
            return g.warn, "warn"
        return " ", ""

    # -- folding --------------------------------------------------------------------------------------------

    def action_choose(self) -> None:
        row = self.rows[self.cursor] if self.cursor < len(self.rows) else None
        if row is None:
            return
        if row.kind == "fold":
            self.opened.add(row.stage)
            self._again(row.stage)
        else:
            super().action_choose()

    def action_only(self, what: Show) -> None:
        kept = self.current_number
        self.show_only = "all" if self.show_only == what else what
        self._again(kept)

    def action_unfold(self) -> None:
        kept = self.current_number
        self.open_quiet = not self.open_quiet
        self.opened.clear()
        self._again(kept)

    def _again(self, stage: int) -> None:
        if self.trace is None:
            return
        self._arrange()
        self.lines_changed(cursor=self.row_of(stage))
        self.post_message(self.Moved(self, self.cursor))


def count_pieces(count: Count | None) -> list[Piece]:
    """``    12,345    +17 ``: packets, and how many came since the look before."""
    if count is None:
        return [(f"{'-':>10} {'':>7} ", "dim")]
    grown = "" if count.grown is None else f"+{count.grown:,}" if count.grown else "="
    return [
        (f"{count.packets:>10,} ", "strong" if count.packets else "dim"),
        (f"{grown:>7} ", "change" if count.grown else "dim"),
    ]


def group_words(stage: ExplainedStage) -> str:
    """``ovn-default  ingress`` and, in a branch, how it began."""
    pipeline = {"ingress": "ingress", "egress": "egress"}.get(stage.pipeline, stage.pipeline)
    words = f"{one_line(stage.datapath)}  {pipeline}".strip()
    if stage.depth and stage.block is not None:
        began = stage.block.kind if stage.block.kind not in ("ingress", "egress") else ""
        ports = " to ".join(p for p in (stage.block.inport, stage.block.outport) if p)
        words = f"{words}  branch {began} {one_line(ports)}".rstrip()
    return words


def stage_facts(trace: ExplainedTrace) -> list[StageFacts]:
    """Marks for every stage: where branches end, and where the packet itself is changed."""
    ends = {id(o.stage): str(o.verdict) for o in trace.outcomes if o.stage is not None}
    facts = []
    for stage in trace.stages:
        touched = tuple(name for name in stage.changed if name.startswith(_HEADERS))
        facts.append(StageFacts(ends.get(id(stage.stage), ""), bool(touched), touched))
    return facts

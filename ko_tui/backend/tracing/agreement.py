"""The node's tables held against the logical trace, stage by stage.

Both ways are made of the same rows: an OpenFlow cookie is the beginning of a Logical_Flow's UUID. What may differ
without anybody's fault is told apart: ovn-trace keeps the conntrack state after a commit, the switch does not.
"""

from __future__ import annotations

from collections.abc import Sequence

from ko_tui.backend.explain.model import ExplainedStage
from ko_tui.backend.ovn.trace_model import Verdict
from ko_tui.backend.tracing.datapath_model import DatapathTrace, Finding, NodePass, Step

_STATES = frozenset({"trk", "new", "est", "rel", "rpl", "inv"})
TITLE = "The node's OpenFlow is not what the southbound says"
STALE = (
    "Look whether ovn-controller is connected and up to date there (Status), and at its log; the exact flows: "
    "kubectl ko ofctl {node} dump-flows br-int table={table}"
)


def compare(trace: DatapathTrace, stages: Sequence[ExplainedStage], verdict: Verdict) -> None:
    """Fill ``fit`` of every step, ``compared``, ``findings``, ``agrees`` and ``summary``."""
    steps = [(part, step) for part in trace.passes for step in part.steps if _comparable(step)]
    trace.stages = len(stages)
    multicast = next(
        (n for n, s in enumerate(stages) if s.block is not None and s.block.kind == "multicast"), len(stages)
    )
    walk = _Walk(stages[: _flood_start(stages, multicast)], first_tables(steps, stages))
    for part, step in steps:
        if not walk.take(part, step):
            break
    trace.compared = walk.met
    trace.findings += walk.findings
    _judge(trace, walk, verdict, flooded=len(walk.stages) < len(stages))


def _comparable(step: Step) -> bool:
    """A logical flow, or what stands in its place in a logical table: nothing, or a flow of no row."""
    return step.logical or step.stage[:3] in ("ls_", "lr_")


def first_tables(steps: Sequence[tuple[NodePass, Step]], stages: Sequence[ExplainedStage]) -> dict[str, int]:
    """The OpenFlow table of logical table 0, for ``in`` and ``out``, by the rows that both ways name."""
    numbers = {s.stage.uuid: s.stage for s in stages if s.stage.uuid}
    return {
        _direction(step.stage): step.rule.table - numbers[step.uuid].table
        for _, step in steps
        if step.uuid in numbers
    }


def _direction(stage: str) -> str:
    return stage[3:].partition("_")[0]  # ls_in_acl -> in


def is_next(step: Step) -> bool:
    """A flow that only goes on to the next table: ovn-trace does not print those."""
    return step.rule.actions == [f"resubmit(,{step.rule.table + 1})"]


def _flood_start(stages: Sequence[ExplainedStage], found: int) -> int:
    """Copies of a flooded packet come in any order: what lies behind the flooding is not compared."""
    flood = next((n for n, s in enumerate(stages) if any("_MC_" in a for a in s.stage.actions)), len(stages))
    return min(found, flood + 1)


class _Walk:
    def __init__(self, stages: Sequence[ExplainedStage], first: dict[str, int]) -> None:
        self.stages = stages
        self._first = first
        self._assumed: NodePass | None = None
        self._choice: object = None  # the pipeline pass in which the logical trace's choice is followed
        self.at = 0
        self.met = 0
        self.findings: list[Finding] = []
        self.parted = False
        self.beyond = False
        self.lost = False
        self._excused: object = None  # the pipeline pass in which flows may differ since conntrack did

    def take(self, part: NodePass, step: Step) -> bool:
        """Compare one lookup; False when there is nothing more to compare."""
        if self.at >= len(self.stages):
            self.beyond = self.beyond or not is_next(step)
            return not self.beyond
        expected = self.stages[self.at]
        own = expected.stage
        if part.assumed and self._assumed is not part:
            self._assumed, self._excused = part, _place(expected)
            self._choice = self._excused
        if not step.logical and not (step.rule.no_match and own.no_match):
            if not is_next(step):
                self._parts(part, step, expected)
                return False
            step.fit = "quiet"
            return True
        if step.uuid != own.uuid and step.stage != own.name and not step.rule.no_match:
            if is_next(step):
                step.fit = "quiet"
                return True
            if any("group:" in action for action in step.rule.actions):
                step.fit, step.why = "follows", "The logical trace was told the choice before."
                return True
            if self._before(step, expected):
                self._other_flow(part, step, expected, told=False)
                return True
        if step.uuid == own.uuid or (step.rule.no_match and own.no_match):
            step.fit = "same"
        elif step.stage == own.name:
            self._other_flow(part, step, expected)
        else:
            self._parts(part, step, expected)
            return False
        step.at = self.at
        self.at += 1
        self.met += 1
        return True

    def _tracking(self) -> frozenset[str]:
        """The conntrack state of the logical trace where it comes to the stage that is expected."""
        state = self.stages[self.at - 1].packet.get("ct_state", "") if self.at else ""
        return frozenset(state.replace(",", "|").split("|")) & _STATES

    def _before(self, step: Step, expected: ExplainedStage) -> bool:
        """The lookup is of a stage before the expected one, where ovn-trace took a flow that only goes on."""
        if step.stage[:6] != expected.stage.name[:6] or _direction(step.stage) not in self._first:
            return False
        return step.rule.table < self._first[_direction(step.stage)] + expected.stage.table

    def _other_flow(self, part: NodePass, step: Step, expected: ExplainedStage, *, told: bool = True) -> None:
        block = _place(expected)
        logical = expected.stage if told else None
        tracked = step.tracking != self._tracking()
        if tracked or self._excused == block:
            step.fit = "follows" if self._excused == block else "other-flow"
            self._excused = block
            step.why = (
                "The switch's choice of a backend was not followed, but the logical trace's."
                if block == self._choice and not tracked
                else "The conntrack state differs: the switch forgets it with a commit, ovn-trace keeps it."
                if tracked
                else "It follows from the conntrack state before."
            )
            return
        step.fit = "other-flow"
        takes = (
            f"{logical.uuid} ({logical.match}, priority {logical.priority})"
            if logical is not None
            else "one that only goes on"
        )
        step.why = f"The logical trace takes the flow {takes}."
        self.findings.append(
            Finding(
                TITLE,
                f"In {step.stage} node {part.node} takes the flow {step.uuid or 'of no row'} "
                f"({step.rule.match}, priority {step.rule.priority}), the logical trace {takes}.",
                STALE.format(node=part.node, table=step.rule.table),
                self.at,
            )
        )

    def _parts(self, part: NodePass, step: Step, expected: ExplainedStage) -> None:
        self.parted = True
        if step.logical and _place(expected) == self._choice:
            self.lost = True  # the switch takes another way here than a packet to the backend itself
            return
        step.fit, step.at = "parts", self.at
        where = step.stage or f"table {step.rule.table}"
        here = f"is in {where} (flow {step.uuid})"
        if step.rule.no_match:
            here = f"finds no flow in {where}"
        elif not step.logical:
            flow = f"{step.rule.match or 'any packet'}, priority {step.rule.priority}"
            gone = f"whose row {step.uuid} the southbound has not" if step.uuid else "that OVN did not make"
            here = f"takes a flow of {where} {gone} ({flow})"
        step.why = f"The logical trace is in {expected.stage.name} here."
        self.findings.append(
            Finding(
                TITLE,
                f"They part after {self.met} stages: node {part.node} {here} where the logical trace is in "
                f"{expected.stage.name} of {expected.datapath} (flow {expected.stage.uuid or 'none'}).",
                STALE.format(node=part.node, table=step.rule.table),
                self.at,
            )
        )


def _place(stage: ExplainedStage) -> object:
    """One pass through a pipeline of a datapath."""
    return stage.datapath, stage.pipeline, id(stage.block)


def _judge(trace: DatapathTrace, walk: _Walk, verdict: Verdict, *, flooded: bool) -> None:
    last = trace.passes[-1]
    left = len(walk.stages) - walk.at
    arrives = verdict in (Verdict.DELIVERED, Verdict.REPLIED)
    if walk.parted:
        pass
    elif walk.beyond and not flooded:
        trace.findings.append(_ended(trace, walk, f"the logical trace ends, node {last.node} goes on"))
    elif left and last.end in ("dropped", "delivered"):
        how = "drops it" if last.end == "dropped" else "sends it out"
        there = walk.stages[walk.at]
        trace.findings.append(
            _ended(
                trace, walk, f"node {last.node} {how}, the logical trace goes on in {there.stage.name} "
                f"of {there.datapath}"
            )
        )  # fmt: skip
    elif not left and last.end == "dropped" and arrives and not flooded:
        trace.findings.append(
            _ended(trace, walk, f"the logical trace delivers it, node {last.node} drops it: {last.ends}")
        )
    elif not left and last.end == "delivered" and verdict is Verdict.DROPPED:
        trace.findings.append(
            _ended(trace, walk, f"the logical trace drops it, node {last.node} sends it out: {last.ends}")
        )
    if walk.lost:
        trace.notes.append("Behind the choice of a backend the switch's way could not be followed.")
    _summarise(trace, last, left, flooded=flooded)


def _ended(trace: DatapathTrace, walk: _Walk, what: str) -> Finding:
    last = trace.passes[-1]
    table = last.steps[-1].rule.table if last.steps else 0
    at = min(walk.at, len(walk.stages) - 1)
    return Finding(TITLE, f"After {walk.met} stages {what}.", STALE.format(node=last.node, table=table), at)


def _summarise(trace: DatapathTrace, last: NodePass, left: int, *, flooded: bool) -> None:
    nodes = list(dict.fromkeys(part.node for part in trace.passes))
    who = f"node {nodes[0]}" if len(nodes) == 1 else f"nodes {' and '.join(nodes)}"
    trace.agrees = not trace.findings if trace.compared else None
    if trace.findings:
        trace.summary = f"{trace.findings[0].title}: {trace.findings[0].what}"
        return
    if not trace.compared:
        trace.summary = "Nothing could be compared."
        return
    said = f"OpenFlow of {who} agrees: {trace.compared} of {trace.stages} stages met"
    if flooded:
        said = f"{said}, up to where it is flooded"
        trace.notes.append("It is flooded: the copies come in any order and are not compared.")
    if left:
        why = {
            "controller": "then ovn-controller answers",
            "tunnel": "then it is in the tunnel",
            "chosen": "then a bucket of a group is chosen",
        }.get(last.end, "the rest could not be followed")
        said = f"{said}, {why}"
    trace.summary = f"{said}."

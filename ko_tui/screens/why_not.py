"""Why other flows did not match: the packet of a trace simulated on the cluster's own flows, nearest miss first."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ko_tui.visible import one_line, visible
from ko_tui.widgets.glyphs import glyphs
from ko_tui.widgets.highlight import highlight
from ko_tui.widgets.tones import Line, Tone

if TYPE_CHECKING:
    from ko_tui.backend.session import Session
    from ko_tui.backend.simulate import Simulator
    from ko_tui.backend.simulate.mismatch import NearMiss
    from ko_tui.backend.source.interface import Cancel
    from ko_tui.backend.tracing.model import TraceResult
    from ko_tui.screens.trace import TraceScreen


FRESH = 30.0  # seconds: an answer after a change must be about what is there now


def ask_why_not(screen: TraceScreen, result: TraceResult, number: int) -> None:
    """Ask, and show the answer on a screen of its own."""
    stage = result.explained.stages[number]

    def arrived(lines: list[Line]) -> None:
        from ko_tui.screens.texts import TextScreen

        screen.app.push_screen(TextScreen("trace", f"why not, at {stage.stage.name}", lines=lines))

    screen.ask(
        "why-not",
        lambda session, cancel: _why(session, cancel, result, number),
        arrived,
        label="comparing with every flow of the stage",
    )


def _why(session: Session, cancel: Cancel, result: TraceResult, number: int) -> list[Line]:
    from ko_tui.backend.tracing.local import borrowed

    with borrowed(session, cancel=cancel, max_age=FRESH) as simulator:
        return _said(session, simulator, result, number)


def _said(session: Session, simulator: Simulator, result: TraceResult, number: int) -> list[Line]:
    from ko_tui.backend.simulate import Options
    from ko_tui.backend.simulate.dropped import explain_drop
    from ko_tui.backend.simulate.mismatch import dropped_steps, near_misses, stage_name
    from ko_tui.backend.simulate.owners import FlowNames
    from ko_tui.backend.tracing.objects import SessionRows

    plan = result.plan
    options = Options(plan.packet.ct, plan.lb_dst, plan.select_id)
    made = simulator.run(plan.packet.datapath, plan.packet.microflow(), options)
    names = FlowNames(SessionRows(session))
    wanted = result.explained.stages[number]
    lines: list[Line] = []
    for end in dropped_steps(made):
        drop = explain_drop(simulator, made, end, name_of=names)
        lines += [[(f"{glyphs().bad} ", "bad"), (visible(drop.sentence), "strong")], [("", "")]]
        if stage_name(drop.step) == wanted.stage.name:
            lines += _misses(drop.nearest, names)
            return lines
    steps = [s for s in made.steps if stage_name(s) == wanted.stage.name]
    if not steps:
        lines.append([("The simulated packet does not pass this stage; choose one that it passes.", "warn")])
        return lines
    lines += [[(f"Flows of {wanted.stage.name} that did not decide, nearest first", "head")], [("", "")]]
    return [*lines, *_misses(near_misses(simulator, steps[0], limit=12), names)]


def _misses(misses: Any, names: Any) -> list[Line]:
    g = glyphs()
    lines: list[Line] = []
    for miss in misses:
        lines += _miss(miss, str(names(miss.flow)), g.ok, g.bad, g.unknown)
    if not lines:
        lines.append([("No other flow of this stage comes near.", "dim")])
    return lines


def _miss(miss: NearMiss, name: str, yes: str, no: str, open_: str) -> list[Line]:
    flow = miss.flow
    lines: list[Line] = [
        [(f"priority {flow.priority}", "warn"), (f"  {flow.uuid[:8]}  ", "dim"), (visible(name), "accent")],
        [("   ", ""), *highlight(one_line(flow.match), "match")],
    ]
    if miss.outranked:
        lines.append([("   matches too, but comes after the flow that was hit", "dim")])
    for clause in miss.clauses:
        sign = open_ if clause.value is None else yes if clause.value else no
        tone: Tone = "warn" if clause.value is None else "good" if clause.value else "bad"
        value = clause.sentence()
        lines.append(
            [
                (f"   {sign} ", tone),
                (visible(clause.text), ""),
                (f"  {visible(value)}" if value else "", "change"),
            ]
        )
    return [*lines, [("", "")]]

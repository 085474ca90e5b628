"""Why other flows did not match: the packet of a trace simulated on the cluster's own flows, nearest miss first."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ko_tui.visible import one_line, visible
from ko_tui.widgets.glyphs import glyphs
from ko_tui.widgets.highlight import highlight
from ko_tui.widgets.tones import Line, Tone

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ko_tui.backend.explain.catalogue import Catalogue
    from ko_tui.backend.session import Session
    from ko_tui.backend.simulate import Simulator
    from ko_tui.backend.simulate.mismatch import NearMiss
    from ko_tui.backend.simulate.owners import FlowNames
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
    from ko_tui.backend.explain.catalogue import catalogue
    from ko_tui.backend.simulate import Options
    from ko_tui.backend.simulate.dropped import explain_drop
    from ko_tui.backend.simulate.mismatch import dropped_steps, near_misses, stage_name
    from ko_tui.backend.simulate.owners import FlowNames
    from ko_tui.backend.tracing.objects import SessionRows

    words = catalogue("zh" if result.explained.lang == "zh" else "en")
    plan = result.plan
    options = Options(plan.packet.ct, plan.lb_dst, plan.select_id)
    made = simulator.run(plan.packet.datapath, plan.packet.microflow(), options)
    names = FlowNames(SessionRows(session))
    wanted = result.explained.stages[number]
    lines: list[Line] = []
    for end in dropped_steps(made):
        drop = explain_drop(simulator, made, end, name_of=names, words=words)
        lines += [[(f"{glyphs().bad} ", "bad"), (visible(drop.sentence), "strong")], [("", "")]]
        if stage_name(drop.step) == wanted.stage.name:
            lines += _misses(drop.nearest, names, words)
            return lines
    steps = [s for s in made.steps if stage_name(s) == wanted.stage.name]
    if not steps:
        lines.append([(words.why("miss.not_passed"), "warn")])
        return lines
    lines += [[(words.why("miss.head", stage=wanted.stage.name), "head")], [("", "")]]
    return [*lines, *_misses(near_misses(simulator, steps[0], limit=12, words=words), names, words)]


def _misses(misses: Sequence[NearMiss], names: FlowNames, words: Catalogue) -> list[Line]:
    g = glyphs()
    lines: list[Line] = []
    for miss in misses:
        lines += _miss(miss, str(names(miss.flow)), (g.ok, g.bad, g.unknown), words)
    if not lines:
        lines.append([(words.why("miss.none"), "dim")])
    return lines


def _miss(miss: NearMiss, name: str, signs: tuple[str, str, str], words: Catalogue) -> list[Line]:
    """``signs``: for a clause that holds, one that does not, and one that is not known."""
    flow = miss.flow
    yes, no, open_ = signs
    priority = words.why("miss.priority", priority=flow.priority)
    lines: list[Line] = [
        [(priority, "warn"), (f"  {flow.uuid[:8]}  ", "dim"), (visible(name), "accent")],
        [("   ", ""), *highlight(one_line(flow.match), "match")],
    ]
    if miss.outranked:
        lines.append([(f"   {words.why('miss.comes_after')}", "dim")])
    for clause in miss.clauses:
        sign = open_ if clause.value is None else yes if clause.value else no
        tone: Tone = "warn" if clause.value is None else "good" if clause.value else "bad"
        value = clause.sentence(words)
        lines.append(
            [
                (f"   {sign} ", tone),
                (visible(clause.text), ""),
                (f"  {visible(value)}" if value else "", "change"),
            ]
        )
    return [*lines, [("", "")]]

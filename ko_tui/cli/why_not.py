"""``--why-not``: what would have had to be different, on the terminal and as JSON."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ko_tui.cli.visible import visible

if TYPE_CHECKING:
    from ko_tui.backend.explain.catalogue import Catalogue
    from ko_tui.backend.explain.owner import NbRows
    from ko_tui.backend.simulate import Simulation, Simulator
    from ko_tui.backend.simulate.clauses import Clause
    from ko_tui.backend.simulate.dropped import Drop
    from ko_tui.backend.simulate.mismatch import NearMiss
    from ko_tui.backend.simulate.owners import FlowNames
    from ko_tui.backend.tracing.model import TraceResult

_MARKS = {True: "mark.yes", False: "mark.no", None: "mark.unknown"}


def simulated(session: Any, result: TraceResult) -> tuple[Simulator, Simulation, NbRows]:
    """The packet of a trace that ran through a session, simulated on its databases."""
    from ko_tui.backend.simulate import Options
    from ko_tui.backend.tracing.local import simulator as session_simulator
    from ko_tui.backend.tracing.objects import SessionRows

    plan = result.plan
    simulator = session_simulator(session).value
    options = Options(plan.packet.ct, plan.lb_dst, plan.select_id)
    return (
        simulator,
        simulator.run(plan.packet.datapath, plan.packet.microflow(), options),
        SessionRows(session),
    )


def saved_northbound(source: Any) -> NbRows | None:
    """The rows of the saved northbound database, when there is one."""
    from ko_tui.backend.errors import KoError
    from ko_tui.backend.simulate.owners import saved_rows

    saved = getattr(source, "database", None)
    if saved is None:
        return None
    try:
        return saved_rows(saved("nb"))
    except KoError:
        return None


def _drops(
    simulator: Simulator, simulation: Simulation, northbound: NbRows | None, words: Catalogue
) -> tuple[list[Drop], FlowNames]:
    from ko_tui.backend.simulate.dropped import explain_drop
    from ko_tui.backend.simulate.mismatch import dropped_steps
    from ko_tui.backend.simulate.owners import FlowNames

    names = FlowNames(northbound)
    ends = dropped_steps(simulation)
    return [explain_drop(simulator, simulation, end, name_of=names, words=words) for end in ends], names


def why_not_json(
    simulator: Simulator, simulation: Simulation, northbound: NbRows | None = None, *, lang: str = "en"
) -> dict[str, Any]:
    """``{"drops": [...]}`` (docs/trace-json.md)."""
    drops, names = _drops(simulator, simulation, northbound, _words(lang))
    return {"drops": [to_json(drop, names) for drop in drops]}


def print_why_not(
    simulator: Simulator, simulation: Simulation, northbound: NbRows | None = None, *, lang: str = "en"
) -> None:
    """Each drop of a simulation with the flows that came near."""
    words = _words(lang)
    drops, names = _drops(simulator, simulation, northbound, words)
    if not drops:
        print(f"\n{words.why('head.nothing')}")
    for drop in drops:
        print(f"\n{words.why('head.why', sentence=visible(drop.sentence))}")
        for miss in drop.nearest:
            print("\n".join(_lines(miss, names, words)))


def _words(lang: str) -> Catalogue:
    from ko_tui.backend.explain.catalogue import catalogue

    return catalogue("zh" if lang == "zh" else "en")


def _lines(miss: NearMiss, names: FlowNames, words: Catalogue) -> list[str]:
    flow = miss.flow
    named = names(flow)
    priority = words.why("miss.priority", priority=flow.priority)
    out = [f"  {priority}, {flow.uuid[:8]}{f', {visible(named)}' if named else ''}"]
    if miss.outranked:
        out.append(f"    {words.why('miss.comes_after')}")
    for clause in miss.clauses:
        value = clause.sentence(words)
        mark = words.why(_MARKS[clause.value])
        out.append(f"    {mark} {visible(clause.text)}{f'  ({visible(value)})' if value else ''}")
    return out


def to_json(drop: Drop, names: FlowNames) -> dict[str, Any]:
    """A drop as JSON."""
    return {
        "sentence": drop.sentence,
        "datapath": drop.step.datapath.friendly,
        "pipeline": drop.step.pipeline,
        "table": drop.step.table,
        "nearest": [
            {
                "uuid": miss.flow.uuid,
                "priority": miss.flow.priority,
                "match": miss.flow.match,
                "actions": miss.flow.actions_text,
                "object": names(miss.flow),
                "outranked": miss.outranked,
                "clauses": [_clause(c) for c in miss.clauses],
            }
            for miss in drop.nearest
        ],
    }


def _clause(clause: Clause) -> dict[str, Any]:
    made: dict[str, Any] = {"text": clause.text, "value": clause.value, "packet": clause.packet}
    if clause.note:
        made["note"] = clause.note
    if clause.members:
        made["members"] = list(clause.members)
    if clause.alternatives:
        made["clauses"] = [_clause(part) for part in clause.alternatives]
    return made

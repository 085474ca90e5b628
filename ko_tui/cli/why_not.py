"""``--why-not``: what would have had to be different, on the terminal and as JSON."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ko_tui.cli.visible import visible

if TYPE_CHECKING:
    from ko_tui.backend.explain.owner import NbRows
    from ko_tui.backend.simulate import Simulation, Simulator
    from ko_tui.backend.simulate.clauses import Clause
    from ko_tui.backend.simulate.dropped import Drop
    from ko_tui.backend.simulate.mismatch import NearMiss
    from ko_tui.backend.simulate.owners import FlowNames
    from ko_tui.backend.tracing.model import TraceResult

_MARKS = {True: "yes", False: "NO ", None: " ? "}


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
    simulator: Simulator, simulation: Simulation, northbound: NbRows | None
) -> tuple[list[Drop], FlowNames]:
    from ko_tui.backend.simulate.dropped import explain_drop
    from ko_tui.backend.simulate.mismatch import dropped_steps
    from ko_tui.backend.simulate.owners import FlowNames

    names = FlowNames(northbound)
    drops = [explain_drop(simulator, simulation, s, name_of=names) for s in dropped_steps(simulation)]
    return drops, names


def why_not_json(
    simulator: Simulator, simulation: Simulation, northbound: NbRows | None = None
) -> dict[str, Any]:
    """``{"drops": [...]}`` (docs/trace-json.md)."""
    drops, names = _drops(simulator, simulation, northbound)
    return {"drops": [to_json(drop, names) for drop in drops]}


def print_why_not(simulator: Simulator, simulation: Simulation, northbound: NbRows | None = None) -> None:
    """Each drop of a simulation with the flows that came near."""
    drops, names = _drops(simulator, simulation, northbound)
    if not drops:
        print("\nNothing was dropped.")
    for drop in drops:
        print(f"\nWhy: {visible(drop.sentence)}")
        for miss in drop.nearest:
            print("\n".join(_lines(miss, names)))


def _lines(miss: NearMiss, names: FlowNames) -> list[str]:
    flow = miss.flow
    named = names(flow)
    out = [f"  priority {flow.priority}, {flow.uuid[:8]}{f', {visible(named)}' if named else ''}"]
    if miss.outranked:
        out.append("    matches too, but comes after the flow that was hit")
    for clause in miss.clauses:
        value = clause.sentence()
        out.append(
            f"    {_MARKS[clause.value]} {visible(clause.text)}{f'  ({visible(value)})' if value else ''}"
        )
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

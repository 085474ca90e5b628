"""``--why-not``: what would have had to be different, on the terminal and as JSON."""

from __future__ import annotations

import json
import sys
from typing import TYPE_CHECKING, Any

from ko_tui.cli.visible import visible

if TYPE_CHECKING:
    from ko_tui.backend.simulate import Simulation, Simulator
    from ko_tui.backend.simulate.clauses import Clause
    from ko_tui.backend.simulate.dropped import Drop
    from ko_tui.backend.simulate.mismatch import NearMiss
    from ko_tui.backend.simulate.owners import FlowNames
    from ko_tui.backend.tracing.model import TraceResult

_MARKS = {True: "yes", False: "NO ", None: " ? "}


def print_why_not(session: Any, result: TraceResult, *, as_json: bool = False) -> None:
    """For a trace that ran through a session: the same packet simulated on its databases, and why it ended there."""
    from ko_tui.backend.simulate import Options, Simulator
    from ko_tui.backend.simulate.live import fetch_southbound

    plan = result.plan
    simulator = Simulator(fetch_southbound(session))
    options = Options(plan.packet.ct, plan.lb_dst)
    made = simulator.run(plan.packet.datapath, plan.packet.microflow(), options)
    print_mismatches(simulator, made, northbound=saved_northbound(session.source), as_json=as_json)


def saved_northbound(source: Any) -> Any:
    """The saved northbound database, when there is one."""
    from ko_tui.backend.errors import KoError

    saved = getattr(source, "database", None)
    if saved is None:
        return None
    try:
        return saved("nb")
    except KoError:
        return None


def print_mismatches(
    simulator: Simulator, simulation: Simulation, *, northbound: Any = None, as_json: bool = False
) -> None:
    """Each drop of a simulation with the flows that came near."""
    from ko_tui.backend.simulate.dropped import explain_drop
    from ko_tui.backend.simulate.mismatch import dropped_steps
    from ko_tui.backend.simulate.owners import FlowNames

    names = FlowNames(northbound)
    drops = [explain_drop(simulator, simulation, s, name_of=names) for s in dropped_steps(simulation)]
    if as_json:
        json.dump({"drops": [to_json(d, names) for d in drops]}, sys.stdout, ensure_ascii=False, indent=2)
        sys.stdout.write("\n")
        return
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
        value = clause.note or (f"the packet has {clause.packet}" if clause.packet else "")
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

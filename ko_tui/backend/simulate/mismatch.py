"""Why not: the flows of a stage that the packet did not hit, nearest first, and what each would have asked."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from ko_tui.backend.explain.catalogue import Catalogue, catalogue
from ko_tui.backend.ovn.expression import parse
from ko_tui.backend.ovn.lexer import LanguageError
from ko_tui.backend.ovn.trace_model import Verdict
from ko_tui.backend.simulate.clauses import Clause, View, clauses
from ko_tui.backend.simulate.engine import Step
from ko_tui.backend.simulate.flows import Flow, Stage
from ko_tui.backend.simulate.prerequisites import prerequisites
from ko_tui.backend.simulate.simulator import Simulation, Simulator

LOOKED_AT = 300
"""Flows of a stage that are judged in full; of more, those that come nearest by their fixed bits."""

# How far off a failed clause puts a flow: one for another port is about somebody else.
_WEIGHTS = (
    (re.compile(r"(?:in|out)port\b"), 6.0),
    (re.compile(r"(?:eth\.type|ip4|ip6|ip|arp|nd\w*|icmp[46]?|tcp|udp|sctp|ip\.proto)(?![\w.])"), 2.0),
    (re.compile(r"eth\."), 1.5),
    (re.compile(r"ct[._]|x*reg\d|flags"), 1.2),
    (re.compile(r"(?:tcp|udp|sctp)\."), 0.8),
)
OF_THIS_PORT = 0.7
"""A flow that speaks of this very port or of a group that holds it comes nearer by this."""


@dataclass(frozen=True, slots=True)
class NearMiss:
    """A flow that was not hit. ``outranked`` is True when it matches too but a flow of higher priority won."""

    flow: Flow
    clauses: tuple[Clause, ...]
    distance: float
    outranked: bool = False

    @property
    def failed(self) -> list[Clause]:
        """The clauses that say no."""
        return [c for c in self.clauses if c.value is False]

    def sentence(self, words: Catalogue | None = None) -> str:
        """What would have had to be different, in one sentence without its full stop."""
        say = (words or catalogue()).why
        if self.outranked:
            return say("miss.outranked")
        parts = [c.note or say("miss.asks", text=c.text, packet=c.sentence(words)) for c in self.failed]
        return say("miss.join").join(parts) or say("miss.unknown")


def view_of(stage: Stage, step: Step, words: Catalogue | None = None) -> View:
    """The packet of a step, ready to judge matches of its stage; what is said of it is said in ``words``."""
    datapath, sb = step.datapath, stage.index.southbound

    def port_name(key: int) -> str:
        port = datapath.ports.get(key & 0xFFFF)
        group = next((g for g in datapath.groups if g.tunnel_key == key), None)
        return port.friendly if port else group.name if group else "" if not key else f"port {key}"

    return View(step.state, stage.scope, port_name, sets=sb.address_sets.get, words=words or catalogue())


def near_misses(
    simulator: Simulator, step: Step, *, limit: int = 8, words: Catalogue | None = None
) -> list[NearMiss]:
    """The other flows of the step's stage, nearest first, at most ``limit``."""
    stage = simulator.index.stage(step.datapath, step.pipeline, step.table)
    view = view_of(stage, step, words)
    made = [m for f in _likely(stage, step) if f is not step.flow and (m := miss(f, step, view))]
    made.sort(key=lambda m: (m.outranked, m.distance, m.flow.rank))
    return made[:limit]


def miss(flow: Flow, step: Step, view: View) -> NearMiss | None:
    """One flow judged; None when its match cannot be read."""
    flow.ready()
    if flow.broken:
        return None
    symbols = view.scope.symbols
    try:
        expression = parse(flow.match, symbols=symbols)
    except LanguageError:
        return None
    made = clauses(expression, view)
    newer = not flow.stage.index.southbound.before("25.03")
    for asked in prerequisites(flow.actions, symbols, any_family=newer):
        extra = clauses(parse(asked, symbols=symbols), view)
        made += [c for c in extra if c.value is not True]
    distance = sum(_weight(c) for c in made if c.value is not True)
    if any(c.value and _WEIGHTS[0][0].match(c.text) for c in made):
        distance -= OF_THIS_PORT
    outranked = not any(c.value is False for c in made) and step.flow is not None
    return NearMiss(flow, tuple(made), distance, outranked)


def _weight(clause: Clause) -> float:
    if clause.value is None:
        return 0.3
    if clause.alternatives:
        return min(_weight(part) for part in clause.alternatives)
    text = clause.text.lstrip("!(")
    for names, weight in _WEIGHTS:
        if names.match(text):
            return weight
    return 1.0


def _likely(stage: Stage, step: Step) -> Sequence[Flow]:
    """All flows of a small stage; of a large one those with the fewest fixed bits that are otherwise."""
    flows = sorted(stage.flows, key=lambda f: f.rank)
    if len(flows) <= LOOKED_AT:
        return flows
    from ko_tui.backend.simulate.classifier import signature

    members = stage.index.groups_of(step.datapath)
    ranked: list[tuple[int, int, Flow]] = []
    for number, flow in enumerate(flows):
        made = signature(flow.match, stage.scope)
        if made is None:
            continue
        wrong = 0
        for (key, mask), wanted in zip(*made, strict=True):
            if mask:
                wrong += step.state[key] & mask != wanted
            else:
                wrong += wanted not in members.get(step.state[key], ())
        ranked.append((wrong, number, flow))
    ranked.sort(key=lambda item: item[:2])
    return [flow for _, _, flow in ranked[:LOOKED_AT]]


def hit_clauses(simulator: Simulator, step: Step) -> list[Clause]:
    """The clauses of the flow that was hit."""
    if step.flow is None:
        return []
    stage = simulator.index.stage(step.datapath, step.pipeline, step.table)
    return clauses(parse(step.flow.match, symbols=stage.scope.symbols), view_of(stage, step))


def dropped_steps(simulation: Simulation) -> list[Step]:
    """The steps at which a branch ended in a drop, in printed order."""
    trace = simulation.trace()
    stages = [stage for _, stage in trace.stages()]
    if len(stages) != len(simulation.steps):
        return []
    place = {id(stage): number for number, stage in enumerate(stages)}
    ends = [o.stage for o in trace.outcomes if o.verdict is Verdict.DROPPED and o.stage is not None]
    return [simulation.steps[place[id(stage)]] for stage in ends if id(stage) in place]


def deciding_step(simulation: Simulation, dropped: Step) -> Step:
    """Where a drop was decided: a stage that only carries out a verdict points back to the one that reached it."""
    name = stage_name(dropped)
    for suffix, origin in (("_acl_action", "_acl_eval"), ("_acl_after_lb_action", "_acl_after_lb_eval"),
                           ("_apply_port_sec", "_check_port_sec")):  # fmt: skip
        if name.endswith(suffix):
            wanted = name.removesuffix(suffix) + origin
            before = simulation.steps[: simulation.steps.index(dropped)]
            for step in reversed(before):
                if step.datapath is dropped.datapath and stage_name(step) == wanted:
                    return step
    return dropped


def stage_name(step: Step) -> str:
    """The name of the step's stage, ``ls_in_acl``; "" when the database does not say."""
    if step.flow is not None:
        return step.flow.name
    text = step.node.text.partition(". ")[2]
    return text.partition(":")[0] if ":" in text else ""

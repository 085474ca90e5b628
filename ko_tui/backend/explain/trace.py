"""A whole trace explained: each stage in words, the packet as it is after it, the way and the verdict."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import lru_cache

from ko_tui.backend.explain.assumptions import action_assumptions, line_assumption, match_assumption
from ko_tui.backend.explain.branches import Step, following, steps
from ko_tui.backend.explain.catalogue import Catalogue, catalogue
from ko_tui.backend.explain.evaluate import apply_action, apply_text, learn, translate
from ko_tui.backend.explain.formatters import show
from ko_tui.backend.explain.headline import deciding_stage, headline, main_outcome, purpose_of
from ko_tui.backend.explain.hops import enter_block, leave_trail, note_change
from ko_tui.backend.explain.language import Language
from ko_tui.backend.explain.model import ExplainedStage, ExplainedTrace, Hop, RegisterValue, Sentence
from ko_tui.backend.explain.names import Names
from ko_tui.backend.explain.notes import notes
from ko_tui.backend.explain.objects import match_objects
from ko_tui.backend.explain.pipelines import infer_version
from ko_tui.backend.explain.reasons import reason_text
from ko_tui.backend.explain.running_packet import RunningPacket, packet_from_flow
from ko_tui.backend.explain.sentences_action import action_sentences
from ko_tui.backend.explain.sentences_match import Context, match_sentence
from ko_tui.backend.ovn import actions as action_language
from ko_tui.backend.ovn.actions import Action, CtLb, Next, Result
from ko_tui.backend.ovn.expression import Expression, ExpressionError, parse
from ko_tui.backend.ovn.trace_model import Block, Line, Stage, Trace
from ko_tui.backend.ovn.versions import DEFAULT, OvnVersion

_VERDICT_TABLES = ("acl_action", "acl_after_lb_action")  # they only clear a verdict, unless they drop
COLUMNS = 4
"""Columns by which ovn-trace indents a branch."""
_SUMMARY_ENDS = ("};", "}", ";")  # of the summary form, which --all prints too
LOOK_AHEAD = 80
"""Stages that are looked at ahead for what a look-up answered."""


@lru_cache(maxsize=8192)
def parsed_match(text: str, version: OvnVersion) -> Expression | None:
    """The tree of a match, or None when it is not in the language."""
    try:
        return parse(text, version=version) if text else None
    except ExpressionError:
        return None


@lru_cache(maxsize=8192)
def parsed_actions(text: str, version: OvnVersion) -> tuple[Action, ...]:
    """The actions of a text, leniently."""
    return tuple(action_language.parse(text, version=version, strict=False))


@dataclass(slots=True)
class _Work:
    """What explaining needs at every stage."""

    words: Catalogue
    version: OvnVersion
    names: Names
    backend: str = ""
    steps: list[Step] = field(default_factory=list)
    made: list[ExplainedStage] = field(default_factory=list)


def explain_trace(
    trace: Trace,
    *,
    version: OvnVersion | None = None,
    lang: Language = "en",
    names: Names | None = None,
    backend: str = "",
) -> ExplainedTrace:
    """Explain ``trace``; ``backend`` is the ``--lb-dst`` that it was made with. The release is taken from its table
    names when it is not given. Never raises for odd text."""
    if version is None:
        version = infer_version((stage.name, stage.table) for _, stage in trace.stages()) or DEFAULT
    work = _Work(catalogue(lang), version, names or Names(), backend)
    work.steps = list(steps(trace, packet_from_flow(trace.flow)))
    last: dict[int, ExplainedStage] = {}  # column of a branch -> its last stage
    outcome = main_outcome(trace)
    trail: list[Hop] = []  # up to where the packet ended
    for at, step in enumerate(work.steps):
        node = step.node
        step.branch.begin()
        if isinstance(node, Stage):
            explained = _stage(step, node, at, work)
            work.made.append(explained)
            last[step.branch.indent] = explained
            if outcome is not None and node is outcome.stage:
                trail = [Hop(hop.kind, hop.name, hop.note) for hop in step.branch.hops]
        elif isinstance(node, Block):
            _block(step, node, last.get(step.branch.indent) or last.get(0), work)
        else:
            _line(step, node, last.get(step.branch.indent), work)
    decided = deciding_stage(outcome, work.made) if outcome is not None else None
    reason = reason_text(outcome, work.made, trace.flow, work.words) if outcome is not None else ""
    return ExplainedTrace(
        trace=trace,
        verdict=trace.verdict,
        headline=headline(trace, work.made, work.words, work.names),
        stages=work.made,
        hops=leave_trail(
            trail, outcome, decided, reason, work.words, others=max(0, len(set(trace.outputs)) - 1)
        ),
        outcomes=list(trace.outcomes),
        notes=notes(trace, work.made, work.words),
        version=version,
        lang=lang,
    )


def _stage(step: Step, stage: Stage, at: int, work: _Work) -> ExplainedStage:
    words, packet = work.words, step.branch.packet
    context = Context(words, work.version, stage.name, work.names)
    text = words.stage(stage.name)
    block = step.block
    explained = ExplainedStage(
        stage=stage,
        block=block,
        depth=step.branch.indent // COLUMNS,
        datapath=block.datapath if block else "",
        pipeline=block.pipeline if block else "",
        title=text.title if text else words.say("stage.unknown"),
        purpose=words.purpose(text) if text else words.say("stage.unknown_purpose"),
        known=text is not None,
    )
    if stage.no_match:
        explained.match = Sentence(words.say("stage.no_match"), "")
        explained.packet = packet.view()
        return explained
    explained.match = match_sentence(stage.match, context)
    explained.use = purpose_of(stage, words)
    tree = parsed_match(stage.match, work.version)
    state = packet.fields.get("ct_state")
    if tree is not None:
        learn(packet, tree)
        explained.objects = match_objects(tree, work.names)
        if note := match_assumption(tree, words):
            explained.assumptions.append(note)
    before = packet.copy()
    later, beyond = _matches_after(work, at)
    written: list[str] = []
    learned = ["ct_state"] if packet.fields.get("ct_state") != state else []
    quiet = True
    for line in stage.lines:
        if line.text in _SUMMARY_ENDS:
            continue
        if line.kind == "action":
            actions = list(parsed_actions(line.text, work.version))
            sentences = action_sentences(actions, context)
            explained.actions.extend(sentences)
            for number, action in enumerate(actions):
                quiet = quiet and isinstance(action, Next)
                written.extend(apply_action(packet, action, later, beyond))
                if isinstance(action, CtLb) and not action.backends and work.backend:
                    written.extend(translate(packet, work.backend))
                if isinstance(action, Result) and len(sentences) == len(actions):
                    _answer(sentences[number], packet.read(str(action.field)), words)
                _assume(explained, action_assumptions(action, words))
        elif line.kind in ("comment", "error"):
            quiet = False
            written.extend(apply_text(packet, line.text))
            _assume(explained, line_assumption(line.text, words))
    if key := _passes_acls(stage):
        explained.actions.insert(0, Sentence(words.say(key), ""))
    explained.packet = packet.view()
    explained.changed = learned + [n for n in dict.fromkeys(written) if before.read(n) != packet.read(n)]
    explained.registers = [_value(name, packet, context) for name in dict.fromkeys(learned + written)]
    passes = stage.name.endswith(_VERDICT_TABLES) and any(text.startswith("next") for text in stage.actions)
    explained.quiet = (quiet and bool(stage.actions)) or passes
    note_change(step.branch.hops, before, packet, stage, words)
    return explained


def _answer(sentence: Sentence, value: str, words: Catalogue) -> None:
    """Add to a question what the packet's further way tells of its answer."""
    if value in ("0", "1"):
        sentence.text = words.say("answer.yes" if value == "1" else "answer.no", text=sentence.text)


def _passes_acls(stage: Stage) -> str:
    """The phrase for northd's own flows beside the ACLs (build_acls), or ""; with default_acl_drop the lowest one sets
    nothing."""
    if "_acl" not in stage.name or any("drop" in text for text in stage.actions):
        return ""
    if stage.priority == 1 and stage.match == "ip && !ct.est" and "reg0[1] = 1;" in stage.actions:
        return "do.acl_default"
    answers = (
        stage.match.startswith("ct.est && ") and "ct.rpl" in stage.match and ".blocked == 0" in stage.match
    )
    return "do.acl_answer" if stage.priority == 65532 and answers else ""


def _matches_after(work: _Work, at: int) -> tuple[list[Expression], list[Expression]]:
    later: list[Expression] = []
    beyond: list[Expression] = []
    for count, (stage, same) in enumerate(following(work.steps, at)):
        if count > LOOK_AHEAD:
            break
        tree = parsed_match(stage.match, work.version)
        if tree is not None:
            beyond.append(tree)
            if same:
                later.append(tree)
    return later, beyond


def _block(step: Step, block: Block, before: ExplainedStage | None, work: _Work) -> None:
    """What a header does to the packet of its branch; what it assumes belongs to the stage before it."""
    packet = step.branch.packet
    pipeline = block.kind in ("ingress", "egress")
    if pipeline:
        packet.clear_registers()
        packet.fields["inport"] = block.inport or packet.fields.get("inport", "")
        packet.fields["outport"] = block.outport
    was = packet.copy()
    changed = apply_text(packet, block.header)
    enter_block(step.branch.hops, block, work.words)
    if before is None or pipeline:
        return
    _assume(before, line_assumption(block.header, work.words))
    if changed:
        context = Context(work.words, work.version, before.stage.name, work.names)
        for name in changed:
            if was.read(name) != packet.read(name):
                before.registers.append(_value(name, packet, context))
                before.packet[name] = packet.read(name)
                if name not in before.changed:
                    before.changed.append(name)
    note_change(step.branch.hops, was, packet, before.stage, work.words)


def _line(step: Step, line: Line, before: ExplainedStage | None, work: _Work) -> None:
    """A line outside of a stage: an action inside of ``arp { }`` and the like, or a comment."""
    if line.kind == "action":
        for action in parsed_actions(line.text, work.version):
            apply_action(step.branch.packet, action, (), ())
    elif line.kind in ("comment", "error"):
        apply_text(step.branch.packet, line.text)
        if before is not None:
            _assume(before, line_assumption(line.text, work.words))


def _value(name: str, packet: RunningPacket, context: Context) -> RegisterValue:
    value = packet.read(name)
    register = context.register(name)
    text = context.words.register(register.key) if register else None
    known = context.words.field(name)
    meaning = text.meaning if text else known.meaning if known else ""
    return RegisterValue(
        name, context.plain(name), meaning, value, show(context.kind(name), value, context.words)
    )


def _assume(explained: ExplainedStage, texts: list[str]) -> None:
    for text in texts:
        if text not in explained.assumptions:
            explained.assumptions.append(text)

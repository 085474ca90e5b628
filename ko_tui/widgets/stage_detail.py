"""One stage explained: what the table is for, what matched, what was done, and the packet then and now."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING

from ko_tui.backend.explain.catalogue import catalogue
from ko_tui.visible import one_line, visible
from ko_tui.widgets.glyphs import glyphs
from ko_tui.widgets.highlight import highlight
from ko_tui.widgets.tones import Line, Piece, Tone

if TYPE_CHECKING:
    from ko_tui.backend.explain.model import ExplainedStage, ExplainedTrace, ObjectRef, Sentence

BLANK: Line = [("", "")]
Say = Callable[..., str]
"""The catalogue's words for a key, blanks filled in."""


def words_of(lang: str) -> Say:
    """What says the words of a language."""
    return catalogue("zh" if lang == "zh" else "en").say


_LABELLED = re.compile(
    r"(?<=[.。]) ?(?=(?:Reads|Leaves behind|Kube-OVN|Usual trouble|Service without endpoints): )"
)
_PACKET_FIRST = ("inport", "outport", "eth", "vlan", "ip", "arp", "nd", "icmp", "tcp", "udp", "sctp", "ct")


def stage_lines(trace: ExplainedTrace, number: int) -> list[Line]:
    """All that is known of stage ``number`` of a trace."""
    stage, say = trace.stages[number], words_of(trace.lang)
    before = packet_before(trace, number)
    lines: list[Line] = [[(visible(stage.title) or one_line(stage.stage.name), "head")]]
    place: list[Piece] = [
        (one_line(stage.stage.name), "name"),
        ("  " + one_line(say("pane.place", table=stage.stage.table, pipeline=stage.pipeline or "pipeline",
                             datapath=stage.datapath)), "dim"),
    ]  # fmt: skip
    lines.append(place)
    lines += _ending(trace, stage, say)
    if not stage.known:
        lines += [
            BLANK,
            [(say("pane.unknown_stage"), "warn")],
        ]
    lines += _match(stage, say)
    lines += _actions(stage, say)
    lines += _registers(stage, say)
    lines += _packet(before, stage, say)
    if stage.objects:
        lines += [BLANK, [(say("pane.behind"), "head")]]
        for thing in stage.objects:
            lines += object_lines(thing, made_from=say("pane.made_from"))
    if stage.assumptions:
        lines += [BLANK, [(say("pane.assumed"), "head")]]
        lines += [[(f" {glyphs().warn} {visible(words)}", "warn")] for words in stage.assumptions]
    if stage.purpose:
        lines += [BLANK, [(say("pane.table_for"), "head")], *purpose_lines(stage.purpose)]
    return [*lines, *_flow(stage, say)]


def purpose_lines(purpose: str) -> list[Line]:
    """A paragraph, its labelled parts (``Reads: ...``) on lines of their own."""
    lines: list[Line] = []
    for part in _LABELLED.split(visible(purpose)):
        label, colon, rest = part.partition(": ")
        if colon and len(label) < 32 and "." not in label:
            lines.append([(f" {label}: ", "dim"), (rest, "")])
        else:
            lines.append([(part, "")])
    return lines


def packet_before(trace: ExplainedTrace, number: int) -> Mapping[str, str]:
    """The packet as it came to a stage: as the stage before it on the same branch left it."""
    depth = trace.stages[number].depth
    for earlier in range(number - 1, -1, -1):
        if trace.stages[earlier].depth <= depth:
            return trace.stages[earlier].packet
    return {}


def _ending(trace: ExplainedTrace, stage: ExplainedStage, say: Say) -> list[Line]:
    g = glyphs()
    lines: list[Line] = []
    for outcome in trace.outcomes:
        if outcome.stage is stage.stage:
            signs: dict[str, tuple[str, Tone]] = {"dropped": (g.bad, "bad")}
            signs |= dict.fromkeys(("delivered", "replied"), (g.ok, "good"))
            sign, tone = signs.get(str(outcome.verdict), (g.unknown, "warn"))
            where = say("pane.ended_to", port=one_line(outcome.port)) if outcome.port else ""
            how = say("pane.ended_implicit") if outcome.reason == "implicit" else ""
            lines.append([(f"{sign} {say(f'pane.ended.{outcome.verdict}')}{where}{how}", tone)])
    return lines


def _match(stage: ExplainedStage, say: Say) -> list[Line]:
    lines: list[Line] = [BLANK]
    if stage.stage.no_match:
        return [*lines, [(say("pane.no_flow"), "head")], [(say("pane.so_dropped"), "")]]
    lines.append([(say("pane.when"), "head")])
    if stage.match is not None:
        lines += sentence_lines([stage.match], source=False)
    if stage.stage.match:
        lines.append([("   ", ""), *highlight(visible(stage.stage.match), "match")])
    return lines


def _actions(stage: ExplainedStage, say: Say) -> list[Line]:
    if not stage.actions:
        return []
    return [BLANK, [(say("pane.then_head"), "head")], *sentence_lines(stage.actions)]


def sentence_lines(sentences: Sequence[Sentence], depth: int = 0, *, source: bool = True) -> list[Line]:
    g = glyphs()
    lines: list[Line] = []
    for sentence in sentences:
        lines.append([(f"{'  ' * depth} {g.bullet} ", "dim"), (visible(sentence.text), "")])
        if source and sentence.source and depth == 0:
            lines.append([("   ", ""), *highlight(visible(sentence.source), "actions")])
        if depth < 4 and (source or len(sentence.children) > 2):
            lines += sentence_lines(sentence.children, depth + 1, source=source)
    return lines


def _registers(stage: ExplainedStage, say: Say) -> list[Line]:
    if not stage.registers:
        return []
    lines: list[Line] = [BLANK, [(say("pane.set_here"), "head")]]
    width = min(18, max(len(r.name) for r in stage.registers))
    for register in stage.registers:
        shown = one_line(register.shown or register.value)
        lines.append(
            [
                (f" {one_line(register.name):<{width}} ", "name"),
                (f"= {shown}  ", "strong"),
                (visible(register.title), ""),
                (f"  {visible(register.meaning)}" if register.meaning else "", "dim"),
            ]
        )
    return lines


def _packet(before: Mapping[str, str], stage: ExplainedStage, say: Say) -> list[Line]:
    g = glyphs()
    names = [n for n in _ordered([*before, *(n for n in stage.packet if n not in before)]) if _header(n)]
    if not names:
        return []
    lines: list[Line] = [BLANK, [(say("pane.packet_after"), "head")]]
    changed = set(stage.changed)
    for name in names:
        then, now = before.get(name, ""), stage.packet.get(name, "")
        if not now and not then:
            continue
        if name in changed or then != now:
            lines.append(
                [
                    (f" {g.changed} ", "change"),
                    (f"{one_line(name):<11} ", "name"),
                    (f"{one_line(then) or say('pane.none')} {g.arrow} ", "dim"),
                    (one_line(now) or say("pane.none"), "change"),
                ]
            )
        else:
            lines.append([("   ", ""), (f"{one_line(name):<11} ", "dim"), (one_line(now), "")])
    registers = [f"{n}={v}" for n, v in stage.packet.items() if not _header(n) and v not in ("", "0")]
    if registers:
        lines.append([(f"   {say('pane.registers')}   ", "dim"), (one_line("  ".join(registers)), "dim")])
    return lines


def _header(name: str) -> bool:
    return name.startswith(_PACKET_FIRST)


def _ordered(names: Sequence[str]) -> list[str]:
    def rank(name: str) -> int:
        return next((i for i, prefix in enumerate(_PACKET_FIRST) if name.startswith(prefix)), 99)

    return sorted(dict.fromkeys(names), key=rank)


def object_lines(thing: ObjectRef, depth: int = 0, *, made_from: str = "made from") -> list[Line]:
    g = glyphs()
    name = f"{thing.namespace}/{thing.name}" if thing.namespace else thing.name
    lead = "   " * depth + (f" {g.corner} {made_from} " if depth else " ")
    line: list[Piece] = [(lead, "dim"), (f"{one_line(thing.kind)} ", "accent"), (one_line(name), "strong")]
    if thing.uuid:
        line.append((f"  {one_line(thing.uuid)}", "dim"))
    lines: list[Line] = [line]
    if thing.detail:
        lines.append([("   " * (depth + 1), ""), (visible(thing.detail), "dim")])
    if thing.owner is not None and depth < 4:
        lines += object_lines(thing.owner, depth + 1, made_from=made_from)
    return lines


def _flow(stage: ExplainedStage, say: Say) -> list[Line]:
    flow = stage.stage
    priority = say("pane.priority", priority=flow.priority) if flow.priority is not None else ""
    facts = [priority, flow.uuid, flow.source]
    lines: list[Line] = [
        BLANK,
        [(say("pane.the_flow"), "head"), (f"  {one_line('  '.join(f for f in facts if f))}", "dim")],
    ]
    if stage.use:
        lines.append([(visible(stage.use), "")])
    return lines

"""An explained trace on the terminal, with Rich. All text is plain: nothing from a cluster is ever markup."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

from rich.console import Console
from rich.text import Text

from ko_tui.backend.explain.catalogue import Catalogue, catalogue
from ko_tui.backend.explain.language import Language
from ko_tui.backend.explain.model import ExplainedStage, ExplainedTrace, Sentence
from ko_tui.backend.explain.running_packet import place_of
from ko_tui.backend.ovn.trace_model import Block, Verdict
from ko_tui.cli.visible import visible

if TYPE_CHECKING:
    from ko_tui.backend.command.run import CommandRun
    from ko_tui.backend.tracing.model import TracePlan

VERDICT_STYLE = {
    Verdict.DELIVERED: "bold green",
    Verdict.REPLIED: "bold green",
    Verdict.DROPPED: "bold red",
    Verdict.CONTROLLER: "bold yellow",
    Verdict.UNKNOWN: "bold yellow",
}
_HOP_STYLE = {"drop": "red", "reply": "green", "controller": "yellow", "router": "cyan", "switch": "blue"}


def print_trace(
    explained: ExplainedTrace,
    *,
    plan: TracePlan | None = None,
    commands: Sequence[CommandRun] = (),
    console: Console | None = None,
    everything: bool = False,
) -> None:
    """Print the verdict, the way, the warnings, every table where something happens, and what to do next.

    ``everything`` shows the quiet tables and the paragraph of each table too.
    """
    out = console or Console(highlight=False, soft_wrap=False)
    words = catalogue("zh" if explained.lang == "zh" else "en")
    out.print(plain_text(explained.headline, VERDICT_STYLE[explained.verdict]))
    warnings = plan.warnings if plan is not None else ()
    for note in dict.fromkeys((*warnings, *explained.notes)):
        out.print(plain_text(f"! {note}", "yellow"))
    if explained.hops:
        out.print()
        out.print(plain_text(words.say("ui.way"), "bold"))
        _print_hops(explained, out)
    if explained.stages:
        out.print()
        out.print(plain_text(words.say("ui.stages"), "bold"))
        _print_stages(explained.stages, out, words, everything)
    if commands:
        out.print()
        out.print(plain_text(words.say("ui.commands"), "bold"))
        for run in commands:
            out.print(plain_text(f"  {run.kubectl()}", "dim"), soft_wrap=True)
    if explained.next_steps:
        out.print()
        out.print(plain_text(words.say("ui.next"), "bold"))
        for step in explained.next_steps:
            out.print(plain_text(f"  {step}", ""), soft_wrap=True)  # what is to be pasted stays whole


def _print_hops(explained: ExplainedTrace, out: Console) -> None:
    for at, hop in enumerate(explained.hops):
        line = plain_text("  " + ("-> " if at else ""), "")
        line.append(visible(hop.name), _HOP_STYLE.get(hop.kind, "bold"))
        if hop.note:
            line.append(visible(f"  {hop.note}"), "dim")
        for number, part in enumerate(line.wrap(out, max(24, out.width - 5))):
            part.rstrip()
            if number:
                part.pad_left(5)  # below the name, so that every line at the left is a hop
            out.print(part)


def _print_stages(stages: list[ExplainedStage], out: Console, words: Catalogue, everything: bool) -> None:
    block: Block | None = None
    quiet = 0
    for stage in stages:
        if stage.block is not block:
            quiet = _print_quiet(quiet, stage, out, words)
            block = stage.block
            _print_block(stage, out, words)
        if stage.quiet and not everything:
            quiet += 1
            continue
        quiet = _print_quiet(quiet, stage, out, words)
        print_stage(stage, out, words, everything)
    if stages:
        _print_quiet(quiet, stages[-1], out, words)


def _print_quiet(count: int, stage: ExplainedStage, out: Console, words: Catalogue) -> int:
    if count:
        indented(out, plain_text(words.say("ui.quiet", count=count), "dim"), stage.depth * 2 + 5)
    return 0


def _print_block(stage: ExplainedStage, out: Console, words: Catalogue) -> None:
    block = stage.block
    if block is None:
        return
    line = plain_text(f"{block.datapath} {block.pipeline}", "bold cyan")
    for key, port in (("ui.ingress", block.inport), ("ui.egress", block.outport)):
        if port:
            line.append(visible(f"  {words.say(key, port=port)}"), "cyan")
    indented(out, line, stage.depth * 2)


def print_stage(stage: ExplainedStage, out: Console, words: Catalogue, everything: bool = False) -> None:
    """One table: number, name and title, then condition, actions, what changed, what was assumed."""
    left = stage.depth * 2 + 2
    head = plain_text(f"{stage.stage.table:>2} {stage.stage.name}", "bold")
    head.append(visible(f"  {stage.title}"), "" if stage.known else "yellow")
    indented(out, head, left)
    if everything:
        indented(out, plain_text(stage.purpose, "dim"), left + 3)
    if stage.match is not None:
        print_sentence(words.say("ui.if"), stage.match, out, left + 3, "cyan")
    for sentence in stage.actions:
        if sentence.source == "next;" and len(stage.actions) > 1:
            continue
        print_sentence(words.say("ui.then"), sentence, out, left + 3, "")
    changed = [
        f"{name} = {stage.packet[name]}"
        for name in stage.changed
        if name in stage.packet and place_of(name) is None and name not in ("outport", "inport")
    ]
    if changed:
        indented(out, plain_text(f"{words.say('ui.now')} {', '.join(changed)}", "magenta"), left + 3)
    if stage.use:
        indented(out, plain_text(f"{words.say('ui.use')} {stage.use}", "green"), left + 3)
    for reference in stage.objects:
        name = f"{reference.namespace}/{reference.name}" if reference.namespace else reference.name
        indented(out, plain_text(f"{words.say('ui.object')} {reference.kind} {name}", "green"), left + 3)
    for assumption in stage.assumptions:
        indented(out, plain_text(f"{words.say('ui.assumed')} {assumption}", "yellow"), left + 3)


def print_sentence(label: str, sentence: Sentence, out: Console, left: int, style: str) -> None:
    """A sentence after its label, and its parts below where the sentence does not say them."""
    line = plain_text(f"{label} " if label else "", "dim")
    line.append(visible(sentence.text), style)
    indented(out, line, left)
    if sentence.children and not _said_inline(sentence):
        for child in sentence.children:
            print_sentence("-", child, out, left + 2, style)


def _said_inline(sentence: Sentence) -> bool:
    """Whether the text already says all of its parts."""
    return all(child.text.lower() in sentence.text.lower() for child in sentence.children)


def plain_text(text: str, style: str) -> Text:
    """Text from a cluster, control characters made visible."""
    return Text(visible(text), style=style)


def indented(out: Console, text: Text, left: int) -> None:
    """Print wrapped to the width, every line ``left`` columns in, without spaces at the end."""
    for part in text.wrap(out, max(24, out.width - left)):
        part.rstrip()
        part.pad_left(left)
        out.print(part)


def print_sentences(sentences: Iterable[Sentence], out: Console, lang: Language = "en") -> None:
    """Sentences as a list, nested as they are."""
    for sentence in sentences:
        print_sentence("", sentence, out, 0, "")

"""One lookup of a datapath trace explained: how it fits the logical trace, its flow, and what it does."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ko_tui.visible import one_line, visible
from ko_tui.widgets.glyphs import glyphs
from ko_tui.widgets.highlight import highlight
from ko_tui.widgets.stage_detail import BLANK
from ko_tui.widgets.tones import Line, Tone

if TYPE_CHECKING:
    from ko_tui.backend.tracing.datapath_model import DatapathTrace, NodePass, Step
    from ko_tui.backend.tracing.live_counts import Count

_FITS: dict[str, tuple[str, Tone]] = {
    "same": ("The logical trace takes the same flow.", "good"),
    "quiet": ("It only goes on to the next table; ovn-trace does not print such flows.", "dim"),
    "other-flow": ("The logical trace is in the same stage, but takes another flow.", "warn"),
    "follows": ("Another flow than the logical trace takes.", "warn"),
    "parts": ("Here the ways part.", "bad"),
}


def summary_lines(trace: DatapathTrace) -> list[Line]:
    """The agreement in words, for the head of the screen."""
    g = glyphs()
    tone: Tone = "bad" if trace.findings else "good" if trace.agrees else "warn"
    sign = g.bad if trace.findings else g.ok if trace.agrees else g.unknown
    lines: list[Line] = [[(f" {sign} ", tone), (visible(trace.summary), tone)]]
    lines += [[(f" {g.warn} {visible(note)}", "warn")] for note in trace.notes[:3]]
    return lines


def datapath_lines(trace: DatapathTrace) -> list[Line]:
    """The whole way, for a file: every node, its tables, what the datapath does."""
    g = glyphs()
    lines = summary_lines(trace)
    for part in trace.passes:
        lines += [BLANK, [(f"{one_line(part.node)}", "head"), (f"  in by {one_line(part.port)}", "dim")]]
        if part.why:
            lines.append([(f"   {visible(part.why)}", "warn")])
        for step in part.steps:
            rule = step.rule
            what = (
                "no flow matches"
                if rule.no_match
                else f"{rule.match or 'any packet'}, priority {rule.priority}"
            )
            tone: Tone = "bad" if step.fit == "parts" else "dim" if step.fit == "quiet" else ""
            lines.append(
                [
                    (f"   {'  ' * min(step.depth, 4)}{rule.table:>3} ", "dim"),
                    (f"{one_line(step.stage or step.bridge):<25} ", "name"),
                    (visible(what), tone),
                    (f"  {step.uuid}", "dim"),
                ]
            )
            if step.why:
                lines.append([(f"       {visible(step.why)}", "warn")])
        lines += [[(f"   {g.bullet} ", "dim"), (visible(words), "")] for words in part.actions]
        lines.append([(f"   {g.arrow} {visible(part.ends)}", "bad" if part.end == "dropped" else "good")])
    return lines


def step_lines(trace: DatapathTrace, part: NodePass, step: Step, count: Count | None = None) -> list[Line]:
    """All that is known of one lookup."""
    g = glyphs()
    rule = step.rule
    lines: list[Line] = [
        [(one_line(step.title or step.stage or f"A table of bridge {step.bridge}"), "head")],
        [
            (one_line(step.stage or step.bridge), "name"),
            (f"  OpenFlow table {rule.table} of {one_line(step.bridge)} on {one_line(part.node)}", "dim"),
        ],
    ]
    if step.fit in _FITS:
        words, tone = _FITS[step.fit]
        lines += [BLANK, [(words, tone)]]
        if step.why:
            lines.append([(visible(step.why), tone)])
        if trace.findings and (step.fit == "parts" or step.at == trace.findings[0].at >= 0):
            lines += [BLANK, [("What to do", "head")], [(visible(trace.findings[0].next_step), "")]]
    if count is not None:
        grown = "" if count.grown is None else f", {count.grown:,} since the last look"
        lines += [BLANK, [("Counted", "head")], [(f" {count.packets:,} packets{grown}", "")]]
    if rule.no_match:
        lines += [BLANK, [("No flow of this table matched.", "head")]]
    else:
        lines += [BLANK, [("When", "head"), (f"  priority {rule.priority}", "dim")]]
        lines.append([("   ", ""), *highlight(visible(rule.match or "any packet"), "openflow")])
    if step.match:
        lines += [BLANK, [("Made from the logical flow", "head"), (f"  {step.uuid}", "dim")]]
        lines.append([("   ", ""), *highlight(visible(step.match), "match")])
    elif step.uuid:
        lines += [
            BLANK,
            [(f"Its cookie {step.uuid} names no logical flow: it is ovn-controller's own.", "dim")],
        ]
    if rule.lines:
        lines += [BLANK, [("Then", "head")]]
        for line in rule.lines:
            if line.text.startswith("->"):
                lines.append([(f"     {g.arrow} {visible(line.text[2:].strip())}", "dim")])
            elif line.text:
                lines.append([(f" {g.bullet} ", "dim"), *highlight(visible(line.text), "openflow")])
    return lines


def pass_lines(part: NodePass) -> list[Line]:
    """One ofproto/trace as a whole."""
    g = glyphs()
    lines: list[Line] = [
        [(f"Node {one_line(part.node)}", "head")],
        [(f"in by {one_line(part.port)}", "name")],
    ]
    if part.why:
        lines += [BLANK, [(visible(part.why), "warn")]]
    lines += [BLANK, [("The packet", "head")], [("   ", ""), *highlight(visible(part.flow), "openflow")]]
    lines += [BLANK, [("What the datapath does", "head")]]
    lines += [[(f" {g.bullet} ", "dim"), (visible(words), "")] for words in part.actions]
    lines += [BLANK, [(visible(part.ends), "bad" if part.end in ("dropped", "unknown") else "good")]]
    return lines

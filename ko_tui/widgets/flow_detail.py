"""One flow explained: logical or OpenFlow."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from ko_tui.visible import one_line, visible
from ko_tui.widgets.glyphs import glyphs
from ko_tui.widgets.highlight import highlight
from ko_tui.widgets.stage_detail import BLANK, object_lines, purpose_lines, sentence_lines, words_of
from ko_tui.widgets.tones import Line

if TYPE_CHECKING:
    from ko_tui.backend.explain.model import ExplainedFlow, ObjectRef
    from ko_tui.backend.ovs.openflow import OpenFlow


def logical_flow_lines(
    flow: ExplainedFlow, match: str, owner: ObjectRef | None = None, lang: str = "en"
) -> list[Line]:
    """A logical flow: when it matches, what it does, whose it is, what its table is for."""
    g, say = glyphs(), words_of(lang)
    lines: list[Line] = [[(visible(flow.title), "head")]]
    facts = [
        flow.stage,
        say("pane.priority", priority=flow.priority) if flow.priority is not None else "",
        flow.uuid,
    ]
    lines.append([(one_line("  ".join(f for f in facts if f)), "dim")])
    if flow.use:
        lines.append([(visible(flow.use), "")])
    lines += [BLANK, [(say("pane.when"), "head")], *sentence_lines([flow.match], source=False)]
    lines.append([("   ", ""), *highlight(visible(match), "match")])
    lines += [BLANK, [(say("pane.then_head"), "head")], *sentence_lines(flow.actions)]
    if flow.registers:
        lines += [BLANK, [(say("pane.registers_in"), "head")]]
        for register in flow.registers:
            lines.append(
                [
                    (f" {one_line(register.name)} ", "name"),
                    (visible(register.title), ""),
                    (f"  {visible(register.meaning)}", "dim"),
                ]
            )
    things = [owner] if owner is not None else list(flow.objects)
    if things:
        lines += [BLANK, [(say("pane.behind"), "head")]]
        for thing in things:
            lines += object_lines(thing, made_from=say("pane.made_from"))
    lines += [BLANK, [(say("pane.table_for"), "head")], *purpose_lines(flow.purpose)]
    if not flow.known:
        lines.append([(f"{g.unknown} {say('pane.unknown_flow')}", "warn")])
    return lines


def openflow_lines(
    flow: OpenFlow,
    decoded: Mapping[str, Any] | None,
    table: str,
    logical: tuple[str, str] | None,
    per_second: float | None,
    *,
    asked: bool = True,
    row: str = "",
) -> list[Line]:
    """An OpenFlow: its table, the logical flow that it is made from, counters, fields and actions.

    Without ``asked`` it is not known yet whether a logical flow is behind it; ``row`` is the southbound row that it is
    made from when none is.
    """
    g = glyphs()
    lines: list[Line] = [[(f"Table {flow.table}", "head"), (f"  priority {flow.priority}", "dim")]]
    lines.append([(visible(table), "")])
    if logical is not None:
        lines += [BLANK, [("Made from the logical flow", "head"), (f"  {flow.cookie}", "dim")]]
        lines.append([(f" {one_line(logical[0])}", "name")])
        lines.append([("   ", ""), *highlight(visible(logical[1]), "match")])
    elif row:
        lines += [BLANK, [("Made by ovn-controller from", "head"), (f"  {flow.cookie}", "dim")]]
        lines.append([(f" {one_line(row)}", "name")])
    elif flow.cookie.strip("0"):
        words = (
            "names no logical flow: it is ovn-controller's own"
            if asked
            else "is not looked up yet: L does it"
        )
        lines += [BLANK, [(f"Its cookie {flow.cookie} {words}.", "dim")]]
    lines += [BLANK, [("Counted", "head")]]
    rate = "" if per_second is None else f"  {per_second:.1f} a second since the last look"
    counted = (
        "no counters" if flow.packets is None else f"{flow.packets:,} packets, {flow.bytes or 0:,} bytes"
    )
    age = "" if flow.duration is None else f"  in {flow.duration:,.0f} s"
    lines.append([(f" {counted}{age}{rate}", "")])
    if decoded is None:
        lines += [
            BLANK,
            [("Not decoded; as it is:", "warn")],
            [("   ", ""), *highlight(visible(flow.raw.strip()), "openflow")],
        ]
        return lines
    lines += [BLANK, [("When", "head")]]
    fields: Mapping[str, str] = {n: v for n, v in decoded["match"].items() if n != "priority"}
    lines += [
        [(f" {g.bullet} {one_line(name):<14} ", "name"), (one_line(value), "")]
        for name, value in fields.items()
    ]
    if not fields:
        lines.append([(f" {g.bullet} every packet", "")])
    lines += [BLANK, [("Then", "head")]]
    from ko_tui.backend.ovs.datapath import split_actions

    lines += [
        [(f" {g.bullet} ", "dim"), *highlight(one_line(a), "openflow")] for a in split_actions(flow.actions)
    ]
    return lines

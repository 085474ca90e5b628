"""The resolved packet beside the form: what it is, why, and the exact command."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from ko_tui.backend.errors import KoError
from ko_tui.visible import one_line, visible
from ko_tui.widgets.glyphs import glyphs
from ko_tui.widgets.highlight import highlight
from ko_tui.widgets.tones import Line

if TYPE_CHECKING:
    from ko_tui.backend.tracing.model import TracePlan


def plan_lines(plan: TracePlan) -> list[Line]:
    """Ready to be traced."""
    g = glyphs()
    lines: list[Line] = [[(f"{g.ok} Ready: ", "good"), ("Enter", "head"), (" traces it", "good")], [("", "")]]
    for warning in plan.warnings:
        lines.append([(f"{g.warn} {visible(warning)}", "warn")])
    for reason in plan.reasons:
        lines.append(
            [
                (f"{one_line(reason.field):<11} ", "dim"),
                (f"{one_line(reason.value)}  ", "strong"),
                (visible(reason.why), "dim"),
            ]
        )
    lines += [[("", "")], [("The command", "dim")]]
    command = " ".join(plan.ovn_trace[:-1])
    lines += [[(visible(command), "name")], [*highlight(visible(plan.ovn_trace[-1]), "match")]]
    return lines


def problem_lines(error: KoError) -> list[Line]:
    """What keeps it from being traced."""
    lines: list[Line] = [[(f"{glyphs().warn} {visible(error.what)}", "warn")]]
    if error.next_step:
        lines.append([(visible(error.next_step), "dim")])
    return lines


def waiting_lines(words: str) -> Sequence[Line]:
    return [[(words, "dim")]]

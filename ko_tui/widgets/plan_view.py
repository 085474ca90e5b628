"""The resolved packet beside the form: what it is, why, and the exact command."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from ko_tui.backend.errors import KoError
from ko_tui.visible import one_line, visible
from ko_tui.widgets.glyphs import glyphs
from ko_tui.widgets.highlight import highlight
from ko_tui.widgets.tones import Line, Piece

if TYPE_CHECKING:
    from ko_tui.backend.tracing.engine import Proposal
    from ko_tui.backend.tracing.model import Engine, TracePlan


def plan_lines(plan: TracePlan, engine: Sequence[Line] = ()) -> list[Line]:
    """Ready to be traced; ``engine`` says by what."""
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
    lines += engine
    if plan.request.engine == "local":
        return lines
    lines += [[("", "")], [("The command", "dim")]]
    command = " ".join(plan.ovn_trace[:-1])
    lines += [[(visible(command), "name")], [*highlight(visible(plan.ovn_trace[-1]), "match")]]
    return lines


_ENGINES = {
    "ovn-trace": "ovn-trace, in the pod that leads",
    "local": "ko-tui itself, on the southbound's contents",
    "both": "ovn-trace and ko-tui itself, compared",
}


def engine_lines(engine: Engine, proposal: Proposal | None, key: str, *, chosen: bool) -> list[Line]:
    """By what it will be traced, why, and the key that changes it."""
    line: list[Piece] = [("traced by   ", "dim"), (f"{_ENGINES[engine]}  ", "strong")]
    if key:
        line += [(key, "head"), (" changes it", "dim")]
    why = "You chose it." if chosen else proposal.why if proposal is not None else ""
    lines: list[Line] = [line]
    if why:
        lines.append([(" " * 12, ""), (visible(why), "dim")])
    return lines


def problem_lines(error: KoError) -> list[Line]:
    """What keeps it from being traced."""
    lines: list[Line] = [[(f"{glyphs().warn} {visible(error.what)}", "warn")]]
    if error.next_step:
        lines.append([(visible(error.next_step), "dim")])
    return lines


def waiting_lines(words: str) -> Sequence[Line]:
    return [[(words, "dim")]]

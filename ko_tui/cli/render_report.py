"""A report of checks on the terminal: what is not well first, a word and a glyph for each."""

from __future__ import annotations

import json

from rich.console import Console
from rich.text import Text

from ko_tui.backend.operations.model import RANK, Level, Report
from ko_tui.cli.visible import visible

_STYLE = {
    Level.OK: ("✓", "green"),
    Level.INFO: ("·", ""),
    Level.WARN: ("!", "yellow"),
    Level.FAIL: ("✗", "bold red"),
    Level.SKIPPED: ("-", "dim"),
    Level.UNKNOWN: ("?", "magenta"),
}


def print_report(report: Report, *, as_json: bool = False, everything: bool = False) -> int:
    """Print it; gives the exit status: 0 nothing failed, 1 something failed, 3 not everything answered."""
    if as_json:
        print(json.dumps(report.to_json(), ensure_ascii=False, indent=2))
    else:
        _print(report, everything)
    if report.worst is Level.FAIL:
        return 1
    unanswered = any(check.level is Level.UNKNOWN for check in report.checks)
    return 3 if report.partial or unanswered else 0


def _print(report: Report, everything: bool) -> None:
    console = Console(highlight=False, soft_wrap=True)
    console.print(Text(f"{report.title}: {report.summary or 'nothing was checked'}", style="bold"))
    shown = sorted(report.checks, key=lambda c: (RANK[c.level], c.group, c.place))
    for check in shown:
        if check.level in (Level.OK, Level.INFO) and not everything:
            continue
        glyph, style = _STYLE[check.level]
        line = Text(f"  {glyph} {check.level:<8}", style=style)
        place = f"{check.place}: " if check.place else ""
        line.append(visible(f"{place}{check.group} {check.name}: {check.detail}"), style="")
        console.print(line)
        if check.advice:
            console.print(Text(f"             {visible(check.advice)}", style="dim"))
    if not everything:
        well = sum(1 for c in report.checks if c.level in (Level.OK, Level.INFO))
        console.print(Text(f"  {well} well (--all lists them)", style="dim"))
    for missing in report.partial:
        console.print(Text(f"  not the whole truth: {visible(missing)}", style="magenta"))

"""A report of checks on the terminal: what is not well first, a word and a glyph for each."""

from __future__ import annotations

import json
from collections import Counter

from rich.console import Console
from rich.text import Text

from ko_tui.backend.operations.model import RANK, Check, Level, Report
from ko_tui.cli.visible import visible

MANY = 5  # places that may say the same in a line each
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


def _sameness(check: Check) -> tuple[str, ...]:
    return (check.level, check.group, check.name, check.detail, check.advice)


def _print(report: Report, everything: bool) -> None:
    console = Console(highlight=False, soft_wrap=True)
    console.print(Text(f"{report.title}: {report.summary or 'nothing was checked'}", style="bold"))
    shown = sorted(report.checks, key=lambda c: (RANK[c.level], c.group, c.place))
    if not everything:
        shown = [c for c in shown if c.level not in (Level.OK, Level.INFO)]
    alike = Counter(map(_sameness, shown))
    told: set[tuple[str, ...]] = set()
    for check in shown:
        place = f"{check.place}: " if check.place else ""
        if not everything and alike[_sameness(check)] > MANY:
            if _sameness(check) in told:
                continue
            told.add(_sameness(check))
            places = [c.place for c in shown if _sameness(c) == _sameness(check)]
            place = f"{len(places):,} places ({', '.join(places[:3])} and others): "
        glyph, style = _STYLE[check.level]
        line = Text(f"  {glyph} {check.level:<8}", style=style)
        line.append(visible(f"{place}{check.group} {check.name}: {check.detail}"), style="")
        console.print(line)
        if check.advice:
            console.print(Text(f"             {visible(check.advice)}", style="dim"))
    if not everything:
        well = sum(1 for c in report.checks if c.level in (Level.OK, Level.INFO))
        console.print(Text(f"  {well} well (--all lists them)", style="dim"))
    for missing in report.partial:
        console.print(Text(f"  not the whole truth: {visible(missing)}", style="magenta"))

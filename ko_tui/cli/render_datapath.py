"""The node's own trace on the terminal, below the logical one."""

from __future__ import annotations

from rich.console import Console

from ko_tui.backend.tracing.datapath_model import DatapathTrace, NodePass, Step
from ko_tui.cli.render_trace import indented, plain_text

_FIT_STYLE = {"other-flow": "yellow", "follows": "dim", "parts": "bold red"}


def print_datapath(trace: DatapathTrace, *, console: Console | None = None, everything: bool = False) -> None:
    """Agreement, then each node's tables with the stage that each stands for; quiet ones only counted."""
    out = console or Console(highlight=False, soft_wrap=False)
    out.print()
    out.print(plain_text("OpenFlow (ofproto/trace)", "bold"))
    style = "bold red" if trace.findings else "green" if trace.agrees else "yellow"
    indented(out, plain_text(trace.summary, style), 2)
    for finding in trace.findings[1:]:
        indented(out, plain_text(finding.what, "red"), 2)
    for finding in trace.findings[:1]:
        indented(out, plain_text(finding.next_step, ""), 2)
    for note in trace.notes:
        indented(out, plain_text(f"! {note}", "yellow"), 2)
    for part in trace.passes:
        _print_pass(part, out, everything)
    out.print()
    for run in trace.commands:
        out.print(plain_text(f"  {run.kubectl()}", "dim"), soft_wrap=True)


def _print_pass(part: NodePass, out: Console, everything: bool) -> None:
    out.print()
    indented(out, plain_text(f"node {part.node}, in by {part.port}", "bold cyan"), 2)
    if part.why:
        indented(out, plain_text(part.why, "yellow"), 4)
    quiet = 0
    for step in part.steps:
        if step.fit == "quiet" and not everything:
            quiet += 1
            continue
        quiet = _print_quiet(quiet, out)
        _print_step(step, out)
    _print_quiet(quiet, out)
    indented(out, plain_text("in the datapath:", "dim"), 4)
    for action in part.actions:
        indented(out, plain_text(f"- {action}", ""), 6)
    for reason in part.slow_path:
        indented(out, plain_text(f"! slow path: {reason}", "yellow"), 6)
    bad = part.end in ("dropped", "unknown")
    indented(out, plain_text(f"=> {part.ends}", "bold red" if bad else "bold green"), 4)


def _print_quiet(count: int, out: Console) -> int:
    if count:
        indented(out, plain_text(f"   {count} tables where it only goes on", "dim"), 4)
    return 0


def _print_step(step: Step, out: Console) -> None:
    rule = step.rule
    left = 4 + 2 * min(step.depth, 6)
    line = plain_text(f"{rule.table:>3} ", "dim")
    name = plain_text(step.stage or step.bridge, "").plain
    line.append(f"{name:<24} ", "bold" if step.logical else "cyan")
    what = "no flow matches" if rule.no_match else f"{rule.match or 'any'}, priority {rule.priority}"
    shown = plain_text(what, "yellow" if rule.no_match and not step.depth else "")
    cookie = plain_text(f"  {step.uuid}" if step.uuid else "", "dim")
    if left + line.cell_len + shown.cell_len + cookie.cell_len <= out.width:
        indented(out, line + shown + cookie, left)
    else:
        indented(out, line + cookie, left)
        indented(out, shown, left + 4)
    if step.why:
        indented(out, plain_text(step.why, _FIT_STYLE.get(step.fit, "")), left + 4)

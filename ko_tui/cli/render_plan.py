"""A plan on the terminal: the packet, why it is so, and the commands that would run."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rich.console import Console
from rich.text import Text

from ko_tui.backend.command.run import kubectl_line
from ko_tui.cli.visible import visible

if TYPE_CHECKING:
    from ko_tui.backend.session import Session
    from ko_tui.backend.tracing.model import TracePlan


def print_plan(session: Session, plan: TracePlan) -> None:
    console = Console(highlight=False, soft_wrap=True)
    console.print(Text(visible(plan.request.line()), style="bold"))
    for reason in plan.reasons:
        console.print(Text(f"  {reason.field:<10} {visible(reason.value):<28} {visible(reason.why)}"))
    for warning in plan.warnings:
        console.print(Text(f"  ! {visible(warning)}", style="yellow"))
    if session.live:
        console.print(Text(visible(kubectl_line(session.leader("sb").pod, plan.ovn_trace)), style="dim"))
    else:
        console.print(Text(visible(" ".join(plan.ovn_trace)), style="dim"))

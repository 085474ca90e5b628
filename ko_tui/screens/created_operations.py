"""Operations that make objects in the cluster for a while, and the removal of what killed ones have left."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ko_tui.backend.errors import UsageError
from ko_tui.screens.operation_list import Proposal, Telling

if TYPE_CHECKING:
    from ko_tui.backend.operations.diagnose_created import Scope
    from ko_tui.backend.operations.model import Report
    from ko_tui.backend.operations.perf_model import PerfResult, PerfRow, PerfSection
    from ko_tui.backend.session import Session
    from ko_tui.backend.source.interface import Cancel

LEFT = "left in the cluster: {}; the operation cleanup removes it"


def propose_perf(session: Session, argument: str, *, kill_leaders: bool = False) -> Proposal:
    """``argument`` is an image or nothing; with ``kill_leaders`` only the recovery is timed."""
    from ko_tui.backend.operations.perf import plan_perf, run_perf
    from ko_tui.backend.operations.perf_model import PARTS, cells

    parts = () if kill_leaders else tuple(PARTS)
    plan = plan_perf(session, image=argument, parts=parts, kill_leaders=kill_leaders)

    def run(session: Session, cancel: Cancel, _argument: str, tell: Telling) -> Report | str:
        def row(section: PerfSection, measured: PerfRow) -> None:
            tell.words(f"  {', '.join(cells(section, measured))}")

        return perf_text(run_perf(session, plan, on_text=tell.words, on_row=row, cancel=cancel))

    return Proposal(plan.effect, plan.target, run)


def perf_text(result: PerfResult) -> str:
    """The tables as text."""
    from ko_tui.backend.operations.perf_model import cells, headings

    lines: list[str] = []
    for section in result.sections:
        rows = [headings(section), *(cells(section, row) for row in section.rows)]
        widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
        lines += ["", f"{section.title}: {section.source} to {section.target}"]
        lines += [
            "  ".join(cell.rjust(width) for cell, width in zip(row, widths, strict=True)) for row in rows
        ]
        lines += [f"{row.size} bytes: {problem}" for row in section.rows for problem in row.problems]
    for recovery in result.recoveries:
        lines += ["", recovery.text()]
    if result.problem:
        lines += ["", f"Not finished: {result.problem}"]
    lines += [LEFT.format(left) for left in result.left]
    return "\n".join(lines).lstrip("\n")


def propose_probe(session: Session, scope: Scope, argument: str) -> Proposal:
    """A diagnosis with objects of its own."""
    from ko_tui.backend.operations.diagnose_created import diagnose_creating, plan_probe

    plan = plan_probe(session, scope, argument)

    def run(session: Session, cancel: Cancel, _argument: str, tell: Telling) -> Report | str:
        return diagnose_creating(session, plan, on_checks=tell.checks, on_text=tell.words, cancel=cancel)

    return Proposal(plan.effect, plan.target, run)


def propose_cleanup(session: Session) -> Proposal:
    """Raises UsageError when there is nothing to remove."""
    from ko_tui.backend.operations.created import find_leftovers, remove

    found = find_leftovers(session)
    chosen = [leftover for leftover in found if not leftover.busy]
    if not chosen:
        raise UsageError(
            "; ".join(map(str, found)) or "Nothing is left in the cluster.",
            "ko-tui cleanup --busy removes what another machine may be using." if found else "",
            title="There is nothing to remove",
        )
    things = [str(thing) for leftover in chosen for thing in leftover.things]

    def run(session: Session, _cancel: Cancel, _argument: str, tell: Telling) -> Report | str:
        left = remove(session, chosen, on_text=tell.words)
        return "\n".join(LEFT.format(text) for text in left) or f"{len(things)} objects removed."

    return Proposal(f"Deletes {', '.join(things)}.", "cleanup", run)

"""Running a plan: ovn-trace in the pod that leads the southbound database, parsed and explained."""

from __future__ import annotations

import time
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING

from ko_tui.backend.cluster.leader import Leader
from ko_tui.backend.cluster.leading import run_on_leader, turned_away
from ko_tui.backend.command.run import CommandRun
from ko_tui.backend.errors import ClusterError, KoError
from ko_tui.backend.explain.catalogue import catalogue
from ko_tui.backend.explain.trace import explain_trace
from ko_tui.backend.ovn.trace import parse
from ko_tui.backend.ovn.trace_model import Trace
from ko_tui.backend.source.interface import Cancel
from ko_tui.backend.source.kinds import SUBNETS
from ko_tui.backend.tracing.advice import next_steps
from ko_tui.backend.tracing.circumstances import circumstances
from ko_tui.backend.tracing.model import TracePlan, TraceResult
from ko_tui.backend.tracing.plan import ovn_trace_argv
from ko_tui.backend.tracing.words import language, names

if TYPE_CHECKING:
    from ko_tui.backend.session import Session

TRACE_SECONDS = 120  # ovn-trace reads the whole southbound database each time; it has no limit of its own
MARGIN = 10  # seconds more for the exec itself
CUT_OFF = (
    "The server that is left has lost its cluster and answers no ovn-trace, so its contents were traced here."
)
OUT_OF_MEMORY = 137  # 128 and SIGKILL: of the kernel, or of timeout(1) when the time is up as well
_KILLED = (124, OUT_OF_MEMORY)  # timeout(1)


class TraceFailed(ClusterError):
    """ovn-trace did not give a trace."""

    title = "ovn-trace gave no trace"


def run_trace(session: Session, plan: TracePlan, *, cancel: Cancel | None = None) -> TraceResult:
    """Run and explain. Raises TraceFailed and the typed errors of the source; a drop is a result."""
    result = _run(session, plan, cancel)
    explained = result.explained
    words = catalogue(language(session))
    explained.notes[:0] = circumstances(plan, explained, words)
    known = names(session, plan)
    explained.next_steps = next_steps(plan, explained, known, words, partial(_masquerades, session))
    return result


def _masquerades(session: Session, subnet: str) -> bool | None:
    """``natOutgoing`` of a Subnet (kubeovn.io/v1); None when it cannot be read."""
    try:
        return session.source.get(SUBNETS, "", subnet).spec.get("natOutgoing") is True
    except KoError:
        return None


def _run(session: Session, plan: TracePlan, cancel: Cancel | None) -> TraceResult:
    started = time.monotonic()
    if not session.live or plan.request.engine == "local":
        from ko_tui.backend.tracing.local import run_local

        return run_local(session, plan, cancel=cancel)
    cut_off = session.leader("sb").cut_off
    if not cut_off:
        run, warnings = _ovn_trace(session, plan, cancel)
        cut_off = turned_away(run) and bool(warnings)
    if cut_off:
        from ko_tui.backend.tracing.local import run_local

        local = run_local(session, plan, cancel=cancel)
        local.explained.notes.append(CUT_OFF)
        return local
    trace = parse(run.stdout)
    check_trace(trace, run)
    explained = explain_trace(trace, lang=language(session), names=names(session, plan), backend=plan.lb_dst)
    explained.notes = [*plan.warnings, *warnings, *explained.notes]
    result = TraceResult(
        plan=plan,
        explained=explained,
        commands=(*plan.commands, run),
        duration_ms=(time.monotonic() - started) * 1000,
    )
    if plan.request.engine == "both":
        from ko_tui.backend.tracing.local import compare_with_local

        return compare_with_local(session, result, cancel=cancel)
    return result


def _ovn_trace(session: Session, plan: TracePlan, cancel: Cancel | None) -> tuple[CommandRun, list[str]]:
    """One ovn-trace; run again when the leader moved away under it."""

    def words(leader: Leader) -> tuple[str, ...]:
        argv = plan.ovn_trace
        if not leader.certain:
            argv = ovn_trace_argv(plan.packet, plan.lb_dst, plan.select_id, leader_only=False)
        return ("timeout", "-k", "2", str(TRACE_SECONDS), *argv)

    run, leader = run_on_leader(session, "sb", words, timeout=TRACE_SECONDS + MARGIN, cancel=cancel)
    return run, [] if leader.certain else [leader.why]


def check_trace(trace: Trace, run: CommandRun) -> None:
    """Raise TraceFailed unless the run gave a trace: ovn-trace reports errors on standard output with status 0,
    and may abort on a signal."""
    said = " ".join(run.stderr.split())[-400:]
    by_hand = f"Try it by hand: {run.kubectl()}"
    if run.exit_code == OUT_OF_MEMORY and run.duration_ms < TRACE_SECONDS * 1000:
        raise TraceFailed(
            f"ovn-trace was killed (signal 9) after {run.duration_ms / 1000:.0f} s in {run.pod}, most likely by the "
            "container's memory limit.",
            "It needs memory for the whole southbound database, and without end where flows send a packet round in a "
            "loop. --engine local traces here, and stops at a loop.",
        )
    if run.exit_code in _KILLED:
        raise TraceFailed(
            f"ovn-trace did not finish within {TRACE_SECONDS} s in {run.pod}.",
            "It loads the whole southbound database each time: on a large cluster use --engine local.",
        )
    if run.exit_code not in (0, None):
        signal = f" (signal {run.exit_code - 128})" if run.exit_code and run.exit_code > 128 else ""
        raise TraceFailed(
            f"ovn-trace ended with status {run.exit_code}{signal} in {run.pod}: {said}", by_hand
        )
    if not any(True for _ in trace.stages()):
        words = "; ".join(trace.errors) or said or "it printed nothing"
        raise TraceFailed(f"ovn-trace in {run.pod}: {words}", by_hand)


def replanned(plan: TracePlan, **changes: object) -> TracePlan:
    """The same plan with parts of its packet changed, and the commands made anew."""
    packet = replace(plan.packet, **changes)  # type: ignore[arg-type]
    return replace(plan, packet=packet, ovn_trace=ovn_trace_argv(packet, plan.lb_dst, plan.select_id))

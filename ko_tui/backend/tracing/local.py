"""Tracing here instead of in the pod: the southbound contents fetched once, then milliseconds a trace.

On a saved cluster this is the only way; on a live one it spares the pod in trouble, and ``both`` holds one against
the other.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from ko_tui.backend.answers import Answer
from ko_tui.backend.cluster.leader import role_command
from ko_tui.backend.errors import KoError
from ko_tui.backend.explain.trace import explain_trace
from ko_tui.backend.ovn.raft import parse_status
from ko_tui.backend.ovn.trace_model import Trace
from ko_tui.backend.simulate import Options, Simulator
from ko_tui.backend.simulate.dice import closest
from ko_tui.backend.simulate.following import Follower
from ko_tui.backend.simulate.live import fetch_from_leader, fetch_southbound
from ko_tui.backend.simulate.southbound import READ
from ko_tui.backend.source.interface import Cancel
from ko_tui.backend.source.ovsdb_file import Database
from ko_tui.backend.tracing.model import TracePlan, TraceResult
from ko_tui.backend.tracing.words import language, names

if TYPE_CHECKING:
    from ko_tui.backend.session import Session

FOLLOW_START_SECONDS = 20.0
AGE = 300.0  # seconds that a live cluster's southbound contents are used; the result says how old they are
QUESTION = "simulator"
_lock = threading.Lock()  # a simulator makes one trace at a time


@dataclass(frozen=True, slots=True)
class _Loaded:
    """A simulator, its contents, where the southbound log stood before those were fetched, and why they may lag."""

    simulator: Simulator
    database: Database
    position: str
    doubt: str = ""


def simulator(session: Session, *, cancel: Cancel | None = None, max_age: float = AGE) -> Answer[Simulator]:
    """The simulator of this session's cluster, with the age of its contents.

    A session that stays follows the database: what was written since is put into what was fetched once. Else contents
    older than ``max_age`` seconds are fetched anew, unless the database's log shows that nothing was written: then
    they are as good as new.
    """
    age = max_age if session.live else float("inf")
    follower = session.southbound_follower
    if follower is not None and follower.follows:
        age = 0.0

    def load() -> _Loaded:
        kept = session.answers.peek(QUESTION)
        if kept is not None and (current := _brought_up(session, kept.value)) is not None:
            return current
        position = log_position(session) if session.live else ""
        if kept is not None and position and kept.value.position == position:
            loaded: _Loaded = kept.value
            return loaded
        if not session.live:
            database = fetch_southbound(session, cancel=cancel)
            return _Loaded(Simulator(database), database, position)
        _follow(session)
        database, doubt = fetch_from_leader(session, cancel=cancel)
        return _Loaded(Simulator(database), database, "" if doubt else position, doubt)

    loaded = session.answers.get(QUESTION, load, max_age=age)
    return Answer(loaded.value.simulator, loaded.taken_at)


def _follow(session: Session) -> None:
    """Have what is written told from now on, where that may be: contents are fetched after this."""
    if not (session.live and session.options.stays and session.options.mode != "strict"):
        return
    if session.southbound_follower is not None:
        session.southbound_follower.stop()
    follower = Follower(session)
    session.southbound_follower = follower if follower.start(FOLLOW_START_SECONDS) else None


def _brought_up(session: Session, loaded: _Loaded) -> _Loaded | None:
    """The same with all that was written since; None when that is not known."""
    follower = session.southbound_follower
    changes = follower.take() if follower is not None and not loaded.doubt else None
    if changes is None:
        return None
    if not changes:
        return loaded
    database = loaded.database.changed(changes)
    rows = [(table, uuid) for table, uuid, _ in changes if table in READ]
    with _lock:  # what it was made from is spent
        return _Loaded(loaded.simulator.updated(database, rows), database, "")


@contextmanager
def borrowed(session: Session, *, cancel: Cancel | None = None, max_age: float = AGE) -> Iterator[Simulator]:
    """The session's simulator for one's own use; the others wait meanwhile."""
    ready = simulator(session, cancel=cancel, max_age=max_age)
    with _lock:
        yield ready.value


def log_position(session: Session) -> str:
    """How far the southbound raft log goes, the same on every member; "" when that cannot be told.

    Asked before contents are fetched, so that what is written meanwhile counts as newer (ovsdb-server(1),
    ``cluster/status``). A standalone database has no such log.
    """
    try:
        leader = session.leader("sb")
        status = parse_status(session.run(leader.pod, role_command("sb"), timeout=8).stdout)
    except KoError:
        return ""
    if not leader.certain or not status.is_leader or not status.cluster_id or not status.log_next:
        return ""
    return f"{status.cluster_id} {status.log_next} {status.not_committed}"


def run_local(session: Session, plan: TracePlan, *, cancel: Cancel | None = None) -> TraceResult:
    """Simulate a plan and explain it. Raises UsageError for a packet that cannot be, TraceFailed as ovn-trace does."""
    from ko_tui.backend.tracing.trace import TraceFailed

    started = time.monotonic()
    ready = simulator(session, cancel=cancel)
    with _lock:
        simulation = ready.value.run(
            plan.packet.datapath,
            plan.packet.microflow(),
            Options(plan.packet.ct, plan.lb_dst, plan.select_id),
        )
    trace = simulation.trace()
    if simulation.failed:
        raise TraceFailed(
            simulation.text.strip(), "The datapath or the port is not in these southbound contents."
        )
    explained = explain_trace(trace, lang=language(session), names=names(session, plan), backend=plan.lb_dst)
    explained.notes = [*plan.warnings, *explained.notes]
    if session.live:
        follower = session.southbound_follower
        if follower is not None and follower.follows:
            explained.notes.append(
                "Traced here, on southbound contents that are kept current as they change."
            )
        else:
            explained.notes.append(f"Traced here, on southbound contents that are {ready.age:.0f} s old.")
        kept = session.answers.peek(QUESTION)
        if kept is not None and kept.value.doubt:
            explained.notes.append(kept.value.doubt)
    took = (time.monotonic() - started) * 1000
    return TraceResult(plan, explained, plan.commands, took, "local")


def compare_with_local(session: Session, result: TraceResult, *, cancel: Cancel | None = None) -> TraceResult:
    """The same result with every stage where the simulator, on fresh contents, says something else."""
    ready, plan, real = (
        simulator(session, cancel=cancel, max_age=0.0).value,
        result.plan,
        result.explained.trace,
    )
    options = Options(plan.packet.ct, plan.lb_dst, plan.select_id)
    with _lock:  # where ovn-trace throws dice, ours fall as its did
        local = closest(
            ready, plan.packet.datapath, plan.packet.microflow(), options, real.text, flow_line=False
        )
    found = differences(real, local.trace())
    return replace(result, engine="both", differences=found)


def differences(real: Trace, local: Trace) -> tuple[str, ...]:
    """Where two traces part, as sentences; the first ``# ...`` line is Open vSwitch's own and not compared."""
    if real.text.partition("\n")[2] == local.text.partition("\n")[2]:
        return ()
    found = []
    if real.verdict is not local.verdict:
        found.append(f"ovn-trace says {real.verdict}, the simulator says {local.verdict}.")
    here = [(s.name, s.uuid, tuple(s.actions)) for _, s in real.stages()]
    there = [(s.name, s.uuid, tuple(s.actions)) for _, s in local.stages()]
    for number, (a, b) in enumerate(zip(here, there, strict=False), 1):
        if a != b:
            what = "its actions" if a[:2] == b[:2] else f"{a[0]} {a[1]} here, {b[0]} {b[1]} there"
            found.append(
                f"They part at stage {number}: {what}. A load balancer's choice is random in ovn-trace."
            )
            break
    else:
        if len(here) != len(there):
            found.append(f"ovn-trace visits {len(here)} stages, the simulator {len(there)}.")
    return tuple(found) or ("The texts differ, the stages do not.",)

"""A command for the pod that leads a database, which may change between the question who leads and the command.

The tools leave a server that does not lead: ovn-nbctl, ovn-sbctl and ovn-trace end at once with "database connection
failed" (lib/ovsdb-cs.c of Open vSwitch). ``ovsdb-client`` with one remote looks at no role at all, so that its answer
may be an old one; :func:`leads_still` tells.
"""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from ko_tui.backend.cluster.leader import Database, Leader
from ko_tui.backend.cluster.pods import CENTRAL
from ko_tui.backend.command.run import CommandRun
from ko_tui.backend.errors import KoError
from ko_tui.backend.source.interface import (
    ApiUnavailable,
    Cancel,
    ExecInterrupted,
    ExecNoStatus,
    NoSuchContainer,
    NotFound,
    OnBytes,
)

if TYPE_CHECKING:
    from ko_tui.backend.session import Session

TRIES = 3
ELECTION_S = 10.0  # Kube-OVN's election timer is five seconds; an election may take twice that
ELECTION_POLL_S = 0.25
_TURNED_AWAY = re.compile(r"database connection failed|not cluster leader|connection to database lost")
_POD_GONE = (ApiUnavailable, ExecInterrupted, ExecNoStatus, NoSuchContainer, NotFound)


def run_on_leader(
    session: Session,
    database: Database,
    words: Callable[[Leader], Sequence[str]],
    *,
    timeout: float,
    cancel: Cancel | None = None,
    on_stdout: OnBytes | None = None,
    begin: Callable[[], None] | None = None,
    trusted: bool = False,
    max_output: int = 0,
) -> tuple[CommandRun, Leader]:
    """Run ``words(leader)`` in the pod that leads. When that pod does not lead any more, or is gone, find the leader
    anew (an election is waited for, a few seconds) and run it there: only for commands that change nothing.

    ``begin`` is called before each run, so that what came by ``on_stdout`` from the one before is dropped; without it
    nothing is run again once something came. ``timeout`` in seconds is for each run. Raises the errors of the last.
    """
    came = False

    def take(piece: bytes) -> None:
        nonlocal came
        came = True
        if on_stdout is not None:
            on_stdout(piece)

    def may_again(attempt: int) -> bool:
        stopped = cancel is not None and cancel.cancelled
        return attempt < TRIES and not stopped and (begin is not None or not came)

    for attempt in range(1, TRIES + 1):
        leader = session.leader(database)
        argv = tuple(words(leader))
        if begin is not None:
            begin()
        try:
            run = session.run(
                leader.pod,
                argv,
                timeout=timeout,
                cancel=cancel,
                on_stdout=take if on_stdout is not None else None,
                trusted=trusted,
                max_output=max_output,
            )
        except _POD_GONE:
            if not may_again(attempt):
                raise
            ask_anew(session, database)
            continue
        if not turned_away(run) or not may_again(attempt) or leader.cut_off:
            break
        now = _after_election(session, database, leader, cancel)
        if now is None or (now.pod == leader.pod and tuple(words(now)) == argv and not now.certain):
            break
    return run, leader


def turned_away(run: CommandRun) -> bool:
    """Whether a tool of OVN ended since its server does not lead, or went away."""
    return run.exit_code not in (0, None) and _TURNED_AWAY.search(run.stderr) is not None


def ask_anew(session: Session, database: Database) -> None:
    """The next question who leads goes to the cluster."""
    session.answers.forget(("leader", database), ("pods", (CENTRAL,)))


def leads_still(session: Session, database: Database, leader: Leader) -> bool:
    """Whether that pod leads now by its own word."""
    ask_anew(session, database)
    try:
        now = session.leader(database)
    except KoError:
        return False
    return now.certain and now.pod == leader.pod


def _after_election(
    session: Session, database: Database, before: Leader, cancel: Cancel | None
) -> Leader | None:
    """Who leads now; where somebody led until just now, an election is waited for. None when nobody answers."""
    ends = time.monotonic() + (ELECTION_S if before.certain else 0.0)
    pause = cancel or Cancel()
    while True:
        ask_anew(session, database)
        try:
            now = session.leader(database)
        except KoError:
            now = None
        if (now is not None and now.certain) or time.monotonic() >= ends or pause.wait(ELECTION_POLL_S):
            return now

"""Remote commands that last: bounded by timeout(1), and ended for certain when the person has seen enough.

Closing an exec stream does not always end the process behind it (kubernetes/kubernetes#89031). So a lasting command
is wrapped in timeout(1) with a limit that no other has (its fraction of a second is random); that makes its command
line unique, and pkill(1) can end just this one.
"""

from __future__ import annotations

import secrets
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ko_tui.backend.command.run import CommandRun
from ko_tui.backend.command.runner import TO_A_FILE
from ko_tui.backend.errors import KoError
from ko_tui.backend.source.interface import Cancel, ExecCancelled, ExecFailed, OnBytes, PodRef

if TYPE_CHECKING:
    from ko_tui.backend.session import Session


PATIENCE_S = 90.0  # that an API server which went away is waited for
RETRY_S = 1.0
KILLED_AFTER_S = 2.0  # as timeout(1) is told


@dataclass(frozen=True, slots=True)
class Lasting:
    """A lasting command: ``argv`` as it runs, ``ender`` the command that ends just this one."""

    argv: tuple[str, ...]
    ender: tuple[str, ...]
    seconds: int


def lasting(argv: Sequence[str], seconds: int) -> Lasting:
    """Wrap ``argv`` so that it ends after ``seconds`` at the latest, and can be ended before."""
    limit = f"{seconds}.{secrets.randbelow(900_000) + 100_000}"
    pattern = f"^timeout -k 2 {limit.replace('.', '[.]')} "
    return Lasting(("timeout", "-k", "2", limit, *argv), ("pkill", "-TERM", "-f", pattern), seconds)


def run_lasting(
    session: Session,
    pod: PodRef,
    command: Lasting,
    *,
    cancel: Cancel,
    on_stdout: OnBytes,
    on_stderr: OnBytes | None = None,
    on_lost: Callable[[str], None] | None = None,
) -> CommandRun | None:
    """Run until it ends, its time is up, or it is cancelled; then make sure that nothing is left behind.

    None when it was cancelled: that is an end in order. Raises the typed errors of the source. With ``on_lost``, which
    is told of it, a connection that breaks is waited for, so that the command can be ended when the API server is back.
    """
    clean = lost = False
    began = time.monotonic()
    try:
        run = session.runner.run(
            pod,
            command.argv,
            timeout=command.seconds + 10,
            cancel=cancel,
            on_stdout=on_stdout,
            on_stderr=on_stderr,
            max_output=TO_A_FILE,
        )
        clean = True
        return run
    except ExecCancelled:
        return None
    except ExecFailed:
        if cancel.cancelled:
            return None
        lost = True
        raise
    finally:
        if lost and on_lost is not None:
            _end_when_back(session, pod, command, cancel, on_lost, began)
        elif not clean:
            end(session, pod, command)


def _end_when_back(
    session: Session,
    pod: PodRef,
    command: Lasting,
    cancel: Cancel,
    on_lost: Callable[[str], None],
    began: float,
) -> None:
    """Try until it is ended, its own limit has ended it, or the person has waited enough."""
    if end(session, pod, command):
        return
    on_lost("the connection is lost; what runs there is ended as soon as the API server answers again.")
    ends = min(time.monotonic() + PATIENCE_S, began + command.seconds + KILLED_AFTER_S)
    while time.monotonic() < ends and not cancel.wait(RETRY_S):
        if end(session, pod, command, cancel):
            return
    on_lost(f"the API server is still away; its own limit of {command.seconds} s ends what runs there.")


def end(session: Session, pod: PodRef, command: Lasting, cancel: Cancel | None = None) -> bool:
    """End the remote process; True when the pod was asked. Its own time limit ends it when that cannot be done."""
    try:
        session.runner.run(pod, command.ender, timeout=8, cancel=cancel)
    except KoError:
        return False
    return True

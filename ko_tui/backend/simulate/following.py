"""What is written to the southbound database while traces run here: fetched contents stay current by it.

One ``ovsdb-client monitor`` in the leader's pod prints changes alone. Contents that are fetched after it says that it
listens, with the changes since, are the database as it is: each change gives rows whole, so one that the contents
hold already does no harm.
"""

from __future__ import annotations

import threading
import time
from typing import TYPE_CHECKING

from ko_tui.backend.command.lasting import lasting, run_lasting
from ko_tui.backend.errors import KoError
from ko_tui.backend.ovn.ovsdb_updates import Change, UpdateLines
from ko_tui.backend.simulate.live import NAMES, SOCKETS
from ko_tui.backend.source.interface import Cancel

if TYPE_CHECKING:
    from ko_tui.backend.session import Session

MONITOR = (
    "ovsdb-client", "-f", "json", "-vjsonrpc:console:dbg",
    "monitor", SOCKETS["sb"], NAMES["sb"], "ALL", "!initial",
)  # fmt: skip
FOLLOW_SECONDS = 4 * 3600
IDLE_SECONDS = 900.0  # nobody asked for so long: what comes is not worth its way any more
MOST_PENDING = 300_000  # changes; then fetching anew is cheaper
_ASKED, _ANSWERED = b'method="monitor"', b"received reply"


class Follower:
    """The changes of one cluster's southbound database from ``start`` on. Safe for several threads."""

    def __init__(self, session: Session) -> None:
        self._session = session
        self._cancel = Cancel()
        self._lines = UpdateLines()
        self._lock = threading.Lock()
        self._pending: list[Change] = []
        self._asked_at = time.monotonic()
        self._said = b""
        self._listens = threading.Event()  # also set when there is nothing more to wait for
        self._over = False
        self._thread: threading.Thread | None = None
        self.error: KoError | None = None

    @property
    def follows(self) -> bool:
        """Whether every change since it listened has come or will come."""
        return self._listens.is_set() and not self._over

    def start(self, seconds: float) -> bool:
        """Begin; True once it listens, False when it does not within ``seconds``."""
        self._thread = threading.Thread(target=self._work, name="ko-southbound", daemon=True)
        self._thread.start()
        if not self._listens.wait(seconds):
            self.stop()
        return self.follows

    def stop(self, wait: float = 0.0) -> None:
        """End the command in the pod, and wait up to ``wait`` seconds until that is done."""
        self._over = True
        self._listens.set()
        self._cancel.cancel()
        if wait and self._thread is not None:
            self._thread.join(wait)

    def take(self) -> list[Change] | None:
        """The changes since the last time, in their order; None when some may be missing."""
        with self._lock:
            taken, self._pending = self._pending, []
            self._asked_at = time.monotonic()
            return taken if self.follows else None

    def _work(self) -> None:
        try:
            leader = self._session.leader("sb")
            run_lasting(
                self._session,
                leader.pod,
                lasting(MONITOR, FOLLOW_SECONDS),
                cancel=self._cancel,
                on_stdout=self._changes,
                on_stderr=self._log,
            )
        except KoError as error:
            self.error = error
        finally:
            self._over = True
            self._listens.set()

    def _changes(self, part: bytes) -> None:
        changes = self._lines.feed(part)
        with self._lock:
            self._pending += changes
            idle = time.monotonic() - self._asked_at > IDLE_SECONDS
            if idle or len(self._pending) > MOST_PENDING:
                self._pending = []
                self.stop()

    def _log(self, part: bytes) -> None:
        """Its own log tells when the server has answered the request: from then on nothing is missed."""
        if self._listens.is_set():
            return
        self._said += part
        asked = self._said.find(_ASKED)
        if asked >= 0 and self._said.find(_ANSWERED, asked) >= 0:
            self._said = b""
            self._listens.set()

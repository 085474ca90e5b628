"""The audit log: one JSON line for every command that was asked for, run or refused.

The file is for its owner alone (0600) and stays in the state directory of this machine. It rotates by size.
"""

from __future__ import annotations

import contextlib
import errno
import json
import os
import threading
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import ClassVar

import platformdirs

from ko_tui.backend.command.run import CommandRun
from ko_tui.backend.source.interface import SourceInfo

FILE = "audit.jsonl"
MAX_BYTES = 5 * 1024 * 1024
KEPT = 4


def audit_path() -> Path:
    """Where the log is: ``$XDG_STATE_HOME/ko-tui/audit.jsonl`` or the platform's own place."""
    return Path(platformdirs.user_state_dir("ko-tui", appauthor=False)) / FILE


class AuditLog:
    """Appends to the log; it fits ``Runner``. Several programs may write to one file.

    A log that cannot be written does not stop the work: ``problem`` then says why, for the screen to show, and
    ``told`` is called with it, once, on the command line.
    """

    told: ClassVar[Callable[[str], None]] = staticmethod(lambda _: None)

    def __init__(
        self,
        info: SourceInfo,
        path: Path | None = None,
        *,
        max_bytes: int = MAX_BYTES,
        kept: int = KEPT,
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self.path = path or audit_path()
        self.problem = ""
        self._info = info
        self._max_bytes = max_bytes
        self._kept = kept
        self._clock = clock
        self._lock = threading.Lock()

    def __call__(self, run: CommandRun, allowed: bool, reason: str) -> None:
        self.note(run, allowed, reason)

    def note(self, run: CommandRun, allowed: bool, reason: str) -> None:
        """One line for ``run``; ``reason`` says why it was refused."""
        entry = {
            "time": self._clock().isoformat(timespec="milliseconds"),
            "context": self._info.label,
            "server": self._info.server,
            "user": self._info.user,
            "namespace": run.pod.namespace,
            "pod": run.pod.name,
            "container": run.pod.container,
            "argv": list(run.argv),
            "exit_code": run.exit_code,
            "duration_ms": round(run.duration_ms, 1),
            "decision": "allowed" if allowed else "refused",
        }
        if reason:
            entry["reason"] = reason
        elif run.error:
            entry["error"] = run.error
        # ASCII only: a hostile name stays visible as escapes when the log is read in a terminal.
        line = (json.dumps(entry, ensure_ascii=True) + "\n").encode()
        with self._lock:
            try:
                self._append(line)
                self.problem = ""
                return
            except OSError as error:
                new = f"The audit log {self.path} cannot be written: {error.strerror}."
            told, self.problem = self.problem, new
        if new != told:
            AuditLog.told(new)

    def _append(self, line: bytes) -> None:
        self.path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._rotate(len(line))
        descriptor = os.open(self.path, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_NOFOLLOW, 0o600)
        try:
            os.fchmod(descriptor, 0o600)
            written = os.write(descriptor, line)
            if written < len(line):
                # Half a line would swallow the next one too, once there is room again.
                os.ftruncate(descriptor, os.fstat(descriptor).st_size - written)
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        finally:
            os.close(descriptor)

    def _rotate(self, coming: int) -> None:
        try:
            size = self.path.stat().st_size
        except FileNotFoundError:
            return
        if size + coming <= self._max_bytes:
            return
        for number in range(self._kept - 1, 0, -1):
            with contextlib.suppress(FileNotFoundError):
                self._numbered(number).replace(self._numbered(number + 1))
        with contextlib.suppress(FileNotFoundError):
            self.path.replace(self._numbered(1))

    def _numbered(self, number: int) -> Path:
        return self.path.with_name(f"{self.path.name}.{number}")

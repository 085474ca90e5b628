"""Runs commands in pods: the one place where policy, time limits and the audit log meet the source."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from typing import Protocol

from ko_tui.backend.command.run import CommandRun
from ko_tui.backend.errors import KoError
from ko_tui.backend.source.interface import Cancel, ExecFailed, OnBytes, PodRef, Source


class Guard(Protocol):
    """Says whether an argv may run. Raises PolicyRefusal with the reason when it may not."""

    def __call__(self, argv: Sequence[str]) -> None: ...


MAX_OUTPUT = 256 << 20  # bytes of a command's output that goes into memory
TO_A_FILE = 16 << 30  # and of one that goes to the disk as it comes
AuditSink = Callable[[CommandRun, bool, str], None]  # run, allowed, reason


def decode(output: bytes) -> str:
    """Text of a command's output; what is not UTF-8 becomes U+FFFD."""
    return output.decode("utf-8", "replace")


class Runner:
    """``run`` executes one argv in one pod and gives the evidence; every run is audited."""

    def __init__(self, source: Source, guard: Guard | None = None, audit: AuditSink | None = None) -> None:
        self._source = source
        self._guard = guard
        self._audit = audit

    def over(self, source: Source) -> Runner:
        """The same guard and the same log, over another way to the same cluster."""
        return Runner(source, self._guard, self._audit)

    @property
    def audit_problem(self) -> str:
        """Why the commands are not written down, "" when they are."""
        return str(getattr(self._audit, "problem", ""))

    def run(
        self,
        pod: PodRef,
        argv: Sequence[str],
        *,
        timeout: float = 30.0,
        cancel: Cancel | None = None,
        stdin: bytes = b"",
        on_stdout: OnBytes | None = None,
        on_stderr: OnBytes | None = None,
        trusted: bool = False,
        max_output: int = 0,
    ) -> CommandRun:
        """Run ``argv`` in ``pod`` within ``timeout`` seconds; more output than ``max_output`` (0: MAX_OUTPUT) ends it.

        Raises PolicyRefusal before anything is sent, and the typed errors of the source. ``trusted`` is for
        commands that an operation has already asked the person about; they are audited all the same.
        """
        words = tuple(argv)
        if self._guard is not None and not trusted:
            try:
                self._guard(words)
            except KoError as refusal:
                self._note(CommandRun(words, pod, error=refusal.what), allowed=False, reason=refusal.what)
                raise
        started = time.monotonic()
        try:
            result = self._source.exec(
                pod,
                words,
                stdin=stdin,
                timeout=timeout,
                cancel=cancel,
                on_stdout=on_stdout,
                on_stderr=on_stderr,
                max_output=max_output or MAX_OUTPUT,
            )
        except KoError as error:
            partial = error if isinstance(error, ExecFailed) else None
            failed = CommandRun(
                words,
                pod,
                decode(partial.stdout) if partial else "",
                decode(partial.stderr) if partial else "",
                None,
                (time.monotonic() - started) * 1000,
                f"{error.title}: {error.what}",
            )
            self._note(failed, allowed=True, reason="")
            raise
        run = CommandRun(
            words, pod, decode(result.stdout), decode(result.stderr), result.exit_code, result.duration_ms
        )
        self._note(run, allowed=True, reason="")
        return run

    def _note(self, run: CommandRun, *, allowed: bool, reason: str) -> None:
        if self._audit is not None:
            self._audit(run, allowed, reason)

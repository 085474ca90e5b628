"""A source that notes the commands which run through it, so that a snapshot can answer them again."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from typing import Any

from ko_tui.backend.source.interface import Cancel, ExecResult, OnBytes, PodRef, Source
from ko_tui.backend.source.snapshot_format import SavedRun
from ko_tui.backend.source.snapshot_write import Writer

LARGEST = 256 << 20
"""A command's output beyond this is not saved."""


def in_the_databases(argv: tuple[str, ...]) -> bool:
    """Whether a command prints rows that the saved databases hold anyway."""
    if argv[0] not in ("ovn-nbctl", "ovn-sbctl"):
        return False
    return any(word in ("--format=json", "lflow-list", "count-flows", "dump-flows") for word in argv)


def _tee(kept: bytearray, callback: OnBytes | None) -> OnBytes:
    def take(part: bytes) -> None:
        if len(kept) <= LARGEST:
            kept.extend(part)
        if callback is not None:
            callback(part)

    return take


class RecordingSource:
    """Everything as ``source`` does it; commands that end are written to ``writer``, each question once."""

    def __init__(self, source: Source, writer: Writer) -> None:
        self._source = source
        self._writer = writer
        self._seen: set[tuple[PodRef, tuple[str, ...]]] = set()
        self._lock = threading.Lock()

    def __getattr__(self, name: str) -> Any:
        return getattr(self._source, name)

    def exec(
        self,
        pod: PodRef,
        argv: Sequence[str],
        *,
        stdin: bytes = b"",
        timeout: float = 30.0,
        cancel: Cancel | None = None,
        on_stdout: OnBytes | None = None,
        on_stderr: OnBytes | None = None,
        max_output: int = LARGEST,
    ) -> ExecResult:
        """See Source.exec."""
        words = tuple(argv)
        out, err = bytearray(), bytearray()
        result = self._source.exec(
            pod,
            words,
            stdin=stdin,
            timeout=timeout,
            cancel=cancel,
            on_stdout=_tee(out, on_stdout),
            on_stderr=_tee(err, on_stderr),
            max_output=max_output,
        )
        with self._lock:
            new = (pod, words) not in self._seen and not stdin and not in_the_databases(words)
            self._seen.add((pod, words))
        if new and len(out) <= LARGEST:
            self._save(pod, words, ExecResult(bytes(out), bytes(err), result.exit_code, result.duration_ms))
        return ExecResult(
            result.stdout if on_stdout else bytes(out),
            result.stderr if on_stderr else bytes(err),
            result.exit_code,
            result.duration_ms,
        )

    def _save(self, pod: PodRef, argv: tuple[str, ...], result: ExecResult) -> None:
        number = self._writer.number("exec")
        out = self._writer.add(f"exec/{number}.out", result.stdout)
        err = self._writer.add(f"exec/{number}.err", result.stderr)
        self._writer.note(
            run=SavedRun(
                pod.namespace,
                pod.name,
                pod.container,
                argv,
                result.exit_code,
                out,
                err,
                round(result.duration_ms, 3),
            )
        )

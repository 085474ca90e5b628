"""A command that ran, or will: its exact words, where it ran, and what came of it."""

from __future__ import annotations

import shlex
from dataclasses import dataclass

from ko_tui.backend.source.interface import PodRef, program


@dataclass(frozen=True, slots=True)
class CommandRun:
    """One exec with its evidence. ``exit_code`` is None when it never ended; ``error`` then says why.

    ``stdout`` and ``stderr`` are text (undecodable bytes shown as U+FFFD); ``duration_ms`` in milliseconds.
    """

    argv: tuple[str, ...]
    pod: PodRef
    stdout: str = ""
    stderr: str = ""
    exit_code: int | None = None
    duration_ms: float = 0.0
    error: str = ""

    @property
    def tool(self) -> str:
        """The program: the first word, or the one behind ``timeout``."""
        return program(self.argv)

    def kubectl(self) -> str:
        """The same as a line for a shell."""
        return kubectl_line(self.pod, self.argv)


def kubectl_line(pod: PodRef, argv: tuple[str, ...]) -> str:
    """``kubectl exec -n NS POD -c CONTAINER -- argv``, quoted for a shell."""
    words = ["kubectl", "exec", "-n", pod.namespace, pod.name]
    if pod.container:
        words += ["-c", pod.container]
    return shlex.join([*words, "--", *argv])

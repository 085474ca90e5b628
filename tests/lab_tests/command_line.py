"""The real command line against a lab: in this process where its end is awaited, as a process where it is killed."""

from __future__ import annotations

import signal
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

from ko_tui.cli import main
from tests.lab.handle import ApiOnlyLab


@dataclass(frozen=True)
class Done:
    """What a command ended with and said."""

    status: int
    out: str
    err: str


@dataclass(frozen=True)
class CommandLine:
    """``line(lab, "nb", "status")`` runs ko-tui as the lab's admin; its state stays in ``state``."""

    capsys: pytest.CaptureFixture[str]
    state: Path

    def __call__(self, lab: ApiOnlyLab, *words: str, context: str = "admin") -> Done:
        self.capsys.readouterr()
        status = main([*cluster(lab, context), *words])
        said = self.capsys.readouterr()
        return Done(status, said.out, said.err)

    def start(
        self,
        lab: ApiOnlyLab,
        *words: str,
        before: Callable[[], None] | None = None,
        stdin: int | None = None,
        stdout: int | None = None,
    ) -> Process:
        """As a process of its own; ``before`` runs in it before the program does, ``stdin`` is a terminal's, ``stdout``
        another end than a pipe to here.

        It obeys SIGINT even if these tests run where that is ignored, as behind ``&``.
        """

        def begin() -> None:
            signal.signal(signal.SIGINT, signal.default_int_handler)
            if before is not None:
                before()

        return subprocess.Popen(
            [sys.executable, "-m", "ko_tui", *cluster(lab), *words],
            stdout=subprocess.PIPE if stdout is None else stdout,
            stderr=subprocess.PIPE,
            stdin=subprocess.DEVNULL if stdin is None else stdin,
            env=lab.environment(XDG_STATE_HOME=str(self.state), PYTHONUNBUFFERED="1"),
            cwd=Path(__file__).parents[2],
            text=True,
            start_new_session=True,
            preexec_fn=begin,
        )


Process = subprocess.Popen[str]


def cluster(lab: ApiOnlyLab, context: str = "admin") -> list[str]:
    """The global options that name the lab's cluster."""
    return ["--kubeconfig", str(lab.kubeconfig), "--context", context]

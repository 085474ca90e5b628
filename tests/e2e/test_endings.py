"""However the program ends or is interrupted, the terminal is as before and no process stays."""

from __future__ import annotations

import os
import shlex
import shutil
import signal
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.e2e.terminal import PROGRAM, Terminal, why_unavailable
from tests.lab.places import until

pytestmark = [
    pytest.mark.e2e,
    pytest.mark.skipif(bool(why_unavailable()) and os.environ.get("CI") != "true", reason=why_unavailable()),
]
DEMO = [*PROGRAM, "--demo"]


def program_of(terminal: Terminal, directory: Path) -> int:
    """The process of ko-tui, told by its working directory."""
    found = []

    def look() -> list[int]:
        for entry in Path("/proc").iterdir():
            if not entry.name.isdigit():
                continue
            try:
                words = (entry / "cmdline").read_bytes().split(b"\0")
                here = (entry / "cwd").readlink()
            except OSError:
                continue
            if here == directory and words[1:4] == [b"-m", b"ko_tui", b"--demo"]:
                found.append(int(entry.name))
        return found

    until(look, "the program")
    return found[0]


def ended(pid: int) -> Callable[[], bool]:
    return lambda: not Path(f"/proc/{pid}").exists()


@pytest.mark.parametrize("command", [DEMO, ["sh", "-c", f"trap '' HUP; {shlex.join(DEMO)}; exec sleep 60"]])
def test_a_closed_terminal_ends_it(tmp_path: Path, command: list[str]) -> None:
    """Also when nobody hands on the signal: only the terminal is gone then."""
    with Terminal(command, tmp_path) as terminal:
        terminal.wait("default", "client", "saved cluster")
        pid = program_of(terminal, tmp_path)
    until(ended(pid), "the program to end")


def test_a_terminating_signal_restores_the_terminal(tmp_path: Path) -> None:
    with Terminal(DEMO, tmp_path) as terminal:
        terminal.wait("default", "client", "saved cluster")
        os.kill(program_of(terminal, tmp_path), signal.SIGTERM)
        screen = terminal.wait("ended with status 143")
        assert "Traceback" not in screen
        assert "KIND NAMESPACE" not in screen, "the screen of before is back"


def test_suspended_and_brought_back(tmp_path: Path) -> None:
    shell = shutil.which("bash") or "sh"
    with Terminal([shell, "--norc", "-i"], tmp_path) as terminal:
        terminal.type(f"PS1='shell> '; {shlex.join(DEMO)}")
        terminal.keys("Enter")
        terminal.wait("default", "client", "saved cluster")
        terminal.keys("C-z")
        terminal.wait("shell> ", "Stopped")
        terminal.type("stty -a | grep -o ' -*icanon' ; echo told")
        terminal.keys("Enter")
        assert " icanon" in terminal.wait("\ntold"), "lines are edited by the terminal again"
        terminal.type("fg")
        terminal.keys("Enter")
        terminal.wait("default", "client", "saved cluster")
        terminal.keys("4")
        terminal.wait("Subnet ovn-default")
        terminal.resize(100, 30)
        terminal.wait("Subnet ovn-default")
        terminal.keys("q")
        terminal.wait("Leave ko-tui?")
        terminal.keys("Enter")
        terminal.wait("shell> ", "told")


def test_a_defect_is_told_in_a_line_and_its_details_go_to_a_file(tmp_path: Path) -> None:
    broken = (
        "import sys\n"
        "from ko_tui.cli import main\n"
        "from ko_tui.screens.pods import PodsScreen\n"
        "def fail(self, token='SECRET'): raise ValueError('of nobody')\n"
        "PodsScreen.action_trace_to = fail\n"
        "sys.exit(main(['--demo']))\n"
    )
    with Terminal([PROGRAM[0], "-c", broken], tmp_path) as terminal:
        terminal.wait("default/client. Press t")
        terminal.keys("T")
        shown = terminal.wait("ended with status 70")
        assert "a defect of ko-tui itself: ValueError: of nobody" in shown and "crash.log" in shown
        assert "SECRET" not in shown and "Traceback" not in shown
    assert "in fail" in next(tmp_path.rglob("crash.log")).read_text()

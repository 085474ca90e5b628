"""Other places than the trace, on the real cluster: the reply, the console, the dashboard, a poor terminal."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.e2e.terminal import PROGRAM, Terminal, why_unavailable
from tests.lab.running import RunningLab

pytestmark = [pytest.mark.e2e, pytest.mark.lab, pytest.mark.skipif(bool(why_unavailable()), reason="no tmux")]


def test_the_reply_is_one_key_away(running_lab: RunningLab, tmp_path: Path) -> None:
    with Terminal(PROGRAM, tmp_path, width=160, height=48, environment=running_lab.environment()) as terminal:
        terminal.wait("endpoints", "client")
        terminal.keys(":")
        terminal.type("trace default/client default/server tcp 80")
        terminal.keys("Enter")
        terminal.wait("Delivered to server.default", "├──▶")
        terminal.keys("b")
        terminal.wait("Delivered to client.default", "reply")


def test_the_console_refuses_what_changes_something(running_lab: RunningLab, tmp_path: Path) -> None:
    with Terminal(PROGRAM, tmp_path, environment=running_lab.environment()) as terminal:
        terminal.wait("endpoints", "client")
        terminal.keys("6")
        terminal.wait("Type a tool", ">")
        terminal.type("nbctl ls-add evil")
        terminal.keys("Enter")
        terminal.wait("Refused", "not on the list")
        terminal.keys("i")
        terminal.wait("ovn-nbctl")
        terminal.type("nbctl ls-list")
        terminal.keys("Enter")
        assert "evil" not in terminal.wait("(ovn-default)").split("Console", 1)[1].split("\n", 1)[1]


def test_the_dashboard_says_who_leads_and_who_is_active(running_lab: RunningLab, tmp_path: Path) -> None:
    command = [*PROGRAM, "--dashboard"]
    with Terminal(command, tmp_path, environment=running_lab.environment()) as terminal:
        terminal.wait("leader", "follower", "active", "standby", seconds=40)


def test_a_dashboard_takes_no_acting_keys(running_lab: RunningLab, tmp_path: Path) -> None:
    command = [*PROGRAM, "--dashboard"]
    with Terminal(command, tmp_path, width=120, height=40, environment=running_lab.environment()) as terminal:
        terminal.wait("DATABASES", "leader", "NODES", seconds=60)
        terminal.keys("2", ":", "6", "P")
        assert "Status" in terminal.wait("paused").splitlines()[1]


def test_a_poor_terminal_gets_plain_signs(running_lab: RunningLab, tmp_path: Path) -> None:
    poor = {**running_lab.environment(), "LANG": "C", "LC_ALL": "C", "NO_COLOR": "1"}
    with Terminal(PROGRAM, tmp_path, environment=poor) as terminal:
        shown = terminal.wait("endpoints", "client")
        drawn = [line for line in shown.splitlines() if "hostile" not in line]
        assert all(character.isascii() for line in drawn for character in line)

"""A run of ovn-trace that ended badly, told as what it was."""

from __future__ import annotations

import pytest

from ko_tui.backend.command.run import CommandRun
from ko_tui.backend.ovn.trace import parse
from ko_tui.backend.source.interface import PodRef, program
from ko_tui.backend.tracing.trace import TRACE_SECONDS, TraceFailed, check_trace

POD = PodRef("kube-system", "ovn-central-0")


@pytest.mark.parametrize(
    ("exit_code", "seconds", "said"),
    [
        (124, TRACE_SECONDS, f"did not finish within {TRACE_SECONDS} s"),
        (137, TRACE_SECONDS + 2, f"did not finish within {TRACE_SECONDS} s"),
        (137, 41, "was killed (signal 9) after 41 s"),
        (134, 1, "status 134 (signal 6)"),
        (1, 1, "status 1 in kube-system/ovn-central-0: no room"),
    ],
)
def test_the_end_of_a_run(exit_code: int, seconds: float, said: str) -> None:
    run = CommandRun(("ovn-trace",), POD, "", "no room\n", exit_code, seconds * 1000)
    with pytest.raises(TraceFailed) as caught:
        check_trace(parse(""), run)
    assert said in caught.value.what
    assert caught.value.next_step


@pytest.mark.parametrize(
    ("line", "wanted"),
    [
        ("timeout -k 2 120 ovn-trace --summary", "ovn-trace"),
        ("timeout 0.5 tcpdump -i eth0", "tcpdump"),
        ("ovn-nbctl -t 5 show", "ovn-nbctl"),
        ("timeout", ""),
        ("", ""),
    ],
)
def test_the_program_of_a_command(line: str, wanted: str) -> None:
    assert program(line.split()) == wanted

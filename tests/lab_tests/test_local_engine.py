"""Traces on southbound contents that were fetched once: kept while nothing is written, fetched anew after that."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from ko_tui.backend.ovn.trace_model import Verdict
from ko_tui.backend.session import Session, SessionOptions, open_session
from ko_tui.backend.tracing.local import borrowed, log_position, simulator
from ko_tui.backend.tracing.oneline import parse_line
from ko_tui.cli import main
from tests.lab.places import until
from tests.lab.running import RunningLab

pytestmark = pytest.mark.lab


@pytest.fixture
def session(running_lab: RunningLab) -> Iterator[Session]:
    found = open_session(SessionOptions(kubeconfig=str(running_lab.kubeconfig), context="admin"))
    yield found
    found.close()


def test_contents_are_fetched_again_only_when_something_was_written(
    running_lab: RunningLab, session: Session
) -> None:
    def twice() -> bool:
        before = log_position(session)
        first = simulator(session, max_age=0.0).value
        again = simulator(session, max_age=0.0).value
        assert before
        return first is again

    until(twice, what="a moment in which nothing is written")
    with borrowed(session) as kept:
        pass
    running_lab.cluster.nbctl("set", "Logical_Switch", "ovn-default", "other_config:vlan-passthru=true")
    try:
        until(lambda: simulator(session, max_age=0.0).value is not kept, what="new contents")
    finally:
        running_lab.cluster.nbctl("remove", "Logical_Switch", "ovn-default", "other_config", "vlan-passthru")


def test_both_engines_agree(running_lab: RunningLab, capsys: pytest.CaptureFixture[str]) -> None:
    words = ["--kubeconfig", str(running_lab.kubeconfig), "--context", "admin", "trace"]
    assert main([*words, "default/client", "default/server", "tcp", "8080", "--engine", "both"]) == 0
    assert "  ! " not in capsys.readouterr().out


def test_the_local_engine_says_how_old_its_contents_are(session: Session) -> None:
    from dataclasses import replace

    request = replace(parse_line("default/client default/server icmp"), engine="local")
    result = session.trace(session.plan(request))
    assert result.explained.verdict is Verdict.DELIVERED
    assert any("southbound contents that are" in note for note in result.explained.notes)

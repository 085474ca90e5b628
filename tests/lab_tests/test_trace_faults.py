"""What can go wrong on the way of a trace: a clear error with the way out, nothing partial shown as whole."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from ko_tui.backend.errors import KoError
from ko_tui.backend.ovn.trace_model import Verdict
from ko_tui.backend.session import Session, SessionOptions, open_session
from ko_tui.backend.source import interface
from ko_tui.backend.tracing import trace as trace_module
from ko_tui.backend.tracing.oneline import parse_line
from ko_tui.backend.tracing.trace import TraceFailed
from ko_tui.cli import main
from tests.lab.places import until
from tests.lab.running import RunningLab

pytestmark = pytest.mark.lab
LINE = "default/client default/server icmp"


@pytest.fixture
def session(running_lab: RunningLab) -> Iterator[Session]:
    found = open_session(SessionOptions(kubeconfig=str(running_lab.kubeconfig), context="admin"))
    yield found
    found.close()
    running_lab.faults.clear()
    running_lab.labels.follow()


def trace(session: Session) -> Verdict:
    return session.trace(session.plan(parse_line(LINE))).explained.verdict


@pytest.mark.parametrize(
    ("kind", "conditions", "error"),
    [
        ("http_status", {"code": 401, "path": "/api/v1/"}, interface.NotAuthorised),
        ("http_status", {"code": 403, "path": "/pods/client"}, interface.Forbidden),
        ("http_status", {"code": 500, "path": "/pods/client"}, interface.ApiUnavailable),
        ("cut_stream", {"command": "ovn-trace", "after": 500}, interface.ExecInterrupted),
        ("no_status", {"command": "ovn-trace"}, interface.ExecNoStatus),
        ("http_status", {"code": 403, "path": "/exec", "message": "no exec for you"}, interface.Forbidden),
    ],
)
def test_faults_are_told(
    running_lab: RunningLab, session: Session, kind: str, conditions: dict[str, object], error: type[KoError]
) -> None:
    with running_lab.faults.active(kind, **conditions) as fault:  # type: ignore[arg-type]
        with pytest.raises(KoError) as caught:
            trace(session)
        assert fault.hits
    assert isinstance(caught.value, error) or error is interface.Forbidden
    assert caught.value.title and caught.value.what and caught.value.next_step
    assert trace(session) is Verdict.DELIVERED  # the session is still alive


def test_one_cut_stream_is_asked_again(running_lab: RunningLab, session: Session) -> None:
    with running_lab.faults.active("cut_stream", command="ovn-trace", after=500, times=1) as fault:
        assert trace(session) is Verdict.DELIVERED
        assert fault.hits == 1


def test_a_frozen_ovn_trace_is_ended(
    running_lab: RunningLab, session: Session, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(trace_module, "TRACE_SECONDS", 2)
    monkeypatch.setattr(trace_module, "MARGIN", 3)
    with (
        running_lab.faults.active("freeze_program", command="ovn-trace"),
        pytest.raises(KoError) as caught,
    ):
        trace(session)
    assert isinstance(caught.value, (TraceFailed, interface.ExecTimeout))
    assert caught.value.next_step


@pytest.mark.parametrize("fault", ["missing", "doubled", "moved"])
def test_leader_labels_may_be_wrong(running_lab: RunningLab, session: Session, fault: str) -> None:
    real = session.leader("sb").pod.name
    getattr(running_lab.labels, fault)("sb")
    session.answers.forget()
    found = session.leader("sb")
    assert found.pod.name == real and found.certain
    assert trace(session) is Verdict.DELIVERED


def test_the_label_may_be_left_on_a_dead_pod(running_lab: RunningLab, session: Session) -> None:
    running_lab.labels.on_dead_pod("sb")
    session.answers.forget()
    assert trace(session) is Verdict.DELIVERED


def test_errors_on_the_command_line_have_no_traceback(
    running_lab: RunningLab, capsys: pytest.CaptureFixture[str]
) -> None:
    base = ["trace", "--kubeconfig", str(running_lab.kubeconfig)]
    assert main([*base, "--context", "noexec", "default/client", "default/server"]) == 3
    said = capsys.readouterr().err
    assert "Traceback" not in said and "exec" in said
    assert main([*base, "--context", "nosuch", "default/client", "default/server"]) in (2, 3)
    assert "nosuch" in capsys.readouterr().err
    assert main([*base, "default/client", "default/server", "smtp"]) == 2
    assert main([*base, "default/server", "prod/api-6b9f7", "tcp", "80"]) == 1
    assert main([*base, "default/client", "default/server"]) == 0


def test_a_dead_leader_and_then_no_quorum() -> None:
    with RunningLab() as lab:
        session = open_session(SessionOptions(kubeconfig=str(lab.kubeconfig), context="admin"))
        try:
            assert trace(session) is Verdict.DELIVERED
            first = lab.cluster.leader("sb")
            lab.labels.freeze()
            lab.cluster.kill_raft_member(first, "sb")
            left = [i for i in range(3) if i != first]
            until(lambda: any(lab.cluster.role(i, "sb") == "leader" for i in left), "a new leader")
            assert trace(session) is Verdict.DELIVERED
            second = next(i for i in left if lab.cluster.role(i, "sb") == "leader")
            lab.cluster.kill_raft_member(second, "sb")
            last = next(i for i in left if i != second)
            until(
                lambda: lab.cluster.role(last, "sb") not in ("leader", ""),
                "the last member to lose its leader",
                20,
            )
            session.answers.forget()
            result = session.trace(session.plan(parse_line(LINE)))
            assert result.explained.verdict is Verdict.DELIVERED
            assert any("out of date" in note for note in result.explained.notes)
            assert "--no-leader-only" in result.commands[-1].argv
        finally:
            session.close()

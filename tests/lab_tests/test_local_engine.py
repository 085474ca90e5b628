"""Traces on southbound contents that were fetched once: kept while nothing is written, fetched anew after that."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

import pytest

from ko_tui.backend.errors import PolicyRefusal
from ko_tui.backend.ovn.trace_model import Verdict
from ko_tui.backend.session import Session, SessionOptions, open_session
from ko_tui.backend.simulate.live import fetch_southbound
from ko_tui.backend.simulate.southbound import READ
from ko_tui.backend.tracing.local import borrowed, log_position, simulator
from ko_tui.backend.tracing.oneline import parse_line
from ko_tui.cli import main
from tests.lab.places import alive, until
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


def test_a_session_that_stays_gets_what_is_written_and_nothing_else(running_lab: RunningLab) -> None:
    """Every state of the database is the one that a whole fetch gives, and the contents are fetched once."""
    options = SessionOptions(kubeconfig=str(running_lab.kubeconfig), context="admin", stays=True)
    session = open_session(options)
    nbctl = running_lab.cluster.nbctl
    request = replace(parse_line("default/client default/server tcp 8080"), engine="local")

    def verdict() -> Verdict:
        return session.trace(session.plan(request)).explained.verdict

    def same() -> bool:
        mine = simulator(session, max_age=0.0).value.southbound.database
        whole = fetch_southbound(session)
        return all(
            sorted(map(repr, mine.table(name).rows())) == sorted(map(repr, whole.table(name).rows()))
            for name in READ
        )

    acl = ("ovn-default", "to-lport", "3999", "tcp.dst == 8080")
    vlan = "other_config:vlan-passthru=true"
    try:
        assert verdict() is Verdict.DELIVERED
        follower = session.southbound_follower
        assert follower is not None and follower.follows
        first, asked = simulator(session).value, len(running_lab.audit)
        nbctl("--wait=sb", "acl-add", *acl, "drop")
        until(lambda: verdict() is Verdict.DROPPED, "the new ACL to be seen")
        assert simulator(session).value is not first
        nbctl("--wait=sb", "acl-del", *acl, "--", "set", "Logical_Switch", "ovn-default", vlan)
        until(lambda: verdict() is Verdict.DELIVERED, "the ACL to be gone")
        fetched = [r for r in running_lab.audit[asked:] if "command=backup" in r.query]
        assert not fetched, "what is followed is not fetched again"
        until(same, "the contents to be the same")
        assert session.southbound_follower is follower and follower.follows
    finally:
        nbctl("acl-del", *acl)
        nbctl("--wait=sb", "remove", "Logical_Switch", "ovn-default", "other_config", "vlan-passthru")
        session.close()
    until(lambda: not monitors(running_lab), "the monitor to end")


def test_a_follower_that_is_cut_off_is_begun_anew(running_lab: RunningLab) -> None:
    options = SessionOptions(kubeconfig=str(running_lab.kubeconfig), context="admin", stays=True)
    session = open_session(options)
    try:
        first = simulator(session).value
        follower = session.southbound_follower
        assert follower is not None
        (pid,) = monitors(running_lab)
        os.kill(pid, signal.SIGKILL)
        until(lambda: not follower.follows, "the end to be noticed")
        assert follower.take() is None
        running_lab.cluster.nbctl("--wait=sb", "set", "Logical_Switch", "ovn-default", "other_config:x=y")
        running_lab.cluster.nbctl("--wait=sb", "remove", "Logical_Switch", "ovn-default", "other_config", "x")
        assert simulator(session, max_age=0.0).value is not first
        again = session.southbound_follower
        assert again is not None and again is not follower and again.follows
    finally:
        session.close()
    until(lambda: not monitors(running_lab), "the monitor to end")


def test_strict_mode_and_single_traces_follow_nothing(running_lab: RunningLab) -> None:
    for options in ({"stays": True, "mode": "strict"}, {"stays": False}):
        session = open_session(SessionOptions(str(running_lab.kubeconfig), "admin", **options))  # type: ignore[arg-type]
        with suppress(PolicyRefusal):
            simulator(session)
        assert session.southbound_follower is None
        session.close()
    assert not monitors(running_lab)


def monitors(lab: RunningLab) -> list[int]:
    """The ovsdb-client processes that follow this lab's database."""
    found = []
    for index in range(3):
        for pid in lab.cluster.central_place(index).pids():
            with suppress(OSError):
                words = Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")
                if words[0] == b"ovsdb-client" and b"monitor" in words and alive(pid):
                    found.append(pid)
    return found


def test_both_engines_agree(running_lab: RunningLab, capsys: pytest.CaptureFixture[str]) -> None:
    words = ["--kubeconfig", str(running_lab.kubeconfig), "--context", "admin", "trace"]
    assert main([*words, "default/client", "default/server", "tcp", "8080", "--engine", "both"]) == 0
    assert "  ! " not in capsys.readouterr().out


def test_the_local_engine_says_how_old_its_contents_are(session: Session) -> None:
    request = replace(parse_line("default/client default/server icmp"), engine="local")
    result = session.trace(session.plan(request))
    assert result.explained.verdict is Verdict.DELIVERED
    assert any("southbound contents that are" in note for note in result.explained.notes)

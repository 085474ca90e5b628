"""The lead of a database moves between the question who leads and the command, or while it runs."""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from ko_tui.backend.cluster import leading
from ko_tui.backend.cluster.leader import Database
from ko_tui.backend.command.run import CommandRun
from ko_tui.backend.command.tools import prepare, run_tool
from ko_tui.backend.operations.backup import backup
from ko_tui.backend.ovn.trace_model import Verdict
from ko_tui.backend.session import Session, SessionOptions
from ko_tui.backend.source.interface import Cancel, ExecCancelled
from ko_tui.backend.tracing.oneline import parse_line
from tests.lab.places import until
from tests.lab.running import RunningLab
from tests.unit.source_lab import opened

pytestmark = pytest.mark.lab
LINE = "default/client default/server icmp"
WORDS = {
    "nb": ("ovn-nbctl", ["nbctl", "--bare", "--columns=name", "list", "Logical_Router"], "ovn-cluster"),
    "sb": ("ovn-sbctl", ["sbctl", "--bare", "--columns=hostname", "list", "Chassis"], "kube-ovn-worker"),
}


class Moving:
    """A lab whose leaders move on request, and a session on it that has the old ones in mind."""

    def __init__(self, lab: RunningLab, session: Session, ran: list[CommandRun]) -> None:
        self.lab, self.session, self.ran = lab, session, ran

    def move(self, database: Database) -> int:
        """The leader hands its role to another member, as before it writes a snapshot; gives the new one's index."""
        cluster = self.lab.cluster
        before = cluster.leader(database)
        socket = f"/var/run/ovn/ovn{database}_db.ctl"
        cluster.central_place(before).run(
            "ovn-appctl", "-t", socket, "cluster/failure-test", "transfer-leadership"
        )
        until(lambda: cluster.role(before, database) == "follower", "the leader to step down")
        return cluster.leader(database)

    def pod(self, index: int) -> str:
        """The ovn-central pod of a member."""
        from tests.lab.topology import NODES

        pods = self.lab.server.store.all(self.lab.server.controllers.pods, "kube-system")[0]
        (found,) = (
            p.name
            for p in pods
            if p.labels.get("app") == "ovn-central" and p.fields.get("spec.nodeName") == NODES[index].name
        )
        return found

    def of(self, tool: str) -> list[CommandRun]:
        return [run for run in self.ran if run.tool == tool]


@pytest.fixture
def moving(changed_lab: RunningLab) -> Iterator[Moving]:
    ran: list[CommandRun] = []
    with opened(changed_lab) as source:
        session = Session(source, SessionOptions(), audit=lambda run, _a, _r: ran.append(run))
        yield Moving(changed_lab, session, ran)
        session.close()
    changed_lab.faults.clear()


@pytest.mark.parametrize("database", ["nb", "sb"])
def test_a_tool_follows_and_says_nothing_of_the_way(moving: Moving, database: Database) -> None:
    tool, words, shown = WORDS[database]
    old = moving.session.leader(database).pod
    new = moving.pod(moving.move(database))
    out, err = bytearray(), bytearray()
    done = run_tool(moving.session, prepare(words), on_stdout=out.extend, on_stderr=err.extend)
    assert done.exit_code == 0 and shown in out.decode() and not err
    assert [run.pod.name for run in moving.of(tool)] == [old.name, new] != [new, new]


def test_rows_and_a_trace_follow(moving: Moving) -> None:
    session = moving.session
    plan = session.plan(parse_line(LINE))
    session.leader("nb")
    for database in ("nb", "sb"):
        moving.move(database)
    assert session.trace(plan).explained.verdict is Verdict.DELIVERED
    assert session.rows("nb", "Logical_Router", ("name",)).value
    for tool in ("ovn-trace", "ovn-nbctl"):
        first, second = moving.of(tool)
        assert first.exit_code == 1 and second.exit_code == 0 and first.pod != second.pod


def test_a_write_is_not_run_twice(moving: Moving) -> None:
    moving.session.leader("nb")
    new = moving.pod(moving.move("nb"))
    call = prepare(["nbctl", "set", "NB_Global", ".", "external_ids:moved=1"], "allow-write")
    assert call.decision.writes
    assert run_tool(moving.session, call).exit_code == 0
    (only,) = moving.of("ovn-nbctl")
    assert only.pod.name == new
    moving.lab.cluster.nbctl("remove", "NB_Global", ".", "external_ids", "moved")


def test_a_backup_is_taken_again_where_the_lead_went(moving: Moving, tmp_path: Path) -> None:
    """ovsdb-client asks nobody for its role: without another look a follower's answer would pass for the leader's."""
    session, moved = moving.session, []

    def progress(_size: int) -> None:
        if not moved:
            moved.append(moving.pod(moving.move("nb")))

    old = session.leader("nb").pod.name
    done = backup(session, "nb", tmp_path / "saved.db", on_progress=progress)
    assert [run.pod.name for run in moving.of("ovsdb-client")] == [old, moved[0]]
    assert done.certain and moved[0] in done.pod
    assert done.sha256 == hashlib.sha256(done.path.read_bytes()).hexdigest()
    assert done.size == done.path.stat().st_size


def test_a_lead_that_goes_on_moving_is_said(moving: Moving, tmp_path: Path) -> None:
    runs = lambda: len(moving.of("ovsdb-client"))  # noqa: E731
    seen: list[int] = []

    def progress(_size: int) -> None:
        if runs() not in seen:
            seen.append(runs())
            moving.move("nb")

    done = backup(moving.session, "nb", tmp_path / "saved.db", on_progress=progress)
    assert not done.certain and "moved while it was read" in done.why and runs() == 2


def test_a_leader_that_dies_under_a_trace(moving: Moving) -> None:
    """Its pod stays and says nothing more: the election is waited for, and the trace is the whole one."""
    session, cluster = moving.session, moving.lab.cluster
    plan = session.plan(parse_line(LINE))
    session.leader("sb")
    dead = cluster.leader("sb")
    cluster.kill_raft_member(dead, "sb")
    try:
        result = session.trace(plan)
        assert result.explained.verdict is Verdict.DELIVERED
        assert not [note for note in result.explained.notes if "out of date" in note]
        assert result.commands[-1].pod.name != moving.pod(dead)
    finally:
        cluster.start_raft_member(dead, "sb")


def test_a_cut_in_the_middle_of_a_list_is_never_half_a_list(moving: Moving) -> None:
    """The stream breaks once: what came before is dropped, and the whole comes from the leader."""
    whole = moving.session.flows("ovn-cluster").value
    moving.session.answers.forget()
    with moving.lab.faults.active("cut_stream", command="lflow-list", after=30_000, times=1) as fault:
        again = moving.session.flows("ovn-cluster").value
    assert fault.hits == 1 and len(again) == len(whole) > 100


def test_what_was_shown_is_not_shown_twice(moving: Moving) -> None:
    """A tool's output went to the person already when the stream broke: an error, and no second output behind it."""
    out = bytearray()
    call = prepare(["sbctl", "lflow-list"])
    with (
        moving.lab.faults.active("cut_stream", command="lflow-list", after=30_000),
        pytest.raises(Exception, match="cut"),
    ):
        run_tool(moving.session, call, on_stdout=out.extend)
    assert out and len(moving.of("ovn-sbctl")) == 1


def test_waiting_for_an_election_is_cancelled_at_once(
    moving: Moving, monkeypatch: pytest.MonkeyPatch
) -> None:
    session, cluster = moving.session, moving.lab.cluster
    plan = session.plan(parse_line(LINE))
    session.leader("sb")
    dead = [cluster.leader("sb")]
    dead.append((dead[0] + 1) % 3)
    monkeypatch.setattr(leading, "ELECTION_S", 600.0)
    cancel = Cancel()
    ended: list[object] = []

    def trace() -> None:
        try:
            ended.append(session.trace(plan, cancel=cancel))
        except ExecCancelled as error:
            ended.append(error)

    for index in dead:
        cluster.kill_raft_member(index, "sb")
    try:
        tracing = threading.Thread(target=trace)
        tracing.start()
        until(lambda: moving.of("ovn-trace"), "the first ovn-trace to be turned away")
        cancel.cancel()
        tracing.join(20)
        assert not tracing.is_alive() and isinstance(ended[0], Exception), ended
    finally:
        for index in dead:
            cluster.start_raft_member(index, "sb")
    cluster.leader("sb")

"""Every pod of ovn-central is down but one, and that one has lost its cluster: Kube-OVN calls it not ready, OVN's own
tools take no answer from it. What it holds is read all the same; what needs a leader says so."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from ko_tui.app import KoTuiApp
from ko_tui.backend.command.runner import Runner
from ko_tui.backend.ovn.trace_model import Verdict
from ko_tui.backend.session import Session, SessionOptions
from ko_tui.backend.source.handshake import Timing
from ko_tui.backend.source.interface import ExecResult, PodRef
from ko_tui.backend.source.live import LiveSource
from ko_tui.backend.tracing.oneline import parse_line
from tests.lab.central_pods import DAEMONS, daemon_pid
from tests.lab.places import end, until
from tests.lab.running import RunningLab
from tests.lab.topology import NAMESPACE, NODES
from tests.lab_tests.command_line import CommandLine
from tests.lab_tests.conftest import need_lab
from tests.screens.conftest import Driven, own_files
from tests.unit.source_lab import opened

__all__ = ["own_files"]
pytestmark = pytest.mark.lab
SURVIVOR = 1
SCHEMA = {"nb": "OVN_Northbound", "sb": "OVN_Southbound"}


def central(lab: RunningLab) -> list[str]:
    """The ovn-central pods in the order of their nodes."""
    pods = lab.server.store.all(lab.server.controllers.pods, NAMESPACE)[0]
    by_node = {p.fields["spec.nodeName"]: p.name for p in pods if p.labels.get("app") == "ovn-central"}
    return [by_node[node.name] for node in NODES]


def set_ready(lab: RunningLab, name: str, ready: bool) -> None:
    def change(pod: dict[str, Any]) -> None:
        for condition in pod["status"]["conditions"]:
            if condition["type"] in ("Ready", "ContainersReady"):
                condition["status"] = str(ready)

    lab.patch("Pod", name, NAMESPACE, change)


def cut_off(lab: RunningLab) -> bool:
    place = lab.cluster.central_place(SURVIVOR)
    said = [
        place.run("ovn-appctl", "-t", f"/var/run/ovn/ovn{short}_db.ctl", "cluster/status", name).stdout
        for short, name in SCHEMA.items()
    ]
    return all("disconnected" in each for each in said)


class Patient:
    """A source whose commands have no limit of their own."""

    def __init__(self, source: LiveSource) -> None:
        self._source = source

    def exec(self, pod: PodRef, argv: Sequence[str], **options: Any) -> ExecResult:
        return self._source.exec(pod, argv, **(options | {"timeout": 600.0}))


@pytest.fixture(scope="module")
def left() -> Iterator[RunningLab]:
    """A lab with one ovn-central left: of the two others one has no daemons, the other's node does not answer."""
    need_lab()
    with RunningLab() as lab:
        names = central(lab)
        for index, name in enumerate(names):
            set_ready(lab, name, False)
            if index != SURVIVOR:
                place = lab.cluster.central_place(index)
                end([pid for pid in (daemon_pid(place, daemon) for daemon in DAEMONS) if pid])
        said = "error dialing backend: dial tcp 172.18.0.4:10250: connect: no route to host"
        lab.faults.add("http_status", path=f"{names[2]}/exec", code=500, message=said)
        until(lambda: cut_off(lab), "the survivor to lose its cluster")
        yield lab


@contextmanager
def session_on(lab: RunningLab) -> Iterator[Session]:
    with opened(lab) as source:
        session = Session(source, SessionOptions())
        yield session
        session.close()


def test_status_says_what_is_lost_and_tells_the_rest(left: RunningLab, line: CommandLine) -> None:
    done = line(left, "status", "--json")
    said = json.loads(done.out)
    assert done.status == 2 and said["severity"] == "critical" and "Traceback" not in done.err
    titles = [finding["title"] for finding in said["findings"]]
    assert titles[:2] == [f"{name} has lost its majority" for name in SCHEMA.values()]
    # What is in the databases is read from the one that is left.
    assert len(said["chassis"]) == len(NODES) and all(c["tunnel_ip"] for c in said["chassis"])
    assert said["logical_flows"] > 100 and not said["partial"]


@pytest.mark.parametrize("database", ["nb", "sb"])
def test_every_member_is_in_the_table(left: RunningLab, line: CommandLine, database: str) -> None:
    done = line(left, database, "status", "--json")
    members = json.loads(done.out)[SCHEMA[database]]
    names = central(left)
    assert (
        done.status == 1 and [m["pod"] for m in sorted(members, key=lambda m: names.index(m["pod"]))] == names
    )
    problems = {m["pod"]: m["problem"] or m["status"] for m in members}
    assert "not running" in problems[names[0]]
    assert "disconnected" in problems[names[1]]
    assert "no route to host" in problems[names[2]]


def test_a_trace_is_made_of_what_is_left_and_says_so(left: RunningLab) -> None:
    with session_on(left) as session:
        result = session.trace(session.plan(parse_line("default/client default/server icmp")))
    assert result.explained.verdict is Verdict.DELIVERED and result.engine == "local"
    notes = "\n".join(result.explained.notes)
    assert "lost its cluster" in notes and "out of date" in notes and central(left)[SURVIVOR] in notes


@pytest.mark.parametrize("words", [("nbctl", "show"), ("sbctl", "--no-leader-only", "show")])
def test_a_tool_that_gets_no_answer_says_why(
    left: RunningLab, line: CommandLine, words: tuple[str, ...]
) -> None:
    done = line(left, *words)
    assert done.status == 3 and not done.out
    assert f"No server of {SCHEMA[words[0][:2]]} says that it leads" in done.err
    assert "not even with --no-leader-only" in done.err and "ko-tui nb backup" in done.err


def test_a_write_says_that_nobody_leads(left: RunningLab, line: CommandLine) -> None:
    done = line(left, "--allow-write", "--yes", "nbctl", "nbctl", "lr-add", "nobody")
    assert done.status == 3 and "says that it leads" in done.err


def test_a_backup_of_what_is_left(left: RunningLab, line: CommandLine, tmp_path: Path) -> None:
    done = line(left, "nb", "backup", str(tmp_path / "left.db"))
    assert done.status == 0 and "verified" in done.out and "may be out of date" in done.err


def test_conditions_and_records_mean_what_they_mean_to_the_tools(
    left: RunningLab, running_lab: RunningLab
) -> None:
    questions: list[tuple[str, tuple[str, ...], tuple[str, ...], str]] = [
        ("Logical_Router", ("name",), (), ""),
        ("Logical_Switch", ("name", "load_balancer"), ("name=ovn-default",), ""),
        ("Logical_Switch", ("name",), ("external_ids:vendor=kube-ovn",), ""),
        ("Logical_Switch_Port", ("name", "addresses"), (), "client.default"),
        ("Logical_Switch_Port", ("name",), (), "no-such-port"),
    ]
    with session_on(left) as session, session_on(running_lab) as whole:
        for question in questions:
            table, columns, where, record = question
            # Two clusters built alike: what has no random name is the same in both.
            here, there = (
                sorted(str(r["name"]) for r in s.rows("nb", table, columns, where=where, record=record).value)
                for s in (session, whole)
            )
            assert here == there and (here or record == "no-such-port"), question


def test_flows_of_a_datapath(left: RunningLab, running_lab: RunningLab) -> None:
    with session_on(left) as session, session_on(running_lab) as whole:
        assert len(session.flows("ovn-default").value) == len(whole.flows("ovn-default").value) > 100


def test_lost_nodes_are_not_waited_for(left: RunningLab) -> None:
    """Nobody answers for the two others, ever; the survivor is asked on while they are still silent."""
    names = central(left)
    hung = left.faults.add("no_handshake", pod=f"({names[0]}|{names[2]})$")
    try:
        with opened(left, timing=Timing(handshake=600.0)) as source:
            session = Session(source, SessionOptions())
            session.runner = Runner(Patient(source))  # type: ignore[arg-type]
            assert session.leader("nb").pod.name == names[SURVIVOR] and hung.hits
            assert session.rows("nb", "Logical_Router", ("name",)).value
            session.close()
    finally:
        left.faults.remove(hung)


async def test_the_status_screen(left: RunningLab) -> None:
    messages: list[Any] = []
    with opened(left) as source:
        app = KoTuiApp(lambda: Session(source, SessionOptions(namespace=NAMESPACE)))
        async with app.run_test(size=(140, 40), message_hook=messages.append) as pilot:
            driven = Driven(app, pilot, messages)
            await driven.press("1")
            await driven.sees("OVN_Northbound has lost its majority", "OVN_Southbound has lost its majority")
            await driven.sees("NB 1/3, no leader", "SB 1/3, no leader", "northd 0 active", "nodes 3/3")


def test_a_leader_whose_pod_is_not_ready_is_still_the_leader(changed_lab: RunningLab) -> None:
    """northd has ended beside it, so Kube-OVN calls the pod not ready; the database is led all the same."""
    lab = changed_lab
    leader = central(lab)[lab.cluster.leader("nb")]
    lab.labels.freeze("nb")
    set_ready(lab, leader, False)
    try:
        with session_on(lab) as session:
            found = session.leader("nb")
            assert found.certain and found.pod.name == leader and "not ready" in found.why
            assert session.rows("nb", "Logical_Router", ("name",)).value
    finally:
        set_ready(lab, leader, True)
        lab.labels.follow()

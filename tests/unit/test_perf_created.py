"""What is made in a cluster for a while: noted before, labelled, always removed, and found when it was not."""

from __future__ import annotations

import json
import os
import pty
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from ko_tui.backend.errors import PolicyRefusal
from ko_tui.backend.operations.created import (
    MANAGED,
    NAME,
    RUN_LABEL,
    UNTIL_NOTE,
    Creation,
    find_leftovers,
    remove,
)
from ko_tui.backend.operations.created_journal import read_all
from ko_tui.backend.operations.perf import NotReady, plan_perf, run_perf
from ko_tui.backend.operations.perf_model import PerfResult
from ko_tui.backend.operations.perf_objects import client_pod, service
from ko_tui.backend.session import Session, SessionOptions, open_session
from ko_tui.backend.source.interface import ApiUnavailable, Cancel, Forbidden
from ko_tui.backend.source.kinds import PODS, SERVICES
from ko_tui.backend.source.objects import KubeObject
from ko_tui.cli import main
from tests.lab.handle import ApiOnlyLab
from tests.lab.places import until
from tests.lab.topology import NAMESPACE, WORKER

OURS = f"{MANAGED}={NAME}"


@pytest.fixture(autouse=True)
def state(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
    return tmp_path / "ko-tui" / "created"


@pytest.fixture
def session(own_api: ApiOnlyLab) -> Iterator[Session]:
    opened = open_session(SessionOptions(str(own_api.kubeconfig), "admin", mode="allow-write"))
    yield opened
    opened.close()


def words(lab: ApiOnlyLab, *more: str) -> list[str]:
    return [*more[:1], "--kubeconfig", str(lab.kubeconfig), "--context", "admin", *more[1:]]


def ours(lab: ApiOnlyLab) -> list[str]:
    found = []
    for kind in ("Pod", "Service", "DaemonSet"):
        entries = lab.server.store.all(lab.server.catalogue.of(kind), NAMESPACE)[0]
        found += [e.name for e in entries if e.labels.get(MANAGED) == NAME]
    return sorted(found)


def make_two(session: Session, made: Creation) -> None:
    made.create(PODS, client_pod(made, node=WORKER, image="image", host=False))
    made.create(SERVICES, service(made))


def test_it_is_noted_before_it_is_made_and_gone_at_the_end(
    own_api: ApiOnlyLab, session: Session, state: Path
) -> None:
    seen: list[tuple[str, list[str], set[str]]] = []

    def heard(text: str) -> None:
        if text.startswith("creating"):
            (path,) = state.glob("*.json")
            noted = [thing["name"] for thing in json.loads(path.read_bytes())["things"]]
            seen.append((text.split("/")[-1], noted, read_all()[1]))
            assert text.split("/")[-1] not in ours(own_api)

    with Creation(session, "perf", on_text=heard) as made:
        make_two(session, made)
        names = [name for name, _, _ in seen]
        assert sorted(names) == ours(own_api)
        assert [noted for _, noted, _ in seen] == [names[:1], names]
        assert all(alive == {made.run} for *_, alive in seen), "a run under way is no leftover"
        assert find_leftovers(session) == []
        pod = session.source.get(PODS, NAMESPACE, names[0])
        assert pod.labels[RUN_LABEL] == made.run and pod.annotations[UNTIL_NOTE]
    assert made.left == [] and ours(own_api) == [] and list(state.iterdir()) == []


def test_it_is_removed_when_the_work_fails(own_api: ApiOnlyLab, session: Session, state: Path) -> None:
    with pytest.raises(ZeroDivisionError), Creation(session, "perf") as made:
        make_two(session, made)
        _ = 1 // 0
    assert ours(own_api) == [] and list(state.iterdir()) == []


def test_an_api_server_that_is_away_for_a_while(own_api: ApiOnlyLab, session: Session) -> None:
    heard: list[str] = []
    with Creation(session, "perf", on_text=heard.append) as made:
        make_two(session, made)
        own_api.faults.add("http_status", code=503, verb="delete", times=2)
    assert made.left == [] and ours(own_api) == []
    assert any("away" in text for text in heard)


def test_what_was_made_though_its_answer_was_lost(
    own_api: ApiOnlyLab, session: Session, monkeypatch: pytest.MonkeyPatch
) -> None:
    create = session.source.create

    def lost(*arguments: Any) -> KubeObject:
        create(*arguments)
        raise ApiUnavailable("The connection broke.")

    with pytest.raises(ApiUnavailable), Creation(session, "perf") as made:
        monkeypatch.setattr(session.source, "create", lost)
        make_two(session, made)
    assert made.left == [] and ours(own_api) == []


def test_what_may_not_be_deleted_is_told_and_remembered(
    own_api: ApiOnlyLab, session: Session, state: Path
) -> None:
    with (
        own_api.faults.active("http_status", code=403, verb="delete", path="/pods/"),
        Creation(session, "perf") as made,
    ):
        make_two(session, made)
    (left,) = made.left
    assert Forbidden.title in left and len(ours(own_api)) == 1
    (leftover,) = find_leftovers(session)
    assert leftover.here and not leftover.busy and leftover.run == made.run
    assert remove(session, [leftover]) == [] and ours(own_api) == [] and list(state.glob("*.json")) == []


def test_only_what_carries_the_label_is_touched(own_api: ApiOnlyLab, session: Session) -> None:
    with Creation(session, "perf") as made:
        pod = made.create(PODS, client_pod(made, node=WORKER, image="image", host=False))
        session.source.patch(PODS, NAMESPACE, pod.name, {"metadata": {"labels": {RUN_LABEL: "another"}}})
    assert made.left == []
    assert ours(own_api) == [pod.name]


def test_nothing_is_made_read_only(own_api: ApiOnlyLab, state: Path) -> None:
    session = open_session(SessionOptions(str(own_api.kubeconfig), "admin"))
    with pytest.raises(PolicyRefusal, match="read-only"):
        Creation(session, "perf")
    with pytest.raises(PolicyRefusal, match="read-only"):
        remove(session, [])
    session.close()
    assert not state.exists()


KILLED = """
import sys, time
from ko_tui.backend.operations.created import Creation
from ko_tui.backend.operations.perf_objects import client_pod, service
from ko_tui.backend.session import SessionOptions, open_session
from ko_tui.backend.source.kinds import PODS, SERVICES
session = open_session(SessionOptions(sys.argv[1], "admin", mode="allow-write"))
with Creation(session, "perf") as made:
    made.create(PODS, client_pod(made, node=sys.argv[2], image="image", host=False))
    made.create(SERVICES, service(made))
    print("made", flush=True)
    time.sleep(600)
"""


@pytest.fixture
def killed(own_api: ApiOnlyLab) -> list[str]:
    """The names of what a run has left that was killed."""
    command = [sys.executable, "-c", KILLED, str(own_api.kubeconfig), WORKER]
    with subprocess.Popen(command, stdout=subprocess.PIPE, env=dict(os.environ)) as process:
        assert process.stdout is not None and process.stdout.readline() == b"made\n"
        process.send_signal(signal.SIGKILL)
    names = ours(own_api)
    assert len(names) == 2
    return names


def test_a_killed_run_is_told_of_and_removed(
    own_api: ApiOnlyLab, killed: list[str], capsys: pytest.CaptureFixture[str], state: Path
) -> None:
    assert main(words(own_api, "preflight")) == 0
    told = capsys.readouterr().err
    assert all(name in told for name in killed)
    assert "was killed" in told and "--context admin --allow-write cleanup" in told
    assert main(words(own_api, "cleanup")) == 1
    out, told = capsys.readouterr()
    assert all(name in out for name in killed) and "read-only" in told and ours(own_api) == killed
    assert main(words(own_api, "cleanup", "--allow-write", "--yes", "other")) == 2
    assert ours(own_api) == killed
    capsys.readouterr()
    assert main(words(own_api, "cleanup", "--allow-write", "--yes", "cleanup", "--json")) == 0
    assert ours(own_api) == [] and list(state.glob("*.json")) == []
    (shown,) = json.loads(capsys.readouterr().out)
    assert sorted(thing["name"] for thing in shown["things"]) == killed and shown["operation"] == "perf"
    assert main(words(own_api, "cleanup")) == 0
    assert main(words(own_api, "preflight")) == 0
    assert "killed" not in capsys.readouterr().err


def test_another_machine_finds_it_by_its_label(
    own_api: ApiOnlyLab,
    killed: list[str],
    capsys: pytest.CaptureFixture[str],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """It may be under way there until its time is over, and is left alone until then."""
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "another"))
    assert main(words(own_api, "cleanup", "--allow-write", "--yes", "cleanup")) == 1
    assert "may still be at it" in capsys.readouterr().out and ours(own_api) == killed

    def over(item: dict[str, Any]) -> None:
        item["metadata"]["annotations"][UNTIL_NOTE] = "2020-01-01T00:00:00Z"

    for name in killed:
        own_api.patch("Pod" if "client" in name else "Service", name, NAMESPACE, over)
    assert main(words(own_api, "cleanup", "--allow-write", "--yes", "cleanup")) == 0
    assert ours(own_api) == []


def test_a_journal_of_what_somebody_else_has_removed_is_forgotten(
    own_api: ApiOnlyLab, session: Session, killed: list[str], state: Path
) -> None:
    for name in killed:
        session.source.delete(PODS if "client" in name else SERVICES, NAMESPACE, name)
    until(lambda: ours(own_api) == [], "them to be gone")
    assert find_leftovers(session) == [] and list(state.iterdir()) == []


@pytest.mark.parametrize(("answer", "left"), [(b"remove\n", 0), (b"\n", 2)])
def test_removal_is_offered_on_a_terminal(
    own_api: ApiOnlyLab, killed: list[str], answer: bytes, left: int
) -> None:
    """And then perf asks its own question, which is answered with no."""
    ours_end, its_end = pty.openpty()
    argv = [sys.executable, "-m", "ko_tui", *words(own_api, "perf", "--allow-write")]
    os.write(ours_end, answer + b"no\n")
    done = subprocess.run(argv, stdin=its_end, capture_output=True, timeout=60)
    os.close(ours_end)
    os.close(its_end)
    assert done.returncode == 2 and b"Type remove to remove it first" in done.stderr
    assert b"Type perf to go on" in done.stderr and len(ours(own_api)) == left


def test_busy_ones_are_removed_on_demand(
    own_api: ApiOnlyLab, killed: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "another"))
    assert main(words(own_api, "cleanup", "--busy", "--allow-write", "--yes", "cleanup")) == 0
    assert ours(own_api) == []


def test_a_journal_of_another_cluster_is_not_ours_to_remove(
    own_api: ApiOnlyLab, killed: list[str], state: Path
) -> None:
    with ApiOnlyLab() as other:
        session = open_session(SessionOptions(str(other.kubeconfig), "admin", mode="allow-write"))
        assert find_leftovers(session) == []
        session.close()
    assert len(list(state.glob("*.json"))) == 1


def test_a_broken_journal_stops_nothing(state: Path, capsys: pytest.CaptureFixture[str]) -> None:
    state.mkdir(parents=True)
    (state / "torn.json").write_text('{"run": "to')
    assert main(["config"]) == 0
    assert read_all() == ([], set())
    assert capsys.readouterr().err == ""


# -- perf where the pods can be started, but nothing measured ---------------------------------------------------


def perf(session: Session, **more: Any) -> PerfResult:
    plan = plan_perf(session, image="image", parts=("host",), sizes=(64,), seconds=1)
    return run_perf(session, plan, **{"on_text": str, "on_row": print, "cancel": Cancel(), **more})


def test_pods_that_do_not_start(
    own_api: ApiOnlyLab, session: Session, monkeypatch: pytest.MonkeyPatch
) -> None:
    from tests.lab.api import controllers

    monkeypatch.setattr(controllers, "START_DELAY", 3600.0)
    result = perf(session, ready_seconds=0.5)
    assert NotReady.title in result.problem and "ko-tui-perf-server" in result.problem
    assert not result.complete and result.left == [] and ours(own_api) == []


def test_a_tool_that_is_not_in_the_image(own_api: ApiOnlyLab, session: Session) -> None:
    for tool in ("qperf", "iperf3"):
        (own_api.bin / tool).write_text("#!/bin/sh\necho no such thing >&2\nexit 1\n")
        (own_api.bin / tool).chmod(0o755)
    result = perf(session)
    ((row,),) = [section.rows for section in result.sections]
    assert row.tcp_bits is None and any("no such thing" in problem for problem in row.problems)
    assert not result.complete and result.problem == "" and ours(own_api) == []


def test_a_cancel_ends_the_measuring_and_removes(own_api: ApiOnlyLab, session: Session) -> None:
    began = own_api.directory / "began"
    (own_api.bin / "qperf").write_text(f"#!/bin/sh\ntouch {began}\nexec sleep 600\n")
    (own_api.bin / "qperf").chmod(0o755)
    cancel = Cancel()

    def give_up() -> None:
        until(began.exists, "qperf to run")
        cancel.cancel()

    thread = threading.Thread(target=give_up)
    thread.start()
    result = perf(session, cancel=cancel)
    thread.join()
    assert "Cancelled" in result.problem and ours(own_api) == []

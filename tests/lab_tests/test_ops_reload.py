"""``ko-tui reload`` on rollouts that go on, that stick, and that are stopped."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator

import pytest

from ko_tui.backend.operations.model import quiet
from ko_tui.backend.operations.reload import COMPONENTS
from ko_tui.backend.operations.rollout import RolloutStuck, wait_for
from ko_tui.backend.session import SessionOptions, open_session
from ko_tui.backend.source.interface import Cancel
from ko_tui.backend.source.kinds import DEPLOYMENTS, PODS
from ko_tui.cli import main
from tests.lab.api.runtime import Sandbox
from tests.lab.places import until
from tests.lab.running import RunningLab
from tests.lab.topology import NAMESPACE
from tests.lab_tests.command_line import CommandLine

pytestmark = pytest.mark.lab
NAMES = [name for name, _ in COMPONENTS]
APPS = {"ovs-ovn": "ovs"}


def names(lab: RunningLab, component: str) -> set[str]:
    pods = lab.server.store.all(lab.server.controllers.pods, NAMESPACE)[0]
    return {p.name for p in pods if p.labels.get("app") == APPS.get(component, component)}


@pytest.fixture
def stuck(changed_lab: RunningLab, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """A component whose new pods do not start; they do afterwards."""
    component = "kube-ovn-controller"
    runtime = changed_lab.runtime
    start = runtime.start_pod

    def start_pod(sandbox: Sandbox) -> dict[str, str]:
        if sandbox.app == component:
            raise OSError("no such image")
        return start(sandbox)

    monkeypatch.setattr(runtime, "start_pod", start_pod)
    yield component
    monkeypatch.undo()
    controllers = changed_lab.server.controllers
    for entry in controllers.store.all(controllers.pods, NAMESPACE)[0]:
        if entry.labels.get("app") == component and entry.fields.get("status.phase") == "Pending":
            controllers.delete(controllers.pods, entry, 0)
    until(
        lambda: changed_lab.get("Deployment", component, NAMESPACE)["status"].get("availableReplicas") == 3,
        "the component to come back",
    )


def test_the_first_that_fails_ends_it(changed_lab: RunningLab, line: CommandLine) -> None:
    failing = "kube-ovn-controller"
    before = {name: names(changed_lab, name) for name in NAMES}
    refused = {"verb": "delete", "path": f"/pods/{failing}-", "code": 403, "message": "not this one"}
    with changed_lab.faults.active("http_status", **refused):
        done = line(changed_lab, "reload", "--allow-write", "--yes", "kube-ovn")
    assert done.status == 3
    shown = [
        text.split()[:-1] if "not reached" in text else text.split()[:2] for text in done.out.splitlines()
    ]
    at = NAMES.index(failing)
    assert [words[0] for words in shown] == ["done"] * at + ["failed"] + ["not"] * (len(NAMES) - at - 1), done
    assert "not this one" in done.out
    changed = {name for name in NAMES if names(changed_lab, name) != before[name]}
    assert changed == set(NAMES[:at])


def test_one_that_does_not_come_back(changed_lab: RunningLab, stuck: str) -> None:
    options = SessionOptions(kubeconfig=str(changed_lab.kubeconfig), context="admin", mode="allow-write")
    session = open_session(options)
    try:
        pods = session.source.list(PODS, namespace=NAMESPACE, label_selector=f"app={stuck}").items
        for pod in pods:
            session.source.delete(PODS, NAMESPACE, pod.name)
        until(lambda: not names(changed_lab, stuck) & {p.name for p in pods}, "the old pods to go")
        with pytest.raises(RolloutStuck, match=f"{stuck}: 0 of 3 available") as raised:
            wait_for(session, DEPLOYMENTS, stuck, seconds=1, on_text=quiet, cancel=Cancel())
        assert "kubectl describe" in raised.value.next_step
    finally:
        session.close()


def test_everything_comes_back(changed_lab: RunningLab, line: CommandLine) -> None:
    before = {name: names(changed_lab, name) for name in NAMES}
    done = line(changed_lab, "reload", "--allow-write", "--yes", "kube-ovn")
    assert done.status == 0, done
    assert [text.split()[:2] for text in done.out.splitlines()] == [["done", name] for name in NAMES]
    assert not any(names(changed_lab, name) & before[name] for name in NAMES)
    roles = sorted(changed_lab.cluster.role(index, "sb") for index in range(3))
    assert roles == ["follower", "follower", "leader"]
    until(lambda: changed_lab.cluster.ping("default/client", "10.16.0.12", 1), "pings to arrive again")


def test_nothing_without_its_name(changed_lab: RunningLab, line: CommandLine) -> None:
    before = {name: names(changed_lab, name) for name in NAMES}
    for words in (("--allow-write",), ("--allow-write", "--yes", "admin")):
        refused = line(changed_lab, "reload", *words)
        assert refused.status == 2 and "--yes kube-ovn" in refused.err
        assert "delete the pods of ovn-central; restart ovs-ovn" in refused.err
    assert before == {name: names(changed_lab, name) for name in NAMES}


@pytest.mark.parametrize("more", [[], ["--allow-write", "--read-only-strict"]])
def test_read_only_needs_no_cluster(more: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--kubeconfig", "no-such-file", "reload", *more, "--yes", "kube-ovn"]) == 2
    assert "read-only" in capsys.readouterr().err


def test_stopped_on_the_way(changed_lab: RunningLab, stuck: str, line: CommandLine) -> None:
    """It says how far it came, and that what was begun goes on in the cluster."""
    process = line.start(changed_lab, "reload", "--allow-write", "--yes", "kube-ovn", "--seconds", "120")
    until(
        lambda: changed_lab.get("Deployment", stuck, NAMESPACE)["status"].get("availableReplicas", 0) < 3,
        "the component to go down",
        60,
    )
    os.kill(process.pid, signal.SIGINT)
    out, err = process.communicate(timeout=20)
    assert process.returncode == 3 and "Traceback" not in err
    shown = out.splitlines()
    assert [text.split()[0] for text in shown] == ["done", "done", "failed", "not", "not", "not"], out
    assert "are being replaced in the cluster" in out or "goes on in the cluster" in out

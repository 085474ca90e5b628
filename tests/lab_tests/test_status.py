"""The control plane's health on a real cluster, well and with real faults."""

from __future__ import annotations

import json
import re
import shlex
import shutil
import subprocess
from collections.abc import Callable, Iterator

import pytest

from ko_tui.backend.health.collect import collect
from ko_tui.backend.health.model import Health, Severity
from ko_tui.backend.session import Session, SessionOptions, open_session
from ko_tui.cli import main
from tests.lab.api import controllers
from tests.lab.places import until
from tests.lab.running import RunningLab

pytestmark = pytest.mark.lab


def opened(lab: RunningLab) -> Session:
    return open_session(SessionOptions(kubeconfig=str(lab.kubeconfig), context="admin"))


@pytest.fixture(scope="module")
def broken() -> Iterator[RunningLab]:
    """A lab of its own: what is broken here is mended before the next test."""
    with RunningLab() as lab:
        yield lab


def health_when(lab: RunningLab, condition: Callable[[Health], bool]) -> Health:
    """Look until ``condition`` holds."""
    found: list[Health] = []

    def look() -> bool:
        session = opened(lab)
        try:
            found[:] = [collect(session)]
        finally:
            session.close()
        return condition(found[0])

    until(look, "the health to show it", 30, 0.1)
    return found[0]


def keys(health: Health) -> set[str]:
    return {finding.key for finding in health.findings}


def test_a_well_cluster(running_lab: RunningLab) -> None:
    session = opened(running_lab)
    health = collect(session)
    session.close()
    assert health.severity is None, health.findings
    assert not health.partial and health.exit_code == 0
    for database in ("nb", "sb"):
        members = health.members[database]  # type: ignore[index]
        assert sorted(m.status.role for m in members) == ["follower", "follower", "leader"]
        assert all(m.storage == "ok" for m in members)
    assert sorted(n.state for n in health.northd) == ["active", "standby", "standby"]
    assert all(c.registered and c.controller == "connected" and c.flows for c in health.chassis)
    assert health.logical_flows and health.mac_bindings is not None
    assert {c.name for c in health.components} >= {
        "ovn-central",
        "ovs-ovn",
        "kube-ovn-cni",
        "kube-ovn-controller",
    }


@pytest.mark.skipif(shutil.which("kubectl") is None, reason="kubectl is not installed")
def test_the_commands_that_were_run_can_be_run_by_hand(running_lab: RunningLab) -> None:
    """One of a kind is: they differ by pod and database alone."""
    session = opened(running_lab)
    listed = collect(session).commands
    session.close()
    assert len([c for c in listed if "cluster/status" in c]) == 6
    assert len([c for c in listed if "dump-aggregate br-int" in c]) == 3
    kinds = {re.sub(r"(ovn-central|ovs-ovn)-\S+", "POD", c).replace("ovnnb", "ovnsb"): c for c in listed}
    assert len(kinds) >= 8
    for line in kinds.values():
        done = subprocess.run(
            shlex.split(line), env=running_lab.environment(), capture_output=True, text=True, timeout=40
        )
        assert done.returncode == 0 and done.stdout, f"{line}\n{done.stderr}"


def test_the_command_line(running_lab: RunningLab, capsys: pytest.CaptureFixture[str]) -> None:
    base = ["status", "--kubeconfig", str(running_lab.kubeconfig), "--context", "admin"]
    assert main([*base, "--json"]) == 0
    said = json.loads(capsys.readouterr().out)
    assert said["severity"] == "ok" and len(said["members"]["sb"]) == 3 and len(said["chassis"]) == 3
    assert main(base) == 0
    assert "well" in capsys.readouterr().out
    with running_lab.faults.active("http_status", code=500):
        assert main(base) == 3


def test_who_may_not_exec_learns_nothing_bad(
    running_lab: RunningLab, capsys: pytest.CaptureFixture[str]
) -> None:
    """A monitor without the right to ask is no outage: unknown, and why."""
    base = ["--kubeconfig", str(running_lab.kubeconfig), "--context", "noexec", "status"]
    assert main(base) == 3
    said = capsys.readouterr().out
    assert "noexec: unknown: " in said and 'User "noexec" cannot get resource "pods/exec"' in said
    assert "critical" not in said and re.search(r"ovs-ovn +3/3", said)
    assert main([*base, "--json"]) == 3
    assert json.loads(capsys.readouterr().out)["severity"] == "unknown"


def test_a_dead_member(broken: RunningLab) -> None:
    victim = next(i for i in range(3) if broken.cluster.role(i, "sb") == "follower")
    broken.cluster.kill_raft_member(victim, "sb")
    health = health_when(broken, lambda h: "raft.stale_member" in keys(h))
    finding = next(f for f in health.findings if f.key == "raft.stale_member")
    assert finding.severity is Severity.WARNING and finding.next_step and finding.effect
    assert any(m.problem for m in health.members["sb"])
    broken.cluster.start_raft_member(victim, "sb")
    health_when(broken, lambda h: not keys(h))


def test_a_stuck_member(broken: RunningLab) -> None:
    """It runs and says nothing: its silence holds nobody else up, and is put plainly."""
    victim = next(i for i in range(3) if broken.cluster.role(i, "nb") == "follower")
    pid = broken.cluster.member_pid(victim, "nb")
    broken.cluster.freeze(pid)
    try:
        health = health_when(broken, lambda h: "raft.stale_member" in keys(h))
        problems = [m.problem for m in health.members["nb"] if m.problem]
        assert problems == ["no answer in time: it runs, and is stuck or very busy"]
        assert list(health.members) == ["nb", "sb"] and not health.partial
    finally:
        broken.cluster.thaw(pid)
    health_when(broken, lambda h: not keys(h))


def test_no_quorum(broken: RunningLab) -> None:
    victims = [0, 1]
    for victim in victims:
        broken.cluster.kill_raft_member(victim, "nb")
    health = health_when(broken, lambda h: "raft.no_quorum" in keys(h))
    assert health.findings[0].severity is Severity.CRITICAL and health.exit_code == 2
    for victim in victims:
        broken.cluster.start_raft_member(victim, "nb")
    health_when(broken, lambda h: not keys(h))


def test_northd_paused_and_gone(broken: RunningLab) -> None:
    for index in range(3):
        broken.cluster.pause_northd(index)
    health_when(broken, lambda h: "northd.paused" in keys(h) and h.exit_code == 2)
    for index in range(3):
        broken.cluster.pause_northd(index, resume=True)
    health_when(broken, lambda h: not keys(h))


def test_a_label_on_a_dead_pod(broken: RunningLab) -> None:
    broken.labels.on_dead_pod("nb")
    health_when(broken, lambda h: "label.dead_pod" in keys(h))
    broken.labels.follow()


def test_a_blind_controller(broken: RunningLab) -> None:
    broken.labels.controller_is_blind = True

    def stale(lease: dict[str, dict[str, str]]) -> None:
        lease["spec"]["renewTime"] = "2026-01-01T00:00:00.000000Z"

    broken.patch("Lease", "kube-ovn-controller", "kube-system", stale)
    health = health_when(broken, lambda h: "controller.blind" in keys(h))
    assert (
        "the databases themselves are well"
        in next(f for f in health.findings if f.key == "controller.blind").evidence
    )
    broken.labels.follow()


def test_a_controller_that_renews_its_lease_and_serves_nobody(
    broken: RunningLab, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The pod gets a node, and no address, so that the kubelet cannot start it: raft is well all the while."""
    monkeypatch.setattr(controllers, "START_DELAY", 3600.0)

    def placed(pod: dict[str, dict[str, object]]) -> None:
        pod["spec"]["nodeName"] = "kube-ovn-worker"
        since = "2026-01-01T00:00:00Z"
        pod["status"]["conditions"] = [
            {"type": "PodScheduled", "status": "True", "lastTransitionTime": since}
        ]

    def back(pod: dict[str, dict[str, object]]) -> None:
        del pod["spec"]["nodeName"]

    broken.patch("Pod", "pending", "default", placed)
    health = health_when(broken, lambda h: "controller.pods_wait" in keys(h))
    finding = next(f for f in health.findings if f.key == "controller.pods_wait")
    assert "default/pending" in finding.evidence and "renews its lease" in finding.evidence
    broken.patch("Pod", "pending", "default", back)
    health_when(broken, lambda h: not keys(h))


def test_a_chassis_without_a_node(broken: RunningLab) -> None:
    broken.cluster.sbctl("chassis-add", "11111111-2222-3333-4444-555555555555", "geneve", "172.18.0.99")
    health = health_when(broken, lambda h: "chassis.stray" in keys(h))
    assert health.strays and health.exit_code == 1
    broken.cluster.sbctl("chassis-del", "11111111-2222-3333-4444-555555555555")
    health_when(broken, lambda h: not keys(h))


def test_what_was_counted_is_kept(running_lab: RunningLab) -> None:
    session = opened(running_lab)
    first, second = collect(session), collect(session)
    session.close()
    assert len(first.series["logical_flows"]) == 1 and len(second.series["logical_flows"]) == 2
    assert {name for name in second.series if name.startswith("openflow/")} == {
        f"openflow/{c.node}" for c in second.chassis
    }

"""What is wrong with a control plane: recorded raft clusters in trouble, and one case for each other rule."""

from __future__ import annotations

import json
import lzma
import re
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from ko_tui.backend.cluster.leader import Database
from ko_tui.backend.health.findings import find
from ko_tui.backend.health.history import History
from ko_tui.backend.health.model import (
    ChassisHealth,
    ComponentHealth,
    Finding,
    Health,
    LeaderEndpoint,
    LeaseHealth,
    NorthdHealth,
    RestoreHealth,
    Severity,
    WaitingPod,
)
from ko_tui.backend.operations.members import Member
from ko_tui.backend.ovn.northd import parse_northd
from ko_tui.backend.ovn.raft import RaftStatus, parse_status
from ko_tui.backend.ovs.silence import why_silent

FIXTURE = Path(__file__).parent.parent / "fixtures" / "raft" / "cluster-status.jsonl.xz"
RELEASES = (0, 1)  # the fixture holds each situation of 22.03 first, then of 25.03


def recorded(release: int) -> dict[str, Member]:
    """Every recorded member of one release, by the name of its record."""
    found: list[dict[str, Member]] = [{}, {}]
    with lzma.open(FIXTURE, "rt") as lines:
        for line in lines:
            row = json.loads(line)
            name = row["name"]
            status = parse_status(row["stdout"], row["stderr"])
            problem = status.problem if status.kind in ("silent", "unreadable") else ""
            node = re.search(r"node\d", name)
            pod = f"ovn-central-{node[0] if node else name}"
            storage = "ok" if status.kind == "clustered" else ""
            found[name in found[0]][name] = Member(pod, "n", True, status, storage, problem)
    return found[release]


def cluster(release: int, situation: str, database: Database = "nb") -> Health:
    health = Health(0.0)
    pattern = f"cluster-status-{database}-node"
    health.members[database] = [
        m for name, m in recorded(release).items() if name.startswith(pattern) and name.endswith(situation)
    ]
    assert len(health.members[database]) == 3
    return health


def keys(health: Health) -> list[str]:
    return [f.key for f in find(health)]


@pytest.mark.parametrize("release", RELEASES)
@pytest.mark.parametrize("database", ["nb", "sb"])
def test_recorded_raft_clusters(release: int, database: Database) -> None:
    assert keys(cluster(release, "-healthy", database)) == []
    assert keys(cluster(release, "-follower-stopped", database)) == ["raft.stale_member"]
    assert keys(cluster(release, "-follower-resumed", database)) == []
    assert keys(cluster(release, "-leader-killed-1s", database)) == ["raft.no_leader"]
    assert keys(cluster(release, "-leader-killed-9s", database)) == ["raft.stale_member"]
    lost = find(cluster(release, "-no-quorum-25s", database))
    assert [f.key for f in lost] == ["raft.no_quorum"]
    assert lost[0].severity is Severity.CRITICAL and "1 of 3 members answer, 2 are needed" in lost[0].evidence


def alone(name: str, *more: Member) -> Health:
    health = Health(0.0)
    health.members["nb"] = [recorded(1)[name], *more]
    return health


def test_recorded_members_in_trouble() -> None:
    full = find(alone("raftedge-cluster-status-storage-full"))
    assert [(f.key, f.severity) for f in full] == [
        ("raft.no_leader", Severity.CRITICAL),
        ("raft.status", Severity.CRITICAL),
    ]
    kicked = recorded(1)["raftedge-cluster-status-kicked-member-restarted"]
    found = find(alone("raftedge-cluster-status-member-kicked", kicked))
    stranger = next(f for f in found if f.key == "raft.not_a_member")
    assert kicked.pod in stranger.evidence and "database file" in stranger.next_step
    dead = next(f for f in find(alone("raftedge-cluster-status-member-dead")) if "cc35" in f.title)
    assert "ko-tui nb kick cc35" in dead.next_step and "last heard 4 s ago" in dead.evidence
    joining = find(
        alone(
            "raftedge-cluster-status-member-kicked",
            recorded(1)["raftedge-cluster-status-joining-unreachable"],
        )
    )
    assert "raft.status" in [f.key for f in joining] and "raft.not_a_member" not in [f.key for f in joining]
    assert keys(alone("raftedge-cluster-status-standalone")) == []


def test_a_member_that_waits_for_its_pod_is_not_to_be_kicked() -> None:
    finding = find(cluster(1, "-follower-stopped"))[0]
    assert "kick" not in finding.next_step


def healthy() -> Health:
    """A well cluster, for one thing to be broken in it."""
    health = cluster(1, "-healthy")
    health.members["sb"] = cluster(1, "-healthy", "sb").members["sb"]
    health.taken_at = 1000.0
    leader = next(m.pod for m in health.members["nb"] if m.status.is_leader)
    health.labels = {"ovn-nb-leader": [(leader, True)]}
    health.northd = [NorthdHealth("a", "n1", "active"), NorthdHealth("b", "n2", "standby")]
    health.components = [ComponentHealth("ovs-ovn", "DaemonSet", 2, 2, 2, 0, ("kubeovn/kube-ovn:v1.14.0",))]
    health.leases = [LeaseHealth("kube-ovn-controller", "c", 3.0)]
    health.chassis = [ChassisHealth("n1", True, "172.18.0.2", 0, "connected", 900)]
    health.endpoints = [LeaderEndpoint("ovn-nb", ("172.18.0.2",))]
    health.mac_bindings, health.logical_flows = 12, 1500
    return health


def test_nothing_is_wrong_with_a_well_cluster() -> None:
    health = healthy()
    health.findings = find(health)
    assert (
        not health.findings
        and health.severity is None
        and health.exit_code == 0
        and health.headline == "well"
    )


def second_leader(health: Health, **changed: object) -> None:
    """Another member says that it leads too."""
    members = health.members["nb"]
    leader = next(m for m in members if m.status.is_leader)
    index = next(i for i, m in enumerate(members) if not m.status.is_leader)
    status = replace(members[index].status, role="leader", leader="self", term=leader.status.term, **changed)  # type: ignore[arg-type]
    members[index] = replace(members[index], status=status)


def changed_member(health: Health, **changed: object) -> None:
    members = health.members["nb"]
    index = next(i for i, m in enumerate(members) if not m.status.is_leader)
    members[index] = replace(members[index], status=replace(members[index].status, **changed))  # type: ignore[arg-type]


def storage(health: Health) -> None:
    health.members["sb"][0] = replace(health.members["sb"][0], storage="ovsdb error: inconsistent data")


def images(*tags: str) -> list[ComponentHealth]:
    return [ComponentHealth(f"part-{t}", "DaemonSet", 1, 1, 1, 0, (f"kubeovn/kube-ovn:{t}",)) for t in tags]


CASES: list[tuple[str, Severity, Callable[[Health], object]]] = [
    ("raft.split_brain", Severity.CRITICAL, second_leader),
    ("raft.old_leader", Severity.WARNING, lambda h: second_leader(h) or changed_terms(h)),
    ("raft.two_clusters", Severity.CRITICAL, lambda h: changed_member(h, cluster_id="0" * 36)),
    ("raft.log_lag", Severity.WARNING, lambda h: changed_member(h, log_next=-5000)),
    ("raft.disagreement", Severity.WARNING, lambda h: changed_member(h, leader="ffff")),
    ("raft.status", Severity.WARNING, lambda h: changed_member(h, status="leaving cluster")),
    ("storage.inconsistent", Severity.CRITICAL, storage),
    ("label.dead_pod", Severity.CRITICAL, lambda h: h.labels.update({"ovn-sb-leader": [("gone", False)]})),
    ("label.stale", Severity.WARNING, lambda h: h.labels.update({"ovn-nb-leader": [("somebody", True)]})),
    ("northd.paused", Severity.CRITICAL, lambda h: set_northd(h, "paused", "standby")),
    ("northd.none", Severity.CRITICAL, lambda h: set_northd(h, "standby", "standby")),
    ("northd.silent", Severity.WARNING, lambda h: set_northd(h, "active", "")),
    ("northd.many", Severity.WARNING, lambda h: set_northd(h, "active", "active")),
    (
        "controller.blind",
        Severity.CRITICAL,
        lambda h: h.leases.append(LeaseHealth("kube-ovn-controller", "c", 3300.0)),
    ),
    (
        "controller.pods_wait",
        Severity.WARNING,
        lambda h: h.waiting.append(WaitingPod("prod/x", "n1", 3240.0)),
    ),
    ("component.ovs-ovn", Severity.CRITICAL, lambda h: set_ready(h, 0)),
    ("component.ovs-ovn", Severity.WARNING, lambda h: set_ready(h, 1)),
    ("component.kube-ovn-controller", Severity.CRITICAL, lambda h: scale_to_0(h, "kube-ovn-controller")),
    ("central.stopped", Severity.CRITICAL, lambda h: scale_to_0(h, "ovn-central")),
    ("restore.stopped", Severity.CRITICAL, lambda h: restoring(h, "stopped", central_stopped=True)),
    ("restore.stopped", Severity.WARNING, lambda h: restoring(h, "stopped")),
    ("restore.under_way", Severity.INFO, lambda h: restoring(h, "here")),
    ("restore.under_way", Severity.INFO, lambda h: restoring(h, "elsewhere")),
    ("chassis.missing", Severity.WARNING, lambda h: h.chassis.append(ChassisHealth("n2", False))),
    ("chassis.stray", Severity.WARNING, lambda h: h.strays.append("old-node")),
    (
        "chassis.silent",
        Severity.WARNING,
        lambda h: h.chassis.append(ChassisHealth("n2", True, problem="timed out")),
    ),
    (
        "chassis.disconnected",
        Severity.WARNING,
        lambda h: h.chassis.append(ChassisHealth("n2", True, "", 0, "not connected", 3)),
    ),
    (
        "chassis.no_flows",
        Severity.CRITICAL,
        lambda h: h.chassis.append(ChassisHealth("n2", True, "", 0, "connected", 0)),
    ),
    (
        "chassis.lag",
        Severity.WARNING,
        lambda h: h.chassis.append(ChassisHealth("n2", True, "", 7, "connected", 5)),
    ),
    ("endpoint.count", Severity.CRITICAL, lambda h: h.endpoints.append(LeaderEndpoint("ovn-sb", ()))),
    ("endpoint.count", Severity.WARNING, lambda h: h.endpoints.append(LeaderEndpoint("ovn-sb", ("a", "b")))),
    ("version.skew", Severity.WARNING, lambda h: h.components.extend(images("v1.14.0", "v1.15.2"))),
    ("growth.mac_binding", Severity.WARNING, lambda h: setattr(h, "mac_bindings", 90_000)),
    ("growth.logical_flow", Severity.INFO, lambda h: setattr(h, "logical_flows", 3_000_000)),
]


def changed_terms(health: Health) -> None:
    """The leader of before goes on with an older term than the others."""
    members = health.members["nb"]
    health.members["nb"] = [
        m if m is members[0] else replace(m, status=replace(m.status, term=m.status.term + 1))
        for m in members
    ]


def set_northd(health: Health, *states: str) -> None:
    health.northd = [NorthdHealth(f"p{i}", "n", state) for i, state in enumerate(states)]


def set_ready(health: Health, available: int) -> None:
    health.components = [replace(health.components[0], available=available)]


def scale_to_0(health: Health, name: str) -> None:
    health.components.append(ComponentHealth(name, "Deployment", 0, 0, 0, 0))


def restoring(health: Health, state: Any, *, central_stopped: bool = False) -> None:
    health.restore = RestoreHealth(
        state, "the way on", "start", "at noon", "done: keep", central_stopped, ("ko-tui-restore-1",)
    )


def test_what_stopped_ovn_central_is_said_first_and_alone() -> None:
    health = healthy()
    restoring(health, "stopped", central_stopped=True)
    scale_to_0(health, "ovn-central")
    health.members, health.labels, health.northd = {}, {}, []
    health.endpoints = [LeaderEndpoint("ovn-nb", ())]
    assert [f.key for f in find(health)] == ["restore.stopped", "central.stopped"]
    assert find(health)[0].next_step == "the way on"


def test_a_service_without_anybody_to_lead_it_is_no_finding_of_its_own() -> None:
    health = cluster(1, "-no-quorum-25s")
    health.endpoints = [LeaderEndpoint("ovn-nb", ()), LeaderEndpoint("ovn-northd", ())]
    set_northd(health, "paused", "paused")
    assert [f.key for f in find(health)] == ["raft.no_quorum", "northd.paused"]


def test_many_nodes_with_one_trouble_are_one_finding() -> None:
    health = healthy()
    for number in range(12):
        node = f"n{number:02}"
        health.chassis.append(ChassisHealth(node, True, "", 0, "not connected", 900))
        health.chassis.append(
            ChassisHealth(f"s{node}", True, problem="timed out" if number else "no ovs pod")
        )
        health.chassis.append(ChassisHealth(f"f{node}", True, "", 3 + number, "connected", 0))
    found = {f.key: f for f in find(health)}
    assert list(found) == ["chassis.no_flows", "chassis.silent", "chassis.disconnected", "chassis.lag"]
    titles = [f.title for f in found.values()]
    assert titles == [
        "br-int on 12 nodes has no flows",
        "12 nodes do not answer",
        "ovn-controller on 12 nodes is not connected",
        "12 nodes are up to 14 configurations behind",
    ]
    assert (
        found["chassis.disconnected"].evidence
        == f"not connected: {', '.join(f'n{n:02}' for n in range(10))} ..."
    )
    assert found["chassis.silent"].evidence.startswith("sn00: no ovs pod; sn01: timed out; ")


@pytest.mark.parametrize(
    ("key", "severity", "break_it"), CASES, ids=lambda v: v if isinstance(v, str) else None
)
def test_each_rule(key: str, severity: Severity, break_it: Callable[[Health], object]) -> None:
    health = healthy()
    break_it(health)
    found = find(health)
    finding = next((f for f in found if f.key == key), None)
    assert finding is not None, [f.key for f in found]
    assert finding.severity is severity
    assert finding.title and finding.evidence and finding.effect and finding.next_step
    assert [f.severity for f in found] == sorted((f.severity for f in found), key=list(Severity).index)
    health.findings = found
    assert (
        health.exit_code == {Severity.CRITICAL: 2, Severity.WARNING: 1, Severity.INFO: 0}[found[0].severity]
    )


def test_a_blind_controller_is_told_from_a_dead_database() -> None:
    health = healthy()
    health.waiting = [WaitingPod("prod/x", "n1", 3240.0), WaitingPod("prod/new", "n1", 5.0)]
    finding = find(health)[0]
    assert (finding.key, finding.title) == (
        "controller.pods_wait",
        "1 pod without an address, one for 54 min",
    )
    assert "renews its lease, the databases are well" in finding.evidence
    health.members["nb"] = cluster(1, "-no-quorum-25s").members["nb"]
    waiting = next(f for f in find(health) if f.key == "controller.pods_wait")
    assert "renews" not in waiting.evidence


def looks(*states: tuple[float, int, int, int]) -> tuple[list[Finding], History]:
    """Findings after several looks: (time, MAC bindings, logical flows, raft term)."""
    history = History(5)
    found: list[Finding] = []
    for at, bindings, flows, term in states:
        health = healthy()
        health.taken_at, health.mac_bindings, health.logical_flows = at, bindings, flows
        for member in range(3):
            of = health.members["sb"]
            of[member] = replace(of[member], status=replace(of[member].status, term=term))
        history.note(health)
        found = find(health, history)
        history.note_findings(len(found))
    return found, history


def test_what_grows_and_what_does_not() -> None:
    steady, history = looks((0, 9_000, 50_000, 3), (60, 9_900, 52_000, 3))
    assert steady == [] and history.series("mac_bindings") == (9_000.0, 9_900.0)
    grown, _ = looks((0, 2_000, 50_000, 3), (600, 9_000, 90_000, 3))
    assert [f.key for f in grown] == ["growth.mac_bindings_fast", "growth.logical_flows_fast"]
    assert grown[0].title == "7000 more learned MAC bindings within 10 min"
    flapping, history = looks((0, 1, 1, 3), (90, 1, 1, 7))
    assert [f.key for f in flapping] == ["raft.elections"] and "4 elections of SB within 90 s" in flapping[
        0
    ].title
    assert history.series("findings") == (0.0, 1.0)
    assert looks((0, 1, 1, 3))[0] == []


def test_history_forgets_the_oldest() -> None:
    _, history = looks(*((float(at), at, at, 1) for at in range(9)))
    assert len(history) == 5 and history.series("logical_flows") == (4.0, 5.0, 6.0, 7.0, 8.0)
    assert history.all_series()["openflow/n1"] == (900.0,) * 5
    change = history.change("logical_flows")
    assert change is not None and (change.first, change.last, change.seconds) == (4.0, 8.0, 4.0)
    assert history.change("nothing") is None


@pytest.mark.parametrize(
    ("stdout", "stderr", "state", "problem"),
    [
        ("Status: active\n", "", "active", ""),
        ("Status: paused\n", "2026|WARN|noise\n", "paused", ""),
        (
            "",
            'ovn-appctl: cannot read pidfile "/var/run/ovn/ovn-northd.pid" (No such process)\n',
            "",
            'not running: cannot read pidfile "/var/run/ovn/ovn-northd.pid" (No such process)',
        ),
        ("Status: napping\n", "", "", "Status: napping"),
        ("", "", "", "no answer"),
    ],
)
def test_northd(stdout: str, stderr: str, state: str, problem: str) -> None:
    status = parse_northd(stdout, stderr)
    assert (status.state, status.problem) == (state, problem)


@pytest.mark.parametrize(
    ("stderr", "words"),
    [
        (
            "2026-11-22T21:34:26Z|00001|fatal_signal|WARN|terminating with signal 14 (Alarm clock)\n",
            "no answer in time: it runs, and is stuck or very busy",
        ),
        (
            'ovn-appctl: cannot connect to "/var/run/ovn/ovnsb_db.ctl" (Connection refused)\n',
            'not running: cannot connect to "/var/run/ovn/ovnsb_db.ctl" (Connection refused)',
        ),
        (
            "ovs-ofctl: /var/run/openvswitch/br-int.mgmt: failed to open socket (Connection refused)\n",
            "not running: /var/run/openvswitch/br-int.mgmt: failed to open socket (Connection refused)",
        ),
        ('2026-11-22T21:34:26Z|00001|daemon_unix|WARN|odd\novn-appctl: "x" is odd\n', '"x" is odd'),
        ("\n", "no answer"),
    ],
)
def test_why_a_daemon_is_silent(stderr: str, words: str) -> None:
    assert why_silent("", stderr) == words
    assert parse_status("", stderr).problem == words


def test_the_next_step_can_be_pasted() -> None:
    health = healthy()
    health.namespace = "ovn"
    set_northd(health, "active", "paused", "")
    members = health.members["nb"]
    last = next(m for m in members if not m.status.is_leader)
    health.members["nb"] = [
        *(m for m in members if m is not last),
        replace(last, status=RaftStatus("silent", ""), problem="not running"),
    ]
    found = {finding.key: finding for finding in find(health)}
    assert found["northd.paused"].next_step == "kubectl exec -n ovn p1 -- ovn-appctl -t ovn-northd resume"
    assert found["northd.silent"].next_step == "kubectl logs -n ovn p2"
    stale = found["raft.stale_member"]
    assert f"kubectl logs -n ovn {last.pod} " in stale.next_step
    assert f"silent: {last.pod} on {last.node}" in stale.evidence

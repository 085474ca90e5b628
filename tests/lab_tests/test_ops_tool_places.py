"""Where the tools of the command line run: the real leader whatever labels say, the one pod of a node that can answer;
and how a program's own end is handed on."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from tests.lab.places import until
from tests.lab.running import RunningLab
from tests.lab.topology import NAMESPACE, NODES, WORKER
from tests.lab_tests.command_line import CommandLine

pytestmark = pytest.mark.lab
Change = Callable[[dict[str, Any]], None]


def audited(line: CommandLine) -> list[dict[str, Any]]:
    """What ko-tui has written down of the commands it ran, oldest first."""
    (file,) = line.state.rglob("audit*.jsonl")
    return [json.loads(text) for text in file.read_text().splitlines()]


def pods_of(lab: RunningLab, node: str, *apps: str) -> list[str]:
    pods = lab.server.store.all(lab.server.controllers.pods, NAMESPACE)[0]
    return [p.name for p in pods if p.labels.get("app") in apps and p.fields.get("spec.nodeName") == node]


@pytest.fixture
def second(changed_lab: RunningLab) -> Iterator[str]:
    """A second ovs-ovn pod on the worker, younger than the first, as an update with a surge makes one."""
    lab = changed_lab
    (first,) = pods_of(lab, WORKER, "ovs")
    twin = lab.get("Pod", first, NAMESPACE)
    twin["metadata"] = {
        "name": "ovs-ovn-twin",
        "namespace": NAMESPACE,
        "labels": twin["metadata"]["labels"],
        "creationTimestamp": "2030-01-01T00:00:00Z",
    }
    made = lab.server.store.create(lab.server.controllers.pods, twin)
    yield made.name
    lab.server.store.delete(lab.server.controllers.pods, NAMESPACE, made.name)


def not_ready(pod: dict[str, Any]) -> None:
    for condition in pod["status"]["conditions"]:
        if condition["type"] == "Ready":
            condition["status"] = "False"


def ending(pod: dict[str, Any]) -> None:
    pod["metadata"]["deletionTimestamp"] = "2030-01-01T00:00:00Z"
    pod["metadata"]["finalizers"] = ["example.com/held"]


def test_of_two_pods_the_younger_that_is_ready(
    changed_lab: RunningLab, second: str, line: CommandLine
) -> None:
    lab = changed_lab
    (first,) = set(pods_of(lab, WORKER, "ovs")) - {second}
    words = ("vsctl", WORKER, "get", "Open_vSwitch", ".", "external_ids:system-id")
    chassis = next(n.chassis for n in NODES if n.name == WORKER)
    changes: tuple[tuple[Change | None, str], ...] = ((None, second), (not_ready, first), (ending, first))
    for change, wanted in changes:
        if change is not None:
            lab.patch("Pod", second, NAMESPACE, change)
        done = line(lab, *words)
        assert done.status == 0 and done.out.strip().strip('"') == chassis, done
        last = audited(line)[-1]
        assert (last["pod"].rpartition("/")[2], last["container"]) == (wanted, "openvswitch"), change


def test_a_dpdk_node(changed_lab: RunningLab, line: CommandLine) -> None:
    lab = changed_lab
    (pod,) = pods_of(lab, WORKER, "ovs")

    def dpdk(of: dict[str, Any]) -> None:
        of["metadata"]["labels"]["app"] = "ovs-dpdk"

    def back(of: dict[str, Any]) -> None:
        of["metadata"]["labels"]["app"] = "ovs"

    lab.patch("Pod", pod, NAMESPACE, dpdk)
    try:
        for words, shown in (
            (("vsctl", WORKER, "list-br"), "br-int"),
            (("ofctl", WORKER, "show", "br-int"), "OFPT_FEATURES_REPLY"),
            (("appctl", WORKER, "dpif-netdev/pmd-stats-show"), "packets received"),
            (("appctl", WORKER, "-t", "ovn-controller", "connection-status"), "connected"),
        ):
            done = line(lab, *words)
            assert done.status == 0 and shown in done.out, done
    finally:
        lab.patch("Pod", pod, NAMESPACE, back)


def test_a_node_without_open_vswitch(changed_lab: RunningLab, line: CommandLine) -> None:
    (pod,) = pods_of(changed_lab, WORKER, "ovs")
    changed_lab.patch("Pod", pod, NAMESPACE, not_ready)
    try:
        done = line(changed_lab, "ofctl", WORKER, "show", "br-int")
        assert done.status == 3 and f"No Open vSwitch pod is ready on node {WORKER}" in done.err
    finally:
        changed_lab.patch("Pod", pod, NAMESPACE, ready)


def ready(pod: dict[str, Any]) -> None:
    for condition in pod["status"]["conditions"]:
        condition["status"] = "True"


@pytest.mark.parametrize(("word", "database"), [("nbctl", "nb"), ("sbctl", "sb")])
def test_the_real_leader_answers(
    word: str, database: str, changed_lab: RunningLab, line: CommandLine
) -> None:
    lab = changed_lab

    def asked() -> bool:
        """False when the lead moved meanwhile, as it may on a busy machine."""
        before = lab.cluster.lead(database)  # type: ignore[arg-type]
        assert line(lab, word, "--columns=target", "list", "Connection").status == 0
        if lab.cluster.lead(database) != before:  # type: ignore[arg-type]
            return False
        pods = pods_of(lab, NODES[before[0]].name, "ovn-central")
        # The answers of members that nobody waits for any more are written down later.
        ran = [entry for entry in audited(line) if entry["argv"][0] == f"ovn-{word}"]
        assert ran[-1]["pod"].rpartition("/")[2] in pods
        return True

    try:
        for wrong in (lab.labels.moved, lab.labels.missing, lab.labels.doubled):
            wrong(database)  # type: ignore[operator]
            until(asked, "a leader that stays")
    finally:
        lab.labels.follow()


def test_the_only_member_that_is_left(changed_lab: RunningLab, line: CommandLine) -> None:
    """Two of three are dead: the last one tells what it holds, and that it may be behind."""
    lab = changed_lab
    leader = lab.cluster.leader("nb")
    dead = [i for i in range(3) if i != leader]
    for index in dead:
        lab.cluster.kill_raft_member(index, "nb")
    try:
        until(lambda: lab.cluster.role(leader, "nb") != "leader", "the last one to step down")
        asked = line(lab, "nbctl", "show")
        assert asked.status == 3 and "With --no-leader-only it answers" in asked.err
        asked = line(lab, "nbctl", "--no-leader-only", "--bare", "--columns=name", "list", "Logical_Router")
        assert asked.status == 0 and "ovn-cluster" in asked.out, asked
        done = line(lab, "nb", "status", "--json")
        members = json.loads(done.out)["OVN_Northbound"]
        assert done.status == 1 and sorted(bool(m["problem"]) for m in members) == [False, True, True]
        kicked = line(lab, "nb", "kick", "0000", "--allow-write", "--yes", "0000")
        assert kicked.status == 2 and "0 members say that they lead" in kicked.err
    finally:
        for index in dead:
            lab.cluster.start_raft_member(index, "nb")
    until(lambda: "leader" in {lab.cluster.role(i, "nb") for i in range(3)}, "a leader")


def test_writing_asks_for_the_name(changed_lab: RunningLab, line: CommandLine) -> None:
    lab = changed_lab
    place = lab.cluster.node_place(WORKER)
    for target, words, there in (
        ("nbctl", ("nbctl", "ls-add", "probe-switch"), lambda: lab.cluster.nbctl("ls-list")),
        (
            WORKER,
            ("vsctl", WORKER, "set", "Open_vSwitch", ".", "external_ids:probe-switch=1"),
            lambda: place.run("ovs-vsctl", "get", "Open_vSwitch", ".", "external_ids").stdout,
        ),
    ):
        for more, status in (((), 2), (("--yes", "other"), 2), (("--yes", target), 0)):
            assert "probe-switch" not in there()
            done = line(lab, "--allow-write", *more, *words)
            assert done.status == status, done
            assert words[-1] in done.err and "This will change the cluster" in done.err
        assert "probe-switch" in there()
    lab.cluster.nbctl("ls-del", "probe-switch")
    place.run("ovs-vsctl", "remove", "Open_vSwitch", ".", "external_ids", "probe-switch")


def test_a_program_that_fails(changed_lab: RunningLab, line: CommandLine) -> None:
    done = line(changed_lab, "ofctl", WORKER, "dump-flows", "br-none")
    assert done.status == 3 and "br-none is not a bridge or a socket" in done.err
    assert "ovs-ofctl ended with status 1 in kube-system/ovs-ovn-" in done.err
    refused = line(changed_lab, "ofctl", WORKER, "del-flows", "br-int")
    assert refused.status == 2 and "read-only" in refused.err
    last = audited(line)[-1]
    assert last["decision"] == "refused" and last["argv"][0] == "ofctl"

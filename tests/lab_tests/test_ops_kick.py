"""``nb kick``: a member that is really dead is removed from the real cluster; what would do harm is refused."""

from __future__ import annotations

import json
import os
import pty
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from ko_tui.cli import main
from tests.lab.places import until
from tests.lab.running import RunningLab
from tests.lab.topology import NODES
from tests.lab_tests.command_line import CommandLine, Process

pytestmark = pytest.mark.lab
NB = "/etc/ovn/ovnnb_db.db"


@pytest.fixture
def dead(changed_lab: RunningLab) -> Iterator[tuple[RunningLab, int]]:
    """A lab one of whose northbound followers is dead, by its index; it is a member again afterwards."""
    cluster = changed_lab.cluster
    victim = next(i for i in range(3) if cluster.role(i, "nb") == "follower")
    cluster.kill_raft_member(victim, "nb")
    yield changed_lab, victim
    if victim in known(changed_lab):
        cluster.start_raft_member(victim, "nb")
    else:
        rejoin(changed_lab, victim)
    until(lambda: whole(changed_lab), "the northbound to be whole")


def status(lab: RunningLab, index: int) -> str:
    place = lab.cluster.central_place(index)
    words = ("-t", "/var/run/ovn/ovnnb_db.ctl", "cluster/status", "OVN_Northbound")
    return place.run("ovn-appctl", "-T", "5", *words, check=False).stdout


def known(lab: RunningLab) -> dict[int, str]:
    """The members that the leader knows: index of the node -> the first digits of the server's ID."""
    servers = status(lab, lab.cluster.leader("nb")).partition("Servers:")[2].splitlines()
    return {i: line.split()[0] for i, node in enumerate(NODES) for line in servers if f"[{node.ip}]:" in line}


def whole(lab: RunningLab) -> bool:
    roles = sorted(lab.cluster.role(i, "nb") for i in range(3))
    return roles == ["follower", "follower", "leader"] and sorted(known(lab)) == [0, 1, 2]


def central_pod(lab: RunningLab, node: str) -> str:
    pods = lab.server.store.all(lab.server.controllers.pods, "kube-system")[0]
    return next(
        p.name for p in pods if p.labels.get("app") == "ovn-central" and p.fields.get("spec.nodeName") == node
    )


def rejoin(lab: RunningLab, index: int) -> None:
    """As its documentation has it: the removed member's file goes, and its pod starts anew and joins."""
    lab.cluster.central_place(index).path(NB).unlink()
    name = central_pod(lab, NODES[index].name)
    pod = lab.server.store.get(lab.server.controllers.pods, "kube-system", name)
    lab.server.controllers.delete(lab.server.controllers.pods, pod, None)


def test_a_dead_member_is_removed(dead: tuple[RunningLab, int], line: CommandLine) -> None:
    lab, victim = dead
    nick = known(lab)[victim]
    asked = line(lab, "--allow-write", "nb", "kick", nick)
    assert asked.status == 2 and f"--yes {nick}" in asked.err and "does not answer" in asked.err
    for name in ("beef", f"{nick}f"):
        wrong = line(lab, "--allow-write", "--yes", name, "nb", "kick", nick)
        assert wrong.status == 2 and victim in known(lab), wrong
    done = line(lab, "nb", "kick", nick, "--allow-write", "--yes", nick)
    assert done.status == 0, done.err
    assert f"server {nick} " in done.out.lower()  # removed, or still listed by one that has not heard of it
    assert sorted(known(lab)) == sorted({0, 1, 2} - {victim})
    again = line(lab, "nb", "kick", nick, "--allow-write", "--yes", nick)
    assert again.status == 2 and f"has no server '{nick}'" in again.err


def test_what_would_do_harm_is_refused(dead: tuple[RunningLab, int], line: CommandLine) -> None:
    lab, victim = dead
    members = known(lab)
    leader = lab.cluster.leader("nb")
    last = next(i for i in members if i not in (victim, leader))
    for server, words in (
        (members[leader], "is the leader of OVN_Northbound"),
        (members[last], "only 1 answer"),
        ("0000", "has no server '0000'"),
    ):
        refused = line(lab, "nb", "kick", server, "--allow-write", "--yes", server)
        assert refused.status == 2 and words in refused.err, refused
    assert known(lab) == members


@contextmanager
def asked(line: CommandLine, lab: RunningLab, *words: str) -> Iterator[tuple[Process, Callable[[str], str]]]:
    """A command that asks on a terminal: ``answer(text)`` types it, and gives all that was said."""
    ours, theirs = pty.openpty()
    process = line.start(lab, *words, stdin=theirs)
    os.close(theirs)
    assert process.stderr is not None
    said = ""
    while not said.endswith("to go on: "):
        piece = process.stderr.read(1)
        assert piece, said
        said += piece

    def answer(text: str) -> str:
        os.write(ours, f"{text}\n".encode())
        out, err = process.communicate(timeout=30)
        return said + err + out

    try:
        yield process, answer
    finally:
        process.kill()
        process.communicate()
        os.close(ours)


def test_the_name_is_typed(dead: tuple[RunningLab, int], line: CommandLine) -> None:
    lab, victim = dead
    nick = known(lab)[victim]
    with asked(line, lab, "nb", "kick", nick, "--allow-write") as (process, answer):
        assert "What was typed is not the target's name" in answer("yes") and process.returncode == 2
    assert victim in known(lab)
    with asked(line, lab, "nb", "kick", nick, "--allow-write") as (process, answer):
        assert "OVN_Northbound" in answer(nick) and process.returncode == 0
    assert victim not in known(lab)


def test_what_changes_while_it_asks(changed_lab: RunningLab, line: CommandLine) -> None:
    """Another member dies before the name is typed: what was safe is not any more."""
    lab = changed_lab
    until(lambda: whole(lab), "the northbound to be whole")
    leader = lab.cluster.leader("nb")
    wanted, other = (i for i in range(3) if i != leader)
    members = known(lab)
    with asked(line, lab, "nb", "kick", members[wanted], "--allow-write") as (process, answer):
        lab.cluster.kill_raft_member(other, "nb")
        said = answer(members[wanted])
        assert process.returncode == 2 and "only 1 answer" in said, said
    assert known(lab) == members
    lab.cluster.start_raft_member(other, "nb")
    until(lambda: whole(lab), "the northbound to be whole")


@pytest.fixture
def removed(changed_lab: RunningLab, line: CommandLine) -> Iterator[tuple[RunningLab, int]]:
    """A lab with all three alive, of which one was removed; it joins again afterwards."""
    lab = changed_lab
    until(lambda: whole(lab), "the northbound to be whole")
    victim = next(i for i in range(3) if i != lab.cluster.leader("nb"))
    nick = known(lab)[victim]
    assert line(lab, "nb", "kick", nick, "--allow-write", "--yes", nick).status == 0
    until(lambda: not lab.cluster.role(victim, "nb"), "the member to hear of it")
    yield lab, victim
    rejoin(lab, victim)
    until(lambda: whole(lab), "the northbound to be whole")


def test_one_that_was_removed_is_not_asked(removed: tuple[RunningLab, int], line: CommandLine) -> None:
    """It runs on without its database: it is told as what it is, and taken for no leader whatever its label says."""
    lab, victim = removed
    done = line(lab, "nb", "status")
    (row,) = [text for text in done.out.splitlines() if text.rstrip().endswith(" bad")]
    assert done.status == 1 and " removed " in row and "was removed from the cluster" in done.out
    findings = json.loads(line(lab, "status", "--json").out)["findings"]
    assert "raft.removed" in {f["key"] for f in findings}
    lab.labels.freeze("nb")
    try:
        for index, node in enumerate(NODES):
            value = "true" if index == victim else "false"
            name = central_pod(lab, node.name)

            def mark(pod: dict[str, Any], value: str = value) -> None:
                pod["metadata"]["labels"]["ovn-nb-leader"] = value

            lab.patch("Pod", name, "kube-system", mark)
        done = line(lab, "nbctl", "ls-list")
        assert done.status == 0 and "ovn-default" in done.out, done
    finally:
        lab.labels.follow()


def test_a_whole_id_names_one_member_only(changed_lab: RunningLab, line: CommandLine) -> None:
    until(lambda: whole(changed_lab), "the northbound to be whole")
    said = json.loads(line(changed_lab, "nb", "status", "--json").out)["OVN_Northbound"]
    follower = next(m for m in said if m["role"] == "follower")
    almost = f"{follower['nick']}{'0' * 4}{follower['server_id'][8:]}"
    refused = line(changed_lab, "nb", "kick", almost, "--allow-write", "--yes", follower["nick"])
    assert refused.status == 2 and "has no server" in refused.err
    asked = line(changed_lab, "nb", "kick", follower["server_id"], "--allow-write")
    assert asked.status == 2 and f"Remove server {follower['nick']}" in asked.err


def test_read_only_needs_no_cluster(line: CommandLine, capsys: pytest.CaptureFixture[str]) -> None:
    for more in ([], ["--allow-write", "--read-only-strict"]):
        assert main(["--kubeconfig", "no-such-file", *more, "nb", "kick", "beef", "--yes", "beef"]) == 2
        assert "read-only" in capsys.readouterr().err

"""``ko-tui nb|sb status|kick|backup|dbstatus`` and ``reload`` on a cluster of its own, which they change."""

from __future__ import annotations

import json
import resource
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from ko_tui.cli import main
from tests.lab.places import until
from tests.lab.running import RunningLab

pytestmark = pytest.mark.lab


@pytest.fixture(scope="module")
def lab() -> Iterator[RunningLab]:
    with RunningLab() as started:
        yield started


def words(lab: RunningLab, *rest: str) -> list[str]:
    return ["--kubeconfig", str(lab.kubeconfig), "--context", "admin", *rest]


def members(
    lab: RunningLab, capsys: pytest.CaptureFixture[str], database: str = "sb"
) -> list[dict[str, object]]:
    capsys.readouterr()
    main(words(lab, database, "status", "--json"))
    (found,) = json.loads(capsys.readouterr().out).values()
    return list(found)


def test_a_backup_is_a_database_and_never_in_the_way(
    lab: RunningLab, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for database, name in (("nb", "OVN_Northbound"), ("sb", "OVN_Southbound")):
        file = tmp_path / f"{database}.db"
        assert main(words(lab, database, "backup", str(file))) == 0
        said = subprocess.run(["ovsdb-tool", "db-name", file], capture_output=True, text=True, check=True)
        assert said.stdout.strip() == name
        query = ["Logical_Switch", "Logical_Flow"][database == "sb"]
        wanted = (
            lab.cluster.nbctl("--bare", "--columns=_uuid", "list", query)
            if database == "nb"
            else (lab.cluster.sbctl("--bare", "--columns=_uuid", "list", query))
        )
        request = json.dumps([name, {"op": "select", "table": query, "where": [], "columns": ["_uuid"]}])
        rows = json.loads(
            subprocess.run(
                ["ovsdb-tool", "query", file, request], capture_output=True, text=True, check=True
            ).stdout
        )[0]["rows"]
        assert len(rows) == len(wanted.split())
        before = file.read_bytes()
        assert main(words(lab, database, "backup", str(file))) == 2
        assert "exists already" in capsys.readouterr().err and file.read_bytes() == before
        assert main(words(lab, database, "backup", str(file), "--force")) == 0


def test_a_full_disk_leaves_nothing_half_written(
    lab: RunningLab, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (20_000, hard))
    try:
        assert main(words(lab, "sb", "backup", str(tmp_path / "sb.db"))) == 2
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert "cannot be written" in capsys.readouterr().err
    assert list(tmp_path.glob("*sb.db*")) == []


def test_every_member_of_both_databases(lab: RunningLab, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(words(lab, "nb", "dbstatus", "--json")) == 0
    said = json.loads(capsys.readouterr().out)
    assert {name: len(found) for name, found in said.items()} == {"OVN_Northbound": 3, "OVN_Southbound": 3}
    assert all(m["storage"] == "ok" for found in said.values() for m in found)


def test_a_reload_brings_everything_back(lab: RunningLab, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(words(lab, "reload", "--allow-write", "--yes", "no")) == 2
    assert main(words(lab, "reload", "--allow-write", "--yes", "kube-ovn")) == 0
    out = capsys.readouterr().out
    assert [line.split()[:2] for line in out.splitlines()] == [
        ["done", name]
        for name in ("ovn-central", "ovs-ovn", "kube-ovn-controller", "kube-ovn-cni", "kube-ovn-pinger",
                     "kube-ovn-monitor")
    ]  # fmt: skip
    assert sorted(str(m["role"]) for m in members(lab, capsys)) == ["follower", "follower", "leader"]
    until(lambda: lab.cluster.ping("default/client", "10.16.0.12", 1), "pings to arrive again")


def test_a_dead_member_is_removed_and_a_living_majority_is_kept(
    lab: RunningLab, capsys: pytest.CaptureFixture[str]
) -> None:
    found = members(lab, capsys)
    leader = next(m for m in found if m["role"] == "leader")
    dead = next(m for m in found if m["role"] == "follower")
    write = ("--allow-write", "--yes")
    assert main(words(lab, "sb", "kick", str(leader["nick"]), *write, str(leader["nick"]))) == 2
    assert "is the leader" in capsys.readouterr().err
    index = next(i for i in range(3) if lab.cluster.role(i, "sb") and ip_of(i) in str(dead["address"]))
    lab.cluster.kill_raft_member(index, "sb")
    other = next(m for m in found if m["role"] == "follower" and m is not dead)

    def noticed() -> bool:
        main(words(lab, "sb", "kick", str(other["nick"]), *write, str(other["nick"])))
        return "only 1 answer" in capsys.readouterr().err

    # Until the leader has noticed the death, two of two would be alive: nobody may be removed by accident.
    until(lambda: member_gone(lab, str(dead["nick"])), "the leader to notice")
    assert noticed()
    assert main(words(lab, "sb", "kick", str(dead["nick"]), *write, "wrong")) == 2
    assert main(words(lab, "sb", "kick", str(dead["nick"]), *write, str(dead["nick"]))) == 0
    left = [m for m in members(lab, capsys) if m["role"]]
    assert {tuple(sorted(m["servers"])) for m in left} == {  # type: ignore[arg-type, type-var]
        tuple(sorted(str(m["nick"]) for m in found if m is not dead))
    }


def ip_of(index: int) -> str:
    from tests.lab.topology import NODES

    return NODES[index].ip


def member_gone(lab: RunningLab, nick: str) -> bool:
    """Whether the leader counts this member's connection as lost."""
    leader = lab.cluster.leader("sb")
    said = lab.cluster.central_place(leader).run(
        "ovn-appctl", "-t", "/var/run/ovn/ovnsb_db.ctl", "cluster/status", "OVN_Southbound"
    )
    connections = next(line for line in said.stdout.splitlines() if line.startswith("Connections:"))
    return f"->{nick}" not in connections.replace(f"(->{nick})", "")


@pytest.mark.parametrize("line", ["nb kick abcd", "sb kick abcd", "reload"])
def test_nothing_is_changed_read_only_and_no_cluster_is_needed_to_say_so(
    line: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("KUBECONFIG", "/nonexistent")
    assert main(line.split()) == 2
    assert "read-only" in capsys.readouterr().err

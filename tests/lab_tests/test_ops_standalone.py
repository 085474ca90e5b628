"""One ovn-central with plain databases, as small clusters and tests have it: everything answers without raft."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Literal

import pytest

from tests.lab import central
from tests.lab.places import end, run, until
from tests.lab.running import RunningLab
from tests.lab.topology import NAMESPACE, NODES
from tests.lab_tests.command_line import CommandLine
from tests.lab_tests.conftest import need_lab

pytestmark = pytest.mark.lab


@pytest.fixture(scope="module")
def single() -> Iterator[RunningLab]:
    need_lab()
    with RunningLab() as lab:

        def one(deployment: dict[str, Any]) -> None:
            deployment["spec"]["replicas"] = 1

        lab.patch("Deployment", "ovn-central", NAMESPACE, one)
        until(lambda: len(pods(lab)) == 1, "two pods to go")
        (node,) = (entry.fields["spec.nodeName"] for entry in pods(lab))
        index = next(i for i, each in enumerate(NODES) if each.name == node)
        place = lab.cluster.central_place(index)
        databases: tuple[Literal["nb", "sb"], ...] = ("nb", "sb")
        for database in databases:
            end([lab.cluster.member_pid(index, database)])
            file = f"/etc/ovn/ovn{database}_db.db"
            place.script(f"mv {file} {file}.raft; ovsdb-tool cluster-to-standalone {file} {file}.raft")
            central.start_server(lab.cluster, index, database)
        yield lab


def pods(lab: RunningLab) -> list[Any]:
    found = lab.server.store.all(lab.server.controllers.pods, NAMESPACE)[0]
    return [p for p in found if p.labels.get("app") == "ovn-central"]


@pytest.mark.parametrize("database", ["nb", "sb"])
def test_status_and_backup(database: str, single: RunningLab, line: CommandLine, tmp_path: Path) -> None:
    done = line(single, database, "status", "--json")
    (members,) = json.loads(done.out).values()
    assert done.status == 0, done
    assert [(m["kind"], m["storage"], m["problem"]) for m in members] == [("standalone", "ok", "")]
    shown = line(single, database, "dbstatus")
    assert shown.status == 0 and shown.out.count("standalone") == 2 and "bad" not in shown.out, shown
    file = tmp_path / "saved.db"
    saved = line(single, database, "backup", str(file))
    assert saved.status == 0 and not saved.err, saved
    name = {"nb": "OVN_Northbound", "sb": "OVN_Southbound"}[database]
    assert run("ovsdb-tool", "db-name", str(file)).stdout.strip() == name


def test_tools(single: RunningLab, line: CommandLine) -> None:
    for words, shown in (
        (("nbctl", "ls-list"), "ovn-default"),
        (("sbctl", "--bare", "--columns=hostname", "list", "Chassis"), NODES[1].name),
    ):
        done = line(single, *words)
        assert done.status == 0 and shown in done.out, done


def test_nobody_is_kicked(single: RunningLab, line: CommandLine) -> None:
    done = line(single, "nb", "kick", "abcd", "--allow-write", "--yes", "abcd")
    assert done.status == 2 and "is a standalone database here" in done.err


def test_health_and_diagnosis(single: RunningLab, line: CommandLine) -> None:
    said = json.loads(line(single, "status", "--json").out)
    assert not [f for f in said["findings"] if f["key"].startswith("raft.")], said["findings"]
    done = line(single, "diagnose", "all", "--no-probes", "--json")
    found = {
        c["name"]: c for c in json.loads(done.out)["checks"] if c["group"] in ("northbound", "workloads")
    }
    assert found["ovn-cluster"]["level"] == "ok" and found["ovn-central"]["detail"] == "1 of 1 available"

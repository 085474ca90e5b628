"""Many nodes of which five never answer: they are named, and nobody waits for them longer than their limit.

The made nodes borrow the worker's place, so that every command is a real one; with a thousand of them the same is
measured by bench/nodes.py.
"""

from __future__ import annotations

import json
import os
import signal
import tarfile
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from ko_tui.backend.health import collect
from ko_tui.backend.operations import env_check, logs
from ko_tui.backend.operations.diagnose import diagnose
from ko_tui.backend.operations.model import Check, Level
from ko_tui.backend.saving import save
from ko_tui.backend.session import Session, SessionOptions
from ko_tui.backend.source.handshake import Timing
from ko_tui.backend.source.interface import Cancel, ExecTimeout, PodRef
from tests.lab.api.runtime import Runtime, Sandbox
from tests.lab.central_pods import ClusterRuntime
from tests.lab.handle import ApiOnlyLab
from tests.lab.places import until
from tests.lab.running import RunningLab
from tests.lab.scale import ScaleLab, node_name
from tests.lab.topology import NODES, WORKER
from tests.lab_tests.command_line import CommandLine
from tests.lab_tests.conftest import need_lab
from tests.unit.source_lab import opened

pytestmark = pytest.mark.lab
MADE = 15
SILENT = (0, 5, 9, 10, 14)
NAMES = {node_name(number) for number in SILENT}
OTHERS = {node_name(number) for number in range(MADE)} - NAMES | {node.name for node in NODES}
LIMIT = 2.0  # seconds that the silent ones are waited for; those that answer need a hundredth of it


class Borrowing(ClusterRuntime):
    """Made nodes have the worker's place."""

    def exec_prefix(self, sandbox: Sandbox, container: str) -> list[str]:
        if sandbox.node.startswith("node-"):
            return self.lab.exec_prefix("", "", container, app=sandbox.app, node=WORKER)
        return super().exec_prefix(sandbox, container)


class ManyNodes(ScaleLab, RunningLab):
    """A real cluster whose API knows many more nodes."""

    def _runtime(self) -> Runtime:
        return Borrowing(self.cluster)


@pytest.fixture(scope="module")
def many() -> Iterator[ManyNodes]:
    need_lab()
    with ManyNodes(0, MADE) as lab:
        silent = "|".join(f"{number:04d}" for number in SILENT)
        lab.faults.add("no_handshake", pod=f"(ovs-ovn|kube-ovn-cni|kube-ovn-pinger)-({silent})$")
        yield lab


@pytest.fixture
def session(many: ManyNodes) -> Iterator[Session]:
    with opened(many, timing=Timing(handshake=LIMIT)) as source:
        found = Session(source, SessionOptions())
        yield found
        found.close()


def test_the_others_are_there_while_the_silent_ones_are_waited_for(
    many: ManyNodes, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The whole is ended by the last of the others: it never comes when one of them waits for a silent one."""
    came: set[str] = set()
    cancel = Cancel()

    def take(checks: list[Check]) -> None:
        came.update(check.place for check in checks if check.level is not Level.UNKNOWN)
        if came >= OTHERS:
            cancel.cancel()

    monkeypatch.setattr(env_check, "SECONDS", 120.0)
    monkeypatch.setattr(env_check, "NODE_SECONDS", 120.0)
    with opened(many, timing=Timing(handshake=120.0)) as source:
        session = Session(source, SessionOptions())
        report = env_check.env_check(session, on_checks=take, cancel=cancel)
        session.close()
    assert came == OTHERS
    (said,) = [text for text in report.partial if text.startswith("stopped")]
    assert said == f"stopped when {len(OTHERS)} of {len(OTHERS | NAMES)} nodes had answered"


def test_the_silent_ones_are_named(session: Session) -> None:
    report = env_check.env_check(session)
    assert {c.place for c in report.checks if c.level is Level.UNKNOWN} == NAMES
    assert {c.place for c in report.checks if c.group == "geneve"} == OTHERS
    assert sorted(text.partition(":")[0] for text in report.partial) == sorted(NAMES)


def test_a_node_that_answers_ever_so_slowly(
    many: ManyNodes, session: Session, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each answer comes within its limit; all of them together do not."""
    slow = node_name(3)
    with many.faults.active("slow_frames", pod="kube-ovn-cni-0003$", seconds=0.3):
        with monkeypatch.context() as hurried, pytest.raises(ExecTimeout, match=f"{slow} took more than 1 s"):
            hurried.setattr(env_check, "NODE_SECONDS", 1.0)
            cni = session.cni(slow)
            env_check.check_node(session, slow, cni)
        assert len(env_check.check_node(session, node_name(4), session.cni(node_name(4)))) > 6


def test_diagnosis(session: Session) -> None:
    report = diagnose(session, "all")
    assert {c.place for c in report.checks if c.name == "ovn-controller" and c.group == "node"} == OTHERS
    unknown = {c.place for c in report.checks if c.group == "node" and c.level is Level.UNKNOWN}
    assert unknown == NAMES
    # The pingers of those that were silent before are not waited for again.
    again = [c for c in report.checks if c.group == "pinger" and c.place in NAMES]
    assert len(again) == len(NAMES) and all("not asked any more" in c.detail for c in again)


def test_logs(session: Session, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(logs, "LINUX", {"addr": logs.LINUX["addr"]})
    told: list[str] = []
    file = tmp_path / "logs.tar.gz"
    done = logs.collect(session, "all", file, on_text=told.append)
    parts = len(told) // len(OTHERS | NAMES)
    assert parts == 4
    with tarfile.open(file) as archive:
        names = archive.getnames()
        listed = archive.extractfile("FAILED.txt")
        assert listed is not None
        failed = listed.read().decode().splitlines()
    assert {name.partition("/")[0] for name in names} == OTHERS | {"FAILED.txt"}
    # Whole nodes that are missing are those that were silent: the first part waits for them, the others do not.
    for name in NAMES:
        mine = [line for line in failed if line.startswith(f"{name}/")]
        assert len(mine) == parts and sum("did not begin" in line for line in mine) == parts
        assert sum("not asked any more" in line for line in mine) >= parts - 2, mine
    assert set(done.failed) >= {line for line in failed if line.partition("/")[0] in NAMES}


def test_status(session: Session, monkeypatch: pytest.MonkeyPatch) -> None:
    health = collect.collect(session)
    assert {c.node for c in health.chassis if "did not begin" in c.problem} == NAMES
    assert {c.node for c in health.chassis if c.flows} == OTHERS
    monkeypatch.setattr(collect, "NODES_ASKED", 10)
    (words,) = collect.collect(session).partial
    assert f"{len(OTHERS | NAMES)} nodes themselves" in words and "env-check" in words


def test_a_snapshot(session: Session, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(save, "_NODE_TOOLS", save._NODE_TOOLS[:2])
    manifest = save.save_snapshot(session, tmp_path / "many.kosnap")
    missing: dict[str, list[str]] = {}
    for failure in manifest.failed:
        missing.setdefault(next(n for n in NAMES if n in failure.what), []).append(failure.reason)
    assert set(missing) == NAMES
    assert all(any("not asked any more" in why for why in reasons) for reasons in missing.values())
    saved = {word for run in manifest.runs for word in run.argv}
    assert "dump-flows" in saved and len({run.pod for run in manifest.runs if "show" in run.argv}) >= len(
        OTHERS
    )


def test_who_waits_behind_a_silent_one_does_not_wait_again(api_lab: ApiOnlyLab) -> None:
    """Two commands at a time are let into a pod: the other four end with them, and a later one tries anew."""
    fault = api_lab.faults.add("no_handshake", pod="client$")
    with opened(api_lab, timing=Timing(handshake=3.0)) as source:

        def ask() -> bool:
            with pytest.raises(ExecTimeout) as caught:
                source.exec(PodRef("default", "client", "client"), ["true"])
            return caught.value.begun

        with ThreadPoolExecutor(6) as pool:
            begun = list(pool.map(lambda _: ask(), range(6)))
        assert begun == [False] * 6 and fault.hits == 2
        api_lab.faults.remove(fault)
        assert source.exec(PodRef("default", "client", "client"), ["true"]).exit_code == 0


def test_told_to_stop_it_shows_what_it_has(many: ManyNodes, line: CommandLine) -> None:
    def hits() -> int:
        return sum(fault["hits"] for fault in many.faults.shown())

    before = hits()
    process = line.start(many, "env-check", "--json")
    until(lambda: hits() >= before + len(SILENT), "the silent ones to be asked")
    os.kill(process.pid, signal.SIGINT)
    out, err = process.communicate(timeout=30)
    said: dict[str, Any] = json.loads(out)
    assert "stopping" in err and "Traceback" not in err and process.returncode == 3
    assert any("had answered" in text for text in said["partial"])
    assert {c["place"] for c in said["checks"] if c["level"] != "unknown"} <= OTHERS

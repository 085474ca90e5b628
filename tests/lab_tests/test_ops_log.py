"""``ko-tui log``: one archive of every node; what could not be had is listed, and what was stopped leaves nothing."""

from __future__ import annotations

import os
import re
import signal
import tarfile
from pathlib import Path
from typing import Any

import pytest

from tests.lab.handle import ApiOnlyLab
from tests.lab.places import run, until
from tests.lab.running import RunningLab
from tests.lab.topology import NODES, WORKER
from tests.lab_tests.command_line import CommandLine

pytestmark = pytest.mark.lab
NAMES = [n.name for n in NODES]


def contents(file: Path) -> dict[str, bytes]:
    with tarfile.open(file) as archive:
        found = {}
        for member in archive.getmembers():
            stream = archive.extractfile(member)
            assert stream is not None and member.mode == 0o600
            found[member.name] = stream.read()
        return found


def test_all_of_every_node(running_lab: RunningLab, line: CommandLine, tmp_path: Path) -> None:
    file = tmp_path / "logs.tar.gz"
    (running_lab.cluster.node_place(WORKER).path("/var/log/kube-ovn") / "kube-ovn-cni.log").write_text(
        "I0101 it\n"
    )
    done = line(running_lab, "log", "all", "-o", str(file))
    found = contents(file)
    for name in NAMES:
        assert b"ovn-controller" in found[f"{name}/ovn/ovn-controller.log"]
        assert b"bridge br-int" in found[f"{name}/openvswitch/ovs-vswitchd.log"]
        assert b"inet " in found[f"{name}/linux/addr.log"]
    assert found[f"{WORKER}/kube-ovn/kube-ovn-cni.log"] == b"I0101 it\n"
    assert f"{file}: {len(found)} files" in done.out and file.stat().st_mode & 0o077 == 0
    # What this machine's programs cannot tell, all nodes cannot: told once, listed for each.
    listed = found.get("FAILED.txt", b"").decode().splitlines()
    told = [text for text in done.err.splitlines() if "not collected" in text]
    assert done.status == (3 if listed else 0)
    assert len(told) * len(NAMES) == len(listed) and all("(3 nodes)" in text for text in told)


def test_what_one_node_does_not_give(running_lab: RunningLab, line: CommandLine, tmp_path: Path) -> None:
    """A stream that is cut, and a program that fails: the other nodes' files are all there."""
    file = tmp_path / "logs.tar.gz"
    victim = next(
        p.name
        for p in running_lab.server.store.all(running_lab.server.controllers.pods, "kube-system")[0]
        if p.labels.get("app") == "ovs" and p.fields["spec.nodeName"] == WORKER
    )
    with running_lab.faults.active("cut_stream", pod=victim, command="^tar ", after=5000) as fault:
        done = line(running_lab, "log", "ovs", "-o", str(file))
    assert fault.hits and done.status == 3
    found = contents(file)
    assert {n for n in NAMES if f"{n}/openvswitch/ovs-vswitchd.log" in found} == {*NAMES} - {WORKER}
    assert [t for t in found["FAILED.txt"].decode().splitlines() if not t.startswith(f"{WORKER}/ovs: ")] == []
    assert re.search(rf"not collected: ovs: .* \({WORKER}\)", done.err), done.err


def test_a_node_whose_pods_are_not_ready(own_api: ApiOnlyLab, line: CommandLine, tmp_path: Path) -> None:
    pods = own_api.server.store.all(own_api.server.controllers.pods, "kube-system")[0]

    def gone(pod: dict[str, Any]) -> None:
        for condition in pod["status"]["conditions"]:
            condition["status"] = "False"

    for pod in pods:
        if pod.fields.get("spec.nodeName") == WORKER and pod.labels.get("app") in ("ovs", "kube-ovn-cni"):
            own_api.patch("Pod", pod.name, pod.namespace, gone)
    file = tmp_path / "logs.tar.gz"
    done = line(own_api, "log", "kube-ovn", "-o", str(file))
    assert done.status == 3 and f"not collected: {WORKER}: its pods are not ready" in done.err
    assert f"{WORKER}: its pods are not ready" in contents(file)["FAILED.txt"].decode()


def test_a_file_that_is_there_stays(running_lab: RunningLab, line: CommandLine, tmp_path: Path) -> None:
    file = tmp_path / "mine"
    file.write_text("mine\n")
    refused = line(running_lab, "log", "ovn", "-o", str(file))
    assert refused.status == 2 and "exists already" in refused.err and file.read_text() == "mine\n"
    assert line(running_lab, "log", "ovn", "-o", str(file), "--force").status == 0
    assert tarfile.open(file).getnames()  # noqa: SIM115


def test_a_directory_is_where_it_goes(running_lab: RunningLab, line: CommandLine, tmp_path: Path) -> None:
    where = tmp_path / "here"
    where.mkdir()
    assert line(running_lab, "log", "ovn", "-o", str(where)).status == 0
    (file,) = where.iterdir()
    assert re.fullmatch(r"kubectl-ko-log-\d{8}-\d{6}\.tar\.gz", file.name)


def test_a_full_disk(running_lab: RunningLab, line: CommandLine, tmp_path: Path) -> None:
    where = tmp_path / "disk"
    where.mkdir()
    run("mount", "-t", "tmpfs", "-o", "size=8k", "tmpfs", str(where))
    noise = running_lab.cluster.node_place(WORKER).path("/var/log/kube-ovn") / "noise.log"
    noise.write_bytes(os.urandom(100_000))
    try:
        done = line(running_lab, "log", "kube-ovn", "-o", str(where / "logs.tar.gz"))
        assert done.status == 2 and "No space left on device" in done.err, done
        assert list(where.iterdir()) == []
    finally:
        noise.unlink()
        run("umount", str(where))


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_stopped_at_once(
    number: signal.Signals, running_lab: RunningLab, line: CommandLine, tmp_path: Path
) -> None:
    """A node that says nothing any more holds up neither the others nor the end."""
    where = tmp_path / "here"
    where.mkdir()
    with running_lab.faults.active("silent_peer", command="^tar ", after=0) as fault:
        process = line.start(running_lab, "log", "ovs", "-o", str(where / "logs.tar.gz"))
        until(lambda: fault.hits == 3, "all nodes to be asked")
        os.kill(process.pid, number)
        _, err = process.communicate(timeout=15)
    assert process.returncode == 3 and "no archive was written" in err and "Traceback" not in err
    assert list(where.iterdir()) == []


def test_hostile_names_stay_in_the_archive(
    running_lab: RunningLab, line: CommandLine, tmp_path: Path
) -> None:
    place = running_lab.cluster.node_place(WORKER)
    directory = place.path("/var/log/kube-ovn")
    (directory / "\x1b[2Jname").write_text("x\n")
    (directory / "link").symlink_to("/etc/passwd")
    try:
        file = tmp_path / "logs.tar.gz"
        done = line(running_lab, "log", "kube-ovn", "-o", str(file))
        assert "\x1b" not in done.out + done.err
        names = contents(file)
        assert all(n.startswith(tuple(f"{m}/" for m in NAMES)) for n in names if n != "FAILED.txt")
        assert not any(n.endswith("link") for n in names)
    finally:
        (directory / "\x1b[2Jname").unlink()
        (directory / "link").unlink()

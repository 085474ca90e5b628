"""``ko-tui tcpdump`` on real packets: pings and connections of the lab's pods, seen where they pass."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.e2e.terminal import ROOT
from tests.lab.places import until
from tests.lab.running import RunningLab

pytestmark = pytest.mark.lab


@contextmanager
def capturing(lab: RunningLab, directory: Path, *words: str) -> Iterator[subprocess.Popen[str]]:
    """ko-tui tcpdump as a process of its own, which has begun to capture."""
    argv = [
        sys.executable,
        "-m",
        "ko_tui",
        "--kubeconfig",
        str(lab.kubeconfig),
        "--context",
        "admin",
        "tcpdump",
        *words,
    ]
    env = {**os.environ, "PYTHONPATH": str(ROOT), "XDG_STATE_HOME": str(directory / "state")}
    before = captures(lab)
    with subprocess.Popen(
        argv, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=env, cwd=directory
    ) as process:
        try:
            until(lambda: captures(lab) - before or process.poll() is not None, "a capture in the cluster")
            yield process
        finally:
            if process.poll() is None:
                process.kill()


def captures(lab: RunningLab) -> set[int]:
    """The tcpdump processes that run in the lab's namespaces and have opened their socket."""
    found = set()
    mine = {
        entry.name for entry in Path("/var/run/netns").iterdir() if lab.cluster.netns("x")[:-1] in entry.name
    }
    inodes = {(Path("/var/run/netns") / name).stat().st_ino for name in mine}
    for entry in Path("/proc").iterdir():
        if not entry.name.isdigit():
            continue
        try:
            if (entry / "comm").read_text().strip() != "tcpdump":
                continue
            inside = (entry / "ns" / "net").stat().st_ino in inodes
            sockets = any(os.readlink(fd).startswith("socket:") for fd in (entry / "fd").iterdir())  # noqa: PTH115
        except OSError:
            continue
        if inside and sockets:
            found.add(int(entry.name))
    return found


def test_pings_are_seen_and_counted(running_lab: RunningLab, tmp_path: Path) -> None:
    with capturing(running_lab, tmp_path, "default/server", "icmp", "-c", "4", "-w", "out.pcap") as process:
        assert running_lab.cluster.ping("default/client", "10.16.0.11", 2)
        out, err = process.communicate(timeout=30)
    assert process.returncode == 0, err
    lines = out.splitlines()
    assert len(lines) == 4, out
    assert re.search(r"10\.16\.0\.10 .*10\.16\.0\.11.*echo request", lines[0]), lines[0]
    assert "echo reply" in lines[1]
    read = subprocess.run(
        ["tcpdump", "-nr", str(tmp_path / "out.pcap")], capture_output=True, text=True, check=True
    )
    assert read.stdout.count("ICMP echo") == 4


def test_two_pods_in_order_of_time(running_lab: RunningLab, tmp_path: Path) -> None:
    """A ping across nodes passes the sender's port before the receiver's."""
    words = ("default/client", "icmp", "--also", "default/web-0", "-c", "2", "--seconds", "20")
    with capturing(running_lab, tmp_path, *words) as process:
        until(lambda: len(captures(running_lab)) >= 2, "both captures")
        assert running_lab.cluster.ping("default/client", "10.16.0.12", 1)
        out, err = process.communicate(timeout=30)
    assert process.returncode == 0, err
    seen = [(re.search(r"default/[\w-]+", line) or [""])[0] for line in out.splitlines()]
    assert seen == ["default/client", "default/web-0", "default/web-0", "default/client"], out


@pytest.mark.parametrize(
    "endpoint", ["default/vm1", "default/multi@net1", "default/host-agent", "node//kube-ovn-worker"]
)
def test_every_kind_of_endpoint(running_lab: RunningLab, tmp_path: Path, endpoint: str) -> None:
    targets = {"default/vm1": "10.16.0.30", "default/multi@net1": "10.20.0.5"}
    with capturing(running_lab, tmp_path, endpoint, "-c", "1", "--seconds", "15") as process:
        source = "default/multi-peer" if "net1" in endpoint else "default/client"
        address = targets.get(endpoint, "172.18.0.3")
        until(
            lambda: running_lab.cluster.ping(source, address, 1) or process.poll() is not None,
            "a ping to arrive",
        )
        out, err = process.communicate(timeout=30)
    assert process.returncode == 0 and len(out.splitlines()) >= 1, out + err


@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_nothing_is_left_behind(running_lab: RunningLab, tmp_path: Path, how: signal.Signals) -> None:
    before = captures(running_lab)
    with capturing(running_lab, tmp_path, "default/server", "--seconds", "600") as process:
        process.send_signal(how)
        process.communicate(timeout=20)
    until(lambda: captures(running_lab) <= before, "the capture in the cluster to end")


def test_a_filter_that_tcpdump_would_not_take(running_lab: RunningLab, tmp_path: Path) -> None:
    argv = [sys.executable, "-m", "ko_tui", "--kubeconfig", str(running_lab.kubeconfig), "--context", "admin"]
    env = {**os.environ, "PYTHONPATH": str(ROOT), "XDG_STATE_HOME": str(tmp_path)}
    said = subprocess.run(
        [*argv, "tcpdump", "default/server", "-z", "reboot"],
        capture_output=True,
        text=True,
        env=env,
        timeout=30,
    )
    assert said.returncode == 2

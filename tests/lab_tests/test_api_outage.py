"""The API server goes away while packets are captured: told at once, the file is whole as far as it goes and said to be
partial, and what runs in the cluster is ended when the server is back, long before its own limit."""

from __future__ import annotations

import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import yaml

from tests.e2e.terminal import ROOT
from tests.lab.outage import Relay
from tests.lab.places import run, until
from tests.lab.running import RunningLab
from tests.lab_tests.command_line import Process
from tests.lab_tests.test_ops_tcpdump import WEB0, remote
from tests.unit.source_lab import changed_config

pytestmark = pytest.mark.lab
PING = 98  # bytes of a frame with an echo request of the usual size
SECONDS = 300  # of the capture: ten times what anything here waits for, so it is not what ends it


@contextmanager
def capturing(lab: RunningLab, relay: Relay, tmp_path: Path, file: Path) -> Iterator[Process]:
    """ko-tui, which knows the API server by the relay alone, with some packets in its file."""
    users = {u["name"]: u["user"] for u in yaml.safe_load(lab.kubeconfig.read_text())["users"]}
    config = changed_config(lab, "by-relay", users["admin"], server=f"https://127.0.0.1:{relay.port}")
    words = ["tcpdump", "default/client", "icmp", "-w", str(file), "--seconds", str(SECONDS)]
    process = subprocess.Popen(
        [sys.executable, "-m", "ko_tui", "--kubeconfig", config, "--context", "x", *words],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=lab.environment(XDG_STATE_HOME=str(tmp_path), PYTHONPATH=str(ROOT), PYTHONUNBUFFERED="1"),
    )
    try:
        reads(process, ": listening.")
        assert lab.cluster.ping("default/client", WEB0, 3)
        until(lambda: file.stat().st_size >= 24 + 6 * (16 + PING), "the requests and replies in the file")
        yield process
    finally:
        if process.poll() is None:
            process.kill()
        process.communicate()


def reads(process: Process, words: str) -> str:
    """Wait for a line of standard error with these words."""
    assert process.stderr is not None
    while (said := process.stderr.readline()) and words not in said:
        pass
    assert said, f"it ended before it said {words!r}"
    return said


def partial(file: Path, err: str) -> int:
    """How many packets the file holds by ko-tui's word; by tcpdump's it is the same, and the last is whole."""
    found = re.search(r"pings\.pcap is partial: it holds (\d+) packets?, each whole", err)
    assert found is not None, err
    read = run("tcpdump", "-nn", "-r", str(file))
    assert "truncated" not in read.stderr
    assert len(read.stdout.splitlines()) == int(found[1])
    return int(found[1])


@pytest.fixture
def relay(running_lab: RunningLab) -> Iterator[Relay]:
    with Relay(running_lab.server.port) as found:
        yield found
    running_lab.faults.clear()
    until(lambda: not remote(running_lab), "nothing to go on in the cluster")


def test_it_comes_back(running_lab: RunningLab, relay: Relay, tmp_path: Path) -> None:
    file = tmp_path / "pings.pcap"
    # The pod keeps what was run, as the kubelet may when its stream has gone (kubernetes/kubernetes#89031).
    running_lab.faults.add("keep_process", command=r"\btcpdump\b")
    with capturing(running_lab, relay, tmp_path, file) as process:
        relay.cut()
        said = reads(process, "the connection is lost")
        assert "default/client" in said and process.poll() is None and remote(running_lab)
        relay.restore()
        _, err = process.communicate(timeout=60)
        assert process.returncode == 3 and "Traceback" not in err, err
        assert partial(file, err) >= 6
        until(lambda: not remote(running_lab), "the capture to end in the cluster")


def test_nobody_has_to_wait_for_it(running_lab: RunningLab, relay: Relay, tmp_path: Path) -> None:
    """Ctrl-C while it is away: ko-tui ends, and says what ends the rest. The pod that lost its stream ends it here."""
    file = tmp_path / "pings.pcap"
    with capturing(running_lab, relay, tmp_path, file) as process:
        relay.cut()
        reads(process, "the connection is lost")
        process.send_signal(signal.SIGINT)
        _, err = process.communicate(timeout=30)
        assert process.returncode == 3 and "Traceback" not in err, err
        assert f"its own limit of {SECONDS} s ends what runs there" in err
        assert partial(file, err) >= 6

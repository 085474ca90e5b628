"""``ko-tui tcpdump``: what is captured is what was sent, and no tcpdump is left in the cluster whatever ends ko-tui."""

from __future__ import annotations

import re
import signal
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest

from tests.lab.places import alive, run, until
from tests.lab.running import RunningLab
from tests.lab.topology import NODES
from tests.lab_tests.command_line import CommandLine, Process

pytestmark = pytest.mark.lab
CLIENT, SERVER, WEB0 = "10.16.0.10", "10.16.0.11", "10.16.0.12"


def remote(lab: RunningLab) -> list[int]:
    """Every tcpdump, and every timeout(1) over one, that runs in the lab's pods."""
    found = []
    for node in NODES:
        for pid in lab.cluster.node_place(node.name).pids():
            with suppress(OSError):
                words = Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")
                if b"tcpdump" in words and alive(pid):
                    found.append(pid)
    return found


@contextmanager
def capture(lab: RunningLab, line: CommandLine, *words: str, places: int = 1) -> Iterator[Process]:
    """A capture that listens in ``places``, by its own word."""
    process = line.start(lab, "tcpdump", *words)
    assert process.stderr is not None
    try:
        listening = 0
        while listening < places and (said := process.stderr.readline()):
            listening += said.endswith(": listening.\n")
        yield process
    finally:
        if process.poll() is None:
            process.kill()
        process.communicate()


def moments(out: str) -> list[str]:
    return [text.split()[0] for text in out.splitlines()]


def test_pings_as_text_and_as_a_file(running_lab: RunningLab, line: CommandLine, tmp_path: Path) -> None:
    file = tmp_path / "pings.pcap"
    with capture(running_lab, line, "default/client", "icmp", "-c", "6", "-w", str(file)) as process:
        assert running_lab.cluster.ping("default/client", WEB0, 3)
        out, err = process.communicate(timeout=30)
    assert process.returncode == 0, err
    shown = out.splitlines()
    assert len(shown) == 6 and moments(out) == sorted(moments(out))
    assert sum(f"{CLIENT} > {WEB0}" in text for text in shown) == 3, out
    assert sum("echo request" in text for text in shown) == 3
    read = run("tcpdump", "-nn", "-tt", "-r", str(file)).stdout.splitlines()
    assert len(read) == 6 and sum("ICMP echo request" in text for text in read) == 3
    fraction = [text.split()[0].partition(".")[2] for text in read]
    assert fraction == [moment.partition(".")[2] for moment in moments(out)]
    assert file.stat().st_mode & 0o777 == 0o600 and f"written to {file}" in err
    until(lambda: not remote(running_lab), "the captures to end")


def test_tcpdumps_own_options(running_lab: RunningLab, line: CommandLine) -> None:
    """As people type them after kubectl ko tcpdump: -n is not the namespace, and -i names another interface."""
    with capture(
        running_lab, line, "default/multi", "-nnett", "-Qin", "-i", "net1", "-c1", "icmp"
    ) as process:
        assert running_lab.cluster.ping("default/multi-peer", "10.20.0.5", 2)
        out, err = process.communicate(timeout=30)
    assert process.returncode == 0, err
    form = r"\d+\.\d{6} [0-9a-f:]{17} > [0-9a-f:]{17}, icmp 10\.20\.0\.6 > 10\.20\.0\.5 echo request .*\n"
    assert re.fullmatch(form, out), out
    for wrong in ("-c-5", "-c10000000", "-s262145", "--seconds=0"):
        told = line(running_lab, "tcpdump", "default/client", wrong)
        assert told.status == 2 and "was asked for" in told.err, told
    vm = line(running_lab, "tcpdump", "default/vm1", "-i", "eth0")
    assert vm.status == 2 and "would be another's" in vm.err, vm


def test_packets_into_a_pipe(running_lab: RunningLab, line: CommandLine, tmp_path: Path) -> None:
    """``-w -`` is a pcap stream and nothing else, as for wireshark -k -i -."""
    file = tmp_path / "piped"
    with file.open("wb") as pipe:
        process = line.start(
            running_lab, "tcpdump", "default/client", "-s0", "-w-", "-c2", "icmp", stdout=pipe.fileno()
        )
        assert process.stderr is not None
        assert any(said.endswith(": listening.\n") for said in process.stderr)
        assert running_lab.cluster.ping("default/client", SERVER, 2)
        process.communicate(timeout=30)
    read = run("tcpdump", "-nn", "-r", str(file)).stdout.splitlines()
    assert len(read) == 2 and "echo request" in read[0] and "length 64" in read[0], read


def test_a_file_that_is_there_stays(running_lab: RunningLab, line: CommandLine, tmp_path: Path) -> None:
    file = tmp_path / "mine"
    file.write_text("mine\n")
    refused = line(running_lab, "tcpdump", "default/client", "-w", str(file))
    assert refused.status == 2 and file.read_text() == "mine\n"


def test_pods_of_several_nodes_by_time(running_lab: RunningLab, line: CommandLine) -> None:
    """Each request is seen at the client first, each reply at the server first."""
    words = ("default/client", "--also", "default/web-0", "icmp", "-c", "6")
    with capture(running_lab, line, *words, places=2) as process:
        assert running_lab.cluster.ping("default/client", WEB0, 3)
        out, err = process.communicate(timeout=30)
    assert process.returncode == 0, err
    assert moments(out) == sorted(moments(out)) and len(moments(out)) == 12
    at = [text.split()[1] for text in out.splitlines()]
    assert at == ["default/client:", "default/web-0:", "default/web-0:", "default/client:"] * 3, out


@pytest.mark.parametrize(
    ("endpoint", "filter_", "source", "target"),
    [
        ("default/host-agent", "icmp", "default/host-agent", "172.18.0.4"),
        ("default/vm1", "icmp", "default/client", "10.16.0.30"),
        ("default/multi@net1", "icmp", "default/multi-peer", "10.20.0.5"),
        ("vpc2/tenant-b", "icmp", "vpc2/tenant-a", SERVER),
        ("node//kube-ovn-worker2", "udp port 6081", "default/client", WEB0),
    ],
)
def test_endpoints_of_all_kinds(
    endpoint: str, filter_: str, source: str, target: str, running_lab: RunningLab, line: CommandLine
) -> None:
    with capture(running_lab, line, endpoint, *filter_.split(), "--seconds", "20") as process:
        assert running_lab.cluster.ping(source, target, 2)
        assert process.stdout is not None
        assert any(f"> {target}" in text and "echo request" in text for text in process.stdout)
        process.send_signal(signal.SIGINT)
        _, err = process.communicate(timeout=30)
    assert process.returncode == 0, err


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGHUP, signal.SIGTERM, signal.SIGKILL])
def test_nothing_goes_on_in_the_cluster(
    number: signal.Signals, running_lab: RunningLab, line: CommandLine
) -> None:
    words = ("default/client", "--also", "default/web-0", "icmp")
    with capture(running_lab, line, *words, places=2) as process:
        assert len(remote(running_lab)) >= 2
        process.send_signal(number)
        _, err = process.communicate(timeout=30)
        assert process.returncode == (-9 if number == signal.SIGKILL else 0) and "Traceback" not in err, err
        until(lambda: not remote(running_lab), "the captures to end")


def test_a_pod_that_keeps_what_was_run(running_lab: RunningLab, line: CommandLine) -> None:
    """Closing the stream does not end the program in every cluster: it is ended by its name then."""
    with running_lab.faults.active("keep_process", command=r"\btcpdump\b") as fault:
        with capture(running_lab, line, "default/client", "icmp") as process:
            process.send_signal(signal.SIGINT)
            assert process.communicate(timeout=30) and process.returncode == 0
            until(lambda: not remote(running_lab), "the capture to end")
        assert fault.hits


def test_the_time_is_up_in_the_cluster_too(running_lab: RunningLab, line: CommandLine) -> None:
    """Killed for good, where programs outlive their streams: the command's own limit ends it."""
    words = ("default/client", "icmp", "--seconds", "3")
    with (
        running_lab.faults.active("keep_process", command=r"\btcpdump\b"),
        capture(running_lab, line, *words) as process,
    ):
        process.kill()
        process.communicate()
        assert remote(running_lab)
        until(lambda: not remote(running_lab), "the capture to end")


def test_a_connection_that_is_cut(running_lab: RunningLab, line: CommandLine) -> None:
    with (
        running_lab.faults.active("cut_stream", command=r"\btcpdump\b", after=60),
        capture(running_lab, line, "default/client", "icmp", "-c", "4") as process,
    ):
        assert running_lab.cluster.ping("default/client", WEB0, 2)
        _, err = process.communicate(timeout=30)
    assert process.returncode == 3 and "Traceback" not in err, err
    until(lambda: not remote(running_lab), "the capture to end")


def test_the_api_goes_away(running_lab: RunningLab, line: CommandLine, tmp_path: Path) -> None:
    """The stream is cut and nothing answers: what was captured is kept, and the limit ends it in the cluster."""
    file = tmp_path / "pings.pcap"
    words = ("default/client", "icmp", "-w", str(file), "--seconds", "4")
    faults = running_lab.faults
    with (
        faults.active("keep_process", command=r"\btcpdump\b"),
        faults.active("cut_stream", command=r"\btcpdump\b", after=300),
        capture(running_lab, line, *words) as process,
    ):
        with faults.active("http_status", code=503):
            assert running_lab.cluster.ping("default/client", WEB0, 4)
            _, err = process.communicate(timeout=30)
        assert process.returncode == 3 and "Traceback" not in err, err
        assert "ICMP echo request" in run("tcpdump", "-nn", "-r", str(file)).stdout
        until(lambda: not remote(running_lab), "the capture to end")


def test_no_packets_is_an_answer(running_lab: RunningLab, line: CommandLine, tmp_path: Path) -> None:
    file = tmp_path / "none.pcap"
    words = ("default/client", "tcp", "port", "9", "--seconds", "1", "-w", str(file))
    done = line(running_lab, "tcpdump", *words)
    assert done.status == 0 and done.out == ""
    assert run("tcpdump", "-r", str(file)).stdout == ""


def test_what_cannot_be_captured(running_lab: RunningLab, line: CommandLine, tmp_path: Path) -> None:
    for words, status, said in (
        (("default/none",), 3, "none"),
        (("default/pending",), 3, "not on any node"),
        (("default/client", "-c", "1", "no such word"), 3, "syntax error"),
        (("default/client", "icmp", "-w", str(tmp_path / "no" / "file")), 2, "No such file or directory"),
        (("default/client", "--seconds", "0"), 2, "1 to 3600 seconds"),
    ):
        done = line(running_lab, "tcpdump", *words)
        assert done.status == status and re.search(said, done.err), (words, done)
    assert not remote(running_lab)

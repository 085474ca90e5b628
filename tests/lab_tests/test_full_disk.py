"""A disk that is full while something is saved: it is said, with the way out, nothing half is left, all goes on."""

from __future__ import annotations

import shlex
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.e2e.terminal import PROGRAM, ROOT, Terminal, why_unavailable
from tests.lab.places import until
from tests.lab.running import RunningLab
from tests.lab_tests.command_line import cluster
from tests.lab_tests.test_ops_tcpdump import WEB0, remote

pytestmark = pytest.mark.lab
# In a mount namespace of its own the small disk goes when its last process does.
SMALL = 'mount -t tmpfs -o "size=$1" tmpfs "$2" || exit 99; cd "$2"; eval "$3"; shift 3; "$@"; status=$?; '
LEFT = "echo '== left'; find . -type f -size +0 -printf '%P %s\\n'; exit $status"
FILL = "dd if=/dev/zero of=filler bs=1k 2>/dev/null"  # until there is no room at all


@dataclass(frozen=True)
class Ended:
    """How a command on a small disk ended; ``left`` are the sizes of the files on it, by name."""

    status: int
    out: str
    err: str
    left: dict[str, int]


def small_disk(disk: Path, size: str, before: str, command: list[str]) -> list[str]:
    """``command`` with a disk of that size at ``disk``, its working directory; ``before`` is run on it first."""
    disk.mkdir(exist_ok=True)
    return ["unshare", "--mount", "sh", "-c", SMALL + LEFT, "sh", size, str(disk), before, *command]


def on_small_disk(
    lab: RunningLab, tmp_path: Path, size: str, *words: str, before: str = ":", state: str = ""
) -> Ended:
    """ko-tui as the lab's admin, whose present directory is on the small disk (``state`` too when it is named)."""
    disk = tmp_path / "disk"
    argv = small_disk(disk, size, before, [sys.executable, "-m", "ko_tui", *cluster(lab), *words])
    where = str(disk / state) if state else str(tmp_path / "state")
    environment = lab.environment(XDG_STATE_HOME=where, PYTHONPATH=str(ROOT))
    done = subprocess.run(argv, capture_output=True, text=True, timeout=120, env=environment)
    out, _, left = done.stdout.partition("== left\n")
    sizes = {name: int(length) for name, length in (line.split() for line in left.splitlines())}
    assert "Traceback" not in done.stderr and "defect" not in done.stderr, done.stderr
    return Ended(done.returncode, out, done.stderr, sizes)


@pytest.mark.parametrize("size", ["16k", "120k"])
def test_a_snapshot(running_lab: RunningLab, tmp_path: Path, size: str) -> None:
    """Full at the first member or after some; what was there under that name stays."""
    old = "printf mine > lab.kosnap"
    done = on_small_disk(running_lab, tmp_path, size, "snapshot", "save", "lab.kosnap", "--force", before=old)
    assert done.status == 2 and done.left == {"lab.kosnap": 4}, done
    assert "Not saved: lab.kosnap cannot be written: No space left on device" in done.err
    assert "Free some room" in done.err and "Saved" not in done.out


def test_an_archive_of_logs_that_many_nodes_add_to(running_lab: RunningLab, tmp_path: Path) -> None:
    done = on_small_disk(running_lab, tmp_path, "16k", "log", "all", "-o", "logs.tar.gz")
    assert done.status == 2 and not done.left, done
    assert "logs.tar.gz cannot be written: No space left on device" in done.err and "-o" in done.err


def test_a_capture_keeps_whole_packets_and_says_how_many(running_lab: RunningLab, tmp_path: Path) -> None:
    disk = tmp_path / "disk"
    words = ["tcpdump", "default/client", "icmp", "-w", "pings.pcap", "--seconds", "60"]
    program = shlex.join([sys.executable, "-m", "ko_tui", *cluster(running_lab), *words])
    read = f"{program}; echo status $?; tcpdump -nn -r pings.pcap | wc -l"
    process = subprocess.Popen(
        small_disk(disk, "4k", ":", ["sh", "-c", read]),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=running_lab.environment(XDG_STATE_HOME=str(tmp_path / "state"), PYTHONPATH=str(ROOT)),
    )
    try:
        assert process.stderr is not None
        while not (said := process.stderr.readline()).endswith(": listening.\n"):
            assert said, "it ended before it listened"
        running_lab.cluster.run_in_pod("default/client", "ping", "-c", "20", "-i", "0.02", "-s", "400", WEB0)
        out, err = process.communicate(timeout=60)
    finally:
        process.kill()
    # 4096 bytes: 24 of the file's own, and 16 + 262 of every packet, of which so much is kept.
    assert "status 3" in out and "Traceback" not in err + out, err
    assert out.splitlines()[-3:] == ["14", "== left", f"pings.pcap {24 + 14 * 278}"]
    assert "pings.pcap cannot be written any more: No space left on device" in err
    assert "pings.pcap is partial: it holds 14 packets, each whole" in err
    until(lambda: not remote(running_lab), "the capture to end in the cluster")


def test_a_capture_without_room_for_one_packet(running_lab: RunningLab, tmp_path: Path) -> None:
    words = ("tcpdump", "default/client", "tcp", "port", "9", "--seconds", "1", "-w", "none.pcap")
    done = on_small_disk(running_lab, tmp_path, "16k", *words, before=FILL)
    assert done.status == 3 and set(done.left) == {"filler"}, done
    assert "none.pcap cannot be written any more: No space left on device" in done.err


def test_the_audit_log(running_lab: RunningLab, tmp_path: Path) -> None:
    """What was asked for is done all the same; that it was not written down is said, once."""
    done = on_small_disk(running_lab, tmp_path, "16k", "nbctl", "ls-list", before=FILL, state="state")
    assert done.status == 0 and "(ovn-default)" in done.out, done
    assert done.err.count("audit.jsonl cannot be written: No space left on device") == 1


def test_standard_output(running_lab: RunningLab, tmp_path: Path) -> None:
    for words in (["nbctl", "show"], ["trace", "default/client", "default/server"], ["rbac"]):
        with Path("/dev/full").open("w") as full:
            done = subprocess.run(
                [sys.executable, "-m", "ko_tui", *cluster(running_lab), *words],
                stdout=full,
                stderr=subprocess.PIPE,
                text=True,
                env=running_lab.environment(XDG_STATE_HOME=str(tmp_path), PYTHONPATH=str(ROOT)),
            )
        assert done.returncode == 3 and "The output cannot be written: No space left" in done.stderr, words
        assert len(done.stderr.splitlines()) == 2, done.stderr


@pytest.mark.skipif(bool(why_unavailable()), reason=why_unavailable())
def test_the_program_lives(running_lab: RunningLab, tmp_path: Path) -> None:
    """State, clipboard file, history, audit log and what is saved are all on the full disk."""
    disk = tmp_path / "disk"
    command = small_disk(disk, "32k", FILL, [*PROGRAM, *cluster(running_lab)])
    environment = running_lab.environment(XDG_STATE_HOME=str(disk), PYTHONPATH=str(ROOT))
    with Terminal(command, tmp_path, width=140, height=30, environment=environment) as terminal:
        terminal.wait("default", "client", "live")
        terminal.keys("s")
        terminal.wait("cannot be written (No space left on device)", "name another with :save FILE")
        terminal.keys("y")
        terminal.wait("in no file")
        terminal.type(":trace default/client default/server icmp")
        terminal.keys("Enter")
        terminal.wait("Delivered to", "not logged", "The audit log")
        terminal.type(":export way.html")
        terminal.keys("Enter")
        terminal.wait("cannot be written (No space left on device)", "way.html")
        terminal.keys("4")
        terminal.wait("Subnet ovn-default")
        terminal.keys("q")
        terminal.wait("Leave ko-tui?")
        terminal.keys("Enter")
        screen = terminal.wait("== left", "ended with status 0")
        left = screen.partition("== left\n")[2].partition("ended")[0].splitlines()
        assert [line.split()[0] for line in left] == ["filler"], screen

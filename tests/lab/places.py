"""Where things of a lab live: network namespaces, and a mount namespace for each pod.

A pod of Kube-OVN's is a small process that holds a mount namespace in which /var/run/ovn and its kin are the pod's
own directories, so that the fixed paths of Kube-OVN's containers work. Workload pods are network namespaces.
"""

from __future__ import annotations

import contextlib
import os
import shlex
import signal
import subprocess
import time
from collections.abc import Callable, Sequence
from pathlib import Path

MOUNTS = (
    "/var/run/ovn",
    "/var/run/openvswitch",
    "/etc/ovn",
    "/etc/openvswitch",
    "/var/log/ovn",
    "/var/log/openvswitch",
)
NETNS = Path("/var/run/netns")


class LabFailed(RuntimeError):
    """The lab could not do what was asked; the message holds the command and its words."""


def run(
    *argv: str, check: bool = True, timeout: float = 60, stdin: str = ""
) -> subprocess.CompletedProcess[str]:
    """Run a command on the host side of the lab."""
    done = subprocess.run(argv, capture_output=True, text=True, timeout=timeout, input=stdin)
    if check and done.returncode != 0:
        raise LabFailed(f"{shlex.join(argv)[:2000]}\nstatus {done.returncode}\n{done.stdout}{done.stderr}")
    return done


def script(text: str, prefix: Sequence[str] = (), timeout: float = 60) -> str:
    """Run a shell script that stops at its first error; gives its standard output."""
    done = subprocess.run([*prefix, "sh", "-eu", "-c", text], capture_output=True, text=True, timeout=timeout)
    if done.returncode != 0:
        raise LabFailed(f"{text}\nstatus {done.returncode}\n{done.stdout}{done.stderr}")
    return done.stdout


def until(condition: Callable[[], object], what: str, seconds: float = 30.0, step: float = 0.02) -> None:
    """Wait until ``condition`` gives something true. The one place where the lab's code waits on time."""
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            raise LabFailed(f"waited {seconds:.0f} s for {what}")
        time.sleep(step)


class Place:
    """A pod's surroundings: directories of its own, a network namespace, and the process that holds them."""

    def __init__(self, directory: Path, netns: str) -> None:
        self.directory = directory
        self.netns = netns
        self._holder: subprocess.Popen[bytes] | None = None

    def open(self) -> None:
        """Make the directories and the mount namespace."""
        lines = []
        for mount in MOUNTS:
            own = self.directory / mount.strip("/").replace("/", "-")
            own.mkdir(parents=True, exist_ok=True)
            Path(mount).mkdir(parents=True, exist_ok=True)
            lines.append(f"mount --bind {shlex.quote(str(own))} {mount}")
        body = "; ".join([*lines, "echo ready", "exec sleep infinity"])
        self._holder = subprocess.Popen(
            [
                *("nsenter", f"--net={NETNS / self.netns}", "unshare", "--mount", "--propagation", "private"),
                *("sh", "-eu", "-c", body),
            ],
            stdout=subprocess.PIPE,
            stdin=subprocess.DEVNULL,
            start_new_session=True,
        )
        assert self._holder.stdout is not None
        if self._holder.stdout.readline() != b"ready\n":
            raise LabFailed(f"the place {self.directory} could not be made")

    @property
    def pid(self) -> int:
        assert self._holder is not None, "the place is not open"
        return self._holder.pid

    def path(self, inside: str) -> Path:
        """The host's path of a file that the pod sees as ``inside``."""
        for mount in MOUNTS:
            if inside.startswith(mount):
                return self.directory / mount.strip("/").replace("/", "-") / inside[len(mount) :].lstrip("/")
        return Path(inside)

    def prefix(self, netns: str = "") -> list[str]:
        """The words before a command that run it here (or with another network namespace)."""
        net = f"--net={NETNS / netns}" if netns else f"--net=/proc/{self.pid}/ns/net"
        return ["nsenter", f"--mount=/proc/{self.pid}/ns/mnt", net, "--wd=/", "--"]

    def run(self, *argv: str, check: bool = True, timeout: float = 60) -> subprocess.CompletedProcess[str]:
        return run(*self.prefix(), *argv, check=check, timeout=timeout)

    def script(self, text: str, timeout: float = 60) -> str:
        return script(text, self.prefix(), timeout)

    def pids(self) -> list[int]:
        """Of the daemons started here, by their pid files."""
        found = []
        for file in self.directory.rglob("*.pid"):
            with contextlib.suppress(ValueError, OSError):
                found.append(int(file.read_text().strip()))
        return found

    def close(self) -> None:
        """End the daemons and the holder; the mounts end with it."""
        end(self.pids())
        if self._holder is not None:
            with contextlib.suppress(ProcessLookupError):
                os.kill(self._holder.pid, signal.SIGKILL)
            self._holder.wait()
            if self._holder.stdout is not None:
                self._holder.stdout.close()
            self._holder = None


def alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


def end(pids: Sequence[int]) -> None:
    """Kill processes for good; stopped ones too."""
    for pid in pids:
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.kill(pid, signal.SIGKILL)
    with contextlib.suppress(LabFailed):
        until(lambda: not any(alive(pid) for pid in pids), "processes to end", 10)

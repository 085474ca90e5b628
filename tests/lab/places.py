"""Where things of a lab live: network namespaces, and a mount namespace for each pod.

A pod of Kube-OVN's is a small process that holds a mount namespace in which /var/run/ovn and its kin are the pod's
own directories, so that the fixed paths of Kube-OVN's containers work. Workload pods are network namespaces.
Who belongs to a lab is told by the network namespace that a process is in, never by a process id on file alone:
ids are used again.
"""

from __future__ import annotations

import contextlib
import os
import shlex
import signal
import subprocess
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path

MOUNTS = (
    "/var/run/ovn",
    "/var/run/openvswitch",
    "/etc/ovn",
    "/etc/openvswitch",
    "/var/log",
    "/tmp",
)
LOGS = ("ovn", "openvswitch", "kube-ovn")
CONFLIST = "/etc/cni/net.d/01-kube-ovn.conflist"
NETNS = Path("/var/run/netns")
_SBIN = "/usr/local/sbin:/usr/sbin:/sbin"


def environment() -> dict[str, str]:
    """For commands of the lab: administrators' tools are found, and no setting of the user's redirects OVN's."""
    kept = {k: v for k, v in os.environ.items() if not k.startswith(("OVN_", "OVS_", "LC_"))}
    return {**kept, "LC_ALL": "C.UTF-8", "PATH": f"{os.environ.get('PATH', os.defpath)}:{_SBIN}"}


class LabFailed(RuntimeError):
    """The lab could not do what was asked; the message holds the command and its words."""


def run(
    *argv: str, check: bool = True, timeout: float = 60, stdin: str = ""
) -> subprocess.CompletedProcess[str]:
    """Run a command on the host side of the lab."""
    done = subprocess.run(
        argv, capture_output=True, text=True, timeout=timeout, input=stdin, env=environment()
    )
    if check and done.returncode != 0:
        raise LabFailed(f"{shlex.join(argv)[:2000]}\nstatus {done.returncode}\n{done.stdout}{done.stderr}")
    return done


def script(text: str, prefix: Sequence[str] = (), timeout: float = 60) -> str:
    """Run a shell script that stops at its first error; gives its standard output."""
    argv = [*prefix, "sh", "-eu", "-c", text]
    done = subprocess.run(argv, capture_output=True, text=True, timeout=timeout, env=environment())
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

    def __init__(self, directory: Path, netns: str, shared: Mapping[str, Path] | None = None) -> None:
        self.directory = directory
        self.shared = dict(shared or {})  # mounts that are another place's directory, as host paths are
        self.netns = netns
        self._holder: subprocess.Popen[bytes] | None = None

    def open(self) -> None:
        """Make the directories and the mount namespace."""
        # /etc gets a layer of its own, for what the machine has no directory for; where the kernel or a container
        # allows no overlay, it is the machine's.
        layer, work = self.directory / "etc-layer", self.directory / "etc-work"
        conflist = layer / Path(CONFLIST).relative_to("/etc")
        conflist.parent.mkdir(parents=True, exist_ok=True)
        conflist.write_text(
            '{"name": "kube-ovn", "cniVersion": "0.3.1", "plugins": [{"type": "kube-ovn"}]}\n'
        )
        work.mkdir(exist_ok=True)
        options = f"lowerdir=/etc,upperdir={layer},workdir={work}"
        lines = [f"mount -t overlay overlay -o {shlex.quote(options)} /etc 2>/dev/null || true"]
        for mount in MOUNTS:
            own = self.own(mount)
            own.mkdir(parents=True, exist_ok=True)
            Path(mount).mkdir(parents=True, exist_ok=True)
            lines.append(f"mount --bind {shlex.quote(str(own))} {mount}")
        for name in LOGS:
            (self.own("/var/log") / name).mkdir(exist_ok=True)
        body = "; ".join([*lines, "echo ready", "exec sleep infinity >/dev/null"])
        # No stream of ours: a holder that outlives a killed lab would keep its pipes open.
        said = self.directory / "holder.log"
        with said.open("w") as errors:
            self._holder = subprocess.Popen(
                [
                    *(
                        "nsenter",
                        f"--net={NETNS / self.netns}",
                        "unshare",
                        "--mount",
                        "--propagation",
                        "private",
                    ),
                    *("sh", "-eu", "-c", body),
                ],
                stdout=subprocess.PIPE,
                stderr=errors,
                stdin=subprocess.DEVNULL,
                start_new_session=True,
                env=environment(),
            )
        assert self._holder.stdout is not None
        if self._holder.stdout.readline() != b"ready\n":
            raise LabFailed(f"the place {self.directory} could not be made: {said.read_text()}")

    @property
    def pid(self) -> int:
        assert self._holder is not None, "the place is not open"
        return self._holder.pid

    def own(self, mount: str) -> Path:
        """The directory that stands at ``mount`` in the pod."""
        return self.shared.get(mount) or self.directory / mount.strip("/").replace("/", "-")

    def path(self, inside: str) -> Path:
        """The host's path of a file that the pod sees as ``inside``."""
        for mount in MOUNTS:
            if Path(inside).is_relative_to(mount):
                return self.own(mount) / Path(inside).relative_to(mount)
        return Path(inside)

    def prefix(self, netns: str = "") -> list[str]:
        """The words before a command that run it here (or with another network namespace)."""
        net = f"--net={NETNS / netns}" if netns else f"--net=/proc/{self.pid}/ns/net"
        return ["nsenter", f"--mount=/proc/{self.pid}/ns/mnt", net, "--wd=/", "--"]

    def run(self, *argv: str, check: bool = True, timeout: float = 60) -> subprocess.CompletedProcess[str]:
        return run(*self.prefix(), *argv, check=check, timeout=timeout)

    def script(self, text: str, timeout: float = 60) -> str:
        return script(text, self.prefix(), timeout)

    def daemon(self, name: str) -> int:
        """The process id of a daemon by the name of its pid file (``ovnnb_db``, ``ovs-vswitchd`` ...); 0 when it
        does not run."""
        directory = "/var/run/openvswitch" if name in ("ovs-vswitchd", "ovsdb-server") else "/var/run/ovn"
        try:
            pid = int(self.path(f"{directory}/{name}.pid").read_text())
        except (OSError, ValueError):
            return 0
        return pid if pid in self.pids() else 0

    def pids(self) -> list[int]:
        """All processes that see this place's directories: its daemons, what was run here, and the holder."""
        return processes("mnt", [f"/proc/{self.pid}/ns/mnt"]) if self._holder is not None else []

    def close(self) -> None:
        """End all that runs here; the mounts end with it."""
        if self._holder is None:
            return
        end([pid for pid in self.pids() if pid != self._holder.pid])
        self._holder.kill()
        self._holder.wait()
        if self._holder.stdout is not None:
            self._holder.stdout.close()
        self._holder = None


def processes(kind: str, namespaces: Iterable[str | Path]) -> list[int]:
    """The processes that are in one of some namespaces of a kind (``net``, ``mnt``), given by their files."""
    wanted = set()
    for namespace in namespaces:
        with contextlib.suppress(OSError):
            found = Path(namespace).stat()
            wanted.add((found.st_dev, found.st_ino))
    pids = []
    for process in Path("/proc").iterdir():
        if process.name.isdigit():
            with contextlib.suppress(OSError):
                found = (process / "ns" / kind).stat()
                if (found.st_dev, found.st_ino) in wanted:
                    pids.append(int(process.name))
    return pids


def alive(pid: int) -> bool:
    """Whether a process still holds its files: a killed one does until its last thread has ended."""
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
        return state != "Z" or len(list(Path(f"/proc/{pid}/task").iterdir())) > 1
    except OSError:
        return False


def end(pids: Sequence[int]) -> None:
    """Kill processes for good; stopped ones too."""
    for pid in pids:
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.kill(pid, signal.SIGKILL)
    with contextlib.suppress(LabFailed):
        until(lambda: not any(alive(pid) for pid in pids), "processes to end", 10)

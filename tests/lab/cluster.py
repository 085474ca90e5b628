"""A real OVN cluster on one machine: three central members, three nodes with a userspace datapath, real pods.

Needs root and Debian's OVN and Open vSwitch. Every address lives in network namespaces of the lab; the host's own
network is not touched. Several labs may run side by side: each has its own directory and name prefix.
"""

from __future__ import annotations

import contextlib
import os
import re
import secrets
import shutil
import signal
import subprocess
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Literal

from tests.lab import central, northbound, workloads
from tests.lab.places import NETNS, LabFailed, Place, end, environment, processes, run, until
from tests.lab.sockets import Servers, ask
from tests.lab.topology import NODES, PODS, Node, Pod, node, pod

Database = Literal["nb", "sb"]
MARK = "ko-lab-"
TOOLS = (
    "ovsdb-server",
    "ovs-vswitchd",
    "ovn-northd",
    "ovn-controller",
    "ip",
    "ethtool",
    "nsenter",
    "unshare",
    "ping",
)
SCHEMA = {"nb": "OVN_Northbound", "sb": "OVN_Southbound"}


class LabUnavailable(RuntimeError):
    """This machine cannot carry a lab."""


def why_unavailable() -> str:
    """Why no lab can run here; "" when one can."""
    if os.geteuid() != 0:
        return "the lab needs root"
    missing = [tool for tool in TOOLS if shutil.which(tool, path=environment()["PATH"]) is None]
    if missing:
        return f"not installed: {', '.join(missing)}"
    if not Path("/dev/net/tun").exists():
        return "there is no /dev/net/tun, which the userspace datapath needs"
    devices = "ip link add name probe0 type veth peer name probe1 && ip link add name probe2 type bridge"
    for argv, what in (
        (("true",), "network and mount namespaces are not allowed here"),
        (("sh", "-c", devices), "veth and bridge devices cannot be made here"),
    ):
        probe = subprocess.run(["unshare", "--net", "--mount", *argv], capture_output=True, env=environment())
        if probe.returncode != 0:
            return what
    return ""


class Lab:
    """Start with ``start()`` or as a context manager. Names of pods are those that the API shows."""

    def __init__(self, directory: Path | None = None) -> None:
        self.id = secrets.token_hex(2)
        self._own_directory = directory is None
        self.directory = directory or Path(tempfile.gettempdir()) / f"{MARK}{self.id}-{secrets.token_hex(4)}"
        self.places: dict[str, Place] = {}  # "central-0", "node-kube-ovn-worker"
        self._servers: Servers | None = None
        self.started_in = 0.0

    # -- life -------------------------------------------------------------------------------------------------

    def __enter__(self) -> Lab:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def start(self) -> None:
        """Everything up, flows installed on every node. Raises LabUnavailable or LabFailed."""
        if reason := why_unavailable():
            raise LabUnavailable(reason)
        began = time.monotonic()
        try:
            self._start()
        except BaseException:
            self.stop()
            raise
        self.started_in = time.monotonic() - began

    def _start(self) -> None:
        self.directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        _record(self.id).write_text(
            f"{_identity(os.getpid())}\n{self.directory if self._own_directory else ''}"
        )
        workloads.make_underlay(self)
        for index, each in enumerate(NODES):
            central_place = Place(self.directory / f"central-{index}", self.netns(each.name))
            # A node's pods share the host's /etc/ovn, and so the databases' files.
            shared = {"/etc/ovn": central_place.own("/etc/ovn")}
            self.places[f"central-{index}"] = central_place
            self.places[f"node-{each.name}"] = Place(
                self.directory / each.name, self.netns(each.name), shared
            )
        with ThreadPoolExecutor(6) as pool:
            list(pool.map(lambda place: place.open(), self.places.values()))
            list(pool.map(lambda n: workloads.start_switch(self, n), NODES))
            central.start_first(self)
            list(pool.map(lambda i: central.join(self, i), (1, 2)))
            list(pool.map(lambda i: central.start_northd(self, i), (0, 1, 2)))
            loading = pool.submit(self._load)
            list(pool.map(lambda n: workloads.start_controller(self, n), NODES))
            list(pool.map(lambda n: workloads.plug_pods(self, n), NODES))
            loading.result()
        self._servers = Servers(self)
        self._servers.start()
        # --wait=hv waits for those that are registered, so all must be.
        until(
            lambda: len(self.sbctl("--bare", "--columns=name", "list", "Chassis").split()) >= len(NODES),
            "chassis",
        )
        self.sync()

    def _load(self) -> None:
        self.place(f"central-{self.leader('nb')}").run("ovn-nbctl", "--timeout=30", *northbound.argv())

    def sync(self, seconds: int = 40) -> None:
        """Wait until every node has the flows of the northbound database as it is now."""
        self.nbctl("--wait=hv", "sync", seconds=seconds)

    def stop(self) -> None:
        """End every process and remove every namespace of this lab; safe to call twice and after a failed start."""
        if self._servers is not None:
            with contextlib.suppress(Exception):
                self._servers.stop()
            self._servers = None
        for place in self.places.values():
            with contextlib.suppress(Exception):
                place.close()
        with contextlib.suppress(Exception):
            _remove(self.id)
        if self._own_directory:
            shutil.rmtree(self.directory, ignore_errors=True)
        _record(self.id).unlink(missing_ok=True)

    # -- names ------------------------------------------------------------------------------------------------

    def netns(self, name: str) -> str:
        """The network namespace of a node or a pod (by ``ns/name``)."""
        return f"kl{self.id}-{name.replace('/', '.')}"

    def place(self, name: str) -> Place:
        return self.places[name]

    def node_place(self, node: str) -> Place:
        return self.places[f"node-{node}"]

    def central_place(self, index: int) -> Place:
        return self.places[f"central-{index}"]

    def exec_prefix(
        self, namespace: str, name: str, container: str = "", *, app: str = "", node: str = ""
    ) -> list[str]:
        """The words that run a command in a pod.

        Pods of Kube-OVN are found by ``app`` and ``node`` (their names change when they are replaced): ovn-central
        has a place of its own on its node, all others share the node's. Workload pods are their network namespace.
        """
        if app == "ovn-central":
            index = next(i for i, n in enumerate(NODES) if n.name == node)
            return self.central_place(index).prefix()
        if app:
            return self.node_place(node).prefix()
        found = next((p for p in PODS if p.key == f"{namespace}/{name}"), None)
        if found is None or (not found.real and found.kind != "host"):
            raise KeyError(f"{namespace}/{name}")
        if found.kind == "host":
            return self.node_place(found.node).prefix()
        return ["nsenter", f"--net={NETNS / self.netns(found.key)}", "--wd=/", "--"]

    # -- asking -------------------------------------------------------------------------------------------------

    def leader(self, database: Database) -> int:
        """The index of the member that leads; waits for an election in progress."""
        return self.lead(database)[0]

    def lead(self, database: Database) -> tuple[int, int]:
        """Who leads, and in which term. One that was voted out and does not know yet has an older term."""
        found: list[tuple[int, int]] = []

        def one_leads() -> bool:
            said = [self.status(i, database) for i in range(len(NODES))]
            latest = max(term for _, term in said)
            found[:] = [
                (i, term) for i, (role, term) in enumerate(said) if role == "leader" and term == latest
            ]
            return bool(found)

        until(one_leads, f"a leader of {SCHEMA[database]}", 30, 0.05)
        return found[0]

    def role(self, index: int, database: Database) -> str:
        """leader, follower, candidate, or "" when the member does not answer."""
        return self.status(index, database)[0]

    def status(self, index: int, database: Database) -> tuple[str, int]:
        """A member's role and term; "" and 0 when it does not answer."""
        place = self.central_place(index)
        said = place.run(
            "ovn-appctl",
            "-T",
            "3",
            "-t",
            f"/var/run/ovn/ovn{database}_db.ctl",
            "cluster/status",
            SCHEMA[database],
            check=False,
        )
        role = re.search(r"^Role: (\w+)", said.stdout, re.MULTILINE)
        term = re.search(r"^Term: (\d+)", said.stdout, re.MULTILINE)
        return (role[1], int(term[1])) if role and term else ("", 0)

    def northd(self, index: int) -> str:
        """active, standby, paused, or "" when it does not answer."""
        said = self.central_place(index).run(
            "ovn-appctl", "-T", "3", "-t", "ovn-northd", "status", check=False
        )
        status = re.search(r"Status: (\w+)", said.stdout)
        return status[1] if status else ""

    def nbctl(self, *words: str, seconds: int = 20) -> str:
        place = self.central_place(self.leader("nb"))
        return place.run("ovn-nbctl", f"--timeout={seconds}", *words, timeout=seconds + 10).stdout

    def sbctl(self, *words: str, seconds: int = 20) -> str:
        place = self.central_place(self.leader("sb"))
        return place.run("ovn-sbctl", f"--timeout={seconds}", *words, timeout=seconds + 10).stdout

    def ping(self, source: str, address: str, count: int = 1) -> bool:
        """Do ``count`` echo requests from a pod (``ns/name``) come back?

        Asked up to three times: a switch drops what it would send to a tunnel whose neighbour it is still learning.
        """
        from_pod = pod(source)
        argv = self.exec_prefix(from_pod.namespace, from_pod.name)
        words = ("ping", "-c", str(count), "-W", "2", "-i", "0.2", address)
        return any(run(*argv, *words, check=False).returncode == 0 for _attempt in range(3))

    def ask(self, source: str, address: str, port: int, protocol: str = "TCP", seconds: float = 2.0) -> str:
        """What the server at an address says to a pod (``ns/name``); "" when nothing comes back in time."""
        return ask(self, source, address, port, protocol, seconds)

    def run_in_pod(self, source: str, *argv: str, check: bool = True) -> subprocess.CompletedProcess[str]:
        from_pod = pod(source)
        return run(*self.exec_prefix(from_pod.namespace, from_pod.name), *argv, check=check)

    def run_outside(self, *argv: str, check: bool = True) -> subprocess.CompletedProcess[str]:
        """Run a command on the physical network's gateway, which is outside of the cluster."""
        return run("nsenter", f"--net={NETNS / self.netns('gateway')}", "--", *argv, check=check)

    # -- faults -------------------------------------------------------------------------------------------------

    def member_pid(self, index: int, database: Database) -> int:
        """Of a database server; 0 when it does not run."""
        return self.central_place(index).daemon(f"ovn{database}_db")

    def kill_raft_member(self, index: int, database: Database) -> None:
        """SIGKILL one database server."""
        _end_one(self.member_pid(index, database))

    def stop_raft_member(self, index: int, database: Database) -> None:
        """End one database server as an operator does: it gives leadership away first."""
        if self.member_pid(index, database):
            place = self.central_place(index)
            place.run("ovn-appctl", "-T", "5", "-t", f"/var/run/ovn/ovn{database}_db.ctl", "exit")
            until(lambda: self.member_pid(index, database) == 0, f"member {index} of {database} to end")

    def start_raft_member(self, index: int, database: Database) -> None:
        """Start a member again from its own file."""
        central.start_server(self, index, database)
        until(lambda: self.role(index, database), f"member {index} of {database} to answer")

    def northd_pid(self, index: int) -> int:
        """Of an ovn-northd; 0 when it does not run."""
        return self.central_place(index).daemon("ovn-northd")

    def signal_northd(self, index: int, number: signal.Signals) -> None:
        os.kill(self.northd_pid(index), number)

    def stop_northd(self, index: int) -> None:
        """SIGKILL one ovn-northd."""
        _end_one(self.northd_pid(index))

    def start_northd(self, index: int) -> None:
        central.start_northd(self, index)

    def pause_northd(self, index: int, *, resume: bool = False) -> None:
        self.central_place(index).run("ovn-appctl", "-t", "ovn-northd", "resume" if resume else "pause")

    def freeze(self, pid: int) -> None:
        os.kill(pid, signal.SIGSTOP)

    def thaw(self, pid: int) -> None:
        os.kill(pid, signal.SIGCONT)

    def stop_switch(self, node_name: str) -> None:
        """SIGKILL a node's ovn-controller, ovs-vswitchd and ovsdb-server: its pods lose their network."""
        workloads.stop_switch(self, node(node_name))

    def start_switch(self, node_name: str) -> None:
        """Start them again, and wait until the node has its flows."""
        workloads.restart_switch(self, node(node_name))
        self.start_controller(node_name)

    def stop_controller(self, node_name: str) -> None:
        """SIGKILL a node's ovn-controller; its flows stay as they are."""
        _end_one(self.node_place(node_name).daemon("ovn-controller"))

    def start_controller(self, node_name: str) -> None:
        workloads.start_controller(self, node(node_name))
        self.sync()


def _end_one(pid: int) -> None:
    if pid:
        end([pid])


def _identity(pid: int) -> str:
    """A process so that a later one with its id is not taken for it: id and start time; "" when it is gone."""
    try:
        stat = Path(f"/proc/{pid}/stat").read_text()
    except OSError:
        return ""
    return f"{pid} {stat.rpartition(')')[2].split()[19]}"


def _record(identity: str) -> Path:
    """The file that tells whose a lab is (first line), and the directory that ends with it (second)."""
    return Path(tempfile.gettempdir()) / f"{MARK}{identity}.owner"


def _remove(identity: str) -> None:
    """End whatever is in a lab's network namespaces, and remove them."""
    namespaces = list(NETNS.glob(f"kl{identity}-*"))
    end(processes("net", namespaces))
    for path in namespaces:
        run("ip", "netns", "del", path.name, check=False)


def clean_stale() -> list[str]:
    """Remove what labs left behind whose process is gone; gives their names."""
    cleaned = []
    for record in Path(tempfile.gettempdir()).glob(f"{MARK}*.owner"):
        try:
            owner, directory = record.read_text().split("\n")
        except (OSError, ValueError):
            continue  # another run has just cleaned it, or is writing it
        if _identity(int(owner.split()[0])) == owner:
            continue
        identity = record.name.removeprefix(MARK).removesuffix(".owner")
        _remove(identity)
        if directory:
            shutil.rmtree(directory, ignore_errors=True)
        record.unlink(missing_ok=True)
        cleaned.append(identity)
    return cleaned


__all__ = ["Lab", "LabFailed", "LabUnavailable", "Node", "Pod", "clean_stale", "why_unavailable"]

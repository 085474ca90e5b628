"""The lab's OVN cluster as the runtime of the API's pods: where they run, what ends and starts with them."""

from __future__ import annotations

import json
import socket
from contextlib import suppress
from pathlib import Path
from typing import Literal

from tests.lab import central, workloads
from tests.lab.api.runtime import Sandbox
from tests.lab.cluster import Lab
from tests.lab.leaders import Role
from tests.lab.made_pods import MadePods
from tests.lab.places import LabFailed, Place, end, until
from tests.lab.topology import NAMESPACE, NODES, PODS

PARTS = {
    "kube-ovn-cni",
    "kube-ovn-controller",
    "kube-ovn-monitor",
    "kube-ovn-pinger",
    "kube-proxy",
    "ovn-central",
    "ovs",
    "ovs-dpdk",
}
_LOGS = {
    "ovn-central": "/var/log/ovn/ovsdb-server-nb.log",
    "ovs": "/var/log/openvswitch/ovs-vswitchd.log",
    "kube-ovn-pinger": "/var/log/ovn/ovn-controller.log",
}
DAEMONS = ("ovn-northd", "ovnnb_db", "ovnsb_db")
Database = Literal["nb", "sb"]


class ClusterRuntime:
    """Pods of the API in the places of a Lab. Deleting an ovn-central pod really ends its daemons; the switch of a
    node goes on when its ovs-ovn is replaced, as datapaths outlive it in Kube-OVN too."""

    def __init__(self, lab: Lab) -> None:
        self.lab = lab
        self.made = MadePods(lab)

    def exec_prefix(self, sandbox: Sandbox, container: str) -> list[str]:
        if self.made.has(sandbox):
            return self.made.prefix(sandbox)
        if sandbox.namespace == NAMESPACE and sandbox.app in PARTS:
            return self.lab.exec_prefix("", "", container, app=sandbox.app, node=sandbox.node)
        try:
            return self.lab.exec_prefix(sandbox.namespace, sandbox.name, container)
        except KeyError:
            if sandbox.host_network:
                return self.lab.exec_prefix("", "", container, app="node", node=sandbox.node)
            raise

    def directory(self, sandbox: Sandbox, container: str) -> str:
        return "/"

    def log_file(self, sandbox: Sandbox, container: str) -> Path | None:
        inside = _LOGS.get(sandbox.app, "") if sandbox.namespace == NAMESPACE else ""
        if not inside:
            return None
        file = self._place(sandbox).path(inside)
        return file if file.exists() else None

    def stop_pod(self, sandbox: Sandbox) -> None:
        if not self._is_central(sandbox):
            self.made.stop(sandbox)
            return
        place = self._place(sandbox)
        end([p for p in (daemon_pid(place, name) for name in DAEMONS) if p])

    def start_pod(self, sandbox: Sandbox) -> dict[str, str]:
        if sandbox.namespace == NAMESPACE and sandbox.app in PARTS:
            self._start_part(sandbox)
        elif not any(p.key == f"{sandbox.namespace}/{sandbox.name}" for p in PODS):
            return self.made.start(sandbox)
        return {}

    def serve(self, service: str, protocol: str, vips: dict[str, list[str]]) -> None:
        """As kube-ovn-controller does for every Service, but with a load balancer of its own."""
        name = f"made-{service}-{protocol}"
        words = ["--if-exists", "lb-del", name]
        for vip, backends in vips.items():
            words += ["--", "--may-exist", "lb-add", name, vip, ",".join(backends), protocol]
        if vips:
            words += ["--", "ls-lb-add", "ovn-default", name]
        self.lab.nbctl("--wait=hv", *words)

    def _start_part(self, sandbox: Sandbox) -> None:
        """As Kube-OVN's start-db.sh: a plain file becomes a cluster, a missing one joins, a member goes on. A new
        ovs-ovn pod starts its ovn-controller anew; the switch itself goes on."""
        if sandbox.namespace == NAMESPACE and sandbox.app == "ovs":
            node = next(n for n in NODES if n.name == sandbox.node)
            end([pid for pid in (self._place(sandbox).daemon("ovn-controller"),) if pid])
            workloads.start_controller(self.lab, node)
            return
        if not self._is_central(sandbox):
            return
        index = _index(sandbox.node)
        place = self.lab.central_place(index)
        # A new pod is made while the one before it still ends; on one host they cannot have the same ports.
        with suppress(LabFailed):
            until(lambda: not any(daemon_pid(place, name) for name in DAEMONS), "the pod before to end", 20)
        for database in central.DATABASES:
            if not daemon_pid(place, f"ovn{database}_db"):
                self._prepare(index, database)
                central.start_server(self.lab, index, database)
        if not daemon_pid(place, "ovn-northd"):
            central.start_northd(self.lab, index)

    def leads(self, node: str) -> dict[Role, bool]:
        """Which roles the ovn-central of a node leads, by its daemons' own word."""
        place = self.lab.central_place(_index(node))
        found: dict[Role, bool] = {}
        for database in central.DATABASES:
            ctl = place.path(f"/var/run/ovn/ovn{database}_db.ctl")
            found[database] = "Role: leader" in ask(ctl, "cluster/status", central.NAME[database])
        pid = daemon_pid(place, "ovn-northd")
        found["northd"] = "Status: active" in ask(place.path(f"/var/run/ovn/ovn-northd.{pid}.ctl"), "status")
        return found

    def _prepare(self, index: int, database: Database) -> None:
        place = self.lab.central_place(index)
        inside = f"/etc/ovn/ovn{database}_db.db"
        file = place.path(inside)
        own, name = central.raft(index, database), central.NAME[database]
        if not file.exists():
            # The first node creates, the others join whoever is a member: as start-db.sh goes by NODE_IPS.
            joined: list[int] = []

            def member() -> bool:
                for other in range(len(NODES)):
                    ctl = self.lab.central_place(other).path(f"/var/run/ovn/ovn{database}_db.ctl")
                    if other != index and "Status: cluster member" in ask(ctl, "cluster/status", name):
                        joined.append(other)
                        return True
                return False

            if index == 0 and not member():
                place.run("ovsdb-tool", "create-cluster", inside, central.SCHEMA_FILE[database], own)
                return
            until(member, f"a member of {name} to join", 40)
            place.run("ovsdb-tool", "join-cluster", inside, name, own, central.raft(joined[0], database))
        elif file.read_bytes()[:11] == b"OVSDB JSON ":
            standalone = file.with_suffix(".standalone")
            file.rename(standalone)
            place.run("ovsdb-tool", "create-cluster", inside, f"/etc/ovn/{standalone.name}", own)

    def _is_central(self, sandbox: Sandbox) -> bool:
        return sandbox.namespace == NAMESPACE and sandbox.app == "ovn-central"

    def _place(self, sandbox: Sandbox) -> Place:
        if self._is_central(sandbox):
            return self.lab.central_place(_index(sandbox.node))
        return self.lab.node_place(sandbox.node)


def _index(node: str) -> int:
    return next(i for i, n in enumerate(NODES) if n.name == node)


def daemon_pid(place: Place, name: str) -> int:
    """The pid of a daemon by its pid file (``ovnnb_db``, ``ovn-northd``); 0 when it does not run."""
    try:
        pid = int(place.path(f"/var/run/ovn/{name}.pid").read_text())
        comm = Path(f"/proc/{pid}/comm").read_text().strip()
    except (OSError, ValueError):
        return 0
    # A pid file outlives a killed daemon, and its number may be somebody else's by now.
    return pid if comm in ("ovsdb-server", "ovn-northd") else 0


def ask(ctl: Path, method: str, *parameters: str) -> str:
    """A daemon's answer to a unixctl command; "" when it gives none (ovs: lib/unixctl.c, JSON-RPC)."""
    try:
        with socket.socket(socket.AF_UNIX) as connection:
            connection.settimeout(1.0)
            connection.connect(str(ctl))
            connection.sendall(json.dumps({"id": 0, "method": method, "params": parameters}).encode())
            answer = b""
            while piece := connection.recv(65536):
                answer += piece
                with suppress(ValueError):
                    return str(json.loads(answer).get("result") or "")
    except OSError:
        pass
    return ""

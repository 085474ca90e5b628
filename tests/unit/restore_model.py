"""A cluster as a restore sees it, in memory: files of nodes, and ovn-central up or down. It can be made to die before
or after any single thing that is asked of it, as ko-tui does when it is killed there."""

from __future__ import annotations

import hashlib
import json

from ko_tui.backend.errors import ClusterError

RAFT = "OVSDB CLUSTER"
COLUMNS = {"columns": {"name": {"type": "string"}}}
SCHEMA = {"name": "OVN_Northbound", "version": "7.0.0", "tables": {"Logical_Switch": COLUMNS, "ACL": COLUMNS}}


class Killed(BaseException):
    """SIGKILL: nothing of ko-tui runs after it."""


def record(magic: str, body: object) -> bytes:
    content = json.dumps(body).encode()
    digest = hashlib.sha1(content, usedforsecurity=False).hexdigest()
    return f"OVSDB {magic} {len(content)} {digest}\n".encode() + content


def uuid(number: int) -> str:
    return f"00000000-0000-4000-8000-{number:012d}"


def rows_of(count: int) -> dict[str, dict[str, dict[str, str]]]:
    return {"Logical_Switch": {uuid(n): {"name": f"switch{n}"} for n in range(count)}}


def standalone(count: int) -> bytes:
    """A backup with ``count`` logical switches."""
    return record("JSON", SCHEMA) + record("JSON", rows_of(count))


def member(count: int, term: int = 1) -> bytes:
    """A member's file: the schema as its snapshot, and ``count`` entries of a switch each."""
    head = {
        "server_id": uuid(900), "local_address": "tcp:127.0.0.1:1", "name": "OVN_Northbound", "cluster_id": uuid(901),
        "prev_term": 1, "prev_index": 1, "prev_eid": uuid(902), "prev_data": [SCHEMA, {}],
        "prev_servers": {uuid(900): "tcp:127.0.0.1:1"},
    }  # fmt: skip
    found = record("CLUSTER", head)
    for n in range(count):
        data = [None, {"Logical_Switch": {uuid(n): {"name": f"switch{n}"}}}]
        found += record("CLUSTER", {"term": term, "index": n + 2, "eid": uuid(1000 + n), "data": data})
    return found


class ModelHands:
    """``die_at`` counts what is asked: it dies before the thing of that number, or right after it."""

    def __init__(self, files: dict[str, dict[str, bytes]], replicas: int) -> None:
        self.files = files
        self.replicas = replicas
        self.pods: set[str] = set(files) if replicas else set()
        self.asked = 0
        self.die_at: int | None = None
        self.die_after = False
        self.ovs_marks: list[str] = []
        self.hands_made = False

    # -- dying --------------------------------------------------------------------------------------------------

    def _ask(self) -> bool:
        """True when it must die after what is done now."""
        self.asked += 1
        if self.asked == self.die_at and not self.die_after:
            raise Killed
        return self.asked == self.die_at

    @staticmethod
    def _end(dying: bool) -> None:
        if dying:
            raise Killed

    def _node(self, node: str) -> dict[str, bytes]:
        self.hands_made = True
        return self.files[node]

    # -- files ------------------------------------------------------------------------------------------------

    def names(self, node: str) -> set[str]:
        dying = self._ask()
        found = set(self._node(node))
        self._end(dying)
        return found

    def fetch(self, node: str, name: str) -> bytes:
        dying = self._ask()
        found = self._node(node)[name]
        self._end(dying)
        return found

    def digest(self, node: str, name: str) -> str:
        dying = self._ask()
        if name not in self._node(node):
            raise ClusterError(f"no {name}")
        found = hashlib.sha256(self._node(node)[name]).hexdigest()
        self._end(dying)
        return found

    def send(self, node: str, name: str, content: bytes) -> None:
        dying = self._ask()
        if dying:  # the connection is cut in the midst of it
            self._node(node)[name] = content[: len(content) // 2]
        else:
            self._node(node)[name] = content
        self._end(dying)

    def to_standalone(self, node: str, name: str, new: str) -> None:
        dying = self._ask()
        count = self._node(node)[name].count(b'"eid"')
        if new in self._node(node):
            raise ClusterError(f"{new} is there")
        self._node(node)[new] = standalone(count)
        self._end(dying)

    def move(self, node: str, name: str, new: str) -> None:
        dying = self._ask()
        assert not self.pods, "a file was touched while its server ran"
        if new in self._node(node):
            raise ClusterError(f"{new} is there")
        self._node(node)[new] = self._node(node).pop(name)
        self._end(dying)

    def remove(self, node: str, name: str) -> None:
        dying = self._ask()
        assert name.startswith("ko-restore-"), "only what ko-tui made is ever removed"
        self._node(node).pop(name, None)
        self._end(dying)

    # -- ovn-central --------------------------------------------------------------------------------------------

    def scale(self, replicas: int) -> None:
        dying = self._ask()
        self.replicas = replicas
        self._end(dying)

    def central_pods(self) -> list[str]:
        dying = self._ask()
        found = sorted(self.pods)
        self._end(dying)
        return found

    def wait_stopped(self) -> None:
        dying = self._ask()
        if self.replicas:
            raise ClusterError("somebody scaled it up")
        self.pods.clear()
        self._end(dying)

    def wait_started(self, replicas: int) -> None:
        dying = self._ask()
        assert self.replicas == replicas
        self.start()
        self._end(dying)

    def start(self) -> None:
        """As start-db.sh: the first node's plain file becomes a cluster, nodes without a file join it."""
        self.pods = set(self.files)
        first = next(iter(self.files.values()))
        content = first.get("ovnnb_db.db", b"")
        if content.startswith(b"OVSDB JSON"):
            first["ovnnb_db.db"] = b"cluster of " + content
        for each in self.files.values():
            for name in ("ovnnb_db.db", "ovnsb_db.db"):
                each.setdefault(name, first.get(name, b"a new member"))

    def wait_serving(self, members: int) -> dict[str, int]:
        dying = self._ask()
        assert members == len(self.pods)
        content = next(iter(self.files.values()))["ovnnb_db.db"]
        self._end(dying)
        return {"Logical_Switch": content.count(b'"switch'), "ACL": 0}

    def restart_ovs(self, mark: str) -> None:
        dying = self._ask()
        if mark not in self.ovs_marks:
            self.ovs_marks.append(mark)
        self._end(dying)

    def let_go(self) -> None:
        dying = self._ask()
        self.hands_made = False
        self._end(dying)

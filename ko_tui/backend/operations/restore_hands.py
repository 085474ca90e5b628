"""What a restore does with its hands: files of a node's /etc/ovn, and ovn-central up and down.

Files are touched through pods of ko-tui's own (see hand_pods), since ovn-central is stopped meanwhile. Commands are
single programs without a shell.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Protocol

from ko_tui.backend.cluster.leader import Database
from ko_tui.backend.cluster.pods import CENTRAL
from ko_tui.backend.errors import ClusterError, KoError
from ko_tui.backend.operations.hand_pods import PLACE, HandPods
from ko_tui.backend.operations.model import OnText
from ko_tui.backend.operations.rollout import POLL_SECONDS, rollout_of
from ko_tui.backend.source.interface import Cancel, ExecCancelled, NotFound, OnBytes, PodRef, Resource
from ko_tui.backend.source.kinds import DAEMONSETS, DEPLOYMENTS, PODS

if TYPE_CHECKING:
    from ko_tui.backend.session import Session

SECONDS = 300.0
OVS = ("ovs-ovn", "ovs-ovn-dpdk")
MARK = "ko-tui/restarted-for"  # a template's annotation: another value makes new pods


class HandFailed(ClusterError):
    """Something could not be done on a node, or did not happen in time."""

    title = "The restore cannot go on"


class Hands(Protocol):
    """``name`` is always a file of /etc/ovn on ``node``. Every method raises KoError kinds only."""

    def names(self, node: str) -> set[str]: ...
    def fetch(self, node: str, name: str) -> bytes: ...
    def digest(self, node: str, name: str) -> str: ...
    def send(self, node: str, name: str, content: bytes) -> None: ...
    def to_standalone(self, node: str, name: str, new: str) -> None: ...
    def move(self, node: str, name: str, new: str) -> None: ...
    def remove(self, node: str, name: str) -> None: ...
    def scale(self, replicas: int) -> None: ...
    def central_pods(self) -> list[str]: ...
    def wait_stopped(self) -> None: ...
    def wait_started(self, replicas: int) -> None: ...
    def wait_serving(self, members: int) -> dict[str, int]: ...
    def restart_ovs(self, mark: str) -> None: ...
    def let_go(self) -> None: ...


class NodeFiles:
    """The files alone, through whatever pod of a node ``pod_of`` names."""

    def __init__(
        self, session: Session, pod_of: Callable[[str], PodRef], *, cancel: Cancel, seconds: float = SECONDS
    ) -> None:
        self.session = session
        self._pod_of, self._cancel, self._seconds = pod_of, cancel, seconds

    def names(self, node: str) -> set[str]:
        return set(self._on(node, "ls", "-1A", PLACE, trusted=False).splitlines())

    def fetch(self, node: str, name: str) -> bytes:
        parts: list[bytes] = []
        self._on(node, "cat", f"{PLACE}/{name}", trusted=False, on_stdout=parts.append)
        return b"".join(parts)

    def digest(self, node: str, name: str) -> str:
        said = self._on(node, "sha256sum", f"{PLACE}/{name}", trusted=False).split()
        return said[0] if said else ""

    def send(self, node: str, name: str, content: bytes) -> None:
        # The program is told how much will come: before Kubernetes 1.30 it cannot be told that the input has ended.
        how = ("bs=64K", f"count={len(content)}", "iflag=count_bytes,fullblock", "conv=fsync", "status=none")
        self._on(node, "dd", f"of={PLACE}/{name}", *how, stdin=content)

    def to_standalone(self, node: str, name: str, new: str) -> None:
        self._on(node, "ovsdb-tool", "cluster-to-standalone", f"{PLACE}/{new}", f"{PLACE}/{name}")

    def move(self, node: str, name: str, new: str) -> None:
        """Never over another file: ``mv -n`` leaves both, which is then an error."""
        self._on(node, "mv", "-n", "-T", f"{PLACE}/{name}", f"{PLACE}/{new}")
        names = self.names(node)
        if name in names or new not in names:
            raise HandFailed(f"{name} on {node} could not be renamed to {new}.")

    def remove(self, node: str, name: str) -> None:
        self._on(node, "rm", "-f", f"{PLACE}/{name}")

    def _on(
        self,
        node: str,
        *argv: str,
        stdin: bytes = b"",
        on_stdout: OnBytes | None = None,
        trusted: bool = True,
    ) -> str:
        run = self.session.runner.run(
            self._pod_of(node),
            argv,
            timeout=self._seconds,
            cancel=self._cancel,
            stdin=stdin,
            on_stdout=on_stdout,
            trusted=trusted,
        )
        if run.exit_code != 0:
            said = run.stderr.strip()[-300:] or "no message"
            raise HandFailed(f"{argv[0]} on {node} ended with status {run.exit_code}: {said}")
        return run.stdout


class ClusterHands(NodeFiles):
    """The hands on a live cluster. Needs a session that may write, and a person who said yes."""

    def __init__(
        self, session: Session, stamp: str, *, on_text: OnText, cancel: Cancel, seconds: float = SECONDS
    ) -> None:
        self._pods = HandPods(session, stamp, cancel)
        super().__init__(session, self._pods.on, cancel=cancel, seconds=seconds)
        self._say = on_text

    def let_go(self) -> None:
        self._pods.remove()

    # -- ovn-central --------------------------------------------------------------------------------------------

    def scale(self, replicas: int) -> None:
        body = {"spec": {"replicas": replicas}}
        self.session.source.patch(DEPLOYMENTS, self.session.namespace, CENTRAL, body, subresource="scale")

    def central_pods(self) -> list[str]:
        namespace = self.session.namespace
        found = self.session.source.list(PODS, namespace=namespace, label_selector=f"app={CENTRAL}").items
        # A pod that has ended holds no file open any more, and may stay listed for ever.
        return [p.name for p in found if p.status.get("phase") not in ("Succeeded", "Failed")]

    def wait_stopped(self) -> None:
        def stopped() -> str:
            left = self.central_pods()
            return f"still there: {', '.join(left)}" if left else ""

        self._wait(stopped)

    def wait_started(self, replicas: int) -> None:
        self._wait(self._unfinished(DEPLOYMENTS, CENTRAL, replicas))

    def wait_serving(self, members: int) -> dict[str, int]:
        """Wait until both databases have a leader and all members, and northd has made the southbound anew; gives
        the rows of the northbound tables."""
        found: dict[str, int] = {}

        def serving() -> str:
            self.session.answers.forget()
            for database in ("nb", "sb"):
                missing = self._missing(database, members)
                if missing:
                    return missing
            for table in ("Logical_Switch", "Logical_Router", "Logical_Switch_Port", "ACL", "Load_Balancer"):
                found[table] = self._rows("nb", table)
            wanted = found["Logical_Switch"] + found["Logical_Router"]
            made = self._rows("sb", "Datapath_Binding")
            if made < wanted:
                return f"ovn-northd has made {made} of {wanted} datapaths."
            return ""

        self._wait(serving)
        return found

    def _missing(self, database: Database, members: int) -> str:
        from ko_tui.backend.operations.members import ask_members

        answers = ask_members(self.session, database)
        if not self.session.leader(database).certain:
            return f"No server of the {database} database says that it leads."
        joined = [m for m in answers if m.status.status == "cluster member" and not m.problem]
        if len(joined) < members:
            return f"{len(joined)} of {members} members of the {database} database have joined."
        return ""

    def _rows(self, database: Database, table: str) -> int:
        return len(self.session.rows(database, table, ("_uuid",), max_age=0.0).value)

    def restart_ovs(self, mark: str) -> None:
        """Restart every ovs pod once for this ``mark``: asked again with the same one, it only waits."""
        body = {"spec": {"template": {"metadata": {"annotations": {MARK: mark}}}}}
        for name in OVS:
            try:
                self.session.source.patch(DAEMONSETS, self.session.namespace, name, body)
            except NotFound:
                continue
            self._renew(name)
            self._wait(self._unfinished(DAEMONSETS, name))

    def _unfinished(self, resource: Resource, name: str, wanted: int | None = None) -> Callable[[], str]:
        """What a rollout still lacks, for waiting on it."""

        def unmet() -> str:
            state = rollout_of(self.session.source.get(resource, self.session.namespace, name), resource)
            whole = state.done and (wanted is None or state.available == wanted)
            return "" if whole else f"{state}."

        return unmet

    def _renew(self, name: str) -> None:
        """Where pods are only replaced when they are deleted (OnDelete), delete the old ones, one after the other."""
        source, namespace = self.session.source, self.session.namespace
        workload = source.get(DAEMONSETS, namespace, name)
        if (workload.spec.get("updateStrategy") or {}).get("type") != "OnDelete":
            return
        labels: dict[str, str] = (workload.spec.get("selector") or {}).get("matchLabels") or {}
        selector = ",".join(f"{k}={v}" for k, v in labels.items())
        mark = workload.spec["template"]["metadata"]["annotations"][MARK]

        def names() -> dict[str, str]:
            pods = source.list(PODS, namespace=namespace, label_selector=selector).items
            return {p.name: p.metadata.annotations.get(MARK, "") for p in pods}

        for old in [pod for pod, found in names().items() if found != mark]:

            def replaced(old: str = old) -> str:
                state = rollout_of(source.get(DAEMONSETS, namespace, name), DAEMONSETS)
                return f"{state}." if old in names() or state.available < state.wanted else ""

            source.delete(PODS, namespace, old)
            self._wait(replaced)

    def _wait(self, unmet: Callable[[], str]) -> None:
        """Until ``unmet`` has nothing to say; an API server that is away for a while is waited for, too.

        Raises HandFailed with its last words, or ExecCancelled.
        """
        waited, last = 0.0, ""
        while True:
            try:
                words = unmet()
            except ExecCancelled:
                raise
            except KoError as error:
                words = error.what
            if not words:
                return
            if words != last:
                last = words
                self._say(words)
            if waited >= self._seconds:
                raise HandFailed(
                    f"After {self._seconds:.0f} s: {words}",
                    f"See kubectl describe and the events in {self.session.namespace}.",
                )
            if self._cancel.wait(POLL_SECONDS):
                raise ExecCancelled("It was cancelled while waiting.")
            waited += POLL_SECONDS


class Files(Protocol):
    """What fetch_all needs of hands."""

    def names(self, node: str) -> set[str]: ...
    def fetch(self, node: str, name: str) -> bytes: ...


def fetch_all(files: Files, nodes: Sequence[str], name: str) -> dict[str, bytes]:
    """A file of every node that has it."""
    return {node: files.fetch(node, name) for node in nodes if name in files.names(node)}

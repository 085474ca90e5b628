"""Saving a live cluster: databases, Kubernetes objects, and what the nodes' Open vSwitch says.

Never Secrets, never ConfigMaps' content, and no environment variables of containers, which may hold secrets.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, cast

import msgspec

from ko_tui import __version__
from ko_tui.backend.cluster.leader import Database
from ko_tui.backend.cluster.leading import run_on_leader
from ko_tui.backend.cluster.pods import OVS_LABELS, is_ready, node_of
from ko_tui.backend.command.runner import TO_A_FILE
from ko_tui.backend.command.tools import prepare, run_tool
from ko_tui.backend.errors import ClusterError, KoError, UsageError
from ko_tui.backend.health.collect import collect
from ko_tui.backend.operations.patience import SilentNodes
from ko_tui.backend.pipeline.node_flows import dump_flows
from ko_tui.backend.saving.ovn_names import ovn_names
from ko_tui.backend.saving.recording import RecordingSource
from ko_tui.backend.saving.redaction import Redactor
from ko_tui.backend.session import Session
from ko_tui.backend.simulate.live import BACKUP_SECONDS, backup_argv
from ko_tui.backend.source.interface import Cancel, ExecCancelled, NotFound, Resource
from ko_tui.backend.source.kinds import (
    DAEMONSETS,
    DEPLOYMENTS,
    ENDPOINT_SLICES,
    EVENTS,
    KUBE_OVN_KINDS,
    LEASES,
    NAMESPACES,
    NET_ATTACH_DEFS,
    NETWORK_POLICIES,
    NODES,
    PODS,
    SERVICES,
    STATEFULSETS,
    VMIS,
)
from ko_tui.backend.source.objects import KubeObject
from ko_tui.backend.source.snapshot_format import FORMAT, Failure, Manifest, SavedObjects
from ko_tui.backend.source.snapshot_write import Writer, writing

PARALLEL = 6
"""Requests to the cluster at a time."""

KINDS: tuple[Resource, ...] = (
    PODS, NODES, NAMESPACES, SERVICES, EVENTS, DEPLOYMENTS, DAEMONSETS, STATEFULSETS, ENDPOINT_SLICES, LEASES,
    NETWORK_POLICIES, NET_ATTACH_DEFS, VMIS, *KUBE_OVN_KINDS,
)  # fmt: skip
LAST_APPLIED = "kubectl.kubernetes.io/last-applied-configuration"

_TOOLS = (("nbctl", "show"), ("sbctl", "show"))
_NODE_TOOLS: tuple[tuple[str, tuple[str, ...]], ...] = (
    ("vsctl", ("show",)),
    ("vsctl", ("list", "Open_vSwitch")),
    ("vsctl", ("list", "Interface")),
    ("ofctl", ("show", "br-int")),
    ("appctl", ("-t", "ovn-controller", "connection-status")),
    ("appctl", ("dpif/show",)),
)
"""Calls of the tools that people look at first; the words are those of ``ko-tui vsctl NODE ...``."""

Progress = Callable[[str, int, int], None]  # what was done last, how many of how many


@dataclass(slots=True)
class _Job:
    """One thing to save."""

    what: str
    run: Callable[[], None]


def save_snapshot(
    session: Session,
    path: Path,
    *,
    redact: bool = False,
    cancel: Cancel | None = None,
    on_progress: Progress | None = None,
) -> Manifest:
    """Save what ``session`` can see to ``path``; gives the manifest, which says what could not be had.

    Raises UsageError on a saved cluster, SnapshotError when the file cannot be written, ExecCancelled when
    cancelled, and the error of the pods' list when not even that can be had.
    """
    if not session.live:
        raise UsageError("This is a saved cluster already.", "Copy its file.")
    redactor = Redactor(_named(session, cancel), ovn_names(session)) if redact else None
    with writing(path, redactor.rewrite if redactor else None) as writer:
        recording = RecordingSource(session.source, writer)
        inner = Session(cast(Any, recording), session.options)
        inner.runner = session.runner.over(cast(Any, recording))
        try:
            stop = Cancel()
            if cancel is not None:
                cancel.on_cancel(stop.cancel)
            saver = _Saver(session, inner, writer, stop)
            _run(saver.jobs(), writer, cancel, stop, on_progress)
        finally:
            inner.pool.shutdown(wait=False, cancel_futures=True)
        info = session.info
        manifest = Manifest(
            FORMAT,
            time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
            program=f"ko-tui {__version__}",
            cluster=info.cluster if not redact else "redacted",
            server=info.server if not redact else "",
            user=info.user if not redact else "",
            namespace=session.namespace,
            redacted=redact,
        )
        if redactor:
            writer.runs = [redactor.run(saved) for saved in writer.runs]
        return writer.finish(manifest)


def _named(session: Session, cancel: Cancel | None) -> list[KubeObject]:
    """Every object whose name is to be replaced; pods must be listed, the rest as far as it can be."""
    found = list(session.source.list(PODS, cancel=cancel).items)
    for kind in KINDS:
        if kind not in (PODS, EVENTS, LEASES):
            try:
                found += session.source.list(kind, cancel=cancel).items
            except KoError:
                continue
    return found


def _run(
    jobs: Sequence[_Job], writer: Writer, cancel: Cancel | None, stop: Cancel, on_progress: Progress | None
) -> None:
    with ThreadPoolExecutor(PARALLEL, thread_name_prefix="ko-save") as pool:
        waiting: list[tuple[_Job, Future[None]]] = [(job, pool.submit(job.run)) for job in jobs]
        try:
            for done, (job, future) in enumerate(waiting, 1):
                if cancel is not None and cancel.cancelled:
                    raise ExecCancelled("The snapshot was not saved.")
                try:
                    future.result()
                except KoError as error:
                    writer.note(failure=Failure(job.what, f"{error.title}: {error.what}"))
                if on_progress:
                    on_progress(job.what, done, len(waiting))
        except BaseException:
            stop.cancel()  # the disk is full, or somebody has had enough: what is under way is of no use
            pool.shutdown(wait=False, cancel_futures=True)
            raise


class _Saver:
    def __init__(self, session: Session, inner: Session, writer: Writer, cancel: Cancel | None) -> None:
        self.session = session
        self.inner = inner
        self.writer = writer
        self.cancel = cancel
        self.silent = SilentNodes()

    def jobs(self) -> list[_Job]:
        """Databases first: they take longest."""
        made = [_Job(f"db/{name}.db", self._database_job(name)) for name in ("sb", "nb")]
        made += [_Job(kind.plural, self._objects_job(kind)) for kind in KINDS]
        made += [_Job(f"leader of {name}", self._leader_job(name)) for name in ("nb", "sb")]
        made.append(_Job("health", lambda: _drop(collect(self.inner, cancel=self.cancel))))
        made += [self._tool_job(words) for words in _TOOLS]
        made.append(_Job("OVN version", self._version_job("ovn-nbctl")))
        # One question to all nodes after the other, so that a silent node is known before the second.
        nodes = sorted({node_of(p) for p in self.inner.app_pods(*OVS_LABELS) if is_ready(p)})
        made += [self._of(n, _Job(f"version of {n}", self._version_job("ovs-vsctl", n))) for n in nodes]
        for tool, words in _NODE_TOOLS:
            made += [self._of(n, self._tool_job((tool, n, *words))) for n in nodes]
        made += [self._of(n, _Job(f"OpenFlow of {n}", self._flows_job(n))) for n in nodes]
        return made

    def _of(self, node: str, job: _Job) -> _Job:
        return _Job(job.what, lambda: self.silent.ask(node, job.run))

    def _tool_job(self, words: Sequence[str]) -> _Job:
        def save() -> None:
            run_tool(self.inner, prepare(words), timeout=60, cancel=self.cancel)

        return _Job(" ".join(words), save)

    def _version_job(self, program: str, node: str = "") -> Callable[[], None]:
        def save() -> None:
            pod = self.inner.ovs(node) if node else self.inner.leader("nb").pod
            self.inner.run(pod, (program, "--version"), cancel=self.cancel)

        return save

    def _flows_job(self, node: str) -> Callable[[], None]:
        return lambda: _drop(dump_flows(self.inner, node, cancel=self.cancel))

    def _database_job(self, name: Literal["nb", "sb"]) -> Callable[[], None]:
        def save() -> None:
            with self.writer.member(f"db/{name}.db") as stream:

                def begin() -> None:
                    stream.seek(0)
                    stream.truncate()

                run, leader = run_on_leader(
                    self.session,
                    name,
                    lambda _: backup_argv(name),
                    timeout=BACKUP_SECONDS,
                    cancel=self.cancel,
                    on_stdout=lambda part: _write(stream, part),
                    begin=begin,
                    max_output=TO_A_FILE,
                )
                if run.exit_code != 0:
                    said = run.stderr.strip()[-300:]
                    raise ClusterError(
                        f"ovsdb-client in {leader.pod} ended with status {run.exit_code}: {said}"
                    )

        return save

    def _leader_job(self, name: Database) -> Callable[[], None]:
        return lambda: _drop(self.inner.leader(name))

    def _objects_job(self, kind: Resource) -> Callable[[], None]:
        def save() -> None:
            entry = SavedObjects(kind.group, kind.version, kind.plural, kind.namespaced)
            try:
                # Of leases only Kube-OVN's own say something; the printed RBAC grants no more.
                where = self.session.namespace if kind is LEASES else None
                listing = self.session.source.list(kind, namespace=where, cancel=self.cancel)
            except NotFound:
                self.writer.note(saved=msgspec.structs.replace(entry, reason="this cluster has no such kind"))
                return
            except KoError as error:
                self.writer.note(saved=msgspec.structs.replace(entry, complete=False, reason=error.what))
                raise
            name = f"objects/{self.writer.number('objects')}.json"
            with self.writer.member(name) as stream:
                stream.write(b"[")
                for number, item in enumerate(listing.items):
                    stream.write((b",\n" if number else b"") + msgspec.json.encode(without_secrets(item)))
                stream.write(b"]")
            self.writer.note(
                saved=msgspec.structs.replace(
                    entry, member=name, complete=listing.complete, reason=listing.reason
                )
            )

        return save


def without_secrets(item: KubeObject) -> KubeObject:
    """The object without what may hold secrets: environments, commands' arguments, what kubectl last applied."""
    annotations = {k: v for k, v in item.metadata.annotations.items() if k != LAST_APPLIED}
    metadata = msgspec.structs.replace(item.metadata, annotations=annotations)
    return msgspec.structs.replace(item, metadata=metadata, spec=_pruned(item.spec), data=None)


_SECRET_KEYS = frozenset({"env", "envFrom", "args", "command", "userData", "userDataBase64"})


def _pruned(value: Any) -> Any:
    if isinstance(value, dict):
        return {k: _pruned(v) for k, v in value.items() if k not in _SECRET_KEYS}
    if isinstance(value, list):
        return [_pruned(v) for v in value]
    return value


def _write(stream: Any, part: bytes) -> None:
    stream.write(part)


def _drop(_: object) -> None:
    """The answer itself is not needed: asking it was recorded."""

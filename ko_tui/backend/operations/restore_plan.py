"""Deciding on a restore before anything is changed: from which file, on which nodes, and what it will mean."""

from __future__ import annotations

import ipaddress
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from ko_tui.backend.cluster.pods import CENTRAL, is_ready, node_of, ref
from ko_tui.backend.errors import KoError, UsageError
from ko_tui.backend.operations.hand_pods import APP, files_volume
from ko_tui.backend.operations.journal import Member, RestoreJournal, load, path_of, write_whole
from ko_tui.backend.operations.member_file import MemberFile, best, examine
from ko_tui.backend.operations.restore import NAME, NB, command
from ko_tui.backend.operations.restore_hands import NodeFiles, fetch_all
from ko_tui.backend.source.interface import Cancel, NotFound
from ko_tui.backend.source.kinds import DAEMONSETS, DEPLOYMENTS, NODES, PODS
from ko_tui.backend.source.objects import KubeObject

if TYPE_CHECKING:
    from ko_tui.backend.session import Session


@dataclass(frozen=True, slots=True)
class RestorePlan:
    """``effect`` is said to the person, who types ``target`` (the cluster's context) to have it done."""

    journal: RestoreJournal
    effect: str
    target: str
    content: bytes = b""  # of the file that was given
    resumed: bool = False
    undo: bool = False

    def begin(self) -> RestoreJournal:
        """Called once the person has said yes: what was given is kept, for it may be gone when this goes on.
        Raises UsageError."""
        if self.content:
            kept = self.journal.kept / "given.db"
            try:
                kept.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
                write_whole(kept, self.content)
            except OSError as error:
                raise UsageError(f"{kept} cannot be written: {error.strerror}.") from error
            self.journal.given = str(kept)
        return self.journal


def plan_restore(session: Session, file: Path | None) -> RestorePlan:
    """Look, and decide; nothing in the cluster is changed. Raises UsageError when it cannot be done here, or when a
    restore is under way already."""
    if not session.live:
        raise UsageError("This is a saved cluster: nothing in it can be changed.")
    path = path_of(session.info)
    old = load(path)
    if old is not None and not old.ended:
        raise UsageError(
            f"A restore of this cluster is under way: {progress(old)}.",
            f"Go on with: {command(old, '--resume')} - or undo it with: {command(old, '--abort')}",
        )
    given = _read_given(file) if file is not None else None
    deployment = _deployment(session)
    members = _members(session, deployment)
    _may(session)
    journal = RestoreJournal(
        path=str(path),
        context=session.info.label,
        server=session.info.server,
        stamp=time.strftime("%Y%m%d%H%M%S", time.gmtime()),
        namespace=session.namespace,
        # 0 when somebody has stopped it already, kubectl-ko for one: then every member is wanted back.
        replicas=int(deployment.spec.get("replicas") or len(members)),
        members=members,
    )
    notes = _notes(session, journal, int(deployment.spec.get("replicas") or 0))
    content = b""
    if given is not None and file is not None:
        content, found = given
        what = f"{file} ({sum(found.rows.values())} rows)"
    else:
        what = _choose(session, journal)
    return RestorePlan(journal, _effect(journal, what, notes), journal.context, content)


def resume_plan(session: Session, *, undo: bool = False) -> RestorePlan:
    """What is left of a restore that stopped. Raises UsageError when there is none."""
    journal = load(path_of(session.info))
    if journal is None or journal.ended:
        raise UsageError("No restore of this cluster is under way.", "See ko-tui nb restore --status.")
    if undo:
        effect = (
            f"Undo the restore of {journal.context} ({progress(journal)}): ovn-central stops on "
            f"{_nodes(journal)}, the files that were set aside get their names back, ovn-central starts."
        )
    else:
        effect = f"Go on with the restore of {journal.context} ({progress(journal)}) at step {journal.following!r}."
    return RestorePlan(journal, effect, journal.context, resumed=True, undo=undo)


def under_way(session: Session) -> bool:
    """Was a restore of this cluster begun from here, and has not ended?"""
    journal = load(path_of(session.info))
    return journal is not None and not journal.ended


def progress(journal: RestoreJournal) -> str:
    """``done: keep, stop; stopped in prepare`` in words."""
    last = journal.events[-1] if journal.events else None
    broken = f"; it ended in {last.step!r}" if last is not None and last.what != "done" else ""
    return f"done: {', '.join(journal.done) or 'nothing yet'}{broken}"


def _read_given(file: Path) -> tuple[bytes, MemberFile]:
    try:
        content = file.read_bytes()
    except OSError as error:
        raise UsageError(f"{file} cannot be read: {error.strerror}.") from error
    found = examine(str(file), content, NAME)
    if found.kind == "unusable":
        raise UsageError(f"{file} is no northbound database: {found.problem}.")
    if found.problem:
        raise UsageError(f"{file} is damaged: {found}.", "Take another backup, or restore from a member.")
    if not found.rows.get("Logical_Switch"):
        raise UsageError(f"{file} holds no logical switch, so it is not from a cluster with Kube-OVN.")
    return content, found


def _deployment(session: Session) -> KubeObject:
    try:
        deployment = session.source.get(DEPLOYMENTS, session.namespace, CENTRAL)
    except NotFound as error:
        raise UsageError(
            f"There is no Deployment {CENTRAL} in {session.namespace}.",
            "A control plane that is hosted elsewhere, or a StatefulSet, is not restored by this command.",
        ) from error
    files_volume(deployment)
    return deployment


def _may(session: Session) -> None:
    """Ask first: a right that is missing half-way would leave ovn-central stopped."""
    needed = (
        ("patch", DEPLOYMENTS, "scale"),
        ("patch", DAEMONSETS, ""),
        ("create", PODS, ""),
        ("delete", PODS, ""),
        ("create", PODS, "exec"),
    )
    missing = [
        f"{verb} {resource.plural}{'/' + sub if sub else ''}"
        for verb, resource, sub in needed
        if not session.source.may(verb, resource, namespace=session.namespace, subresource=sub)
    ]
    if missing:
        raise UsageError(
            f"This user may not: {', '.join(missing)} in {session.namespace}.",
            "ko-tui rbac --operator prints what is needed.",
        )


def _members(session: Session, deployment: KubeObject) -> list[Member]:
    """The nodes in the order of NODE_IPS: start-db.sh lets the first of them create the cluster."""
    addresses: list[str] = []
    for container in deployment.spec["template"]["spec"].get("containers") or []:
        for variable in container.get("env") or []:
            if variable.get("name") == "NODE_IPS":
                addresses = [a.strip() for a in str(variable.get("value") or "").split(",") if a.strip()]
    if not addresses:
        raise UsageError(
            "NODE_IPS of ovn-central is empty: its database is standalone and has no raft.",
            "Restore its file from a backup while it is stopped.",
        )
    nodes = {
        _same(str(address.get("address"))): node.name
        for node in session.source.list(NODES).items
        for address in node.status.get("addresses") or []
    }
    missing = [address for address in addresses if _same(address) not in nodes]
    if missing:
        raise UsageError(
            f"No node has the address {', '.join(missing)}, which NODE_IPS of ovn-central names.",
            "Correct NODE_IPS first: the members are found by it.",
        )
    return [Member(nodes[_same(address)], address) for address in addresses]


def _same(address: str) -> str:
    """One spelling for an address."""
    try:
        return str(ipaddress.ip_address(address))
    except ValueError:
        return address


def _choose(session: Session, journal: RestoreJournal) -> str:
    """Which member it will be, as far as their files can be read through the pods that run now. The choice is made
    for good when all servers are stopped."""
    running = {node_of(p): ref(p) for p in session.app_pods(CENTRAL, max_age=0.0) if is_ready(p)}
    files = NodeFiles(session, running.__getitem__, cancel=Cancel(), seconds=60.0)
    found: list[MemberFile] = []
    unseen = [m.node for m in journal.members if m.node not in running]
    for node in (m.node for m in journal.members if m.node in running):
        try:
            contents = fetch_all(files, [node], NB)
        except KoError:
            unseen.append(node)
            continue
        found.append(examine(node, contents[node], NAME) if node in contents else _without(node))
    told = "; ".join([*map(str, found), *(f"{node}: not seen yet" for node in unseen)])
    chosen = best(found)
    if chosen is None and not unseen:
        raise UsageError(
            f"No member's file can be used: {told}.", "Name a backup: ko-tui --allow-write nb restore FILE."
        )
    if unseen:
        return f"the member that knows most once all are stopped ({told})"
    assert chosen is not None
    return f"the member on {chosen.node}, which knows most ({told})"


def _without(node: str) -> MemberFile:
    return MemberFile(node, "unusable", problem="it has no file")


def _notes(session: Session, journal: RestoreJournal, replicas: int) -> list[str]:
    """What a person should know before: it works after all, or an earlier attempt left something."""
    notes = []
    try:
        leader = session.leader("nb")
        if leader.certain:
            notes.append(
                f"The northbound database is led and answers now ({leader.pod.name}): is this needed?"
            )
    except KoError:
        pass
    if not replicas:
        notes.append(f"ovn-central is scaled to 0 now; it will be started with {journal.replicas} pods.")
    elif replicas != len(journal.members):
        notes.append(f"NODE_IPS names {len(journal.members)} nodes, but ovn-central has {replicas} replicas.")
    for pod in session.app_pods(APP, max_age=0.0):
        notes.append(f"The pod {pod.name} is left from an earlier restore; ko-tui cleanup removes it.")
    return notes


def _nodes(journal: RestoreJournal) -> str:
    return ", ".join(m.node for m in journal.members)


def _effect(journal: RestoreJournal, what: str, notes: list[str]) -> str:
    head = " ".join([f"Restore the northbound database of {journal.context} from {what}.", *notes])
    return (
        f"{head} First every file is copied to {journal.kept}, through a pod of ko-tui's own on each of "
        f"{_nodes(journal)}. Then ovn-central stops; both databases' files are set aside as *.ko-{journal.stamp}; "
        f"{journal.members[0].node} makes a new cluster of the restored file and the others join; ovn-northd makes "
        "the southbound database anew; every ovs pod restarts. Until that is done nothing in the network can be "
        "changed, and connections may be cut while the ovs pods restart."
    )

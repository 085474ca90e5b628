"""Deciding on a restore before anything is changed: from which file, on which nodes, and what it will mean."""

from __future__ import annotations

import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from ko_tui.backend.cluster.pods import CENTRAL
from ko_tui.backend.errors import KoError, UsageError
from ko_tui.backend.operations.journal import Member, RestoreJournal, load, path_of, write_whole
from ko_tui.backend.operations.member_file import MemberFile, best, examine
from ko_tui.backend.operations.model import quiet
from ko_tui.backend.operations.restore import DATABASE_FILES, NAME, NB, command
from ko_tui.backend.operations.restore_hands import ClusterHands, Hands, fetch_all
from ko_tui.backend.source.interface import Cancel, NotFound
from ko_tui.backend.source.kinds import DEPLOYMENTS, NODES
from ko_tui.backend.source.objects import KubeObject

if TYPE_CHECKING:
    from ko_tui.backend.session import Session


@dataclass(frozen=True, slots=True)
class RestorePlan:
    """``effect`` is said to the person, who types ``target`` (the cluster's context) to have it done."""

    journal: RestoreJournal
    effect: str
    target: str


def plan_restore(session: Session, file: Path | None) -> RestorePlan:
    """Look, and decide; nothing in the cluster is changed. Raises UsageError when it cannot be done here, or when a
    restore is under way already."""
    path = path_of(session.info)
    old = load(path)
    if old is not None and not old.ended:
        raise UsageError(
            f"A restore of this cluster is under way: {progress(old)}.",
            f"Go on with: {command(old, '--resume')} - or undo it with: {command(old, '--abort')}",
        )
    given = _read_given(file) if file is not None else None
    deployment = _deployment(session)
    hands = ClusterHands(session, on_text=quiet, cancel=Cancel())
    members = _members(session, deployment, hands)
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
    notes = _notes(session, hands, journal)
    if given is not None and file is not None:
        content, found = given
        kept = journal.kept / "given.db"
        kept.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        write_whole(kept, content)
        journal.given = str(kept)
        what = f"{file} ({sum(found.rows.values())} rows)"
    else:
        chosen, told = _choose(hands, journal)
        journal.source = chosen.node
        what = f"the member on {chosen.node}, which knows most ({told})"
    return RestorePlan(journal, _effect(journal, what, notes), journal.context)


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
    return RestorePlan(journal, effect, journal.context)


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
    if not _pod_spec(deployment).get("hostNetwork"):
        raise UsageError(
            f"{CENTRAL} does not use the host's network, so its files are not where the nodes' pods see them.",
            "Restore it from a backup by hand.",
        )
    return deployment


def _pod_spec(deployment: KubeObject) -> dict[str, object]:
    found = (deployment.spec.get("template") or {}).get("spec") or {}
    return dict(found)


def _members(session: Session, deployment: KubeObject, hands: Hands) -> list[Member]:
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
        str(address.get("address")): node.name
        for node in session.source.list(NODES).items
        for address in node.status.get("addresses") or []
    }
    members = []
    for address in addresses:
        if address not in nodes:
            raise UsageError(
                f"No node has the address {address}, which NODE_IPS of ovn-central names.",
                "Correct NODE_IPS first: the members are found by it.",
            )
        try:
            files = sorted(hands.names(nodes[address]) & set(DATABASE_FILES))
        except KoError as error:
            raise UsageError(
                f"The files of {nodes[address]} ({address}) cannot be reached: {error.what}",
                "A restore needs the ovs pod of every node in NODE_IPS. If the node is lost, take its address out "
                "of NODE_IPS first.",
            ) from error
        members.append(Member(nodes[address], address, files))
    return members


def _choose(hands: Hands, journal: RestoreJournal) -> tuple[MemberFile, str]:
    contents = fetch_all(hands, [m.node for m in journal.members], NB)
    files = [examine(node, content, NAME) for node, content in contents.items()]
    chosen = best(files)
    told = "; ".join(str(f) for f in files)
    if chosen is None:
        raise UsageError(
            f"No member's file can be used: {told or 'none has one'}.",
            "Name a backup: ko-tui --allow-write nb restore FILE.",
        )
    return chosen, told


def _notes(session: Session, hands: Hands, journal: RestoreJournal) -> list[str]:
    """What a person should know before: it works after all, or an earlier attempt left files."""
    notes = []
    try:
        leader = session.leader("nb")
        if leader.certain:
            notes.append(
                f"The northbound database is led and answers now ({leader.pod.name}): is this needed?"
            )
    except KoError:
        pass
    for member in journal.members:
        left = sorted(
            n for n in hands.names(member.node) if "ko-restore-" in n or n == "ovnnb_db_standalone.db"
        )
        if left:
            notes.append(f"{member.node} has {', '.join(left)} from an earlier attempt; it is left alone.")
    return notes


def _nodes(journal: RestoreJournal) -> str:
    return ", ".join(m.node for m in journal.members)


def _effect(journal: RestoreJournal, what: str, notes: list[str]) -> str:
    text = (
        f"Restore the northbound database of {journal.context} from {what}. All files are first copied to "
        f"{journal.kept}. Then ovn-central stops on {_nodes(journal)}; the files of both databases are set aside "
        f"there as *.ko-{journal.stamp}; {journal.members[0].node} makes a new cluster of the restored file and the "
        "others join; ovn-northd makes the southbound database anew; every ovs pod restarts. Until that is done "
        "nothing in the network can be changed, and connections may be cut while the ovs pods restart."
    )
    return " ".join([text, *notes])

"""All members of a raft database side by side, and removing one of them for good.

kubectl-ko asks only the leader; what is wrong with a cluster often shows only in what the others say.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from ko_tui.backend.cluster.leader import SCHEMA, Database
from ko_tui.backend.cluster.pods import CENTRAL, is_ready, node_of, ref
from ko_tui.backend.command.run import CommandRun
from ko_tui.backend.errors import ClusterError, KoError, UsageError
from ko_tui.backend.operations.fanout import ask_all
from ko_tui.backend.ovn.raft import RaftStatus, parse_status, quorum
from ko_tui.backend.source.interface import Forbidden
from ko_tui.backend.source.objects import KubeObject

if TYPE_CHECKING:
    from ko_tui.backend.session import Session

SECONDS = 8.0
REMOVED = (
    "it was removed from the cluster and has closed its database; "
    "without its database file its pod can join as a new member"
)


class KickRefused(ClusterError):
    """Removing that member would do harm."""

    title = "That member is not removed"
    exit_code = 2


@dataclass(frozen=True, slots=True)
class Member:
    """One ovn-central pod's word about a database. ``problem`` is empty when it answered."""

    pod: str
    node: str
    ready: bool
    status: RaftStatus
    storage: str = ""
    problem: str = ""
    said: str = ""  # the server's own words, both answers
    forbidden: bool = False  # it could not be asked, for the cluster does not let this user

    @property
    def well(self) -> bool:
        """It answers, and is what it should be: one that has left its cluster answers too."""
        status = self.status
        return not self.problem and (status.kind == "standalone" or status.status == "cluster member")

    def facts(self) -> dict[str, Any]:
        """For JSON."""
        s = self.status
        return {
            "pod": self.pod,
            "node": self.node,
            "ready": self.ready,
            "kind": s.kind,
            "server_id": s.server_id,
            "nick": s.nick,
            "address": s.address,
            "status": s.status,
            "role": s.role,
            "term": s.term,
            "leader": s.leader_nick,
            "log": [s.log_first, s.log_next],
            "not_committed": s.not_committed,
            "not_applied": s.not_applied,
            "disconnections": s.disconnections,
            "servers": [server.nick for server in s.servers],
            "storage": self.storage,
            "problem": self.problem,
        }


@dataclass(frozen=True, slots=True)
class KickPlan:
    """What removing a member means: ``effect`` is said to the person before."""

    database: Database
    server_id: str
    nick: str
    address: str
    effect: str


def servers(session: Session, database: Database) -> list[tuple[str, str]]:
    """The servers that the members know of: server ID and what it is, those that do not answer first."""
    members = ask_members(session, database)
    answering = {m.status.nick: m for m in members if m.status.nick and not m.problem}
    known = {server.nick: server.address for m in answering.values() for server in m.status.servers}
    found = []
    for nick, address in known.items():
        member = answering.get(nick)
        what = (
            "does not answer"
            if member is None
            else f"{member.status.role or member.status.kind} {member.pod}"
        )
        found.append((member is not None, nick, f"{what}  {address}"))
    return [(nick, what) for _, nick, what in sorted(found)]


def ctl(database: Database) -> str:
    return f"/var/run/ovn/ovn{database}_db.ctl"


def ask_members(session: Session, database: Database) -> list[Member]:
    """Every ovn-central pod, ready or not, in the order of their names; those that do not answer say why."""
    pods = session.app_pods(CENTRAL, max_age=2.0)
    members = []
    for pod, answer in ask_all(pods, lambda p: _ask(session, database, p)):
        if isinstance(answer, KoError):
            silent = RaftStatus("silent", "", problem=answer.what)
            answer = Member(
                pod.name,
                node_of(pod),
                is_ready(pod),
                silent,
                problem=f"{answer.title}: {answer.what}",
                forbidden=isinstance(answer, Forbidden),
            )
        members.append(answer)
    if any(m.status.kind == "clustered" for m in members):
        members = [replace(m, problem=REMOVED) if m.status.kind == "unknown cluster" else m for m in members]
    return sorted(members, key=lambda m: m.pod)


def _ask(session: Session, database: Database, pod: KubeObject) -> Member:
    where = ref(pod)
    base = ("ovn-appctl", "-T", "5", "-t", ctl(database))
    said = session.run(where, (*base, "cluster/status", SCHEMA[database]), timeout=SECONDS)
    status = parse_status(said.stdout, said.stderr)
    if status.kind == "silent":  # it would not answer the next question either, and that takes as long
        return Member(pod.name, node_of(pod), is_ready(pod), status, problem=status.problem)
    if status.kind == "unknown cluster":
        return Member(pod.name, node_of(pod), is_ready(pod), status, said=said.stderr.rstrip())
    stored = session.run(
        where, (*base, "ovsdb-server/get-db-storage-status", SCHEMA[database]), timeout=SECONDS
    )
    problem = status.problem if status.kind == "unreadable" else ""
    words = f"{(said.stdout or said.stderr).rstrip()}\n{(stored.stdout or stored.stderr).rstrip()}"
    return Member(pod.name, node_of(pod), is_ready(pod), status, _storage(stored), problem, words)


def _storage(run: CommandRun) -> str:
    """``status: ok`` or the reason of a failure (ovsdb-server(1), ovsdb-server/get-db-storage-status)."""
    text = (run.stdout.strip() or run.stderr.strip()).splitlines()
    return text[0].removeprefix("status: ") if text else ""


def plan_kick(session: Session, database: Database, server: str) -> KickPlan:
    """Check that removing ``server`` (an ID or its first digits) is safe. Raises KickRefused or UsageError.

    Refused: a server that nobody knows, the leader, and any removal after which the servers that are alive now
    would be fewer than a majority.
    """
    members = ask_members(session, database)
    leaders = [m for m in members if m.status.is_leader and m.status.leader == "self"]
    if any(m.status.kind == "standalone" for m in members):
        raise UsageError(
            f"{SCHEMA[database]} is a standalone database here.", "There are no members to remove."
        )
    if len(leaders) != 1:
        raise KickRefused(
            f"{len(leaders)} members say that they lead {SCHEMA[database]}.",
            "Members can be removed only through one leader. See ko-tui status for what each says.",
        )
    leader = leaders[0].status
    wanted = server.lower().strip()
    known = {s.nick: s for s in leader.servers}
    hits = [s for s in leader.servers if wanted and (s.nick == wanted[:4] and _same(wanted, s.nick, members))]
    if len(hits) != 1:
        listed = ", ".join(f"{s.nick} at {s.address}" for s in known.values())
        raise UsageError(f"{SCHEMA[database]} has no server {server!r}.", f"Its servers: {listed}.")
    hit = hits[0]
    if hit.is_self:
        raise KickRefused(
            f"{hit.nick} is the leader of {SCHEMA[database]}.",
            "Let another member lead first: stop this one, and see who is elected.",
        )
    alive = {leader.nick} | {s.nick for s in leader.peers if leader.connected(s.nick)}
    left = len(known) - 1
    alive_left = len(alive - {hit.nick})
    if alive_left < quorum(left):
        raise KickRefused(
            f"Without {hit.nick} the cluster has {left} servers and needs {quorum(left)}, "
            f"but only {alive_left} answer.",
            "Bring another member back first.",
        )
    state = "answers" if hit.nick in alive else "does not answer"
    effect = (
        f"Remove server {hit.nick} ({hit.address}, which {state}) from {SCHEMA[database]}. "
        f"{left} servers remain, {alive_left} of them alive; {quorum(left)} are needed. "
        "A server that was removed cannot come back under its old identity: its database file must be removed first."
    )
    full = next(
        (m.status.server_id for m in members if m.status.nick == hit.nick and m.status.server_id), hit.nick
    )
    return KickPlan(database, full, hit.nick, hit.address, effect)


def _same(wanted: str, nick: str, members: list[Member]) -> bool:
    """Does a longer ID that was typed really belong to this nickname?"""
    if len(wanted) == 4:
        return True
    ids = [m.status.server_id for m in members if m.status.nick == nick and m.status.server_id]
    return not ids or any(server_id.startswith(wanted) for server_id in ids)


def kick(session: Session, plan: KickPlan) -> list[Member]:
    """Remove the member through the leader, and give what all members say afterwards. Needs allow-write.

    A person may have thought about it for minutes: the check is made once more. Raises KickRefused.
    """
    plan_kick(session, plan.database, plan.server_id)
    session.answers.forget(("leader", plan.database))
    leader = session.leader(plan.database)
    argv = (
        "ovn-appctl",
        "-T",
        "20",
        "-t",
        ctl(plan.database),
        "cluster/kick",
        SCHEMA[plan.database],
        plan.nick,
    )
    run = session.run(leader.pod, argv, timeout=30, trusted=True)
    if run.exit_code != 0:
        raise KickRefused(
            (run.stderr or run.stdout).strip() or "The leader refused.", f"By hand: {run.kubectl()}"
        )
    return ask_members(session, plan.database)


def outcome(plan: KickPlan, members: Sequence[Member]) -> str:
    """What became of a kick, by what the members say afterwards: the removal is agreed on by raft, not at once."""
    listing = [m.pod for m in members if m.well and any(s.nick == plan.nick for s in m.status.servers)]
    if listing:
        return f"The removal of server {plan.nick} has begun; {', '.join(listing)} still {_list(listing)} it."
    left = {s.nick for m in members if m.well for s in m.status.servers}
    return f"Server {plan.nick} is removed; {SCHEMA[plan.database]} has {len(left)} {_servers(left)} now."


def _list(pods: Sequence[str]) -> str:
    return "lists" if len(pods) == 1 else "list"


def _servers(nicks: Collection[str]) -> str:
    return "server" if len(nicks) == 1 else "servers"

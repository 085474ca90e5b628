"""What is wrong with the databases' raft clusters, from what all their members say."""

from __future__ import annotations

from collections.abc import Iterator

from ko_tui.backend.cluster.leader import SCHEMA, Database
from ko_tui.backend.health.model import Finding, Health, Severity
from ko_tui.backend.operations.members import Member
from ko_tui.backend.ovn.raft import quorum

LOG_LAG_MANY = 1_000  # raft entries
CUT_OFF = ("failed", "disconnected from the cluster (election timeout)")
"""``Status:`` of a server that can do nothing with the rest of its cluster, whatever its role."""


def raft(health: Health) -> Iterator[Finding]:
    for database, members in health.members.items():
        clustered = [m for m in members if m.status.kind == "clustered"]
        if clustered:
            yield from _leadership(database, clustered, members, health.namespace)
            yield from _membership(database, clustered, members, health.namespace)
        elif members and not any(m.status.kind == "standalone" for m in members):
            said = "; ".join(f"{m.pod}: {m.problem or m.status.kind}" for m in members)
            yield Finding(
                Severity.CRITICAL,
                "database.silent",
                f"No server of {SCHEMA[database]} answers",
                said,
                "Nothing in the network can be changed; what is installed on the nodes goes on working.",
                "See the events and logs of the ovn-central pods.",
            )
        yield from _storage(database, members)


def leads(member: Member) -> bool:
    """Does it lead, and is it in touch with its cluster?"""
    return member.status.is_leader and member.status.status not in CUT_OFF


def _leadership(
    database: Database, clustered: list[Member], members: list[Member], namespace: str
) -> Iterator[Finding]:
    name = SCHEMA[database]
    leaders = [m for m in clustered if m.status.is_leader]
    clusters = {m.status.cluster_id for m in clustered if m.status.cluster_id}
    if len(clusters) > 1:
        said = ", ".join(f"{m.pod} is in {m.status.cluster_id[:8]}" for m in clustered)
        yield Finding(
            Severity.CRITICAL,
            "raft.two_clusters",
            f"{name} has fallen into {len(clusters)} clusters",
            said,
            "Members answer with different contents; which one is asked is a matter of chance.",
            "Decide which cluster is right, back it up, and let the other members join it anew.",
        )
    newest = max((m.status.term for m in leaders), default=0)
    same_term = [m for m in leaders if m.status.term == newest]
    if len(same_term) > 1:
        said = ", ".join(f"{m.pod} (term {m.status.term})" for m in same_term)
        yield Finding(
            Severity.CRITICAL,
            "raft.split_brain",
            f"{len(same_term)} members say that they lead {name}",
            said,
            "Changes may be lost, and members may disagree for good.",
            "Back up each member's file before anything else; then see their logs and the network between them.",
        )
    elif len(leaders) > 1:
        old = [m for m in leaders if m.status.term < newest]
        yield Finding(
            Severity.WARNING,
            "raft.old_leader",
            f"A former leader of {name} does not know it yet",
            ", ".join(f"{m.pod} (term {m.status.term}, now {newest})" for m in old),
            "Clients of that member wait.",
            "It should step down within an election time; if not, see the network between the members.",
        )
    if not any(map(leads, clustered)):
        yield _no_leader(name, clustered, members, namespace)
    else:
        followed = {m.status.leader_nick for m in clustered if m.status.leader_nick}
        if len(followed) > 1:
            said = ", ".join(f"{m.pod} follows {m.status.leader_nick or 'nobody'}" for m in clustered)
            yield Finding(
                Severity.WARNING,
                "raft.disagreement",
                f"The members of {name} follow different leaders",
                said,
                "An election is under way, or some members do not hear the leader.",
                "Look again in a few seconds; if it stays, see the network between the members.",
            )


def _no_leader(name: str, clustered: list[Member], members: list[Member], namespace: str) -> Finding:
    roles = ", ".join(f"{m.pod} {m.status.role or 'silent'}" for m in members)
    wanted = max((len(m.status.servers) for m in clustered), default=len(members))
    answer = f"{len(clustered)} of {wanted} members answer, {quorum(wanted)} are needed: {roles}"
    timer = max((m.status.election_timer_ms for m in clustered), default=0) / 1000
    electing = len(clustered) >= quorum(wanted)
    silent = next((m.pod for m in members if m.status.kind != "clustered"), "")
    look = f"See why they do not answer: kubectl logs -n {namespace} {silent}. " if silent else ""
    return Finding(
        Severity.CRITICAL,
        "raft.no_leader" if electing else "raft.no_quorum",
        f"{name} has no leader" if electing else f"{name} has lost its majority",
        answer,
        "Nothing can be written: new pods get no network, policies and Services do not change.",
        f"An election ends within a few times {timer:.0f} s: look again. If it does not, the members do not hear each "
        "other: see the network between them, and their logs."
        if electing
        else f"{look}If they are lost for good: ko-tui --allow-write nb restore makes a new cluster, northbound and "
        "southbound, from the member that knows most or from a backup.",
    )


def _membership(
    database: Database, clustered: list[Member], members: list[Member], namespace: str
) -> Iterator[Finding]:
    name = SCHEMA[database]
    leader = next((m for m in clustered if m.status.is_leader), None)
    known = {m.status.nick for m in clustered}
    if leader is not None:
        silent = [s for s in leader.status.peers if s.nick not in known]
        waiting = [m for m in members if m.status.kind != "clustered"]
        # Which pod a silent server runs in is told by nobody; when they are all that is left, they are these.
        theirs = ", ".join(f"{m.pod} on {m.node}" for m in waiting)
        for server in silent:
            ago = (
                f", last heard {server.last_message_ms // 1000} s ago"
                if server.last_message_ms is not None
                else ""
            )
            lost = len(waiting) < len(silent)
            yield Finding(
                Severity.WARNING,
                "raft.stale_member",
                f"A server of {name} does not answer: {server.nick}",
                f"{server.address}{ago}; {len(clustered)} of {len(leader.status.servers)} answer"
                + (f"; silent: {theirs}" if theirs and not lost else ""),
                f"One more loss and {name} may have no majority."
                if len(clustered) <= quorum(len(leader.status.servers))
                else "The cluster works, with less in reserve.",
                f"If it is gone for good, remove it: ko-tui {database} kick {server.nick}."
                if lost
                else f"Its pod exists: kubectl logs -n {namespace} {waiting[0].pod} says why it does not start.",
            )
        yield from _strangers(name, leader, clustered)
        for member in members:
            if member.status.kind == "unknown cluster":
                yield Finding(
                    Severity.WARNING,
                    "raft.removed",
                    f"A server of {name} was removed, and its pod goes on without a database",
                    f"{member.pod} on {member.node}",
                    "It answers nobody and counts for no majority.",
                    f"Remove its database file in {member.pod} and delete the pod, so that it joins as a new member.",
                )
        for member in clustered:
            lag = leader.status.log_next - member.status.log_next
            if lag > LOG_LAG_MANY:
                yield Finding(
                    Severity.WARNING,
                    "raft.log_lag",
                    f"A member of {name} is {lag} entries behind",
                    f"{member.pod} at {member.status.log_next}, the leader at {leader.status.log_next}",
                    "What it is asked, it answers from the past.",
                    "See its disk and the network to the leader.",
                )
    led = any(map(leads, clustered))
    for member in clustered:
        status = member.status.status
        if status == CUT_OFF[1] and not led:
            continue  # that there is no leader says it
        if status and status != "cluster member":
            severe = Severity.CRITICAL if status == "failed" else Severity.WARNING
            yield Finding(
                severe,
                "raft.status",
                f"A member of {name} is not in order",
                f"{member.pod}: {status}",
                "It takes no part in the cluster, or is about to leave it.",
                "See its log; a failed member often has a full disk.",
            )


def _strangers(name: str, leader: Member, clustered: list[Member]) -> Iterator[Finding]:
    """Members that the leader does not count: they were removed, and were started again with their old file."""
    listed = {s.nick for s in leader.status.servers}
    for member in clustered:
        status = member.status
        if status.nick in listed or status.cluster_id != leader.status.cluster_id:
            continue  # one that joins has no cluster yet; another cluster is a finding of its own
        yield Finding(
            Severity.WARNING,
            "raft.not_a_member",
            f"A server of {name} was removed, and runs on",
            f"{member.pod} is {status.nick}, which {leader.pod} does not list",
            "It answers from the past for as long as it runs, and counts for no majority.",
            f"Remove its database file in {member.pod}, so that it joins as a new member.",
        )


def _storage(database: Database, members: list[Member]) -> Iterator[Finding]:
    for member in members:
        if member.storage and member.storage != "ok" and member.status.kind in ("clustered", "standalone"):
            yield Finding(
                Severity.CRITICAL,
                "storage.inconsistent",
                f"{SCHEMA[database]} on {member.pod} has a storage problem",
                member.storage,
                "Its contents cannot be trusted, and it may refuse to start again.",
                "Back up from another member. With an 'inconsistent data' error: ko-tui --allow-write nb restore.",
            )

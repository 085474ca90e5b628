"""What is wrong, most serious first: pure rules on what was collected."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from ko_tui.backend.cluster.leader import SCHEMA, Database
from ko_tui.backend.health.model import RANK, Finding, Health, Severity
from ko_tui.backend.operations.members import Member
from ko_tui.backend.ovn.raft import quorum

MAC_BINDINGS_MANY = 20_000
LOGICAL_FLOWS_MANY = 1_000_000
LOG_LAG_MANY = 1_000  # raft entries
LEASE_STALE = 60.0  # seconds; kube-ovn-controller renews every few
NB_CFG_LAG = 2
SILENT_MS = 30_000


def find(health: Health) -> list[Finding]:
    """All findings of a collected state, ranked."""
    found = [finding for rule in RULES for finding in rule(health)]
    return sorted(found, key=lambda f: RANK[f.severity])


def raft(health: Health) -> Iterator[Finding]:
    for database, members in health.members.items():
        clustered = [m for m in members if m.status.kind == "clustered"]
        if clustered:
            yield from _leadership(database, clustered, members)
            yield from _membership(database, clustered, members)
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


def _leadership(database: Database, clustered: list[Member], members: list[Member]) -> Iterator[Finding]:
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
    if not leaders:
        roles = ", ".join(f"{m.pod} {m.status.role or 'silent'}" for m in members)
        wanted = max((len(m.status.servers) for m in clustered), default=len(members))
        yield Finding(
            Severity.CRITICAL,
            "raft.no_quorum",
            f"{name} has no leader",
            f"{len(clustered)} of {wanted} members answer, {quorum(wanted)} are needed: {roles}",
            "Nothing can be written: new pods get no network, policies and Services do not change.",
            "Bring the missing members back; if they are lost for good, restore from a backup.",
        )
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


def _membership(database: Database, clustered: list[Member], members: list[Member]) -> Iterator[Finding]:
    name = SCHEMA[database]
    leader = next((m for m in clustered if m.status.is_leader), None)
    known = {m.status.nick for m in clustered}
    if leader is not None:
        silent = [s for s in leader.status.peers if s.nick not in known]
        waiting = len(members) - len(clustered)
        for server in silent:
            ago = (
                f", last heard {server.last_message_ms // 1000} s ago"
                if server.last_message_ms is not None
                else ""
            )
            lost = waiting < len(silent)
            yield Finding(
                Severity.WARNING,
                "raft.stale_member",
                f"A server of {name} does not answer: {server.nick}",
                f"{server.address}{ago}; {len(clustered)} of {len(leader.status.servers)} answer",
                f"One more loss and {name} may have no majority."
                if len(clustered) <= quorum(len(leader.status.servers))
                else "The cluster works, with less in reserve.",
                f"If it is gone for good, remove it: ko-tui {database} kick {server.nick}."
                if lost
                else "Its pod exists: see why it does not start.",
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
    for member in clustered:
        status = member.status.status
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


def _storage(database: Database, members: list[Member]) -> Iterator[Finding]:
    for member in members:
        if member.storage and member.storage != "ok" and member.status.kind in ("clustered", "standalone"):
            yield Finding(
                Severity.CRITICAL,
                "storage.inconsistent",
                f"{SCHEMA[database]} on {member.pod} has a storage problem",
                member.storage,
                "Its contents cannot be trusted, and it may refuse to start again.",
                "Back up from another member. With an 'inconsistent data' error see ko-tui nb restore.",
            )


def labels(health: Health) -> Iterator[Finding]:
    for label, carriers in health.labels.items():
        dead = [pod for pod, ready in carriers if not ready]
        database = label.removeprefix("ovn-").removesuffix("-leader")
        if dead:
            yield Finding(
                Severity.CRITICAL,
                "label.dead_pod",
                f"The label {label} is on a pod that is not ready",
                ", ".join(dead),
                "The Service in front of it leads nowhere; kubectl ko fails with it.",
                "kube-ovn-leader-checker moves it when that pod's node answers again; else remove the label by hand.",
            )
        leading = {m.pod for m in health.members.get(database, []) if m.status.is_leader}  # type: ignore[call-overload]
        marked = {pod for pod, ready in carriers if ready}
        if leading and marked and not marked & leading:
            yield Finding(
                Severity.WARNING,
                "label.stale",
                f"The label {label} is not on the leader",
                f"on {', '.join(sorted(marked))}, while {', '.join(sorted(leading))} leads",
                "Clients of the Service reach a follower.",
                "It is corrected within seconds when kube-ovn-leader-checker runs; see its log if it stays.",
            )


def northd(health: Health) -> Iterator[Finding]:
    if not health.northd:
        return
    states = ", ".join(f"{n.pod} {n.state or n.problem or 'silent'}" for n in health.northd)
    active = [n for n in health.northd if n.state == "active"]
    if any(n.state == "paused" for n in health.northd):
        yield Finding(
            Severity.CRITICAL if not active else Severity.WARNING,
            "northd.paused",
            "ovn-northd is paused",
            states,
            "Changes of the northbound database do not reach the nodes.",
            "ovn-appctl -t ovn-northd resume in the pod that says paused.",
        )
    elif not active:
        yield Finding(
            Severity.CRITICAL,
            "northd.none",
            "No ovn-northd is active",
            states,
            "Changes of the northbound database do not reach the nodes.",
            "See the ovn-northd logs in the ovn-central pods; it needs both databases.",
        )
    elif len(active) > 1:
        yield Finding(
            Severity.WARNING,
            "northd.many",
            f"{len(active)} ovn-northd say that they are active",
            states,
            "They write the same rows in turn.",
            "They share a lock in the southbound database: see whether it has split.",
        )


def controllers(health: Health) -> Iterator[Finding]:
    for lease in health.leases:
        if lease.age is not None and lease.age > max(LEASE_STALE, 4 * lease.duration):
            raft_well = not any(f.key.startswith("raft.no_quorum") for f in raft(health))
            yield Finding(
                Severity.CRITICAL,
                "controller.blind",
                f"{lease.name} has not renewed its lease for {lease.age:.0f} s",
                f"held by {lease.holder or 'nobody'}"
                + ("; the databases themselves are well" if raft_well else ""),
                "New pods get no address, Services and policies are not followed.",
                f"See its log for its connection to the northbound database, and restart it: kubectl -n kube-system "
                f"rollout restart deployment {lease.name}.",
            )
    for component in health.components:
        if component.available >= component.wanted:
            continue
        needed = component.name in ("ovn-central", "kube-ovn-controller", "ovs-ovn", "kube-ovn-cni")
        none = component.available == 0 and component.wanted > 0
        yield Finding(
            Severity.CRITICAL if needed and none else Severity.WARNING if needed else Severity.INFO,
            f"component.{component.name}",
            f"{component.name}: {component.available} of {component.wanted} ready",
            f"{component.updated} updated, {component.restarts} restarts",
            "What this part does is missing where it is not ready.",
            f"kubectl get pods -A -o wide | grep {component.name}",
        )


def chassis(health: Health) -> Iterator[Finding]:
    missing = [c.node for c in health.chassis if not c.registered]
    if missing:
        yield Finding(
            Severity.CRITICAL if len(missing) == len(health.chassis) else Severity.WARNING,
            "chassis.missing",
            f"{len(missing)} nodes without a chassis",
            ", ".join(missing[:10]) + (" ..." if len(missing) > 10 else ""),
            "Pods there have no network.",
            "See ovn-controller's log on those nodes, and their external_ids:ovn-remote.",
        )
    for each in health.chassis:
        if each.problem:
            yield Finding(
                Severity.WARNING,
                "chassis.silent",
                f"Node {each.node} does not answer",
                each.problem,
                "Flows there stay as they are.",
                f"See the ovs-ovn pod on {each.node}.",
            )
        elif each.controller and each.controller != "connected":
            yield Finding(
                Severity.WARNING,
                "chassis.disconnected",
                f"ovn-controller on {each.node} is not connected",
                each.controller,
                "Changes do not reach that node; new pods there get no network.",
                "See its log, the southbound leader, and the certificates when TLS is on.",
            )
        elif each.flows == 0:
            yield Finding(
                Severity.CRITICAL,
                "chassis.no_flows",
                f"br-int on {each.node} has no flows",
                "0 flows",
                "Nothing gets through on that node.",
                "Restart ovn-controller there; see whether ovs-vswitchd was restarted.",
            )
        if each.lag is not None and each.lag > NB_CFG_LAG:
            yield Finding(
                Severity.WARNING,
                "chassis.lag",
                f"Node {each.node} is {each.lag} configurations behind",
                f"nb_cfg lag {each.lag}",
                "Recent changes do not work there yet.",
                "See the load of ovn-controller and ovs-vswitchd on that node.",
            )


def endpoints(health: Health) -> Iterator[Finding]:
    for each in health.endpoints:
        if len(each.addresses) != 1:
            yield Finding(
                Severity.WARNING if each.addresses else Severity.CRITICAL,
                "endpoint.count",
                f"Service {each.service} has {len(each.addresses)} endpoints",
                ", ".join(each.addresses) or "none",
                "Clients of the leader go astray.",
                "See the leader labels of the ovn-central pods.",
            )


def versions(health: Health) -> Iterator[Finding]:
    images = {c.name: c.images for c in health.components if c.images}
    tags = {image.rpartition(":")[2] for found in images.values() for image in found}
    if len(tags) > 1:
        said = ", ".join(
            f"{name} {'/'.join(i.rpartition(':')[2] for i in found)}" for name, found in images.items()
        )
        yield Finding(
            Severity.WARNING,
            "version.skew",
            f"Kube-OVN's parts run {len(tags)} versions",
            said,
            "ovn-controller may refuse flows of another version until the upgrade is through.",
            "Finish the upgrade; see which pods were not replaced.",
        )


def growth(health: Health) -> Iterator[Finding]:
    if health.mac_bindings is not None and health.mac_bindings > MAC_BINDINGS_MANY:
        yield Finding(
            Severity.WARNING,
            "growth.mac_binding",
            f"{health.mac_bindings} learned MAC bindings",
            f"more than {MAC_BINDINGS_MANY}",
            "Each makes flows on every node; ovn-controller slows down.",
            "Set mac_binding_age_threshold on the routers that learn them.",
        )
    if health.logical_flows is not None and health.logical_flows > LOGICAL_FLOWS_MANY:
        yield Finding(
            Severity.INFO,
            "growth.logical_flow",
            f"{health.logical_flows} logical flows",
            f"more than {LOGICAL_FLOWS_MANY}",
            "ovn-northd and ovn-controller take long for each change.",
            "See which datapaths have the most on the pipeline screen.",
        )


RULES: tuple[Callable[[Health], Iterator[Finding]], ...] = (
    raft,
    labels,
    northd,
    controllers,
    chassis,
    endpoints,
    versions,
    growth,
)

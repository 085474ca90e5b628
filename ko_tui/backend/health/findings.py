"""What is wrong, most serious first: pure rules on what was collected."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sized

from ko_tui.backend.cluster.pods import CENTRAL
from ko_tui.backend.health.findings_central import central_asked_for, restore, stopped
from ko_tui.backend.health.findings_chassis import chassis
from ko_tui.backend.health.findings_raft import leads, raft
from ko_tui.backend.health.history import History
from ko_tui.backend.health.model import RANK, Finding, Health, Severity

MAC_BINDINGS_MANY = 20_000
LOGICAL_FLOWS_MANY = 1_000_000
LEASE_STALE = 60.0  # seconds; kube-ovn-controller renews every few
WAITING_LONG = 60.0  # seconds that a pod may wait for its address
GROWTH = 1.5  # how much more than at first is worth a word ...
GROWN_BY = {"mac_bindings": 1_000, "logical_flows": 10_000}  # ... when it is also more by that many
ELECTIONS_MANY = 3


def find(health: Health, history: History | None = None) -> list[Finding]:
    """All findings of a collected state, ranked; ``history`` is what it was before, this state included."""
    found = [finding for rule in RULES for finding in rule(health)]
    if history is not None:
        found += changes(health, history)
    return sorted(found, key=lambda f: RANK[f.severity])


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
    paused = [n for n in health.northd if n.state == "paused"]
    silent = [n for n in health.northd if not n.state]
    if active and silent:
        yield Finding(
            Severity.WARNING,
            "northd.silent",
            f"{len(silent)} of {len(health.northd)} ovn-northd {'do' if len(silent) > 1 else 'does'} not answer",
            "; ".join(f"{n.pod} on {n.node}: {n.problem or 'silent'}" for n in silent),
            "The active one works, with fewer to take over from it.",
            f"kubectl logs -n {health.namespace} {silent[0].pod}",
        )
    if paused:
        yield Finding(
            Severity.CRITICAL if not active else Severity.WARNING,
            "northd.paused",
            "ovn-northd is paused",
            states,
            "The active one works, but the paused one cannot take over from it."
            if active
            else "Changes of the northbound database do not reach the nodes.",
            f"kubectl exec -n {health.namespace} {paused[0].pod} -- ovn-appctl -t ovn-northd resume",
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
            raft_well = _raft_is_well(health)
            yield Finding(
                Severity.CRITICAL,
                "controller.blind",
                f"{lease.name} has not renewed its lease for {lease.age:.0f} s",
                f"held by {lease.holder or 'nobody'}"
                + ("; the databases themselves are well" if raft_well else ""),
                "New pods get no address, Services and policies are not followed.",
                f"See its log for its connection to the northbound database, and restart it: kubectl "
                f"rollout restart -n {health.namespace} deployment {lease.name}",
            )
    yield from _waiting(health)
    for component in health.components:
        if not component.short or (component.name == CENTRAL and not component.wanted):
            continue
        needed = component.name in ("ovn-central", "kube-ovn-controller", "ovs-ovn", "kube-ovn-cni")
        none = component.available == 0
        yield Finding(
            Severity.CRITICAL if needed and none else Severity.WARNING if needed else Severity.INFO,
            f"component.{component.name}",
            f"{component.name}: {component.available} of {component.wanted} ready"
            if component.wanted
            else f"{component.name} is scaled to 0",
            f"{component.updated} updated, {component.restarts} restarts",
            "What this part does is missing where it is not ready.",
            f"kubectl get pods -A -o wide | grep {component.name}",
        )


def _raft_is_well(health: Health) -> bool:
    return bool(health.members) and not any(f.severity is Severity.CRITICAL for f in raft(health))


def _waiting(health: Health) -> Iterator[Finding]:
    """Pods on a node without an address: with raft well and the lease renewed, kube-ovn-controller may be blind."""
    late = sorted((p for p in health.waiting if p.seconds > WAITING_LONG), key=lambda p: -p.seconds)
    if not late:
        return
    names = ", ".join(p.pod for p in late[:5]) + (" ..." if len(late) > 5 else "")
    renewed = any(lease.age is not None and lease.age <= LEASE_STALE for lease in health.leases)
    while_well = "; kube-ovn-controller renews its lease, the databases are well"
    yield Finding(
        Severity.WARNING,
        "controller.pods_wait",
        f"{_count(late, 'pod')} without an address, one for {_span(late[0].seconds)}",
        names + (while_well if renewed and _raft_is_well(health) else ""),
        "They do not start.",
        "The events of those pods tell of a full subnet. If they tell nothing, kube-ovn-controller has lost the "
        "northbound database without noticing: see its log, and restart it.",
    )


def _count(things: Sized, name: str) -> str:
    return f"{len(things)} {name}{'' if len(things) == 1 else 's'}"


def _span(seconds: float) -> str:
    return f"{seconds:.0f} s" if seconds < 120 else f"{seconds / 60:.0f} min"


def endpoints(health: Health) -> Iterator[Finding]:
    if not central_asked_for(health):
        return  # that alone says it
    for each in health.endpoints:
        asked = health.members.get(each.service.removeprefix("ovn-"), [])  # type: ignore[call-overload]
        if any(m.status.kind == "clustered" for m in asked) and not any(map(leads, asked)):
            continue  # nobody leads, so nobody can be behind it
        if each.service == "ovn-northd" and health.northd and all(n.state != "active" for n in health.northd):
            continue
        if len(each.addresses) != 1:
            yield Finding(
                Severity.WARNING if each.addresses else Severity.CRITICAL,
                "endpoint.count",
                f"Service {each.service} has {_count(each.addresses, 'endpoint')}",
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


def changes(health: Health, history: History) -> Iterator[Finding]:
    """What has changed since the first look that is still remembered."""
    for name, words in (("mac_bindings", "learned MAC bindings"), ("logical_flows", "logical flows")):
        grown = history.change(name)
        if grown is None or grown.last < grown.first * GROWTH or grown.last - grown.first < GROWN_BY[name]:
            continue
        yield Finding(
            Severity.WARNING,
            f"growth.{name}_fast",
            f"{grown.last - grown.first:.0f} more {words} within {_span(grown.seconds)}",
            f"{grown.first:.0f} then, {grown.last:.0f} now",
            "Each change goes to every node; ovn-northd and ovn-controller fall behind.",
            "See which datapath grows on the pipeline screen, and what was deployed since.",
        )
    for database in health.members:
        terms = history.change(f"{database}_term")
        if terms is not None and terms.last - terms.first >= ELECTIONS_MANY:
            yield Finding(
                Severity.WARNING,
                "raft.elections",
                f"{terms.last - terms.first:.0f} elections of {database.upper()} within {_span(terms.seconds)}",
                f"term {terms.first:.0f} then, {terms.last:.0f} now",
                "Clients are cut off each time, and writes wait.",
                "See the disks and the load of the ovn-central nodes; a longer election timer may be needed.",
            )


RULES: tuple[Callable[[Health], Iterator[Finding]], ...] = (
    restore,
    stopped,
    raft,
    labels,
    northd,
    controllers,
    chassis,
    endpoints,
    versions,
    growth,
)

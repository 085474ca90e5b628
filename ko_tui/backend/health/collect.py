"""Asking a cluster how it is: everything at once, each question bounded, what did not answer named."""

from __future__ import annotations

import datetime
import math
import re
import time
from collections import Counter
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, cast

from ko_tui.backend.cluster.leader import Database
from ko_tui.backend.cluster.pods import CENTRAL, is_ready, node_of, ref, restarts
from ko_tui.backend.errors import KoError
from ko_tui.backend.health.findings import find
from ko_tui.backend.health.history import History
from ko_tui.backend.health.model import (
    ChassisHealth,
    ComponentHealth,
    Health,
    LeaderEndpoint,
    LeaseHealth,
    NorthdHealth,
    RestoreHealth,
    WaitingPod,
)
from ko_tui.backend.health.noting import NotingSession
from ko_tui.backend.operations.fanout import ask_all
from ko_tui.backend.operations.hand_pods import APP as HAND_PODS
from ko_tui.backend.operations.journal import PUT_BACK, busy, load, path_of
from ko_tui.backend.operations.members import Member, ask_members
from ko_tui.backend.operations.restore import how_to_go_on
from ko_tui.backend.operations.restore_plan import progress
from ko_tui.backend.operations.rollout import rollout_of
from ko_tui.backend.ovn.northd import parse_northd
from ko_tui.backend.ovn.table import Row, many
from ko_tui.backend.ovs.silence import why_silent
from ko_tui.backend.source.interface import Cancel, Forbidden, NotFound, NotInSnapshot
from ko_tui.backend.source.kinds import DAEMONSETS, DEPLOYMENTS, ENDPOINT_SLICES, LEASES, NODES, PODS
from ko_tui.backend.source.objects import KubeObject

if TYPE_CHECKING:
    from ko_tui.backend.session import Session

SECONDS = 8.0
NODES_ASKED = 200  # with more nodes, only their rows in the databases are read
COUNTS_AGE = 600.0  # counting all flows is a burden on the database: no more often than this, in seconds
COMPONENTS = (
    (DEPLOYMENTS, "ovn-central", CENTRAL),
    (DEPLOYMENTS, "kube-ovn-controller", "kube-ovn-controller"),
    (DEPLOYMENTS, "kube-ovn-monitor", "kube-ovn-monitor"),
    (DAEMONSETS, "ovs-ovn", "ovs"),
    (DAEMONSETS, "ovs-ovn-dpdk", "ovs-dpdk"),
    (DAEMONSETS, "kube-ovn-cni", "kube-ovn-cni"),
    (DAEMONSETS, "kube-ovn-pinger", "kube-ovn-pinger"),
)
LEADER_LABELS = ("ovn-nb-leader", "ovn-sb-leader", "ovn-northd-leader")
LEADER_SERVICES = ("ovn-nb", "ovn-sb", "ovn-northd")


def collect(session: Session, *, deep: bool = True, cancel: Cancel | None = None) -> Health:
    """The state now, with findings. ``deep`` asks each node too. What fails is named in ``partial``, nothing raises
    but a cluster that cannot be reached at all."""
    health = Health(time.time(), session.namespace)
    noting = NotingSession(session)
    session = cast("Session", noting)
    central = session.app_pods(CENTRAL, max_age=2.0)
    for label in LEADER_LABELS:
        marked = [(p.name, is_ready(p)) for p in central if p.labels.get(label) == "true"]
        health.labels[label] = marked
    jobs: list[tuple[str, Callable[[], None]]] = [
        ("northbound members", lambda: health.members.__setitem__("nb", members(session, "nb"))),
        ("southbound members", lambda: health.members.__setitem__("sb", members(session, "sb"))),
        ("northd", lambda: health.northd.extend(northd(session, central))),
        ("components", lambda: health.components.extend(components(session))),
        ("leases", lambda: health.leases.extend(leases(session))),
        ("leader endpoints", lambda: health.endpoints.extend(endpoints(session))),
        ("chassis", lambda: health.chassis.extend(chassis(session, deep=deep, cancel=cancel))),
        ("strays", lambda: health.strays.extend(strays(session))),
        ("restore", lambda: setattr(health, "restore", restore(session))),
        ("waiting pods", lambda: health.waiting.extend(waiting(session))),
        ("MAC bindings", lambda: _count_bindings(session, health)),
        ("logical flows", lambda: _count_flows(session, health)),
    ]
    if not session.live:
        jobs = [job for job in jobs if job[0] in ("components", "leases", "leader endpoints")]
        jobs += [
            ("members", lambda: _saved_members(session, health)),
            ("chassis", lambda: health.chassis.extend(chassis(session, deep=deep, cancel=cancel))),
            ("MAC bindings", lambda: _count_bindings(session, health)),
            ("logical flows", lambda: _count_flows(session, health)),
        ]
    for (name, _), answer in ask_all(jobs, lambda job: job[1](), cancel=cancel):
        if isinstance(answer, KoError):
            health.partial.append(f"{name}: {answer.what}")
    if deep and session.live and len(health.chassis) > NODES_ASKED:
        health.partial.append(
            f"the {len(health.chassis):,} nodes themselves, being more than {NODES_ASKED}: ko-tui env-check asks each"
        )
    health.blind = session.live and not (health.members or health.northd) and bool(central)
    health.commands = noting.commands()
    health.members = dict(sorted(health.members.items()))  # they came in any order
    health.partial.sort()
    history = session.answers.get("health-history", History, max_age=math.inf).value
    history.note(health)
    health.findings = find(health, history)
    history.note_findings(len(health.findings))
    health.series = history.all_series()
    return health


def restore(session: Session) -> RestoreHealth | None:
    """A restore that has not ended: by the journals of this machine, else by its pods in the cluster."""
    path = path_of(session.info)
    journal = load(path)
    if journal is not None and not journal.ended and journal.events:
        step = PUT_BACK if journal.begun(PUT_BACK) else journal.following
        down = journal.begun("stop") and ("start" not in journal.done or journal.begun(PUT_BACK))
        began = journal.events[0].time
        if busy(path):
            return RestoreHealth(
                "here", "Wait for it: ko-tui nb restore --status", step, began, progress(journal)
            )
        return RestoreHealth(
            "stopped", how_to_go_on(journal), step, began, progress(journal), central_stopped=down
        )
    pods = session.app_pods(HAND_PODS, max_age=2.0)
    if pods:
        names = tuple(sorted(p.name for p in pods))
        return RestoreHealth(
            "elsewhere", "Ask who is at it; ko-tui nb restore --status there knows more.", pods=names
        )
    return None


def _saved_members(session: Session, health: Health) -> None:
    """A saved cluster holds what its members said when it was saved, if anything."""
    for database in ("nb", "sb"):
        members = ask_members(session, database)
        if any(m.status.kind in ("clustered", "standalone") for m in members):
            health.members[database] = members
    said = [n for n in northd(session, session.app_pods(CENTRAL)) if n.state]
    health.northd.extend(said)


def members(session: Session, database: Database) -> list[Member]:
    """Raises Forbidden when this user may ask none of them: that says nothing of how they are."""
    found = ask_members(session, database)
    if found and all(m.forbidden for m in found):
        raise Forbidden(f"{found[0].problem}" + (f" (and {len(found) - 1} more)" if len(found) > 1 else ""))
    return found


def northd(session: Session, central: Sequence[KubeObject]) -> list[NorthdHealth]:
    def ask(pod: KubeObject) -> NorthdHealth:
        run = session.run(ref(pod), ("ovn-appctl", "-T", "5", "-t", "ovn-northd", "status"), timeout=SECONDS)
        status = parse_northd(run.stdout, run.stderr)
        return NorthdHealth(pod.name, node_of(pod), status.state, status.problem)

    answers = list(ask_all(central, ask))
    refused = [answer for _, answer in answers if isinstance(answer, Forbidden)]
    if refused and len(refused) == len(answers):
        raise refused[0]
    found = []
    for pod, answer in answers:
        if isinstance(answer, KoError):
            answer = NorthdHealth(pod.name, node_of(pod), "", answer.what)
        found.append(answer)
    return sorted(found, key=lambda n: n.pod)


def components(session: Session) -> list[ComponentHealth]:
    found = []
    for resource, name, app in COMPONENTS:
        try:
            workload = session.source.get(resource, session.namespace, name)
        except NotFound:
            continue
        state = rollout_of(workload, resource)
        pods = session.app_pods(app)
        images = {str(c.get("image")) for p in pods for c in p.spec.get("containers") or [] if c.get("image")}
        found.append(
            ComponentHealth(
                name,
                "Deployment" if resource == DEPLOYMENTS else "DaemonSet",
                state.wanted,
                state.available,
                state.updated,
                sum(restarts(p) for p in pods),
                tuple(sorted(images)),
            )
        )
    return found


def leases(session: Session) -> list[LeaseHealth]:
    found = []
    for name in ("kube-ovn-controller",):
        try:
            spec = session.source.get(LEASES, session.namespace, name).spec
        except (NotFound, Forbidden):
            continue
        age = None
        if spec.get("renewTime"):
            age = _seconds_since(str(spec["renewTime"])) if session.live else 0.0
        holder = str(spec.get("holderIdentity") or "")
        found.append(LeaseHealth(name, holder, age, int(spec.get("leaseDurationSeconds") or 15)))
    return found


def endpoints(session: Session) -> list[LeaderEndpoint]:
    slices = session.source.list(ENDPOINT_SLICES, namespace=session.namespace).items
    found = []
    for service in LEADER_SERVICES:
        mine = [s for s in slices if s.labels.get("kubernetes.io/service-name") == service]
        if not mine:
            continue
        addresses = {
            str(address)
            for s in mine
            for endpoint in s.endpoints or []
            if (endpoint.get("conditions") or {}).get("ready", True)
            for address in endpoint.get("addresses") or []
        }
        found.append(LeaderEndpoint(service, tuple(sorted(addresses))))
    return found


def chassis(session: Session, *, deep: bool, cancel: Cancel | None = None) -> list[ChassisHealth]:
    """Every node of Kubernetes beside its chassis row; a node that is asked itself says more."""
    names = [n.name for n in session.source.list(NODES).items]
    rows = _chassis_rows(session)
    encaps = {
        str(r["_uuid"]): str(r["ip"]) for r in session.rows("sb", "Encap", ("_uuid", "ip"), max_age=3.0).value
    }
    private = {
        str(r["name"]): int(r["nb_cfg"] or 0)
        for r in session.rows("sb", "Chassis_Private", ("name", "nb_cfg"), max_age=3.0).value
    }
    wanted = [int(r["nb_cfg"] or 0) for r in session.rows("sb", "SB_Global", ("nb_cfg",), max_age=3.0).value]
    by_host = {_short(row): row for row in rows} | {str(row["hostname"]): row for row in rows}
    found = []
    for node in names:
        row = by_host.get(node)
        if row is None:
            found.append(ChassisHealth(node, False))
            continue
        ips = [encaps.get(str(u), "") for u in many(row["encaps"])]
        lag = (
            max(0, wanted[0] - private[str(row["name"])]) if wanted and str(row["name"]) in private else None
        )
        found.append(ChassisHealth(node, True, next(iter(ips), ""), lag))
    if not deep or len(found) > NODES_ASKED:
        return found
    asked = {}
    for each, answer in ask_all(found, lambda c: _ask_node(session, c), cancel=cancel):
        if isinstance(answer, NotInSnapshot):
            continue  # nobody asked that node when the cluster was saved
        if isinstance(answer, KoError):
            answer = ChassisHealth(
                each.node, each.registered, each.tunnel_ip, each.lag, "", None, answer.what
            )
        asked[each.node] = answer
    return [asked.get(c.node, c) for c in found]


def _chassis_rows(session: Session) -> list[Row]:
    """Without those of other clusters, which OVN interconnection writes too."""
    rows = session.rows("sb", "Chassis", ("name", "hostname", "encaps", "other_config"), max_age=3.0).value
    return [row for row in rows if (row["other_config"] or {}).get("is-remote") != "true"]


def _short(row: Row) -> str:
    return str(row["hostname"]).partition(".")[0]


def strays(session: Session) -> list[str]:
    """Host names of chassis that no node of Kubernetes has, and those that several chassis have."""
    nodes = {n.name for n in session.source.list(NODES).items}
    counts = Counter(str(row["hostname"]) for row in _chassis_rows(session))
    unknown = {host for host in counts if host not in nodes and host.partition(".")[0] not in nodes}
    doubled = {
        f"{host} ({count} times)" for host, count in counts.items() if count > 1 and host not in unknown
    }
    return sorted(unknown | doubled)


def waiting(session: Session) -> list[WaitingPod]:
    """Pods that are on a node, use its network, and have no address: kube-ovn-controller has not served them yet."""
    found = []
    for pod in session.source.list(PODS, field_selector="status.phase=Pending").items:
        addressed = any(key.endswith(".kubernetes.io/ip_address") for key in pod.annotations)
        if addressed or not node_of(pod) or pod.spec.get("hostNetwork") or pod.metadata.deletion_timestamp:
            continue
        conditions = pod.status.get("conditions") or []
        since = next(
            (c.get("lastTransitionTime") for c in conditions if c.get("type") == "PodScheduled"), None
        )
        since = since or pod.metadata.creation_timestamp
        if since:
            found.append(WaitingPod(pod.key, node_of(pod), _seconds_since(str(since))))
    return found


def _seconds_since(text: str) -> float:
    """``text`` is a time of Kubernetes (RFC 3339)."""
    then = datetime.datetime.fromisoformat(text.replace("Z", "+00:00"))
    return max(0.0, time.time() - then.timestamp())


def _ask_node(session: Session, each: ChassisHealth) -> ChassisHealth:
    ovs = session.ovs(each.node)
    controller = session.run(
        ovs, ("ovn-appctl", "-T", "5", "-t", "ovn-controller", "connection-status"), timeout=SECONDS
    )
    counted = session.run(ovs, ("ovs-ofctl", "--timeout=5", "dump-aggregate", "br-int"), timeout=SECONDS)
    flows = re.search(r"flow_count=(\d+)", counted.stdout)
    said = controller.stdout.strip()
    if controller.exit_code != 0:
        said = why_silent(controller.stdout, controller.stderr)
    problem = "" if flows else f"ovs-vswitchd: {why_silent(counted.stdout, counted.stderr)}"
    return ChassisHealth(
        each.node, each.registered, each.tunnel_ip, each.lag, said, int(flows[1]) if flows else None, problem
    )


def _count_bindings(session: Session, health: Health) -> None:
    health.mac_bindings = len(session.rows("sb", "MAC_Binding", ("_uuid",), max_age=60.0).value)


def _count_flows(session: Session, health: Health) -> None:
    from ko_tui.backend.pipeline.browse import flow_counts

    counts = session.answers.get("health-flow-counts", lambda: flow_counts(session), max_age=COUNTS_AGE)
    health.logical_flows = sum(counts.value.values())

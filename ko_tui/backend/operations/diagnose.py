"""``kubectl ko diagnose``: structured, read-only by default, every check with a result of its own.

The groups are those of kubectl-ko (dist/images/kubectl-ko): kinds, accounts, nodes, workloads, leaders, databases,
logs, and the pinger on each node. What has to create objects for its probe is in ``diagnose_created``.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Literal

from ko_tui.backend.cluster.pods import is_ready, node_of, ref
from ko_tui.backend.errors import KoError, UsageError
from ko_tui.backend.operations.diagnose_node import check_node
from ko_tui.backend.operations.diagnose_pinger import check_targets, run_pingers
from ko_tui.backend.operations.diagnose_services import services
from ko_tui.backend.operations.fanout import ask_all
from ko_tui.backend.operations.model import Check, Level, OnChecks, Report, quiet
from ko_tui.backend.operations.patience import SilentNodes
from ko_tui.backend.operations.rollout import find_workload, rollout_of
from ko_tui.backend.source.interface import Cancel, Forbidden, NotFound, Resource
from ko_tui.backend.source.kinds import CRDS, ENDPOINT_SLICES, KUBE_OVN_KINDS, NODES, SERVICES, SUBNETS

if TYPE_CHECKING:
    from ko_tui.backend.session import Session

Scope = Literal["all", "node", "subnet", "IPPorts"]
WORKLOADS = (
    "ovn-central",
    "kube-ovn-controller",
    "kube-ovn-cni",
    "ovs-ovn",
    "kube-ovn-pinger",
    "kube-ovn-monitor",
)
NEEDED = frozenset({"ovn-central", "kube-ovn-controller", "kube-ovn-cni", "ovs-ovn"})
LEADERS = ("ovn-nb", "ovn-sb", "ovn-northd")
SERVICE_ACCOUNTS = Resource("", "v1", "serviceaccounts")
CLUSTER_ROLES = Resource("rbac.authorization.k8s.io", "v1", "clusterroles", False)
CLUSTER_ROLE_BINDINGS = Resource("rbac.authorization.k8s.io", "v1", "clusterrolebindings", False)
_ERROR_LINE = re.compile(r"^E\d{4} ")  # klog: severity, then month and day


def diagnose(
    session: Session,
    scope: Scope = "all",
    target: str = "",
    *,
    probes: bool = True,
    targets: str = "",
    on_checks: OnChecks = quiet,
    cancel: Cancel | None = None,
) -> Report:
    """Look at everything in ``scope``. ``target`` is a node, a subnet, or ``proto-ip-port,...`` for IPPorts.

    ``probes`` lets the pingers send packets, to ``targets`` too (as for IPPorts). Raises UsageError for
    a target that cannot be.
    """
    report = Report(f"Diagnosis: {scope} {target}".rstrip())

    def take(checks: Sequence[Check]) -> None:
        report.add(checks)
        on_checks(list(checks))

    if scope == "IPPorts":
        run_pingers(
            session, report, take, target_ip_ports=check_targets(target), probes=probes, cancel=cancel
        )
        return report
    nodes = _nodes(session, scope, target)
    silent = SilentNodes()
    groups: list[tuple[str, Callable[[], list[Check]]]] = [
        ("kinds", lambda: kinds(session)),
        ("accounts", lambda: accounts(session)),
        ("nodes", lambda: node_states(session, nodes)),
        ("workloads", lambda: workloads(session)),
        ("services", lambda: services(session)),
        ("leaders", lambda: leaders(session)),
        ("northbound", lambda: northbound(session)),
        ("southbound", lambda: southbound(session, nodes)),
        ("controller", lambda: controller_log(session)),
    ]
    if scope == "subnet":
        take(subnet(session, target))  # first: of one that is not there nothing else need be asked
    for (name, _), answer in ask_all(groups, lambda group: group[1](), cancel=cancel):
        if isinstance(answer, KoError):
            report.partial.append(f"{name}: {answer.what}")
            answer = [Check(name, "asked", Level.UNKNOWN, answer.what, advice=answer.next_step)]
        take(answer)
    for node, found in ask_all(
        nodes, lambda n: silent.ask(n, lambda: check_node(session, n, cancel=cancel)), cancel=cancel
    ):
        if isinstance(found, KoError):
            report.partial.append(f"{node}: {found.what}")
            found = [Check("node", "asked", Level.UNKNOWN, found.what, node, found.next_step)]
        take(found)
    only = target if scope == "node" else ""
    if cancel is not None and cancel.cancelled:
        report.partial.append("stopped before all was looked at")
        return report
    run_pingers(
        session,
        report,
        take,
        node=only,
        target_ip_ports=targets,
        probes=probes,
        cancel=cancel,
        silent=silent,
    )
    return report


def _nodes(session: Session, scope: Scope, target: str) -> list[str]:
    names = [n.name for n in session.source.list(NODES).items]
    if scope != "node":
        return names
    if target not in names:
        raise UsageError(f"There is no node {target!r}.", f"The nodes are {', '.join(names[:20])}.")
    return [target]


def kinds(session: Session) -> list[Check]:
    """Kube-OVN's kinds of object, as the API knows them."""
    try:
        known = {crd.name for crd in session.source.list(CRDS).items}
    except Forbidden as error:
        return [
            Check(
                "kinds", "kubeovn.io", Level.SKIPPED, "listing kinds is not allowed", advice=error.next_step
            )
        ]
    missing = [r.plural for r in KUBE_OVN_KINDS if f"{r.plural}.{r.group}" not in known]
    core = [name for name in missing if name in ("vpcs", "subnets", "ips", "vlans", "provider-networks")]
    if core:
        return [
            Check(
                "kinds", "kubeovn.io", Level.FAIL, f"missing: {', '.join(core)}", advice="Install the CRDs."
            )
        ]
    if missing:
        return [Check("kinds", "kubeovn.io", Level.INFO, f"not in this release: {', '.join(missing)}")]
    return [Check("kinds", "kubeovn.io", Level.OK, f"all {len(KUBE_OVN_KINDS)} are there")]


def accounts(session: Session) -> list[Check]:
    """What Kube-OVN runs as, and the Services that its pods use."""
    wanted = (
        (SERVICES, "kube-system", "kube-dns", Level.WARN, "The DNS Service may have another name (coredns)."),
        (SERVICES, "default", "kubernetes", Level.FAIL, "The API server's own Service is missing."),
        (SERVICE_ACCOUNTS, session.namespace, "ovn", Level.FAIL, "Kube-OVN's pods cannot run without it."),
        (CLUSTER_ROLES, "", "system:ovn", Level.FAIL, "Kube-OVN's pods may not read the API without it."),
        (CLUSTER_ROLE_BINDINGS, "", "ovn", Level.FAIL, "Kube-OVN's pods may not read the API without it."),
    )
    found = []
    for resource, namespace, name, level, advice in wanted:
        title = f"{resource.plural} {name}"
        try:
            session.source.get(resource, namespace, name)
            found.append(Check("accounts", title, Level.OK, "there"))
        except NotFound:
            found.append(Check("accounts", title, level, "missing", advice=advice))
        except Forbidden as error:
            found.append(Check("accounts", title, Level.SKIPPED, error.what))
    return found


def node_states(session: Session, names: Sequence[str]) -> list[Check]:
    checks = []
    for node in session.source.list(NODES).items:
        if node.name not in names:
            continue
        ready = any(
            c.get("type") == "Ready" and c.get("status") == "True"
            for c in node.status.get("conditions") or []
        )
        port = node.annotations.get("ovn.kubernetes.io/port_name", "")
        if not ready:
            checks.append(
                Check("nodes", "ready", Level.FAIL, "NotReady", node.name, "See kubectl describe node.")
            )
        elif not port:
            advice = "kube-ovn-controller has not set it up; see its log."
            checks.append(
                Check("nodes", "join port", Level.FAIL, "no port in the join subnet", node.name, advice)
            )
        else:
            address = node.annotations.get("ovn.kubernetes.io/ip_address", "")
            checks.append(Check("nodes", "ready", Level.OK, f"{port} {address}", node.name))
    return checks


def workloads(session: Session) -> list[Check]:
    checks = []
    for name in WORKLOADS:
        found = find_workload(session, name)
        if found is None:
            level = Level.FAIL if name in NEEDED else Level.INFO
            checks.append(Check("workloads", name, level, "does not exist"))
            continue
        state = rollout_of(found[1], found[0])
        level = Level.OK if state.available >= state.wanted else Level.FAIL
        advice = "" if level is Level.OK else f"kubectl -n {session.namespace} get pods -o wide | grep {name}"
        checks.append(
            Check("workloads", name, level, f"{state.available} of {state.wanted} available", advice=advice)
        )
    return checks


def leaders(session: Session) -> list[Check]:
    """Each leader Service has exactly one endpoint, or clients of the database go astray."""
    slices = session.source.list(ENDPOINT_SLICES, namespace=session.namespace).items
    checks = []
    for name in LEADERS:
        mine = [s for s in slices if s.labels.get("kubernetes.io/service-name") == name]
        ready = [
            address
            for s in mine
            for endpoint in s.endpoints or []
            if (endpoint.get("conditions") or {}).get("ready", True)
            for address in endpoint.get("addresses") or []
        ]
        count = len(set(ready))
        level = Level.OK if count == 1 else Level.FAIL
        detail = f"{count} endpoint{'' if count == 1 else 's'} ({', '.join(sorted(set(ready))) or 'none'})"
        advice = "" if count == 1 else "The leader labels are not what they should be; see ko-tui status."
        checks.append(Check("leaders", name, level, detail, advice=advice))
    return checks


def northbound(session: Session) -> list[Check]:
    router = session.rows(
        "nb", "Logical_Router", ("name", "policies", "static_routes"), where=("name=ovn-cluster",)
    )
    switch = session.rows("nb", "Logical_Switch", ("name", "load_balancer"), where=("name=ovn-default",))
    sets = session.rows("nb", "Address_Set", ("name",))
    acls = session.rows("nb", "ACL", ("priority",))
    from ko_tui.backend.ovn.table import many

    checks = []
    for row in router.value:
        policies, routes = len(many(row["policies"])), len(many(row["static_routes"]))
        level = Level.OK if policies else Level.FAIL
        advice = "" if policies else "Without policies pods reach neither nodes nor the outside."
        checks.append(
            Check("northbound", "ovn-cluster", level, f"{policies} policies, {routes} routes", advice=advice)
        )
    if not router.value:
        checks.append(Check("northbound", "ovn-cluster", Level.FAIL, "the default VPC's router is missing"))
    for row in switch.value:
        count = len(many(row["load_balancer"]))
        level = Level.OK if count else Level.WARN
        advice = "" if count else "Services have no effect on this subnet unless kube-proxy serves them."
        checks.append(Check("northbound", "ovn-default", level, f"{count} load balancers", advice=advice))
    checks.append(Check("northbound", "address sets", Level.INFO, str(len(sets.value))))
    checks.append(Check("northbound", "ACLs", Level.INFO, str(len(acls.value))))
    return checks


def southbound(session: Session, nodes: Sequence[str]) -> list[Check]:
    rows = session.rows("sb", "Chassis", ("name", "hostname")).value
    hosts = {str(row["hostname"]) for row in rows}
    checks = []
    for node in nodes:
        known = any(host == node or host.split(".")[0] == node for host in hosts)
        level = Level.OK if known else Level.FAIL
        advice = "" if known else "ovn-controller on that node has not registered; see its log."
        checks.append(
            Check("southbound", "chassis", level, "registered" if known else "missing", node, advice)
        )
    return checks


def controller_log(session: Session) -> list[Check]:
    checks = []
    for pod in session.app_pods("kube-ovn-controller"):
        if not is_ready(pod):
            continue
        text = session.source.logs(ref(pod), tail=200).decode("utf-8", "replace")
        errors = [line for line in text.splitlines() if _ERROR_LINE.match(line)]
        level = Level.WARN if errors else Level.OK
        detail = f"{len(errors)} errors of late, the last: {errors[-1]}" if errors else "no errors of late"
        checks.append(Check("controller", "log", level, detail, f"{pod.name} on {node_of(pod)}"))
    return checks


def subnet(session: Session, name: str) -> list[Check]:
    try:
        found = session.source.get(SUBNETS, "", name)
    except NotFound as error:
        raise UsageError(f"There is no Subnet {name!r}.", "See kubectl get subnets.") from error
    status = found.status
    free = status.get("v4availableIPs", status.get("v6availableIPs", "?"))
    checks = [
        Check(
            "subnet",
            name,
            Level.INFO,
            f"{found.spec.get('cidrBlock')} in {found.spec.get('vpc')}, {free} free",
        )
    ]
    if free in (0, 0.0, "0"):
        checks.append(
            Check("subnet", "addresses", Level.FAIL, "none is free", name, "Enlarge it, or free addresses.")
        )
    for condition in status.get("conditions") or []:
        if condition.get("type") in ("Ready", "Validated") and condition.get("status") != "True":
            detail = f"{condition.get('type')}: {condition.get('message') or condition.get('reason')}"
            checks.append(Check("subnet", "condition", Level.FAIL, detail, name))
    return checks

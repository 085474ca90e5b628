"""The part of a diagnosis that needs objects of its own: a NodePort Service, and for a subnet a server on each node.

kubectl-ko makes both under fixed names and goes by its pinger's options, which changed between releases; here they
have names of their own, and the pingers are told the addresses and ports of what was made, which every release takes.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal

from ko_tui.backend.cluster.pods import is_ready, node_of
from ko_tui.backend.errors import KoError, UsageError
from ko_tui.backend.operations.created import RUN_LABEL, Creation, need_write
from ko_tui.backend.operations.diagnose import diagnose
from ko_tui.backend.operations.model import Check, Level, OnChecks, OnText, Report, quiet
from ko_tui.backend.operations.rollout import RolloutStuck, wait_for
from ko_tui.backend.source.interface import Cancel, JsonObject, NotFound
from ko_tui.backend.source.kinds import DAEMONSETS, NODES, PODS, SERVICES, SUBNETS
from ko_tui.backend.source.objects import KubeObject

if TYPE_CHECKING:
    from ko_tui.backend.session import Session

Scope = Literal["all", "node", "subnet"]
PINGER = "kube-ovn-pinger"
TCP, UDP = 8100, 8101  # the ports that kubectl-ko uses
SERVICE_PORT, PINGER_PORT = 60001, 8080
READY_SECONDS = 30.0
LONGEST = 1800.0
MOST_NODES = 50  # whose addresses go into one command line


@dataclass(frozen=True, slots=True)
class ProbePlan:
    """What will be made. ``target`` is what a person types to agree; ``pinger`` the DaemonSet whose image is used."""

    scope: Scope
    argument: str
    namespace: str
    image: str
    account: str
    options: tuple[str, ...]

    @property
    def target(self) -> str:
        return self.argument or "diagnose"

    @property
    def effect(self) -> str:
        lines = [f"Creates a Service of type NodePort in {self.namespace}, which opens a port on every node."]
        if self.scope == "subnet":
            lines.append(
                f"Creates a DaemonSet there, with a pod in the subnet {self.argument} on each node ({self.image})."
            )
        lines.append("Kube-OVN's pingers then try them. All is removed at the end.")
        return "\n".join(lines)


@dataclass(slots=True)
class _Found:
    checks: list[Check] = field(default_factory=list)
    targets: list[str] = field(default_factory=list)


def plan_probe(session: Session, scope: Scope, argument: str = "") -> ProbePlan:
    """Check what can be checked before. Raises UsageError when there is no such node, subnet or pinger."""
    if scope == "node":
        _get(session, NODES, "node", argument)
    if scope == "subnet":
        found = _get(session, SUBNETS, "Subnet", argument)
        vpc = str(found.spec.get("vpc") or "ovn-cluster")
        if vpc != "ovn-cluster":
            raise UsageError(
                f"{argument} is in the VPC {vpc}, which Kube-OVN's pingers cannot reach.",
                "Without --allow-write the subnet is looked at as far as that goes without probes.",
            )
    try:
        pinger = session.source.get(DAEMONSETS, session.namespace, PINGER)
    except NotFound as error:
        raise UsageError(
            f"There is no DaemonSet {PINGER} in {session.namespace}, and nothing else to probe with.",
            "Without --allow-write the rest is checked.",
        ) from error
    spec = (pinger.spec.get("template") or {}).get("spec") or {}
    container = (spec.get("containers") or [{}])[0]
    words = [*(container.get("command") or ()), *(container.get("args") or ())]
    return ProbePlan(
        scope,
        argument,
        session.namespace,
        str(container.get("image") or ""),
        str(spec.get("serviceAccountName") or "ovn"),
        tuple(str(w) for w in words if str(w).startswith("--ds-namespace=")),
    )


def _get(session: Session, resource: Any, kind: str, name: str) -> KubeObject:
    try:
        return session.source.get(resource, "", name)
    except NotFound as error:
        raise UsageError(f"There is no {kind} {name!r}.", f"See kubectl get {resource.plural}.") from error


def diagnose_creating(
    session: Session,
    plan: ProbePlan,
    *,
    on_checks: OnChecks = quiet,
    on_text: OnText = quiet,
    cancel: Cancel,
    ready_seconds: float = READY_SECONDS,
) -> Report:
    """The diagnosis with the probes of ``plan``; a person has agreed. What was made is removed whatever happens."""
    need_write(session, "These probes make objects in the cluster")
    found = _Found()
    made = Creation(session, "diagnose", seconds=LONGEST, on_text=on_text)
    report: Report | None = None
    try:
        with made:
            try:
                _make(session, plan, made, found, on_text, cancel, ready_seconds)
            except KoError as error:
                if cancel.cancelled:
                    raise
                what = f"{error.title}: {error.what}"
                found.checks.append(Check("created", "probes", Level.FAIL, what, advice=error.next_step))
            on_checks(found.checks)
            report = diagnose(
                session,
                plan.scope,
                plan.argument,
                targets=",".join(found.targets),
                on_checks=on_checks,
                cancel=cancel,
            )
    finally:
        if report is None and made.left:
            on_text(f"left in the cluster: {'; '.join(made.left)}; ko-tui --allow-write cleanup removes it")
    removal = [
        Check("created", "removed", Level.FAIL, text, advice="ko-tui --allow-write cleanup removes it.")
        for text in made.left
    ] or [Check("created", "removed", Level.OK, "all that was made is gone")]
    on_checks(removal)
    report.checks = [*found.checks, *report.checks, *removal]
    return report


def _make(
    session: Session,
    plan: ProbePlan,
    made: Creation,
    found: _Found,
    on_text: OnText,
    cancel: Cancel,
    seconds: float,
) -> None:
    nodes = _node_addresses(session)
    service = made.create(SERVICES, node_port(made))
    ports = service.spec.get("ports") or [{}]
    number = int(ports[0].get("nodePort") or 0)
    used = nodes[:MOST_NODES]
    found.targets += [f"tcp-{address}-{number}" for _, address in used]
    note = "" if len(used) == len(nodes) else f"; only {len(used)} of {len(nodes)} nodes are tried"
    found.checks.append(Check("created", "node port", Level.INFO, f"{number} on every node{note}"))
    if plan.scope != "subnet":
        return
    daemons = made.create(DAEMONSETS, servers(made, plan))
    try:
        wait_for(session, DAEMONSETS, daemons.name, seconds=seconds, on_text=on_text, cancel=cancel)
    except RolloutStuck as error:
        advice = "Do the pods get an address in the subnet? See the events of kube-ovn-cni and its log."
        found.checks.append(Check("created", "servers", Level.FAIL, error.what, plan.argument, advice))
    pods = session.source.list(PODS, namespace=plan.namespace, label_selector=f"{RUN_LABEL}={made.run}").items
    for pod in pods:
        addresses = [str(ip.get("ip")) for ip in pod.status.get("podIPs") or []]
        where = node_of(pod)
        if not is_ready(pod) or not addresses:
            found.checks.append(Check("created", "server", Level.FAIL, "is not ready", where))
            continue
        found.checks.append(Check("created", "server", Level.OK, f"serves at {', '.join(addresses)}", where))
        for address in addresses[: 2 if len(pods) <= MOST_NODES else 0]:
            found.targets += [f"tcp-{address}-{TCP}", f"udp-{address}-{UDP}"]


def _node_addresses(session: Session) -> Sequence[tuple[str, str]]:
    return [
        (node.name, str(address.get("address")))
        for node in session.source.list(NODES).items
        for address in node.status.get("addresses") or []
        if address.get("type") == "InternalIP"
    ]


def node_port(made: Creation) -> JsonObject:
    """A port on every node that leads to Kube-OVN's pingers."""
    port = {"name": "pinger", "protocol": "TCP", "port": SERVICE_PORT, "targetPort": PINGER_PORT}
    return {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": {"name": made.name("node-port")},
        "spec": {"type": "NodePort", "selector": {"app": PINGER}, "ports": [port]},
    }


def servers(made: Creation, plan: ProbePlan) -> JsonObject:
    """A pod in the subnet on each node, that answers on a TCP and a UDP port."""
    environment = [
        {"name": name, "valueFrom": {"fieldRef": {"fieldPath": path}}}
        for name, path in (
            ("POD_NAME", "metadata.name"),
            ("POD_NAMESPACE", "metadata.namespace"),
            ("POD_IP", "status.podIP"),
            ("HOST_IP", "status.hostIP"),
            ("NODE_NAME", "spec.nodeName"),
        )
    ]
    container = {
        "name": "server",
        "image": plan.image,
        "imagePullPolicy": "IfNotPresent",
        "command": ["/kube-ovn/kube-ovn-pinger"],
        "args": [
            "--enable-verbose-conn-check=true",
            f"--tcp-conn-check-port={TCP}",
            f"--udp-conn-check-port={UDP}",
            *plan.options,
        ],
        "env": environment,
        "readinessProbe": {"tcpSocket": {"port": TCP}, "periodSeconds": 1},
    }
    template = {
        "metadata": {
            "labels": made.labels(),
            "annotations": {"ovn.kubernetes.io/logical_switch": plan.argument},
        },
        "spec": {
            "serviceAccountName": plan.account,
            "terminationGracePeriodSeconds": 1,
            "securityContext": {"seccompProfile": {"type": "RuntimeDefault"}},
            "containers": [container],
        },
    }
    return {
        "apiVersion": "apps/v1",
        "kind": "DaemonSet",
        "metadata": {"name": made.name("server")},
        "spec": {"selector": {"matchLabels": made.labels()}, "template": template},
    }

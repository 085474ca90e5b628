"""``kubectl ko perf``: latency and throughput between two nodes, and how long the loss of a leader is felt.

It makes four pods and a Service and fills the network between two nodes, so it is planned first, told in plain words,
and run only when the person has agreed; killing leaders is asked for apart.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ko_tui.backend.cluster.pods import CENTRAL, CNI, is_ready
from ko_tui.backend.errors import ClusterError, KoError, UsageError
from ko_tui.backend.operations import perf_measure as tools
from ko_tui.backend.operations.created import Creation, need_write
from ko_tui.backend.operations.model import OnText
from ko_tui.backend.operations.perf_model import (
    PARTS,
    SECONDS,
    SIZES,
    OnSection,
    Part,
    PerfResult,
    PerfRow,
    PerfSection,
)
from ko_tui.backend.operations.perf_objects import CONTAINER, client_pod, server_pod, service
from ko_tui.backend.operations.perf_recovery import ROLES, check_whole, measure
from ko_tui.backend.operations.perf_rows import (
    LISTEN_LONGER,
    Group,
    host_group,
    multicast_row,
    unicast_row,
)
from ko_tui.backend.source.interface import Cancel, ExecCancelled, PodRef
from ko_tui.backend.source.kinds import NODES, PODS, SERVICES
from ko_tui.backend.source.objects import KubeObject

if TYPE_CHECKING:
    from ko_tui.backend.session import Session

IMAGE, TAG = "test", "v1.13.0"  # the image that kubectl-ko uses, beside Kube-OVN's own in its registry
READY_SECONDS = 300.0
POLL_SECONDS = 0.3
_IMAGE = re.compile(r"[A-Za-z0-9][A-Za-z0-9._:/@-]{0,254}")
_STUCK = {"ErrImagePull", "ImagePullBackOff", "InvalidImageName", "CreateContainerConfigError"}


class NotReady(ClusterError):
    """A pod that was made did not start."""

    title = "A test pod did not start"


@dataclass(frozen=True, slots=True)
class PerfPlan:
    """What will be made, measured and killed. ``target`` is what a person types to agree."""

    namespace: str
    image: str
    client: str
    server: str
    parts: tuple[Part, ...]
    sizes: tuple[int, ...]
    seconds: int
    kill_leaders: bool

    @property
    def target(self) -> str:
        return CENTRAL if self.kill_leaders else "perf"

    @property
    def total_seconds(self) -> int:
        """An estimate of the time that measuring takes, without starting pods and recovering."""
        row = 4 * self.seconds  # two latencies and two throughputs
        both = 2 * (self.seconds + LISTEN_LONGER)
        return len(self.sizes) * sum(both if part.endswith("multicast") else row for part in self.parts)

    @property
    def effect(self) -> str:
        """Plainly, line by line."""
        lines = []
        if self.parts:
            where = self.client if self.client == self.server else f"{self.client} and {self.server}"
            lines += [
                f"Creates 4 pods and 1 Service in {self.namespace}, on {where}, from the image {self.image};",
                "two of the pods are on the host network. All are removed at the end.",
                f"Sends as fast as it can from {self.client} to {self.server}, for {_duration(self.total_seconds)}: "
                f"{', '.join(PARTS[p] for p in self.parts)}.",
                "Other traffic of these nodes is slowed down meanwhile.",
            ]
            if any(p.endswith("multicast") for p in self.parts):
                lines.append(
                    "Multicast may reach every pod of the subnet, and every host of the nodes' network."
                )
        if self.kill_leaders:
            lines += [
                "KILLS LEADERS: deletes the ovn-central pods that lead the northbound database, the southbound",
                "database and ovn-northd, one after the other. Changes to the network wait until another leads.",
            ]
        else:
            lines.append("Kills no leader (--kill-leaders does).")
        return "\n".join(lines)


def _duration(seconds: int) -> str:
    return f"about {seconds / 60:.0f} min" if seconds >= 120 else f"about {seconds} s"


def plan_perf(
    session: Session,
    *,
    image: str = "",
    client: str = "",
    server: str = "",
    parts: Sequence[Part] = tuple(PARTS),
    sizes: Sequence[int] = SIZES,
    seconds: int = SECONDS,
    kill_leaders: bool = False,
) -> PerfPlan:
    """Check everything that can be checked before. Raises UsageError, LeadersStay or the source's errors."""
    if not all(1 <= size <= 65000 for size in sizes) or not 1 <= seconds <= 300:
        raise UsageError("Sizes are 1 to 65000 bytes, times 1 to 300 seconds.")
    if image and not _IMAGE.fullmatch(image):
        raise UsageError(f"{image!r} is not an image.")
    nodes = [n for n in session.source.list(NODES).items if _usable(n)]
    names = {n.name: n for n in nodes}
    for asked in filter(None, (client, server)):
        if asked not in names:
            raise UsageError(
                f"No node {asked!r} is ready.", f"Those that are: {', '.join(sorted(names)[:20])}."
            )
    if not names:
        raise UsageError("No node is ready.", "See kubectl get nodes.")
    # Workers first: what is measured there disturbs the control plane least.
    order = sorted(names, key=lambda n: ("node-role.kubernetes.io/control-plane" in names[n].labels, n))
    server = server or next((n for n in order if n != client), order[0])
    client = client or next((n for n in order if n != server), order[0])
    if kill_leaders:
        check_whole(session)
    return PerfPlan(
        session.namespace,
        image or _image(session),
        client,
        server,
        tuple(parts),
        tuple(sizes),
        seconds,
        kill_leaders,
    )


def _usable(node: KubeObject) -> bool:
    conditions = node.status.get("conditions") or []
    return any(c.get("type") == "Ready" and c.get("status") == "True" for c in conditions)


def _image(session: Session) -> str:
    """From the registry that this cluster's Kube-OVN came from: others may be out of its reach."""
    for pod in session.app_pods(CNI):
        for container in pod.spec.get("containers") or []:
            place, slash, _name = str(container.get("image", "")).rpartition("/")
            if slash:
                return f"{place}/{IMAGE}:{TAG}"
    return f"kubeovn/{IMAGE}:{TAG}"


def run_perf(
    session: Session,
    plan: PerfPlan,
    *,
    on_text: OnText,
    on_row: OnSection,
    cancel: Cancel,
    ready_seconds: float = READY_SECONDS,
) -> PerfResult:
    """Do what the plan says; a person has agreed. What was made is removed whatever happens.

    The result tells what ended it early, and what could not be removed.
    """
    need_write(session, "perf makes pods in the cluster" if plan.parts else "perf kills leaders")
    result = PerfResult(plan.image, plan.client, plan.server)
    if plan.parts:
        limit = ready_seconds + 2.0 * plan.total_seconds + 120
        made = Creation(session, "perf", seconds=limit, on_text=on_text)
        try:
            with made:
                _measure(session, plan, made, result, on_text, on_row, cancel, ready_seconds)
        except KoError as error:
            result.problem = f"{error.title}: {error.what}"
        result.left = made.left
    if plan.kill_leaders and not result.problem:
        for role in ROLES:
            try:
                found = measure(session, role, on_text=on_text, cancel=cancel)
            except KoError as error:
                result.problem = f"{error.title}: {error.what}"
                break
            result.recoveries.append(found)
            if found.problem:
                break
    return result


def _measure(
    session: Session,
    plan: PerfPlan,
    made: Creation,
    result: PerfResult,
    on_text: OnText,
    on_row: OnSection,
    cancel: Cancel,
    ready_seconds: float,
) -> None:
    pods: dict[str, str] = {}
    for host in (False, True):
        prefix = "host-" if host else ""
        server = server_pod(made, node=_hostname(session, plan.server), image=plan.image, host=host)
        pods[f"{prefix}server"] = made.create(PODS, server).name
        client = client_pod(made, node=_hostname(session, plan.client), image=plan.image, host=host)
        pods[f"{prefix}client"] = made.create(PODS, client).name
        if cancel.cancelled:
            raise ExecCancelled("It was cancelled.")
    address = str(made.create(SERVICES, service(made)).spec.get("clusterIP") or "")
    addresses = _wait_ready(session, list(pods.values()), on_text, cancel, ready_seconds)
    for part in plan.parts:
        prefix = "host-" if part.startswith("host") else ""
        source = PodRef(plan.namespace, pods[f"{prefix}client"], CONTAINER)
        listener = PodRef(plan.namespace, pods[f"{prefix}server"], CONTAINER)
        target = address if part == "service" else addresses[listener.name]
        section = PerfSection(
            part, f"{plan.client} {addresses[source.name]}", tools.GROUP if "multicast" in part else target
        )
        group = Group(source, listener)
        if part == "host-multicast":
            group = host_group(session, source, listener, addresses[source.name], addresses[listener.name])
        result.sections.append(section)
        on_text(f"{section.title}: {section.source} to {section.target} on {plan.server}")
        for size in plan.sizes:
            if section.multicast:
                row = multicast_row(session, group, size, plan.seconds, cancel)
            else:
                row = unicast_row(session, source, target, size, plan.seconds, cancel)
            section.rows.append(row)
            on_row(section, row)


def _hostname(session: Session, node: str) -> str:
    """The label that the scheduler goes by; some clouds have it differ from the node's name."""
    return session.source.get(NODES, "", node).labels.get("kubernetes.io/hostname") or node


def _wait_ready(
    session: Session, names: Sequence[str], on_text: OnText, cancel: Cancel, seconds: float
) -> dict[str, str]:
    """The pods' addresses, once all are ready. Raises NotReady with the reason, and ExecCancelled."""
    waited = 0.0
    told: set[str] = set()
    while True:
        pods = [session.source.get(PODS, session.namespace, name) for name in names]
        ready = {p.name: str(p.status.get("podIP") or "") for p in pods if is_ready(p)}
        for name in ready:
            if name not in told:
                told.add(name)
                on_text(f"{name} is ready at {ready[name]}")
        if len(ready) == len(names):
            return ready
        reasons = {p.name: _reason(p) for p in pods if p.name not in ready}
        stuck = [n for n, reason in reasons.items() if reason.split(":")[0] in _STUCK]
        if stuck or waited >= seconds or any(p.status.get("phase") == "Failed" for p in pods):
            said = "; ".join(f"{name}: {reason or 'not ready'}" for name, reason in reasons.items())
            raise NotReady(
                f"After {waited:.0f} s: {said}.", "Does the image exist, and may these nodes run such a pod?"
            )
        if cancel.wait(POLL_SECONDS):
            raise ExecCancelled("It was cancelled while the pods were starting.")
        waited += POLL_SECONDS


def _reason(pod: KubeObject) -> str:
    for status in pod.status.get("containerStatuses") or []:
        waiting = (status.get("state") or {}).get("waiting") or {}
        if waiting.get("reason"):
            return f"{waiting['reason']}: {waiting.get('message', '')}".rstrip(": ")
    for condition in pod.status.get("conditions") or []:
        if condition.get("status") != "True" and condition.get("message"):
            return f"{condition.get('reason', '')}: {condition['message']}"
    return str(pod.status.get("phase") or "")


__all__ = ["NotReady", "PerfPlan", "PerfRow", "plan_perf", "run_perf"]

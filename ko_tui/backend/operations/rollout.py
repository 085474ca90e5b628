"""Watching Kube-OVN's workloads come up after they were restarted (``kubectl rollout status``)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from ko_tui.backend.errors import ClusterError
from ko_tui.backend.source.interface import Cancel, ExecCancelled, Resource
from ko_tui.backend.source.kinds import DAEMONSETS, DEPLOYMENTS, STATEFULSETS
from ko_tui.backend.source.objects import KubeObject

if TYPE_CHECKING:
    from ko_tui.backend.operations.model import OnText
    from ko_tui.backend.session import Session

POLL_SECONDS = 1.0


class RolloutStuck(ClusterError):
    """A workload did not come up in time."""

    title = "A component did not come back"


@dataclass(frozen=True, slots=True)
class Rollout:
    """How far a workload is: pods of its newest form that are available, of those wanted."""

    name: str
    wanted: int
    updated: int
    available: int
    observed: bool

    @property
    def done(self) -> bool:
        return self.observed and self.updated >= self.wanted and self.available >= self.wanted

    def __str__(self) -> str:
        return f"{self.name}: {self.available} of {self.wanted} available, {self.updated} updated"


def rollout_of(workload: KubeObject, resource: Resource) -> Rollout:
    """Kubernetes API reference, DeploymentStatus and DaemonSetStatus."""
    status = workload.status
    observed = int(status.get("observedGeneration") or 0) >= workload.metadata.generation
    if resource == DAEMONSETS:
        return Rollout(
            workload.name,
            int(status.get("desiredNumberScheduled") or 0),
            int(status.get("updatedNumberScheduled") or 0),
            int(status.get("numberAvailable") or 0),
            observed,
        )
    wanted = workload.spec.get("replicas")
    return Rollout(
        workload.name,
        1 if wanted is None else int(wanted),
        int(status.get("updatedReplicas") or 0),
        int(status.get("availableReplicas") or 0),
        observed,
    )


def wait_for(
    session: Session,
    resource: Resource,
    name: str,
    *,
    seconds: float,
    on_text: OnText,
    cancel: Cancel,
    wanted: int | None = None,
) -> Rollout:
    """Wait until a workload is whole (``wanted`` replicas when given). Raises RolloutStuck or ExecCancelled."""
    waited, last = 0.0, ""
    while True:
        state = rollout_of(session.source.get(resource, session.namespace, name), resource)
        if str(state) != last:
            last = str(state)
            on_text(last)
        if state.done and (wanted is None or state.available == wanted):
            return state
        if waited >= seconds:
            raise RolloutStuck(
                f"{last} after {seconds:.0f} s.",
                f"See kubectl describe and the events of {name} in {session.namespace}.",
            )
        if cancel.wait(POLL_SECONDS):
            raise ExecCancelled("The waiting was cancelled; the restart itself goes on in the cluster.")
        waited += POLL_SECONDS


def find_workload(session: Session, name: str) -> tuple[Resource, KubeObject] | None:
    """A Deployment, DaemonSet or StatefulSet of Kube-OVN by name; None when there is none."""
    from ko_tui.backend.source.interface import NotFound

    for resource in (DEPLOYMENTS, DAEMONSETS, STATEFULSETS):
        try:
            return resource, session.source.get(resource, session.namespace, name)
        except NotFound:
            continue
    return None

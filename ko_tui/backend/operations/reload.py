"""``kubectl ko reload``: restart Kube-OVN component by component, and stop at the first that does not come back."""

from __future__ import annotations

import datetime
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from ko_tui.backend.cluster.leader import SCHEMA, Database
from ko_tui.backend.cluster.pods import CENTRAL, NoSuchPart
from ko_tui.backend.errors import KoError
from ko_tui.backend.operations.model import OnText
from ko_tui.backend.operations.rollout import POLL_SECONDS, RolloutStuck, find_workload, wait_for
from ko_tui.backend.source.interface import Cancel, ExecCancelled
from ko_tui.backend.source.kinds import PODS

if TYPE_CHECKING:
    from ko_tui.backend.session import Session

# In the order of kubectl-ko: databases first, then what reads them.
COMPONENTS: tuple[tuple[str, Literal["delete", "restart"]], ...] = (
    ("ovn-central", "delete"),
    ("ovs-ovn", "restart"),
    ("kube-ovn-controller", "delete"),
    ("kube-ovn-cni", "delete"),
    ("kube-ovn-pinger", "delete"),
    ("kube-ovn-monitor", "delete"),
)
SECONDS = 300.0
DATABASES: tuple[Database, ...] = ("nb", "sb")


@dataclass(frozen=True, slots=True)
class ReloadStep:
    """``state`` is done, absent (this cluster does not have it), failed or not reached."""

    component: str
    state: Literal["done", "absent", "failed", "not reached"]
    detail: str = ""


def plan_text() -> str:
    """What a reload does, in words, for the question that is asked before."""
    parts = [f"{'delete the pods of' if how == 'delete' else 'restart'} {name}" for name, how in COMPONENTS]
    return "Restart Kube-OVN: " + "; ".join(parts) + ". Running connections survive; new ones may wait."


def reload(
    session: Session, *, on_text: OnText, cancel: Cancel, seconds: float = SECONDS
) -> list[ReloadStep]:
    """Restart everything; the steps tell what was done. Needs a session that may write."""
    steps: list[ReloadStep] = []
    for component, how in COMPONENTS:
        if steps and steps[-1].state in ("failed", "not reached"):
            steps.append(ReloadStep(component, "not reached"))
            continue
        try:
            steps.append(_one(session, component, how, on_text, cancel, seconds))
        except KoError as error:
            on_text(f"{component}: {error.what}")
            steps.append(ReloadStep(component, "failed", f"{error.what} {error.next_step}".strip()))
    return steps


def _one(
    session: Session, component: str, how: str, on_text: OnText, cancel: Cancel, seconds: float
) -> ReloadStep:
    found = find_workload(session, component)
    if found is None:
        return ReloadStep(component, "absent", "this cluster does not have it")
    resource, workload = found
    namespace = session.namespace
    on_text(f"{component}: {how}")
    if how == "delete":
        labels = (workload.spec.get("selector") or {}).get("matchLabels") or {"app": component}
        selector = ",".join(f"{k}={v}" for k, v in labels.items())
        old = session.source.list(PODS, namespace=namespace, label_selector=selector).items
        for pod in old:
            session.source.delete(PODS, namespace, pod.name)
        _wait_gone(session, selector, {p.metadata.uid for p in old}, cancel, seconds)
    else:
        now = datetime.datetime.now(datetime.UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
        mark = {"kubectl.kubernetes.io/restartedAt": now}
        body = {"spec": {"template": {"metadata": {"annotations": mark}}}}
        session.source.patch(resource, namespace, component, body)
    session.answers.forget()
    state = wait_for(session, resource, component, seconds=seconds, on_text=on_text, cancel=cancel)
    if component == CENTRAL:
        on_text("ovn-central: waiting for a leader of both databases")
        _wait_leaders(session, cancel, seconds)
    return ReloadStep(component, "done", str(state).removeprefix(f"{component}: "))


def _wait_leaders(session: Session, cancel: Cancel, seconds: float) -> None:
    """Pods that have just started serve nothing for a moment, and have to elect first."""
    waited = 0.0
    for database in DATABASES:
        while True:
            try:
                leader = session.leader(database)
            except NoSuchPart as error:
                why = error.what
            else:
                if leader.certain:
                    break
                why = leader.why
            session.answers.forget(("leader", database), ("pods", (CENTRAL,)))
            if waited >= seconds:
                raise RolloutStuck(
                    f"No leader of {SCHEMA[database]} after {seconds:.0f} s: {why}",
                    "See ko-tui status for all members, and the ovn-central logs.",
                )
            if cancel.wait(POLL_SECONDS):
                raise ExecCancelled("The waiting was cancelled; the pods are being replaced in the cluster.")
            waited += POLL_SECONDS


def _wait_gone(session: Session, selector: str, uids: set[str], cancel: Cancel, seconds: float) -> None:
    """Wait until the deleted pods are gone: until then their workload still counts them as available."""
    waited = 0.0
    while True:
        pods = session.source.list(PODS, namespace=session.namespace, label_selector=selector).items
        left = [p.name for p in pods if p.metadata.uid in uids]
        if not left:
            return
        if waited >= seconds:
            raise RolloutStuck(
                f"{', '.join(left)} did not end within {seconds:.0f} s.", "See kubectl describe pod."
            )
        if cancel.wait(POLL_SECONDS):
            raise ExecCancelled("The waiting was cancelled; the pods are being replaced in the cluster.")
        waited += POLL_SECONDS

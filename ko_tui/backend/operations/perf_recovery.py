"""How long a leader's loss is felt: its pod is deleted, and the clock runs until another serves.

kubectl-ko times only until the Deployment counts its pods again, which may be true before anything was noticed; here
it is asked who leads, and the next leader is not killed before every member is well again.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Literal

from ko_tui.backend.cluster.leader import Database
from ko_tui.backend.cluster.pods import CENTRAL, is_ready, ref
from ko_tui.backend.errors import ClusterError, KoError
from ko_tui.backend.operations.fanout import ask_all
from ko_tui.backend.operations.members import ask_members
from ko_tui.backend.operations.model import OnText
from ko_tui.backend.operations.perf_model import Recovery
from ko_tui.backend.operations.rollout import find_workload, rollout_of
from ko_tui.backend.ovn.northd import parse_northd
from ko_tui.backend.source.interface import Cancel, ExecCancelled
from ko_tui.backend.source.kinds import PODS
from ko_tui.backend.source.objects import KubeObject

if TYPE_CHECKING:
    from ko_tui.backend.session import Session

Role = Literal["nb", "sb", "northd"]
ROLES: dict[Role, str] = {
    "nb": "leads the northbound database",
    "sb": "leads the southbound database",
    "northd": "has the active ovn-northd",
}
SECONDS = 180.0
SETTLE_SECONDS = 30.0
POLL_SECONDS = 0.2
NORTHD = ("ovn-appctl", "-T", "5", "-t", "ovn-northd", "status")


class LeadersStay(ClusterError):
    """Killing a leader now could do harm that does not pass by itself."""

    title = "No leader is killed"
    exit_code = 2


def check_whole(session: Session) -> None:
    """Raises LeadersStay unless every member of ovn-central is well."""
    pods = session.app_pods(CENTRAL, max_age=0.0)
    if not pods:
        raise LeadersStay("There is no ovn-central pod in this cluster.")
    ill = [f"{p.name} is not ready" for p in pods if not is_ready(p)]
    databases: tuple[Database, ...] = ("nb", "sb")
    for database in databases:
        for member in ask_members(session, database):
            status = member.status
            if member.problem:
                ill.append(f"{member.pod}: {member.problem}")
            elif status.kind == "clustered" and status.status != "cluster member":
                ill.append(f"{member.pod}: {database} is {status.status}")
            elif status.kind == "clustered" and len(status.servers) != len(pods):
                ill.append(f"{member.pod}: {database} has {len(status.servers)} servers, not {len(pods)}")
    if ill:
        raise LeadersStay(
            f"Not every member of ovn-central is well: {'; '.join(sorted(set(ill))[:4])}.",
            "With a member down, killing a leader may cost the quorum; see ko-tui status.",
        )


def find(session: Session, role: Role) -> KubeObject | None:
    """The pod that leads, by its own word; None when none does."""
    pods = [p for p in session.app_pods(CENTRAL, max_age=0.0) if is_ready(p)]
    if role == "northd":
        for pod, run in ask_all(pods, lambda p: session.run(ref(p), NORTHD, timeout=8)):
            if not isinstance(run, KoError) and parse_northd(run.stdout, run.stderr).state == "active":
                return pod
        return None
    session.answers.forget(("leader", role))
    leader = session.leader(role)
    return next((p for p in pods if leader.certain and p.name == leader.pod.name), None)


def measure(
    session: Session, role: Role, *, on_text: OnText, cancel: Cancel, seconds: float = SECONDS
) -> Recovery:
    """Kill the leader and time what follows. Raises LeadersStay before, ExecCancelled while waiting."""
    check_whole(session)
    old = _settled(session, role, cancel)
    if old is None:
        raise LeadersStay(f"No pod says that it {ROLES[role]}.", "See ko-tui status.")
    uid = old.metadata.uid
    on_text(f"deleting {old.name}, which {ROLES[role]}")
    began = time.monotonic()
    session.source.delete(PODS, session.namespace, old.name)
    session.answers.forget()
    successor = ""
    serving: float | None = None
    whole: float | None = None

    def led() -> bool:
        nonlocal successor
        found = find(session, role)
        if found is None or found.metadata.uid == uid:
            return False
        successor = found.name
        return True

    def complete() -> bool:
        pods = session.app_pods(CENTRAL, max_age=0.0)
        workload = find_workload(session, CENTRAL)
        if workload is None or any(p.metadata.uid == uid for p in pods):
            return False
        state = rollout_of(workload[1], workload[0])
        if not state.done or sum(is_ready(p) for p in pods) < state.wanted:
            return False
        try:
            check_whole(session)
        except LeadersStay:
            return False
        return True

    serving = _clock(led, began, seconds, cancel)
    if serving is None:
        problem = f"no other took its place within {seconds:.0f} s"
        return Recovery(role, old.name, problem=problem)
    on_text(f"{successor} {ROLES[role]} after {serving:.1f} s")
    whole = _clock(complete, began, seconds, cancel)
    problem = "" if whole is not None else f"ovn-central was not whole again within {seconds:.0f} s"
    if whole is not None:
        on_text(f"ovn-central is whole again after {whole:.1f} s")
    return Recovery(role, old.name, successor, serving, whole, problem)


def _settled(session: Session, role: Role, cancel: Cancel) -> KubeObject | None:
    """The pod that leads; waited for, since ovn-northd is active again only some time after the database is."""
    found: list[KubeObject] = []

    def led() -> bool:
        found.extend(pod for pod in (find(session, role),) if pod is not None)
        return bool(found)

    _clock(led, time.monotonic(), SETTLE_SECONDS, cancel)
    return found[0] if found else None


def _clock(reached: Callable[[], bool], began: float, seconds: float, cancel: Cancel) -> float | None:
    """Seconds since ``began`` when it is reached, None when it is not in time; what does not answer is not there."""
    while True:
        try:
            if reached():
                return round(time.monotonic() - began, 2)
        except KoError as error:
            if isinstance(error, ExecCancelled):
                raise
        if time.monotonic() - began > seconds:
            return None
        if cancel.wait(POLL_SECONDS):
            raise ExecCancelled("It was cancelled; a pod that was deleted is replaced in the cluster.")

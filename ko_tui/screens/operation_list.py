"""The operations that can be started from the screen: what each does, what it needs, and how it is run."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from ko_tui.backend.operations.model import Check, Report
    from ko_tui.backend.operations.restore_plan import RestorePlan
    from ko_tui.backend.session import Session
    from ko_tui.backend.source.interface import Cancel

Needs = Literal["", "node", "subnet", "targets", "file", "member", "image"]


@dataclass(frozen=True, slots=True)
class Telling:
    """Where an operation says how it goes: checks as they come, and words."""

    checks: Callable[[list[Check]], None]
    words: Callable[[str], None]


Runner = Callable[["Session", "Cancel", str, Telling], "Report | str"]


@dataclass(frozen=True, slots=True)
class Proposal:
    """A change that was checked and can be made: its effect in words, what must be typed, and how it is made."""

    effect: str
    target: str
    run: Runner


Proposer = Callable[["Session", str], Proposal]


@dataclass(frozen=True, slots=True)
class Operation:
    """``needs`` is what has to be named. One that only looks has ``run``; one that changes the cluster has ``propose``:
    it needs --allow-write, and is made only after its target was typed."""

    name: str
    summary: str
    run: Runner | None = None
    needs: Needs = ""
    hint: str = ""
    propose: Proposer | None = None


def _diagnose(scope: str) -> Runner:
    def run(session: Session, cancel: Cancel, argument: str, tell: Telling) -> Report | str:
        from ko_tui.backend.operations.diagnose import diagnose

        probes = session.options.mode != "strict"
        return diagnose(session, scope, argument, probes=probes, on_checks=tell.checks, cancel=cancel)  # type: ignore[arg-type]

    return run


def _environment(session: Session, cancel: Cancel, _argument: str, tell: Telling) -> Report | str:
    from ko_tui.backend.operations.env_check import env_check

    return env_check(session, on_checks=tell.checks, cancel=cancel)


def _tuning(session: Session, cancel: Cancel, _argument: str, tell: Telling) -> Report | str:
    from ko_tui.backend.operations.tuning import tuning_check

    return tuning_check(session, on_checks=tell.checks, cancel=cancel)


def _logs(session: Session, cancel: Cancel, argument: str, tell: Telling) -> Report | str:
    from ko_tui.backend.operations.logs import collect

    done = collect(session, "all", Path(argument).expanduser(), on_text=tell.words, cancel=cancel)
    failed = "".join(f"not had: {words}\n" for words in done.failed)
    # Last, where the eye is: what came of it all, and where it is whatever the directory was.
    return f"{failed}{done.files} files, {done.size / 1e6:.1f} MB, in {done.path.absolute()}"


def _backup(database: Literal["nb", "sb"]) -> Runner:
    def run(session: Session, cancel: Cancel, argument: str, tell: Telling) -> Report | str:
        from ko_tui.backend.operations.backup import backup, default_path

        path = Path(argument).expanduser() if argument else default_path(database)
        done = backup(session, database, path, cancel=cancel)
        doubt = "" if done.certain else f"\nFrom a follower, so perhaps out of date: {done.why}"
        rows = sum(done.rows.values())
        return f"{done.path.absolute()}: {done.size:,} bytes, {rows:,} rows, verified; sha256 {done.sha256}{doubt}"

    return run


def _reload(_session: Session, _argument: str) -> Proposal:
    from ko_tui.backend.operations.reload import plan_text, reload

    def run(session: Session, cancel: Cancel, _argument: str, tell: Telling) -> Report | str:
        steps = reload(session, on_text=tell.words, cancel=cancel)
        return "\n".join(f"{step.state:<12} {step.component} {step.detail}".rstrip() for step in steps)

    return Proposal(plan_text(), "kube-ovn", run)


def _kick(database: Literal["nb", "sb"]) -> Proposer:
    def propose(session: Session, argument: str) -> Proposal:
        from ko_tui.backend.operations.members import REMOVED, kick, outcome, plan_kick

        plan = plan_kick(session, database, argument)

        def run(session: Session, cancel: Cancel, _argument: str, tell: Telling) -> Report | str:
            tell.words(f"The leader is asked to remove server {plan.nick} ({plan.address}) ...")
            members = kick(session, plan)
            said = [outcome(plan, members)]
            for m in members:
                said.append(f"{m.pod}: {m.problem or m.status.role or m.status.kind}")
                if m.problem == REMOVED:
                    said.append(f"  Remove its database file in {m.pod} and delete the pod: it joins anew.")
            return "\n".join(said)

        return Proposal(plan.effect, plan.nick, run)

    return propose


def _restore(session: Session, argument: str) -> Proposal:
    """A new restore; or, when one is under way, the rest of it."""
    from ko_tui.backend.operations.restore_plan import plan_restore, resume_plan, under_way

    file = Path(argument).expanduser() if argument else None
    return _restoring(resume_plan(session) if under_way(session) else plan_restore(session, file))


def _undo_restore(session: Session, _argument: str) -> Proposal:
    from ko_tui.backend.operations.restore_plan import resume_plan

    return _restoring(resume_plan(session, undo=True))


def _restoring(plan: RestorePlan) -> Proposal:
    def run(session: Session, cancel: Cancel, _argument: str, tell: Telling) -> Report | str:
        from ko_tui.backend.operations.restore_run import carry_out

        return carry_out(session, plan, on_text=tell.words, cancel=cancel)

    return Proposal(plan.effect, plan.target, run)


def _perf(*, kill_leaders: bool) -> Proposer:
    def propose(session: Session, argument: str) -> Proposal:
        from ko_tui.screens.created_operations import propose_perf

        return propose_perf(session, argument, kill_leaders=kill_leaders)

    return propose


def _probe(scope: Literal["all", "node", "subnet"]) -> Proposer:
    def propose(session: Session, argument: str) -> Proposal:
        from ko_tui.screens.created_operations import propose_probe

        return propose_probe(session, scope, argument)

    return propose


def _cleanup(session: Session, _argument: str) -> Proposal:
    from ko_tui.screens.created_operations import propose_cleanup

    return propose_cleanup(session)


OPERATIONS: tuple[Operation, ...] = (
    Operation("diagnose", "Check everything Kube-OVN needs, a result each", _diagnose("all")),
    Operation("diagnose node", "The same for one node", _diagnose("node"), "node", "a node"),
    Operation("diagnose subnet", "A subnet: do its objects fit", _diagnose("subnet"), "subnet", "a subnet"),
    Operation(
        "diagnose IPPorts", "Can the nodes reach these addresses", _diagnose("IPPorts"), "targets",
        "tcp-10.96.0.1-443,udp-10.96.0.10-53",
    ),
    Operation("probe", "diagnose, with a NodePort Service made for it and removed", propose=_probe("all")),
    Operation("probe node", "The same for one node", None, "node", "a node", _probe("node")),
    Operation(
        "probe subnet", "diagnose subnet, with a server in it on each node, made and removed", None, "subnet",
        "a subnet", _probe("subnet"),
    ),
    Operation("env-check", "Settings of every node that are known to make trouble", _environment),
    Operation("tuning", "Performance settings of every node", _tuning),
    Operation("logs", "Collect the logs of every node into one archive", _logs, "file", "ko-logs.tar.gz"),
    Operation("backup nb", "Northbound database into a file, verified", _backup("nb"), "file", "empty: its own name"),
    Operation("backup sb", "Southbound database into a file, verified", _backup("sb"), "file", "empty: its own name"),
    Operation(
        "kick nb", "Remove a dead member of the northbound database", None, "member", "its server ID (4 digits)",
        _kick("nb"),
    ),
    Operation(
        "kick sb", "Remove a dead member of the southbound database", None, "member", "its server ID (4 digits)",
        _kick("sb"),
    ),
    Operation(
        "restore nb", "Northbound raft anew from a backup or a member; goes on with one that stopped", None, "file",
        "empty: from the member that knows most", _restore,
    ),
    Operation("restore undo", "Put back what a restore that stopped has set aside", propose=_undo_restore),
    Operation(
        "perf", "Latency and throughput between two nodes; makes pods and fills the network", None, "image",
        "empty: the image of kubectl ko", _perf(kill_leaders=False),
    ),
    Operation(
        "perf leaders", "KILLS the pods that lead, and times the recovery", propose=_perf(kill_leaders=True)
    ),
    Operation("cleanup", "Remove what killed runs of ko-tui have left in the cluster", propose=_cleanup),
    Operation("reload", "Restart Kube-OVN component by component, waiting for each", propose=_reload),
)  # fmt: skip

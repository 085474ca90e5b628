"""Which ovn-central pod leads a database: the label's word, checked against the server itself.

Kube-OVN's leader checker writes the labels every five seconds, so they may be stale, doubled or left on a dead
pod just when it matters. The server's own ``cluster/status`` (ovsdb-server(1)) decides.
"""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Sequence
from concurrent.futures import FIRST_COMPLETED, Executor, wait
from dataclasses import dataclass
from typing import Literal

from ko_tui.backend.cluster.pods import NoSuchPart, is_ready, ref
from ko_tui.backend.command.run import CommandRun
from ko_tui.backend.errors import KoError, PolicyRefusal
from ko_tui.backend.source.interface import Forbidden, NotAuthorised, PodRef
from ko_tui.backend.source.objects import KubeObject

Database = Literal["nb", "sb"]
SCHEMA = {"nb": "OVN_Northbound", "sb": "OVN_Southbound"}
GRACE_S = 2.0
Run = Callable[[PodRef, Sequence[str]], CommandRun]


@dataclass(frozen=True, slots=True)
class Leader:
    """Who answers for a database.

    ``certain`` is False when no server says that it leads; then ``pod`` is a follower whose data may be stale
    and tools must be run with ``--no-leader-only``. ``cut_off``: that follower has lost its cluster, and then OVN's own
    tools take no answer from it at all (lib/ovsdb-cs.c); ovsdb-client still does. ``why`` is a sentence for the person.
    """

    pod: PodRef
    certain: bool
    why: str
    asked: tuple[CommandRun, ...] = ()
    cut_off: bool = False


def role_command(database: Database) -> tuple[str, ...]:
    """The question for a member's role; works on a member without quorum too."""
    return (
        "ovn-appctl",
        "-T",
        "5",
        "-t",
        f"/var/run/ovn/ovn{database}_db.ctl",
        "cluster/status",
        SCHEMA[database],
    )


def role_of(run: CommandRun) -> str:
    """leader, follower, candidate; standalone for a database without raft; "" when it did not answer.

    unknown: the server knows raft, but no cluster of this database. A member that was removed closes its database
    and says so; a standalone database beside a clustered one in the same server would say it too.
    """
    found = re.search(r"^Role: (\w+)", run.stdout, re.MULTILINE)
    if found:
        return found[1]
    if "unknown cluster" in run.stderr:
        return "unknown"
    if "not a valid command" in run.stderr:
        return "standalone"
    return ""


def is_cut_off(run: CommandRun) -> bool:
    """Whether a server says that it has lost its cluster (ovsdb(7), "Understanding Cluster Consistency")."""
    return re.search(r"^Status: disconnected", run.stdout, re.MULTILINE) is not None


def find_leader(database: Database, central: Sequence[KubeObject], run: Run, pool: Executor) -> Leader:
    """Ask the labelled pod; when it does not lead after all, ask every ready ovn-central pod at once.

    Kube-OVN calls a pod whose members are cut off, or whose northd has ended, not ready (ovn-healthcheck.sh); it may
    lead, or be all that is left. So those that are not ready but run are asked when the ready ones leave it open.
    Raises NoSuchPart when no ovn-central pod runs or none of them answers.
    """
    ready = [p for p in central if is_ready(p)]
    unready = [p for p in central if not is_ready(p) and _runs(p)]
    if not ready and not unready:
        states = ", ".join(f"{p.name} {p.status.get('phase', '?')}" for p in central) or "none exists"
        raise NoSuchPart(
            f"No ovn-central pod is ready ({states}).",
            "Without ovn-central the databases cannot be asked; see its pods' events and logs first.",
        )
    label = f"ovn-{database}-leader"
    labelled = [p for p in ready if p.labels.get(label) == "true"]
    asked: list[CommandRun] = []
    failed: list[KoError] = []
    if len(labelled) == 1:
        answer = _ask(database, labelled[0], run, failed)
        if answer:
            asked.append(answer)
            role = role_of(answer)
            if role in ("leader", "standalone"):
                said = (
                    "leads by its label and by its own word"
                    if role == "leader"
                    else "is a standalone database"
                )
                return Leader(ref(labelled[0]), True, f"{labelled[0].name} {said}.", tuple(asked))
    rest = [p for p in ready if not (asked and labelled and p.name == labelled[0].name)]
    answers = _ask_each(database, rest, run, failed, pool)
    if unready and _left_open([*asked, *(a for _, a in answers if a)]):
        answers += _ask_each(database, unready, run, failed, pool)
    asked += [a for _, a in answers if a]
    note = _label_note(label, central, labelled)
    for pod, answer in answers:
        if answer and role_of(answer) in ("leader", "standalone"):
            state = "" if is_ready(pod) else ", though its pod is not ready"
            return Leader(ref(pod), True, f"{pod.name} leads by its own word{state}; {note}.", tuple(asked))
    alive = [(p, a) for p, a in answers if a and role_of(a)] or [
        (p, a) for p, a in zip(labelled, asked, strict=False) if role_of(a)
    ]
    if alive:
        pod, answer = min(alive, key=lambda each: (role_of(each[1]) == "unknown", is_cut_off(each[1])))
        cut_off = is_cut_off(answer)
        role = role_of(answer) + (", cut off from its cluster" if cut_off else "")
        return Leader(
            ref(pod),
            False,
            f"No server of {SCHEMA[database]} says that it leads; {pod.name} ({role}) was asked, "
            "so what it says may be out of date.",
            tuple(asked),
            cut_off,
        )
    refused = [error for error in failed if isinstance(error, (Forbidden, NotAuthorised, PolicyRefusal))]
    if refused:
        raise refused[0]
    because = f" ({failed[0].title}: {failed[0].what})" if failed else ""
    raise NoSuchPart(
        f"None of the {len(ready) + len(unready)} running ovn-central pods answered for {SCHEMA[database]}{because}.",
        "See ko-tui status for all members, and the ovn-central logs.",
    )


def _runs(pod: KubeObject) -> bool:
    return not pod.metadata.deletion_timestamp and pod.status.get("phase") == "Running"


def _left_open(answers: Sequence[CommandRun]) -> bool:
    """No ready pod answered, or those that did follow somebody who is not among them."""
    if any(role_of(a) in ("leader", "standalone") for a in answers):
        return False
    alive = [a for a in answers if role_of(a)]
    return not alive or any(re.search(r"^Leader: (?!unknown)", a.stdout, re.MULTILINE) for a in alive)


def _ask_each(
    database: Database, pods: Sequence[KubeObject], run: Run, failed: list[KoError], pool: Executor
) -> list[tuple[KubeObject, CommandRun | None]]:
    """The answers of these pods, no longer waited for once one leads; nor, but for a moment, once one says that it
    is cut off: then the nodes of the others may well be lost, and would only be waited for in vain."""
    flights = {pool.submit(_ask, database, pod, run, failed): pod for pod in pods}
    waiting = set(flights)
    answers: list[tuple[KubeObject, CommandRun | None]] = []
    ends: float | None = None
    while waiting:
        left = None if ends is None else max(0.0, ends - time.monotonic())
        done, waiting = wait(waiting, left, FIRST_COMPLETED)
        if not done:
            break
        for flight in done:
            answer = flight.result()
            answers.append((flights[flight], answer))
            if answer and role_of(answer) in ("leader", "standalone"):
                return answers
            if answer and is_cut_off(answer) and ends is None:
                ends = time.monotonic() + GRACE_S
    return answers


def _ask(database: Database, pod: KubeObject, run: Run, failed: list[KoError]) -> CommandRun | None:
    try:
        return run(ref(pod), role_command(database))
    except KoError as error:
        failed.append(error)
        return None


def _label_note(label: str, central: Sequence[KubeObject], labelled: Sequence[KubeObject]) -> str:
    marked = [p.name for p in central if p.labels.get(label) == "true"]
    if not marked:
        return f"no pod carries the label {label}"
    if len(marked) > 1:
        return f"the label {label} is on {len(marked)} pods"
    if not labelled:
        return f"the label {label} is on {marked[0]}, which is not ready"
    return f"the label {label} on {marked[0]} is stale"

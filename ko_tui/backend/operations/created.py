"""Objects that ko-tui puts into a cluster for a while: labelled, noted on disk before they are made, always removed.

``with Creation(session, "perf") as made`` removes at the end whatever happened inside. A run that was killed is found
by its journal on this machine, or by the label in the cluster, and removed by :func:`remove`.
"""

from __future__ import annotations

import getpass
import secrets
import socket
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from types import TracebackType
from typing import TYPE_CHECKING, Any

from ko_tui.backend.errors import KoError, PolicyRefusal, UsageError
from ko_tui.backend.operations.created_journal import RunJournal, Thing, discard, held, read_all, save
from ko_tui.backend.operations.model import OnText, quiet
from ko_tui.backend.source.interface import ApiUnavailable, Forbidden, JsonObject, NotFound, Resource
from ko_tui.backend.source.kinds import DAEMONSETS, PODS, SERVICES
from ko_tui.backend.source.objects import KubeObject

if TYPE_CHECKING:
    from ko_tui.backend.session import Session

MANAGED = "app.kubernetes.io/managed-by"
NAME = "ko-tui"
RUN_LABEL, OPERATION_LABEL = "ko-tui/run", "ko-tui/operation"
OWNER_NOTE, UNTIL_NOTE = "ko-tui/owner", "ko-tui/until"
KINDS = (PODS, SERVICES, DAEMONSETS)
GONE_SECONDS = 60.0
RETRY_SECONDS = 30.0
DOUBT_SECONDS = 2.0  # how long a creation whose answer was lost may still take effect
POLL_SECONDS = 0.2
FORMAT = "%Y-%m-%dT%H:%M:%SZ"


@dataclass(frozen=True, slots=True)
class Leftover:
    """What a run has left. ``here``: its journal is on this machine, and its process is gone.

    ``busy`` when it may be under way on another machine (``owner``), because its time is not over.
    """

    run: str
    operation: str
    started: str
    owner: str
    things: tuple[Thing, ...]
    here: bool
    busy: bool
    journal: RunJournal | None = None

    def to_json(self) -> dict[str, Any]:
        return {
            "run": self.run,
            "operation": self.operation,
            "started": self.started,
            "owner": self.owner,
            "here": self.here,
            "busy": self.busy,
            "things": [
                {"kind": thing.plural, "namespace": thing.namespace, "name": thing.name}
                for thing in self.things
            ],
        }

    def __str__(self) -> str:
        count = f"{len(self.things)} object{'' if len(self.things) == 1 else 's'}"
        when = f" of {self.started}" if self.started else ""
        note = f"; {self.owner} may still be at it" if self.busy else ""
        return f"{self.operation}{when}: {count} ({', '.join(t.name for t in self.things)}){note}"


def need_write(session: Session, what: str) -> None:
    """Raises PolicyRefusal unless the session may write, and UsageError on a saved cluster."""
    if session.options.mode != "allow-write":
        raise PolicyRefusal(f"{what}, and ko-tui is read-only.", "Start it with --allow-write.")
    if "write" not in session.source.capabilities:
        raise UsageError(f"{what}, and this is a saved one.", "Name a live cluster with --context.")


class Creation:
    """A run that makes objects in Kube-OVN's namespace. ``left`` says, at the end, what could not be removed.

    ``seconds`` is how long the run takes at most: until then others take it to be under way.
    """

    def __init__(
        self, session: Session, operation: str, *, seconds: float = 3600.0, on_text: OnText = quiet
    ) -> None:
        need_write(session, f"{operation} makes objects in the cluster")
        self.session = session
        self.operation = operation
        self.run = secrets.token_hex(4)
        self.left: list[str] = []
        self._on_text = on_text
        self._until = time.strftime(FORMAT, time.gmtime(time.time() + seconds))
        self._journal = RunJournal(
            self.run,
            operation,
            session.info.label,
            session.info.server,
            session.namespace,
            time.strftime(FORMAT, time.gmtime()),
        )
        self._doubtful: set[Thing] = set()
        self._held = held(self._journal)

    def __enter__(self) -> Creation:
        self._held.__enter__()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        try:
            if self._journal.things:
                self._on_text("removing what was made")
            self.left = remove_things(
                self.session, self.run, self._journal.things, doubtful=self._doubtful, on_text=self._on_text
            )
            if not self.left:
                discard(self._journal)
        finally:
            self._held.__exit__(None, None, None)

    def name(self, word: str) -> str:
        """A name that no other run has, and that fits where 63 characters are allowed."""
        return f"ko-tui-{word[:40].rstrip('-.')}-{self.run}"

    def labels(self) -> dict[str, str]:
        """What everything carries that this run makes, pods of a DaemonSet too."""
        return {MANAGED: NAME, RUN_LABEL: self.run, OPERATION_LABEL: self.operation}

    def create(self, resource: Resource, body: JsonObject) -> KubeObject:
        """Note it, then make it. Raises the typed errors of the source; then too it is removed at the end."""
        metadata = body["metadata"]
        thing = Thing(
            resource.group, resource.version, resource.plural, self._journal.namespace, metadata["name"]
        )
        metadata["namespace"] = thing.namespace
        metadata["labels"] = {**metadata.get("labels", {}), **self.labels()}
        owner = f"{_user()}@{socket.gethostname()}"
        notes = {OWNER_NOTE: owner, UNTIL_NOTE: self._until}
        metadata["annotations"] = {**metadata.get("annotations", {}), **notes}
        self._journal.things.append(thing)
        save(self._journal)
        self._on_text(f"creating {thing}")
        try:
            return self.session.source.create(resource, thing.namespace, body)
        except ApiUnavailable:
            self._doubtful.add(thing)  # it may have been made all the same, or be made any moment
            raise


def _user() -> str:
    try:
        return getpass.getuser()
    except (OSError, KeyError):
        return "unknown"


def remove_things(
    session: Session,
    run: str,
    things: Sequence[Thing],
    *,
    doubtful: set[Thing] | None = None,
    on_text: OnText = quiet,
    gone_seconds: float = GONE_SECONDS,
) -> list[str]:
    """Delete and wait until all is gone; gives what could not be removed, with the reason.

    Only what carries the run's label is touched. An API server that is away is asked again for a while.
    """
    left: list[str] = []
    doubtful = doubtful or set()
    asked = list(reversed(things))
    deadline = time.monotonic() + gone_seconds
    doubt = time.monotonic() + DOUBT_SECONDS
    while asked:
        still = []
        for thing in asked:
            try:
                there = _patiently(partial(_delete, session, run, thing), on_text)
            except KoError as error:
                left.append(f"{thing}: {error.title}: {error.what}")
                continue
            if there or (thing in doubtful and time.monotonic() < doubt):
                still.append(thing)
        asked = still
        if asked and time.monotonic() > deadline:
            left += [f"{thing}: deleted, and still there after {gone_seconds:.0f} s" for thing in asked]
            break
        if asked:
            time.sleep(POLL_SECONDS)
    return left


def _delete(session: Session, run: str, thing: Thing) -> bool:
    """Ask for its deletion when it is there and ours; True while it, or a pod that it made, is there."""
    source = session.source
    try:
        found = source.get(thing.resource, thing.namespace, thing.name)
        if found.labels.get(RUN_LABEL) != run:
            return False
        if not found.metadata.deletion_timestamp:
            source.delete(thing.resource, thing.namespace, thing.name)
    except NotFound:
        if thing.resource != DAEMONSETS:
            return False
        selector = f"{RUN_LABEL}={run}"
        return bool(source.list(PODS, namespace=thing.namespace, label_selector=selector).items)
    return True


def _patiently(ask: Callable[[], bool], on_text: OnText) -> bool:
    deadline = time.monotonic() + RETRY_SECONDS
    told = False
    while True:
        try:
            return ask()
        except ApiUnavailable:
            if time.monotonic() > deadline:
                raise
            if not told:
                on_text("the API server is away; trying again to remove what was made")
                told = True
            time.sleep(1.0)


def find_leftovers(session: Session) -> list[Leftover]:
    """What killed runs have left in this cluster: by the journals here, and by the label there.

    A journal of which nothing is there any more is discarded. Raises the source's errors, except that a kind that
    may not be listed is known by journals alone.
    """
    dead, alive = read_all()
    namespace = session.namespace
    hidden: set[str] = set()
    found: dict[str, list[tuple[Thing, KubeObject]]] = {}
    for kind in KINDS:
        try:
            items = session.source.list(kind, namespace=namespace, label_selector=f"{MANAGED}={NAME}").items
        except Forbidden:
            hidden.add(kind.plural)
            continue
        for item in items:
            run = item.labels.get(RUN_LABEL, "")
            if run and run not in alive and not item.metadata.owner_references:
                thing = Thing(kind.group, kind.version, kind.plural, item.namespace, item.name)
                found.setdefault(run, []).append((thing, item))
    leftovers = []
    for journal in dead:
        if journal.server != session.info.server:
            continue
        seen = [thing for thing, _ in found.pop(journal.run, [])]
        unseen = [thing for thing in journal.things if thing.plural in hidden or thing.namespace != namespace]
        things = dict.fromkeys((*unseen, *seen))
        if not things:
            discard(journal)
            continue
        leftovers.append(
            Leftover(journal.run, journal.operation, journal.started, "", tuple(things), True, False, journal)
        )
    now = time.strftime(FORMAT, time.gmtime())
    for run, mine in found.items():
        first = mine[0][1]
        leftovers.append(
            Leftover(
                run,
                first.labels.get(OPERATION_LABEL, "?"),
                first.metadata.creation_timestamp,
                first.annotations.get(OWNER_NOTE, "somebody"),
                tuple(thing for thing, _ in mine),
                False,
                first.annotations.get(UNTIL_NOTE, "") > now,
            )
        )
    return leftovers


def remove(session: Session, leftovers: Sequence[Leftover], *, on_text: OnText = quiet) -> list[str]:
    """Remove them; gives what could not be. Needs a session that may write."""
    need_write(session, "Removing objects changes the cluster")
    left: list[str] = []
    for leftover in leftovers:
        on_text(f"removing {leftover}")
        problems = remove_things(session, leftover.run, leftover.things, on_text=on_text)
        if not problems and leftover.journal is not None:
            discard(leftover.journal)
        left += problems
    return left

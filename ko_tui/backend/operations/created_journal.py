"""What a run of ko-tui has put into a cluster, on this machine's disk before it is put there.

One JSON file for each run, and beside it a lock that its process holds: a file without a holder is of a run that
was killed. Reading them asks no cluster.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
from collections.abc import Iterator
from pathlib import Path

import msgspec
import platformdirs

from ko_tui.backend.errors import UsageError
from ko_tui.backend.operations.journal import write_whole
from ko_tui.backend.source.interface import Resource


class Thing(msgspec.Struct, frozen=True):
    """One object by its kind and name; the name is known before the object is made."""

    group: str
    version: str
    plural: str
    namespace: str
    name: str

    @property
    def resource(self) -> Resource:
        return Resource(self.group, self.version, self.plural)

    def __str__(self) -> str:
        return f"{self.plural} {self.namespace}/{self.name}"


class RunJournal(msgspec.Struct):
    """``run`` is the value of the label on everything that the run makes; ``started`` a UTC time."""

    run: str
    operation: str
    context: str
    server: str
    namespace: str
    started: str
    things: list[Thing] = []

    @property
    def path(self) -> Path:
        return directory() / f"{self.run}.json"


def directory() -> Path:
    return Path(platformdirs.user_state_dir("ko-tui", appauthor=False)) / "created"


def save(journal: RunJournal) -> None:
    """On the disk when this returns. Raises UsageError: without a journal nothing is made."""
    try:
        journal.path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        write_whole(journal.path, msgspec.json.encode(journal))
    except OSError as error:
        raise UsageError(
            f"{journal.path} cannot be written: {error.strerror}.",
            "What is made in the cluster is noted there first; make room, or set XDG_STATE_HOME.",
        ) from error


def discard(journal: RunJournal) -> None:
    """Everything is gone: nothing is left to be remembered."""
    for path in (journal.path, journal.path.with_suffix(".lock")):
        with contextlib.suppress(OSError):
            path.unlink()


@contextlib.contextmanager
def held(journal: RunJournal) -> Iterator[None]:
    """This process is at the run; the lock ends with the process, however it ends. Raises UsageError."""
    lock = _lock(journal.path)
    if lock is None:
        raise UsageError(f"Run {journal.run} is another ko-tui's.", "Wait for it, or end it.")
    try:
        yield
    finally:
        os.close(lock)


def _lock(path: Path) -> int | None:
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    lock = os.open(path.with_suffix(".lock"), os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        os.close(lock)
        return None
    return lock


def read_all() -> tuple[list[RunJournal], set[str]]:
    """The runs on this machine whose process is gone, oldest first, and the names of those under way.

    A file that cannot be read is passed over: the label in the cluster still tells of what it was for.
    """
    dead: list[RunJournal] = []
    alive: set[str] = set()
    for path in sorted(directory().glob("*.json")):
        try:
            journal = msgspec.json.decode(path.read_bytes(), type=RunJournal)
            lock = _lock(path)
        except (OSError, msgspec.DecodeError):
            continue
        if lock is None:
            alive.add(journal.run)
        elif path.exists():
            os.close(lock)
            dead.append(journal)
        else:  # it ended in order just now
            os.close(lock)
            with contextlib.suppress(OSError):
                path.with_suffix(".lock").unlink()
    return sorted(dead, key=lambda j: j.started), alive

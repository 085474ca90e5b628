"""The journal of a restore: what was decided, what was begun and what is done, so that it can go on after anything.

A JSON file in the state directory. It is written whole under another name, forced to the disk and then renamed, so
that a crash at any moment leaves either the old journal or the new one.
"""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import os
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Literal

import msgspec
import platformdirs

from ko_tui.backend.errors import UsageError
from ko_tui.backend.source.interface import SourceInfo
from ko_tui.backend.whole_file import replace_file

STEPS = ("reach", "keep", "stop", "prepare", "set aside", "place", "start", "verify", "restart ovs")
PUT_BACK = "put back"
What = Literal["begun", "done", "failed"]


class Event(msgspec.Struct, frozen=True):
    """``begun`` is written before a step does anything, ``done`` or ``failed`` after."""

    time: str
    step: str
    what: What
    detail: str = ""


class Member(msgspec.Struct, frozen=True):
    """A node of ovn-central. ``files`` are the database files that were there before anything was changed."""

    node: str
    address: str
    files: list[str] = []


class RestoreJournal(msgspec.Struct):
    """``members`` are in the order of NODE_IPS: the first creates the new cluster, the others join it.

    ``source`` is the node whose file is restored, or "" when the person gave one; ``file`` is what is restored, on
    this machine (set once it is known), ``sha256`` and ``rows`` (by table) what it must be found to be.
    """

    path: str
    context: str
    server: str
    stamp: str
    namespace: str
    replicas: int
    members: list[Member]
    source: str = ""
    given: str = ""
    file: str = ""
    sha256: str = ""
    rows: dict[str, int] = {}
    prepared: list[str] = []  # names on the first node that ko-tui made
    events: list[Event] = []
    ended: Literal["", "restored", "put back"] = ""

    @property
    def done(self) -> list[str]:
        """The finished steps, in their order."""
        return [step for step in STEPS if any(e.step == step and e.what == "done" for e in self.events)]

    @property
    def following(self) -> str:
        """The first step that is not finished; "" after the last."""
        done = self.done
        return next((step for step in STEPS if step not in done), "")

    @property
    def kept(self) -> Path:
        """The directory on this machine with what was there before."""
        return Path(self.path).with_suffix("") / self.stamp

    def begun(self, step: str) -> bool:
        return any(e.step == step for e in self.events)

    def note(self, step: str, what: What, detail: str = "") -> None:
        """Add an event and write the journal to the disk. Raises UsageError."""
        stamp = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
        self.events.append(Event(stamp, step, what, detail))
        save(self)


def directory() -> Path:
    return Path(platformdirs.user_state_dir("ko-tui", appauthor=False)) / "restore"


def path_of(info: SourceInfo) -> Path:
    """One journal for each cluster: a context's name alone may mean another cluster tomorrow."""
    safe = "".join(c if c.isascii() and (c.isalnum() or c in "-_") else "_" for c in info.label)[:60]
    digest = hashlib.sha256(f"{info.label}\n{info.server}".encode()).hexdigest()[:8]
    return directory() / f"{safe or 'cluster'}-{digest}.json"


def load(path: Path) -> RestoreJournal | None:
    """The journal of a cluster's last restore, finished or not; None when there is none. Raises UsageError."""
    try:
        return msgspec.json.decode(path.read_bytes(), type=RestoreJournal)
    except FileNotFoundError:
        return None
    except (OSError, msgspec.DecodeError) as error:
        raise UsageError(
            f"The journal {path} cannot be read: {error}.", "Look at it, and move it away to begin anew."
        ) from error


def save(journal: RestoreJournal) -> None:
    """Write it whole and to the disk; the old one stays until the new one is complete. Raises UsageError."""
    path = Path(journal.path)
    try:
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        write_whole(path, msgspec.json.format(msgspec.json.encode(journal)))
    except OSError as error:
        raise UsageError(
            f"The journal {path} cannot be written: {error.strerror}.",
            "Without it nothing goes on. Free some room, then: ko-tui --allow-write nb restore --resume.",
        ) from error


def write_whole(path: Path, content: bytes) -> None:
    """A file for its owner alone, on the disk with its name when this returns. Raises OSError."""
    replace_file(path, content, lasting=True)


def busy(path: Path) -> bool:
    """Is a ko-tui at this restore now?"""
    try:
        with held(path):
            return False
    except UsageError:
        return True


def stopped() -> list[RestoreJournal]:
    """The restores of any cluster that were begun on this machine, have not ended, and have nobody at them.

    A journal that cannot be read is passed over here: the restore itself says so.
    """
    found = []
    for path in sorted(directory().glob("*.json")):
        with contextlib.suppress(UsageError, OSError):
            journal = load(path)
            if journal is not None and not journal.ended and journal.events and not busy(path):
                found.append(journal)
    return found


@contextlib.contextmanager
def held(path: Path) -> Iterator[None]:
    """Keep a second ko-tui away from the same restore; the lock ends with the process, however it ends.

    Raises UsageError when another has it.
    """
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    lock = os.open(path.with_suffix(".lock"), os.O_RDWR | os.O_CREAT, 0o600)
    try:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            raise UsageError(
                "Another ko-tui is at this restore now.", "Wait for it, or end it first."
            ) from error
        yield
    finally:
        os.close(lock)

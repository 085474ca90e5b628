"""``kubectl ko nb|sb backup``: a database streamed to a local file, verified, and only then given its name.

``ovsdb-client backup`` (ovsdb-client(1)) writes a standalone database from a running server, clustered or not, without
a temporary file in the pod; kubectl-ko needs one there, tar to fetch it, and a clustered database.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from ko_tui.backend.cluster.leader import SCHEMA, Database
from ko_tui.backend.cluster.leading import leads_still, run_on_leader
from ko_tui.backend.command.runner import TO_A_FILE
from ko_tui.backend.errors import ClusterError, KoError, UsageError
from ko_tui.backend.source.interface import Cancel
from ko_tui.backend.source.ovsdb_file import load

if TYPE_CHECKING:
    from ko_tui.backend.session import Session

SECONDS = 600.0
ATTEMPTS = 2  # another when the lead moved while the first was taken


class BadBackup(ClusterError):
    """What came is not a whole database."""

    title = "The backup is not usable"


@dataclass(frozen=True, slots=True)
class Backup:
    """``rows`` by table, ``size`` in bytes. ``certain`` is False when it was taken from a follower."""

    path: Path
    size: int
    sha256: str
    rows: dict[str, int]
    pod: str
    certain: bool
    why: str


def default_path(database: Database) -> Path:
    """``ovnnb_db.20261123-034108.backup`` in the present directory."""
    return Path(f"ovn{database}_db.{time.strftime('%Y%m%d-%H%M%S')}.backup")


def backup_argv(database: Database, *, leader_only: bool = True) -> tuple[str, ...]:
    belt = () if leader_only else ("--no-leader-only",)
    remote = f"unix:/var/run/ovn/ovn{database}_db.sock"
    return (
        "timeout",
        "-k",
        "2",
        str(int(SECONDS)),
        "ovsdb-client",
        *belt,
        "backup",
        remote,
        SCHEMA[database],
    )


def backup(
    session: Session,
    database: Database,
    path: Path,
    *,
    on_progress: Callable[[int], None] = lambda _: None,
    cancel: Cancel | None = None,
    force: bool = False,
) -> Backup:
    """Stream, verify, rename. ``on_progress`` gets the bytes so far; ``force`` replaces a file that is there. Raises
    BadBackup, UsageError or exec errors; whatever happens, ``path`` is either the whole verified backup or was not
    touched."""
    if path.exists() and not force:
        raise UsageError(f"{path} exists already.", "Choose another name, or give --force.")
    session.leader(database)  # before a file is made
    part = path.with_name(f".{path.name}.{os.getpid()}.part")
    try:
        descriptor = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except OSError as error:
        raise UsageError(f"{path} cannot be written: {error.strerror}.") from error
    digest, size = hashlib.sha256(), 0
    full: OSError | None = None
    stop = cancel or Cancel()
    try:
        with os.fdopen(descriptor, "wb", buffering=0) as out:

            def begin() -> None:
                nonlocal digest, size
                digest, size = hashlib.sha256(), 0
                out.seek(0)
                out.truncate()

            def take(piece: bytes) -> None:
                nonlocal size, full
                if full is not None:
                    return
                try:
                    rest = memoryview(piece)
                    while rest:  # a nearly full disk takes a part
                        rest = rest[out.write(rest) :]
                except OSError as error:
                    full = error
                    stop.cancel()
                    return
                digest.update(piece)
                size += len(piece)
                on_progress(size)

            for _ in range(ATTEMPTS):
                try:
                    run, leader = run_on_leader(
                        session,
                        database,
                        lambda leader: backup_argv(database, leader_only=leader.certain),
                        timeout=SECONDS + 10,
                        cancel=stop,
                        on_stdout=take,
                        begin=begin,
                        trusted=True,
                        max_output=TO_A_FILE,
                    )
                except KoError:
                    if full is None:
                        raise
                if full is not None:
                    raise _unwritable(path, full)
                if run.exit_code != 0:
                    said = run.stderr.strip().splitlines()
                    raise BadBackup(
                        f"ovsdb-client ended with status {run.exit_code}: {said[-1] if said else 'no message'}"
                    )
                # With one remote ovsdb-client does not look at the server's role: it may have lost the lead.
                moved = leader.certain and not leads_still(session, database, leader)
                if not moved:
                    break
            try:
                os.fsync(out.fileno())
            except OSError as error:
                raise _unwritable(path, error) from error
        rows = _verify(part, database)
        try:
            part.replace(path)
        except OSError as error:
            raise _unwritable(path, error) from error
    finally:
        with contextlib.suppress(OSError):
            part.unlink()
    certain, why = leader.certain, leader.why
    if moved:
        certain, why = (
            False,
            f"The lead of {SCHEMA[database]} moved while it was read: the last changes may lack.",
        )
    return Backup(path, size, digest.hexdigest(), rows, str(leader.pod), certain, why)


def _unwritable(path: Path, error: OSError) -> UsageError:
    return UsageError(
        f"{path} cannot be written: {error.strerror}.", "Free some room, or name another place."
    )


def _verify(part: Path, database: Database) -> dict[str, int]:
    """Open it as a database, checksums and all, and count its rows."""
    opened = load(part)
    if opened.name != SCHEMA[database]:
        raise BadBackup(f"It holds {opened.name}, not {SCHEMA[database]}.")
    rows = {name: len(table) for name, table in opened.tables.items() if len(table)}
    if not rows:
        raise BadBackup("It holds no rows at all.", "Is this database really empty? See ko-tui status.")
    return rows

"""The southbound database of a live cluster, fetched once so that traces can run here."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ko_tui.backend.cluster.leading import leads_still, run_on_leader
from ko_tui.backend.errors import ClusterError
from ko_tui.backend.source.interface import Cancel
from ko_tui.backend.source.ovsdb_file import Database, OnProgress, loads

if TYPE_CHECKING:
    from ko_tui.backend.session import Session

SOCKETS = {"nb": "unix:/var/run/ovn/ovnnb_db.sock", "sb": "unix:/var/run/ovn/ovnsb_db.sock"}
NAMES = {"nb": "OVN_Northbound", "sb": "OVN_Southbound"}
BACKUP_SECONDS = 180.0
LARGEST = 2 << 30  # bytes of a southbound database that is held here
MOVED = "The lead of OVN_Southbound moved while it was read, so what was read may be out of date."


def backup_argv(database: str) -> tuple[str, ...]:
    """The command that streams a database as a standalone file (ovsdb-client(1), backup)."""
    return ("ovsdb-client", "-t", "120", "backup", SOCKETS[database], NAMES[database])


def fetch_southbound(
    session: Session, *, cancel: Cancel | None = None, on_progress: OnProgress | None = None
) -> Database:
    """The southbound contents of the cluster that the session talks to, or of its snapshot.

    Raises ClusterError kinds; ``on_progress`` gets the bytes received so far.
    """
    saved = getattr(session.source, "database", None)
    if saved is not None:
        found: Database = saved("sb")
        return found
    return fetch_from_leader(session, cancel=cancel, on_progress=on_progress)[0]


def fetch_from_leader(
    session: Session, *, cancel: Cancel | None = None, on_progress: OnProgress | None = None
) -> tuple[Database, str]:
    """The contents, and why they may be out of date ("" when they are not): ovsdb-client looks at no role."""
    received = bytearray()

    def take(part: bytes) -> None:
        received.extend(part)
        if on_progress:
            on_progress(len(received))

    for attempt in (1, 2):
        run, leader = run_on_leader(
            session,
            "sb",
            lambda _: backup_argv("sb"),
            timeout=BACKUP_SECONDS,
            cancel=cancel,
            on_stdout=take,
            begin=received.clear,
            trusted=True,
            max_output=LARGEST,
        )
        doubt = "" if leader.certain else leader.why
        if doubt or leads_still(session, "sb", leader):
            break
        doubt = MOVED
        if attempt == 2:
            break
    if run.exit_code != 0:
        raise ClusterError(
            f"ovsdb-client in {leader.pod} ended with status {run.exit_code}: {run.stderr.strip()[-300:]}",
            f"Try it by hand: {run.kubectl()}",
        )
    return loads(bytes(received), "the southbound database"), doubt

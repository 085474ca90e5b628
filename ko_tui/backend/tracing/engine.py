"""Which engine a trace had better use: ovn-trace reads the whole southbound database each time, in the pod that leads.

The size is known without reading it: ovsdb-server tells how many cells it holds (ovsdb-server(1), ``memory/show``), and
most of them are Logical_Flow's.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ko_tui.backend.errors import KoError
from ko_tui.backend.tracing.model import Engine

if TYPE_CHECKING:
    from ko_tui.backend.session import Session

CELLS_OF_A_ROW = 12  # columns of Logical_Flow with _uuid and _version (ovn-sb(5))
AGE = 600.0  # seconds that a size is believed
_CELLS = re.compile(r"\bcells:(\d+)")


@dataclass(frozen=True, slots=True)
class Proposal:
    """``flows``: rows of Logical_Flow at most, None when that is not known; ``why`` is a sentence."""

    engine: Engine
    flows: int | None
    why: str


def propose_engine(session: Session, threshold: int) -> Proposal:
    """The engine for this cluster; ``threshold`` in logical flows, 0 for ovn-trace always. Never raises."""
    if not session.live:
        return Proposal("local", None, "A saved cluster can only be traced here.")
    flows = session.answers.get("southbound-size", lambda: southbound_rows(session), max_age=AGE).value
    if flows is None:
        return Proposal("ovn-trace", None, "The size of the southbound database is not known.")
    size = f"The southbound database has at most {flows:,} logical flows"
    if threshold and flows > threshold:
        return Proposal(
            "local",
            flows,
            f"{size}; ovn-trace would read them all each time, in the pod that leads.",
        )
    return Proposal("ovn-trace", flows, f"{size}.")


def southbound_rows(session: Session) -> int | None:
    """Rows of Logical_Flow at most, by what the server itself says; None when it does not say."""
    try:
        leader = session.leader("sb")
        argv = ("ovn-appctl", "-t", "/var/run/ovn/ovnsb_db.ctl", "memory/show")
        run = session.run(leader.pod, argv, timeout=8)
    except KoError:
        return None
    found = _CELLS.search(run.stdout)
    return int(found[1]) // CELLS_OF_A_ROW if found is not None else None

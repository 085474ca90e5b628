"""Told once the screen stands: what a killed run has left in a cluster, by the journals of this machine."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ko_tui.cli.leftovers import any_journal

if TYPE_CHECKING:
    from ko_tui.app import KoTuiApp

SECONDS = 15.0


def tell(app: KoTuiApp) -> None:
    """A notice for each run; asks no cluster, and imports nothing when there is no journal."""
    if not any_journal():
        return
    from ko_tui.backend.operations.created_journal import read_all
    from ko_tui.backend.operations.journal import stopped
    from ko_tui.visible import visible

    for restore in stopped():
        app.notify(
            visible(
                f"The restore of {restore.context}, begun {restore.events[0].time}, stopped at {restore.following!r}. "
                "The operations restore nb and restore undo go on with it; they need --allow-write. Status says more."
            ),
            title="A restore is not finished",
            severity="error",
            timeout=SECONDS,
            markup=False,
        )
    for journal in read_all()[0]:
        app.notify(
            visible(
                f"{journal.operation} of {journal.started} was killed before it removed {len(journal.things)} objects "
                f"that it had made in {journal.context}, namespace {journal.namespace}. "
                "The operation cleanup removes them; it needs --allow-write."
            ),
            title="Left in the cluster",
            severity="warning",
            timeout=SECONDS,
            markup=False,
        )

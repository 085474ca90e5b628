"""Carrying a restore out once the person has said yes, from the command line or the screen."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ko_tui.backend.errors import UsageError
from ko_tui.backend.operations.journal import RestoreJournal, held, load, path_of
from ko_tui.backend.operations.model import OnText
from ko_tui.backend.operations.restore import Restore
from ko_tui.backend.operations.restore_hands import SECONDS, ClusterHands
from ko_tui.backend.operations.restore_plan import RestorePlan
from ko_tui.backend.source.interface import Cancel

if TYPE_CHECKING:
    from ko_tui.backend.session import Session


def carry_out(
    session: Session, plan: RestorePlan, *, on_text: OnText, cancel: Cancel, seconds: float = SECONDS
) -> str:
    """Do what ``plan`` says, from where its journal stands; each step may wait ``seconds``. Gives the result in words.

    Raises RestoreStopped, which says how to go on, and UsageError when another ko-tui has been at it since.
    """
    path = path_of(session.info)
    with held(path):
        now = load(path)
        under_way = now if now is not None and not now.ended else None
        if (under_way.stamp if under_way else "") != (plan.journal.stamp if plan.resumed else ""):
            raise UsageError(
                "Another ko-tui was at this restore meanwhile.", "Look again: nb restore --status."
            )
        journal = under_way or plan.begin()
        work = Restore(
            ClusterHands(session, journal.stamp, on_text=on_text, cancel=cancel, seconds=seconds),
            journal,
            on_text=on_text,
        )
        if plan.undo:
            work.put_back()
        else:
            work.run()
    return result(journal)


def result(journal: RestoreJournal) -> str:
    """What came of it, and where everything that was there before is now."""
    lines = [f"{journal.context}: {journal.ended}"]
    if journal.kept.exists():
        lines.append(f"what was there before: {journal.kept}")
    if journal.ended == "restored":
        nodes = ", ".join(m.node for m in journal.members)
        lines.append(f"and on {nodes}: /etc/ovn/*.ko-{journal.stamp} (remove them when all is well)")
        if journal.given:
            lines.append(
                "what was made since that backup is not in it: kubectl rollout restart deployment "
                f"kube-ovn-controller -n {journal.namespace} has it written again"
            )
    return "\n".join(lines)

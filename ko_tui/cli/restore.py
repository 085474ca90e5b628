"""``ko-tui nb restore [FILE]``, ``--resume``, ``--abort`` and ``--status``."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from ko_tui.backend.errors import UsageError
from ko_tui.cli.visible import visible

if TYPE_CHECKING:
    from ko_tui.backend.operations.journal import RestoreJournal
    from ko_tui.backend.session import Session


def check_words(args: argparse.Namespace) -> None:
    """What can be refused without a cluster. Raises UsageError."""
    if args.word != "nb":
        raise UsageError(
            "Only the northbound database is restored.", "ovn-northd makes the southbound one from it."
        )
    if sum((args.resume, args.abort, args.status, bool(args.argument))) > 1:
        raise UsageError("FILE, --resume, --abort and --status exclude each other.")


def restore(session: Session, args: argparse.Namespace) -> int:
    from ko_tui.backend.operations.journal import held, path_of
    from ko_tui.backend.operations.restore import Restore
    from ko_tui.backend.operations.restore_hands import ClusterHands
    from ko_tui.backend.operations.restore_plan import plan_restore, resume_plan
    from ko_tui.backend.source.interface import Cancel
    from ko_tui.cli.confirm import confirm

    if args.status:
        return _status(session)
    with held(path_of(session.info)):
        if args.resume or args.abort:
            plan = resume_plan(session, undo=args.abort)
        else:
            plan = plan_restore(session, Path(args.argument) if args.argument else None)
        confirm(plan.effect, target=plan.target, given=args.yes)
        journal = plan.begin()
        hands = ClusterHands(session, journal.stamp, on_text=_say, cancel=Cancel(), seconds=args.seconds)
        work = Restore(hands, journal, on_text=_say)
        if args.abort:
            work.put_back()
        else:
            work.run()
    _report(plan.journal)
    return 0


def _status(session: Session) -> int:
    from ko_tui.backend.operations.journal import load, path_of
    from ko_tui.backend.operations.restore import how_to_go_on

    journal = load(path_of(session.info))
    if journal is None:
        print("No restore of this cluster was ever begun from here.")
        return 0
    for event in journal.events:
        print(visible(f"{event.time}  {event.what:<7} {event.step}  {event.detail}".rstrip()))
    if journal.ended:
        _report(journal)
        return 0
    print(visible(how_to_go_on(journal)))
    return 1


def _report(journal: RestoreJournal) -> None:
    print(visible(f"{journal.context}: {journal.ended}"))
    print(visible(f"what was there before: {journal.kept}"))
    if journal.ended == "restored":
        nodes = ", ".join(m.node for m in journal.members)
        print(visible(f"and on {nodes}: /etc/ovn/*.ko-{journal.stamp} (remove them when all is well)"))


def _say(text: str) -> None:
    print(visible(text), file=sys.stderr, flush=True)

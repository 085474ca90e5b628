"""``ko-tui nb restore [FILE]``, ``--resume``, ``--abort`` and ``--status``."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from ko_tui.backend.errors import UsageError
from ko_tui.cli.visible import visible

if TYPE_CHECKING:
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
    from ko_tui.backend.operations.restore_plan import plan_restore, resume_plan
    from ko_tui.backend.operations.restore_run import carry_out
    from ko_tui.backend.source.interface import Cancel
    from ko_tui.cli.confirm import confirm

    if args.status:
        return _status(session)
    if args.resume or args.abort:
        plan = resume_plan(session, undo=args.abort)
    else:
        plan = plan_restore(session, Path(args.argument) if args.argument else None)
    confirm(plan.effect, target=plan.target, given=args.yes)
    print(visible(carry_out(session, plan, on_text=_say, cancel=Cancel(), seconds=args.seconds)))
    return 0


def _status(session: Session) -> int:
    from ko_tui.backend.operations.journal import load, path_of
    from ko_tui.backend.operations.restore import how_to_go_on
    from ko_tui.backend.operations.restore_run import result

    journal = load(path_of(session.info))
    if journal is None:
        print("No restore of this cluster was ever begun from here.")
        return 0
    for event in journal.events:
        print(visible(f"{event.time}  {event.what:<7} {event.step}  {event.detail}".rstrip()))
    print(visible(result(journal) if journal.ended else how_to_go_on(journal)))
    return 0 if journal.ended else 1


def _say(text: str) -> None:
    print(visible(text), file=sys.stderr, flush=True)

"""``ko-tui cleanup``: what killed runs of ko-tui have left in the cluster, and its removal."""

from __future__ import annotations

import argparse
import json
import sys

from ko_tui.cli.confirm import confirm
from ko_tui.cli.options import session_options
from ko_tui.cli.visible import visible

SUMMARY = """List what killed runs of ko-tui have left in the cluster. With --allow-write it is removed, after a
question. Exit status 1 when something is there and stays."""
TARGET = "cleanup"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--json", action="store_true")
    parser.add_argument(
        "--busy", action="store_true", help="also what another machine's ko-tui may be using now"
    )


def run(args: argparse.Namespace) -> int:
    from ko_tui.backend.operations.created import find_leftovers, remove
    from ko_tui.backend.session import open_session

    session = open_session(session_options(args))
    try:
        found = find_leftovers(session)
        if args.json:
            print(json.dumps([leftover.to_json() for leftover in found], indent=2))
        else:
            for leftover in found:
                print(visible(str(leftover)))
        chosen = [leftover for leftover in found if args.busy or not leftover.busy]
        if not found:
            _say("nothing is left in the cluster")
            return 0
        if not chosen:
            _say("another machine may be using them; --busy removes them all the same")
            return 1
        if session.options.mode != "allow-write":
            _say("nothing is removed in read-only mode: ko-tui --allow-write cleanup removes it")
            return 1
        things = [str(thing) for leftover in chosen for thing in leftover.things]
        confirm(f"Delete {', '.join(things)}.", target=TARGET, given=args.yes)
        left = remove(session, chosen, on_text=_say)
    finally:
        session.close()
    for problem in left:
        _say(f"left in the cluster: {problem}")
    if not left:
        _say("removed")
    return 3 if left else 0


def _say(text: str) -> None:
    print(f"ko-tui: {visible(text)}", file=sys.stderr, flush=True)

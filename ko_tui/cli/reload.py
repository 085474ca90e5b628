"""``ko-tui reload``: restart Kube-OVN component by component."""

from __future__ import annotations

import argparse
import sys

from ko_tui.backend.errors import PolicyRefusal
from ko_tui.cli.confirm import confirm
from ko_tui.cli.options import refuse_saved, session_options
from ko_tui.cli.signals import cancelled_by_signals
from ko_tui.cli.visible import visible

SUMMARY = (
    "Restart Kube-OVN's components in order, waiting for each; stops at the first that does not come back."
)
TARGET = "kube-ovn"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--seconds", type=float, default=300.0, help="how long each component may take")


def run(args: argparse.Namespace) -> int:
    from ko_tui.backend.operations.reload import plan_text, reload
    from ko_tui.backend.session import open_session

    if not args.allow_write or args.read_only_strict:
        raise PolicyRefusal("reload restarts pods and ko-tui is read-only.", "Start it with --allow-write.")
    refuse_saved(args, "reload")
    confirm(plan_text(), target=TARGET, given=args.yes)
    session = open_session(session_options(args))
    try:
        with cancelled_by_signals("stopping; what was begun goes on in the cluster") as cancel:
            steps = reload(session, on_text=_say, cancel=cancel, seconds=args.seconds)
    finally:
        session.close()
    for step in steps:
        print(visible(f"{step.state:<12} {step.component} {step.detail}".rstrip()))
    return 0 if all(step.state in ("done", "absent") for step in steps) else 3


def _say(text: str) -> None:
    print(visible(text), file=sys.stderr)

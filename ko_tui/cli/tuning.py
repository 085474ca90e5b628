"""``ko-tui tuning check``, and the kernel modules of Kube-OVN 1.10 to 1.12."""

from __future__ import annotations

import argparse
import sys
from typing import cast

from ko_tui.backend.errors import PolicyRefusal, UsageError
from ko_tui.backend.operations.tuning import ACTIONS, Action, module_plan, remove_module, tuning_check
from ko_tui.cli.confirm import confirm
from ko_tui.cli.options import refuse_saved, refuse_strict, session_options
from ko_tui.cli.render_report import print_report
from ko_tui.cli.visible import visible

SUMMARY = """Read each node's performance settings and advise (check). The kernel modules of Kube-OVN 1.10 to 1.12
(install-fastpath and its kin) are offered only on those releases; what needs Docker is printed, not run."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("action", choices=("check", *ACTIONS))
    parser.add_argument("system", nargs="?", default="", help="centos7, centos8; centos for remove")
    parser.add_argument("arguments", nargs="*", help="kernel-devel version")
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--all", action="store_true", help="list what is well too")


def run(args: argparse.Namespace) -> int:
    from ko_tui.backend.session import open_session

    if args.action != "check" and (not args.allow_write or args.read_only_strict):
        raise PolicyRefusal(
            f"tuning {args.action} changes files on every node and ko-tui is read-only.",
            "Start it with --allow-write.",
        )
    refuse_saved(args, "tuning")
    refuse_strict(args, "tuning check runs ethtool on each node")
    session = open_session(session_options(args))
    try:
        if args.action == "check":
            return print_report(tuning_check(session), as_json=args.json, everything=args.all)
        action = cast(Action, args.action)
        plan = module_plan(session, action, args.system, tuple(args.arguments))
        if not action.startswith("remove"):
            print("Run these on a machine with Docker and the nodes' kernel headers:")
            for line in plan:
                print(f"  {visible(line)}")
            raise UsageError(
                "ko-tui does not start privileged containers itself; nothing was done.",
                "Those lines do what kubectl ko did.",
            )
        confirm("; ".join(plan), target=action, given=args.yes)
        failed = remove_module(session, action, on_text=lambda text: print(visible(text)))
        for problem in failed:
            print(f"ko-tui: {visible(problem)}", file=sys.stderr)
        return 3 if failed else 0
    finally:
        session.close()

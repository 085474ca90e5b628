"""``ko-tui rbac``: the permissions that ko-tui needs, as YAML to apply."""

from __future__ import annotations

import argparse
import sys
import textwrap

NAME = "rbac"
SUMMARY = "Print the RBAC that ko-tui needs, and an admission policy that holds its users to reading."


def add_arguments(parser: argparse.ArgumentParser) -> None:
    profile = parser.add_mutually_exclusive_group()
    profile.add_argument(
        "--read-only", dest="profile", action="store_const", const="read-only", help="look only (the default)"
    )
    profile.add_argument(
        "--capture", dest="profile", action="store_const", const="capture", help="look, and capture packets"
    )
    profile.add_argument(
        "--operator",
        dest="profile",
        action="store_const",
        const="operator",
        help="also restart, kick, restore, and make what perf and diagnose need",
    )
    parser.add_argument("--explain", action="store_true", help="list the commands that may run read-only")
    parser.add_argument("--group", default="", help="the group to bind (default: ko-tui:PROFILE)")
    parser.set_defaults(profile="read-only")


def run(args: argparse.Namespace) -> int:
    if args.explain:
        from ko_tui.backend.command.policy import listing

        for tool, commands in listing().items():
            print(textwrap.fill(" ".join(commands), 100, initial_indent=f"{tool}: ", subsequent_indent="    ",
                                break_on_hyphens=False))  # fmt: skip
        return 0
    from ko_tui.backend.command.rbac import document

    sys.stdout.write(document(args.profile, namespace=args.namespace or "kube-system", group=args.group))
    return 0

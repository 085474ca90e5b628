"""``ko-tui env-check``: the environment of every node."""

from __future__ import annotations

import argparse

from ko_tui.cli.looking import looking
from ko_tui.cli.options import refuse_saved, refuse_strict, session_options
from ko_tui.cli.render_report import print_report

SUMMARY = "Check the environment of every node: CNI files, kernel settings, checksums, DNS, agents, Geneve."


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--all", action="store_true", help="list what is well too")


def run(args: argparse.Namespace) -> int:
    from ko_tui.backend.operations.env_check import env_check
    from ko_tui.backend.session import open_session

    refuse_saved(args, "env-check")
    refuse_strict(args, "env-check runs ps and reads settings of each node")
    session = open_session(session_options(args))
    try:
        with looking() as (on_checks, cancel):
            report = env_check(session, on_checks=on_checks, cancel=cancel)
    finally:
        session.close()
    return print_report(report, as_json=args.json, everything=args.all)

"""``ko-tui diagnose all|node N|subnet S|IPPorts L``."""

from __future__ import annotations

import argparse

from ko_tui.backend.errors import UsageError
from ko_tui.cli.options import session_options
from ko_tui.cli.render_report import print_report

SUMMARY = """Check everything Kube-OVN needs, each with a result of its own. Nothing is created in the cluster;
Kube-OVN's own pingers send packets unless --no-probes or --read-only-strict is given."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("scope", nargs="?", default="all", choices=("all", "node", "subnet", "IPPorts"))
    parser.add_argument("target", nargs="?", default="", help="a node, a subnet, or tcp-IP-PORT,udp-IP-PORT")
    parser.add_argument("--no-probes", action="store_true", help="send no packets")
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--all", action="store_true", help="list what is well too")


def run(args: argparse.Namespace) -> int:
    from ko_tui.backend.operations.diagnose import diagnose
    from ko_tui.backend.operations.diagnose_pinger import check_targets
    from ko_tui.backend.session import open_session

    if args.scope != "all" and not args.target:
        raise UsageError(
            f"diagnose {args.scope} needs a target.", "A node, a subnet, or tcp-IP-PORT,udp-IP-PORT."
        )
    if args.scope == "IPPorts":
        check_targets(args.target)
    session = open_session(session_options(args))
    try:
        report = diagnose(session, args.scope, args.target, probes=not args.no_probes)
    finally:
        session.close()
    return print_report(report, as_json=args.json, everything=args.all)

"""``ko-tui diagnose all|node N|subnet S|IPPorts L``."""

from __future__ import annotations

import argparse
import sys
from typing import TYPE_CHECKING

from ko_tui.backend.errors import UsageError
from ko_tui.cli.looking import looking
from ko_tui.cli.options import session_options
from ko_tui.cli.render_report import print_report
from ko_tui.cli.visible import visible

if TYPE_CHECKING:
    from ko_tui.backend.operations.model import Report
    from ko_tui.backend.session import Session

SUMMARY = """Check everything Kube-OVN needs, each with a result of its own. Kube-OVN's own pingers send packets unless
--no-probes or --read-only-strict is given. Nothing is created in the cluster, except with --allow-write: then a
NodePort Service, and for a subnet a server on each node, are made for the pingers after a question, and removed."""


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
    from ko_tui.cli.leftovers import offer

    if args.scope != "all" and not args.target:
        raise UsageError(
            f"diagnose {args.scope} needs a target.", "A node, a subnet, or tcp-IP-PORT,udp-IP-PORT."
        )
    if args.scope == "IPPorts":
        check_targets(args.target)
    session = open_session(session_options(args))
    try:
        offer(session)
        creating = session.options.mode == "allow-write" and session.live and not args.no_probes
        if creating and args.scope != "IPPorts":
            report = _creating(session, args)
        else:
            with looking() as (on_checks, cancel):
                report = diagnose(
                    session,
                    args.scope,
                    args.target,
                    probes=not args.no_probes,
                    on_checks=on_checks,
                    cancel=cancel,
                )
    finally:
        session.close()
    return print_report(report, as_json=args.json, everything=args.all)


def _creating(session: Session, args: argparse.Namespace) -> Report:
    from ko_tui.backend.operations.diagnose_created import diagnose_creating, plan_probe
    from ko_tui.cli.confirm import confirm
    from ko_tui.cli.signals import cancelled_by_signals

    plan = plan_probe(session, args.scope, args.target)
    confirm(plan.effect.replace("\n", "\n  "), target=plan.target, given=args.yes)
    with cancelled_by_signals("stopping; what was made is being removed") as cancel:
        return diagnose_creating(session, plan, on_text=_say, cancel=cancel)


def _say(text: str) -> None:
    print(f"ko-tui: {visible(text)}", file=sys.stderr, flush=True)

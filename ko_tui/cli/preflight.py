"""``ko-tui preflight``: what may this user do with ko-tui on this cluster?"""

from __future__ import annotations

import argparse
import json

from ko_tui.cli.options import session_options
from ko_tui.cli.visible import visible

NAME = "preflight"
SUMMARY = "Ask the API server what this user may do, and say what of ko-tui will work."
MARKS = {True: "yes", False: "no ", None: "?  "}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--json", action="store_true")


def run(args: argparse.Namespace) -> int:
    """0 when everything that reading needs is allowed, 1 when something is not, 3 when nobody answered."""
    from ko_tui.backend.command.audit import audit_path
    from ko_tui.backend.command.preflight import preflight
    from ko_tui.backend.errors import KoError
    from ko_tui.backend.session import open_session

    session = open_session(session_options(args))
    try:
        try:
            namespace = session.namespace
        except KoError:
            namespace = session.options.namespace or "kube-system"
        info = session.source.info
        answers = preflight(session.source, namespace)
    finally:
        session.close()
    if args.json:
        rows = [
            {
                "feature": a.permission.feature,
                "permission": str(a.permission),
                "namespace": namespace if a.permission.in_namespace else "",
                "needed": a.permission.needed,
                "allowed": a.allowed,
                "problem": a.problem,
            }
            for a in answers
        ]
        told = {"context": info.label, "user": info.user, "audit_log": str(audit_path()), "permissions": rows}
        print(json.dumps(told, indent=2))
    else:
        print(visible(f"{info.user} on {info.label} ({info.server}), Kube-OVN in {namespace}"))
        for a in answers:
            where = f" in {namespace}" if a.permission.in_namespace else ""
            note = "" if a.permission.needed else "  (for actions that write)"
            problem = f"  {a.problem}" if a.problem else ""
            print(visible(f"  {MARKS[a.allowed]}  {a.permission}{where}{note}{problem}"))
        print(visible(f"Every command is noted in {audit_path()}"))
    if all(a.allowed is None for a in answers):
        return 3
    return 0 if all(a.allowed for a in answers if a.permission.needed) else 1

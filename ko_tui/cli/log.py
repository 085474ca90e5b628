"""``ko-tui log kube-ovn|ovn|ovs|linux|all``: logs of every node in one archive."""

from __future__ import annotations

import argparse
import sys
import time
from pathlib import Path

from ko_tui.backend.errors import UsageError
from ko_tui.cli.options import refuse_saved, refuse_strict, session_options
from ko_tui.cli.signals import cancelled_by_signals
from ko_tui.cli.visible import visible

SUMMARY = (
    "Collect logs and facts of every node, side by side, into one archive; what could not be had is listed."
)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("what", choices=("kube-ovn", "ovn", "ovs", "linux", "all"))
    parser.add_argument(
        "-o",
        "--output",
        default="",
        metavar="FILE",
        help="file or directory; default: kubectl-ko-log-TIME.tar.gz",
    )
    parser.add_argument("--force", action="store_true", help="replace a file that is there")


def run(args: argparse.Namespace) -> int:
    from ko_tui.backend.operations.logs import by_reason, collect
    from ko_tui.backend.session import open_session

    refuse_saved(args, "log")
    refuse_strict(args, "log runs tar and ps on each node")
    path, name = Path(args.output), f"kubectl-ko-log-{time.strftime('%Y%m%d-%H%M%S')}.tar.gz"
    if path.is_dir():  # the present one when none is named
        path /= name
    elif args.output.endswith("/"):
        raise UsageError(f"There is no directory {args.output}.", "Make it first, or name a file.")
    if path.exists() and not args.force:
        raise UsageError(f"{path} exists already.", "Choose another name, or give --force.")
    session = open_session(session_options(args))
    try:
        with cancelled_by_signals("stopping") as cancel:
            done = collect(session, args.what, path, on_text=_say, cancel=cancel)
    finally:
        session.close()
    for problem in by_reason(done.failed):
        print(f"ko-tui: not collected: {visible(problem)}", file=sys.stderr)
    size = f"{done.size / 1e6:.1f} MB" if done.size >= 100_000 else f"{done.size / 1e3:.1f} kB"
    print(f"{done.path}: {done.files} files, {size}")
    return 3 if done.failed else 0


def _say(text: str) -> None:
    print(visible(text), file=sys.stderr)

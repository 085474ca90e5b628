"""``ko-tui perf [IMAGE]``: latency and throughput between two nodes; how long a lost leader is felt."""

from __future__ import annotations

import argparse
import json
import sys
from typing import TYPE_CHECKING, cast

from rich.table import Table
from rich.text import Text

from ko_tui.backend.errors import PolicyRefusal, UsageError
from ko_tui.backend.operations.perf_model import PARTS, SECONDS, SIZES, Part, cells, headings
from ko_tui.cli.confirm import confirm
from ko_tui.cli.options import session_options
from ko_tui.cli.render_table import table_console
from ko_tui.cli.visible import visible

if TYPE_CHECKING:
    from ko_tui.backend.operations.perf_model import PerfResult, PerfRow, PerfSection

SUMMARY = """Measure latency and throughput between two nodes. It creates pods and a Service, which it removes again,
and fills the network between the nodes meanwhile; --kill-leaders also deletes the pods that lead. Before anything
is done it says exactly what, and asks."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "image", nargs="?", default="", help="with qperf, iperf3 and iperf (default: kubectl ko's own)"
    )
    parser.add_argument("--client", default="", metavar="NODE", help="the node that sends")
    parser.add_argument("--server", default="", metavar="NODE", help="the node that receives")
    parser.add_argument("--parts", default="", help=f"some of {','.join(PARTS)}, or none (default: all)")
    parser.add_argument("--sizes", default="", help="bytes of a message, such as 64,1k,4k")
    parser.add_argument("--seconds", type=int, default=SECONDS, help="for each measurement")
    parser.add_argument(
        "--kill-leaders", action="store_true", help="also delete the pods that lead, and time the recovery"
    )
    parser.add_argument("--json", action="store_true")


def run(args: argparse.Namespace) -> int:
    from ko_tui.backend.operations.created import need_write
    from ko_tui.backend.operations.perf import plan_perf, run_perf
    from ko_tui.backend.session import open_session
    from ko_tui.cli.leftovers import offer
    from ko_tui.cli.signals import cancelled_by_signals

    if not args.allow_write or args.read_only_strict:
        raise PolicyRefusal(
            "perf makes pods in the cluster, and ko-tui is read-only.",
            "Start it with --allow-write; it says what it will do, and asks.",
        )
    parts, sizes = parts_of(args.parts), sizes_of(args.sizes)
    session = open_session(session_options(args))
    try:
        need_write(session, "perf makes pods in the cluster")
        offer(session)
        plan = plan_perf(
            session,
            image=args.image,
            client=args.client,
            server=args.server,
            parts=parts,
            sizes=sizes,
            seconds=args.seconds,
            kill_leaders=args.kill_leaders,
        )
        confirm(plan.effect.replace("\n", "\n  "), target=plan.target, given=args.yes)
        with cancelled_by_signals("stopping; what was made is being removed") as cancel:
            result = run_perf(session, plan, on_text=_say, on_row=_row, cancel=cancel)
    finally:
        session.close()
    if args.json:
        print(json.dumps(result.to_json(), indent=2))
    else:
        print_result(result)
    for left in result.left:
        _say(f"left in the cluster: {left}; ko-tui --allow-write cleanup removes it")
    return 0 if result.complete else 3


def parts_of(text: str) -> tuple[Part, ...]:
    """Raises UsageError for a word that is no part."""
    if not text:
        return tuple(PARTS)
    words = [] if text == "none" else text.split(",")
    for word in words:
        if word not in PARTS:
            raise UsageError(f"{word!r} is no part of perf.", f"They are {', '.join(PARTS)}, or none.")
    return cast(tuple[Part, ...], tuple(dict.fromkeys(words)))


def sizes_of(text: str) -> tuple[int, ...]:
    """``64,1k`` in bytes. Raises UsageError."""
    if not text:
        return SIZES
    sizes = []
    for word in text.lower().split(","):
        number, scale = (word[:-1], 1024) if word.endswith("k") else (word, 1)
        if not (number.isascii() and number.isdigit()):
            raise UsageError(f"{word!r} is not a size in bytes.", "Write them as 64,512,1k.")
        sizes.append(int(number) * scale)
    return tuple(dict.fromkeys(sizes))


def print_result(result: PerfResult) -> None:
    console = table_console()
    for section in result.sections:
        console.print(
            Text(visible(f"{section.title}: {section.source} to {section.target}"), style="bold"),
            soft_wrap=True,
        )
        table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0))
        for heading in headings(section):
            table.add_column(heading, justify="right", no_wrap=True)
        for row in section.rows:
            table.add_row(*cells(section, row))
        console.print(table)
        for row in section.rows:
            for problem in row.problems:
                console.print(Text(visible(f"  {row.size} bytes: {problem}"), style="yellow"), soft_wrap=True)
    for recovery in result.recoveries:
        console.print(Text(visible(recovery.text())), soft_wrap=True)
    if result.problem:
        console.print(Text(visible(f"Not finished: {result.problem}"), style="bold red"), soft_wrap=True)


def _say(text: str) -> None:
    print(f"ko-tui: {visible(text)}", file=sys.stderr, flush=True)


def _row(section: PerfSection, row: PerfRow) -> None:
    _say(
        "  ".join(
            f"{heading} {cell}" for heading, cell in zip(headings(section), cells(section, row), strict=True)
        )
    )

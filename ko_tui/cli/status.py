"""``ko-tui status``: the control plane at a glance, and a check for monitors."""

from __future__ import annotations

import argparse
import json
import sys
import time

from rich.console import Console
from rich.table import Table
from rich.text import Text

from ko_tui.backend.health.model import Health, Severity
from ko_tui.cli.options import session_options
from ko_tui.cli.render_table import table_console
from ko_tui.cli.visible import visible

SUMMARY = """The state of the network's control plane: databases, northd, components, nodes, and what is wrong first.
Exit status as monitoring plugins have it: 0 well, 1 warning, 2 critical, 3 unknown (the cluster cannot be asked)."""
_STYLE = {Severity.CRITICAL: "bold red", Severity.WARNING: "yellow", Severity.INFO: "cyan"}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--json", action="store_true")
    parser.add_argument(
        "--watch", action="store_true", help="again every --interval seconds, until interrupted"
    )
    parser.add_argument("--interval", type=float, default=15.0, help="seconds between two looks (default 15)")
    parser.add_argument("--shallow", action="store_true", help="do not ask each node itself")


def run(args: argparse.Namespace) -> int:
    from ko_tui.backend.errors import KoError
    from ko_tui.backend.health.collect import collect
    from ko_tui.backend.session import open_session

    session = open_session(session_options(args))
    try:
        while True:
            try:
                health = collect(session, deep=not args.shallow)
            except KoError as error:
                error.exit_code = 3
                if not args.watch:
                    raise
                _begin_look(args)
                print(f"{_now()}  {visible(str(error))}", file=sys.stderr, flush=True)
            else:
                _begin_look(args)
                if args.json:
                    print(json.dumps(health.to_json(), ensure_ascii=False), flush=True)
                else:
                    print_health(health, session.info.label, _now() if args.watch else "")
                if not args.watch:
                    return health.exit_code
            time.sleep(max(1.0, args.interval))
    finally:
        session.close()


def _begin_look(args: argparse.Namespace) -> None:
    """On a terminal each look takes the place of the one before; elsewhere they follow each other."""
    if args.watch and not args.json and sys.stdout.isatty():
        Console().clear()


def _now() -> str:
    return time.strftime("%H:%M:%S")


def print_health(health: Health, label: str, at: str = "") -> None:
    """Findings first, then what they were drawn from. ``at`` is the time of day of one look among several."""
    console = table_console()
    severity = health.severity
    style = _STYLE[severity] if severity else "magenta" if health.blind else "bold green"
    glyph = (
        "?" if health.blind else "✓" if severity is None else "✗" if severity is Severity.CRITICAL else "!"
    )
    console.print(
        Text(visible(f"{glyph} {label}: {health.headline}"), style=style).append(
            f"  {at}" if at else "", "dim"
        )
    )
    for finding in health.findings:
        console.print(
            Text(f"  {finding.severity:<9}", style=_STYLE[finding.severity]).append(
                visible(finding.title), ""
            )
        )
        for line in (finding.evidence, finding.effect, f"next: {finding.next_step}"):
            console.print(Text(f"            {visible(line)}", style="dim"))
    from ko_tui.cli.database import print_members

    for database, members in health.members.items():
        print_members(database, members)
    northd = "  ".join(f"{n.pod} {n.state or n.problem}" for n in health.northd)
    if northd:
        console.print(Text(visible(f"ovn-northd  {northd}")))
    console.print(_components(health))
    if health.chassis:
        console.print(_chassis(health))
    for missing in health.partial:
        console.print(Text(visible(f"not asked: {missing}"), style="magenta"))


def _components(health: Health) -> Table:
    table = Table(box=None, pad_edge=False)
    for name in ("component", "ready", "updated", "restarts", "version"):
        table.add_column(name)
    for c in health.components:
        version = ", ".join(image.rpartition(":")[2] for image in c.images)
        cells = (c.name, f"{c.available}/{c.wanted}", str(c.updated), str(c.restarts), version)
        table.add_row(*(Text(visible(cell)) for cell in cells))
    return table


def _chassis(health: Health) -> Table:
    table = Table(box=None, pad_edge=False)
    for name in ("node", "chassis", "tunnel", "lag", "ovn-controller", "flows"):
        table.add_column(name)
    for c in health.chassis:
        cells = (
            c.node,
            "yes" if c.registered else "MISSING",
            c.tunnel_ip,
            "" if c.lag is None else str(c.lag),
            c.controller or c.problem,
            "" if c.flows is None else str(c.flows),
        )
        table.add_row(*(Text(visible(cell)) for cell in cells))
    return table

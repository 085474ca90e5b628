"""``ko-tui nb|sb status|kick|backup|dbstatus`` and ``ko-tui nb restore``."""

from __future__ import annotations

import argparse
import json
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING, cast

from rich.table import Table
from rich.text import Text

from ko_tui.backend.cluster.leader import SCHEMA, Database
from ko_tui.backend.errors import PolicyRefusal, UsageError
from ko_tui.cli.options import refuse_saved, session_options
from ko_tui.cli.render_table import ROOMY, table_console
from ko_tui.cli.visible import visible

if TYPE_CHECKING:
    from ko_tui.backend.operations.members import Member
    from ko_tui.backend.session import Session

SUMMARY = "Status of all members of an OVN database, removal of one, and backup."
WRITES = frozenset({"kick", "restore"})


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "action",
        choices=("status", "kick", "backup", "dbstatus", "restore"),
        help="status: every member of this database; dbstatus: both databases; kick SERVER: remove a member that is "
        "gone for good; backup [FILE]: as a standalone database, verified; restore [FILE]: nb only, step by step",
    )
    parser.add_argument(
        "argument",
        nargs="?",
        default="",
        help="server ID for kick, a file (or directory) for backup, a file for restore",
    )
    restore = parser.add_argument_group("restore")
    restore.add_argument("--resume", action="store_true", help="go on with a restore that stopped half-way")
    restore.add_argument("--abort", action="store_true", help="undo a restore that stopped half-way")
    restore.add_argument(
        "--status", action="store_true", help="how far the last restore went; needs no cluster"
    )
    restore.add_argument("--seconds", type=float, default=300.0, help="how long each step may wait")
    shown = parser.add_mutually_exclusive_group()
    shown.add_argument("--json", action="store_true")
    shown.add_argument("--raw", action="store_true", help="status: what each server said, the leader first")
    parser.add_argument("--force", action="store_true", help="backup: replace a file that is there")
    parser.set_defaults(word=parser.prog.rsplit(" ", 1)[-1])


def run(args: argparse.Namespace) -> int:
    database = cast(Database, args.word)
    if args.action == "restore":
        from ko_tui.cli.restore import check_words

        check_words(args)
    unlocked = args.allow_write and not args.read_only_strict
    only_asks = args.action not in WRITES or (args.action == "restore" and args.status)
    if not only_asks and not unlocked:
        raise PolicyRefusal(
            f"{args.word} {args.action} changes the cluster and ko-tui is read-only.",
            "Start it with --allow-write.",
        )
    if args.action in ("status", "dbstatus") and args.argument:
        raise UsageError(f"{args.action} takes no argument, but {args.argument!r} was given.")
    if args.action == "kick" and not args.argument:
        raise UsageError(
            "No server was named.", f"ko-tui {args.word} status lists the servers and their IDs."
        )
    if args.action in ("backup", "kick"):
        refuse_saved(args, f"{args.word} {args.action}")
    from ko_tui.backend.session import open_session

    session = open_session(session_options(args))
    try:
        if args.action == "backup":
            return _backup(session, database, args)
        if args.action == "restore":
            from ko_tui.cli.restore import restore

            return restore(session, args)
        if args.action == "kick":
            return _kick(session, database, args)
        return _status(session, database, args)
    finally:
        session.close()


def _status(session: Session, database: Database, args: argparse.Namespace) -> int:
    from ko_tui.backend.operations.members import ask_members

    wanted: tuple[Database, ...] = ("nb", "sb") if args.action == "dbstatus" else (database,)
    with ThreadPoolExecutor(len(wanted)) as pool:  # a silent pod holds up both questions only once
        answers = dict(zip(wanted, pool.map(lambda name: ask_members(session, name), wanted), strict=True))
    if args.raw:
        for name, members in answers.items():
            print_raw(name, members)
    elif args.json:
        print(json.dumps({SCHEMA[n]: [m.facts() for m in ms] for n, ms in answers.items()}, indent=2))
    else:
        for name, members in answers.items():
            print_members(name, members)
    everyone = [m for members in answers.values() for m in members]
    return 1 if not everyone or any(not m.well or "ok" not in m.storage for m in everyone) else 0


def print_raw(database: Database, members: list[Member]) -> None:
    """The servers' own words, as kubectl ko prints the leader's; the leader first."""
    for member in sorted(members, key=lambda m: m.status.role != "leader"):
        print(visible(f"# {SCHEMA[database]} of {member.pod} on {member.node}"))
        print("\n".join(visible(line) for line in (member.said or member.problem).splitlines()))


def print_members(database: Database, members: list[Member]) -> None:
    """A row a member, what they disagree on visible at a glance."""
    from ko_tui.backend.operations.members import REMOVED

    console = table_console()
    roomy = console.width >= ROOMY
    console.print(Text(SCHEMA[database], style="bold"))
    table = Table(box=None, pad_edge=False, padding=(0, 1, 0, 0))
    table.add_column("node", no_wrap=True, max_width=None if roomy else 18)
    widest = {"pod": 6, "id": 4, "role": 8, "term": 4, "leader": 6, "log": 7, "behind": 6}
    for name, width in {**widest, "storage": 7, "state": 5}.items():
        table.add_column(name, no_wrap=True, min_width=width)
    notes = []
    for member in members:
        status = member.status
        clustered = status.kind == "clustered"
        well = member.well
        if not well:
            notes.append(f"{member.pod}: {member.problem or status.status or status.kind}")
        cells = (
            member.node,
            member.pod if roomy else f"…{member.pod[-5:]}",
            status.nick,
            status.role or ("removed" if member.problem == REMOVED else status.kind),
            str(status.term or ""),
            status.leader_nick,
            f"{status.log_first}-{status.log_next}" if status.log_next else "",
            str(status.not_applied + status.not_committed) if clustered else "",
            member.storage,
            "ok" if well else "bad",
        )
        table.add_row(*(Text(visible(cell)) for cell in cells))
    console.print(table)
    for note in notes:
        console.print(Text(visible(f"  {note}"), style="yellow"), soft_wrap=True)


def _backup(session: Session, database: Database, args: argparse.Namespace) -> int:
    from ko_tui.backend.operations.backup import backup, default_path

    path = Path(args.argument) if args.argument else default_path(database)
    if path.is_dir():
        path /= default_path(database)
    elif args.argument.endswith("/"):
        raise UsageError(f"There is no directory {args.argument}.", "Make it first, or name a file.")
    show = sys.stderr.isatty()

    def progress(size: int) -> None:
        if show:
            print(f"\r{size / 1e6:.1f} MB", end="", file=sys.stderr, flush=True)

    done = backup(session, database, path, on_progress=progress, force=args.force)
    if show:
        print(file=sys.stderr)
    if not done.certain:
        print(f"ko-tui: {visible(done.why)}", file=sys.stderr)
    print(
        f"{done.path}: {done.size} bytes, {sum(done.rows.values())} rows in {len(done.rows)} tables, verified"
    )
    print(f"sha256 {done.sha256}")
    return 0


def _kick(session: Session, database: Database, args: argparse.Namespace) -> int:
    from ko_tui.backend.operations.members import kick, outcome, plan_kick
    from ko_tui.cli.confirm import confirm

    plan = plan_kick(session, database, args.argument)
    confirm(
        plan.effect,
        target=plan.nick,
        given=plan.nick if args.yes in (args.argument, plan.server_id) else args.yes,
    )
    members = kick(session, plan)
    print(outcome(plan, members))
    print_members(database, members)
    return 0

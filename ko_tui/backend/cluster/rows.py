"""Rows of the OVN databases: from the leader's own tools on a live cluster, from the file on a saved one."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import TYPE_CHECKING

from ko_tui.backend.cluster.leader import SCHEMA, Database, Leader
from ko_tui.backend.cluster.leading import run_on_leader, turned_away
from ko_tui.backend.command.run import CommandRun
from ko_tui.backend.errors import ClusterError
from ko_tui.backend.ovn.table import Row, parse_table
from ko_tui.backend.ovs.silence import DAEMON, STUCK, gave_up
from ko_tui.backend.source.ovsdb_find import pick_rows

if TYPE_CHECKING:
    from ko_tui.backend.session import Session

TOOL = {"nb": "ovn-nbctl", "sb": "ovn-sbctl"}
TIMEOUT = 30  # seconds for the tool itself; the exec gets a little more


class ToolFailed(ClusterError):
    """An OVN or OVS tool ended with an error."""

    title = "The command failed in the pod"


class NoAnswerInTime(ToolFailed):
    """The tool's own time limit ended it: whom it asked is there, and does not answer."""

    title = "No answer in time"


def rows_argv(
    database: Database,
    table: str,
    columns: Sequence[str],
    where: Sequence[str],
    record: str,
    *,
    leader_only: bool = True,
) -> tuple[str, ...]:
    """The words of ovn-nbctl(8) or ovn-sbctl(8) that print rows as JSON."""
    words = [TOOL[database], f"--timeout={TIMEOUT}"]
    if not leader_only:
        words.append("--no-leader-only")
    words.append("--format=json")
    if columns:
        words.append(f"--columns={','.join(columns)}")
    if where:
        return (*words, "find", table, *where)
    if record:
        return (*words, "--if-exists", "list", table, record)
    return (*words, "list", table)


def ask_rows(
    session: Session,
    database: Database,
    table: str,
    columns: Sequence[str],
    where: Sequence[str],
    record: str,
) -> list[Row]:
    """See Session.rows."""
    saved = getattr(session.source, "database", None)
    if saved is not None:
        return list(saved(database).find(table, columns, where, record))
    leader = session.leader(database)
    if leader.cut_off:
        return _dumped(session, leader, database, table, columns, where, record)
    run, leader = run_on_leader(
        session,
        database,
        lambda leader: rows_argv(database, table, columns, where, record, leader_only=leader.certain),
        timeout=TIMEOUT + 5,
    )
    if turned_away(run) and not leader.certain:
        return _dumped(session, leader, database, table, columns, where, record)
    return parse_table(check(run).stdout)


def dump_argv(
    database: Database, table: str, columns: Sequence[str], where: Sequence[str] = (), record: str = ""
) -> tuple[str, ...]:
    """The words of ovsdb-client(1) that print a table as the tools do, with the columns that conditions need too."""
    wanted = sorted({*columns, *map(_column, where)}) if columns and not record else []
    remote = f"unix:/var/run/ovn/ovn{database}_db.sock"
    base = ("ovsdb-client", f"--timeout={TIMEOUT}", "--format=json", "dump", remote)
    return (*base, SCHEMA[database], table, *wanted)


def _column(condition: str) -> str:
    return re.split(r"\W", condition, maxsplit=1)[0]


def _dumped(
    session: Session,
    leader: Leader,
    database: Database,
    table: str,
    columns: Sequence[str],
    where: Sequence[str],
    record: str,
) -> list[Row]:
    """The rows from a member that has lost its cluster: OVN's own tools take no answer from it, ovsdb-client does."""
    argv = dump_argv(database, table, columns, where, record)
    rows = parse_table(check(session.run(leader.pod, argv, timeout=TIMEOUT + 5)).stdout)
    known = set(rows[0]) if rows else {"_uuid", *columns, *map(_column, where)}
    return pick_rows(rows, known, table, columns, where, record)


def check(run: CommandRun) -> CommandRun:
    """The run itself when it ended well. Raises ToolFailed with the tool's own words."""
    if run.exit_code == 0:
        return run
    if gave_up(run.stderr):
        raise NoAnswerInTime(
            f"{DAEMON.get(run.tool, 'the daemon')} gave {run.tool} no answer in {run.pod}: {STUCK}.",
            f"See ko-tui status, and the log of that pod. Again by hand: {run.kubectl()}",
        )
    said = (run.stderr.strip() or run.stdout.strip()).splitlines()
    raise ToolFailed(
        f"{run.tool} in {run.pod} ended with status {run.exit_code}: {said[-1] if said else 'no message'}",
        f"Try it by hand: {run.kubectl()}",
    )

"""The policy for ovsdb-client, ovsdb-tool, ovn-trace and tcpdump."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence

from ko_tui.backend.command import policy_tables as tables
from ko_tui.backend.command.policy_words import COMMAND, Parsed, Refused, operand, operands, options_anywhere

TIMEOUT_S = 30
READING_OPERATIONS = frozenset({"select", "comment"})
CAPTURE_PACKETS = 1000
SNAPLEN = 262144


def check_ovsdb_client(tool: str, words: Sequence[str], write: bool) -> Parsed:
    """Servers only on the usual sockets; ``query`` only with operations that select."""
    options, rest = options_anywhere(words, tables.OVSDB_CLIENT_OPTIONS)
    command = _command(tool, rest, tables.OVSDB_CLIENT, write)
    if command in tables.OVSDB_CLIENT_NEVER:
        raise Refused(f"{tool} {command} runs on for ever or holds a lock.", unlock=False)
    arguments = rest[1:]
    if arguments and ":" in arguments[0] and not arguments[0].startswith("["):
        operand(arguments[0], tables.OVSDB_SERVER, "a database socket of this pod")
        arguments = arguments[1:]
    if command == "query":
        if len(arguments) != 1:
            raise Refused("ovsdb-client query takes one transaction.", unlock=False)
        check_transaction(arguments[0])
    elif not write:
        for name in arguments:
            operand(name, tables.NAME, "the name of a database, table or column")
    belts = () if any(n in ("-t", "--timeout") for n, _ in options) else (f"--timeout={TIMEOUT_S}",)
    return Parsed((*belts, *words), (command,))


def check_ovsdb_tool(tool: str, words: Sequence[str], write: bool) -> Parsed:
    """Database files only where Kube-OVN keeps them, and always named."""
    _, rest = options_anywhere(words, tables.OVSDB_TOOL_OPTIONS)
    command = _command(tool, rest, tables.OVSDB_TOOL, write)
    arguments = rest[1:]
    if not arguments:
        raise Refused(f"{tool} {command} needs a database file.", unlock=False)
    if command == "query":
        if len(arguments) != 2:
            raise Refused("ovsdb-tool query takes a database file and one transaction.", unlock=False)
        check_transaction(arguments[1])
        arguments = arguments[:1]
    if not write:
        for path in arguments:
            operand(path, tables.OVSDB_FILE, "a database file in /etc/ovn or /etc/openvswitch")
    return Parsed(tuple(words), (command,))


def check_transaction(text: str) -> None:
    """An OVSDB transaction (RFC 7047, 4.1.3) whose operations only read."""
    try:
        transaction = json.loads(text)
    except (ValueError, RecursionError):
        raise Refused("The transaction is not JSON.", unlock=False) from None
    if not isinstance(transaction, list) or not transaction or not isinstance(transaction[0], str):
        raise Refused("A transaction is a list that begins with the database's name.", unlock=False)
    for operation in transaction[1:]:
        kind = operation.get("op") if isinstance(operation, dict) else None
        if not isinstance(kind, str) or kind not in READING_OPERATIONS:
            raise Refused(f"The operation {kind!r} does not only read.", unlock=False)


def check_ovn_trace(tool: str, words: Sequence[str], write: bool) -> Parsed:
    """``[DATAPATH] MICROFLOW`` and the options that shape the answer; in no mode more."""
    try:
        _, rest = options_anywhere(words, tables.OVN_TRACE_OPTIONS)
        operands(rest, tool)
    except Refused as refused:
        raise Refused(refused.reason, unlock=False) from None
    if len(rest) not in (1, 2):
        raise Refused("ovn-trace takes a datapath and a microflow.", unlock=False)
    return Parsed(tuple(words), ("trace",))


def check_tcpdump(tool: str, words: Sequence[str], write: bool) -> Parsed:
    """A capture that prints or streams; never one that writes files, runs programs or changes its user."""
    try:
        options, rest = options_anywhere(words, tables.TCPDUMP_OPTIONS)
        operands(rest, tool)
    except Refused as refused:
        raise Refused(refused.reason, unlock=False) from None
    given = {name for name, _ in options}
    belts = []
    if "-U" not in given:
        belts.append("-U")
    if "-s" not in given:
        belts += ["-s", str(SNAPLEN)]
    if "-c" not in given:
        belts += ["-c", str(CAPTURE_PACKETS)]
    return Parsed((*belts, *words), ("capture",))


def _command(tool: str, rest: Sequence[str], allowed: frozenset[str], write: bool) -> str:
    if not rest or re.fullmatch(COMMAND, rest[0]) is None:
        raise Refused(
            f"{rest[0]!r} is not a command of {tool}." if rest else f"{tool} needs a command.", unlock=False
        )
    if not write and rest[0] not in allowed:
        raise Refused(f"{tool} {rest[0]} is not on the list of commands that only read.")
    return rest[0]

"""The policy for ovn-nbctl, ovn-sbctl, ovn-ic-nbctl, ovn-ic-sbctl and ovs-vsctl: commands chained by ``--``."""

from __future__ import annotations

import re
from collections.abc import Sequence

from ko_tui.backend.command import policy_tables as tables
from ko_tui.backend.command.policy_words import COMMAND, Parsed, Refused, options_first

TIMEOUT_S = 30
_TABLE_COMMANDS = frozenset({"list", "find", "get"})
_NUMBER = re.compile(r"-\d+")


def check_ctl(tool: str, words: Sequence[str], write: bool) -> Parsed:
    """Every command of the chain must be on the list. ``--dry-run`` is the second belt where nothing writes."""
    commands: list[str] = []
    given: set[str] = set()
    own = tables.VSCTL_OPTIONS if tool == "ovs-vsctl" else tables.CTL_OPTIONS
    for index, segment in enumerate(_chain(words)):
        extra = tables.CTL_WRITE_OPTIONS if write else tables.CTL_COMMAND_OPTIONS
        options, rest = options_first(segment, {**extra, **own} if index == 0 else extra)
        if not rest:
            raise Refused(f"A command of {tool} is missing.", unlock=False)
        command = rest[0]
        _check_command(tool, command, rest[1:], write)
        known = tables.CTL[tool].get(command, frozenset())
        for name, value in options:
            if index == 0 and name in own and name not in extra:
                given.add(name)
            elif name not in known and not (index == 0 and name in own) and not write:
                raise Refused(f"The option {name} is not on the list for {tool} {command}.")
            if name == "--wait" and value not in ("none", "sb", "hv"):
                raise Refused(f"--wait={value} is not known.", unlock=False)
        commands.append(command)
    belts = []
    if not given & {"--timeout", "-t"}:
        belts.append(f"--timeout={TIMEOUT_S}")
    if not write and "--dry-run" not in given:
        belts.append("--dry-run")
    return Parsed((*belts, *words), tuple(commands))


def _chain(words: Sequence[str]) -> list[list[str]]:
    segments: list[list[str]] = [[]]
    for word in words:
        if word == "--":
            segments.append([])
        else:
            segments[-1].append(word)
    # "-- cmd" at the very start is the usual way to end the tool's own options.
    if len(segments) > 1 and not segments[0]:
        raise Refused("A command is missing before --.", unlock=False)
    return segments


def _check_command(tool: str, command: str, arguments: Sequence[str], write: bool) -> None:
    if COMMAND.fullmatch(command) is None:
        raise Refused(f"{command!r} is not a command of {tool}.", unlock=False)
    if not write and command not in tables.CTL[tool]:
        raise Refused(f"{tool} {command} is not on the list of commands that only read.")
    for argument in arguments:
        if argument.startswith("-") and not (write and _NUMBER.fullmatch(argument)):
            raise Refused(f"The argument {argument!r} of {command} looks like an option.")
    if command in _TABLE_COMMANDS:
        if not arguments or re.fullmatch(tables.NAME, arguments[0]) is None:
            raise Refused(f"{tool} {command} needs the name of a table.", unlock=False)
        if command == "get" and any(a.startswith("@") for a in arguments):
            raise Refused("A name with @ stands for a row that another command makes.")

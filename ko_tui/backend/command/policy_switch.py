"""The policy for ovs-ofctl, ovs-dpctl, ovs-appctl and ovn-appctl."""

from __future__ import annotations

import re
from collections.abc import Sequence

from ko_tui.backend.command import policy_tables as tables
from ko_tui.backend.command.policy_words import (
    COMMAND,
    Parsed,
    Refused,
    operand,
    operands,
    options_anywhere,
    options_first,
)

TIMEOUT_S = 30
_FOREVER = "It runs on for ever, or loads the switch; ko-tui does not start it."


def check_ofctl(tool: str, words: Sequence[str], write: bool) -> Parsed:
    """The target must be a bridge's name: ovs-ofctl would connect to a remote or a path just as well."""
    table = tables.OFCTL_WRITE_OPTIONS if write else tables.OFCTL_OPTIONS
    options, rest = options_anywhere(words, table)
    command = _command(tool, rest)
    if command in tables.OFCTL_NEVER:
        raise Refused(f"{tool} {command}: {_FOREVER}", unlock=False)
    if not write and command not in tables.OFCTL:
        raise Refused(f"{tool} {command} is not on the list of commands that only read.")
    if len(rest) < 2:
        raise Refused(f"{tool} {command} needs a bridge.", unlock=False)
    operand(rest[1], tables.BRIDGE, "the name of a bridge")
    return _with_belts(words, {n for n, _ in options}, command, read_only=not write)


def check_dpctl(tool: str, words: Sequence[str], write: bool) -> Parsed:
    table = tables.DPCTL_WRITE_OPTIONS if write else tables.DPCTL_OPTIONS
    options, rest = options_anywhere(words, table)
    command = _command(tool, rest)
    if not write and command not in tables.DPCTL:
        raise Refused(f"{tool} {command} is not on the list of commands that only read.")
    if len(rest) > 1 and command == "show":
        for name in rest[1:]:
            operand(name, tables.DATAPATH, "the name of a datapath")
    return _with_belts(words, {n for n, _ in options}, command, read_only=not write)


def _with_belts(words: Sequence[str], given: set[str], command: str, *, read_only: bool) -> Parsed:
    belts = []
    if not given & {"--timeout", "-t"}:
        belts.append(f"--timeout={TIMEOUT_S}")
    if read_only and "--read-only" not in given:
        belts.append("--read-only")
    return Parsed((*belts, *words), (command,))


def check_appctl(tool: str, words: Sequence[str], write: bool) -> Parsed:
    """The command is checked against the list of the daemon that the target names."""
    options, rest = options_first(words, tables.APPCTL_OPTIONS)
    command = _command(tool, rest)
    targets = [str(value) for name, value in options if name in ("-t", "--target")]
    if len(targets) > 1:
        raise Refused("More than one target is given.", unlock=False)
    if not targets and tool == "ovn-appctl":
        raise Refused("ovn-appctl needs a target: -t ovn-controller, for example.", unlock=False)
    daemon = daemon_of(targets[0] if targets else "ovs-vswitchd")
    arguments = rest[1:]
    if not write:
        if command not in tables.APPCTL[daemon]:
            raise Refused(f"{command} is not on the list of commands of {daemon} that only read.")
        if command in tables.APPCTL_BARE and arguments:
            raise Refused(f"{command} with an argument changes the setting.")
        _, others = options_anywhere(arguments, tables.APPCTL_FLAGS.get(command, {}))
        operands(others, command)
        if command == "ofproto/trace":
            _check_ofproto_trace(others)
    belts = () if any(n in ("-T", "--timeout") for n, _ in options) else (f"--timeout={TIMEOUT_S}",)
    return Parsed((*belts, *words), (command,))


_DAEMONS = (
    (re.compile(r"ovs-vswitchd(\.\d+)?"), "ovs-vswitchd"),
    (re.compile(r"ovsdb-server(\.\d+)?"), "ovsdb-server"),
    (re.compile(r"ovn(nb|sb|_ic_nb|_ic_sb)_db"), "ovsdb-server"),
    (re.compile(r"ovn-controller(\.\d+)?"), "ovn-controller"),
    (re.compile(r"ovn-northd(\.\d+)?"), "ovn-northd"),
    (re.compile(r"ovn-ic(\.\d+)?"), "ovn-ic"),
)
_CONTROL_SOCKET = re.compile(r"(?:/var)?/run/(?:ovn|openvswitch)/([A-Za-z0-9_.-]+)\.ctl")


def daemon_of(target: str) -> str:
    """The daemon behind a target: a daemon's name, or its control socket in the two usual directories."""
    path = _CONTROL_SOCKET.fullmatch(target)
    name = path[1] if path else target
    for pattern, daemon in _DAEMONS:
        if pattern.fullmatch(name) and (path or name == daemon):
            return daemon
    raise Refused(f"{target!r} is not a target that ko-tui knows.", unlock=False)


def _check_ofproto_trace(arguments: Sequence[str]) -> None:
    """``BRIDGE FLOW``, or a datapath flow alone. A packet in hex would teach the switch addresses."""
    if len(arguments) not in (1, 2):
        raise Refused("ofproto/trace takes a bridge and a flow here; a packet would have side effects.")
    if len(arguments) == 2:
        operand(arguments[0], tables.BRIDGE, "the name of a bridge", unlock=True)
    if re.fullmatch(r"[0-9A-Fa-f\s]+", arguments[-1]):
        raise Refused("ofproto/trace with a packet has side effects.")


def _command(tool: str, rest: Sequence[str]) -> str:
    if not rest or COMMAND.fullmatch(rest[0]) is None:
        raise Refused(
            f"{rest[0]!r} is not a command of {tool}." if rest else f"{tool} needs a command.", unlock=False
        )
    return rest[0]

"""What may run in a pod: default deny, exact allow lists, no I/O.

Read-only is the default. ``--allow-write`` lets other commands through, marked as writing, so that whoever runs
them asks first; options that name files, servers or daemons stay shut in every mode. ``--read-only-strict`` keeps
only a short list. This protects against mistakes: what the cluster allows is decided by its RBAC (``ko-tui rbac``).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal

from ko_tui.backend.command import policy_tables as tables
from ko_tui.backend.command.policy_ctl import check_ctl
from ko_tui.backend.command.policy_files import (
    check_ovn_trace,
    check_ovsdb_client,
    check_ovsdb_tool,
    check_tcpdump,
)
from ko_tui.backend.command.policy_switch import check_appctl, check_dpctl, check_ofctl
from ko_tui.backend.command.policy_words import Parsed, Refused, check_words

Mode = Literal["read-only", "strict", "allow-write"]
READ_ONLY: Mode = "read-only"
STRICT: Mode = "strict"
ALLOW_WRITE: Mode = "allow-write"

Checker = Callable[[str, Sequence[str], bool], Parsed]

TOOLS: dict[str, Checker] = {
    **dict.fromkeys(tables.CTL, check_ctl),
    "ovs-ofctl": check_ofctl,
    "ovs-dpctl": check_dpctl,
    "ovs-appctl": check_appctl,
    "ovn-appctl": check_appctl,
    "ovsdb-client": check_ovsdb_client,
    "ovsdb-tool": check_ovsdb_tool,
    "ovn-trace": check_ovn_trace,
    "tcpdump": check_tcpdump,
}


@dataclass(frozen=True, slots=True)
class Decision:
    """``argv`` are the arguments to run (without the program), with time limit and belts put in; empty when
    refused. ``reason`` says why not, and what would allow it. ``rule`` names the entry that decided."""

    allowed: bool
    reason: str
    argv: tuple[str, ...]
    writes: bool
    rule: str


def check(tool: str, argv: Sequence[str], *, mode: Mode = READ_ONLY, capture: bool = False) -> Decision:
    """May ``tool`` run with the arguments ``argv``? ``capture`` is the right to read packets' payload (tcpdump)."""
    checker = TOOLS.get(tool)
    if checker is None:
        return _refuse(f"{tool!r} is not one of the tools.", f"{tool}: unknown", never=True)
    try:
        check_words(argv)
    except Refused as refused:
        return _refuse(refused.reason, f"{tool}: words", never=True)
    if tool in tables.ABOUT_TOOLS and len(argv) == 1 and argv[0] in tables.ABOUT:
        return Decision(True, "", tuple(argv), False, f"{tool}: {argv[0]}")
    if tool == "tcpdump" and mode == STRICT:
        return _refuse(
            "A capture reads the payload of packets.",
            "tcpdump: strict",
            unlock="a start without --read-only-strict",
        )
    if tool == "tcpdump" and not capture and mode != ALLOW_WRITE:
        return _refuse("A capture reads the payload of packets.", "tcpdump: capture", unlock="ko-tui tcpdump")
    try:
        parsed = checker(tool, argv, False)
    except Refused as refused:
        writing = _writing(checker, tool, argv) if refused.unlock else None
        if isinstance(writing, Parsed) and mode == ALLOW_WRITE:
            return Decision(True, "", writing.argv, True, f"{tool}: {' '.join(writing.commands)} (writes)")
        reason = writing if isinstance(writing, str) else refused.reason
        unlock = "--allow-write without --read-only-strict" if mode == STRICT else "--allow-write"
        return _refuse(reason, f"{tool}: not listed", never=not isinstance(writing, Parsed), unlock=unlock)
    if mode == STRICT:
        outside = [c for c in parsed.commands if c not in tables.STRICT.get(tool, frozenset())]
        if outside:
            return _refuse(
                f"{tool} {outside[0]} is not on the short list.",
                f"{tool}: strict",
                unlock="a start without --read-only-strict",
            )
    return Decision(True, "", parsed.argv, False, f"{tool}: {' '.join(parsed.commands)}")


def _writing(checker: Checker, tool: str, argv: Sequence[str]) -> Parsed | str:
    """The argv as a writing command, or why it may not run even as that."""
    try:
        return checker(tool, argv, True)
    except Refused as refused:
        return refused.reason


def _refuse(reason: str, rule: str, *, never: bool = False, unlock: str = "--allow-write") -> Decision:
    if never:
        way = "ko-tui is read-only and passes this on in no mode, not even with --allow-write."
    elif unlock.startswith("--allow-write"):
        way = f"ko-tui is read-only: starting it with {unlock} would allow it, after asking."
    else:
        way = f"ko-tui is read-only: {unlock} would allow it."
    return Decision(False, f"{reason} {way}", (), False, rule)


def listing() -> dict[str, tuple[str, ...]]:
    """What may run read-only: tool (and daemon) -> its commands, sorted, for a person to read."""
    found: dict[str, tuple[str, ...]] = {
        tool: tuple(sorted(commands)) for tool, commands in tables.CTL.items()
    }
    found["ovs-ofctl"] = tuple(sorted(tables.OFCTL))
    found["ovs-dpctl"] = tuple(sorted(tables.DPCTL))
    for daemon, commands in tables.APPCTL.items():
        found[f"appctl, {daemon}"] = tuple(sorted(commands))
    found["ovsdb-client"] = tuple(sorted(tables.OVSDB_CLIENT))
    found["ovsdb-tool"] = tuple(sorted(tables.OVSDB_TOOL))
    found["ovn-trace"] = ("DATAPATH MICROFLOW",)
    return found

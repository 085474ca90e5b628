"""The allow lists as regular expressions over a whole argv, for a cluster to enforce.

The words of the argv are joined by :data:`SEPARATOR`, which no word may hold. The expressions are RE2's, match
whole lines, and are written from the same tables as :mod:`policy`, by another way: tests hold the two together.
``query`` of the ovsdb tools is left to the client: a transaction is no regular language.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from ko_tui.backend.command import policy_tables as tables
from ko_tui.backend.command.fixed import FIXED, PINGER, PINGER_OPTIONS

SEPARATOR = "\x1f"
_S = r"\x1f"
_WORD = r"[^\x1f-][^\x1f]*"  # a word that looks like no option
_ARGUMENTS = rf"({_S}{_WORD})*"
_TIMEOUT = rf"(timeout{_S}-k{_S}2{_S}[0-9]{{1,6}}(\.[0-9]{{1,6}})?{_S})?"
_NETNS = rf"(nsenter{_S}--net=/(var/)?run/netns/[A-Za-z0-9_-][A-Za-z0-9._-]*{_S})?"


def _any(words: Iterable[str]) -> str:
    return "(" + "|".join(sorted(re.escape(w).replace(r"\-", "-").replace(r"\/", "/") for w in words)) + ")"


def _options(table: Mapping[str, str | None]) -> str:
    """One option with the separator before it, in each spelling that the policy takes."""
    flags = [name for name, pattern in table.items() if pattern is None]
    parts = [_any(flags)] if flags else []
    by_pattern: dict[str, list[str]] = {}
    for name, pattern in table.items():
        if pattern is not None:
            by_pattern.setdefault(pattern, []).append(name)
    for pattern, names in by_pattern.items():
        pattern = pattern.replace(r"\d", "[0-9]")
        long = [n for n in names if n.startswith("--")]
        if pattern.startswith("|"):
            parts.append(f"{_any(names)}(=({pattern[1:]})?)?")
            continue
        parts.append(f"{_any(names)}{_S}({pattern})")
        if long:
            parts.append(f"{_any(long)}=({pattern})")
    return f"({_S}({'|'.join(parts)}))"


def _ctl(tool: str) -> str:
    """Commands with their own options, chained by ``--``; the tool's options before the first."""
    own = tables.VSCTL_OPTIONS if tool == "ovs-vsctl" else tables.CTL_OPTIONS
    by_options: dict[frozenset[str], list[str]] = {}
    for command, options in tables.CTL[tool].items():
        by_options.setdefault(options, []).append(command)

    def commands(tool_options: Mapping[str, str | None]) -> str:
        alternatives = []
        for options, names in by_options.items():
            table = {**tool_options, **{o: tables.CTL_COMMAND_OPTIONS[o] for o in sorted(options)}}
            before = f"{_options(table)}*" if table else ""
            rows = [n for n in names if n in ("list", "find", "get")]
            others = [n for n in names if n not in rows]
            if others:
                alternatives.append(f"{before}{_S}{_any(others)}{_ARGUMENTS}")
            for name in rows:
                word = r"[^\x1f@-][^\x1f]*" if name == "get" else _WORD
                alternatives.append(f"{before}{_S}{name}{_S}{tables.NAME}({_S}{word})*")
        return "(" + "|".join(alternatives) + ")"

    return f"{tool}{commands(own)}({_S}--{commands({})})*"


def _anywhere(program: str, table: Mapping[str, str | None], *words: str) -> str:
    """``words`` in order, with options between, before and behind them."""
    option = f"{_options(table)}*"
    return program + option + "".join(f"{_S}{word}{option}" for word in words)


def _more(table: Mapping[str, str | None], word: str = _WORD) -> str:
    return f"({_S}{word}|{_options(table)})*"


def _appctl() -> list[str]:
    seconds = rf"({_S}(-T{_S}|--timeout{_S}|--timeout=){tables.SECONDS.replace(chr(92) + 'd', '[0-9]')})*"
    names = {
        "ovs-vswitchd": r"ovs-vswitchd(\.[0-9]+)?",
        "ovsdb-server": r"(ovsdb-server(\.[0-9]+)?|ovn(nb|sb|_ic_nb|_ic_sb)_db)",
        "ovn-controller": r"ovn-controller(\.[0-9]+)?",
        "ovn-northd": r"ovn-northd(\.[0-9]+)?",
        "ovn-ic": r"ovn-ic(\.[0-9]+)?",
    }
    found = []
    for daemon, commands in tables.APPCTL.items():
        path = rf"(/var)?/run/(ovn|openvswitch)/{names[daemon]}\.ctl"
        target = rf"{_S}(-t{_S}|--target{_S}|--target=)({daemon}|{path})"
        head = f"(ovs|ovn)-appctl{seconds}{target}{seconds}"
        if daemon == "ovs-vswitchd":
            head = f"(ovs-appctl{seconds}|{head})"
        by_flags: dict[str, list[str]] = {}
        for command in commands:
            if command in tables.APPCTL_BARE:
                by_flags.setdefault("", []).append(command)
            elif command == "ofproto/trace":
                flags = f"{_options(tables.APPCTL_FLAGS[command])}*"
                # A packet in hex would have side effects: a flow holds some character that hex does not.
                flow = r"[^\x1f-][^\x1f]*[^0-9A-Fa-f\s\x1f][^\x1f]*|[^0-9A-Fa-f\s\x1f-][^\x1f]*"
                ends = f"{flags}({_S}{tables.BRIDGE}{flags})?{_S}({flow}){flags}"
                by_flags.setdefault(ends, []).append(command)
            else:
                flags_table = tables.APPCTL_FLAGS.get(command)
                by_flags.setdefault(_more(flags_table) if flags_table else _ARGUMENTS, []).append(command)
        tails = [f"{_any(names_)}{rest}" for rest, names_ in sorted(by_flags.items())]
        found.append(f"{head}{_S}({'|'.join(tails)})")
    return found


def _rest() -> list[str]:
    ofctl, dpctl = tables.OFCTL_OPTIONS, tables.DPCTL_OPTIONS
    client = tables.OVSDB_CLIENT_OPTIONS
    shown = tables.DPCTL - {"show"}
    datapath = tables.DATAPATH
    return [
        _anywhere("ovs-ofctl", ofctl, _any(tables.OFCTL), tables.BRIDGE) + _more(ofctl),
        _anywhere("ovs-dpctl", dpctl, _any(shown)) + _more(dpctl),
        _anywhere("ovs-dpctl", dpctl, "show") + _more(dpctl, datapath),
        _anywhere("ovsdb-client", client, _any(tables.OVSDB_CLIENT - {"query"}))
        + f"({_S}{tables.OVSDB_SERVER})?"
        + _more(client, tables.NAME),
        _anywhere(
            "ovsdb-tool", tables.OVSDB_TOOL_OPTIONS, _any(tables.OVSDB_TOOL - {"query"}), tables.OVSDB_FILE
        )
        + _more(tables.OVSDB_TOOL_OPTIONS, tables.OVSDB_FILE),
        f"{_any(tables.ABOUT_TOOLS)}{_S}{_any(tables.ABOUT)}",
        f"({_anywhere('ovn-trace', tables.OVN_TRACE_OPTIONS, _WORD)}"
        f"|{_anywhere('ovn-trace', tables.OVN_TRACE_OPTIONS, _WORD, _WORD)})",
    ]


def _fixed() -> list[str]:
    found = []
    for entry in FIXED:
        words = [f"({w})" if re.escape(w) != w else w for w in entry.words]
        line = _S.join(words).replace(r"\d", "[0-9]")
        found.append(_NETNS + line if entry.words[0] in ("arping", "ndisc6") else line)
    options = "|".join(PINGER_OPTIONS).replace(r"\d", "[0-9]")
    found.append(f"{PINGER}({_S}({options}))*{_S}--mode=job({_S}({options}))*")
    return found


@dataclass(frozen=True, slots=True)
class Line:
    """``expression`` matches the whole line of an argv; one of ``programs`` is then among its words."""

    expression: str
    programs: tuple[str, ...] = ()


def read_only_lines() -> list[Line]:
    """One expression a tool or fixed command; an argv may run when one of them matches the whole of it."""
    lines = [Line(_ctl(tool), (tool,)) for tool in tables.CTL]
    lines += [Line(expression, ("ovs-appctl", "ovn-appctl")) for expression in _appctl()]
    lines += [Line(expression) for expression in (*_rest(), *_fixed())]
    return [Line(f"^{_TIMEOUT}{line.expression}$", line.programs) for line in lines]


def capture_line() -> Line:
    """The expression for tcpdump, in the container's own network or in a pod's."""
    return Line(f"^{_TIMEOUT}{_NETNS}tcpdump{_more(tables.TCPDUMP_OPTIONS)}$", ("tcpdump",))

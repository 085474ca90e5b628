"""What can be typed in the console: tools, nodes, subcommands, options, tables, columns, bridges and datapaths."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

from ko_tui.screens.console_tables import TABLES
from ko_tui.widgets.highlight import Language

# Tables that people ask for most come first.
FIRST: dict[str, tuple[str, ...]] = {
    "nbctl": ("ACL", "Load_Balancer", "Logical_Router", "Logical_Switch", "Logical_Switch_Port", "NAT", "Port_Group"),
    "sbctl": ("Chassis", "Datapath_Binding", "Logical_Flow", "MAC_Binding", "Multicast_Group", "Port_Binding"),
    "vsctl": ("Bridge", "Interface", "Open_vSwitch", "Port"),
}  # fmt: skip
BRIDGE = "br-int"  # OVN's own, on every node
DAEMONS = ("ovs-vswitchd", "ovsdb-server", "ovn-controller")
WITH_BRIDGE = frozenset({"list-ports", "list-ifaces", "port-to-br", "get-controller", "get-fail-mode"})
_DATAPATH = re.compile(r"^(ls|lr|lsp|lrp|acl|qos|lflow)-|dump-flows$|count-flows$|show$")
WATCH = "watch"

Names = Mapping[
    str, Sequence[str]
]  # "node", "datapath", and "bridge NODE": what is there, as far as it is known
Candidate = tuple[str, str]


def completions(text: str, names: Names) -> list[Candidate]:
    """What the line could become, with what each is."""
    before, _, last = text.rpartition(" ")
    lead = f"{before} " if before else ""
    words = before.split()
    if words[:1] == [WATCH]:
        words = words[1:]
        watched = True
    else:
        watched = False
    found = _columns_option(words, last) or [
        (word, what) for word, what in _next(words, names, watched) if _fits(word, last)
    ]
    return [(lead + word, what) for word, what in found]


def node_of(text: str) -> str:
    """The node that a line names, once it is whole; "" for tools that need none."""
    from ko_tui.backend.command.tools import TOOLS

    words = text.split(" ")[:-1]
    if words[:1] == [WATCH]:
        words = words[1:]
    tool = TOOLS.get(words[0]) if words else None
    return words[1] if tool is not None and tool.place == "node" and len(words) > 1 else ""


def _fits(word: str, last: str) -> bool:
    return word.lower().startswith(last.lower()) and word != last


def _next(words: list[str], names: Names, watched: bool) -> list[Candidate]:
    from ko_tui.backend.command import policy_tables as allowed
    from ko_tui.backend.command.tools import TOOLS

    if not words:
        tools = [(w, t.program) for w, t in TOOLS.items()]
        return tools if watched else [*tools, (WATCH, "again and again, differences marked")]
    tool = TOOLS.get(words[0])
    if tool is None:
        return []
    rest = words[1:]
    node = ""
    if tool.place == "node":
        if not rest:
            return [(name, "node") for name in names.get("node", ())]
        node, rest = rest[0], rest[1:]
    bridges = [(b, "bridge") for b in names.get(f"bridge {node}", (BRIDGE,))]
    plain = [w for w in rest if not w.startswith("-")]
    if tool.program in allowed.CTL:
        return _ctl(tool.word, allowed.CTL[tool.program], plain, names, bridges)
    if tool.word == "ofctl":
        return _commands(allowed.OFCTL) if not plain else bridges if len(plain) == 1 else []
    if tool.word == "dpctl":
        return _commands(allowed.DPCTL) if not plain else []
    return _appctl(rest, bridges)


def _commands(known: Sequence[str] | frozenset[str] | Mapping[str, object]) -> list[Candidate]:
    return [(word, "command") for word in sorted(known)]


def _ctl(
    word: str,
    commands: Mapping[str, frozenset[str]],
    plain: list[str],
    names: Names,
    bridges: list[Candidate],
) -> list[Candidate]:
    if not plain:
        return [*_commands(commands), *_option("--columns=", "only these columns; before list or find")]
    command, *arguments = plain
    if command in ("list", "find", "get"):
        if not arguments:
            return tables(word)
        columns = TABLES.get(word, {}).get(arguments[0], ())
        if command == "find":
            return [(f"{c}=", "column") for c in columns]
        if command == "get" and len(arguments) > 1:
            return [(c, "column") for c in columns]
        return []
    if word == "vsctl":
        return bridges if command in WITH_BRIDGE and not arguments else []
    if _DATAPATH.search(command) and not arguments:
        return [(name, "switch or router") for name in names.get("datapath", ())]
    return []


def tables(word: str) -> list[Candidate]:
    """The tables of a tool's database, those that people ask for most first."""
    known = TABLES.get(word, {})
    first = [name for name in FIRST.get(word, ()) if name in known]
    return [(name, "table") for name in (*first, *(n for n in known if n not in first))]


def _option(name: str, what: str) -> list[Candidate]:
    return [(name, what)]


def _columns_option(words: list[str], last: str) -> list[Candidate]:
    """``--columns=name,po``: the columns of the table named before it, else of any."""
    option, sign, typed = last.partition("=")
    if option != "--columns" or not sign or not words:
        return []
    kept, comma, begun = typed.rpartition(",")
    known = TABLES.get(words[0], {})
    named = [known[w] for w in words if w in known]
    columns = sorted({c for table in (named or known.values()) for c in table})
    return [(f"{option}={kept}{comma}{c}", "column") for c in columns if _fits(c, begun)]


def _appctl(rest: list[str], bridges: list[Candidate]) -> list[Candidate]:
    from ko_tui.backend.command import policy_tables as allowed

    daemon = "ovs-vswitchd"
    if "-t" in rest:
        at = rest.index("-t")
        if at + 1 >= len(rest):
            return [(d, "daemon") for d in DAEMONS]
        daemon, rest = rest[at + 1], rest[:at] + rest[at + 2 :]
    plain = [w for w in rest if not w.startswith("-")]
    if plain:
        return bridges if len(plain) == 1 and daemon == "ovs-vswitchd" else []
    return [("-t", "another daemon"), *_commands(allowed.APPCTL.get(daemon, frozenset()))]


def language_of(words: Sequence[str]) -> Language:
    """How the output of a call is coloured."""
    text = " ".join(words)
    if "lflow-list" in text or (words[1:2] == ["dump-flows"] and words[0] == "sbctl"):
        return "flow"
    if "dump-flows" in text or "ofproto/trace" in text or "dump-conntrack" in text:
        return "openflow"
    return "plain"

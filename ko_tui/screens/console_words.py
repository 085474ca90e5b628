"""What can be typed in the console: tools, nodes, subcommands, tables and columns."""

from __future__ import annotations

from collections.abc import Sequence

from ko_tui.widgets.highlight import Language

# Tables that people ask for most; the rest can be typed all the same (ovn-nb(5), ovn-sb(5), ovs-vswitchd.conf.db(5)).
TABLES: dict[str, tuple[str, ...]] = {
    "nbctl": (
        "ACL", "Address_Set", "BFD", "Connection", "DHCP_Options", "DNS", "Forwarding_Group", "Gateway_Chassis",
        "HA_Chassis", "HA_Chassis_Group", "Load_Balancer", "Load_Balancer_Group", "Load_Balancer_Health_Check",
        "Logical_Router", "Logical_Router_Policy", "Logical_Router_Port", "Logical_Router_Static_Route",
        "Logical_Switch", "Logical_Switch_Port", "Meter", "NAT", "NB_Global", "Port_Group", "QoS",
    ),
    "sbctl": (
        "Address_Set", "BFD", "Chassis", "Chassis_Private", "Connection", "Controller_Event", "DNS",
        "Datapath_Binding", "Encap", "FDB", "Gateway_Chassis", "HA_Chassis_Group", "IGMP_Group", "Load_Balancer",
        "Logical_DP_Group", "Logical_Flow", "MAC_Binding", "Meter", "Multicast_Group", "Port_Binding", "Port_Group",
        "SB_Global", "Service_Monitor",
    ),
    "vsctl": (
        "Bridge", "CT_Timeout_Policy", "CT_Zone", "Controller", "Datapath", "Interface", "Manager", "Mirror",
        "Open_vSwitch", "Port", "QoS", "Queue",
    ),
}  # fmt: skip
COLUMNS: dict[str, tuple[str, ...]] = {
    "ACL": ("action", "direction", "match", "name", "priority", "external_ids", "tier", "log"),
    "Logical_Switch_Port": ("name", "addresses", "port_security", "type", "options", "up", "external_ids"),
    "Logical_Switch": ("name", "ports", "acls", "load_balancer", "other_config", "external_ids"),
    "Load_Balancer": ("name", "vips", "protocol", "options", "external_ids"),
    "Port_Binding": ("logical_port", "chassis", "datapath", "mac", "type", "tunnel_key", "up", "options"),
    "Chassis": ("name", "hostname", "encaps", "nb_cfg", "external_ids", "other_config"),
    "Interface": ("name", "ofport", "external_ids", "error", "link_state", "statistics", "options"),
    "Logical_Flow": (
        "logical_datapath",
        "pipeline",
        "table_id",
        "priority",
        "match",
        "actions",
        "external_ids",
    ),
    "MAC_Binding": ("logical_port", "ip", "mac", "datapath", "timestamp"),
}
BRIDGES = ("br-int",)
DAEMONS = ("ovs-vswitchd", "ovsdb-server", "ovn-controller")


def tools() -> dict[str, str]:
    """Word -> program."""
    from ko_tui.backend.command.tools import TOOLS

    return {word: tool.program for word, tool in TOOLS.items()}


def completions(text: str, nodes: Sequence[str]) -> list[tuple[str, str]]:
    """What the line could become, with what each is."""
    before, _, last = text.rpartition(" ")
    words = before.split()
    return [
        (f"{before} {word}" if before else word, what)
        for word, what in _next(words, nodes)
        if _fits(word, last)
    ]


def _fits(word: str, last: str) -> bool:
    return word.lower().startswith(last.lower()) and word != last


def _next(words: list[str], nodes: Sequence[str]) -> list[tuple[str, str]]:
    from ko_tui.backend.command import policy_tables as allowed
    from ko_tui.backend.command.tools import TOOLS

    if words[:1] == ["watch"]:
        words = words[1:]
    elif not words:
        return [*((w, t.program) for w, t in TOOLS.items()), ("watch", "again and again, differences marked")]
    if not words:
        return [(w, t.program) for w, t in TOOLS.items()]
    tool = TOOLS.get(words[0])
    if tool is None:
        return []
    rest = words[1:]
    if tool.place == "node":
        if not rest:
            return [(node, "node") for node in nodes]
        rest = rest[1:]
    plain = [w for w in rest if not w.startswith("-")]
    if tool.program in allowed.CTL:
        return _ctl(tool.word, tool.program, plain)
    if tool.word == "ofctl":
        return (
            [(w, "command") for w in sorted(allowed.OFCTL)] if not plain else [(b, "bridge") for b in BRIDGES]
        )
    if tool.word == "dpctl":
        return [(w, "command") for w in sorted(allowed.DPCTL)] if not plain else []
    return _appctl(rest)


def _ctl(word: str, program: str, plain: list[str]) -> list[tuple[str, str]]:
    from ko_tui.backend.command import policy_tables as allowed

    if not plain:
        return [(w, "command") for w in sorted(allowed.CTL[program])]
    if plain[0] in ("list", "find", "get"):
        if len(plain) == 1:
            return [(t, "table") for t in TABLES.get(word, ())]
        return [(c, "column") for c in COLUMNS.get(plain[1], ())]
    return []


def _appctl(rest: list[str]) -> list[tuple[str, str]]:
    from ko_tui.backend.command import policy_tables as allowed

    daemon = "ovs-vswitchd"
    if "-t" in rest:
        at = rest.index("-t")
        if at + 1 >= len(rest):
            return [(d, "daemon") for d in DAEMONS]
        daemon, rest = rest[at + 1], rest[:at] + rest[at + 2 :]
    known = allowed.APPCTL.get(daemon, frozenset())
    if [w for w in rest if not w.startswith("-")]:
        return [("br-int", "bridge")]
    return [("-t", "another daemon"), *((w, "command") for w in sorted(known))]


def language_of(words: Sequence[str]) -> Language:
    """How the output of a call is coloured."""
    text = " ".join(words)
    if "lflow-list" in text or (words[1:2] == ["dump-flows"] and words[0] == "sbctl"):
        return "flow"
    if "dump-flows" in text or "ofproto/trace" in text or "dump-conntrack" in text:
        return "openflow"
    return "plain"

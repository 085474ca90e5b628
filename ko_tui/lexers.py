"""Pygments lexers for OVN's matches, actions, flows and traces, and for OpenFlow.

Registered as entry points, so that any tool that uses Pygments can highlight OVN text. They colour whatever they
are given: text that is not in the language becomes plain text and never stops them.
"""

from __future__ import annotations

import re
from typing import Any, ClassVar

from pygments.lexer import RegexLexer, bygroups, include, using, words
from pygments.token import (
    Comment,
    Generic,
    Keyword,
    Name,
    Number,
    Operator,
    Punctuation,
    String,
    Text,
    Whitespace,
)

__all__ = ["OpenFlowLexer", "OvnActionLexer", "OvnFlowLexer", "OvnMatchLexer", "OvnTraceLexer"]


def _groups(*kinds: Any) -> Any:
    """``bygroups`` with types."""
    return bygroups(*kinds)  # type: ignore[no-untyped-call]


def _within(lexer: type[RegexLexer]) -> Any:
    """``using`` with types."""
    return using(lexer)  # type: ignore[no-untyped-call]


_MAC = r"(?:[0-9A-Fa-f]{1,2}:){5}[0-9A-Fa-f]{1,2}"
_IPV6 = (
    r"(?:[0-9A-Fa-f]{1,4}:){1,7}(?::|[0-9A-Fa-f]{1,4})(?::?[0-9A-Fa-f]{0,4}){0,7}|::(?:[0-9A-Fa-f:]{0,39})"
)
_IPV4 = r"\d{1,3}\.\d{1,3}\.\d{1,3}\.\d{1,3}"
_PREDICATES = (
    "ip", "ip4", "ip6", "icmp", "icmp4", "icmp6", "tcp", "udp", "sctp", "arp", "rarp", "nd", "nd_ns", "nd_ns_mcast",
    "nd_na", "nd_rs", "nd_ra", "igmp", "mldv1", "mldv2",
)  # fmt: skip
_DROPS = ("drop", "reject")
_CALLS = (
    "arp", "bind_vport", "check_in_port_sec", "check_out_port_sec", "check_pkt_larger", "chk_ecmp_nh",
    "chk_ecmp_nh_mac", "chk_lb_aff", "chk_lb_hairpin", "chk_lb_hairpin_reply", "clone", "commit_ecmp_nh",
    "commit_lb_aff", "ct_clear", "ct_commit", "ct_commit_nat", "ct_commit_to_zone", "ct_dnat", "ct_dnat_in_czone",
    "ct_ip6_dst", "ct_lb", "ct_lb_mark", "ct_lb_mark_local", "ct_next", "ct_nw_dst", "ct_proto", "ct_snat",
    "ct_snat_in_czone", "ct_snat_to_vip", "ct_state_save", "ct_tp_dst", "dhcp_relay_req_chk", "dhcp_relay_resp_chk",
    "dns_lookup", "flood_remote", "fwd_group", "get_arp", "get_fdb", "get_nd", "get_remote_fdb", "handle_bfd_msg",
    "handle_dhcpv6_reply", "handle_svc_check", "icmp4", "icmp4_error", "icmp6", "icmp6_error", "igmp", "log",
    "lookup_arp", "lookup_arp_ip", "lookup_fdb", "lookup_nd", "lookup_nd_ip", "mac_cache_use", "mirror", "nd_na",
    "nd_na_router", "nd_ns", "pop", "push", "put_arp", "put_dhcp_opts", "put_dhcpv6_opts", "put_fdb", "put_nd",
    "put_nd_ra_opts", "sample", "sctp_abort", "select", "set_meter", "set_queue", "tcp_reset", "trigger_event",
)  # fmt: skip


class OvnMatchLexer(RegexLexer):
    """The match language of logical flows."""

    name = "OVN match"
    aliases: ClassVar[list[str]] = ["ovn-match"]
    tokens: ClassVar[dict[str, list[Any]]] = {
        "root": [include("match"), (r".", Text)],
        "match": [
            (r"\s+", Whitespace),
            (r"//[^\n]*|/\*.*?\*/", Comment),
            (r'"(?:[^"\\\n]|\\.)*"', String.Double),
            (r"[$@^][A-Za-z_.][\w.]*", Name.Variable),
            (rf"{_MAC}(?:/{_MAC})?", Number.Hex),
            (rf"(?:{_IPV6})(?:/(?:\d+|{_IPV6}))?", Number.Hex),
            (rf"{_IPV4}(?:/(?:{_IPV4}|\d+))?", Number),
            (r"0[xX][0-9A-Fa-f]+(?:/0[xX][0-9A-Fa-f]+)?", Number.Hex),
            (r"\d+(?:/\d+)?\b", Number.Integer),
            (r"is_chassis_resident\b", Name.Function),
            (r"(?:x{0,2}reg\d+|flags(?:\.\w+)?)\b", Name.Attribute),
            (r"ct(?:_state|_mark|_label)?(?:\.\w+)*\b", Name.Decorator),
            (r"(?:in|out)port\b", Name.Builtin),
            (words(_PREDICATES, suffix=r"\b(?!\.)"), Keyword.Type),
            (r"[A-Za-z_][\w.]*", Name),
            (r"&&|\|\||==|!=|<=|>=|<->|\.\.|--|[!<>=]", Operator),
            (r"[(){}\[\],;]", Punctuation),
        ],
    }


class OvnActionLexer(RegexLexer):
    """The action language of logical flows."""

    name = "OVN action"
    aliases: ClassVar[list[str]] = ["ovn-action"]
    tokens: ClassVar[dict[str, list[Any]]] = {
        "root": [include("action"), (r".", Text)],
        "action": [
            (words(_DROPS, prefix=r"\b", suffix=r"\b"), Generic.Deleted),
            (r"output\b", Generic.Inserted),
            (r"next\b", Keyword),
            (words(_CALLS, prefix=r"\b", suffix=r"\b(?=\s*[({;])"), Name.Function),
            (r"([A-Za-z_]\w*)(\s*)(=)(?!=)", _groups(Name.Attribute, Whitespace, Operator)),
            *OvnMatchLexer.tokens["match"],
            (r"[:-]", Operator),
        ],
    }


class OpenFlowLexer(RegexLexer):
    """OpenFlow and datapath flows: ``ovs-ofctl dump-flows``, ``ofproto/trace``, ``dpctl/dump-flows``."""

    name = "OpenFlow"
    aliases: ClassVar[list[str]] = ["openflow"]
    flags = re.MULTILINE
    tokens: ClassVar[dict[str, list[Any]]] = {
        "root": [
            (r"^(?:NXST|OFPST)_FLOW[^\n]*", Comment),
            (r"^={5,}$|^-{5,}$", Comment),
            (r"^(?:bridge\(|Flow:|Final flow:|Megaflow:|Datapath actions:)", Generic.Heading),
            (r"^(\s*)(\d+)(\. )(No match)", _groups(Whitespace, Number.Integer, Punctuation, Generic.Deleted)),
            (r"\b(cookie|duration|n_packets|n_bytes|idle_age|hard_age|packets|bytes|used|idle_timeout)(=|:)", _groups(
                Comment, Operator)),
            (r"\b(table|priority)(=)", _groups(Name.Attribute, Operator)),
            (r"\b(actions)(=|:)", _groups(Keyword, Operator)),
            (r"\bdrop\b", Generic.Deleted),
            (r"\b(?:output|controller|group|LOCAL|IN_PORT|NORMAL|FLOOD)\b", Generic.Inserted),
            (r"\b(?:resubmit|load|move|set_field|ct|ct_clear|clone|push|pop|learn|note|conjunction|meter|set_queue|"
             r"dec_ttl|push_vlan|pop_vlan|mod_\w+|check_pkt_larger|tnl_push|tnl_pop|recirc|userspace|hash|eth|ipv4|"
             r"ipv6|exit|goto_table|write_metadata|multipath|bundle|sample)\b(?=[(:;,\s]|$)", Name.Function),
            (r'"(?:[^"\\\n]|\\.)*"', String.Double),
            (_MAC + r"(?:/" + _MAC + ")?", Number.Hex),
            (rf"(?:{_IPV6})(?:/(?:\d+|{_IPV6}))?", Number.Hex),
            (rf"{_IPV4}(?:/(?:{_IPV4}|\d+))?", Number),
            (r"0[xX][0-9A-Fa-f]+(?:/0[xX][0-9A-Fa-f]+)?", Number.Hex),
            (r"\b\d+(?:\.\d+)?[smh]?\b", Number),
            (r"->", Operator),
            (r"\b(?:x{0,2}reg\d+|NXM_\w+|OXM_\w+|metadata|tun_\w+|tunnel)\b", Name.Attribute),
            (r"\b(?:ct_\w+|ct)\b", Name.Decorator),
            (r"[A-Za-z_][\w.-]*", Name),
            (r"\s+", Whitespace),
            (r"[=<>!|+*/-]", Operator),
            (r"[(){}\[\],;:.]", Punctuation),
            (r".", Text),
        ],
    }  # fmt: skip


class OvnFlowLexer(RegexLexer):
    """What ``ovn-sbctl lflow-list`` prints."""

    name = "OVN logical flow"
    aliases: ClassVar[list[str]] = ["ovn-flow"]
    tokens: ClassVar[dict[str, list[Any]]] = {
        "root": [
            (r'^(Datapath: )("(?:[^"\\\n]|\\.)*")?([^\n]*)', _groups(Generic.Heading, String.Double, Comment)),
            (r"^    +[^\n]*actions=[^\n]*", _within(OpenFlowLexer)),
            (r"^\s*(?:cookie=|n_packets)[^\n]*", Comment),
            (r"\b(uuid)(=)(0x[0-9a-f]+)", _groups(Name.Attribute, Operator, Comment)),
            (r"\b(table)(=)(\d+)(\s*)(\()(\s*)(\w*)(\s*)(\))", _groups(
                Name.Attribute, Operator, Number.Integer, Whitespace, Punctuation, Whitespace, Name.Class,
                Whitespace, Punctuation)),
            (r"\b(priority)(=)(\d+)", _groups(Name.Attribute, Operator, Number.Integer)),
            (r"\b(match)(=)(\()(.*?)(\))(, )(action)(=)(\()(.*)(\))$", _groups(
                Name.Attribute, Operator, Punctuation, _within(OvnMatchLexer), Punctuation, Punctuation,
                Name.Attribute, Operator, Punctuation, _within(OvnActionLexer), Punctuation)),
            (r"\n", Whitespace),
            (r"[^\S\n]+", Whitespace),
            (r"\w+", Text),
            (r".", Text),
        ],
    }  # fmt: skip
    flags = re.MULTILINE


class OvnTraceLexer(RegexLexer):
    """What ``ovn-trace`` prints."""

    name = "OVN trace"
    aliases: ClassVar[list[str]] = ["ovn-trace"]
    flags = re.MULTILINE
    tokens: ClassVar[dict[str, list[Any]]] = {
        "root": [
            (r"^#[^\n]*", Comment),
            (r"^\s*-{3,}\s*$", Comment),
            (r"^\s*LOG:[^\n]*", Generic.Emph),
            (r"^\s*\*\*\*[^\n]*", Generic.Error),
            (r"^(\s*)(ingress|egress|multicast)(\()([^\n]*)(\))(\s*\{)?$", _groups(
                Whitespace, Generic.Heading, Punctuation, _within(OvnActionLexer), Punctuation, Punctuation)),
            (r"^(\s*)(\d+)(\.\s+)(\w+)(: )(no match[^\n]*)", _groups(
                Whitespace, Number.Integer, Punctuation, Name.Class, Punctuation, Generic.Deleted)),
            (r"^(\s*)(\d+)(\.\s+)(\w+)( \()([^)\n]*)(\): )(.*)(, priority )(\d+)(, uuid )([0-9a-f]+)$", _groups(
                Whitespace, Number.Integer, Punctuation, Name.Class, Punctuation, Comment, Punctuation,
                _within(OvnMatchLexer), Name.Attribute, Number.Integer, Name.Attribute, Comment)),
            (r"\n", Whitespace),
            (r"[^\n]+", _within(OvnActionLexer)),
        ],
    }  # fmt: skip

"""The packet within an ``ofproto/trace``: its fields as traced, and as it is where the switch sends it off.

The switch's own registers are left out: they mean nothing beyond it (ovs-fields(7), ovs-actions(7)).
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field

from ko_tui.backend.ovs.datapath import DEEPEST, split_actions
from ko_tui.backend.ovs.ofproto_trace import OfBlock

# The words that stand for a type of packet.
PROTOCOLS = frozenset(
    {"arp", "ip", "ipv6", "icmp", "icmp6", "tcp", "tcp6", "udp", "udp6", "sctp", "sctp6", "rarp", "mpls"}
)
_KEPT = re.compile(
    r"^(dl_src|dl_dst|dl_vlan|dl_vlan_pcp|nw_src|nw_dst|nw_tos|nw_ttl|ipv6_src|ipv6_dst|tp_src|tp_dst|tcp_flags|"
    r"icmp_type|icmp_code|arp_spa|arp_tpa|arp_sha|arp_tha|arp_op|nd_target|nd_sll|nd_tll)$"
)
_SET = re.compile(r"^set\((eth|ipv4|ipv6|tcp|udp|sctp|arp|nd)\((.*)\)\)$")
# What set() calls a field, by its group, and what a flow calls it.
_NAMES = {
    "eth": {"src": "dl_src", "dst": "dl_dst"},
    "ipv4": {"src": "nw_src", "dst": "nw_dst", "ttl": "nw_ttl"},
    "ipv6": {"src": "ipv6_src", "dst": "ipv6_dst", "hlimit": "nw_ttl"},
    "arp": {"sip": "arp_spa", "tip": "arp_tpa", "op": "arp_op", "sha": "arp_sha", "tha": "arp_tha"},
    "nd": {"target": "nd_target", "sll": "nd_sll", "tll": "nd_tll"},
}
_OUTER = re.compile(r"ipv[46]\(src=([0-9a-fA-F.:]+),dst=([0-9a-fA-F.:]+)")
_OPTION = re.compile(r"\{class=0x102,type=0x80,len=4,(0x[0-9a-f]+)(?:/0x[0-9a-f]+)?\}")  # OVN's own
_KEY = re.compile(r"\b(?:tun_id|vni|key)=(0x[0-9a-f]+|\d+)")
_NO_PORT = re.compile(r".*[(=<]|(?:drop|ct_clear|ct|pop_vlan|pop_eth|pop_nsh)$")


@dataclass(frozen=True, slots=True)
class Tunnel:
    """The outer header: addresses, ``key`` (for OVN: the datapath) and OVN's Geneve option (the two ports)."""

    src: str
    dst: str
    key: str
    option: str = ""


@dataclass(frozen=True, slots=True)
class Sent:
    """The packet as it leaves by a port of the datapath, in a tunnel or not."""

    port: str
    protocol: str
    fields: dict[str, str] = field(default_factory=dict)
    tunnel: Tunnel | None = None

    def openflow(self, in_port: int, *more: str) -> str:
        """The flow of ``ofproto/trace`` for this packet where it arrives at ``in_port``; ``more`` is set beside."""
        parts = [self.protocol, f"in_port={in_port}", *more]
        if self.tunnel is not None:
            six = "tun_ipv6" if ":" in self.tunnel.dst else "tun"
            parts += [f"tun_id={self.tunnel.key}"]
            if self.tunnel.src:
                parts += [f"{six}_src={self.tunnel.src}"]
            parts += [f"{six}_dst={self.tunnel.dst}"]
            if self.tunnel.option:
                parts += [f"tun_metadata0={self.tunnel.option}"]
        return ",".join([*filter(None, parts), *(f"{name}={value}" for name, value in self.fields.items())])


def read_flow(text: str) -> tuple[str, dict[str, str]]:
    """A ``Flow:`` line -> the word of its protocol, and the fields that are the packet's own, in printed order.

    Ports get the name of their protocol: what is printed as ``tp_src`` is not understood of a UDP packet.
    """
    protocol, fields = "", {}
    for part in split_actions(text):
        name, sign, value = part.partition("=")
        if not sign and name in PROTOCOLS:
            protocol = name
        elif sign and _KEPT.match(name):
            fields[_own_name(name, protocol)] = value
    return protocol, fields


def _own_name(name: str, protocol: str) -> str:
    if protocol == "icmp6":
        return name.replace("icmp_", "icmpv6_")
    return name.replace("tp_", f"{protocol.removesuffix('6')}_")


def sent(block: OfBlock) -> Iterator[Sent]:
    """Every copy that one pass through the switch sends off, with what was changed before."""
    protocol, fields = read_flow(block.flow)
    yield from _walk(block.datapath_actions, protocol, fields, 0)


def _walk(actions: str, protocol: str, fields: dict[str, str], depth: int) -> Iterator[Sent]:
    now, tunnel = dict(fields), None
    for word in split_actions(actions):
        name, bracket, rest = word.partition("(")
        if bracket and name in ("clone", "check_pkt_len", "gt", "le") and depth < DEEPEST:
            yield from _walk(rest.removesuffix(")"), protocol, now, depth + 1)
        elif name == "tnl_push" or word.startswith("set(tunnel("):
            tunnel = read_tunnel(word)
        elif (change := _SET.match(word)) is not None:
            _change(now, change[1], change[2])
        elif not _NO_PORT.match(word):
            yield Sent(word, protocol, dict(now), tunnel)


def read_tunnel(action: str) -> Tunnel:
    """``set(tunnel(...))`` of the kernel's datapath, or ``tnl_push(...)`` of the one in userspace."""
    outer, key, option = _OUTER.search(action), _KEY.search(action), _OPTION.search(action)
    if outer is None:
        source = re.search(r"\b(?:ipv6_)?src=([0-9a-fA-F.:]+)", action)
        target = re.search(r"\b(?:ipv6_)?dst=([0-9a-fA-F.:]+)", action)
        ends = (source[1] if source else "", target[1] if target else "")
    else:
        ends = (outer[1], outer[2])
    return Tunnel(*ends, key[1] if key else "0", option[1] if option else "")


def _change(fields: dict[str, str], group: str, text: str) -> None:
    names = _NAMES.get(group, {"src": f"{group}_src", "dst": f"{group}_dst"})
    for part in split_actions(text):
        name, _, value = part.partition("=")
        if name in names and "/" not in value:
            fields[names[name]] = value

"""Datapath actions (ovs-actions(7), as ofproto/trace prints them) in words."""

from __future__ import annotations

import re
from collections.abc import Mapping

from ko_tui.backend.ovs.datapath import DEEPEST, split_actions
from ko_tui.backend.ovs.traced_packet import read_tunnel

_FIELDS = {
    "eth": {"src": "source MAC", "dst": "destination MAC"},
    "ipv4": {"src": "source address", "dst": "destination address", "ttl": "TTL", "tos": "TOS"},
    "ipv6": {
        "src": "source address",
        "dst": "destination address",
        "hlimit": "hop limit",
        "tclass": "traffic class",
    },
    "tcp": {"src": "source port", "dst": "destination port"},
    "udp": {"src": "source port", "dst": "destination port"},
    "sctp": {"src": "source port", "dst": "destination port"},
}
_PLAIN = {
    "drop": "drop it",
    "ct_clear": "forget its conntrack state",
    "pop_vlan": "take the VLAN tag off",
    "pop_eth": "take the Ethernet header off",
}


def action_words(
    actions: str,
    nodes: Mapping[str, str] | None = None,
    ports: Mapping[str, str] | None = None,
    depth: int = 0,
) -> list[str]:
    """One sentence an action, in order. ``nodes``: tunnel address -> node; ``ports``: datapath port -> its name."""
    found: list[str] = []
    in_tunnel = False
    for word in split_actions(actions):
        name, bracket, rest = word.partition("(")
        inner = rest.removesuffix(")")
        if name in ("clone", "check_pkt_len", "gt", "le") and bracket and depth < DEEPEST:
            head = {"clone": "on a copy", "gt": "when it is too big", "le": "when it is not too big"}.get(
                name, ""
            )
            parts = action_words(inner, nodes, ports, depth + 1)
            found += [f"{head}: {part}" if head else part for part in parts]
        elif name == "tnl_push" or word.startswith("set(tunnel("):
            in_tunnel = True
            found.append(_tunnel(word, nodes or {}))
        elif in_tunnel and not bracket and re.fullmatch(r"[\w.-]+", word) and word not in _PLAIN:
            continue  # the port that the tunnel's packet leaves by
        else:
            found.append(_one(word, name, inner, ports or {}))
    return [text for text in found if text]


def _tunnel(word: str, nodes: Mapping[str, str]) -> str:
    tunnel = read_tunnel(word)
    node = nodes.get(tunnel.dst, "")
    whose = f" of node {node}" if node else ""
    return f"send it through the tunnel to {tunnel.dst}{whose} (datapath key {int(tunnel.key, 0)})"


def _one(word: str, name: str, inner: str, ports: Mapping[str, str]) -> str:
    if word in _PLAIN:
        return _PLAIN[word]
    if name == "ct":
        return _conntrack(inner)
    if name == "recirc":
        return f"and put it through the switch again as {inner}"
    if name == "hash":
        return "compute a hash of its addresses and ports, to choose one of a group"
    if name == "userspace":
        return "hand it to ovn-controller" if "controller(" in inner else "handle it in userspace"
    if name == "push_vlan":
        tag = re.search(r"vid=(\d+)", inner)
        return f"put VLAN tag {tag[1] if tag else inner} on"
    if name == "set":
        group, _, values = inner.partition("(")
        changed = []
        for part in split_actions(values.removesuffix(")")):
            field, _, value = part.partition("=")
            changed.append(f"{_FIELDS.get(group, {}).get(field, f'{group} {field}')} {value}")
        return f"set {', '.join(changed)}"
    if re.fullmatch(r"[\w.-]+", word):
        return f"send it out of port {ports.get(word, word)}"
    return word


def _conntrack(inner: str) -> str:
    parts = split_actions(inner)
    zone = next((part[5:] for part in parts if part.startswith("zone=")), "0")
    nat = next((part for part in parts if part.startswith("nat")), "")
    if "commit" in parts or "force_commit" in parts:
        how = ""
        target = re.search(r"\((src|dst)=([^)]*)\)", nat)
        if target is not None:
            side = {"src": "source", "dst": "destination"}[target[1]]
            how = f", its {side} rewritten to {target[2]}"
        return f"note its connection in conntrack zone {zone}{how}"
    undone = ", and rewrite it as that connection is" if nat else ""
    return f"look its connection up in conntrack zone {zone}{undone}"

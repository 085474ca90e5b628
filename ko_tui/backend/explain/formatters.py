"""Values as a person would say them: ``17`` as UDP, ``0x6000`` as ACL hints, a number as an IP address.

Every formatter takes the value as OVN spells it and gives plain text; what it cannot read it returns unchanged.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Callable

from ko_tui.backend.explain.catalogue import Catalogue

PROTOCOLS = {1: "ICMP", 2: "IGMP", 6: "TCP", 17: "UDP", 58: "ICMPv6", 132: "SCTP"}
ETHERTYPES = {0x0800: "IPv4", 0x0806: "ARP", 0x86DD: "IPv6", 0x8035: "RARP", 0x8100: "VLAN"}
PORTS = {
    22: "SSH",
    53: "DNS",
    67: "DHCP",
    68: "DHCP",
    80: "HTTP",
    179: "BGP",
    443: "HTTPS",
    6443: "Kubernetes API",
}
CT_STATE = ("new", "est", "rel", "rpl", "inv", "trk", "snat", "dnat")
TCP_FLAGS = ("fin", "syn", "rst", "psh", "ack", "urg", "ece", "cwr")
HINTS = ("allow new", "allow", "drop", "block")
DSCP = {
    0: "default",
    46: "EF",
    10: "AF11",
    18: "AF21",
    26: "AF31",
    34: "AF41",
    8: "CS1",
    48: "CS6",
    56: "CS7",
}


def show(kind: str, value: str, words: Catalogue) -> str:
    """``value`` as a person would say it; ``value`` itself when ``kind`` has no better way or does not fit."""
    formatter = _FORMATTERS.get(kind)
    return formatter(value, words) if formatter else value


def number(value: str) -> int | None:
    """The number that ``value`` spells in OVN's ways (decimal, hexadecimal), or None."""
    text = value.strip()
    try:
        return int(text, 16) if text.lower().startswith("0x") else int(text, 10)
    except ValueError:
        return None


def _bool(value: str, words: Catalogue) -> str:
    found = number(value)
    if found not in (0, 1):
        return value
    return words.say("value.yes" if found else "value.no")


def _named(names: dict[int, str]) -> Callable[[str, Catalogue], str]:
    def formatter(value: str, words: Catalogue) -> str:
        found = number(value)
        return f"{found} ({names[found]})" if found is not None and found in names else value

    return formatter


def _phrased(prefix: str) -> Callable[[str, Catalogue], str]:
    def formatter(value: str, words: Catalogue) -> str:
        found = number(value)
        if found is None:
            return value
        text = words.text("phrases", f"{prefix}.{found}")
        return f"{found} ({text})" if text else str(found)

    return formatter


def _bits(names: tuple[str, ...]) -> Callable[[str, Catalogue], str]:
    def formatter(value: str, words: Catalogue) -> str:
        found = number(value)
        if found is None or found < 0 or found >= 1 << 32:
            return value
        said = [name for bit, name in enumerate(names) if found >> bit & 1]
        return "|".join(said) if said else words.say("value.none")

    return formatter


def _hints(value: str, words: Catalogue) -> str:
    found = number(value)
    if found is None or not 0 <= found < 16:
        return value
    said = [words.say(f"hint.{bit}") for bit in range(4) if found >> bit & 1]
    return words.say("join.list").join(said) if said else words.say("value.none")


def _ipv4(value: str, words: Catalogue) -> str:
    found = number(value)
    return str(ipaddress.IPv4Address(found)) if found is not None and 0 <= found < 1 << 32 else value


def _ipv6(value: str, words: Catalogue) -> str:
    found = number(value)
    return str(ipaddress.IPv6Address(found)) if found is not None and 0 <= found < 1 << 128 else value


def _mac(value: str, words: Catalogue) -> str:
    found = number(value)
    if found is None or not 0 <= found < 1 << 48:
        return value
    digits = f"{found:012x}"
    return ":".join(digits[at : at + 2] for at in range(0, 12, 2))


_FORMATTERS: dict[str, Callable[[str, Catalogue], str]] = {
    "bool": _bool,
    "hints": _hints,
    "ipv4": _ipv4,
    "ipv6": _ipv6,
    "mac": _mac,
    "port": _named(PORTS),
    "protocol": _named(PROTOCOLS),
    "ethertype": _named(ETHERTYPES),
    "dscp": _named(DSCP),
    "tier": _phrased("tier"),
    "group": _phrased("group"),
    "route_table": _phrased("route_table"),
    "arp_operation": _phrased("arp_operation"),
    "icmp4_type": _phrased("icmp4_type"),
    "icmp6_type": _phrased("icmp6_type"),
    "ct_state": _bits(CT_STATE),
    "tcp_flags": _bits(TCP_FLAGS),
}

"""A trace in one line, as kubectl ko has it and as experts write it.

``default/client 10.96.0.10 udp 53``, ``default/client 10.16.0.9 00:00:00:1b:3e:8b tcp 80``,
``node//worker 10.16.0.1 arp request``, ``default/client -> svc/web:80 tcp``. What else a packet may have is set by
name: ``default/client svc/web tcp 80 ttl=1 tcp-flags=syn,ack``.
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Callable, Sequence
from typing import Any

from ko_tui.backend.errors import UsageError
from ko_tui.backend.packet import MAC, PORT_PROTOCOLS, Protocol, parse_ct, parse_mac, parse_tcp_flags
from ko_tui.backend.tracing.lookup import is_address
from ko_tui.backend.tracing.model import ENGINES, TraceRequest

GRAMMAR = "SOURCE [->] DESTINATION[:PORT] [MAC] [icmp|tcp|udp|sctp|nd|arp request|arp reply] [PORT] [SETTING=VALUE ...]"
_EXAMPLE = "For example: default/client svc/kube-system/kube-dns udp 53."
_WORDS = {"icmp6": "icmp", "ping": "icmp", "nd": "nd-ns", "nd_ns": "nd-ns", "ns": "nd-ns"}


def _number(text: str) -> int:
    if not text.isdecimal() or len(text) > 9:
        raise UsageError(f"{text!r} is not a number.")
    return int(text)


def _engine(text: str) -> str:
    if text not in ENGINES:
        raise UsageError(f"There is no engine {text!r}.", f"Use one of {', '.join(ENGINES)}.")
    return text


def _passes(text: str) -> tuple[str, ...]:
    return tuple(parse_ct(state) for state in text.split(";") if state.strip())


SETTINGS: dict[str, tuple[str, Callable[[str], Any]]] = {
    "src-port": ("src_port", _number),
    "src-ip": ("src_ip", str),
    "src-mac": ("src_mac", parse_mac),
    "ttl": ("ttl", _number),
    "tcp-flags": ("tcp_flags", parse_tcp_flags),
    "ct": ("ct", _passes),
    "backend": ("backend", str),
    "family": ("family", _number),
    "select-id": ("select_id", _number),
    "engine": ("engine", _engine),
}
"""What may be set by name, as ``ko-tui trace`` calls it -> the request's part and what reads it."""


def parse_line(text: str, *, namespace: str = "default") -> TraceRequest:
    """One line -> request. Raises UsageError that says which word was not understood."""
    try:
        words = shlex.split(text)
    except ValueError as error:
        raise UsageError(f"The line cannot be split into words: {error}.", _EXAMPLE) from None
    return parse_words(words, namespace=namespace)


def parse_words(words: Sequence[str], *, namespace: str = "default") -> TraceRequest:
    """The words of a trace -> request. Raises UsageError."""
    rest = [w for w in words if w not in ("->", "to", "→")]
    settings = {name: value for name, sign, value in (w.partition("=") for w in rest) if sign}
    rest = [w for w in rest if "=" not in w]
    if len(rest) < 2:
        raise UsageError(f"A trace needs a source and a destination: {GRAMMAR}.", _EXAMPLE)
    source, target, *rest = rest
    destination, port, port_name = _split_port(target)
    mac = ""
    if rest and MAC.fullmatch(rest[0]):
        mac = parse_mac(rest.pop(0))
    protocol = Protocol.TCP if port or port_name else Protocol.ICMP
    if rest:
        protocol, rest = _protocol(rest)
    if rest and protocol in PORT_PROTOCOLS:
        word = rest.pop(0)
        if word.isdigit():
            port = int(word)
        else:
            port_name = word
    if rest:
        raise UsageError(f"{' '.join(rest)!r} is one word too many: {GRAMMAR}.", _EXAMPLE)
    return TraceRequest(
        source=source,
        destination=destination,
        protocol=protocol,
        dst_port=port,
        port_name=port_name,
        dst_mac=mac,
        namespace=namespace,
        **dict(_setting(name, value) for name, value in settings.items()),
    )


def _setting(name: str, value: str) -> tuple[str, Any]:
    known = SETTINGS.get(name.removeprefix("--").replace("_", "-"))
    if known is None:
        raise UsageError(f"There is nothing called {name!r} to set.", f"Known are {', '.join(SETTINGS)}.")
    if not value:
        raise UsageError(f"{name}= is given no value.", f"Known are {', '.join(SETTINGS)}.")
    return known[0], known[1](value)


def _protocol(rest: list[str]) -> tuple[Protocol, list[str]]:
    word = _WORDS.get(rest[0].lower(), rest[0].lower())
    rest = rest[1:]
    if word == "arp":
        kind = rest.pop(0).lower() if rest else "request"
        if kind not in ("request", "reply"):
            raise UsageError(f"{kind!r} is no kind of ARP.", "Write arp request or arp reply.")
        word = f"arp-{kind}"
    try:
        return Protocol(word), rest
    except ValueError:
        known = "icmp, tcp, udp, sctp, arp request, arp reply, nd"
        raise UsageError(f"{word!r} is not a protocol that can be traced.", f"Use one of {known}.") from None


def _split_port(target: str) -> tuple[str, int, str]:
    """``svc/web:http`` -> (svc/web, 0, http); addresses of IPv6 keep their colons unless in brackets."""
    bracketed = re.match(r"^\[(.+)\](?::(\w[\w-]*))?$", target)
    if bracketed:
        place, port = bracketed[1], bracketed[2] or ""
    elif is_address(target) or ":" not in target:
        return target, 0, ""
    else:
        place, _, port = target.rpartition(":")
    return (place, int(port), "") if port.isdigit() else (place, 0, port)

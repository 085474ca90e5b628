"""What actions, block headers and comments of a trace do to the running packet, and what matches tell about it.

Symbolic and modest: constants, copies, exchanges, TTL, NAT and load balancing as the trace prints them. A value
that only the real node knows stays ``?`` until a later match of the same branch tells it.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Sequence

from ko_tui.backend.explain.running_packet import UNKNOWN, RunningPacket, as_number, place_of
from ko_tui.backend.ovn.actions import (
    Action,
    Assign,
    Call,
    CheckPktLarger,
    CtLb,
    DecrementTtl,
    Exchange,
    PutOptions,
    Result,
    Select,
    Stack,
)
from ko_tui.backend.ovn.expression import (
    And,
    Compare,
    Constant,
    Expression,
    FieldRef,
    Not,
    StringConstant,
)

_ADDRESS_KINDS = ("ip4.", "arp.spa", "arp.tpa", "rarp.spa", "rarp.tpa")
_HEADER_VALUE = re.compile(r"(ip[46]\.(?:src|dst)|ct_state|reg\d+\[[\d.]+\]|x{0,2}reg\d+)\s*=\s*([^,)/\s]+)")
_NAT_COMMENT = re.compile(r"nat\((src|dst)=([^)]+)\)")
_BINDING = re.compile(r"MAC binding to ([0-9a-fA-F:]+?)\.?\s*\*/")
_QUIET_RESULTS = (
    "check_in_port_sec",
    "check_out_port_sec",
    "chk_lb_hairpin",
    "chk_lb_hairpin_reply",
    "chk_lb_aff",
)


def apply_action(
    packet: RunningPacket, action: Action, later: Sequence[Expression], beyond: Sequence[Expression] = ()
) -> list[str]:
    """Do what ``action`` does to the packet; the names that it wrote.

    ``later`` are the matches of the following stages of the same pipeline: they tell what look-ups answered.
    ``beyond`` are those of the whole branch: they tell which backend a load balancer chose.
    """
    match action:
        case Assign(field, value):
            name = str(field)
            if isinstance(value, FieldRef):
                packet.write(name, _converted(packet.read(str(value)), name))
            elif isinstance(value, StringConstant):
                packet.write(name, value.value)
            else:
                packet.write(name, str(value))
            return [name]
        case Exchange(left, right):
            first, second = packet.read(str(left)), packet.read(str(right))
            packet.write(str(left), second)
            packet.write(str(right), first)
            return [str(left), str(right)]
        case DecrementTtl():
            ttl = as_number(packet.read("ip.ttl"))
            packet.write("ip.ttl", UNKNOWN if ttl is None else str(ttl - 1))
            return ["ip.ttl"]
        case Select(field):
            packet.write(str(field), told(str(field), later) or UNKNOWN)
            return [str(field)]
        case CtLb():
            return _load_balance(packet, action, beyond)
        case Call("ct_clear"):
            packet.fields.pop("ct_state", None)
            return ["ct_state"]
        case Stack("push", field):
            packet.stack.append(packet.read(str(field)))
        case Stack(_, field):
            packet.write(str(field), packet.stack.pop() if packet.stack else UNKNOWN)
            return [str(field)]
        case Result(field, name):
            answer = told(str(field), later)
            packet.write(str(field), answer or ("0" if name in _QUIET_RESULTS else UNKNOWN))
            return [str(field)]
        case CheckPktLarger(field) | PutOptions(_, field):
            packet.write(str(field), told(str(field), later) or UNKNOWN)
            return [str(field)]
    return []


def apply_text(packet: RunningPacket, text: str) -> list[str]:
    """Do what a comment or the header of a block tells: NAT, a MAC binding, ct_state, a selected member."""
    changed: list[str] = []
    if text.startswith("/*"):
        if found := _NAT_COMMENT.search(text):
            family = "ip6" if ":" in found[2] else "ip4"
            packet.write(f"{family}.{found[1]}", found[2])
            changed.append(f"{family}.{found[1]}")
        if found := _BINDING.search(text):
            packet.write("eth.dst", found[1])
            changed.append("eth.dst")
        elif "No MAC binding" in text:
            packet.write("eth.dst", "00:00:00:00:00:00")
            changed.append("eth.dst")
        return changed
    for name, value in _HEADER_VALUE.findall(text):
        if name == "ct_state":
            packet.fields["ct_state"] = value
        else:
            packet.write(name, value)
        changed.append(name)
    if text.startswith(("ct_lb", "ct_next", "ct_snat", "ct_dnat")) and "ct_state" not in changed:
        # A pass of conntrack adds to what is known; what it added shows in the header or in later matches.
        if "default (use --ct" in text:
            packet.add_state({"est", "trk"}, set())
            changed.append("ct_state")
        elif "ct_state" not in packet.fields and text.startswith(("ct_lb", "ct_next")):
            packet.fields["ct_state"] = UNKNOWN
    return changed


def learn(packet: RunningPacket, match: Expression) -> None:
    """Take over what a matching flow tells about values that are not known yet."""
    terms = match.terms if isinstance(match, And) else (match,)
    states: set[str] = set()
    without: set[str] = set()
    for term in terms:
        if isinstance(term, FieldRef) and term.name.startswith("ct."):
            states.add(term.name[3:])
        elif isinstance(term, Not) and isinstance(term.term, FieldRef) and term.term.name.startswith("ct."):
            without.add(term.term.name[3:])
        elif isinstance(term, Compare):
            name, value = str(term.field), _single(term)
            unknown = packet.read(name) == UNKNOWN and (name in packet.fields or place_of(name) is not None)
            if value is not None and unknown:
                packet.write(name, value)
    if states or (without and packet.fields.get("ct_state")):
        packet.add_state(states, without)


def told(name: str, later: Sequence[Expression]) -> str | None:
    """The value of ``name`` that the first later match which tests it for equality gives, or None."""
    for match in later:
        for term in match.terms if isinstance(match, And) else (match,):
            if isinstance(term, Compare) and str(term.field) == name:
                return _single(term)
            if isinstance(term, FieldRef) and str(term) == name:
                return "1"
    return None


def _single(term: Compare) -> str | None:
    if term.op != "==" or len(term.values) != 1:
        return None
    value = term.values[0]
    if isinstance(value, StringConstant):
        return value.value
    return str(value) if isinstance(value, Constant) and value.mask is None else None


def _load_balance(packet: RunningPacket, action: CtLb, later: Sequence[Expression]) -> list[str]:
    """The chosen backend becomes the destination: the only one, or the one that later matches point at."""
    if not action.backends:
        return []
    chosen = action.backends[0] if len(action.backends) == 1 else None
    if chosen is None:
        by_address = {str(backend.address): backend for backend in action.backends}
        chosen = next((by_address[a] for a in _addresses(later) if a in by_address), None)
        if chosen is None:
            left = [b for b in action.backends if _within(str(b.address), later)]
            chosen = left[0] if len(left) == 1 else None
    family = packet.family or ("ip6" if ":" in str(action.backends[0].address) else "ip4")
    changed = [f"{family}.dst"]
    packet.write(f"{family}.dst", str(chosen.address) if chosen else UNKNOWN)
    if packet.transport:
        ports = {backend.port for backend in action.backends}
        port = chosen.port if chosen else (ports.pop() if len(ports) == 1 else None)
        packet.write(f"{packet.transport}.dst", str(port) if port is not None else UNKNOWN)
        changed.append(f"{packet.transport}.dst")
    return changed


def translate(packet: RunningPacket, endpoint: str) -> list[str]:
    """What ``--lb-dst=IP[:PORT]`` does at a load balancing action without endpoints (ovn-trace, execute_ct_lb)."""
    address, port = endpoint, ""
    if endpoint.startswith("["):
        address, _, port = endpoint[1:].partition("]")
        port = port.lstrip(":")
    elif endpoint.count(":") == 1:
        address, _, port = endpoint.partition(":")
    family = "ip6" if ":" in address else "ip4"
    if packet.family != family:
        return []
    packet.write(f"{family}.dst", address)
    changed = [f"{family}.dst"]
    if packet.transport and port:
        packet.write(f"{packet.transport}.dst", port)
        changed.append(f"{packet.transport}.dst")
    return changed


def _addresses(later: Sequence[Expression]) -> list[str]:
    """Single destination addresses that later matches test: of the packet or of the next hop."""
    found = []
    for match in later:
        for term in match.terms if isinstance(match, And) else (match,):
            if isinstance(term, Compare) and str(term.field) in ("ip4.dst", "ip6.dst", "reg0", "xxreg0"):
                value = _single(term)
                if value:
                    found.append(value)
    return found


def _within(address: str, later: Sequence[Expression]) -> bool:
    """Whether the address fits every later test of the destination by prefix."""
    for match in later:
        for term in match.terms if isinstance(match, And) else (match,):
            if (
                not isinstance(term, Compare)
                or str(term.field) not in ("ip4.dst", "ip6.dst")
                or term.op != "=="
            ):
                continue
            try:
                networks = [ipaddress.ip_network(str(v), strict=False) for v in term.values]
            except ValueError:
                continue
            if not any(ipaddress.ip_address(address) in network for network in networks):
                return False
    return True


def _converted(value: str, name: str) -> str:
    """A number as an address where the target is an address field."""
    number = as_number(value)
    if number is None or "." in value or ":" in value:
        return value
    if name.startswith(_ADDRESS_KINDS) and number < 1 << 32:
        return str(ipaddress.IPv4Address(number))
    if name.startswith(("ip6.", "nd.target")) and number < 1 << 128:
        return str(ipaddress.IPv6Address(number))
    return value

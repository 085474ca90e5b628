"""A match taken apart: each clause true, false or unknown for a packet, with the packet's own value beside it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from ko_tui.backend.explain.catalogue import Catalogue, catalogue
from ko_tui.backend.ovn.expression import (
    AddressSet,
    And,
    Boolean,
    ChassisResident,
    Compare,
    Constant,
    Expression,
    FieldRef,
    Not,
    Or,
    PortGroup,
    Range,
    fields,
    walk,
)
from ko_tui.backend.ovn.lexer import Format, format_value
from ko_tui.backend.simulate.annotation import Annotated, Fixed, Test, annotate
from ko_tui.backend.simulate.flow_text import ct_text, ip4, ip6
from ko_tui.backend.simulate.matching import Scope, UnknownName, compile_match
from ko_tui.backend.simulate.packet_state import (
    ETH_ARP,
    ETH_IP,
    ETH_IPV6,
    ICMP,
    ICMPV6,
    SCTP,
    TCP,
    UDP,
    State,
    mac,
    place_of,
)

PROTOCOLS = {
    ICMP: "ICMP",
    TCP: "TCP",
    UDP: "UDP",
    SCTP: "SCTP",
    ICMPV6: "ICMPv6",
    2: "IGMP",
    47: "GRE",
    89: "OSPF",
}
FAMILIES = {ETH_IP: "IPv4", ETH_IPV6: "IPv6", ETH_ARP: "ARP"}
MEMBERS = 20
"""Members of a set that are told with a clause."""

VLAN_PRESENT = 0x1000  # the bit that Open vSwitch keeps for "has a tag" (ovs-fields(7), vlan_tci)
NONE = "none: "  # before what the packet is instead, where it has no such field

PortName = Callable[[int], str]


@dataclass(frozen=True, slots=True)
class Clause:
    """One term of a match. ``value`` None: not known. ``packet`` is what the packet has there, as a person reads it.

    ``note`` is a sentence about sets ("10.16.0.9 is not in $np1.allow"); ``members`` the first of the set's members.
    ``is_kind``: ``packet`` says what the packet is ("IPv4 TCP"), because the term asks for no value.
    """

    text: str
    value: bool | None
    packet: str = ""
    note: str = ""
    members: tuple[str, ...] = ()
    alternatives: tuple[Clause, ...] = ()  # the terms of an "or"
    is_kind: bool = False

    def sentence(self, words: Catalogue | None = None) -> str:
        """What the packet is or has there, without a full stop; "" when there is nothing to say."""
        if self.note or not self.packet:
            return self.note
        if self.packet.startswith(NONE):
            return self.packet.removeprefix(NONE)
        return (words or catalogue()).why("clause.is" if self.is_kind else "clause.has", what=self.packet)


@dataclass
class View:
    """A packet to judge matches by. ``known`` says which bits of each key are known; None: all of them."""

    state: State
    scope: Scope
    port_name: PortName
    known: Mapping[str, int] | None = None
    sets: Callable[[str], tuple[str, ...] | None] = field(default=lambda _: None)
    words: Catalogue = field(default_factory=catalogue)


def clauses(expression: Expression, view: View) -> list[Clause]:
    """The terms that must all hold, in written order."""
    terms = expression.terms if isinstance(expression, And) else (expression,)
    return [clause(term, view) for term in terms]


def clause(term: Expression, view: View) -> Clause:
    """One term, judged."""
    text = str(term)
    inner = term.term if isinstance(term, Not) else term
    if isinstance(inner, Or) and inner is term:
        parts = tuple(clause(t, view) for t in term.terms)
        packet, is_kind = _values(term, view)
        return Clause(text, judge(term, view), packet, alternatives=parts, is_kind=is_kind)
    note, members = _membership(inner, view)
    packet, is_kind = _values(term, view)
    return Clause(text, judge(term, view), packet, note, members, is_kind=is_kind)


def judge(expression: Expression, view: View) -> bool | None:
    """Whether the packet matches; None when that hangs on something that is not known."""
    try:
        if any(isinstance(term, ChassisResident) for term in walk(expression)) or view.known is not None:
            return _judge(annotate(expression, view.scope), view)
        return compile_match(expression, view.scope)(view.state)
    except UnknownName:
        if not isinstance(expression, And | Or):
            return None
        # The other terms may decide without the set that is not there.
        return _combined({judge(term, view) for term in expression.terms}, every=isinstance(expression, And))


def _combined(answers: set[bool | None], *, every: bool) -> bool | None:
    """Answers joined by "and" (``every``) or "or": one that decides, else unknown if any is."""
    deciding = not every
    if deciding in answers:
        return deciding
    return None if None in answers else every


def _judge(term: Annotated, view: View) -> bool | None:
    if isinstance(term, Fixed):
        return None if term.port is not None else term.value
    if isinstance(term, Test):
        return _judge_test(term, view)
    return _combined({_judge(inner, view) for inner in term.terms}, every=term.all)


def _judge_test(test: Test, view: View) -> bool | None:
    place = place_of(view.scope.symbols, test.symbol)
    if place is None:
        return False
    known = -1 if view.known is None else view.known.get(place.key, 0)
    have, wanted, mask = view.state[place.key], test.value, test.mask << place.shift
    if test.text is not None:
        if not known:
            return None
        number = view.scope.number(test.text)
        return number is not None and (have == number) is (test.op == "==")
    wanted <<= place.shift
    if test.op in ("==", "!="):
        if (have ^ wanted) & mask & known:
            return test.op == "!="
        return (test.op == "==") if mask & known == mask else None
    if mask & known != mask:
        return None
    value = have & mask
    return {"<": value < wanted, "<=": value <= wanted, ">": value > wanted, ">=": value >= wanted}[test.op]


# -- the packet's own values ------------------------------------------------------------------------------------


def _values(term: Expression, view: View) -> tuple[str, bool]:
    """The values of the fields that a term names, and whether they say only what the packet is.

    One value stands as it is, several with their names; predicates and fields that the packet has not are told
    together by what the packet is instead.
    """
    shape = _shape(term)
    named = list(dict.fromkeys(fields(term)))
    what = summary(view, tag=bool(named) and all(ref.name.startswith("vlan.") for ref in named))
    values: list[tuple[FieldRef, str]] = []
    absent: list[FieldRef] = []
    kinds = 0
    for ref in named:
        if view.scope.symbols[ref.name].kind == "predicate":
            kinds += 1
        elif (value := shown(ref, view, shape)).startswith(NONE):
            absent.append(ref)
        elif value:
            values.append((ref, value))
    if not values:
        return (
            (f"{NONE}{view.words.why('clause.is', what=what)}", False)
            if absent
            else (what, True)
            if kinds
            else ("", False)
        )
    words = (
        values[0][1] if len(values) + len(absent) + kinds == 1 else ", ".join(f"{r} = {v}" for r, v in values)
    )
    if absent:
        missing = view.words.why("clause.and_no").join(map(str, absent))
        words = view.words.why("clause.but_no", values=words, fields=missing, what=what)
    elif kinds:
        words = view.words.why("clause.and_is", values=words, what=what)
    return words, False


def _shape(term: Expression) -> Format | None:
    for inner in walk(term):
        if isinstance(inner, Compare):
            for value in inner.values:
                if isinstance(value, Constant):
                    return value.format
        elif isinstance(inner, Range) and isinstance(inner.low, Constant):
            return inner.low.format
    return None


def shown(ref: FieldRef, view: View, shape: Format | None = None) -> str:
    """A field's value as a person reads it, or what the packet is instead when it has no such field."""
    symbol = view.scope.symbols[ref.name]
    if symbol.kind == "predicate":
        return summary(view)
    place = place_of(view.scope.symbols, ref.name, ref.low, ref.high)
    if place is None:
        return ""
    if symbol.prerequisites and not _has(symbol.prerequisites, view):
        return f"{NONE}{view.words.why('clause.is', what=summary(view))}"
    if view.known is not None and view.known.get(place.key, 0) & place.mask != place.mask:
        return view.words.why("clause.not_said")
    return _spelled(ref, place.read(view.state), symbol.width == 0, shape, view)


def _has(prerequisite: str, view: View) -> bool:
    if view.known is None:
        return view.scope.predicate(prerequisite)(view.state)
    from ko_tui.backend.ovn.expression import parse

    return judge(parse(prerequisite, symbols=view.scope.symbols), view) is not False


def _spelled(ref: FieldRef, value: int, is_string: bool, shape: Format | None, view: View) -> str:
    name = ref.name
    if is_string:
        return view.port_name(value)
    if ref.low is None:
        if name in ("eth.src", "eth.dst") or name.endswith((".sha", ".tha", ".sll", ".tll")):
            return mac(value)
        if name.startswith("ip4.") or name.endswith((".spa", ".tpa")):
            return ip4(value)
        if name in ("ip6.src", "ip6.dst", "nd.target"):
            return ip6(value)
        if name == "ip.proto" and value in PROTOCOLS:
            return f"{value} ({PROTOCOLS[value]})"
        if name == "eth.type":
            return f"{value:#x}" + (f" ({FAMILIES[value]})" if value in FAMILIES else "")
        if name == "ct_state":
            return ct_text(value)
    if shape in (Format.IPV4, Format.IPV6, Format.ETHERNET) and value >> {
        Format.IPV4: 32, Format.IPV6: 128, Format.ETHERNET: 48}[shape] == 0:  # fmt: skip
        return format_value(value, shape)
    return f"{value:#x}" if shape is Format.HEXADECIMAL or value > 0xFFFFF else str(value)


def summary(view: View, *, tag: bool = False) -> str:
    """The packet's protocol in a word or two: ``IPv4 TCP``, ``ARP``; with ``tag`` its VLAN too."""
    say = view.words.why
    if tag:
        tci = view.state["vlan.tci"]
        known = view.known is None or view.known.get("vlan.tci", 0) & VLAN_PRESENT
        kind = summary(view)
        if not known:
            return kind
        if tci & VLAN_PRESENT:
            return say("kind.tagged", kind=kind, vlan=tci & 0xFFF)
        return say("kind.untagged", kind=kind)
    state = view.state
    if view.known is not None and not view.known.get("eth.type"):
        return say("kind.not_said")
    ether = state["eth.type"]
    family = FAMILIES.get(ether) or say("kind.ethernet", type=f"{ether:#x}")
    if ether not in (ETH_IP, ETH_IPV6):
        return family
    if view.known is not None and not view.known.get("nw_proto"):
        return family
    proto = state["nw_proto"]
    return f"{family} {PROTOCOLS.get(proto) or say('kind.protocol', number=proto)}"


def _membership(term: Expression, view: View) -> tuple[str, tuple[str, ...]]:
    """The sentence and members for a comparison with one named set."""
    if isinstance(term, Boolean) or not isinstance(term, Compare) or len(term.values) != 1:
        return "", ()
    value = term.values[0]
    if isinstance(value, AddressSet):
        members = view.sets(value.name)
    elif isinstance(value, PortGroup):
        members = view.scope.port_group(value.name)
    else:
        return "", ()
    say = view.words.why
    if members is None:
        return say("set.unknown", set=value), ()
    inside = judge(Compare(term.field, "==", term.value), view)
    packet = shown(term.field, view)
    if packet.startswith(NONE):
        return say("set.no_field", field=term.field, what=summary(view)), members[:MEMBERS]
    size = (
        say("set.many", count=len(members))
        if len(members) > 1
        else say("set.one" if members else "set.empty")
    )
    return say("set.in" if inside else "set.not_in", value=packet, set=value, size=size), members[:MEMBERS]

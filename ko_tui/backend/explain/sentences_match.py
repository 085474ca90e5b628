"""A match in words: the expression tree told clause by clause, short for the common shapes.

``ct.new && ip4.dst == 10.96.0.10 && udp.dst == 53`` becomes *It starts a new connection and the destination is
10.96.0.10:53 (UDP)*. Longer ones become a list, nested as the expression is.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from ko_tui.backend.explain.catalogue import Catalogue, shared
from ko_tui.backend.explain.formatters import show
from ko_tui.backend.explain.model import ObjectRef, Sentence
from ko_tui.backend.explain.names import Names, address_set_object, said
from ko_tui.backend.explain.registers import RegisterField, Scope, find_register, scope_of_stage
from ko_tui.backend.ovn.expression import (
    AddressSet,
    And,
    Boolean,
    ChassisResident,
    Compare,
    Constant,
    ConstantSet,
    Expression,
    ExpressionError,
    FieldRef,
    Format,
    Not,
    Or,
    PortGroup,
    Range,
    StringConstant,
    Value,
    parse,
)
from ko_tui.backend.ovn.versions import DEFAULT, OvnVersion

INLINE = 220
"""Characters up to which several clauses stay in one line."""
NAMED_VALUES = 8
"""Values of a set that are named; of a longer one the first few and the number."""

_TRANSPORT = ("tcp", "udp", "sctp")
_IMPLIED = {
    "ip": ("ip.", "ip4", "ip6", "tcp", "udp", "sctp", "icmp"),
    "ip4": ("ip4.", "icmp4"),
    "ip6": ("ip6.", "icmp6", "nd"),
    "tcp": ("tcp.",),
    "udp": ("udp.",),
    "sctp": ("sctp.",),
    "icmp4": ("icmp4.",),
    "icmp6": ("icmp6.",),
    "arp": ("arp.",),
}
_NEGATED = {"==": "!=", "!=": "==", "<": ">=", "<=": ">", ">": "<=", ">=": "<"}


@dataclass(slots=True)
class Context:
    """What decides the meaning of names: words of a language, the OVN release, the stage, what is known by name."""

    words: Catalogue
    version: OvnVersion = DEFAULT
    stage: str = ""
    names: Names = field(default_factory=Names)

    @property
    def scope(self) -> Scope:
        """The kind of datapath that the stage belongs to."""
        return scope_of_stage(self.stage)

    def register(self, name: str) -> RegisterField | None:
        """The register field that ``name`` means here."""
        return find_register(name, version=self.version, scope=self.scope, stage=self.stage)

    def plain(self, name: str) -> str:
        """The short name of a field in words; its own name when the catalogue has none."""
        register = self.register(name)
        if register is not None and (text := self.words.register(register.key)):
            return text.title
        known = self.words.field(name)
        return known.title if known and not name.rstrip("0123456789").endswith("reg") else name

    def title(self, name: str) -> str:
        """What a field is called in a sentence: a register's own name is added in parentheses."""
        title = self.plain(name)
        if title != name and self.register(name) is not None:
            return self.words.say("field.register", title=title, name=name)
        return title

    def kind(self, name: str) -> str:
        """The formatter kind of a field's values; empty when values stand as they are."""
        register = self.register(name)
        if register is not None:
            return register.kind
        known = self.words.field(name)
        if known and known.yes:
            return "bool"
        kinds: dict[str, str] = shared("kinds")["kinds"]
        return kinds.get(name, "")


def match_sentence(match: str | Expression, context: Context) -> Sentence:
    """The match as a sentence. Text that OVN's language does not know stays as it is, and is marked so."""
    if isinstance(match, str):
        try:
            tree = parse(match, version=context.version)
        except ExpressionError:
            return Sentence(context.words.say("raw", text=match), match)
        source = match
    else:
        tree, source = match, str(match)
    made = _told(tree, context)
    return Sentence(capital(made.text), source, made.children)


def capital(text: str) -> str:
    """The text with a capital first letter; names of fields and ports are left alone."""
    return text[:1].upper() + text[1:] if text[:1].isascii() else text


def _told(tree: Expression, context: Context) -> Sentence:
    words = context.words
    match tree:
        case Boolean(value):
            return Sentence(words.say("match.every" if value else "match.none"), str(tree))
        case FieldRef():
            return Sentence(_bit(tree, True, context), str(tree))
        case Compare():
            return Sentence(_compare(tree, context), str(tree))
        case Range():
            return Sentence(_range(tree, context), str(tree))
        case ChassisResident(port):
            return Sentence(words.say("match.resident", port=port_words(port, context)), str(tree))
        case Not():
            return _negation(tree, context)
        case And():
            return _joined(_clauses(tree, context), "all", str(tree), context)
        case Or():
            return _joined([_told(term, context) for term in tree.terms], "any", str(tree), context)


def _joined(parts: list[Sentence], how: str, source: str, context: Context) -> Sentence:
    words = context.words
    if len(parts) == 1:
        return parts[0]
    nested = any(part.children for part in parts)
    texts = [words.say("join.group", text=part.text) if part.children else part.text for part in parts]
    last = words.say("join.and" if how == "all" else "join.or")
    text = words.say("join.clause").join(texts[:-1]) + last + texts[-1]
    depth = any(child.children for part in parts for child in part.children)
    if len(text) > INLINE or depth or (nested and how == "any"):
        text = words.say(f"match.{how}")
    return Sentence(text, source, parts)


def _clauses(tree: And, context: Context) -> list[Sentence]:
    """The clauses of an And, what goes without saying left out and address and port said together."""
    terms = [term for term in tree.terms if not _goes_without_saying(term, tree.terms)]
    made: list[Sentence] = []
    done: set[int] = set()
    for at, term in enumerate(terms):
        if at in done:
            continue
        together = _endpoint(term, at, terms, context)
        if together:
            other, sentence = together
            done.add(other)
            made.append(sentence)
        else:
            made.append(_told(term, context))
    return made


def _goes_without_saying(term: Expression, terms: tuple[Expression, ...]) -> bool:
    names = [_name(other) for other in terms if other is not term]
    if isinstance(term, FieldRef) and term.name in _IMPLIED:
        return any(name.startswith(_IMPLIED[term.name]) and name != term.name for name in names)
    if term == FieldRef("ct.trk"):
        return any(isinstance(t, FieldRef) and t.name.startswith("ct.") and t is not term for t in terms)
    return term == Not(FieldRef("ct.est")) and FieldRef("ct.new") in terms


def _name(term: Expression) -> str:
    if isinstance(term, FieldRef):
        return term.name
    return term.field.name if isinstance(term, Compare | Range) else ""


def _endpoint(
    term: Expression, at: int, terms: list[Expression], context: Context
) -> tuple[int, Sentence] | None:
    """``ip4.dst == A`` with ``udp.dst == P`` as one clause, and the position of the second."""
    if not isinstance(term, Compare) or term.op != "==" or not isinstance(term.value, Constant):
        return None
    family, _, side = term.field.name.partition(".")
    if family not in ("ip4", "ip6") or side not in ("src", "dst") or term.value.mask is not None:
        return None
    for other in range(at + 1, len(terms)):
        port = terms[other]
        if not isinstance(port, Compare) or port.op != "==" or not isinstance(port.value, Constant):
            continue
        protocol, _, port_side = port.field.name.partition(".")
        if protocol in _TRANSPORT and port_side == side and port.field.low is None:
            address = str(term.value)
            text = context.words.say(
                f"match.endpoint.{side}",
                endpoint=f"[{address}]:{port.value}" if ":" in address else f"{address}:{port.value}",
                protocol=protocol.upper(),
            )
            return other, Sentence(
                text + _known(context.names.addresses.get(address), context), f"{term} && {port}"
            )
    return None


def _negation(tree: Not, context: Context) -> Sentence:
    words, inner, source = context.words, tree.term, str(tree)
    match inner:
        case FieldRef():
            return Sentence(_bit(inner, False, context), source)
        case Compare(field_, op, value):
            return Sentence(_compare(Compare(field_, _NEGATED[op], value), context), source)  # type: ignore[arg-type]
        case Not(term):
            return _told(term, context)
        case Boolean(value):
            return Sentence(words.say("match.none" if value else "match.every"), source)
        case ChassisResident(port):
            return Sentence(words.say("match.not_resident", port=port_words(port, context)), source)
        case Range():
            return Sentence(words.say("match.not", text=_range(inner, context)), source)
        case And():
            return Sentence(words.say("match.not_all"), source, _clauses(inner, context))
        case Or():
            parts = [_told(term, context) for term in inner.terms]
            return Sentence(words.say("match.not_any"), source, parts)


def _bit(ref: FieldRef, wanted: bool, context: Context) -> str:
    """A predicate or bit that must hold, or must not."""
    words, name = context.words, str(ref)
    known = words.field(name)
    if known and known.yes:
        return known.yes if wanted else known.no
    if context.kind(name) == "bool":
        return words.say("match.note" if wanted else "match.no_note", title=context.plain(name), name=name)
    key = "match.not_zero" if wanted else "match.zero"
    return words.say(key, field=context.title(name))


def _compare(term: Compare, context: Context) -> str:
    words, name = context.words, str(term.field)
    wanted = term.value.value if isinstance(term.value, Constant) and term.value.mask is None else None
    if wanted in (0, 1) and term.op in ("==", "!=") and context.kind(name) == "bool":
        return _bit(term.field, bool(wanted) is (term.op == "=="), context)
    title = context.title(name)
    if term.op not in ("==", "!="):
        return words.say(f"match.{term.op}", field=title, value=value_words(term.values[0], name, context))
    no = "not_" if term.op == "!=" else ""
    values = term.values
    said_values = [value_words(value, name, context) for value in values[:NAMED_VALUES]]
    if len(values) > NAMED_VALUES:
        said_values.append(words.say("more", count=len(values) - NAMED_VALUES))
    text = words.say("join.list").join(said_values)
    if isinstance(term.value, ConstantSet) and len(values) > 1:
        return words.say(f"match.{no}one_of", field=title, values=text)
    if isinstance(values[0], AddressSet | PortGroup):
        return words.say(f"match.{no}in_group", field=title, group=text)
    if isinstance(values[0], Constant) and values[0].mask is not None:
        if values[0].mask == 0:
            return words.say(f"match.{no}anything", field=title)
        return words.say(f"match.{no}in", field=title, value=text)
    return words.say(f"match.{no}is", field=title, value=text)


def _range(term: Range, context: Context) -> str:
    name = str(term.field)
    low, high = term.low, term.high
    if isinstance(low, Constant) and term.low_op == "<" and low.format is Format.DECIMAL:
        low = Constant(low.value + 1)
    if isinstance(high, Constant) and term.high_op == "<" and high.format is Format.DECIMAL:
        high = Constant(high.value - 1)
    if str(low) == str(high) and isinstance(low, Constant):  # Kube-OVN writes a single port as a range
        value = value_words(low, name, context)
        return context.words.say("match.is", field=context.title(name), value=value)
    return context.words.say(
        "match.between",
        field=context.title(name),
        low=value_words(low, name, context),
        high=value_words(high, name, context),
    )


def value_words(value: Value, name: str, context: Context) -> str:
    """A constant of the field ``name`` as a person would say it."""
    words = context.words
    match value:
        case StringConstant(text):
            return port_words(text, context) if name in ("inport", "outport") else f'"{text}"'
        case PortGroup(group):
            return words.say("port_group", name=group) + _known(context.names.port_group(group), context)
        case AddressSet(group):
            behind = value.port_group
            if behind:
                found = context.names.port_group(behind[0])
                return words.say("group_addresses", name=behind[0]) + _known(found, context)
            return words.say("address_set", name=group) + _known(address_set_object(group), context)
        case Constant():
            text = str(value)
            shown = show(context.kind(name), text, words) if value.mask is None else text
            return shown + _known(context.names.addresses.get(text), context)


def port_words(name: str, context: Context) -> str:
    """A logical port by name, with the object behind it when the naming rules or known rows tell."""
    return name + _known(context.names.port(name), context)


def _known(reference: ObjectRef | None, context: Context) -> str:
    return context.words.say("known", what=said(reference)) if reference else ""

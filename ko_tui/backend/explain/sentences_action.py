"""Actions in words, with their arguments filled in.

``ct_lb_mark(backends=10.16.0.4:53,10.16.0.5:53);`` becomes *Pick one of 2 endpoints (10.16.0.4:53, 10.16.0.5:53)
and rewrite the destination*. An action that is not known stays as it is written and is marked so.
"""

from __future__ import annotations

from ko_tui.backend.explain.model import Sentence
from ko_tui.backend.explain.pipelines import pipeline_of, stage_at
from ko_tui.backend.explain.sentences_match import Context, capital, port_words, value_words
from ko_tui.backend.ovn.actions import (
    Action,
    Assign,
    Call,
    CheckPktLarger,
    CommitLbAff,
    CtCommit,
    CtCommitToZone,
    CtLb,
    CtNat,
    CtNext,
    DecrementTtl,
    Drop,
    Exchange,
    FwdGroup,
    Log,
    Nested,
    Next,
    Option,
    Output,
    PutOptions,
    Result,
    Select,
    SetMeter,
    SetQueue,
    Stack,
    TriggerEvent,
    UnknownAction,
    parse,
)
from ko_tui.backend.ovn.expression import Constant, FieldRef, StringConstant, Value

SHOWN_BACKENDS = 6
"""Endpoints that are named; of more the first few and the number."""


def action_sentences(actions: str | list[Action], context: Context) -> list[Sentence]:
    """The actions of a flow, one sentence each in order. Text is parsed leniently and never raises."""
    made = parse(actions, version=context.version, strict=False) if isinstance(actions, str) else actions
    return [action_sentence(action, context) for action in made]


def action_sentence(action: Action, context: Context) -> Sentence:
    """One action as a sentence; what it holds in braces as its children."""
    words = context.words
    children: list[Sentence] = []
    if isinstance(action, Nested):
        children = [action_sentence(inner, context) for inner in action.actions]
    elif isinstance(action, CtCommit):
        children = [Sentence(capital(_mark(inner, context)), str(inner)) for inner in action.actions]
    text = _text(action, context)
    if text is None or isinstance(action, UnknownAction):
        return Sentence(words.say("raw", text=str(action)), str(action), children)
    return Sentence(capital(text), str(action), children)


def _text(action: Action, context: Context) -> str | None:
    words = context.words
    match action:
        case Next():
            return _next(action, context)
        case Output():
            return words.say("do.output")
        case Drop():
            return words.say("do.drop")
        case DecrementTtl():
            return words.say("do.ttl")
        case Assign(field, value):
            return _assign(field, value, context)
        case Exchange(left, right):
            return words.say("do.swap", first=context.title(str(left)), second=context.title(str(right)))
        case CtNext(zone):
            return words.say("do.ct_next_zone", zone=zone.upper()) if zone else words.say("do.ct_next")
        case CtCommit():
            return _commit(action, context)
        case CtCommitToZone(zone):
            return words.say("do.ct_zone", zone=zone.upper())
        case CtNat():
            return _nat(action, context)
        case CtLb():
            return _load_balance(action, context)
        case Select(field, members):
            values = [str(m.id) if m.weight is None else f"{m.id}={m.weight}" for m in members]
            listed = words.say("join.list").join(values)
            return words.say("do.select", field=context.title(str(field)), count=len(members), values=listed)
        case Nested(name):
            return _nested(action, context) if words.action(name) else None
        case Call(name):
            return _call(action, context) if words.action(name) else None
        case Result(field, name, arguments):
            return _result(field, name, [context.title(str(a)) for a in arguments], context)
        case CheckPktLarger(field, size):
            return _result(field, "check_pkt_larger", [str(size)], context)
        case PutOptions(kind, field, options):
            return _result(field, kind, [_option(option) for option in options], context)
        case Log(verdict, severity, name):
            return words.say("do.log", name=name or "-", verdict=verdict, severity=severity)
        case CommitLbAff(_, backend, timeout):
            return words.say("do.affinity", backend=backend, timeout=timeout)
        case _:
            return _general(action, context)


def _next(action: Next, context: Context) -> str:
    words = context.words
    if action.table is None and action.pipeline is None:
        return words.say("do.next")
    pipeline = pipeline_of(context.stage)
    if action.pipeline and pipeline:
        pipeline = f"{pipeline.partition('_')[0]}_{action.pipeline}"
    table = "" if action.table is None else str(action.table)
    name = stage_at(context.version, pipeline, action.table) if action.table is not None else ""
    table = words.say("field.register", title=table, name=name) if name else table
    if action.pipeline:
        return words.say("do.next_pipeline", pipeline=action.pipeline, table=table)
    return words.say("do.next_table", table=table)


def _assign(field: FieldRef, value: Value | FieldRef, context: Context) -> str:
    words, name = context.words, str(field)
    if isinstance(value, FieldRef):
        if name == "outport" and str(value) == "inport":
            return words.say("do.turn_round")
        if context.kind(name) == "bool":
            source, into = context.plain(str(value)), context.plain(name)
            return words.say("do.copy_note", source=source, from_name=value, field=into, name=name)
        return words.say("do.copy", source=context.title(str(value)), field=context.title(name))
    if name == "outport" and isinstance(value, StringConstant):
        return outport_words(value.value, context)
    if isinstance(value, Constant) and value.value in (0, 1) and context.kind(name) == "bool":
        if context.register(name) is not None:
            key = "do.note" if value.value else "do.no_note"
            return words.say(key, title=context.plain(name), name=name)
        known = words.field(name)
        if known and known.yes:
            return words.say("do.flag", text=known.yes if value.value else known.no)
    return words.say("do.set", field=context.title(name), value=value_words(value, name, context))


def outport_words(port: str, context: Context) -> str:
    """That ``port`` becomes the output port; a multicast group is said as what it reaches."""
    words = context.words
    if port.startswith("_MC_"):
        meaning = words.text("phrases", f"group.{port}") or words.say("group._MC_other")
        return words.say("do.outport_group", group=port, meaning=meaning)
    return words.say("do.outport", port=port_words(port, context))


def _commit(action: CtCommit, context: Context) -> str:
    words = context.words
    if not action.actions:
        return words.say("do.ct_commit")
    parts = [_mark(inner, context) for inner in action.actions]
    return words.say("do.ct_commit_with", text=words.say("join.list").join(parts))


def _mark(action: Action, context: Context) -> str:
    """An action within ``ct_commit``: what is noted with the connection."""
    if isinstance(action, Assign) and isinstance(action.value, Constant):
        known = context.words.field(str(action.field))
        if known and known.yes:
            return known.yes if action.value.value else known.no
    return _text(action, context) or str(action)


def _nat(action: CtNat, context: Context) -> str:
    words = context.words
    source = action.kind.startswith("ct_snat")
    if action.address is None:
        return words.say("do.unsnat" if source else "do.undnat")
    address = str(action.address)
    if action.ports is not None:
        first, last = action.ports
        address += f":{first}" if last is None else f":{first}-{last}"
    return words.say("do.snat" if source else "do.dnat", address=address)


def _load_balance(action: CtLb, context: Context) -> str:
    words = context.words
    if not action.backends:
        plain = action.hash_fields is None and action.flag is None
        return words.say("do.ct_lb" if plain else "do.ct_lb_none")
    named = [
        str(backend) + _known_address(str(backend.address), context)
        for backend in action.backends[:SHOWN_BACKENDS]
    ]
    if len(action.backends) > SHOWN_BACKENDS:
        named.append(words.say("more", count=len(action.backends) - SHOWN_BACKENDS))
    listed = words.say("join.list").join(named)
    if len(action.backends) == 1:
        text = words.say("do.ct_lb_one", backends=listed)
    else:
        text = words.say("do.ct_lb_pick", count=len(action.backends), backends=listed)
    if action.hash_fields:
        text = words.say("do.ct_lb_hash", text=text, fields=action.hash_fields)
    if action.flag:
        text = words.say("do.ct_lb_flag", text=text, flag=words.say(f"do.{action.flag}"))
    return text


def _known_address(address: str, context: Context) -> str:
    found = context.names.addresses.get(address)
    if found is None:
        return ""
    name = f"{found.namespace}/{found.name}" if found.namespace else found.name
    return context.words.say("known", what=f"{found.kind} {name}")


def _nested(action: Nested, context: Context) -> str:
    words = context.words
    if action.name == "reject":
        return words.say("do.reject")
    if action.name == "arp":
        for inner in action.actions:
            if (
                isinstance(inner, Assign)
                and str(inner.field) == "arp.tpa"
                and isinstance(inner.value, FieldRef)
            ):
                return words.say("do.arp", target=context.title(str(inner.value)))
    known = words.action(action.name)
    return words.say("do.block", title=known.title if known else action.name)


def _call(action: Call, context: Context) -> str:
    words = context.words
    arguments = [
        context.title(str(item)) if isinstance(item, FieldRef) else str(item)
        for item in action.arguments or ()
    ]
    if action.name in ("get_arp", "get_nd") and len(arguments) == 2:
        return words.say("do.get_mac", address=arguments[1])
    if action.name in ("put_arp", "put_nd") and len(arguments) == 3:
        return words.say("do.put_mac", address=arguments[1], mac=arguments[2])
    simple = {"ct_clear": "do.ct_clear", "ct_snat_to_vip": "do.to_vip"}
    if action.name in simple:
        return words.say(simple[action.name])
    return _titled(action.name, arguments, context)


def _titled(name: str, arguments: list[str], context: Context) -> str:
    words = context.words
    known = words.action(name)
    title = known.title if known else name
    if not arguments:
        return words.say("do.call", title=title)
    if title.endswith(("?", "？")):
        return words.say("do.ask_with", title=title[:-1], arguments=words.say("join.list").join(arguments))
    return words.say("do.call_with", title=title, arguments=words.say("join.list").join(arguments))


def _result(field: FieldRef, name: str, arguments: list[str], context: Context) -> str:
    words = context.words
    question = _titled(name, arguments, context)
    if context.register(str(field)) is not None:
        return words.say("do.result", title=context.plain(str(field)), name=field, question=question)
    return words.say("do.result_plain", title=context.title(str(field)), question=question)


def _option(option: Option) -> str:
    return f"{option.name} {option.value}"


def _general(action: Action, context: Context) -> str | None:
    """Actions without a phrase of their own: their title and arguments."""
    match action:
        case Stack(kind, field):
            return _titled(kind, [context.title(str(field))], context)
        case SetQueue(queue):
            return _titled("set_queue", [str(queue)], context)
        case SetMeter(rate, burst):
            return _titled("set_meter", [f"{rate} kbps"] + ([f"{burst} kbit"] if burst else []), context)
        case FwdGroup(ports):
            return _titled("fwd_group", list(ports), context)
        case TriggerEvent(event, options):
            return _titled("trigger_event", [event, *map(_option, options)], context)
    head, _, rest = str(action).partition("(")
    name = head.rpartition(" = ")[2].rstrip("; ")
    inside = rest.rpartition(")")[0]
    return _titled(name, [inside] if inside else [], context) if context.words.action(name) else None

"""What a flow's actions ask of the packet: OVN adds it to the flow's match.

Facts: lib/actions.c of OVN 22.03.8, 23.03.1 and 25.03.3 (add_prerequisite, expr_field_parse).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from ko_tui.backend.ovn.actions import (
    Action,
    Assign,
    Call,
    CheckPktLarger,
    CtCommit,
    CtCommitNat,
    CtCommitToZone,
    CtLb,
    CtNat,
    CtNext,
    DecrementTtl,
    DhcpRelay,
    Exchange,
    Nested,
    PutOptions,
    Result,
    Select,
    Stack,
)
from ko_tui.backend.ovn.expression import FieldRef
from ko_tui.backend.ovn.symbols import SymbolTable

_NESTED = {
    "icmp4": "ip4",
    "icmp4_error": "ip4",
    "icmp6": "ip6",
    "icmp6_error": "ip6",
    "tcp_reset": "tcp",
    "sctp_abort": "sctp",
    "nd_na": "nd_ns",
    "nd_na_router": "nd_ns",
}
_RESULTS = {"dns_lookup": "udp"}
_OF_IP = (CtNext, CtCommit, CtCommitNat, CtCommitToZone, CtNat, CtLb, DecrementTtl)


def prerequisites(actions: Iterable[Action], symbols: SymbolTable, *, any_family: bool) -> list[str]:
    """The expressions that must hold for ``actions``, each once.

    ``any_family``: ``arp`` and ``nd_ns`` take packets of either family (25.03 and later), not just their own.
    """
    return list(dict.fromkeys(_asked(actions, symbols, any_family)))


def _asked(actions: Iterable[Action], symbols: SymbolTable, any_family: bool) -> Iterator[str]:
    for action in actions:
        if isinstance(action, Nested):
            if action.name in ("clone", "reject"):
                yield from _asked(action.actions, symbols, any_family)
            elif action.name in ("arp", "nd_ns"):
                yield "ip" if any_family else ("ip4" if action.name == "arp" else "ip6")
            elif action.name in _NESTED:
                yield _NESTED[action.name]
            continue
        if isinstance(action, _OF_IP):
            yield "ip"
        if isinstance(action, PutOptions) and action.kind == "put_nd_ra_opts":
            yield "ip6"
        if isinstance(action, Result) and action.name in _RESULTS:
            yield _RESULTS[action.name]
        for ref in _fields(action):
            if needed := symbols[ref.name].prerequisites:
                yield needed


def _fields(action: Action) -> Iterator[FieldRef]:
    if isinstance(action, Assign):
        yield action.field
        if isinstance(action.value, FieldRef):
            yield action.value
    elif isinstance(action, Exchange):
        yield action.left
        yield action.right
    elif isinstance(action, Stack | CheckPktLarger | PutOptions | DhcpRelay | Select):
        yield action.field
    elif isinstance(action, Result):
        yield action.field
        yield from action.arguments
    elif isinstance(action, Call):
        for argument in action.arguments or ():
            if isinstance(argument, FieldRef):
                yield argument

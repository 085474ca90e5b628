"""OVN's action language: text to typed actions and back.

``parse(text)`` gives a list of actions or raises ``ActionError``; ``parse(text, strict=False)`` never raises and
keeps what it cannot parse as ``UnknownAction``. ``to_text`` writes OVN's own spelling. Source: ovn-sb(5).
"""

from __future__ import annotations

from ko_tui.backend.ovn import symbols as symbol_tables
from ko_tui.backend.ovn.actions.connection_tree import (
    CommitEcmpNh,
    CommitLbAff,
    CtCommitNat,
    CtCommitToZone,
    CtLb,
    CtNat,
    CtNext,
    Endpoint,
    FwdGroup,
    Member,
    Select,
)
from ko_tui.backend.ovn.actions.dispatch import pipeline_lengths, results, statements
from ko_tui.backend.ovn.actions.reader import MAX_DEPTH, ActionError, ActionReader
from ko_tui.backend.ovn.actions.tree import (
    Action,
    Assign,
    Call,
    CheckPktLarger,
    CtCommit,
    DecrementTtl,
    DhcpRelay,
    Drop,
    Exchange,
    Log,
    Nested,
    Next,
    Option,
    Output,
    Pipeline,
    PutOptions,
    Result,
    Sample,
    SetMeter,
    SetQueue,
    Stack,
    TriggerEvent,
    UnknownAction,
    to_text,
    walk,
)
from ko_tui.backend.ovn.symbols import SymbolTable
from ko_tui.backend.ovn.versions import DEFAULT, KNOWN, OvnVersion

__all__ = [
    "MAX_DEPTH",
    "Action",
    "ActionError",
    "Assign",
    "Call",
    "CheckPktLarger",
    "CommitEcmpNh",
    "CommitLbAff",
    "CtCommit",
    "CtCommitNat",
    "CtCommitToZone",
    "CtLb",
    "CtNat",
    "CtNext",
    "DecrementTtl",
    "DhcpRelay",
    "Drop",
    "Endpoint",
    "Exchange",
    "FwdGroup",
    "Log",
    "Member",
    "Nested",
    "Next",
    "Option",
    "Output",
    "Pipeline",
    "PutOptions",
    "Result",
    "Sample",
    "Select",
    "SetMeter",
    "SetQueue",
    "Stack",
    "TriggerEvent",
    "UnknownAction",
    "parse",
    "pipeline_lengths",
    "to_text",
    "walk",
]


def parse(
    text: str,
    *,
    version: OvnVersion = DEFAULT,
    pipeline: Pipeline = "ingress",
    table: int = 0,
    tables: int | None = None,
    symbols: SymbolTable | None = None,
    strict: bool = True,
) -> list[Action]:
    """The actions of a logical flow in ``table`` of ``pipeline``.

    ``tables`` is how many tables a pipeline has (None: as in ``version``; 0: ``next`` is not allowed at all).
    ``symbols`` overrides the table of ``version``. Strict: raises ``ActionError``, nothing else. Not strict: never
    raises; actions of every release are parsed, and what cannot be parsed becomes an ``UnknownAction``.
    """
    lengths = pipeline_lengths(version)
    if tables is not None:
        lengths = dict.fromkeys(lengths, tables)
    known = version if strict else KNOWN[-1]
    reader = ActionReader(
        text,
        symbol_tables.table(version) if symbols is None else symbols,
        statements(known),
        results(known),
        version,
        pipeline=pipeline,
        table=table,
        lengths=lengths,
        strict=strict,
    )
    return list(reader.actions())

"""The typed tree of actions: immutable, comparable; ``str()`` is an action's text in OVN's own spelling.

``to_text`` writes a list of actions; parsing that text gives equal actions.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Literal

from ko_tui.backend.ovn.actions.connection_tree import (
    CommitEcmpNh,
    CommitLbAff,
    CtCommitNat,
    CtCommitToZone,
    CtLb,
    CtNat,
    CtNext,
    FwdGroup,
    Select,
)
from ko_tui.backend.ovn.expression.tree import Constant, ConstantSet, FieldRef, StringConstant, Value
from ko_tui.backend.ovn.lexer import quote

Pipeline = Literal["ingress", "egress"]


@dataclass(frozen=True, slots=True)
class Output:
    """``output;``: send the packet to ``outport``."""

    def __str__(self) -> str:
        return "output;"


@dataclass(frozen=True, slots=True)
class Drop:
    """``drop;``: nothing more happens to the packet."""

    def __str__(self) -> str:
        return "drop;"


@dataclass(frozen=True, slots=True)
class Next:
    """``next``: on to another logical table. None: this pipeline, and the table after this one."""

    pipeline: Pipeline | None = None
    table: int | None = None

    def __str__(self) -> str:
        if self.pipeline is None:
            return "next;" if self.table is None else f"next({self.table});"
        if self.table is None:
            return f"next(pipeline={self.pipeline});"
        return f"next(pipeline={self.pipeline}, table={self.table});"

    def target(self, pipeline: Pipeline, table: int) -> tuple[Pipeline, int]:
        """Pipeline and table number it leads to from ``table`` of ``pipeline``."""
        return self.pipeline or pipeline, table + 1 if self.table is None else self.table


@dataclass(frozen=True, slots=True)
class Assign:
    """``field = value;``: the value is a constant or another field."""

    field: FieldRef
    value: Value | FieldRef

    def __str__(self) -> str:
        return f"{self.field} = {self.value};"


@dataclass(frozen=True, slots=True)
class Exchange:
    """``left <-> right;``: each field gets the other's value."""

    left: FieldRef
    right: FieldRef

    def __str__(self) -> str:
        return f"{self.left} <-> {self.right};"


@dataclass(frozen=True, slots=True)
class DecrementTtl:
    """``ip.ttl--;``: the packet is dropped when that makes it 0."""

    def __str__(self) -> str:
        return "ip.ttl--;"


@dataclass(frozen=True, slots=True)
class Stack:
    """``push(field);`` or ``pop(field);``."""

    kind: Literal["push", "pop"]
    field: FieldRef

    def __str__(self) -> str:
        return f"{self.kind}({self.field});"


@dataclass(frozen=True, slots=True)
class CtCommit:
    """``ct_commit { ... };``: commit the connection; ``actions`` set ct_mark and ct_label.

    ``mark`` and ``label`` are the older spelling ``ct_commit(ct_mark=1, ct_label=2)``.
    """

    actions: tuple[Action, ...] = ()
    mark: Constant | None = None
    label: Constant | None = None

    def __str__(self) -> str:
        if self.actions:
            return f"ct_commit {{ {to_text(self.actions)} }};"
        old = [
            f"{name}={value}"
            for name, value in (("ct_mark", self.mark), ("ct_label", self.label))
            if value is not None
        ]
        return f"ct_commit({', '.join(old)});" if old else "ct_commit;"


@dataclass(frozen=True, slots=True)
class Nested:
    """``name { actions };``: clone, arp, nd_na, nd_ns, icmp4, tcp_reset, reject and the like."""

    name: str
    actions: tuple[Action, ...]

    def __str__(self) -> str:
        return f"{self.name} {{ {to_text(self.actions)} }};"


@dataclass(frozen=True, slots=True)
class Call:
    """``name;`` (no arguments given) or ``name(arguments);``."""

    name: str
    arguments: tuple[FieldRef | StringConstant, ...] | None = None

    def __str__(self) -> str:
        if self.arguments is None:
            return f"{self.name};"
        return f"{self.name}({', '.join(map(str, self.arguments))});"


@dataclass(frozen=True, slots=True)
class Result:
    """``field = name(arguments);``: a look-up whose answer goes to the field."""

    field: FieldRef
    name: str
    arguments: tuple[FieldRef, ...] = ()

    def __str__(self) -> str:
        return f"{self.field} = {self.name}({', '.join(map(str, self.arguments))});"


@dataclass(frozen=True, slots=True)
class CheckPktLarger:
    """``field = check_pkt_larger(bytes);``."""

    field: FieldRef
    size: int

    def __str__(self) -> str:
        return f"{self.field} = check_pkt_larger({self.size});"


@dataclass(frozen=True, slots=True)
class Option:
    """``name = value`` of DHCP, router advertisement or event options."""

    name: str
    value: Value | ConstantSet

    def __str__(self) -> str:
        return f"{self.name} = {self.value}"

    @property
    def values(self) -> tuple[Value, ...]:
        """The values, one or many."""
        return self.value.values if isinstance(self.value, ConstantSet) else (self.value,)


@dataclass(frozen=True, slots=True)
class PutOptions:
    """``field = put_dhcp_opts(...);``: turn the request into the reply; the field says whether that worked."""

    kind: Literal["put_dhcp_opts", "put_dhcpv6_opts", "put_nd_ra_opts"]
    field: FieldRef
    options: tuple[Option, ...]

    def __str__(self) -> str:
        return f"{self.field} = {self.kind}({', '.join(map(str, self.options))});"


@dataclass(frozen=True, slots=True)
class DhcpRelay:
    """``field = dhcp_relay_req_chk(relay, server);`` and its reply."""

    field: FieldRef
    kind: Literal["dhcp_relay_req_chk", "dhcp_relay_resp_chk"]
    relay: Constant
    server: Constant

    def __str__(self) -> str:
        return f"{self.field} = {self.kind}({self.relay}, {self.server});"


@dataclass(frozen=True, slots=True)
class TriggerEvent:
    """``trigger_event(event = "...", ...);``: tell ovn-northd's event queue."""

    event: str
    options: tuple[Option, ...] = ()

    def __str__(self) -> str:
        return f"trigger_event({', '.join([f'event = {quote(self.event)}', *map(str, self.options)])});"


@dataclass(frozen=True, slots=True)
class Log:
    """``log(name="...", verdict=..., severity=..., meter="...");``."""

    verdict: Literal["allow", "drop", "reject", "pass"]
    severity: Literal["alert", "warning", "notice", "info", "debug"] = "info"
    name: str | None = None
    meter: str | None = None

    def __str__(self) -> str:
        name = "" if self.name is None else f"name={quote(self.name)}, "
        meter = "" if self.meter is None else f", meter={quote(self.meter)}"
        return f"log({name}verdict={self.verdict}, severity={self.severity}{meter});"


@dataclass(frozen=True, slots=True)
class Sample:
    """``sample(...);``: ``probability`` is out of 65535; ``point`` is a number, ``$cookie`` or a 32-bit field."""

    probability: int
    collector_set: int = 0
    domain: int = 0
    point: int | Literal["$cookie"] | FieldRef = 0

    def __str__(self) -> str:
        return (
            f"sample(probability={self.probability},collector_set={self.collector_set},"
            f"obs_domain={self.domain},obs_point={self.point});"
        )


@dataclass(frozen=True, slots=True)
class SetQueue:
    """``set_queue(id);``."""

    queue: int

    def __str__(self) -> str:
        return f"set_queue({self.queue});"


@dataclass(frozen=True, slots=True)
class SetMeter:
    """``set_meter(rate, burst);``: kbps; burst 0 for none."""

    rate: int
    burst: int = 0

    def __str__(self) -> str:
        return f"set_meter({self.rate}, {self.burst});" if self.burst else f"set_meter({self.rate});"


@dataclass(frozen=True, slots=True)
class UnknownAction:
    """What could not be parsed, as it was written; ``message`` says why, ``offset`` where."""

    text: str
    message: str = ""
    offset: int = 0

    def __str__(self) -> str:
        return self.text


Action = (
    Output | Drop | Next | Assign | Exchange | DecrementTtl | Stack | CtNext | CtCommit | CtCommitNat | CtCommitToZone
    | CtNat | CtLb | Select | Nested | Call | Result | CheckPktLarger | PutOptions | DhcpRelay | TriggerEvent | Log
    | Sample | SetQueue | SetMeter | FwdGroup | CommitEcmpNh | CommitLbAff | UnknownAction
)  # fmt: skip


def to_text(actions: Iterable[Action]) -> str:
    """The actions as one text; ``drop;`` when there are none."""
    return " ".join(map(str, actions)) or "drop;"


def walk(actions: Iterable[Action]) -> Iterator[Action]:
    """Every action, nested ones after the one that holds them."""
    for action in actions:
        yield action
        if isinstance(action, Nested | CtCommit):
            yield from walk(action.actions)

"""Actions of connection tracking and load balancing, part of the tree of actions."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from ko_tui.backend.ovn.expression.tree import Constant, FieldRef
from ko_tui.backend.ovn.lexer import Format, format_value, quote

Zone = Literal["dnat", "snat"]


@dataclass(frozen=True, slots=True)
class CtNext:
    """``ct_next``: track the connection and go on in the next table. ``zone`` None: the default, dnat's."""

    zone: Zone | None = None

    def __str__(self) -> str:
        return _zoned("ct_next", self.zone)


@dataclass(frozen=True, slots=True)
class CtCommitNat:
    """``ct_commit_nat``: commit, and apply the NAT of a related connection."""

    zone: Zone | None = None

    def __str__(self) -> str:
        return _zoned("ct_commit_nat", self.zone)


@dataclass(frozen=True, slots=True)
class CtCommitToZone:
    """``ct_commit_to_zone(dnat);``: commit in one zone."""

    zone: Zone

    def __str__(self) -> str:
        return _zoned("ct_commit_to_zone", self.zone)


def _zoned(name: str, zone: str | None) -> str:
    return f"{name};" if zone is None else f"{name}({zone});"


@dataclass(frozen=True, slots=True)
class CtNat:
    """``ct_dnat(address, port-port);`` and its kin. Without address: undo the translation (or apply the known one).

    ``ports`` is (first, last); last None for a single port.
    """

    kind: Literal["ct_dnat", "ct_snat", "ct_dnat_in_czone", "ct_snat_in_czone"]
    address: Constant | None = None
    ports: tuple[int, int | None] | None = None

    def __str__(self) -> str:
        if self.address is None:
            return f"{self.kind};"
        ports = ""
        if self.ports is not None:
            first, last = self.ports
            ports = f",{first}" if last is None else f",{first}-{last}"
        return f"{self.kind}({self.address}{ports});"


@dataclass(frozen=True, slots=True)
class Endpoint:
    """An address and, when it matters, a port. ``logical_port`` is ct_lb_mark_local's name of the backend's port."""

    address: Constant
    port: int | None = None
    logical_port: str | None = None

    def __str__(self) -> str:
        text = str(self.address)
        if self.port is not None:
            text = f"[{text}]:{self.port}" if self.address.format is Format.IPV6 else f"{text}:{self.port}"
        return text if self.logical_port is None else f"{quote(self.logical_port)}:{text}"


@dataclass(frozen=True, slots=True)
class CtLb:
    """``ct_lb_mark(backends=...; hash_fields="..."; skip_snat);``: choose a backend.

    Without arguments: apply the NAT the connection has.
    """

    kind: Literal["ct_lb", "ct_lb_mark", "ct_lb_mark_local"]
    backends: tuple[Endpoint, ...] = ()
    hash_fields: str | None = None
    flag: Literal["skip_snat", "force_snat"] | None = None

    def __str__(self) -> str:
        if not self.backends and self.hash_fields is None and self.flag is None:
            return f"{self.kind};"
        text = "backends=" + ",".join(map(str, self.backends))
        if self.hash_fields is not None:
            text += f"; hash_fields={quote(self.hash_fields)}"
        if self.flag is not None:
            text += f"; {self.flag}"
        return f"{self.kind}({text});"


@dataclass(frozen=True, slots=True)
class Member:
    """One choice of ``select``: its id, and its weight when one is written (100 otherwise)."""

    id: int
    weight: int | None = None

    def __str__(self) -> str:
        return str(self.id) if self.weight is None else f"{self.id}={self.weight}"


@dataclass(frozen=True, slots=True)
class Select:
    """``field = select(1=10, 2=20);``: the field gets the id of one member, chosen by the packet's hash."""

    field: FieldRef
    members: tuple[Member, ...]
    hash_fields: str | None = None

    def __str__(self) -> str:
        members = ", ".join(map(str, self.members))
        if self.hash_fields is not None:
            return f"{self.field} = select(values=({members}); hash_fields={quote(self.hash_fields)});"
        return f"{self.field} = select({members});"


@dataclass(frozen=True, slots=True)
class FwdGroup:
    """``fwd_group(liveness="true", childports="a", "b");``."""

    ports: tuple[str, ...] = ()
    liveness: bool = False

    def __str__(self) -> str:
        if not self.ports and not self.liveness:
            return "fwd_group;"
        live = 'liveness="true", ' if self.liveness else ""
        return f"fwd_group({live}childports={', '.join(map(quote, self.ports))});"


@dataclass(frozen=True, slots=True)
class CommitEcmpNh:
    """``commit_ecmp_nh(ipv6 = false, proto = tcp);``: remember the next hop replies go back to."""

    ipv6: bool
    proto: Literal["tcp", "udp", "sctp"]

    def __str__(self) -> str:
        return f"commit_ecmp_nh(ipv6 = {'true' if self.ipv6 else 'false'}, proto = {self.proto});"


@dataclass(frozen=True, slots=True)
class CommitLbAff:
    """``commit_lb_aff(...);``: remember which backend a client got; ``timeout`` in seconds."""

    vip: Endpoint
    backend: Endpoint
    timeout: int
    proto: Literal["tcp", "udp", "sctp"] | None = None

    def __str__(self) -> str:
        proto = f", proto = {self.proto}" if self.proto else ""
        return (
            f'commit_lb_aff(vip = "{_bracketed(self.vip)}", backend = "{_bracketed(self.backend)}"'
            f"{proto}, timeout = {self.timeout});"
        )


def _bracketed(end: Endpoint) -> str:
    text = format_value(end.address.value, end.address.format)
    if end.address.format is Format.IPV6:
        text = f"[{text}]"
    return text if end.port is None else f"{text}:{end.port}"

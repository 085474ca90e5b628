"""Actions of connection tracking and load balancing."""

from __future__ import annotations

import re
from typing import Literal, cast

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
    Zone,
)
from ko_tui.backend.ovn.actions.reader import ActionReader, Target
from ko_tui.backend.ovn.actions.tree import Action, CtCommit
from ko_tui.backend.ovn.expression.tree import Constant
from ko_tui.backend.ovn.lexer import INTEGER, STRING, Format, Number, integer

_PROTOCOLS = ("tcp", "udp", "sctp")
_PORT = re.compile(r"[ \t\n\r\v\f]*[+-]?[0-9]{1,18}\Z")


def ct_next(reader: ActionReader) -> Action:
    """``ct_next``, from 24.03 on with a zone."""
    reader.not_last_table("ct_next")
    return CtNext(_zone(reader) if reader.since("24.03") and reader.accept("(") else None)


def ct_commit_nat(reader: ActionReader) -> Action:
    """``ct_commit_nat``, from 24.03 on with a zone."""
    reader.not_last_table("ct_commit_nat")
    return CtCommitNat(_zone(reader) if reader.since("24.03") and reader.accept("(") else None)


def ct_commit_to_zone(reader: ActionReader) -> Action:
    """``ct_commit_to_zone(zone)``."""
    reader.not_last_table("ct_commit_to_zone")
    reader.expect("(")
    return CtCommitToZone(_zone(reader))


def _zone(reader: ActionReader) -> Zone:
    zone = reader.name_of("dnat", "snat")
    reader.expect(")")
    return cast(Zone, zone)


def ct_commit(reader: ActionReader) -> Action:
    """``ct_commit``, with a block, or until 24.03 with arguments."""
    if reader.kinds[reader.at] == "{":
        return reader.nested("ct_commit", "ct_commit")
    if not (reader.release <= 3 or not reader.strict) or not reader.accept("("):
        return CtCommit()
    given: dict[str, Constant] = {}
    while not reader.accept(")"):
        name = reader.name_of("ct_mark", "ct_label")
        reader.expect("=")
        if reader.kinds[reader.at] != INTEGER:
            reader.unexpected("a number")
        number = cast(Number, reader.values[reader.at])
        given[name] = Constant(number.value, number.format, number.mask)
        reader.at += 1
        reader.accept(",")
    return CtCommit((), given.get("ct_mark"), given.get("ct_label"))


def ct_nat(
    kind: Literal["ct_dnat", "ct_snat", "ct_dnat_in_czone", "ct_snat_in_czone"], reader: ActionReader
) -> Action:
    """``ct_dnat(address, port-port)`` and its kin."""
    reader.not_last_table(kind)
    if not reader.accept("("):
        return CtNat(kind)
    address = reader.address(Format.IPV4, Format.IPV6, wanted="an IPv4 or IPv6 address")
    ports: tuple[int, int | None] | None = None
    if reader.accept(","):
        first = reader.decimal()
        # OVN keeps the low 16 bits of what is written.
        if first is None or not first & 0xFFFF:
            reader.unexpected("a port number other than 0")
        reader.at += 1
        last: int | None = None
        if reader.accept("-"):
            number = reader.values[reader.at]
            if not isinstance(number, Number) or number.mask is not None:
                reader.unexpected("a port number")
            last = number.value & 0xFFFF
            if last <= first & 0xFFFF:
                reader.fail("the range's last port must be greater than its first")
            reader.at += 1
        ports = (first & 0xFFFF, last)
    reader.expect(")")
    return CtNat(kind, address, ports)


def ct_lb(kind: Literal["ct_lb", "ct_lb_mark", "ct_lb_mark_local"], reader: ActionReader) -> Action:
    """``ct_lb_mark(backends=...; hash_fields="..."; skip_snat)`` and its kin."""
    reader.not_last_table(kind)
    if not reader.accept("(") or reader.accept(")"):
        return CtLb(kind)
    reader.name_of("backends")
    reader.expect("=")
    backends: list[Endpoint] = []
    while not reader.accept(";") and not reader.accept(")"):
        backends.append(_backend(reader, named=kind == "ct_lb_mark_local"))
        reader.accept(",")
    hash_fields: str | None = None
    if reader.accept_id("hash_fields"):
        reader.expect("=")
        hash_fields = reader.string("the names of fields in quotes")
        if not reader.accept(";"):
            reader.skip()
    flag: Literal["skip_snat", "force_snat"] | None = None
    # Which token closes the list after a flag does not matter to OVN.
    if reader.accept_id("skip_snat"):
        flag = "skip_snat"
        reader.skip()
    elif reader.accept_id("force_snat"):
        flag = "force_snat"
        reader.skip()
    return CtLb(kind, tuple(backends), hash_fields, flag)


def _backend(reader: ActionReader, *, named: bool) -> Endpoint:
    logical_port: str | None = None
    if named:
        logical_port = reader.string("the backend's logical port in quotes")
        reader.expect(":")
    port = 0
    if reader.accept("["):
        address = reader.address(Format.IPV6, wanted="an IPv6 address")
        reader.expect("]")
        if reader.accept(":"):
            port = reader.port_number("a port number")
    else:
        address = reader.address(Format.IPV4, Format.IPV6)
        if reader.accept(":"):
            if address.format is Format.IPV6:
                reader.fail("an IPv6 address needs brackets when a port follows")
            port = reader.port_number("a port number")
    return Endpoint(address, port or None, logical_port)


def select(reader: ActionReader, target: Target) -> Action:
    """``field = select(1=10, 2=20)``; from 25.03 on with ``values`` and ``hash_fields``."""
    _, field, bits = target
    reader.check(target, bits, reader.at)
    if bits < 16:
        reader.fail(f"{field} has {bits} bits; select needs 16")
    reader.not_last_table("select")
    hashed = reader.since("25.03") and reader.accept_id("values")
    if hashed:
        reader.expect("=")
        reader.expect("(")
    members: list[Member] = []
    while not reader.accept(")"):
        number = reader.port_number("an id")
        weight: int | None = None
        if reader.accept("="):
            weight = reader.port_number("a weight")
            if not weight:
                reader.fail("a weight cannot be 0")
        members.append(Member(number, weight))
        reader.accept(",")
    if len(members) < 2:
        reader.fail("select needs two members or more")
    hash_fields: str | None = None
    if hashed:
        reader.expect(";")
        reader.name_of("hash_fields")
        reader.expect("=")
        hash_fields = reader.string("the names of fields in quotes")
        reader.expect(")")
    return Select(field, tuple(members), hash_fields)


def fwd_group(reader: ActionReader) -> Action:
    """``fwd_group(liveness="true", childports="a", "b")``."""
    liveness = False
    ports: list[str] = []
    if reader.accept("("):
        if reader.accept_id("liveness"):
            reader.expect("=")
            liveness = reader.truth()
            reader.expect(",")
        if reader.accept_id("childports"):
            reader.expect("=")
            while not reader.accept(")"):
                ports.append(reader.string("a port's name in quotes"))
                reader.accept(",")
    return FwdGroup(tuple(ports), liveness)


def commit_ecmp_nh(reader: ActionReader) -> Action:
    """``commit_ecmp_nh(ipv6 = false, proto = tcp)``."""
    reader.expect("(")
    _named(reader, "ipv6")
    ipv6 = reader.truth()
    reader.expect(",")
    _named(reader, "proto")
    proto = reader.name_of(*_PROTOCOLS)
    reader.expect(")")
    return CommitEcmpNh(ipv6, cast(Literal["tcp", "udp", "sctp"], proto))


def commit_lb_aff(reader: ActionReader) -> Action:
    """``commit_lb_aff(vip = "...", backend = "...", proto = tcp, timeout = 30)``."""
    reader.expect("(")
    _named(reader, "vip")
    vip = _endpoint(reader)
    reader.expect(",")
    _named(reader, "backend")
    backend = _endpoint(reader)
    if backend.address.format is not vip.address.format:
        reader.fail("vip and backend are of different IP versions", reader.at - 1)
    reader.expect(",")
    proto: str | None = None
    if vip.port is not None:
        _named(reader, "proto")
        proto = reader.name_of(*_PROTOCOLS)
        reader.expect(",")
    _named(reader, "timeout")
    timeout = reader.port_number("a number of seconds")
    reader.expect(")")
    return CommitLbAff(vip, backend, timeout, cast(Literal["tcp", "udp", "sctp"] | None, proto))


def _named(reader: ActionReader, name: str) -> None:
    reader.name_of(name)
    reader.expect("=")


def _endpoint(reader: ActionReader) -> Endpoint:
    if reader.kinds[reader.at] != STRING:
        reader.unexpected("an address and port in quotes")
    end = endpoint(cast(str, reader.values[reader.at]))
    if end is None:
        reader.unexpected("an address and port in quotes")
    reader.at += 1
    return end


def endpoint(text: str) -> Endpoint | None:
    """``address``, ``address:port`` or ``[IPv6]:port``; None when it is none of these."""
    outside = re.sub(r"\[[^\]]*(?:\]|\Z)", lambda m: "x" * len(m[0]), text)
    host, port_text = text, ""
    if outside.count(":") == 1:
        at = outside.index(":")
        host, port_text = text[:at], _unbracketed(text[at + 1 :])
    if outside.count(":") <= 1:
        host = _unbracketed(host)
    port = 0
    if port_text:
        if not _PORT.match(port_text):
            return None
        port = int(port_text)
        if not 0 <= port <= 65535:
            return None
    if ":" in host:
        # A scope does not change the address.
        host, percent, scope = host.partition("%")
        if percent and scope and not scope.isdigit():
            return None
    number = integer(host)
    if isinstance(number, str) or number.format not in (Format.IPV4, Format.IPV6):
        return None
    return Endpoint(Constant(number.value, number.format), port or None)


def _unbracketed(text: str) -> str:
    if text.startswith("["):
        text = text[1:]
        return text[:-1] if text.endswith("]") else text
    return text

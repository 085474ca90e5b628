"""From what was asked to the packet and the commands, with a reason for each choice."""

from __future__ import annotations

import ipaddress
from dataclasses import replace
from typing import TYPE_CHECKING

from ko_tui.backend.errors import UsageError
from ko_tui.backend.explain.catalogue import Catalogue, catalogue
from ko_tui.backend.packet import (
    DEFAULT_SOURCE_PORT,
    PORT_PROTOCOLS,
    Packet,
    Protocol,
    parse_ct,
    parse_mac,
)
from ko_tui.backend.tracing.dhcp import DhcpClient, dhcp_client
from ko_tui.backend.tracing.lookup import find_endpoint, find_source
from ko_tui.backend.tracing.mac import choose_mac
from ko_tui.backend.tracing.model import Endpoint, Reason, TracePlan, TraceRequest
from ko_tui.backend.tracing.words import language

if TYPE_CHECKING:
    from ko_tui.backend.session import Session

NEW_CONNECTION = ("new",) * 4  # every pass through the tracker finds a new connection, as kubectl-ko assumes


def check_request(request: TraceRequest) -> TraceRequest:
    """What can be checked without a cluster. Raises UsageError; gives the request with its parts normalised."""
    unnamed = request.protocol in PORT_PROTOCOLS and not request.dst_port and not request.port_name
    if unnamed and not request.destination.startswith("svc/"):  # a Service brings its own
        raise UsageError(f"A {request.protocol} packet needs a destination port.", "For example: tcp 80.")
    for port in (request.dst_port, request.src_port):
        if not 0 <= port <= 65535:
            raise UsageError(f"{port} is not a port number.", "Ports are 1 to 65535.")
    if not 1 <= request.ttl <= 255:
        raise UsageError(f"A TTL of {request.ttl} is not possible.", "Use 1 to 255.")
    if not 0 <= request.select_id <= 0xFFFF:
        raise UsageError(f"{request.select_id} is not the number of a select() member.", "Use 1 to 65535.")
    if request.family not in (0, 4, 6):
        raise UsageError(f"There is no IP family {request.family}.", "Use 4 or 6.")
    return replace(
        request,
        dst_mac=parse_mac(request.dst_mac) if request.dst_mac else "",
        src_mac=parse_mac(request.src_mac) if request.src_mac else "",
        ct=tuple(parse_ct(state) for state in request.ct),
    )


def make_plan(session: Session, request: TraceRequest) -> TracePlan:
    """Resolve a request; the lookups that do not wait for each other run side by side."""
    request = check_request(request)
    looking = session.pool.submit(find_endpoint, session, request.destination, request.namespace)
    source = find_source(session, request.source, request.namespace)
    destination = looking.result()
    if session.live:
        session.pool.submit(_warm_leader, session)
    reasons: list[Reason] = []
    warnings: list[str] = []
    words = catalogue(language(session))
    client = dhcp_client(request, source, destination)
    src_ip, dst_ip = _addresses(request, source, destination, client, reasons, warnings, words)
    if client is not None and not request.src_port:
        reasons.append(Reason("src port", str(client.port), "A DHCP client sends from it."))
    port = _destination_port(request, destination, reasons, warnings, words)
    chosen = choose_mac(session, request, source, destination, dst_ip)
    reasons.append(chosen.reason)
    reasons.insert(0, Reason("inport", source.lsp, _about_port(source, request)))
    if request.src_mac and request.src_mac != source.mac:
        warnings.append(words.say("note.source_mac", mac=request.src_mac, end=source.key, own=source.mac))
    packet = Packet(
        inport=source.lsp,
        datapath=source.switch,
        eth_src=request.src_mac or source.mac,
        eth_dst=chosen.mac,
        protocol=request.protocol,
        ip_src=src_ip,
        ip_dst=dst_ip,
        src_port=_source_port(request, client),
        dst_port=port,
        ttl=request.ttl,
        tcp_flags=request.tcp_flags,
        ct=request.ct or NEW_CONNECTION,
    )
    if not request.ct and request.protocol not in (Protocol.ARP_REQUEST, Protocol.ARP_REPLY, Protocol.ND_NS):
        reasons.append(Reason("conntrack", "new", "The first packet of a connection is traced."))
    return TracePlan(
        request=request,
        packet=packet,
        source=source,
        destination=destination,
        ovn_trace=ovn_trace_argv(packet, request.backend, request.select_id),
        reasons=tuple(reasons),
        warnings=tuple(warnings),
        commands=chosen.commands,
        lb_dst=request.backend,
        select_id=request.select_id,
    )


def ovn_trace_argv(
    packet: Packet, lb_dst: str = "", select_id: int = 0, *, leader_only: bool = True
) -> tuple[str, ...]:
    """The words of ovn-trace(8) for a packet."""
    options = [f"--ct={state}" for state in packet.ct]
    if lb_dst:
        options.append(f"--lb-dst={lb_dst}")
    if select_id:
        options.append(f"--select-id={select_id}")
    if not leader_only:
        options.append("--no-leader-only")
    return ("ovn-trace", *options, packet.datapath, packet.microflow())


def _source_port(request: TraceRequest, client: DhcpClient | None) -> int:
    if request.protocol not in PORT_PROTOCOLS:
        return 0
    return request.src_port or (client.port if client is not None else DEFAULT_SOURCE_PORT)


def _warm_leader(session: Session) -> None:
    """Find the leader while the packet is being resolved; whoever needs it meets the error, if any."""
    try:
        session.leader("sb")
    except Exception:
        return


def _about_port(source: Endpoint, request: TraceRequest) -> str:
    if source.kind == "node" and not request.source.startswith("node//"):
        return f"{request.source} uses its node's network: the packet starts at node {source.name}."
    if source.kind == "vm":
        return f"A KubeVirt VM: its port is named after the VM {source.vm}, not after the pod."
    if source.kind == "attachment":
        return f"The NIC of the network attachment {source.provider}."
    return f"The logical port of {source.key}."


def _addresses(
    request: TraceRequest,
    source: Endpoint,
    destination: Endpoint,
    client: DhcpClient | None,
    reasons: list[Reason],
    warnings: list[str],
    words: Catalogue,
) -> tuple[str, str]:
    family = request.family
    if request.protocol in (Protocol.ARP_REQUEST, Protocol.ARP_REPLY):
        family = 4
    elif request.protocol is Protocol.ND_NS:
        family = 6
    if not family and destination.kind == "address":
        family = ipaddress.ip_address(destination.ips[0]).version
    if not family:
        both = [f for f in (4, 6) if source.ip(f) and destination.ip(f)]
        if not both:
            raise UsageError(
                f"{source.key} ({', '.join(source.ips) or 'no address'}) and {destination.key} "
                f"({', '.join(destination.ips) or 'no address'}) share no IP family.",
                "Choose endpoints of one family.",
            )
        family = both[0]
        if len(both) == 2:
            reasons.append(
                Reason("IP family", "IPv4", "Both have IPv4 and IPv6; IPv4 is taken unless 6 is asked for.")
            )
    unconfigured = client.address if client is not None else ""
    src_ip = request.src_ip or unconfigured or source.ip(family)
    if (
        source.kind == "node"
        and not request.src_ip
        and family == 4
        and request.protocol is Protocol.ARP_REQUEST
    ):
        join = [ip for ip in source.ips if ip in _join_addresses(source)]
        src_ip = join[0] if join else src_ip
    dst_ip = destination.ip(family)
    for name, endpoint, ip in (("source", source, src_ip), ("destination", destination, dst_ip)):
        if not ip:
            raise UsageError(
                f"The {name} {endpoint.key} has no IPv{family} address.",
                f"It has: {', '.join(endpoint.ips) or 'none'}.",
            )
    if request.src_ip:
        try:
            if ipaddress.ip_address(src_ip).version != family:
                raise UsageError(f"The source address {src_ip} is not IPv{family}.")
        except ValueError:
            raise UsageError(f"The source address {src_ip!r} is not an IP address.") from None
        if src_ip not in (*source.ips, unconfigured):
            own = words.say("join.list").join(source.ips)
            warnings.append(words.say("note.source_ip", ip=src_ip, end=source.key, own=own))
    why = "A DHCP client has no address yet." if unconfigured else f"The address of {source.key}."
    reasons.append(Reason("src IP", src_ip, "Given." if request.src_ip else why))
    reasons.append(Reason("dst IP", dst_ip, f"The address of {destination.key}."))
    return src_ip, dst_ip


def _join_addresses(node: Endpoint) -> set[str]:
    """A node's addresses that lie in the join subnet: what it uses for ARP."""
    nets = [ipaddress.ip_network(c, strict=False) for c in node.cidr.split(",") if c]
    return {ip for ip in node.ips if any(ipaddress.ip_address(ip) in net for net in nets)}


def _destination_port(
    request: TraceRequest,
    destination: Endpoint,
    reasons: list[Reason],
    warnings: list[str],
    words: Catalogue,
) -> int:
    if request.protocol not in PORT_PROTOCOLS:
        return 0
    if request.dst_port:
        if destination.kind == "service":
            served = [p.split("/")[0] for p in destination.ports if f"/{request.protocol.upper()}" in p]
            if str(request.dst_port) not in served:
                blanks = {"protocol": request.protocol, "port": request.dst_port}
                warnings.append(words.say("note.not_served", end=destination.key, **blanks))
                reasons.append(
                    Reason(
                        "dst port",
                        str(request.dst_port),
                        f"{destination.key} does not serve it: {', '.join(destination.ports) or 'no ports'}.",
                    )
                )
        return request.dst_port
    if not request.port_name:
        for port in destination.ports:
            if f"/{request.protocol.upper()}" in port:
                number = int(port.split("/")[0])
                why = f"No port was named: {destination.key} serves this one first."
                reasons.append(Reason("dst port", str(number), why))
                return number
        raise UsageError(
            f"{destination.key} serves no {request.protocol} port.",
            f"Its ports: {', '.join(destination.ports) or 'none'}.",
        )
    for port in destination.ports:
        if port.endswith(f"({request.port_name})"):
            number = int(port.split("/")[0])
            reasons.append(
                Reason("dst port", str(number), f"{destination.key} names it {request.port_name}.")
            )
            return number
    raise UsageError(
        f"{destination.key} has no port named {request.port_name!r}.",
        f"Its ports: {', '.join(destination.ports) or 'none'}.",
    )

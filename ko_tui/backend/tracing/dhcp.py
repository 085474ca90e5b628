"""A DHCP client speaks from addresses and ports of its own: OVN answers no other packet (RFC 2131 4.1, RFC 8415 7)."""

from __future__ import annotations

import ipaddress
from dataclasses import dataclass

from ko_tui.backend.packet import Protocol, link_local
from ko_tui.backend.tracing.model import Endpoint, TraceRequest

_CLIENT_OF = {67: 68, 547: 546}  # the server's UDP port: the client's
_ALL_SERVERS = {"255.255.255.255": 67, "ff02::1:2": 547}


@dataclass(frozen=True, slots=True)
class DhcpClient:
    """Where a request comes from: ``address`` "" is the sender's own."""

    port: int
    address: str = ""


def dhcp_client(request: TraceRequest, source: Endpoint, destination: Endpoint) -> DhcpClient | None:
    """What a request to a DHCP server has as its source; None for every other packet."""
    if request.protocol is not Protocol.UDP or request.dst_port not in _CLIENT_OF:
        return None
    port = _CLIENT_OF[request.dst_port]
    if not any(_ALL_SERVERS.get(ip) == request.dst_port for ip in destination.ips):
        return DhcpClient(port)  # a renewal, to the server that gave the address
    if request.dst_port == 67:
        return DhcpClient(port, "0.0.0.0")
    mac = int((request.src_mac or source.mac).replace(":", ""), 16)
    return DhcpClient(port, str(ipaddress.IPv6Address(link_local(mac))))

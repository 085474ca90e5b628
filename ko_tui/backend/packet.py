"""One packet, two spellings: the logical microflow of ovn-trace and the flow of ofproto/trace.

Both traces are made from this one model so that they trace the same packet. Field names are those of
ovn-sb(5) on the logical side and ovs-fields(7) on the OpenFlow side.
"""

from __future__ import annotations

import ipaddress
import re
from dataclasses import dataclass, replace
from enum import StrEnum

from ko_tui.backend.errors import UsageError


class Protocol(StrEnum):
    ICMP = "icmp"
    TCP = "tcp"
    UDP = "udp"
    SCTP = "sctp"
    ARP_REQUEST = "arp-request"
    ARP_REPLY = "arp-reply"
    ND_NS = "nd-ns"


PORT_PROTOCOLS = frozenset({Protocol.TCP, Protocol.UDP, Protocol.SCTP})
IP_PROTOCOLS = PORT_PROTOCOLS | {Protocol.ICMP}
BROADCAST = "ff:ff:ff:ff:ff:ff"
DEFAULT_TTL = 64
DEFAULT_SOURCE_PORT = 30000  # kubectl-ko's own choice for its logical trace
TCP_SYN = 2

_TCP_FLAGS = {"fin": 1, "syn": 2, "rst": 4, "psh": 8, "ack": 16, "urg": 32, "ece": 64, "cwr": 128}
_CT_STATES = frozenset({"trk", "new", "est", "rel", "rpl", "inv", "dnat", "snat"})  # ovn-trace(8), --ct
MAC = re.compile(r"[0-9a-fA-F]{1,2}(:[0-9a-fA-F]{1,2}){5}")  # 0:0:0:1b:3e:8b, as kubectl ko takes it too


@dataclass(frozen=True, slots=True)
class Packet:
    """A packet that enters a logical switch.

    Ports are 0 where the protocol has none. ``ct`` is the conntrack state for each pass through the tracker,
    in order (``new``, ``est``, ``est,rpl`` ...). ``target_ip`` of ARP and neighbour solicitation is ``ip_dst``.
    """

    inport: str
    datapath: str
    eth_src: str
    eth_dst: str
    protocol: Protocol
    ip_src: str
    ip_dst: str
    src_port: int = 0
    dst_port: int = 0
    ttl: int = DEFAULT_TTL
    tcp_flags: int = TCP_SYN
    icmp_type: int | None = None
    icmp_code: int = 0
    ct: tuple[str, ...] = ()

    @property
    def family(self) -> int:
        """4 or 6."""
        return ipaddress.ip_address(self.ip_src).version

    @property
    def echo_type(self) -> int:
        """The ICMP type: as given, else echo request of the family."""
        if self.icmp_type is not None:
            return self.icmp_type
        return 8 if self.family == 4 else 128

    def microflow(self) -> str:
        """The logical expression for ovn-trace(8)."""
        f = self.family
        parts = [f'inport == "{_quoted(self.inport)}"']
        if self.protocol in IP_PROTOCOLS:
            parts.append(f"ip.ttl == {self.ttl}")
        parts.append(f"eth.src == {self.eth_src}")
        parts.append(f"eth.dst == {self.eth_dst}")
        if self.protocol in (Protocol.ARP_REQUEST, Protocol.ARP_REPLY):
            op, tha = (1, "00:00:00:00:00:00") if self.protocol is Protocol.ARP_REQUEST else (2, self.eth_dst)
            parts += [
                f"arp.op == {op}",
                f"arp.sha == {self.eth_src}",
                f"arp.spa == {self.ip_src}",
                f"arp.tha == {tha}",
                f"arp.tpa == {self.ip_dst}",
            ]
            return " && ".join(parts)
        if self.protocol is Protocol.ND_NS:
            parts += [
                "nd_ns",
                "ip.ttl == 255",
                f"ip6.src == {self.ip_src}",
                f"ip6.dst == {solicited_node(self.ip_dst)}",
                f"nd.target == {self.ip_dst}",
                f"nd.sll == {self.eth_src}",
            ]
            return " && ".join(parts)
        parts += [f"ip{f}.src == {self.ip_src}", f"ip{f}.dst == {self.ip_dst}"]
        if self.protocol is Protocol.ICMP:
            parts += [f"icmp{f}.type == {self.echo_type}", f"icmp{f}.code == {self.icmp_code}"]
        else:
            parts += [f"{self.protocol}.src == {self.src_port}", f"{self.protocol}.dst == {self.dst_port}"]
            if self.protocol is Protocol.TCP:
                parts.append(f"tcp.flags == {self.tcp_flags}")
        return " && ".join(parts)

    def openflow(self, in_port: str | int) -> str:
        """The flow for ``ofproto/trace br-int FLOW`` (ovs-fields(7)) of the same packet at ``in_port``."""
        f = self.family
        head = [f"in_port={in_port}", f"dl_src={self.eth_src}", f"dl_dst={self.eth_dst}"]
        if self.protocol in (Protocol.ARP_REQUEST, Protocol.ARP_REPLY):
            op = 1 if self.protocol is Protocol.ARP_REQUEST else 2
            tha = "00:00:00:00:00:00" if op == 1 else self.eth_dst
            body = [
                f"arp_op={op}",
                f"arp_spa={self.ip_src}",
                f"arp_tpa={self.ip_dst}",
                f"arp_sha={self.eth_src}",
                f"arp_tha={tha}",
            ]
            return ",".join(["arp", *head, *body])
        if self.protocol is Protocol.ND_NS:
            body = [
                f"ipv6_src={self.ip_src}",
                f"ipv6_dst={solicited_node(self.ip_dst)}",
                "nw_ttl=255",
                "icmpv6_type=135",
                "icmpv6_code=0",
                f"nd_target={self.ip_dst}",
                f"nd_sll={self.eth_src}",
            ]
            return ",".join(["icmp6", *head, *body])
        suffix = "" if f == 4 else "6"
        src, dst = ("nw_src", "nw_dst") if f == 4 else ("ipv6_src", "ipv6_dst")
        body = [f"{src}={self.ip_src}", f"{dst}={self.ip_dst}", f"nw_ttl={self.ttl}"]
        if self.protocol is Protocol.ICMP:
            name = "icmp" if f == 4 else "icmpv6"
            body += [f"{name}_type={self.echo_type}", f"{name}_code={self.icmp_code}"]
        else:
            body += [f"{self.protocol}_src={self.src_port}", f"{self.protocol}_dst={self.dst_port}"]
            if self.protocol is Protocol.TCP:
                body.append(f"tcp_flags={self.tcp_flags}")
        return ",".join([f"{self.protocol}{suffix}", *head, *body])

    def with_ct(self, *states: str) -> Packet:
        """The same packet with these conntrack states."""
        return replace(self, ct=tuple(states))


def solicited_node(address: str) -> str:
    """The solicited-node multicast address of an IPv6 address (RFC 4291, section 2.7.1)."""
    low = int(ipaddress.IPv6Address(address)) & 0xFFFFFF
    return str(ipaddress.IPv6Address((0xFF02_0000_0000_0000_0000_0001_FF00_0000) | low))


def link_local(mac: int) -> int:
    """The IPv6 link-local address that a MAC address gives (RFC 4291, appendix A)."""
    high, low = mac >> 24, mac & 0xFFFFFF
    return 0xFE80 << 112 | (high ^ 0x020000) << 40 | 0xFFFE << 24 | low


def solicited_mac(address: str) -> str:
    """The Ethernet multicast address that carries a neighbour solicitation (RFC 2464, section 7)."""
    low = int(ipaddress.IPv6Address(address)) & 0xFFFFFF
    return f"33:33:ff:{low >> 16:02x}:{low >> 8 & 255:02x}:{low & 255:02x}"


def multicast_mac(address: str) -> str:
    """The Ethernet multicast address of an IP group (RFC 1112, section 6.4; RFC 2464, section 7)."""
    group = ipaddress.ip_address(address)
    low = group.packed[-4:]
    if group.version == 4:
        low = bytes((low[1] & 0x7F, *low[2:]))
        return "01:00:5e:" + low.hex(":")
    return "33:33:" + low.hex(":")


def parse_mac(text: str) -> str:
    """A MAC address in lower case; UsageError when it is none."""
    if not MAC.fullmatch(text):
        raise UsageError(f"{text!r} is not a MAC address.", "Write it as 00:00:00:1b:3e:8b.")
    return ":".join(part.zfill(2) for part in text.lower().split(":"))


def parse_tcp_flags(text: str) -> int:
    """``syn,ack`` or ``2`` or ``0x12`` -> number (RFC 9293); UsageError otherwise."""
    text = text.strip().lower()
    try:
        value = int(text, 0)
    except ValueError:
        value = 0
        for word in filter(None, re.split(r"[,+| ]+", text)):
            if word not in _TCP_FLAGS:
                raise UsageError(
                    f"{word!r} is not a TCP flag.", f"Use {', '.join(_TCP_FLAGS)} or a number."
                ) from None
            value |= _TCP_FLAGS[word]
    if not 0 <= value <= 0xFFF:
        raise UsageError(f"TCP flags {text!r} do not fit in 12 bits.")
    return value


def parse_ct(text: str) -> str:
    """One ``--ct`` value, checked against the states ovn-trace(8) takes."""
    states = [s for s in re.split(r"[,+| ]+", text.strip().lower()) if s]
    unknown = [s for s in states if s not in _CT_STATES]
    if unknown or not states:
        raise UsageError(
            f"{text!r} is not a conntrack state.",
            f"Use a comma-separated choice of {', '.join(sorted(_CT_STATES))}.",
        )
    return ",".join(states)


def _quoted(name: str) -> str:
    """A port name within double quotes in an OVN string: no quote, backslash or control character passes."""
    if any(c in '"\\' or ord(c) < 32 or ord(c) == 127 for c in name):
        raise UsageError(f"The port name {name!r} cannot be used in a packet description.")
    return name

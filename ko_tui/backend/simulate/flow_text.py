"""A packet in Open vSwitch's spelling: ovn-trace's first line and the packet of its ``LOG:`` lines.

Facts: lib/flow.c (flow_format) and lib/match.c (match_format), which skip context fields that are zero and show
all header fields that the packet's protocol has.
"""

from __future__ import annotations

import socket

from ko_tui.backend.simulate.packet_state import (
    CT_INV,
    CT_TRK,
    ETH_ARP,
    ETH_IP,
    ETH_IPV6,
    ETH_RARP,
    FRAG_ANY,
    FRAG_LATER,
    ICMP,
    ICMPV6,
    IGMP,
    SCTP,
    TCP,
    UDP,
    State,
    mac,
    register,
)

CT_NAMES = ("new", "est", "rel", "rpl", "inv", "trk", "snat", "dnat")
_TCP_NAMES = ("fin", "syn", "rst", "psh", "ack", "urg", "ece", "cwr", "ns", "[200]", "[400]", "[800]")
_V4 = {ICMP: "icmp", TCP: "tcp", UDP: "udp", SCTP: "sctp"}
_SHORT = {ETH_ARP: "arp", ETH_RARP: "rarp", 0x8847: "mpls", 0x8848: "mplsm"}
_V6 = {ICMPV6: "icmp6", TCP: "tcp6", UDP: "udp6", SCTP: "sctp6"}


def ct_text(state: int) -> str:
    """Conntrack bits joined with ``|``, lowest first; 0 when there are none."""
    names = [name for bit, name in enumerate(CT_NAMES) if state >> bit & 1]
    if rest := state >> 8 << 8:
        names.append(f"{rest:#x}")
    return "|".join(names) or "0"


def ip4(value: int) -> str:
    return socket.inet_ntoa(value.to_bytes(4, "big"))


def ip6(value: int) -> str:
    return socket.inet_ntop(socket.AF_INET6, value.to_bytes(16, "big"))


def flow_text(state: State) -> str:
    """The packet as ``flow_format`` writes it."""
    kind, proto = state["eth.type"], state["nw_proto"]
    out: list[str] = []
    if state["pkt.mark"]:
        out.append(f"pkt_mark={state['pkt.mark']:#x}")
    if state["ct_state"]:
        out.append(f"ct_state={ct_text(state['ct_state'])}")
    if state["ct_mark"]:
        out.append(f"ct_mark={state['ct_mark']:#x}")
    if state["ct_label"]:
        out.append(f"ct_label={state['ct_label']:#x}")
    if state["ct_nw_proto"] and state["ct_state"] & ~(CT_INV | CT_TRK):
        out += _original(state)
    names = {ETH_IP: _V4, ETH_IPV6: _V6}.get(kind)
    named = names is not None and proto in names
    if names is not None:
        out.append(names.get(proto, "ip" if kind == ETH_IP else "ipv6"))
    elif kind in _SHORT:
        out.append(_SHORT[kind])
    out += [f"reg{n}={value:#x}" for n in range(16) if (value := register(state, n))]
    tci = state["vlan.tci"]
    if tci & 0x1000:
        out += [f"dl_vlan={tci & 0xFFF}", f"dl_vlan_pcp={tci >> 13}", "vlan_tci1=0x0000"]
    elif tci:
        out += [f"vlan_tci=0x{tci:04x}", "vlan_tci1=0x0000"]
    else:
        out.append("vlan_tci=0x0000")
    out += [f"dl_src={mac(state['eth.src'])}", f"dl_dst={mac(state['eth.dst'])}"]
    if kind in (ETH_IP, ETH_IPV6):
        _ip(out, state, named)
    elif kind in (ETH_ARP, ETH_RARP):
        out += [
            f"arp_spa={ip4(state['nw_src'])}",
            f"arp_tpa={ip4(state['nw_dst'])}",
            f"arp_op={proto & 0xFF}",
            f"arp_sha={mac(state['arp_sha'])}",
            f"arp_tha={mac(state['arp_tha'])}",
        ]
    elif kind in _SHORT:
        out.append("mpls_label=0,mpls_tc=0,mpls_ttl=0,mpls_bos=0,mpls_lse1=0,mpls_lse2=0")
    else:
        out.append(f"dl_type=0x{kind:04x}")
    return ",".join(out)


def _original(state: State) -> list[str]:
    """The tracked connection's original packet; a neighbour discovery has none."""
    if state["eth.type"] == ETH_IP:
        ends = [f"ct_nw_src={ip4(state['ct_nw_src'])}", f"ct_nw_dst={ip4(state['ct_nw_dst'])}"]
    elif state["eth.type"] == ETH_IPV6:
        ends = [f"ct_ipv6_src={ip6(state['ct_ipv6_src'])}", f"ct_ipv6_dst={ip6(state['ct_ipv6_dst'])}"]
        if state["nw_proto"] == ICMPV6 and state["tp_dst"] == 0 and state["tp_src"] in (135, 136):
            ends = []
    else:
        return []
    ports = [f"ct_tp_src={state['ct_tp_src']}", f"ct_tp_dst={state['ct_tp_dst']}"]
    return [*ends, f"ct_nw_proto={state['ct_nw_proto']}", *ports]


def _ip(out: list[str], state: State, named: bool) -> None:
    kind, proto, frag = state["eth.type"], state["nw_proto"], state["nw_frag"]
    if kind == ETH_IP:
        out += [f"nw_src={ip4(state['nw_src'])}", f"nw_dst={ip4(state['nw_dst'])}"]
    else:
        out += [f"ipv6_src={ip6(state['ipv6_src'])}", f"ipv6_dst={ip6(state['ipv6_dst'])}"]
        out.append(f"ipv6_label=0x{state['ipv6_label']:05x}")
    if not named:
        out.append(f"nw_proto={proto}")
    out += [f"nw_tos={state['nw_tos'] & 0xFC}", f"nw_ecn={state['nw_tos'] & 3}", f"nw_ttl={state['nw_ttl']}"]
    later = frag & FRAG_LATER
    if frag & FRAG_ANY:
        out.append("nw_frag=later" if later else "nw_frag=first")
    else:
        out.append("nw_frag=<error>" if later else "nw_frag=no")
    if later or proto not in (ICMP, ICMPV6, TCP, UDP, SCTP, IGMP):
        return
    if (kind, proto) in ((ETH_IP, ICMP), (ETH_IPV6, ICMPV6)):
        out += [f"icmp_type={state['tp_src']}", f"icmp_code={state['tp_dst']}"]
        if kind == ETH_IPV6 and state["tp_dst"] == 0 and state["tp_src"] in (135, 136):
            out += [
                f"nd_target={ip6(state['nd_target'])}",
                f"nd_sll={mac(state['arp_sha'])}",
                f"nd_tll={mac(state['arp_tha'])}",
            ]
    else:
        out += [f"tp_src={state['tp_src']}", f"tp_dst={state['tp_dst']}"]
        if proto == TCP:
            out.append(f"tcp_flags={_tcp(state['tcp_flags'])}")


def _tcp(flags: int) -> str:
    return "|".join(name for bit, name in enumerate(_TCP_NAMES) if flags >> bit & 1) or "0"

"""The packet's two spellings say the same, and hostile names do not get into them."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ko_tui.backend.errors import UsageError
from ko_tui.backend.packet import (
    Packet,
    Protocol,
    multicast_mac,
    parse_ct,
    parse_mac,
    parse_tcp_flags,
    solicited_mac,
    solicited_node,
)

CLIENT = Packet(
    inport="client.default",
    datapath="ovn-default",
    eth_src="00:00:00:00:00:01",
    eth_dst="00:00:00:00:00:02",
    protocol=Protocol.UDP,
    ip_src="10.16.0.4",
    ip_dst="10.96.0.10",
    src_port=30000,
    dst_port=53,
)
CLIENT6 = replace(CLIENT, ip_src="fd00::4", ip_dst="fd00::5")


def test_udp_microflow() -> None:
    assert CLIENT.microflow() == (
        'inport == "client.default" && ip.ttl == 64 && eth.src == 00:00:00:00:00:01 && '
        "eth.dst == 00:00:00:00:00:02 && ip4.src == 10.16.0.4 && ip4.dst == 10.96.0.10 && "
        "udp.src == 30000 && udp.dst == 53"
    )


@pytest.mark.parametrize(
    ("packet", "logical", "openflow"),
    [
        (
            replace(CLIENT, protocol=Protocol.ICMP),
            "icmp4.type == 8 && icmp4.code == 0",
            "icmp_type=8,icmp_code=0",
        ),
        (replace(CLIENT6, protocol=Protocol.ICMP), "icmp6.type == 128", "icmp6,in_port=3"),
        (replace(CLIENT, protocol=Protocol.TCP), "tcp.flags == 2", "tcp_flags=2"),
        (replace(CLIENT6, protocol=Protocol.SCTP), "sctp.dst == 53", "sctp6,in_port=3"),
        (replace(CLIENT, protocol=Protocol.ARP_REQUEST), "arp.tha == 00:00:00:00:00:00", "arp_op=1"),
        (replace(CLIENT, protocol=Protocol.ARP_REPLY), "arp.op == 2", "arp_op=2"),
        (replace(CLIENT6, protocol=Protocol.ND_NS), "nd.target == fd00::5", "nd_target=fd00::5"),
    ],
)
def test_both_spellings(packet: Packet, logical: str, openflow: str) -> None:
    assert logical in packet.microflow()
    assert openflow in packet.openflow(3)


def test_solicited_addresses() -> None:
    assert solicited_node("fd00:10:16::1:abcd") == "ff02::1:ff01:abcd"
    assert solicited_mac("fd00:10:16::1:abcd") == "33:33:ff:01:ab:cd"


def test_a_group_has_a_mac_of_its_own() -> None:
    assert multicast_mac("224.0.0.251") == "01:00:5e:00:00:fb"
    assert multicast_mac("239.129.1.2") == "01:00:5e:01:01:02"  # the low 23 bits alone
    assert multicast_mac("ff02::1:2") == "33:33:00:01:00:02"


@given(st.text(alphabet=st.characters(), min_size=1, max_size=40))
def test_a_port_name_cannot_leave_its_quotes(name: str) -> None:
    try:
        text = replace(CLIENT, inport=name).microflow()
    except UsageError:
        return
    inside = text.removeprefix('inport == "').split('"')[0]
    assert inside == name


def test_values_are_checked() -> None:
    assert parse_mac("00:00:00:1B:3E:8B") == "00:00:00:1b:3e:8b"
    assert parse_tcp_flags("syn,ack") == 18 == parse_tcp_flags("0x12")
    assert parse_ct("est | rpl") == "est,rpl"
    for bad in ("00:00", "gg:00:00:00:00:00", ""):
        with pytest.raises(UsageError):
            parse_mac(bad)
    with pytest.raises(UsageError):
        parse_tcp_flags("sin")
    with pytest.raises(UsageError):
        parse_ct("established")

"""Datapath flows and connections as they were recorded, and what datapath actions do."""

from __future__ import annotations

import json
import lzma
from functools import cache
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ko_tui.backend.ovs.conntrack import parse_connection, parse_connections, parse_zones
from ko_tui.backend.ovs.datapath import output_ports, parse_dump, parse_flow, split_actions

FIXTURE = Path(__file__).parent.parent / "fixtures" / "openflow" / "datapath.jsonl.xz"


@cache
def recorded() -> dict[tuple[str, str], str]:
    with lzma.open(FIXTURE, "rt") as lines:
        return {((row := json.loads(line))["version"], row["name"]): row["stdout"] for line in lines}


@pytest.mark.parametrize("key", [k for k in recorded() if "dump-flows" in k[1]], ids=" ".join)
def test_every_datapath_flow(key: tuple[str, str]) -> None:
    text = recorded()[key]
    flows = list(parse_dump(text))
    assert len(flows) == text.count(", actions:") > 3
    for flow in flows:
        assert flow.known and flow.packets >= 0 and flow.actions, flow.raw
        assert "eth_type" in flow.fields and "in_port" in flow.fields
        # What was taken apart is what was printed, nothing is lost in between.
        assert f"{flow.match}, packets:{flow.packets}, bytes:{flow.bytes}, used:" in flow.raw
        assert f"actions:{flow.actions}" in flow.raw and "dp-extra-info" not in flow.actions
        assert bool(flow.ufid) == ("-m-" in key[1])
        assert (flow.used is None) == ("used:never" in flow.raw)
    assert any(flow.tcp_flags for flow in flows) == (", flags:" in text)


def test_parts_of_a_datapath_flow() -> None:
    flow = parse_flow(
        "ufid:88d4574b-f667-4079-942d-6fd8ba79a594, recirc_id(0x2),in_port(genev_sys_6081),ct_state(+est+trk),"
        "eth_type(0x0800),ipv4(dst=10.0.0.0/255.0.0.0,frag=no), packets:2, bytes:108, used:1.5s, flags:SFP., "
        "offloaded:yes, dp:tc, actions:set(eth(src=aa:bb:cc:dd:ee:ff)),4d2a8dad4081_h,8, dp-extra-info:bits(5,1)"
    )
    assert (flow.ufid[:8], flow.packets, flow.bytes, flow.used, flow.tcp_flags) == (
        "88d4574b",
        2,
        108,
        1.5,
        "SFP.",
    )
    assert flow.offloaded and flow.recirculation == 2 and not flow.drops
    assert flow.outputs == ["4d2a8dad4081_h", "8"]
    assert flow.fields["ipv4"] == "dst=10.0.0.0/255.0.0.0,frag=no"
    drop = parse_flow(
        "recirc_id(0),in_port(3),eth_type(0x86dd),ipv6(frag=no), packets:0, bytes:0, used:never, actions:drop"
    )
    assert drop.drops and drop.used is None and drop.outputs == []


def test_actions() -> None:
    assert split_actions("ct(zone=24,nat(src)),recirc(0x3)") == ["ct(zone=24,nat(src))", "recirc(0x3)"]
    assert output_ports("clone(ct(commit),7),sample(sample=1%,actions(9)),pop_vlan,8,7") == ["7", "8"]
    assert output_ports("(" * 5000) == []


@pytest.mark.parametrize("version", ["22.03.8", "25.03.3"])
def test_every_connection(version: str) -> None:
    text = recorded()[version, "dpctl-dump-conntrack-node2"]
    found = list(parse_connections(text))
    assert len(found) == len(text.splitlines()) > 10
    assert all(c.known and c.zone and c.original.source and c.reply.destination for c in found)
    # The first look at a Service: its address goes in, an endpoint answers.
    service = next(c for c in found if c.original.destination == "10.96.0.10" and c.protocol == "udp")
    assert service.destination_nat is not None and service.destination_nat[0].startswith("10.16.0.")
    assert service.source_nat is None and service.mark == 2
    # A pod's address is hidden behind the gateway's.
    hidden = [c for c in found if c.source_nat and c.source_nat[0].startswith("172.20.10.")]
    assert hidden and all(c.destination_nat is None and c.state == "SYN_SENT" for c in hidden)
    pings = [c for c in found if c.protocol == "icmp"]
    assert all((c.original.icmp_type, c.reply.icmp_type, c.original.icmp_id) == (8, 0, 7) for c in pings)
    plain = [c for c in found if c.source_nat is None and c.destination_nat is None]
    assert len(plain) + len([c for c in found if c.source_nat or c.destination_nat]) == len(found)


def test_which_connection_a_packet_is_of() -> None:
    line = (
        "tcp,orig=(src=10.16.0.11,dst=10.96.77.7,sport=1000,dport=80,packets=3,bytes=180),"
        "reply=(src=10.16.0.5,dst=10.16.0.11,sport=8080,dport=1000,packets=2,bytes=120),start=2026-01-01T00:00:00.000,"
        "id=77,zone=24,status=SEEN_REPLY|CONFIRMED,timeout=86399,mark=2,labels=0x1f,"
        "protoinfo=(state_orig=ESTABLISHED,state_reply=ESTABLISHED,wscale_orig=7,wscale_reply=7)"
    )
    connection = parse_connection(line)
    assert connection.destination_nat == ("10.16.0.5", 8080)
    assert (connection.timeout, connection.labels, connection.state) == (
        86399,
        "0x1f",
        "ESTABLISHED/ESTABLISHED",
    )
    assert connection.original.packets == 3 and connection.reply.bytes == 120
    assert connection.belongs("tcp", "10.16.0.11", "10.96.77.7", 1000, 80)
    assert connection.belongs("tcp", "10.16.0.5", "10.16.0.11", 8080)
    assert connection.belongs("tcp", "10.16.0.11", "10.96.77.7")
    assert not connection.belongs("tcp", "10.16.0.11", "10.96.77.7", 1000, 81)
    assert not connection.belongs("udp", "10.16.0.11", "10.96.77.7")
    assert not connection.belongs("tcp", "10.16.0.11", "10.16.0.5")


def test_zones() -> None:
    text = recorded()["25.03.3", "controller-ct-zone-list-node1"]
    zones = parse_zones(text)
    assert len(zones) == len(text.splitlines()) == len(set(zones.values()))
    assert zones["ovn-external_snat"] and zones["vm-a.tenant"]


@given(st.text(max_size=200))
def test_any_text_is_borne(text: str) -> None:
    assert not parse_flow(text).known or ", actions:" in text
    parse_connection(text + ",orig=(" + text + "),reply=()")
    list(parse_dump(text)), list(parse_connections(text)), parse_zones(text)

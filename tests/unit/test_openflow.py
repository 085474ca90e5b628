"""Recorded OpenFlow: every line of a dump, every ofproto/trace."""

from __future__ import annotations

import json
import lzma
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ko_tui.backend.explain.pipelines import infer_version
from ko_tui.backend.ovn.flows import FlowStore
from ko_tui.backend.ovs.ofproto_trace import OfVerdict, parse, render
from ko_tui.backend.ovs.openflow import OpenFlow, decode, parse_dump, parse_line, rates
from ko_tui.backend.pipeline.node_flows import sample, table_stages

FIXTURES = Path(__file__).parent.parent / "fixtures" / "openflow"


def traces() -> list[dict[str, str]]:
    with lzma.open(FIXTURES / "ofproto-trace.jsonl.xz", "rt") as lines:
        return [json.loads(line) for line in lines]


@pytest.mark.parametrize("version", ["22.03.8", "25.03.3"])
def test_every_line_of_a_dump(version: str) -> None:
    text = lzma.decompress((FIXTURES / f"dump-flows-{version}.xz").read_bytes()).decode()
    flows = list(parse_dump(text))
    assert len(flows) == sum("actions=" in line for line in text.splitlines()) > 300
    assert all(f.known and f.actions and len(f.cookie) == 8 for f in flows)
    assert all(f.packets is not None and f.table is not None for f in flows)
    for flow in flows[::10]:
        decoded = decode(flow)
        assert decoded["actions"]
        assert ("metadata" in decoded["match"]) == ("metadata" in flow.match)


def test_parts_of_a_line() -> None:
    flow = parse_line(
        " cookie=0x1befa5a9, duration=26.9s, table=21, n_packets=3, n_bytes=294, idle_age=26, "
        "priority=120,ct_state=+new+trk,udp,metadata=0x3,tp_dst=53 actions=group:4"
    )
    assert (flow.cookie, flow.table, flow.priority, flow.packets, flow.bytes) == ("1befa5a9", 21, 120, 3, 294)
    assert (flow.match, flow.actions) == ("ct_state=+new+trk,udp,metadata=0x3,tp_dst=53", "group:4")
    assert parse_line(" cookie=0x0, table=0, actions=NORMAL").priority == 32768
    assert not parse_line("OFPST_FLOW reply (OF1.5) (xid=0x2):").known


def test_tables_are_named_by_their_cookies() -> None:
    store = FlowStore()
    store.feed(lzma.decompress((FIXTURES.parent / "flows" / "25.03.3-uuid.xz").read_bytes()))
    store.finish()
    logical = [flow for datapath in store.datapaths() for flow in store.flows(datapath.uuid)]
    version = infer_version((flow.stage, flow.table) for flow in logical)
    assert version == "25.03"
    flows = list(parse_dump(lzma.decompress((FIXTURES / "dump-flows-25.03.3.xz").read_bytes()).decode()))
    named = table_stages(flows, {flow.uuid: (flow.stage, flow.match) for flow in logical}, version)
    assert set(named) == {flow.table for flow in flows} and all(named.values())
    assert named[45] == "ls_out_lookup_fdb" and named[8] == "lr_in_admission / ls_in_check_port_sec"
    assert (named[0], named[42], named[65]) == ("phy_to_log", "remote_output", "log_to_phy")
    few = sample(flows)
    assert len(few) < len({flow.cookie for flow in flows}) / 2 and "00000000" not in few
    assert {flow.table for flow in flows if flow.cookie in few} >= {t for t in named if 8 <= t < 40}


def test_the_hot_come_first() -> None:
    def flow(match: str, packets: int) -> OpenFlow:
        return OpenFlow("", "0", 0, 1, match, "drop", packets)

    found = rates([flow("a", 10), flow("b", 10)], [flow("a", 10), flow("b", 30), flow("c", 5)], 2.0)
    assert [(r.flow.match, r.per_second) for r in found] == [("b", 10.0), ("a", 0.0), ("c", None)]


def test_traces_lose_nothing() -> None:
    for row in traces():
        assert render(parse(row["stdout"])) == row["stdout"], row["id"]


@pytest.mark.parametrize(
    ("name", "verdict"),
    [
        ("ofproto-trace-ctnew-pod-pod-same-node-icmp", OfVerdict.OUTPUT),
        ("ofproto-trace-ctnew-pod-pod-other-node-icmp", OfVerdict.TUNNEL),
        ("ofproto-trace-ctnew-acl-sg-drop", OfVerdict.DROPPED),
        ("ofproto-trace-ctnew-spoof-mac", OfVerdict.DROPPED),
        ("ofproto-trace-ctnew-svc-dns-udp", OfVerdict.UNFINISHED),
        ("ofproto-trace-ctnew-ttl-1", OfVerdict.CONTROLLER),
        ("ofproto-trace-ctnew-underlay", OfVerdict.OUTPUT),
    ],
)
def test_verdicts(name: str, verdict: OfVerdict) -> None:
    row = next(r for r in traces() if r["id"] == name and r["version"] == "25.03.3")
    trace = parse(row["stdout"])
    assert trace.verdict is verdict
    assert all(rule.no_match or rule.priority is not None for block in trace.blocks for rule in block.rules())


def passed_through(*datapath_actions: str, after: str = "") -> str:
    """An ofproto/trace that ends in these datapath actions, a block each."""
    blocks = (
        f'Flow: icmp,in_port=1\n\nbridge("br-int")\n----------------\n 0. priority 0\n    drop\n\n'
        f"Final flow: unchanged\nMegaflow: recirc_id=0,eth\nDatapath actions: {actions}\n{after}"
        for actions in datapath_actions
    )
    return "\n====\nrecirc(0x1) - resume conntrack with default ct_state=trk|new\n====\n\n".join(blocks)


@pytest.mark.parametrize(
    ("actions", "verdict", "outputs"),
    [
        (("4d2a8dad4081_h",), OfVerdict.OUTPUT, ["4d2a8dad4081_h"]),
        (("pop_vlan,ct_clear,ovn0",), OfVerdict.OUTPUT, ["ovn0"]),
        (("clone(ct(commit,zone=3),7),8",), OfVerdict.OUTPUT, ["7", "8"]),
        (
            ("check_pkt_len(size=1518,gt(userspace(pid=0,controller(reason=1))),le(9))",),
            OfVerdict.OUTPUT,
            ["9"],
        ),
        (("ct(zone=1),recirc(0x1)", "drop"), OfVerdict.DROPPED, []),
        (("7,ct(zone=1),recirc(0x1)", "drop"), OfVerdict.OUTPUT, ["7"]),
        (("set(tunnel(tun_id=0x3,dst=172.18.0.3)),2",), OfVerdict.TUNNEL, ["2"]),
        (("sample(sample=1%,actions(7)),drop",), OfVerdict.DROPPED, []),
        (("userspace(pid=0,controller(reason=1))",), OfVerdict.CONTROLLER, []),
        (("ct(zone=1),recirc(0x1)",), OfVerdict.UNFINISHED, []),
    ],
)
def test_datapath_actions_decide(actions: tuple[str, ...], verdict: OfVerdict, outputs: list[str]) -> None:
    text = passed_through(*actions)
    trace = parse(text)
    assert render(trace) == text
    assert (trace.verdict, trace.outputs, len(trace.blocks)) == (verdict, outputs, len(actions))


def test_a_failed_translation_is_a_drop() -> None:
    failed = "\nTranslation failed (Recursion too deep), packet is dropped.\n"
    trace = parse(passed_through("7", after=failed))
    assert trace.verdict is OfVerdict.DROPPED and trace.problem == failed.strip() and not trace.outputs


@given(st.text(max_size=300))
def test_any_text_is_kept(text: str) -> None:
    assert render(parse(text)) == text
    parse_line(text)

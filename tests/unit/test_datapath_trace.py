"""The packet within recorded OpenFlow traces, datapath actions in words, and where two ways part."""

from __future__ import annotations

import json
import lzma
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ko_tui.backend.explain.datapath_words import action_words
from ko_tui.backend.explain.trace import explain_trace
from ko_tui.backend.ovn.trace import parse as parse_logical
from ko_tui.backend.ovs.ofproto_trace import OfBlock, parse, render
from ko_tui.backend.ovs.traced_packet import Tunnel, read_flow, read_tunnel, sent
from ko_tui.backend.tracing.agreement import compare
from ko_tui.backend.tracing.datapath_model import DatapathTrace, NodePass
from ko_tui.backend.tracing.datapath_steps import name_steps, read_steps

FIXTURES = Path(__file__).parent.parent / "fixtures" / "openflow"

LOGICAL = """# icmp

ingress(dp="net", inport="a")
-----------------------------
 0. ls_in_check_port_sec (northd.c:1): 1, priority 50, uuid a8995c3c
    reg0[15] = check_in_port_sec();
    next;
 4. ls_in_pre_acl (northd.c:2): ip, priority 100, uuid 6c967391
    reg0[0] = 1;
    next;
25. ls_in_l2_lkup (northd.c:3): eth.dst == 00:00:00:da:8a:6d, priority 50, uuid dc14836a
    outport = "b";
    output;

egress(dp="net", inport="a", outport="b")
-----------------------------------------
 9. ls_out_apply_port_sec (northd.c:4): 1, priority 0, uuid 208a37f7
    output;
    /* output to "b", type "" */
"""
OPENFLOW = """Flow: icmp,in_port=6,dl_src=00:00:00:99:d5:ac,dl_dst=00:00:00:da:8a:6d,nw_src=10.0.0.1,nw_dst=10.0.0.2

bridge("br-int")
----------------
 0. in_port=6, priority 100, cookie 0xe648e710
    resubmit(,8)
 8. metadata=0x1, priority 50, cookie 0xa8995c3c
    set_field:0/0x1000->reg10
    resubmit(,73)
    73. ip,reg14=0x5, priority 90, cookie 0xe648e710
            set_field:0/0x1000->reg10
    resubmit(,9)
 9. metadata=0x1, priority 0, cookie 0x7b6e84c
    resubmit(,10)
12. ip,metadata=0x1, priority 100, cookie 0x6c967391
    set_field:0x1/0x1->reg0
    resubmit(,33)
33. metadata=0x1,dl_dst=00:00:00:da:8a:6d, priority 50, cookie 0xdc14836a
    set_field:0x1->reg15
    resubmit(,37)
51. metadata=0x1, priority 0, cookie 0x208a37f7
    resubmit(,64)
65. reg15=0x1,metadata=0x1, priority 100, cookie 0x8cd1fe5c
    output:10

Final flow: unchanged
Megaflow: recirc_id=0
Datapath actions: 14
"""
KNOWN = {
    "a8995c3c": ("ls_in_check_port_sec", "1"),
    "07b6e84c": ("ls_in_apply_port_sec", "1"),
    "6c967391": ("ls_in_pre_acl", "ip"),
    "dc14836a": ("ls_in_l2_lkup", "eth.dst == 00:00:00:da:8a:6d"),
    "11111111": ("ls_in_l2_lkup", 'eth.dst == 00:00:00:da:8a:6d && inport == "a"'),
    "22222222": ("ls_in_hairpin", "1"),
    "208a37f7": ("ls_out_apply_port_sec", "1"),
}


def compared(openflow: str, end: str = "delivered", logical: str = LOGICAL) -> DatapathTrace:
    traced = parse(openflow)
    explained = explain_trace(parse_logical(logical))
    part = NodePass(
        "n1", 6, "a", traced.blocks[0].flow, openflow, steps=read_steps(traced), end=end, ends=end
    )  # type: ignore[arg-type]
    name_steps(part.steps, KNOWN, "23.03")
    trace = DatapathTrace([part])
    compare(trace, explained.stages, explained.verdict)
    return trace


def test_the_same_way() -> None:
    trace = compared(OPENFLOW)
    assert trace.agrees and (trace.compared, trace.stages) == (4, 4) and not trace.findings
    by_stage = {step.stage: step for step in trace.passes[0].steps}
    assert by_stage["ls_in_apply_port_sec"].fit == "quiet" and by_stage["ls_in_apply_port_sec"].at == -1
    assert by_stage["phy_to_log"].fit == "" and not by_stage["phy_to_log"].logical
    assert by_stage["in_port_sec"].depth == 1
    assert [by_stage[s].at for s in ("ls_in_check_port_sec", "ls_in_pre_acl", "ls_in_l2_lkup")] == [0, 1, 2]


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ("0xdc14836a", "0x11111111", "the flow 11111111"),
        (", cookie 0xdc14836a", "", "that OVN did not make"),
        ("0xdc14836a", "0x99999999", "whose row 99999999 the southbound has not"),
        ("33. metadata=0x1,dl_dst=00:00:00:da:8a:6d, priority 50, cookie 0xdc14836a", "33. No match.", "finds no flow"),
        ("33. metadata=0x1,dl_dst=00:00:00:da:8a:6d, priority 50, cookie 0xdc14836a",
         "24. metadata=0x1, priority 1, cookie 0x22222222", "one that only goes on"),
    ],
)  # fmt: skip
def test_where_they_part(old: str, new: str, words: str) -> None:
    trace = compared(OPENFLOW.replace(old, new))
    assert trace.agrees is False and words in trace.findings[0].what, trace.findings
    assert "n1" in trace.findings[0].what and "dump-flows br-int table=" in trace.findings[0].next_step
    assert trace.summary.startswith("The node's OpenFlow is not what the southbound says")


def test_an_early_end_and_another_verdict() -> None:
    cut = OPENFLOW.partition("33. ")[0] + "\nFinal flow: unchanged\nMegaflow: x\nDatapath actions: drop\n"
    early = compared(cut, "dropped")
    assert "drops it" in early.findings[0].what and "ls_in_l2_lkup" in early.findings[0].what
    assert early.compared == 2
    assert (
        compared(cut, "controller").agrees
        and "then ovn-controller answers" in compared(cut, "controller").summary
    )
    assert "node n1 drops it" in compared(OPENFLOW, "dropped").findings[0].what
    on = LOGICAL.partition("25. ")[0]
    assert "node n1 goes on" in compared(OPENFLOW, logical=on).findings[0].what


def test_conntrack_may_differ_without_a_finding() -> None:
    other = OPENFLOW.replace("0xdc14836a", "0x11111111")
    assert not compared(other).agrees  # both are untracked: nothing excuses it
    text = other.replace("Flow: icmp,", "Flow: ct_state=est|trk,icmp,", 1)
    trace = compared(text)
    assert trace.agrees and trace.compared == 4
    step = next(s for s in trace.passes[0].steps if s.fit == "other-flow")
    assert "forgets it" in step.why


def test_a_tunnel_of_either_datapath() -> None:
    kernel = (
        "set(tunnel(tun_id=0x1,src=172.18.0.3,dst=172.18.0.4,ttl=64,tp_dst=6081,"
        "geneve({class=0x102,type=0x80,len=4,0x5000d}),flags(df|csum|key)))"
    )
    push = (
        "tnl_push(tnl_port(7),header(size=58,type=5,eth(dst=66:e4:7a:b6:af:4a,src=d2:17:05:6f:ef:4d,dl_type=0x0800),"
        "ipv4(src=172.18.0.3,dst=172.18.0.4,proto=17,tos=0,ttl=64,frag=0x4000),udp(src=0,dst=6081,csum=0xffff),"
        "geneve(crit,vni=0x1,options({class=0x102,type=0x80,len=4,0x5000d}))),out_port(3))"
    )
    assert read_tunnel(kernel) == read_tunnel(push) == Tunnel("172.18.0.3", "172.18.0.4", "0x1", "0x5000d")
    six = "set(tunnel(tun_id=0x2a,ipv6_dst=fd00::4,ttl=64,tp_dst=6081,flags(df|key)))"
    assert read_tunnel(six) == Tunnel("", "fd00::4", "0x2a")
    ends = "dl_src=00:00:00:00:00:01,dl_dst=00:00:00:00:00:02,nw_src=1.1.1.1,nw_dst=2.2.2.2"
    flow = f"udp,in_port=6,{ends},nw_ttl=64,tp_src=1,tp_dst=53"
    actions = f"set(eth(src=00:00:00:00:00:03,dst=00:00:00:00:00:04)),set(ipv4(ttl=63)),set(udp(dst=5353)),{kernel},2"
    (copy,) = sent(OfBlock(flow=flow, datapath_actions=actions))
    made = copy.openflow(9)
    assert made.startswith(
        "udp,in_port=9,tun_id=0x1,tun_src=172.18.0.3,tun_dst=172.18.0.4,tun_metadata0=0x5000d,"
    )
    assert "dl_src=00:00:00:00:00:03,dl_dst=00:00:00:00:00:04" in made and "nw_ttl=63" in made
    assert "udp_src=1,udp_dst=5353" in made and "tp_" not in made
    assert action_words(actions, {"172.18.0.4": "n2"})[-1].endswith(
        "tunnel to 172.18.0.4 of node n2 (datapath key 1)"
    )


def test_what_a_clone_changes_is_the_clone_s() -> None:
    flow = "tcp6,in_port=6,dl_src=00:00:00:00:00:01,ipv6_src=fd00::1,ipv6_dst=fd00::2,tp_src=1,tp_dst=2"
    copies = list(sent(OfBlock(flow=flow, datapath_actions="clone(set(eth(src=00:00:00:00:00:09)),3),4")))
    assert [(c.port, c.fields["dl_src"][-1]) for c in copies] == [("3", "9"), ("4", "1")]
    assert copies[0].fields["tcp_dst"] == "2" and copies[0].protocol == "tcp6"
    assert read_flow("icmp6,icmp_type=128,icmp_code=0,reg0=0x1")[1] == {
        "icmpv6_type": "128",
        "icmpv6_code": "0",
    }


def recorded() -> list[tuple[str, str]]:
    """Release and text."""
    with lzma.open(FIXTURES / "ofproto-trace.jsonl.xz", "rt") as lines:
        return [(r["version"][:5], r["stdout"]) for r in map(json.loads, lines)]


def test_every_recorded_trace_has_steps_and_words() -> None:
    for version, text in recorded():
        traced = parse(text)
        steps = read_steps(traced)
        assert len(steps) == sum(1 for block in traced.blocks for _ in block.rules())
        name_steps(steps, {}, version)
        assert all(step.stage for step in steps if step.bridge == "br-int")
        assert any(step.bridge == "br-int" for step in steps) or not steps
        for block in traced.blocks:
            words = action_words(block.datapath_actions)
            assert bool(words) == bool(block.datapath_actions) and not any("recirc(" in w for w in words)
            for copy in sent(block):
                assert copy.protocol and copy.openflow(1)
        assert render(traced) == text


@given(st.text(alphabet="abct()=,.{}0x1setclonetunl_push<>/", max_size=120))
def test_nothing_hostile_raises(text: str) -> None:
    block = OfBlock(flow=text, datapath_actions=text)
    list(sent(block))
    action_words(text, {}, {})
    read_tunnel(text)

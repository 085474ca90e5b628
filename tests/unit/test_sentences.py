"""Matches and actions in words: the common shapes literally, the rest without loss."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ko_tui.backend.explain.catalogue import catalogue
from ko_tui.backend.explain.flow import explain_flow, explain_lines
from ko_tui.backend.explain.model import ObjectRef, Sentence
from ko_tui.backend.explain.names import Names
from ko_tui.backend.explain.sentences_action import action_sentences
from ko_tui.backend.explain.sentences_match import Context, match_sentence
from tests.unit.explain_fixtures import FIXTURES, lflow_lists

MATCHES = [
    ("", "1", "Every packet"),
    ("", "0", "No packet"),
    ("", "ip4", "It is IPv4"),
    ("", "!ct.est", "It does not belong to an established connection"),
    ("", "eth.src[40]", "The source MAC is a multicast address"),
    ("", "nd_ra", "It is a router advertisement"),
    ("", "ct.new && !ct.est", "It starts a new connection"),
    ("", "ip && ct.trk", "It is an IP packet and it has passed the connection tracker"),
    ("", "ip4.dst == 0.0.0.0/0", "The destination IP is anything"),
    ("", "ip4 && ip4.src == 10.16.0.0/16", "The source IP is in 10.16.0.0/16"),
    (
        "ls_in_lb",
        "ct.new && ip4.dst == 10.96.0.10 && udp.dst == 53",
        "It starts a new connection and the destination is 10.96.0.10:53 (UDP)",
    ),
    (
        "ls_in_lb",
        "ct.new && ip6.dst == fd00:10:96::a && tcp.dst == 53",
        "It starts a new connection and the destination is [fd00:10:96::a]:53 (TCP)",
    ),
    ("", "tcp.dst == {80, 443}", "The TCP destination port is one of 80 (HTTP), 443 (HTTPS)"),
    ("", "0 < tcp.dst <= 1024", "The TCP destination port is between 1 and 1024"),
    ("", "tcp.dst != 22", "The TCP destination port is not 22 (SSH)"),
    ("", "!(tcp.dst == 22)", "The TCP destination port is not 22 (SSH)"),
    ("", "icmp4.type == 8 && icmp4.code == 0", "The ICMP type is 8 (echo request) and the ICMP code is 0"),
    (
        "",
        "arp.tpa == 10.16.0.1 && arp.op == 1",
        "The IP asked for in ARP is 10.16.0.1 and the ARP operation is 1 (question)",
    ),
    ("", 'inport == "web-0.default"', "The input port is web-0.default (Pod default/web-0)"),
    ("", 'outport == "node-worker"', "The output port is node-worker (Node worker)"),
    (
        "ls_out_acl",
        "outport == @np1.prod && ip4",
        "The output port belongs to port group np1.prod (NetworkPolicy prod/np1) and it is IPv4",
    ),
    (
        "ls_in_acl",
        "ip4.dst == $ovn.sg.sg.web.associated.v4",
        "The destination IP belongs to address set ovn.sg.sg.web.associated.v4 (SecurityGroup sg-web)",
    ),
    ("ls_in_pre_stateful", "reg0[2] == 1", 'The note "send to conntrack with NAT" (reg0[2]) is set'),
    (
        "ls_in_hairpin",
        "(reg0[6] == 1 || reg0[12] == 1)",
        'The note "hairpin" (reg0[6]) is set or the note "hairpin reply" (reg0[12]) is set',
    ),
    (
        "lr_in_arp_resolve",
        'outport == "ovn-cluster-join" && reg0 == 100.64.0.2',
        "The output port is ovn-cluster-join and the next hop (reg0) is 100.64.0.2",
    ),
    ("ls_in_acl_action", "reg8[30..31] == 1", "The ACL tier (reg8[30..31]) is 1 (AdminNetworkPolicy)"),
    ("lr_out_snat", 'is_chassis_resident("cr-x")', "This is the node that hosts cr-x (GatewayPort x)"),
    ("", "ct_mark.blocked == 1", "The connection was blocked by an ACL"),
    ("", "no such thing", "no such thing (not understood, shown as it is)"),
]
ACTIONS = [
    ("", "next;", "Go on with the next table"),
    ("ls_out_acl_action", "next(6);", "Go on with table 6 (ls_out_acl_eval)"),
    (
        "ls_in_acl",
        "next(pipeline=egress, table=5);",
        "Go on in the egress pipeline with table 5 (ls_out_acl_hint)",
    ),
    ("", "output;", "Send it out by the output port"),
    ("", "drop;", "Drop it"),
    ("", "ip.ttl--;", "Take one off the TTL"),
    ("", "eth.dst <-> eth.src;", "Swap the destination MAC and the source MAC"),
    ("ls_in_pre_lb", "reg0[2] = 1;", 'Set the note "send to conntrack with NAT" (reg0[2])'),
    ("ls_in_acl_action", "reg8[17] = 0;", 'Clear the note "ACL verdict: drop" (reg8[17])'),
    ("lr_in_ip_routing", "reg0 = ip4.dst;", "Copy the destination IP into the next hop (reg0)"),
    ("", "flags.loopback = 1;", "Note: it may leave by the port it came in by"),
    ("", "outport = inport;", "Choose the input port as output port: the packet goes back"),
    ("", 'outport = "_MC_flood";', "Choose the group _MC_flood as output: all ports of the switch"),
    (
        "",
        "ct_lb_mark(backends=10.16.0.4:53,10.16.0.5:53);",
        "Pick one of 2 endpoints (10.16.0.4:53, 10.16.0.5:53) and rewrite the destination",
    ),
    ("", "ct_lb_mark(backends=10.16.0.4:53);", "Rewrite the destination to the only endpoint 10.16.0.4:53"),
    (
        "",
        'ct_lb(backends=10.0.0.1:80,10.0.0.2:80; hash_fields="ip_dst,ip_src"; force_snat);',
        "Pick one of 2 endpoints (10.0.0.1:80, 10.0.0.2:80) and rewrite the destination; the same ip_dst,ip_src "
        "always gets the same endpoint; replies must come back through here (force SNAT)",
    ),
    ("", "ct_lb_mark;", "Look the connection up and translate it if it is a known Service connection"),
    ("", "ct_snat(172.19.0.11);", "Rewrite the source to 172.19.0.11"),
    ("", "ct_dnat(10.16.0.9);", "Rewrite the destination to 10.16.0.9"),
    ("", "ct_snat;", "Translate the source back if the connection is known"),
    ("", "ct_next;", "Look the connection up in the connection tracker"),
    (
        "",
        "ct_commit { ct_mark.blocked = 0; };",
        "Record the connection in the connection tracker, with: the connection was not blocked by an ACL",
    ),
    (
        "ls_in_pre_hairpin",
        "reg0[6] = chk_lb_hairpin();",
        'Note in "hairpin" (reg0[6]): is it hairpin traffic?',
    ),
    (
        "lr_in_learn_neighbor",
        "put_arp(inport, arp.spa, arp.sha);",
        "Learn that sender's IP in ARP has the MAC sender's MAC in ARP",
    ),
    (
        "ls_out_acl_eval",
        'log(name="prod/np1", verdict=drop, severity=warning);',
        "Write an ACL log line: name prod/np1, verdict drop, severity warning",
    ),
    (
        "lr_in_ip_routing",
        "reg8[16..31] = select(1=100, 2=100);",
        "Choose the ECMP member (reg8[16..31]) among 2 by weight (1=100, 2=100)",
    ),
    ("", "teleport(now);", "teleport(now); (not understood, shown as it is)"),
]


@pytest.mark.parametrize(("stage", "match", "wanted"), MATCHES)
def test_common_matches_are_said_shortly(stage, match, wanted):
    assert match_sentence(match, Context(catalogue("en"), "25.03", stage)).text == wanted


@pytest.mark.parametrize(("stage", "action", "wanted"), ACTIONS)
def test_actions_are_said_with_their_arguments(stage, action, wanted):
    said = action_sentences(action, Context(catalogue("en"), "25.03", stage))
    assert [sentence.text for sentence in said] == [wanted]


def test_a_nested_match_is_a_nested_list():
    said = match_sentence(
        "ip && (!ct.est || (ct.est && ct_mark.blocked == 1)) && "
        '(inport == {"a", "b"} || (ip4.src == 10.0.0.0/8 && tcp.dst == {1, 2, 3}))',
        Context(catalogue("en"), "23.03", "ls_in_acl"),
    )
    assert said.text == "All of these hold"
    assert [child.text for child in said.children][:2] == [
        "it is an IP packet",
        "at least one of these holds",
    ]
    assert said.children[1].children[1].source == "ct.est && ct_mark.blocked == 1"


def test_known_addresses_and_ports_are_named():
    pod = ObjectRef("Pod", "coredns", namespace="kube-system")
    names = Names(addresses={"10.16.0.4": pod}, ports={"weird": pod})
    context = Context(catalogue("en"), "25.03", "ls_in_lb", names)
    assert (
        "10.16.0.4:53 (Pod kube-system/coredns)"
        in action_sentences("ct_lb_mark(backends=10.16.0.4:53);", context)[0].text
    )
    assert (
        match_sentence('inport == "weird"', context).text
        == "The input port is weird (Pod kube-system/coredns)"
    )


def test_chinese_sentences():
    context = Context(catalogue("zh"), "25.03", "ls_in_lb")
    assert match_sentence("ct.new && ip4.dst == 10.96.0.10 && udp.dst == 53", context).text == (
        "是新连接的第一个报文，并且目的为 10.96.0.10:53（UDP）"
    )
    said = action_sentences("ct_lb_mark(backends=10.16.0.4:53,10.16.0.5:53);", context)[0]
    assert said.text == "从 2 个端点（10.16.0.4:53、10.16.0.5:53）中选一个并改写目的"


@pytest.mark.parametrize("lang", ["en", "zh"])
@pytest.mark.parametrize("version", ["22.03", "25.03"])
def test_every_recorded_flow_is_said_whole(lang, version):
    raw = catalogue(lang).say("raw", text="")
    count = 0
    for line in (FIXTURES / "language" / f"flows-{version}.tsv").read_text().splitlines():
        pipeline, _, match, actions = line.split("\t")
        flow = explain_flow(f"ls_{pipeline[:2]}_acl", match, actions, version=version, lang=lang)
        assert raw not in flow.match.text, match
        for sentence in flow.actions:
            assert sentence.text and raw not in sentence.text, (actions, sentence.text)
        count += 1
    assert count > 100


@pytest.mark.parametrize("name", sorted(lflow_lists()))
def test_lflow_lists_are_explained(name):
    flows = list(explain_lines(lflow_lists()[name]))
    assert len(flows) > 50
    assert all(flow.known and flow.title and flow.match.text and flow.actions for flow in flows)
    assert all(flow.datapath and flow.pipeline in ("ingress", "egress") for flow in flows)
    allowed = [flow for flow in flows if flow.use.startswith("NetworkPolicy")]
    assert "-ovs" in name or allowed


def _texts(sentence: Sentence):
    yield sentence.text
    for child in sentence.children:
        yield from _texts(child)


@settings(max_examples=200, deadline=None)
@given(st.text(max_size=80))
def test_no_text_is_refused(text):
    context = Context(catalogue("en"), "25.03", "ls_in_acl")
    assert all(_texts(match_sentence(text, context)))
    for sentence in action_sentences(text, context):
        assert all(_texts(sentence))


def test_braces_of_a_cluster_are_only_text():
    said = match_sentence('inport == "{words.__class__} {0}"', Context(catalogue("en")))
    assert said.text == "The input port is {words.__class__} {0}"

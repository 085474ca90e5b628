"""Whole traces explained: recorded ones of two releases without a gap, and a few of them looked at closely."""

from __future__ import annotations

import csv
import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ko_tui.backend.explain.catalogue import section_of
from ko_tui.backend.explain.json_form import to_json
from ko_tui.backend.explain.model import ObjectRef
from ko_tui.backend.explain.names import Names
from ko_tui.backend.explain.running_packet import RunningPacket, packet_from_flow
from ko_tui.backend.explain.trace import explain_trace
from ko_tui.backend.ovn.trace import parse
from tests.unit.explain_fixtures import FIXTURES, VERSIONS, traces


def explained(name, version="25.03.3", **options):
    return explain_trace(parse(traces(version)[name]), **options)


def stage_of(trace, name, which=0):
    return [stage for stage in trace.stages if stage.stage.name == name][which]


def way(trace):
    return [(hop.kind, hop.name) for hop in trace.hops]


@pytest.mark.parametrize("lang", ["en", "zh"])
@pytest.mark.parametrize("version", VERSIONS)
def test_every_recorded_trace_is_explained_without_a_gap(version, lang):
    raw = "not understood" if lang == "en" else "看不懂"
    for name, text in traces(version).items():
        made = explain_trace(parse(text), lang=lang)
        assert made.headline and made.version in ("22.03", "25.03"), name
        assert len(made.stages) == len(list(made.trace.stages())), name
        for stage in made.stages:
            assert stage.known and stage.title and stage.purpose, (name, stage.stage.name)
            assert stage.match is not None and raw not in stage.match.text, (name, stage.stage.match)
            assert not any(raw in sentence.text for sentence in stage.actions), (name, stage.stage.actions)
            assert set(stage.changed) <= set(stage.packet) | {"ct_state"}, (name, stage.changed)
            for value in stage.registers:
                assert value.title and value.shown, (name, value)
        if made.trace.outcomes:
            assert made.hops, name
        for outcome in made.trace.outcomes:
            assert outcome.reason in section_of(lang, "outcomes"), (name, outcome.reason)


@pytest.mark.parametrize("version", VERSIONS)
def test_headline_says_the_verdict(version):
    with (FIXTURES / "traces" / "verdicts.tsv").open() as file:
        rows = [row for row in csv.reader(file, delimiter="\t") if row[0] == version]
    openings = {
        "delivered": "Delivered to",
        "dropped": ("Dropped", "Rejected"),
        "replied": "OVN itself answers",
        "controller": "Handed to ovn-controller",
    }
    assert len(rows) > 50
    for row in rows:
        name, verdict = row[1], row[2]
        if verdict in openings:
            assert explained(name, version).headline.startswith(openings[verdict]), name


def test_service_is_followed_to_the_backend_that_was_chosen():
    made = explained("trace-svc-dns-udp")
    balancer = stage_of(made, "ls_in_lb")
    assert balancer.title == "Load balance: pick a backend for the Service"
    backend = balancer.packet["ip4.dst"]
    assert backend in ("10.16.0.4", "10.16.0.5")
    assert "ip4.dst" in balancer.changed
    assert balancer.packet["reg4"] == "10.96.0.10"
    assert any("chosen at random" in text for text in balancer.assumptions)
    assert any(backend in note for note in made.notes)
    assert [kind for kind, _ in way(made)] == ["port", "switch", "router", "switch", "port"]
    assert f"Service: 10.96.0.10:53 -> {backend}:53" in made.hops[1].note


def test_policy_drop_names_the_rule_and_not_the_table_that_carries_it_out():
    made = explained("trace-acl-np-ingress-drop")
    assert made.headline.startswith(
        "Dropped on ovn-default in ls_out_acl_eval: an access rule (ACL) refused it."
    )
    assert "outport == @np1.prod && ip" in made.headline
    assert made.headline.endswith("NetworkPolicy: default drop of everything else.")
    rule = stage_of(made, "ls_out_acl_eval", -1)
    assert rule.objects == [ObjectRef("NetworkPolicy", "np1", namespace="prod")]
    assert rule.use == "NetworkPolicy: default drop of everything else"
    assert {value.name: value.shown for value in rule.registers}["reg8[17]"] == "yes"
    assert made.hops[-1].kind == "drop"
    assert made.hops[-1].note == "dropped in ls_out_acl_eval: an access rule (ACL) refused it"


def test_logged_drop_of_the_old_release_names_the_rule_too():
    made = explained("trace-acl-np-ingress-drop", "22.03.8")
    assert made.headline.startswith("Dropped on ovn-default in ls_out_acl:")
    assert "@np1.prod" in made.headline


def test_routing_is_followed_with_next_hop_ttl_and_mac():
    made = explained("trace-pod-external-snat")
    routing, policy = stage_of(made, "lr_in_ip_routing"), stage_of(made, "lr_in_policy")
    assert (routing.packet["ip.ttl"], routing.packet["reg0"]) == ("254", "100.64.0.1")
    assert policy.packet["reg0"] == "172.19.0.1"
    assert policy.use.startswith("SNAT or floating IP")
    assert stage_of(made, "lr_in_arp_resolve").packet["eth.dst"] == "72:b7:67:66:ec:d5"
    assert stage_of(made, "lr_out_snat").packet["ip4.src"] == "172.19.0.11"
    router = next(hop for hop in made.hops if hop.kind == "router")
    assert "next hop 172.19.0.1 by policy" in router.note
    assert "100.64.0.1" not in router.note
    assert "SNAT: 10.16.0.12:30000 -> 172.19.0.11:30000" in router.note
    assert way(made)[-1] == ("port", "localnet.ovn-external")


def test_hairpin_shows_the_hidden_sender():
    made = explained("trace-svc-hairpin")
    assert stage_of(made, "ls_in_pre_hairpin").packet["reg0[6]"] == "1"
    assert stage_of(made, "ls_in_nat_hairpin").packet["ip4.src"] == "10.96.77.7"
    turned = stage_of(made, "ls_in_hairpin")
    assert turned.packet["outport"] == turned.packet["inport"]
    assert "turns round" in made.hops[1].note


def test_registers_are_cleared_between_pipelines_and_connection_state_is_told():
    made = explained("trace-svc-dns-udp")
    assert stage_of(made, "ls_in_acl_hint").packet["ct_state"] == "new|trk"
    assert "reg0[2]" in stage_of(made, "ls_in_l2_lkup").packet
    assert "reg0[2]" not in stage_of(made, "ls_out_acl_hint").packet


def test_a_flooded_packet_is_a_copy_in_every_branch():
    made = explained("trace-arp-request-unknown")
    assert {stage.depth for stage in made.stages} >= {0, 1}
    for stage in made.stages:
        if stage.depth == 1 and stage.block is not None:
            assert stage.packet["outport"] == stage.block.outport
    assert "and 6 more" in made.headline


def test_arp_answer_is_made_step_by_step():
    made = explained("trace-arp-request-router")
    answer = stage_of(made, "ls_in_arp_rsp")
    assert (answer.packet["arp.op"], answer.packet["arp.spa"]) == ("2", "10.16.0.1")
    assert answer.packet["eth.dst"] == "9e:82:a6:97:13:df"
    assert made.headline.endswith("an ARP reply, 10.16.0.1 is at ea:1c:e1:14:28:c8.")


def test_quiet_tables_can_be_folded():
    made = explained("trace-svc-dns-udp")
    assert stage_of(made, "lr_in_ip_routing_ecmp").quiet
    assert stage_of(made, "ls_in_acl_action").quiet
    assert not stage_of(made, "ls_in_lb").quiet
    drop = explained("trace-acl-np-ingress-drop")
    assert not drop.stages[-1].quiet


def test_kubernetes_names_come_from_rows_first():
    pod = ObjectRef("Pod", "dns", namespace="kube-system")
    ports = dict.fromkeys(explained("trace-svc-dns-udp").trace.outputs, pod)
    made = explained("trace-svc-dns-udp", names=Names(ports=ports))
    assert "(Pod kube-system/dns)" in made.headline


def test_errors_are_said():
    made = explain_trace(parse('unknown datapath "nosuch"\n'))
    assert made.headline == 'ovn-trace said: unknown datapath "nosuch"'
    assert explain_trace(parse("")).headline == "The trace came to no conclusion."


def test_an_unknown_table_is_shown_as_itself():
    text = (
        '# icmp,reg14=0x1\n\ningress(dp="s", inport="p")\n---------------------------\n'
        " 3. ls_in_from_the_future (northd.c:1): ip4, priority 7, uuid 12345678\n    reg0[3] = 1;\n    warp(9);\n"
    )
    made = explain_trace(parse(text))
    (stage,) = made.stages
    assert not stage.known and stage.match is not None and stage.match.text == "It is IPv4"
    assert stage.actions[-1].text == "warp(9); (not understood, shown as it is)"
    assert any("ls_in_from_the_future" in note for note in made.notes)


def test_json_form_holds_what_its_page_promises():
    form = to_json(explained("trace-acl-np-ingress-drop"), commands=[{"tool": "ovn-trace", "argv": []}])
    again = json.loads(json.dumps(form, ensure_ascii=False))
    assert again == form
    assert {"verdict", "outputs", "commands", "stages", "headline", "hops", "schema"} <= set(form)
    for stage in form["stages"]:
        assert {"datapath", "pipeline", "table", "stage", "priority", "match", "uuid", "actions"} <= set(
            stage
        )
        assert {"explanation", "registers", "packet"} <= set(stage)
    page = (FIXTURES.parent.parent / "docs" / "trace-json.md").read_text()
    for name in [*form, *form["stages"][0]]:
        assert f"`{name}`" in page or f"`{name}[]`" in page, name


@settings(max_examples=60, deadline=None)
@given(st.sampled_from(sorted(traces("25.03.3"))), st.data())
def test_a_trace_cut_or_torn_anywhere_is_still_explained(name, data):
    text = traces("25.03.3")[name]
    start = data.draw(st.integers(0, len(text)))
    end = data.draw(st.integers(start, len(text)))
    made = explain_trace(parse(text[start:end]))
    assert made.headline
    to_json(made)


def test_registers_overlap_as_their_bits_do():
    packet = RunningPacket()
    packet.write("xxreg0", "fd00::1")
    assert packet.read("reg3") == "1"
    assert packet.read("reg0") == str(0xFD000000)
    packet.write("reg0[7]", "1")
    assert packet.read("reg0[7..10]") == "1"
    assert "xxreg0" not in packet.registers
    packet.write("reg8[16..31]", "?")
    assert packet.read("reg8[16]") == "?"
    assert packet.read("reg8[0..15]") == "0"


def test_the_packet_is_read_from_the_first_line():
    packet = packet_from_flow(
        "# tcp6,reg14=0x3,vlan_tci=0x0000,dl_src=00:00:00:00:00:01,dl_dst=00:00:00:00:00:02,ipv6_src=fd00::1,"
        "ipv6_dst=fd00::2,nw_ttl=64,tp_src=1000,tp_dst=80,tcp_flags=syn"
    )
    assert packet.endpoint("dst") == "[fd00::2]:80"
    assert packet.fields["ip.ttl"] == "64"

"""What a trace says to do next, on the saved cluster that comes with ko-tui and on short recorded endings."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import pytest

from ko_tui.backend.explain.catalogue import catalogue
from ko_tui.backend.explain.names import Names
from ko_tui.backend.explain.trace import explain_trace
from ko_tui.backend.ovn.trace import parse
from ko_tui.backend.session import Session, SessionOptions, open_session
from ko_tui.backend.tracing.advice import next_steps
from ko_tui.backend.tracing.circumstances import circumstances
from ko_tui.backend.tracing.model import TraceResult
from ko_tui.backend.tracing.oneline import parse_line


@pytest.fixture(scope="module")
def demo() -> Iterator[Session]:
    session = open_session(SessionOptions(demo=True))
    session.inventory()
    yield session
    session.close()


def traced(session: Session, line: str) -> TraceResult:
    return session.trace(session.plan(parse_line(line)))


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("default/client default/web-0 tcp 8080", ["--ovs", "--reply", "ko-tui tcpdump default/web-0"]),
        ("default/client 8.8.8.8 icmp", ["node kube-ovn-worker decides", "ip route get 8.8.8.8", "ovn-default; ipt"]),
        ("default/client 2001:4860::8 icmp", ["node kube-ovn-worker decides", "natOutgoing of", " ip6tables "]),
        ("default/client 172.18.0.3 tcp 22", ["the node's kernel has it"]),
        ("default/client default/host-agent tcp 80", ["the node's kernel has it"]),
        ("default/client default/vm1 tcp 22", ["ko-tui tcpdump default/vm1)"]),
        ("default/client default/web-0 tcp 80 ct=est,rpl", ["OVN delivers the answer too"]),
        ("default/client svc/default/sticky tcp 80", ["ko-tui trace default/client 10.16.0.1", " tcp 8080"]),
        ("default/web-0 8.8.8.8 icmp", ["find MAC_Binding ip=203.0.113.1 "]),
        ("node//kube-ovn-worker 9.9.9.9 icmp", ["100.64.0.1 is the router's own", "lr-route-list ovn-cluster"]),
        ("default/client 10.17.0.99 tcp 80", ["OVN does not know 10.17.0.99"]),
        ("default/client 10.16.0.200 arp", ["every port is asked", "grep -w 10.16.0.200"]),
        ("default/client node//kube-ovn-worker2 tcp 10250", ["the node's kernel has it"]),
        ("default/client default/web-0 tcp 80 src-ip=10.16.0.99", ["own addresses only: 10.16.0.10, fd00:10:16::a"]),
        ("default/client prod/api-6b9f7 tcp 8080", ["prod/np1", "ingress", "describe networkpolicy -n prod np1"]),
        ("default/client svc/default/empty tcp 80", ["-n default", "service-name=empty"]),
        ("default/client prod/db-0 tcp 5433", ["groups of prod/db-0 (sg1)", "kubectl get security-groups sg1 -o"]),
        ("default/client 255.255.255.255 udp 67", ["enableDHCP of subnet ovn-default", " client.default dhcpv4_"]),
        ("default/dhcp-pod ff02::1:2 udp 547", ["enableDHCP of subnet dhcp-net", " dhcp-pod.default dhcpv6_options"]),
        ("vpc2/tenant-a 8.8.8.8 icmp", ["fit 8.8.8.8? kubectl ko nbctl lr-route-list vpc2"]),
    ],
)  # fmt: skip
def test_where_to_look_now(demo: Session, line: str, words: list[str]) -> None:
    steps = traced(demo, line).explained.next_steps
    assert steps and all(word in steps[0] for word in words), steps


def test_port_security_names_the_annotation_of_the_nic(demo: Session) -> None:
    steps = traced(
        demo, "default/multi@net1.default.ovn 10.20.0.6 icmp src-ip=10.20.0.99"
    ).explained.next_steps
    assert "default/multi@net1.default.ovn" in steps[0] and "10.20.0." in steps[0]
    assert "net1.default.ovn.kubernetes.io/port_vips" in steps[1]


@pytest.mark.parametrize(
    ("masquerades", "words"), [(True, "natOutgoing of"), (False, "a route back"), (None, "when")]
)
def test_the_node_is_asked_by_what_the_subnet_does(
    demo: Session, masquerades: bool | None, words: str
) -> None:
    result = traced(demo, "default/client 8.8.8.8 icmp")
    known = Names()
    steps = next_steps(result.plan, result.explained, known, catalogue("en"), lambda subnet: masquerades)
    assert words in steps[0]


def test_a_capture_names_the_nic(demo: Session) -> None:
    line = "default/multi@net1.default.ovn default/multi-peer@net1.default.ovn tcp 80"
    steps = traced(demo, line).explained.next_steps
    assert "ko-tui tcpdump default/multi-peer@net1.default.ovn)" in steps[0]


def test_a_policy_whose_name_is_not_told_is_not_guessed(demo: Session) -> None:
    plan = demo.plan(parse_line("default/client prod/api-6b9f7 tcp 8080"))
    text = ending("egress", "net", "ls_out_acl", "outport == @a.b.prod && ip", 3000)
    steps = next_steps(plan, explain_trace(parse(text)), Names(), catalogue("en"))
    assert "kubectl get networkpolicy -n prod" in steps[0]


def test_nothing_is_said_where_ovn_answers(demo: Session) -> None:
    assert traced(demo, "default/client 10.16.0.1 icmp").explained.next_steps == []


@pytest.mark.parametrize(
    ("line", "words"),
    [
        (
            "default/server tcp 80 src-ip=10.16.0.99",
            "forbids the port to send from 10.16.0.99 with MAC 00:00:00:99:d5:ac",
        ),
        ("fd00:10:16::b nd", "a neighbour advertisement, fd00:10:16::b is at 00:00:00:da:8a:6d."),
        ("10.16.0.1 icmp", "an ICMP echo reply."),
        ("10.16.0.1 tcp 80", "the destination is the router's own address"),
        ("8.8.8.8 icmp ttl=1", "the TTL ran out, and the router tells the sender (ICMP time exceeded)"),
        ("default/client icmp", "10.16.0.10 is the sender's own address, and a packet may not leave"),
    ],
)
def test_the_headline_names_the_addresses(demo: Session, line: str, words: str) -> None:
    assert words in traced(demo, f"default/client {line}").explained.headline


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("default/dhcp-pod 255.255.255.255 udp 9", "lr_in_ip_input: a router passes no broadcast on."),
        ("default/dhcp-pod 224.0.0.5 udp 9", "lr_in_ip_input: a router without multicast relay"),
    ],
)
def test_what_a_router_drops_has_its_reason(demo: Session, line: str, words: str) -> None:
    assert words in traced(demo, line).explained.headline


@pytest.mark.parametrize(
    ("match", "words"),
    [
        ("arp || nd", "the address that is asked for is not the router's own"),
        ("ip.ttl == {0, 1}", "the TTL ran out."),
        ("ip4.src_mcast ||ip4.src == 255.255.255.255", "nothing from such a source address"),
        ("ip4.dst == {10.16.0.1}", "the router's own address, which answers ping"),
        ("ip4.dst == 10.16.0.1", "a flow says drop"),
    ],
)
def test_each_drop_of_a_router_by_its_match(match: str, words: str) -> None:
    assert words in explain_trace(parse(ending("ingress", "r", "lr_in_ip_input", match, 50))).headline


def test_a_given_endpoint_is_the_destination_from_then_on(demo: Session) -> None:
    line = "default/client svc/default/web tcp 80 backend=10.16.0.13:8080"
    hops = traced(demo, line).explained.hops
    assert "10.96.0.100:80 -> 10.16.0.13:8080" in hops[1].note
    assert hops[2].note == "next hop 10.16.0.13"


def test_the_headline_names_the_next_hop_that_is_asked_for(demo: Session) -> None:
    explained = traced(demo, "default/web-0 8.8.8.8 icmp").explained
    assert "the MAC of the next hop 203.0.113.1 is not known" in explained.headline
    assert "203.0.113.1 is not known" in explained.hops[-1].note


def test_a_headline_without_a_packet_has_the_plain_reason() -> None:
    explained = explain_trace(parse(ENDINGS["receiver"][0]))
    assert "port security forbids these addresses on the port" in explained.headline


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("default/client vpc2/tenant-a icmp", "vpc2/tenant-a (10.16.0.10): it is in VPC vpc2"),
        ("vpc2/tenant-a default/server tcp 22", "did not come to default/server (10.16.0.11)"),
        ("default/client default/client icmp", "by the loopback interface, and OVN never sees it"),
        ("default/client default/completed tcp 80", "has ended (Succeeded): its port is gone"),
        (
            "default/client svc/default/web tcp 80 backend=10.16.0.13:8080",
            "The endpoint 10.16.0.13:8080 was given",
        ),
        ("default/client default/underlay tcp 80", "hands it to the node, not to subnet vlan100"),
        ("vpc2/tenant-a svc/default/web tcp 80", "those of VPC vpc2 do not serve that address"),
        ("node//kube-ovn-worker svc/default/web tcp 80", "trace from the node to one of the Service's pods"),
        ("default/client svc/default/web tcp 80 ct=est", "a trace does not see: it goes on untranslated"),
        ("default/client 8.8.8.8 icmp src-ip=10.16.0.99", "default/client's own (10.16.0.10, fd00:10:16::a)"),
        ("default/client 8.8.8.8 icmp src-mac=02:00:00:00:00:01", "not that of default/client (00:00:00:99"),
    ],
)
def test_what_is_odd_about_the_packet_is_told_first_and_once(demo: Session, line: str, words: str) -> None:
    notes = traced(demo, line).explained.notes
    assert words in notes[0] and sum(words in note for note in notes) == 1, notes


@pytest.mark.parametrize(
    "line",
    [
        "default/client default/server tcp 80",
        "default/client svc/default/web tcp 80",
        "default/client svc/default/empty tcp 80",
        "node//kube-ovn-worker default/client tcp 80",
        "default/client node//kube-ovn-worker2 tcp 10250",
    ],
)
def test_of_a_usual_packet_nothing_odd_is_told(demo: Session, line: str) -> None:
    result = traced(demo, line)
    assert circumstances(result.plan, result.explained, catalogue("en")) == []


def test_a_random_endpoint_says_of_how_many_and_how_to_choose(demo: Session) -> None:
    for line, words in (
        (
            "svc/kube-system/kube-dns udp 53",
            "The Service has 2 endpoints and one was chosen at random: 10.16.0.",
        ),
        ("svc/default/web tcp 80", "The Service has 3 endpoints and one was chosen at random"),
    ):
        notes = traced(demo, f"default/client {line}").explained.notes
        assert any(note.startswith(words) and "--backend takes" in note for note in notes), notes


def test_dropped_copies_are_counted_by_reason(demo: Session) -> None:
    notes = traced(demo, "default/client 224.0.0.251 udp 5353").explained.notes
    assert any("2 in ls_out_acl (an access rule (ACL) refused it), 1 in ls_in_l2_lkup" in n for n in notes)


def test_a_port_that_a_service_has_not_is_told(demo: Session) -> None:
    for line, told in (("svc/kube-system/kube-dns tcp 80", True), ("svc/kube-system/kube-dns tcp 53", False)):
        notes = traced(demo, f"default/client {line}").explained.notes
        assert any("serves no tcp port 80: no load balancer takes" in note for note in notes) is told, notes


def ending(pipeline: str, datapath: str, stage: str, match: str, priority: int, action: str = "drop;") -> str:
    """The last block of an ovn-trace, as it is printed."""
    ports = 'inport="x"' + (', outport="y"' if pipeline == "egress" else "")
    head = f'{pipeline}(dp="{datapath}", {ports})'
    flow = f"10. {stage} (northd.c:1): {match}, priority {priority}, uuid 0a1b2c3d"
    return f"{head}\n{'-' * len(head)}\n{flow}\n    {action}\n"


ENDINGS = {
    "policy": (ending("ingress", "vpc", "lr_in_policy", "ip4", 100), "lr-policy-list vpc"),
    "mac": (ending("ingress", "net", "ls_in_l2_unknown", 'outport == "none"', 50), "lsp-list net"),
    "acl": (ending("ingress", "net", "ls_in_acl", "ip4.dst == 9.9.9.9", 1500), "acl-list net"),
    "sg": (ending("egress", "net", "ls_out_acl", "outport == @ovn.sg.a && ip", 3003), "kubectl get security-groups"),
    "private": (ending("egress", "net", "ls_out_acl", "ip", 2000), "kubectl get subnet net -o yaml"),
    "discarded": (ending("ingress", "vpc", "lr_in_ip_routing", "ip4", 34), "lr-route-list vpc"),
    "receiver": (ending("egress", "net", "ls_out_apply_port_sec", "reg0[15] == 1", 50), "10.16.0.12"),
    "physical": (
        ending("egress", "net", "ls_out_delivery", "1", 0, 'output;\n    /* output to "y", type "localnet" */'),
        "VLAN",
    ),
}  # fmt: skip


@pytest.mark.parametrize("lang", ["en", "zh"])
@pytest.mark.parametrize("case", ENDINGS)
def test_every_ending_has_its_place(demo: Session, case: str, lang: str) -> None:
    text, wanted = ENDINGS[case]
    plan = demo.plan(parse_line("default/client default/web-0 tcp 80"))
    explained = explain_trace(parse(text), lang=lang)  # type: ignore[arg-type]
    steps = next_steps(plan, explained, Names(), catalogue(lang))  # type: ignore[arg-type]
    assert steps and wanted in steps[0], steps
    assert lang == "en" or any("\u4e00" <= c <= "\u9fff" for c in steps[0])


def test_a_flow_below_all_routes_is_no_route() -> None:
    text = ENDINGS["discarded"][0]
    assert "a route discards it" in explain_trace(parse(text)).headline
    none = text.replace("ip4, priority 34", "1, priority 0")
    assert "there is no route" in explain_trace(parse(none)).headline


def test_without_endpoints_there_is_none(demo: Session) -> None:
    plan = demo.plan(parse_line("default/client default/web-0 tcp 80"))
    bare = replace(plan, source=replace(plan.source, ips=()))
    text = ENDINGS["receiver"][0].replace("egress", "ingress").replace("ls_out", "ls_in")
    assert next_steps(bare, explain_trace(parse(text)), Names(), catalogue("en")) == []

"""Matches held against packets without a database: true, false, or not known."""

from __future__ import annotations

import io
import json

import pytest

from ko_tui.backend.ovn.expression import ExpressionError, parse
from ko_tui.backend.ovn.versions import DEFAULT
from ko_tui.backend.simulate.against import evaluate, evaluate_lines
from ko_tui.backend.simulate.clauses import View, clauses
from ko_tui.backend.simulate.matching import Scope
from ko_tui.backend.simulate.microflow import MicroflowError, parse_known

TCP = 'inport == "a" && eth.src == 0a:00:00:00:00:01 && ip4.src == 10.0.0.1 && ip4.dst == 10.0.0.2 && tcp.dst == 80'


@pytest.mark.parametrize(
    ("match", "value"),
    [
        ("1", True),
        ("0", False),
        ("ip4", True),
        ("ip6", False),
        ("!(ip4.src == 10.0.0.9)", True),
        ("!eth.mcast", None),
        ("tcp.dst == 80", True),
        ("tcp.dst == {443, 8080}", False),
        ("tcp.dst != {443, 8080}", True),
        ("tcp.dst >= 80 && tcp.dst < 81", True),
        ("79 < tcp.dst <= 80", True),
        ("!(tcp.dst == 80)", False),
        ("udp.dst != 80", False),  # a field brings its protocol, under negation too
        ("!(udp.dst == 80)", False),
        ("ip4.src == 10.0.0.0/24", True),
        ("ip4.src != 10.0.0.0/24", False),
        ("ip4.src == {192.0.2.1, 10.0.0.0/8}", True),
        ("eth.src == 0a:00:00:00:00:01", True),
        ("eth.src[40] == 0", True),
        ("eth.dst == 0a:00:00:00:00:02", None),  # the microflow does not say
        ("tcp.src == 1024", None),
        ("tcp.src == 1024 && ip6", False),
        ("tcp.src == 1024 || ip4", True),
        ('inport == "a"', True),
        ('inport == "b"', False),
        ('outport == "b"', None),
        ("ip4.src == $set", None),
        ("ip4.src == $set && ip6", False),
        ("inport == @group", None),
        ('is_chassis_resident("a")', None),
        ("ct.est", None),
        ("icmp4.type == 8", False),
        ("ip.proto == 6", True),
        ("ip.ttl == 64", None),
    ],
)
def test_a_match_is_true_false_or_not_known(match: str, value: bool | None) -> None:
    assert evaluate(match, TCP)["value"] is value


def test_each_clause_says_what_the_packet_has() -> None:
    answer = evaluate("ip4 && tcp.dst == 443 && ip4.src == 10.0.0.9 && eth.dst == 0a:00:00:00:00:09", TCP)
    assert [(c["text"], c["value"], c["packet"]) for c in answer["clauses"]] == [
        ("ip4", True, "IPv4 TCP"),
        ("tcp.dst == 443", False, "80"),
        ("ip4.src == 10.0.0.9", False, "10.0.0.1"),
        ("eth.dst == 0a:00:00:00:00:09", None, "not said"),
    ]


def test_a_field_that_the_packet_has_not_says_what_it_is_instead() -> None:
    (clause,) = evaluate("ip6.src == fd00::1", TCP)["clauses"]
    assert clause == {"text": "ip6.src == fd00::1", "value": False, "packet": "none: the packet is IPv4 TCP"}


def test_the_terms_of_an_or_are_told_apart() -> None:
    (clause,) = evaluate("udp || tcp.dst == 80", TCP)["clauses"]
    assert [(c["text"], c["value"]) for c in clause["clauses"]] == [("udp", False), ("tcp.dst == 80", True)]


def test_wrong_input_is_told_apart() -> None:
    with pytest.raises(ExpressionError):
        evaluate("tcp.dst ==", TCP)
    with pytest.raises(MicroflowError):
        evaluate("ip4", "tcp || udp")


def test_lines_go_on_after_an_error() -> None:
    lines = [
        json.dumps({"match": "ip4", "microflow": "ip4"}),
        "not json",
        json.dumps([1]),
        json.dumps({"match": 1, "microflow": "ip4"}),
        json.dumps({"match": "ip4 &&", "microflow": "ip4"}),
        json.dumps({"match": "ip4", "microflow": "ip4 && ip6"}),
        "",
        json.dumps({"match": "ip6", "microflow": "ip4"}),
    ]
    out = io.StringIO()
    assert evaluate_lines(lines, out) == 1
    answers = [json.loads(line) for line in out.getvalue().splitlines()]
    assert [a.get("value", "error") for a in answers] == [True, *["error"] * 5, False]
    assert answers[4]["offset"] == 6
    assert "contradictory" in answers[5]["error"]


@pytest.mark.parametrize(
    ("match", "said"),
    [
        ("nd || nd_ra || mldv1", "the packet is IPv4 TCP"),
        ("ip6", "the packet is IPv4 TCP"),
        ("udp.dst == 53", "the packet is IPv4 TCP"),
        ("udp.dst == 53 || sctp.dst == 53", "the packet is IPv4 TCP"),
        ("tcp.dst == 443", "the packet has 80"),
        ("tcp.dst == 443 || udp.dst == 53", "the packet has tcp.dst = 80, but no udp.dst: it is IPv4 TCP"),
        ("icmp4 || tcp.dst == 443", "the packet has tcp.dst = 80, and is IPv4 TCP"),
        ("arp.tpa == 10.0.0.1 || arp.op == 1", "the packet is IPv4 TCP"),
    ],
)
def test_a_clause_says_in_a_sentence_what_the_packet_is_or_has(match: str, said: str) -> None:
    scope = Scope(DEFAULT, lambda _: None, lambda _: None, lambda _: 1, lambda _: True)
    state, known = parse_known(TCP, scope)
    (clause,) = clauses(parse(match, symbols=scope.symbols), View(state, scope, str, known))
    assert clause.sentence() == said


@pytest.mark.parametrize(
    ("microflow", "said"),
    [
        (f"{TCP} && vlan.tci == 0", "IPv4 TCP without a VLAN tag"),
        (f"{TCP} && vlan.tci == 0x100a", "IPv4 TCP in VLAN 10"),
        (TCP, "IPv4 TCP"),  # nothing is said of a tag
    ],
)
def test_what_a_packet_is_where_a_vlan_is_asked_for(microflow: str, said: str) -> None:
    made = evaluate("vlan.present", microflow)["clauses"]
    assert [part["packet"] for part in made] == [said], made
    assert evaluate("ip4", microflow)["clauses"][0]["packet"] == "IPv4 TCP"

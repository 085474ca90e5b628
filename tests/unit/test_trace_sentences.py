"""Sentences of single stages, on the saved cluster that comes with ko-tui."""

from __future__ import annotations

from collections.abc import Iterator
from io import StringIO

import pytest
from rich.console import Console

from ko_tui.backend.explain.model import ExplainedStage, ExplainedTrace
from ko_tui.backend.explain.trace import explain_trace
from ko_tui.backend.ovn.trace import parse
from ko_tui.backend.session import Session, SessionOptions, open_session
from ko_tui.backend.tracing.oneline import parse_line
from ko_tui.cli.render_trace import print_trace


@pytest.fixture(scope="module")
def demo() -> Iterator[Session]:
    session = open_session(SessionOptions(demo=True))
    session.inventory()
    yield session
    session.close()


def traced(session: Session, line: str) -> ExplainedTrace:
    return session.trace(session.plan(parse_line(line))).explained


def first(explained: ExplainedTrace, name: str) -> ExplainedStage:
    return next(made for made in explained.stages if made.stage.name == name)


@pytest.mark.parametrize(
    ("line", "stage", "answer"),
    [
        (
            "default/client default/server tcp 80",
            "ls_in_check_port_sec",
            "refuse the sender's addresses? No.",
        ),
        (
            "default/client default/server tcp 80 src-ip=10.16.0.99",
            "ls_in_check_port_sec",
            "refuse the sender's addresses? Yes.",
        ),
        ("default/client svc/default/hairpin tcp 80", "ls_in_pre_hairpin", "is it hairpin traffic? Yes."),
        ("default/client default/server tcp 80", "ls_in_pre_hairpin", "is it hairpin traffic? No."),
    ],
)
def test_a_question_has_its_answer(demo: Session, line: str, stage: str, answer: str) -> None:
    assert any(sentence.text.endswith(answer) for sentence in first(traced(demo, line), stage).actions)


def test_an_answer_that_the_trace_does_not_tell_is_not_made_up() -> None:
    text = (
        'ingress(dp="r", inport="p")\n---\n'
        " 1. lr_in_lookup_neighbor (x): arp, priority 1, uuid 0a1b2c3d\n"
        "    reg9[2] = lookup_arp(inport, arp.spa, arp.sha);\n    next;\n"
    )
    sentences = explain_trace(parse(text)).stages[0].actions
    assert sentences[0].text.endswith("known (input port, sender's IP in ARP, sender's MAC in ARP)?")


def test_the_default_of_the_rules_is_told_as_such(demo: Session) -> None:
    by_default = first(traced(demo, "default/client default/server tcp 80"), "ls_in_acl")
    assert by_default.actions[0].text == "Let it pass: no access rule (ACL) decided, and this is the default"
    by_rule = first(traced(demo, "default/client prod/db-0 tcp 5432"), "ls_out_acl")
    assert not any("default" in sentence.text for sentence in by_rule.actions)


def test_an_answer_passes_as_such(demo: Session) -> None:
    explained = traced(demo, "default/server default/client tcp 30000 ct=est,rpl;est,rpl")
    assert "an answer in a connection that was allowed" in first(explained, "ls_in_acl").actions[0].text
    assert explained.notes[0].startswith("This is the answer of default/server to 10.16.0.10")


def test_the_pods_of_a_subnet_on_a_node_are_named(demo: Session) -> None:
    policy = first(traced(demo, "default/client 8.8.8.8 icmp"), "lr_in_policy")
    assert policy.match is not None
    assert "(Subnet ovn-default, Node kube-ovn-worker)" in policy.match.text


def test_a_range_of_one_port_is_that_port(demo: Session) -> None:
    rule = first(traced(demo, "default/client prod/db-0 tcp 5432"), "ls_out_acl")
    assert rule.match is not None
    assert rule.match.text.endswith("the TCP destination port is 5432")


def test_a_long_hop_goes_on_below_its_name(demo: Session) -> None:
    out = Console(file=StringIO(), width=80)
    print_trace(traced(demo, "default/client default/web-0 tcp 80 src-ip=10.16.0.99"), console=out)
    assert isinstance(out.file, StringIO)
    way = out.file.getvalue().split("The way\n")[1].split("\n\n")[0].splitlines()
    assert len(way) == 4
    assert way[2].startswith("  -> ovn-default  dropped in") and way[3].startswith("     ")


def test_what_is_allowed_for_the_gateway_is_no_network_policy(demo: Session) -> None:
    rule = first(traced(demo, "default/client 10.16.0.1 icmp"), "ls_in_pre_acl")
    assert rule.use == "traffic with the subnet's gateway is allowed, whatever NetworkPolicies say"

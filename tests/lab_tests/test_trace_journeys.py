"""Traces of the real cluster through the real API: the verdict is right, every stage is explained, nothing is lost."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from ko_tui.backend.ovn.trace import render
from ko_tui.backend.ovn.trace_model import Verdict
from ko_tui.backend.session import Session, SessionOptions, open_session
from ko_tui.backend.tracing.oneline import parse_line
from tests.lab.places import until
from tests.lab.running import RunningLab

pytestmark = pytest.mark.lab


@pytest.fixture(scope="module")
def session(running_lab: RunningLab) -> Iterator[Session]:
    # A real packet, so that the gateway's MAC address is learned before a trace goes there.
    cluster = running_lab.cluster
    assert cluster.ping("default/dhcp-pod", "203.0.113.1")
    until(
        lambda: cluster.sbctl("--bare", "--columns=mac", "find", "MAC_Binding", "ip=203.0.113.1"),
        "the MAC binding",
    )
    found = open_session(SessionOptions(kubeconfig=str(running_lab.kubeconfig), context="admin"))
    yield found
    found.close()


JOURNEYS = [
    # what is traced, changes of the request, the verdict, where it ends (port) or why it is dropped
    ("default/client default/server icmp", {}, Verdict.DELIVERED, "server.default"),
    ("default/client default/web-0 tcp 8080", {}, Verdict.DELIVERED, "web-0.default"),
    ("default/client svc/kube-system/kube-dns udp 53", {}, Verdict.DELIVERED, "coredns-"),
    ("default/client svc/kube-system/kube-dns tcp 53", {}, Verdict.DELIVERED, "coredns-"),
    ("default/client 10.96.0.10 udp 53", {}, Verdict.DELIVERED, "coredns-"),
    ("default/client default/web-0 icmp", {"family": 6}, Verdict.DELIVERED, "web-0.default"),
    ("default/client svc/default/web:http tcp", {"family": 6}, Verdict.DELIVERED, ""),
    ("default/client 10.16.0.1 arp request", {}, Verdict.REPLIED, "client.default"),
    ("default/server prod/api-6b9f7 tcp 80", {}, Verdict.DROPPED, "acl"),
    ("default/client prod/api-6b9f7 tcp 80", {}, Verdict.DELIVERED, "api-6b9f7.prod"),
    ("default/client prod/db-0 tcp 80", {}, Verdict.DROPPED, "acl"),
    ("default/client default/server icmp", {"src_ip": "10.16.0.99"}, Verdict.DROPPED, "port_security"),
    ("default/client 100.64.0.3 icmp", {}, Verdict.DELIVERED, "node-kube-ovn-worker"),
    ("default/dhcp-pod 198.51.100.7 tcp 443", {}, Verdict.DELIVERED, "localnet.ovn-external"),
    ("default/dhcp-pod 203.0.113.1 icmp", {}, Verdict.DELIVERED, "localnet.ovn-external"),
    ("default/client svc/default/hairpin tcp 80", {}, Verdict.DELIVERED, "client.default"),
    ("default/client svc/default/empty tcp 80", {}, Verdict.DROPPED, "no_backend"),
    ("default/client 10.16.77.77 00:00:00:ff:ff:fe icmp", {}, Verdict.DROPPED, "unknown_mac"),
    ("vpc2/tenant-a vpc2/tenant-b icmp", {}, Verdict.DELIVERED, "tenant-b.vpc2"),
    ("default/underlay 192.168.100.1 icmp", {}, Verdict.DELIVERED, "localnet.vlan100"),
    ("default/client default/virt-launcher-vm1-x7k2p icmp", {}, Verdict.DELIVERED, "vm1.default"),
    ("default/vm1 default/client icmp", {}, Verdict.DELIVERED, "client.default"),
    (
        "default/multi@net1 default/multi-peer@net1 icmp",
        {},
        Verdict.DELIVERED,
        "multi-peer.default.net1.default.ovn",
    ),
    ("node//kube-ovn-worker default/web-0 tcp 8080", {}, Verdict.DELIVERED, "web-0.default"),
    ("default/host-agent default/web-0 tcp 8080", {}, Verdict.DELIVERED, "web-0.default"),
]


@pytest.mark.parametrize(("line", "changes", "verdict", "end"), JOURNEYS, ids=lambda v: str(v)[:40])
def test_journeys(
    session: Session, line: str, changes: dict[str, object], verdict: Verdict | None, end: str
) -> None:
    from dataclasses import replace

    plan = session.plan(replace(parse_line(line), **changes))  # type: ignore[arg-type]
    result = session.trace(plan)
    explained = result.explained
    assert render(explained.trace) == explained.trace.text == result.commands[-1].stdout
    if verdict is not None:
        assert explained.verdict is verdict, explained.trace.text
    deciding = [o for o in explained.outcomes if o.verdict is explained.verdict]
    assert any(end in (o.port or "") or end == o.reason for o in deciding)
    assert explained.stages
    for stage in explained.stages:
        assert stage.known, stage.stage.name
        assert stage.title and stage.purpose
        assert stage.stage.no_match or (stage.match and stage.match.text)
        assert len(stage.actions) >= (0 if stage.stage.no_match else 1)
    assert explained.headline
    assert plan.reasons and all(reason.why for reason in plan.reasons)


def test_source_nat_is_traced(session: Session) -> None:
    result = session.trace(session.plan(parse_line("default/dhcp-pod 203.0.113.1 icmp")))
    assert any("ct_snat" in action for stage in result.explained.stages for action in stage.stage.actions)


def test_a_chosen_backend(session: Session) -> None:
    from dataclasses import replace

    request = replace(parse_line("default/client svc/default/web tcp 80"), backend="10.16.0.13:8080")
    result = session.trace(session.plan(request))
    assert result.explained.trace.outputs == ["web-1.default"]


def test_what_cannot_be_traced_says_why(session: Session) -> None:
    from ko_tui.backend.errors import KoError

    for line, word in (
        ("default/pending default/server", "Pending"),
        ("default/completed default/server", "ended"),
        ("default/nosuch default/server", "no pod"),
        ("default/client svc/default/nosuch tcp 80", "no Service"),
        ("default/client 10.16.99.99", "no port on that switch"),
        ("node//nosuch 10.16.0.1", "no node"),
    ):
        with pytest.raises(KoError) as caught:
            session.plan(parse_line(line))
        assert word in f"{caught.value.what} {caught.value.next_step}"
        assert caught.value.next_step


def test_the_underlay_gateway_is_asked_on_the_wire(session: Session) -> None:
    plan = session.plan(parse_line("default/underlay 198.51.100.7 icmp"))
    mac = next(r for r in plan.reasons if r.field == "dst MAC")
    assert "answered on the wire" in mac.why
    assert any("arping" in run.argv for run in plan.commands)


def test_the_reply_of_a_service_connection(session: Session) -> None:
    forward = session.trace(session.plan(parse_line("default/server svc/default/web tcp 80")))
    reply = session.reply(forward)
    assert reply.ct and reply.ct[0] == "est,rpl"
    assert reply.src_port == 8080
    back = session.trace(session.plan(reply))
    assert back.explained.trace.outputs == ["server.default"]

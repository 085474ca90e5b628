"""Plans and replies made from the saved cluster that comes with ko-tui."""

from __future__ import annotations

import json
from collections.abc import Iterator

import pytest

from ko_tui.backend.errors import UsageError
from ko_tui.backend.ovn.trace_model import Verdict
from ko_tui.backend.session import Session, SessionOptions, open_session
from ko_tui.backend.source.snapshot import demo_path
from ko_tui.backend.tracing.oneline import parse_line
from ko_tui.backend.tracing.plan import check_request
from ko_tui.cli import main


@pytest.fixture(scope="module")
def session() -> Iterator[Session]:
    opened = open_session(SessionOptions(snapshot=demo_path()))
    yield opened
    opened.close()


def test_a_service_without_a_port_brings_its_first(session: Session) -> None:
    plan = session.plan(parse_line("default/client svc/kube-system/kube-dns udp"))
    assert plan.packet.dst_port == 53
    assert any(r.field == "dst port" and "serves this one first" in r.why for r in plan.reasons)


def test_a_service_of_another_protocol_says_what_it_serves(session: Session) -> None:
    with pytest.raises(UsageError) as met:
        session.plan(parse_line("default/client svc/default/web udp"))
    assert "80/TCP" in met.value.next_step


@pytest.mark.parametrize(
    ("address", "mac"),
    [
        ("255.255.255.255", "ff:ff:ff:ff:ff:ff"),
        ("10.16.255.255", "ff:ff:ff:ff:ff:ff"),
        ("224.0.0.251", "01:00:5e:00:00:fb"),
        ("ff02::fb", "33:33:00:00:00:fb"),
    ],
)
def test_broadcast_and_multicast_do_not_go_to_the_router(session: Session, address: str, mac: str) -> None:
    plan = session.plan(parse_line(f"default/client {address} udp 5353"))
    assert plan.packet.eth_dst == mac
    assert len(session.trace(plan).explained.trace.outputs) > 5


def test_an_address_needs_a_port() -> None:
    with pytest.raises(UsageError, match="needs a destination port"):
        check_request(parse_line("default/client 10.96.0.10 udp"))


def test_the_select_id_reaches_ovn_trace(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--demo", "trace", "default/client", "8.8.8.8", "icmp", "--select-id", "3", "--plan"]) == 0
    assert "--select-id=3" in capsys.readouterr().out
    assert main(["--demo", "trace", "default/client", "8.8.8.8", "icmp", "--select-id", "70000"]) == 2


def test_the_reply(session: Session, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--demo", "trace", "default/client", "default/server", "tcp", "80", "--reply", "--raw"]) == 0
    assert "tcp.src == 80" in (raw := capsys.readouterr().out) or "tp_src=80" in raw
    there = session.trace(session.plan(parse_line("default/client default/server tcp 80")))
    back = session.trace(session.plan(session.reply(there)))
    assert back.explained.verdict is Verdict.DELIVERED
    assert back.explained.trace.outputs == ["client.default"]


def test_the_reply_of_a_hairpin_is_not_made_up(session: Session) -> None:
    there = session.trace(session.plan(parse_line("default/client svc/default/hairpin tcp 80")))
    assert there.explained.trace.outputs == ["client.default"]
    with pytest.raises(UsageError, match="came back to its own sender"):
        session.reply(there)


def test_json_says_what_was_asked_where_and_when(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--demo", "trace", "default/client", "default/server", "tcp", "80", "--json"]) == 0
    traced = json.loads(capsys.readouterr().out)["traced"]
    asked = parse_line(traced["line"])
    assert (asked.source, asked.destination, asked.dst_port) == ("default/client", "default/server", 80)
    assert traced["cluster"] == "demo.kosnap"
    assert traced["saved_at"] and traced["at"].endswith("Z") and traced["engine"] == "local"
    assert traced["datapath"] == "ovn-default" and 'inport == "client.default"' in traced["microflow"]


@pytest.mark.parametrize(
    ("line", "source", "port"),
    [
        ("default/dhcp-pod 255.255.255.255 udp 67", "0.0.0.0", 68),
        ("default/dhcp-pod ff02::1:2 udp 547", "fe80::200:ff:fe25:7d32", 546),
        ("default/dhcp-pod 169.254.0.254 udp 67", "10.17.0.5", 68),
        ("default/dhcp-pod 255.255.255.255 udp 67 src-ip=10.17.0.5 src-port=9", "10.17.0.5", 9),
        ("default/dhcp-pod 255.255.255.255 udp 68", "10.17.0.5", 30000),
    ],
)
def test_a_request_to_a_dhcp_server_comes_from_where_a_client_sends_it(
    session: Session, line: str, source: str, port: int
) -> None:
    packet = session.plan(parse_line(line)).packet
    assert (packet.ip_src, packet.src_port) == (source, port)


def test_ovn_answers_a_dhcp_request_without_a_word_about_its_source(session: Session) -> None:
    result = session.trace(session.plan(parse_line("default/dhcp-pod 255.255.255.255 udp 67")))
    assert result.explained.verdict is Verdict.REPLIED
    assert not result.explained.notes and not result.explained.next_steps

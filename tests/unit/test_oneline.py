"""The one-line form, as kubectl ko has it and as experts write it."""

from __future__ import annotations

import pytest

from ko_tui.backend.errors import UsageError
from ko_tui.backend.packet import Protocol
from ko_tui.backend.tracing.model import TraceRequest
from ko_tui.backend.tracing.oneline import parse_line
from ko_tui.backend.tracing.plan import check_request
from ko_tui.screens.trace_form import request_of, values_of


@pytest.mark.parametrize(
    ("line", "source", "destination", "protocol", "port", "name", "mac"),
    [
        ("default/client 10.96.0.10 udp 53", "default/client", "10.96.0.10", "udp", 53, "", ""),
        ("a/b 10.1.1.1 00:00:00:1B:3E:8B tcp 80", "a/b", "10.1.1.1", "tcp", 80, "", "00:00:00:1b:3e:8b"),
        ("a/b 10.1.1.1 0:0:0:1B:3E:8B icmp", "a/b", "10.1.1.1", "icmp", 0, "", "00:00:00:1b:3e:8b"),
        ("node//w 10.16.0.1 arp request", "node//w", "10.16.0.1", "arp-request", 0, "", ""),
        ("node//w 10.16.0.1 arp reply", "node//w", "10.16.0.1", "arp-reply", 0, "", ""),
        ("default/client -> svc/web:80 tcp", "default/client", "svc/web", "tcp", 80, "", ""),
        ("default/client -> svc/web:http", "default/client", "svc/web", "tcp", 0, "http", ""),
        ("x/y [fd00::1]:8080 udp", "x/y", "fd00::1", "udp", 8080, "", ""),
        ("x/y fd00::1", "x/y", "fd00::1", "icmp", 0, "", ""),
        ("x/y fd00::1 nd", "x/y", "fd00::1", "nd-ns", 0, "", ""),
    ],
)
def test_lines(
    line: str, source: str, destination: str, protocol: str, port: int, name: str, mac: str
) -> None:
    request = parse_line(line)
    got = (request.source, request.destination, str(request.protocol), request.dst_port, request.port_name)
    assert (*got, request.dst_mac) == (source, destination, protocol, port, name, mac)


@pytest.mark.parametrize(
    "line",
    [
        "", "one", "a/b 10.0.0.1 smtp", "a/b 10.0.0.1 tcp 80 90", "a/b c/d arp maybe", "a 'b",
        "a/b ttl=1", "a/b c/d ttl=", "a/b c/d ttl=-1", "a/b c/d colour=red", "a/b c/d engine=ovs", "a/b c/d ct=old",
    ],
)  # fmt: skip
def test_refused_lines(line: str) -> None:
    with pytest.raises(UsageError):
        parse_line(line)


def test_the_line_of_a_request_reads_back() -> None:
    for line in (
        "a/b -> 10.0.0.1:80 tcp",
        "a/b -> [fd00::1]:53 udp",
        "a/b -> svc/x/y:http tcp",
        "a/b -> c/d icmp",
    ):
        request = parse_line(line)
        assert request.line() == line
        assert parse_line(request.line()) == request
    assert parse_line("a/b fd00::1 icmp").protocol is Protocol.ICMP


@pytest.mark.parametrize(
    "words",
    [
        "src-port=40000", "src-ip=10.9.9.9", "src-mac=00:00:00:00:00:07", "ttl=1", "tcp-flags=0x12", "ct=est",
        "ct='new,trk;est'", "backend=10.0.0.4:53", "family=6", "select-id=2", "ttl=9 ct=rpl family=4",
    ],
)  # fmt: skip
def test_what_else_a_packet_has_is_in_its_line(words: str) -> None:
    request = parse_line(f"a/b c/d tcp 80 {words}")
    assert request != parse_line("a/b c/d tcp 80")
    assert parse_line(request.line()) == request and check_request(request) == request
    assert set(words.split()) <= set(request.line().split())
    assert request_of(values_of(request)) == request


def test_a_request_of_every_part_reads_back() -> None:
    whole = TraceRequest(
        "a/b@net1.x.ovn", "fd00::1", Protocol.UDP, 53, 4000, "00:00:00:00:00:01", 6, 3, 0x12, ("new,trk", "est"),
        "[fd00::2]:53", "", "fd00::7", "00:00:00:00:00:02", select_id=3,
    )  # fmt: skip
    assert parse_line(whole.line()) == whole
    assert parse_line("a/b c/d tcp 80 engine=both --src_ip=10.0.0.1").engine == "both"

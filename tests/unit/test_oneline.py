"""The one-line form, as kubectl ko has it and as experts write it."""

from __future__ import annotations

import pytest

from ko_tui.backend.errors import UsageError
from ko_tui.backend.packet import Protocol
from ko_tui.backend.tracing.oneline import parse_line


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
    "line", ["", "one", "a/b 10.0.0.1 smtp", "a/b 10.0.0.1 tcp 80 90", "a/b c/d arp maybe", "a 'b"]
)
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

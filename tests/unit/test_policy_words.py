"""The headline of a NetworkPolicy's drop, on the saved cluster that comes with ko-tui."""

from __future__ import annotations

import pytest

from ko_tui.backend.simulate.policy_words import rule_words
from ko_tui.cli import main


@pytest.mark.parametrize(
    ("match", "words"),
    [
        (
            "outport == @np1.prod && ip && ip4.src == $np1.prod.ingress.allow.IPv4.0 && tcp.dst == 80",
            "ingress rule 1, which allows TCP 80",
        ),
        (
            "inport == @a.b && ip && ip6.dst == $a.b.egress.allow.IPv6.3 && 8000 <= udp.dst <= 8080",
            "egress rule 4, which allows UDP 8000 to 8080",
        ),
        (
            "ip4.src == $a.b.ingress.allow.IPv4.1 && tcp.dst == {80, 443}",
            "ingress rule 2, which allows TCP 80, 443",
        ),
        ("ip && ip4.src == $a.b.ingress.allow.IPv4.0 && tcp", "ingress rule 1, which allows TCP"),
        ("ip && ip4.src == $a.b.ingress.allow.IPv4.0", "ingress rule 1, which allows every port"),
        ("ip && ip4.src == $a.b.ingress.allow.IPv4.all", ""),
        ("outport == @prod && ip4.src == $clients", ""),
    ],
)
def test_rules(match: str, words: str) -> None:
    assert rule_words(match) == words


def test_the_headline_names_both_ends_and_the_rule(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--demo", "trace", "default/client", "prod/api-6b9f7", "tcp", "8080", "--why-not"]) == 1
    said = " ".join(capsys.readouterr().out.split())
    assert (
        "No rule of NetworkPolicy prod/np1 allows TCP 8080 from 10.16.0.10 (client.default) to 10.16.0.20 "
        "(api-6b9f7.prod); nearest is its ingress rule 1, which allows TCP 80, but it asks for tcp.dst == 80, and "
        "the packet has 8080."
    ) in said

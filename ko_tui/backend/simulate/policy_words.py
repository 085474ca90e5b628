"""A NetworkPolicy's rule behind an ACL, as its author knows it: ``ingress rule 2, which allows TCP 80``.

Source of the names: kube-ovn pkg/controller/network_policy.go (address sets ``POLICY.NAMESPACE.ingress.allow.IPv4.N``,
N counted from 0 in the order of the policy's rules).
"""

from __future__ import annotations

import re

from ko_tui.backend.explain.catalogue import Catalogue, catalogue

KIND = "NetworkPolicy "
_SET = re.compile(r"\$[\w.]+\.(ingress|egress)\.allow\.(?:[\w]+\.)?(\d+)\b")
_ONE = re.compile(r"\b(tcp|udp|sctp)\.dst == (\d+|\{[^{}]*\})")
_RANGE = re.compile(r"\b(\d+) <= (tcp|udp|sctp)\.dst <= (\d+)")
_WHOLE = re.compile(r"(?<![\w.])(tcp|udp|sctp)(?![\w.])")


def rule_words(match: str, words: Catalogue | None = None) -> str:
    """``ingress rule 2, which allows TCP 80``; "" when the match is not a rule of a NetworkPolicy."""
    found = _SET.search(match)
    if found is None:
        return ""
    words = words or catalogue()
    return words.why(f"rule.{found[1]}", number=int(found[2]) + 1, ports=_ports(match, words))


def _ports(match: str, words: Catalogue) -> str:
    said = [f"{p.upper()} {_listed(n)}" for p, n in _ONE.findall(match)]
    said += [
        words.why("rule.range", protocol=p.upper(), low=low, high=high)
        for low, p, high in _RANGE.findall(match)
    ]
    said = said or [p.upper() for p in dict.fromkeys(_WHOLE.findall(match))]
    return words.why("allowed.and").join(dict.fromkeys(said)) or words.why("rule.every_port")


def _listed(numbers: str) -> str:
    return ", ".join(n.strip() for n in numbers.strip("{}").split(","))

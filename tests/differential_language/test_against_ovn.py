"""What OVN accepts ko-tui accepts, and what OVN refuses ko-tui refuses: asked of the real OVN, from fixed seeds."""

from __future__ import annotations

import re

import pytest

from ko_tui.backend.ovn import actions, expression
from ko_tui.backend.ovn.lexer import ERROR, tokenize
from tests.differential_language import oracle
from tests.differential_language.generate import Generator

pytestmark = [pytest.mark.lab]

COUNT = 6000
TABLE = 5


def _asked(text: str) -> bool:
    """Whether OVN is asked about a text at all.

    Not asked: templates, which ovn-trace 23.03 fills in with their own name before it parses; and ordered
    comparison with an address set, at which ovn-trace aborts when a member but the first has a mask.
    """
    return "^" not in text and not ("$" in text and re.search(r"[<>]", text))


def _intended(kind: str, text: str, accepted: bool) -> str:
    """Why a disagreement about a text is meant, or empty.

    - ``set_queue(;`` and ``check_pkt_larger(;``: OVN forgets to complain about the missing number.
    - OVN goes past whatever stands for set_meter's burst, sample's collector_set and obs_domain, and the end of
      ct_lb's arguments, even when it is no token at all.
    """
    if kind == "actions" and accepted:
        if re.search(r"(?:set_queue|check_pkt_larger)\s*\(\s*;", text):
            return "missing number"
        if tokenize(text)[0][-1] == ERROR and re.search(r"set_meter|sample|ct_lb", text):
            return "broken token that OVN does not read"
    return ""


@pytest.mark.parametrize("kind", ["match", "actions"])
@pytest.mark.parametrize("seed", [1, 2])
def test_same_verdict(kind: str, seed: int) -> None:
    version = oracle.version()
    generator = Generator(seed, version)
    made = (generator.match() if kind == "match" else generator.actions() for _ in range(COUNT))
    texts = sorted({text for text in made if _asked(text)})
    accepted, complaints = oracle.judge(texts, kind, table=TABLE)
    disagreements = []
    for text, theirs, complaint in zip(texts, accepted, complaints, strict=True):
        try:
            if kind == "match":
                expression.parse(
                    text,
                    version=version,
                    address_sets=oracle.ADDRESS_SETS,
                    port_groups=[oracle.PORT_GROUP],
                )
            else:
                actions.parse(text, version=version, table=TABLE)
            ours, said = True, ""
        except (expression.ExpressionError, actions.ActionError) as error:
            ours, said = False, str(error)
        if ours is not theirs and not _intended(kind, text, theirs):
            disagreements.append((text, f"OVN: {complaint or 'accepted'}", f"here: {said or 'accepted'}"))
    assert not disagreements, disagreements[:10]
    # The generators must ask both questions: neither side may be rare.
    assert sum(accepted) > len(texts) / 5
    assert len(texts) - sum(accepted) > len(texts) / 5


@pytest.mark.parametrize("table", [27, 28])
def test_last_table(table: int) -> None:
    version = oracle.version()
    texts = ["next;", "next(0);", "next(28);", "next(29);", "ct_next;", "ct_lb;", "next(pipeline=egress);"]
    for pipeline in ("ingress", "egress"):
        accepted, _ = oracle.judge(texts, "actions", pipeline=pipeline, table=table)
        for text, theirs in zip(texts, accepted, strict=True):
            try:
                actions.parse(text, version=version, pipeline=pipeline, table=table)  # type: ignore[arg-type]
                ours = True
            except actions.ActionError:
                ours = False
            assert ours is theirs, (pipeline, table, text)

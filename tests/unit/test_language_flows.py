"""Every flow that ovn-northd wrote parses, prints, and parses again to the same trees."""

from __future__ import annotations

from pathlib import Path
from typing import get_args

import pytest

from ko_tui.backend.ovn import actions, expression
from ko_tui.backend.ovn.versions import OvnVersion

FIXTURES = Path(__file__).parent.parent / "fixtures" / "language"
Flow = tuple[actions.Pipeline, int, str, str]


def flows(version: str) -> list[Flow]:
    rows = []
    for line in (FIXTURES / f"flows-{version}.tsv").read_text().splitlines():
        pipeline, table, match, action = line.split("\t")
        rows.append(("egress" if pipeline == "egress" else "ingress", int(table), match, action))
    return rows


VERSIONS: tuple[OvnVersion, ...] = ("22.03", "25.03")


@pytest.mark.parametrize("version", VERSIONS)
def test_matches_come_back(version: OvnVersion) -> None:
    same = 0
    rows = flows(version)
    for _, _, match, _ in rows:
        tree = expression.parse(match, version=version)
        text = str(tree)
        assert expression.parse(text, version=version) == tree, match
        assert str(expression.parse(text, version=version)) == text
        assert expression.parse_cached(match, version=version) == tree, match
        same += text == match
    # OVN's spelling is northd's, save for parentheses that change nothing.
    assert same > len(rows) * 0.7


@pytest.mark.parametrize("version", VERSIONS)
def test_actions_come_back(version: OvnVersion) -> None:
    for pipeline, table, _, text in flows(version):
        made = actions.parse(text, version=version, pipeline=pipeline, table=table)
        written = actions.to_text(made)
        again = actions.parse(written, version=version, pipeline=pipeline, table=table)
        assert again == made, text
        assert actions.to_text(again) == written
        assert actions.parse(text, version=version, strict=False) == made
        assert not any(isinstance(a, actions.UnknownAction) for a in actions.walk(made))


def test_newer_releases_read_the_flows_of_25_03() -> None:
    for pipeline, table, match, text in flows("25.03"):
        expression.parse(match, version="26.03")
        actions.parse(text, version="26.03", pipeline=pipeline, table=min(table, 14))


@pytest.mark.parametrize("version", get_args(OvnVersion))
def test_lenient_reads_all_flows_in_every_release(version: OvnVersion) -> None:
    for _, _, _, text in flows("22.03"):
        made = actions.parse(text, version=version, strict=False)
        assert made

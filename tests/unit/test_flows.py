"""Recorded lflow-list output: every flow is there, whatever the pieces it comes in."""

from __future__ import annotations

import lzma
import re
from functools import cache
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ko_tui.backend.ovn.flows import FlowStore

FIXTURES = Path(__file__).parent.parent / "fixtures" / "flows"
NAMES = sorted(p.name for p in FIXTURES.glob("2*.xz"))


@cache
def recorded(name: str) -> bytes:
    return lzma.decompress((FIXTURES / name).read_bytes())


def load(text: bytes, size: int) -> FlowStore:
    store = FlowStore()
    for at in range(0, len(text), size):
        store.feed(text[at : at + size])
    store.finish()
    return store


@pytest.mark.parametrize("name", NAMES)
def test_every_flow_is_taken_apart(name: str) -> None:
    text = recorded(name)
    store = load(text, 4096)
    lines = re.findall(rb"^  (?:uuid=\S+ )?table=.*$", text, re.MULTILINE)
    flows = [flow for d in store.datapaths() for flow in store.flows(d.uuid)]
    assert len(flows) == len(store) == len(lines)
    assert [f.raw.encode() for f in flows] == lines
    assert all(f.known and f.match and f.actions for f in flows)
    assert all(bool(f.uuid) == ("uuid" in name) for f in flows)
    assert any(f.openflow for f in flows) == ("ovs" in name)


@given(st.integers(1, 5000))
@settings(max_examples=15)
def test_the_pieces_do_not_matter(size: int) -> None:
    text = recorded("25.03.3-ovs.xz")[:40_000]
    whole, pieces = load(text, len(text)), load(text, size)
    assert [f for d in whole.datapaths() for f in whole.flows(d.uuid)] == [
        f for d in pieces.datapaths() for f in pieces.flows(d.uuid)
    ]


def test_stages_and_search() -> None:
    store = load(recorded("25.03.3-uuid.xz"), 65536)
    stages = store.stages("ovn-default")
    assert stages[0].stage == "ls_in_check_port_sec" and stages[-1].pipeline == "egress"
    assert sum(s.count for s in stages) == len(store.flows("ovn-default"))
    flows = store.flows("ovn-default", "ingress", "ls_in_lb")
    hits = list(flows.containing("10.96.0.10"))
    assert hits == [i for i, f in enumerate(flows) if "10.96.0.10" in f.raw] and hits
    assert flows[hits[0]].expression().__class__.__name__ == "And"
    assert flows[hits[0]].action_list()


@given(st.binary(max_size=600))
def test_any_bytes_are_borne(text: bytes) -> None:
    load(text, 7)

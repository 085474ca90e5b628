"""Logical_Flow rows in JSON: the same flows as lflow-list gives, whatever the pieces they come in."""

from __future__ import annotations

import json
import lzma
from functools import cache
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ko_tui.backend.ovn.flow_rows import FlowRows
from ko_tui.backend.ovn.flows import FlowStore
from ko_tui.backend.ovn.table import NotATable, many, parse_table

FIXTURES = Path(__file__).parent.parent / "fixtures" / "flow_rows"


@cache
def tables() -> tuple[bytes, dict[str, tuple[str, ...]], dict[str, str]]:
    """The text of Logical_Flow, the members of each group, the name of each datapath."""
    flows, groups, names = lzma.decompress((FIXTURES / "rows-25.03.3.jsonl.xz").read_bytes()).splitlines()
    members = {row["_uuid"]: many(row["datapaths"]) for row in parse_table(groups)}
    return flows, members, {row["_uuid"]: row["external_ids"]["name"] for row in parse_table(names)}


def load(text: bytes, size: int) -> FlowRows:
    store = FlowRows(tables()[1], tables()[2])
    for at in range(0, len(text), size):
        store.feed(text[at : at + size])
    store.finish()
    return store


def test_the_flows_of_lflow_list() -> None:
    rows, lines = load(tables()[0], 4096), FlowStore()
    lines.feed(lzma.decompress((FIXTURES.parent / "flows" / "25.03.3-uuid.xz").read_bytes()))
    lines.finish()
    assert [(d.name, d.uuid, d.count) for d in rows.datapaths()] == sorted(
        (d.name, d.uuid, d.count) for d in lines.datapaths()
    )
    assert len(rows) < len(lines)  # a flow of a group is one row
    for datapath in lines.datapaths():
        assert rows.stages(datapath.name) == lines.stages(datapath.uuid)
        for stage in lines.stages(datapath.uuid):
            listed = lines.flows(datapath.uuid, stage.pipeline, stage.stage)
            mine = rows.flows(datapath.name, stage.pipeline, stage.stage)
            parts = [
                sorted((f.datapath, f.table, f.stage, f.priority, f.match, f.actions, f.uuid) for f in flows)
                for flows in (listed, mine)
            ]
            assert parts[0] == parts[1]
            assert [f.priority for f in mine] == [f.priority for f in listed]


def test_a_row_says_where_it_comes_from() -> None:
    flows = load(tables()[0], 65536).flows("ovn-default", "ingress", "ls_in_lb")
    assert all(f.source.startswith("northd.c:") for f in flows) and any(len(f.hint) == 8 for f in flows)
    assert flows[:2] == [flows[0], flows[1]] and flows[-1] == list(flows)[-1]
    assert flows[0].expression() and flows[0].action_list()


@given(st.integers(1, 3000))
@settings(max_examples=10, deadline=None)
def test_the_pieces_do_not_matter(size: int) -> None:
    flows = json.loads(tables()[0])
    short = json.dumps({"data": flows["data"][:60], "headings": flows["headings"]}, separators=(",", ":"))
    whole, pieces = load(short.encode(), len(short)), load(short.encode(), size)
    assert [whole.flow(n) for n in range(60)] == [pieces.flow(n) for n in range(60)]


def test_an_empty_table() -> None:
    store = FlowRows()
    store.feed(b'{"data":[],"headings":["_uuid","match"]}\n')
    store.finish()
    assert len(store) == 0 and store.datapaths() == [] and list(store.flows("x")) == []


@pytest.mark.parametrize(
    "damage",
    [
        lambda text: text[:-200],
        lambda text: b"",
        lambda text: b"ovn-sbctl: no table\n",
        lambda text: text.replace(b'"table_id"', b'"table"'),
        lambda text: text.replace(b'"next;"', b'"next;', 1),
        lambda text: text.replace(b',"ingress",', b',"ingress","many",', 1),
        lambda text: text.replace(b',"ingress",', b",", 1),
    ],
)
def test_what_is_not_whole_is_refused(damage) -> None:  # type: ignore[no-untyped-def]
    with pytest.raises(NotATable):
        load(damage(tables()[0]), 65536)


@given(st.binary(max_size=300))
def test_any_bytes_are_borne(text: bytes) -> None:
    store = FlowRows()
    store.feed(b'{"data":[[["uuid","' + text)
    with pytest.raises(NotATable):
        store.finish()

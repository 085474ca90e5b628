"""Traces of the real ovn-trace: nothing is lost, and the verdict is the one a person reads."""

from __future__ import annotations

import json
import lzma
from functools import cache
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ko_tui.backend.ovn.trace import parse, render
from ko_tui.backend.ovn.trace_model import Block, Line, Verdict

FIXTURES = Path(__file__).parent.parent / "fixtures" / "traces"
VERSIONS = ("22.03.8", "25.03.3")


@cache
def traces(version: str) -> dict[str, str]:
    with lzma.open(FIXTURES / f"{version}.jsonl.xz", "rt") as lines:
        return {(row := json.loads(line))["id"]: row["stdout"] for line in lines}


VERDICTS = [line.split("\t") for line in (FIXTURES / "verdicts.tsv").read_text().splitlines()]


@pytest.mark.parametrize("version", VERSIONS)
def test_printing_the_tree_gives_the_input(version: str) -> None:
    assert len(traces(version)) == 132
    for name, text in traces(version).items():
        assert render(parse(text)) == text, name


@pytest.mark.parametrize("version", VERSIONS)
def test_every_line_is_understood(version: str) -> None:
    for name, text in traces(version).items():
        trace = parse(text)
        lines = [n for n in trace.walk() if isinstance(n, Line)]
        lines += [line for _, stage in trace.stages() for line in stage.lines]
        assert not [line.text for line in lines if line.kind == "other"], name


@pytest.mark.parametrize(("version", "name", "verdict", "reason", "port"), VERDICTS, ids=lambda v: v)
def test_verdicts(version: str, name: str, verdict: str, reason: str, port: str) -> None:
    trace = parse(traces(version)[name])
    assert str(trace.verdict) == verdict
    first = next((o for o in trace.outcomes if o.verdict is trace.verdict), None)
    assert (first.reason if first else "-") == reason
    assert ((first.port or "-") if first else "-") == port


def test_a_stage_has_all_its_parts() -> None:
    trace = parse(traces("25.03.3")["trace-svc-dns-udp"])
    block, stage = next(trace.stages())
    assert block is not None
    assert (block.kind, block.datapath, block.inport) == (
        "ingress",
        "ovn-default",
        "client-7c6f9d5b8-k2m4n.default",
    )
    assert (stage.table, stage.name, stage.source) == (0, "ls_in_check_port_sec", "northd.c:9497")
    assert (stage.match, stage.priority, stage.uuid) == ("1", 50, "991d4c03")
    assert stage.actions == ["reg0[15] = check_in_port_sec();", "next;"]
    assert trace.flow.startswith("udp,reg14=0x8")


def test_flooding_is_a_tree_of_forks() -> None:
    trace = parse(traces("25.03.3")["trace-broadcast-ip"])
    floods = [n for n in trace.walk() if isinstance(n, Block) and n.kind == "multicast"]
    assert floods
    children = [n for n in floods[0].children if isinstance(n, Block)]
    assert len(children) > 5
    assert all(child.indent > floods[0].indent for child in children)
    assert len([o for o in trace.outcomes if o.verdict is Verdict.DELIVERED]) == len(set(trace.outputs))


def test_an_error_is_no_trace() -> None:
    trace = parse('unknown datapath "nosuch"\n')
    assert trace.verdict is Verdict.UNKNOWN
    assert trace.errors == ['unknown datapath "nosuch"']
    assert parse("").verdict is Verdict.UNKNOWN


@given(st.text(max_size=400))
def test_any_text_is_kept(text: str) -> None:
    assert render(parse(text)) == text


@given(st.data())
def test_a_damaged_trace_is_kept(data: st.DataObject) -> None:
    text = traces("25.03.3")["trace-acl-reject"]
    start = data.draw(st.integers(0, len(text)))
    end = data.draw(st.integers(start, len(text)))
    junk = data.draw(st.text(max_size=30))
    damaged = text[:start] + junk + text[end:]
    assert render(parse(damaged)) == damaged

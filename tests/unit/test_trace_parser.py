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


@pytest.mark.parametrize("version", VERSIONS)
def test_a_branch_that_leads_into_a_router_is_not_dropped_on_the_way(version: str) -> None:
    for name, text in traces(version).items():
        assert "no_output" not in {o.reason for o in parse(text).outcomes}, name


@pytest.mark.parametrize(
    "name", ["trace-svc-dns-udp", "trace-acl-np-ingress-drop", "trace-pod-unknown-dst-ip-via-gw"]
)
def test_what_was_pasted_with_a_trace_changes_nothing(name: str) -> None:
    """The whole output of kubectl ko trace: the shell's echo of each command, and an ofproto/trace behind."""
    text = traces("25.03.3")[name]
    with lzma.open(FIXTURES.parent / "openflow" / "ofproto-trace.jsonl.xz", "rt") as lines:
        openflow = json.loads(next(lines))["stdout"]
    pasted = (
        "Using the logical gateway mac address as destination\n+ kubectl exec ovn-central-0 -- ovn-trace x y\n"
        f"{text}+ set +x\n--------\nStart OVS Tracing\n\n\n"
        f"+ kubectl exec ovs-ovn-0 -- ovs-appctl ofproto/trace\n{openflow}"
    )
    trace, alone = parse(pasted), parse(text)
    assert render(trace) == pasted
    assert (trace.verdict, trace.flow, trace.outcomes) == (alone.verdict, alone.flow, alone.outcomes)
    assert list(trace.stages()) == list(alone.stages())


def test_the_other_forms_of_all_add_no_branches() -> None:
    text = traces("22.03.8")["trace-arp-request-spoofed"]
    summary = 'ingress(dp="x", inport="y") {\n    next;\n    drop;\n};\n'
    everything = f"{text}# Summary trace.\n{summary}\n# Minimal trace.\ndrop;\n"
    trace = parse(everything)
    assert render(trace) == everything
    assert trace.outcomes == parse(text).outcomes


def test_line_ends_of_windows() -> None:
    text = traces("25.03.3")["trace-acl-reject"].replace("\n", "\r\n")
    trace = parse(text)
    assert render(trace) == text
    assert (trace.verdict, trace.outcomes[0].reason) == (Verdict.DROPPED, "reject")


def test_a_lost_mirror_is_not_a_lost_packet() -> None:
    """OVN 25.09 and later print a mirror's copy as a clone."""
    trace = parse(
        'ingress(dp="sw", inport="a")\n----------------------------\n'
        ' 1. ls_in_mirror (northd.c:1): inport == "a", priority 100, uuid 00000001\n    mirror("m");\n\n'
        "    clone\n    -----\n        /* omitting output because no taget port found. */\n    next;\n"
        '27. ls_in_l2_lkup (northd.c:2): eth.dst == 00:00:00:00:00:02, priority 50, uuid 00000002\n    outport = "b";\n'
        '    output;\n\negress(dp="sw", inport="a", outport="b")\n----------------------------------------\n'
        " 9. ls_out_apply_port_sec (northd.c:3): 1, priority 0, uuid 00000003\n    output;\n"
        '    /* output to "b", type "" */\n'
    )
    assert [(o.verdict, o.port) for o in trace.outcomes] == [(Verdict.DELIVERED, "b")]


def test_deep_nesting_is_kept() -> None:
    text = "".join(f"{' ' * depth}clone\n{' ' * depth}-----\n" for depth in range(600))
    trace = parse(text)
    assert render(trace) == text
    assert sum(isinstance(node, Block) for node in trace.walk()) == 600


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

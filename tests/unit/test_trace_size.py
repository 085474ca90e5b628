"""A megabyte of trace is read and explained, however it is made: many outputs, long chains, lines made to be slow."""

from __future__ import annotations

from collections.abc import Iterable

import pytest

from ko_tui.backend.explain.trace import explain_trace
from ko_tui.backend.ovn.trace import LONGEST_HEADER, parse, render
from ko_tui.backend.ovn.trace_model import Block, Verdict

FLOW = "# icmp,reg14=0x1,dl_src=0a:00:00:00:00:01,nw_src=10.0.0.1,nw_dst=10.0.0.2,nw_ttl=64,icmp_type=8\n\n"
MEGABYTE = 1 << 20


def header(text: str, indent: int = 0) -> str:
    return f"{' ' * indent}{text}\n{' ' * indent}{'-' * len(text)}\n"


def stage(
    table: int, name: str, actions: Iterable[str] = ("next;",), indent: int = 0, match: str = "1"
) -> str:
    lines = [f"{' ' * indent}{table:2}. {name} (northd.c:1): {match}, priority 0, uuid 0123abcd"]
    return "\n".join([*lines, *(f"{' ' * (indent + 4)}{action}" for action in actions)]) + "\n"


def output(port: str, kind: str = "") -> str:
    return f'/* output to "{port}", type "{kind}" */'


def test_many_outputs_of_one_group() -> None:
    count = 4400
    text = (
        FLOW
        + header('ingress(dp="sw", inport="p")')
        + stage(25, "ls_in_l2_lkup", ['outport = "_MC_flood";', "output;"])
    )
    text += header('multicast(dp="sw", mcgroup="_MC_flood")')
    for number in range(count):
        text += header(f'egress(dp="sw", inport="p", outport="p{number}")', 4)
        text += stage(9, "ls_out_apply_port_sec", ["output;", output(f"p{number}")], 4)
    trace = parse(text)
    assert render(trace) == text and len(text) > 900_000
    assert trace.outputs == [f"p{number}" for number in range(count)]
    explained = explain_trace(trace)
    assert len(explained.stages) == count + 1
    assert [(hop.kind, hop.name) for hop in explained.hops] == [
        ("port", "p"),
        ("switch", "sw"),
        ("port", "p0"),
    ]


def test_many_outputs_of_one_table() -> None:
    count = 14_000
    actions = [text for n in range(count) for text in (f'outport = "p{n}";', "output;", output(f"p{n}"))]
    text = FLOW + header('ingress(dp="sw", inport="p")') + stage(25, "ls_in_l2_lkup", actions)
    trace = parse(text)
    assert render(trace) == text and len(trace.outputs) == count
    assert explain_trace(trace).verdict is Verdict.DELIVERED


def test_a_chain_of_routers() -> None:
    count = 2000
    text = FLOW
    for n in range(count):
        text += header(f'ingress(dp="r{n}", inport="a{n}")') + stage(0, "lr_in_admission")
        text += stage(15, "lr_in_ip_routing", ["ip.ttl--;", "next;"])
        text += header(f'egress(dp="r{n}", inport="a{n}", outport="b{n}")')
        text += stage(6, "lr_out_delivery", ["output;", output(f"b{n}", "patch" if n < count - 1 else "")])
    explained = explain_trace(parse(text))
    assert explained.trace.outputs == [f"b{count - 1}"]
    names = [hop.name for hop in explained.hops]
    assert names == ["a0", *(f"r{n}" for n in range(count)), f"b{count - 1}"]


def test_thousands_of_levels() -> None:
    text = FLOW + header('ingress(dp="sw", inport="p")')
    for depth in range(1500):
        text += header("clone", depth) + stage(depth % 28, "ls_in_acl_eval", indent=depth)
    trace = parse(text)
    assert render(trace) == text
    assert sum(isinstance(node, Block) for node in trace.walk()) == 1501
    assert len(explain_trace(trace).stages) == 1500


@pytest.mark.parametrize("piece", [") /*", 'dp="', "): ", '", x="', "(", " /* */", "\t"])
def test_a_line_made_to_be_slow(piece: str) -> None:
    for start in ("ingress(", "clone(", "clone"):
        line = start + piece * (MEGABYTE // 2 // len(piece))
        text = FLOW + f"{line}\n{'-' * len(line)}\n"
        assert render(parse(text)) == text
        assert explain_trace(parse(text)).stages == []


def test_a_header_may_be_long() -> None:
    name = "x" * (LONGEST_HEADER - 20)
    (block,) = (
        node for node in parse(FLOW + header(f'ingress(dp="{name}")')).children if isinstance(node, Block)
    )
    assert block.datapath == name


@pytest.mark.parametrize(
    "piece", [", priority 1", " (a): ", ", priority 1, uuid 0", ": unknown port", "|WARN", "12. a: "]
)
def test_a_table_line_made_to_be_slow(piece: str) -> None:
    text = (
        FLOW
        + header('ingress(dp="sw", inport="p")')
        + "12. ls_in_x: "
        + piece * (MEGABYTE // len(piece))
        + "\n"
    )
    assert render(parse(text)) == text
    assert render(parse(piece * (MEGABYTE // len(piece)))) == piece * (MEGABYTE // len(piece))

"""The classifier finds what a search through all flows finds."""

from __future__ import annotations

import json
from collections.abc import Iterator

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ko_tui.backend.simulate import Options
from ko_tui.backend.simulate.classifier import conjuncts
from ko_tui.backend.simulate.engine import Step
from ko_tui.backend.simulate.flows import Flow
from ko_tui.backend.simulate.packet_state import State
from tests.unit.test_simulate_recorded import VERSIONS, asked, member, simulator


def steps(version: str) -> Iterator[Step]:
    for line in member(version, "traces.jsonl").splitlines():
        run = json.loads(line)
        datapath, microflow, options = asked(run["argv"])
        if run["exit_code"] == 0:
            yield from simulator(version).run(datapath, microflow, options).steps


def by_searching(step: Step, state: State) -> Flow | None:
    stage = simulator_of(step).stage(step.datapath, step.pipeline, step.table)
    return next((f for f in sorted(stage.flows, key=lambda f: f.rank) if f.matches(state)), None)


def simulator_of(step: Step) -> object:  # the index that the step's datapath belongs to
    for version in VERSIONS:
        index = simulator(version).index
        if index.southbound.datapaths.get(step.datapath.uuid) is step.datapath:
            return index
    raise AssertionError("a step of no simulator")


@pytest.mark.parametrize("version", VERSIONS)
def test_every_look_up_of_the_recorded_runs(version: str) -> None:
    count = 0
    for step in steps(version):
        assert by_searching(step, step.state) is step.flow
        count += 1
    assert count > 1500


_KEYS = """
eth.dst eth.src nw_src nw_dst tp_dst nw_proto eth.type xxreg0 xreg4 inport outport ct_state flags nw_ttl arp_tha
"""
KEYS = _KEYS.split()


@settings(max_examples=60, deadline=None)
@given(st.data())
def test_packets_that_no_trace_had(data: st.DataObject) -> None:
    version = data.draw(st.sampled_from(VERSIONS))
    found = (
        simulator(version)
        .run(
            "ovn-default",
            'inport == "client-7c6f9d5b8-k2m4n.default" && ip.ttl == 255 && eth.src == 9e:82:a6:97:13:df && '
            "ip4.src == 10.16.0.11 && eth.dst == ea:1c:e1:14:28:c8 && ip4.dst == 10.96.0.10 && udp.dst == 53",
            Options(("new",) * 4),
        )
        .steps
    )
    others = [s.state for s in found]
    step = data.draw(st.sampled_from(found))
    state = dict(step.state)
    for key in data.draw(st.lists(st.sampled_from(KEYS), max_size=4)):
        state[key] = data.draw(st.sampled_from([s[key] for s in others]) | st.integers(0, 0xFFFF))
    stage = simulator(version).index.stage(step.datapath, step.pipeline, step.table)
    assert stage.lookup(state) is by_searching(step, state)


@pytest.mark.parametrize(
    ("match", "terms"),
    [
        ("1", ["1"]),
        ("a == 1 && b == 2", ["a == 1", "b == 2"]),
        ("a == 1 || b == 2", []),
        ("(a == 1 && b == 2) && c", ["a == 1", "b == 2", "c"]),
        ("a == 1 && (b == 2 || c == 3)", ["a == 1"]),
        ('inport == "x && ip4.dst == 1.2.3.4" && c', ['inport == "x && ip4.dst == 1.2.3.4"', "c"]),
        ('inport == "x || y" && c', []),  # rare enough to be searched
        ("a == {1, 2} && b", ["a == {1, 2}", "b"]),
        ("!(a == 1) && b", ["!(a == 1)", "b"]),
        ('inport == "a(b" && c', ['inport == "a(b"', "c"]),
    ],
)
def test_terms_that_must_all_hold(match: str, terms: list[str]) -> None:
    assert conjuncts(match) == terms

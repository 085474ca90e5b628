"""A simulator that was brought up to date says what one made anew says."""

from __future__ import annotations

import random
import uuid
from collections.abc import Iterator
from typing import Any

import msgspec
import pytest

from ko_tui.backend.errors import UsageError
from ko_tui.backend.simulate import Simulator
from ko_tui.backend.simulate.flows import Stage
from ko_tui.backend.source.ovsdb_file import Database, loads
from tests.unit.test_simulate_recorded import VERSIONS, asked, member, runs

ROUNDS, LOST, TRACED = 6, 25, 8
Change = tuple[str, str, dict[str, Any] | None]


def rows_of(database: Database, table: str) -> dict[str, dict[str, Any]]:
    """The rows as a file spells them, which is how changes give them."""
    found = database.table(table)
    return {one: msgspec.json.decode(found._rows[one]) for one in found}


def states(database: Database, chance: random.Random) -> Iterator[list[Change]]:
    """Flows go, come back, and change their priority; now and then a binding or a group does too."""
    flows, bindings = rows_of(database, "Logical_Flow"), rows_of(database, "MAC_Binding")
    lost: list[str] = []
    for number in range(ROUNDS):
        changes: list[Change] = [("Logical_Flow", one, flows[one]) for one in lost]
        lost = chance.sample(sorted(flows), LOST)
        changes += [("Logical_Flow", one, None) for one in lost]
        other = chance.choice(sorted(flows.keys() - set(lost)))
        changes.append(("Logical_Flow", other, flows[other] | {"priority": chance.randrange(65000)}))
        if number == ROUNDS // 2 and bindings:
            gone = chance.choice(sorted(bindings))
            changes.append(("MAC_Binding", gone, None))
        changes.append(("Chassis_Private", "00000000-0000-0000-0000-000000000000", None))
        yield changes


def said(simulator: Simulator, argv: list[str]) -> str:
    datapath, microflow, options = asked(argv)
    try:
        return simulator.run(datapath, microflow, options).text
    except UsageError as error:
        return error.what


def same(simulator: Simulator, stage: Stage) -> Stage:
    datapath = simulator.southbound.datapaths[stage.datapath.uuid]
    return simulator.index.stage(datapath, stage.pipeline, stage.table)


def order(stage: Stage) -> list[str]:
    """UUIDs in the order in which a packet meets the flows."""
    return [flow.uuid for flow in sorted(stage.flows, key=lambda flow: (flow.rank, flow.uuid))]


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize("seed", range(3))
def test_as_one_made_anew(version: str, seed: int) -> None:
    chance = random.Random(seed)
    database = loads(member(version, "ovnsb.db"), "ovnsb.db")
    current = Simulator(database)
    mine = [r.values[1]["argv"] for r in runs() if r.values[0] == version]
    kept = 0
    for changes in states(database, chance):
        traced = chance.sample(mine, TRACED)
        for argv in traced:
            said(current, argv)  # so that there are stages to keep
        stages = set(current.index._stages.values())
        database = database.changed(changes)
        current = current.updated(database, [(table, one) for table, one, _ in changes])
        kept += len(stages & set(current.index._stages.values()))
        anew = Simulator(database)
        assert all(order(stage) == order(same(anew, stage)) for stage in current.index._stages.values())
        for argv in [*traced, *chance.sample(mine, TRACED)]:
            assert said(current, argv) == said(anew, argv)
    assert kept, "what nothing touched is not read again"


@pytest.mark.parametrize("seed", range(4))
def test_flows_of_equal_priority_stay_in_order(seed: int) -> None:
    """Many flows that all match: which is hit depends on every row of the table."""
    chance = random.Random(seed)
    database = loads(member(VERSIONS[0], "ovnsb.db"), "ovnsb.db")
    flows = rows_of(database, "Logical_Flow")
    argv = next(r.values[1]["argv"] for r in runs() if r.values[0] == VERSIONS[0])
    first = Simulator(database)
    said(first, argv)
    stage = next(s for s in first.index._stages.values() if s.flows)
    model = flows[stage.flows[0].uuid]
    pool = [str(uuid.UUID(int=chance.getrandbits(128))) for _ in range(400)]
    present = {one for one in pool if chance.random() < 0.5}
    database = database.changed([("Logical_Flow", one, model | {"match": "1"}) for one in present])
    current = Simulator(database)
    tied = 0
    for _ in range(8):
        said(current, argv)
        changed = set(chance.sample(pool, 30))
        changes: list[Change] = [
            ("Logical_Flow", one, None if one in present else model | {"match": "1"})
            for one in sorted(changed)
        ]
        present ^= changed
        database = database.changed(changes)
        current = current.updated(database, [(table, one) for table, one, _ in changes])
        anew = Simulator(database)
        kept = [s for s in current.index._stages.values() if len(s.flows) > 100]
        tied += sum(len(tie) for s in kept for tie in s.ties)
        assert all(order(s) == order(same(anew, s)) for s in kept)
        assert said(current, argv) == said(anew, argv)
    assert tied

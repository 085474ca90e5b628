"""A simulator that was brought up to date says what one made anew says."""

from __future__ import annotations

import random
from collections.abc import Iterator
from typing import Any

import msgspec
import pytest

from ko_tui.backend.errors import UsageError
from ko_tui.backend.simulate import Simulator
from ko_tui.backend.source.ovsdb_file import Database, loads
from tests.unit.test_simulate_recorded import VERSIONS, asked, member, runs

ROUNDS, LOST, TRACED = 6, 25, 8
Change = tuple[str, str, dict[str, Any] | None]


def rows_of(database: Database, table: str) -> dict[str, dict[str, Any]]:
    """The rows as a file spells them, which is how changes give them."""
    found = database.table(table)
    return {uuid: msgspec.json.decode(found._rows[uuid]) for uuid in found}


def states(database: Database, chance: random.Random) -> Iterator[list[Change]]:
    """Flows go, come back, and change their priority; now and then a binding or a group does too."""
    flows, bindings = rows_of(database, "Logical_Flow"), rows_of(database, "MAC_Binding")
    lost: list[str] = []
    for number in range(ROUNDS):
        changes: list[Change] = [("Logical_Flow", uuid, flows[uuid]) for uuid in lost]
        lost = chance.sample(sorted(flows), LOST)
        changes += [("Logical_Flow", uuid, None) for uuid in lost]
        other = chance.choice(sorted(flows.keys() - set(lost)))
        changes.append(("Logical_Flow", other, flows[other] | {"priority": chance.randrange(65000)}))
        if number % 2 and bindings:
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
        current = current.updated(database, [(table, uuid) for table, uuid, _ in changes])
        kept += len(stages & set(current.index._stages.values()))
        anew = Simulator(database)
        for argv in [*traced, *chance.sample(mine, TRACED)]:
            assert said(current, argv) == said(anew, argv)
    assert kept, "what nothing touched is not read again"

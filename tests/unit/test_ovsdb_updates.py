"""What ``ovsdb-client monitor`` prints, read as changes of rows."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ko_tui.backend.ovn.ovsdb_updates import Change, NotUpdates, UpdateLines
from ko_tui.backend.source.ovsdb_file import Database, Table
from ko_tui.backend.source.ovsdb_schema import columns_of

RECORDED = (Path(__file__).parents[1] / "fixtures" / "updates" / "acl-23.03.jsonl").read_bytes()


def changes(text: bytes) -> list[Change]:
    return UpdateLines().feed(text)


def test_an_acl_comes_and_goes() -> None:
    found = changes(RECORDED)
    flows = [(uuid, row) for table, uuid, row in found if table == "Logical_Flow"]
    made = {uuid: row for uuid, row in flows if row is not None}
    assert {row["match"] for row in made.values()} == {
        "reg0[9] == 1 && (ip4.src == 9.9.9.9)",
        "reg0[10] == 1 && (ip4.src == 9.9.9.9)",
    }
    assert {row["priority"] for row in made.values()} == {4000}
    assert {uuid for uuid, row in flows if row is None} == set(made)


def test_what_was_there_becomes_what_is_there() -> None:
    """An old row is told before the new one, which alone counts and has no UUID of its own."""
    configured = [row for table, _, row in changes(RECORDED) if table == "SB_Global"]
    uuids = {uuid for table, uuid, _ in changes(RECORDED) if table == "SB_Global"}
    assert [row["nb_cfg"] for row in configured if row] == [2] and len(uuids) == 1 and "" not in uuids


@given(st.lists(st.integers(0, len(RECORDED)), max_size=12))
def test_it_does_not_matter_how_the_bytes_come(cuts: list[int]) -> None:
    lines, found, at = UpdateLines(), list[Change](), 0
    for cut in [*sorted(cuts), len(RECORDED)]:
        found += lines.feed(RECORDED[at:cut])
        at = cut
    assert found == changes(RECORDED)


@pytest.mark.parametrize(
    "line",
    [
        b"ovsdb-client: no such database",
        b"{}",
        b'{"caption":"T","headings":["row","action","a"],"data":[["u","insert"]]}',
        b'{"caption":"T","headings":["row","action"],"data":[["u","moved"]]}',
        b'{"caption":"T","headings":["row","action"],"data":[[]]}',
        b'{"headings":["row","action"],"data":[]}',
        b'{"caption":"T","headings":["a","b"],"data":[]}',
        b"\xff",
    ],
)
def test_anything_else_is_refused(line: bytes) -> None:
    with pytest.raises(NotUpdates, match="no change"):
        changes(line + b"\n")


@given(st.binary(max_size=200))
def test_no_bytes_raise_anything_else(text: bytes) -> None:
    try:
        changes(text + b"\n")
    except NotUpdates:
        pass


def test_a_changed_database_leaves_the_old_one_alone() -> None:
    spec = {"columns": {"name": {"type": "string"}}}
    table = Table("T", columns_of(spec))
    table.put("a", {"name": "first"})
    table.put("b", {"name": "second"})
    old = Database("OVN_Southbound", "1", {"T": table, "U": Table("U", columns_of(spec))})
    new = old.changed(
        [("T", "a", None), ("T", "c", {"name": "third"}), ("T", "b", {"name": "2"}), ("V", "x", {})]
    )
    assert {row["_uuid"]: row["name"] for row in new.table("T").rows()} == {"b": "2", "c": "third"}
    assert {row["_uuid"]: row["name"] for row in old.table("T").rows()} == {"a": "first", "b": "second"}
    assert new.tables["U"] is old.tables["U"] and "V" not in new.tables

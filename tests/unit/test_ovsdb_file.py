"""Reading OVSDB files: the recorded ones, live logs with differences, raft files, and broken ones."""

from __future__ import annotations

import hashlib
import json
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ko_tui.backend.errors import KoError, UsageError
from ko_tui.backend.source.ovsdb_file import load, loads
from ko_tui.backend.source.ovsdb_log import DatabaseFileError

SCHEMA = {
    "name": "Toy",
    "version": "1.0.0",
    "tables": {
        "T": {
            "columns": {
                "name": {"type": "string"},
                "number": {"type": "integer"},
                "maybe": {"type": {"key": "string", "min": 0}},
                "many": {"type": {"key": "string", "min": 0, "max": "unlimited"}},
                "map": {"type": {"key": "string", "value": "string", "min": 0, "max": "unlimited"}},
                "other": {"type": {"key": {"type": "uuid", "refTable": "T"}, "min": 0}},
            }
        }
    },
}
A, B = "aaaaaaaa-0000-4000-8000-000000000001", "bbbbbbbb-0000-4000-8000-000000000002"


def record(content: Any, magic: str = "JSON") -> bytes:
    body = json.dumps(content).encode() + b"\n"
    return f"OVSDB {magic} {len(body)} {hashlib.sha1(body).hexdigest()}\n".encode() + body


def test_defaults_come_from_the_schema() -> None:
    rows = list(loads(record(SCHEMA) + record({"T": {A: {"name": "x"}}}), "toy").table("T").rows())
    assert rows == [
        {"_uuid": A, "name": "x", "number": 0, "maybe": None, "many": (), "map": {}, "other": None}
    ]


def test_a_later_record_changes_inserts_and_deletes() -> None:
    first = {"T": {A: {"name": "x", "many": "one", "other": ["uuid", B]}, B: {"name": "y"}}, "_date": 1}
    second = {"T": {A: {"many": ["set", ["two", "three"]]}, B: None}}
    row = loads(record(SCHEMA) + record(first) + record(second), "toy").table("T").get(A)
    assert row is not None
    assert (row["name"], row["many"], row["other"]) == ("x", ("two", "three"), B)
    assert B not in loads(record(SCHEMA) + record(first) + record(second), "toy").table("T")


def test_a_difference_toggles_members_and_replaces_map_values() -> None:
    first = {"T": {A: {"many": ["set", ["a", "b"]], "map": ["map", [["k", "1"], ["l", "2"]]], "number": 1}}}
    change = {"many": ["set", ["b", "c"]], "map": ["map", [["k", "1"], ["l", "3"], ["m", "4"]]], "number": 5}
    second = {"T": {A: change}, "_is_diff": True}
    row = loads(record(SCHEMA) + record(first) + record(second), "toy").table("T").get(A)
    assert row is not None
    assert set(row["many"]) == {"a", "c"}
    assert row["map"] == {"l": "3", "m": "4"}
    assert row["number"] == 5


def raft(*entries: tuple[int, Any], snapshot: Any = None) -> bytes:
    header = {"server_id": A, "cluster_id": B, "name": "Toy", "local_address": "x", "prev_servers": {}}
    if snapshot is not None:
        header |= {"prev_index": 1, "prev_term": 1, "prev_eid": A, "prev_data": [SCHEMA, snapshot]}
    made = record(header, "CLUSTER")
    for index, data in entries:
        made += record({"term": 1, "index": index, "data": data, "eid": A}, "CLUSTER")
    return made + record({"commit_index": 9}, "CLUSTER")


def test_a_raft_file_gives_its_snapshot_and_entries() -> None:
    content = raft((2, [None, {"T": {B: {"name": "y"}}}]), snapshot={"T": {A: {"name": "x"}}})
    assert {row["name"] for row in loads(content, "toy").table("T").rows()} == {"x", "y"}


def test_an_entry_written_again_replaces_what_came_after() -> None:
    content = raft(
        (2, [None, {"T": {A: {"name": "old"}}}]),
        (3, [None, {"T": {B: {"name": "gone"}}}]),
        (2, [None, {"T": {A: {"name": "new"}}}]),
        snapshot={},
    )
    assert [row["name"] for row in loads(content, "toy").table("T").rows()] == ["new"]


def test_a_server_that_never_joined_holds_no_data() -> None:
    with pytest.raises(DatabaseFileError, match="has not joined"):
        loads(raft(), "toy")


WHOLE = record(SCHEMA) + record({"T": {A: {"name": "x"}}}) + record({"T": {B: {"name": "y"}}})


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", "empty"),
        (b"hello\n", "not an OVSDB file"),
        (b"PK\x03\x04", "not an OVSDB file"),
        (record(SCHEMA)[:-20], "cut short"),
        (WHOLE.replace(b'"x"', b'"z"'), "checksum"),
        (record(SCHEMA) + b"rubbish rubbish\n", "no record header"),
        (record([1, 2]), "makes no sense"),
        (record(SCHEMA) + record({"T": [1]}), "makes no sense"),
        (b"OVSDB JSON 999999999999 " + b"0" * 40 + b"\n", "claims"),
    ],
)
def test_a_broken_file_is_told_as_such(content: bytes, said: str) -> None:
    with pytest.raises(DatabaseFileError, match=said):
        loads(content, "file.db")


def test_a_last_record_that_was_being_written_is_left_out() -> None:
    assert list(loads(WHOLE[:-5], "toy").table("T")) == [A]


@given(st.binary(max_size=200), st.integers(0, len(WHOLE)))
def test_no_damage_gives_anything_but_an_expected_error(noise: bytes, at: int) -> None:
    try:
        database = loads(WHOLE[:at] + noise + WHOLE[at + len(noise) :], "file.db")
        for table in database.tables.values():
            list(table.rows())
    except KoError:
        pass


def test_rows_are_found_as_the_tools_find_them() -> None:
    rows = {A: {"name": "x", "map": ["map", [["k", "v"]]], "many": "one"}, B: {"name": "y", "number": 7}}
    database = loads(record(SCHEMA) + record({"T": rows}), "toy")
    assert database.find("T", ["name"], ["map:k=v"]) == [{"name": "x"}]
    assert database.find("T", ["name"], ["number>5"]) == [{"name": "y"}]
    assert database.find("T", ["many"], record="x") == [{"many": "one"}]
    assert database.find("T", ["name"], ["many=[]"]) == [{"name": "y"}]
    with pytest.raises(UsageError):
        database.find("T", ["nothing"])


@pytest.mark.skipif(shutil.which("ovsdb-tool") is None, reason="Open vSwitch is not installed here")
def test_the_real_tools_files_are_read(tmp_path: Path) -> None:
    schema, db = tmp_path / "s.json", tmp_path / "t.db"
    schema.write_text(json.dumps(SCHEMA))
    subprocess.run(["ovsdb-tool", "create", db, schema], check=True)

    def transact(*operations: Any) -> None:
        done = subprocess.run(
            ["ovsdb-tool", "transact", db, json.dumps(["Toy", *operations])],
            check=True, capture_output=True, text=True,
        )  # fmt: skip
        assert "error" not in done.stdout

    row = {"name": "x", "many": ["set", ["a", "b"]], "map": ["map", [["k", "1"]]]}
    transact({"op": "insert", "table": "T", "row": row})
    transact(
        {
            "op": "mutate",
            "table": "T",
            "where": [],
            "mutations": [["many", "delete", "a"], ["many", "insert", "c"]],
        },
        {"op": "update", "table": "T", "where": [], "row": {"map": ["map", [["k", "2"], ["l", "3"]]]}},
    )
    (found,) = load(db).table("T").rows()
    assert (set(found["many"]), found["map"]) == ({"b", "c"}, {"k": "2", "l": "3"})
    clustered = tmp_path / "c.db"
    subprocess.run(["ovsdb-tool", "create-cluster", clustered, db, "unix:x"], check=True)
    assert [r["name"] for r in load(clustered).table("T").rows()] == ["x"]

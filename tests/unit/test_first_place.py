"""Where the screen begins on what people already have."""

from __future__ import annotations

from pathlib import Path

import pytest

from ko_tui.app import first_place


@pytest.mark.parametrize(
    ("head", "start", "place"),
    [
        (b'OVSDB JSON 90 ab\n{"name":"OVN_Southbound"}', "pods", "pipeline"),
        (b'OVSDB CLUSTER 90 ab\n{"name":"OVN_Southbound"}', "status", "pipeline"),
        (b'OVSDB JSON 90 ab\n{"name":"OVN_Northbound"}', "pods", "console"),
        (b'OVSDB JSON 90 ab\n{"name":"OVN_Northbound"}', "trace", "trace"),
        (b"PK\x03\x04", "pods", "pods"),
        (b"", "pods", "pods"),
    ],
)
def test_a_database_file_begins_where_it_has_something_to_show(
    tmp_path: Path, head: bytes, start: str, place: str
) -> None:
    file = tmp_path / "saved"
    file.write_bytes(head)
    assert first_place(start, str(file)) == place


def test_a_file_that_is_not_there_is_told_elsewhere(tmp_path: Path) -> None:
    assert first_place("pods", str(tmp_path / "none")) == "pods"
    assert first_place("pods", "") == "pods"

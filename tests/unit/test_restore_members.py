"""Which member's file a restore takes, what it makes of a damaged one, and what it may run by itself."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ko_tui.backend.command.guard import check_argv
from ko_tui.backend.operations.member_file import MemberFile, best, examine
from ko_tui.cli import main
from tests.unit.restore_model import member, standalone

NB = "OVN_Northbound"


def test_the_one_that_knows_most_is_taken() -> None:
    files = [
        examine("a", member(9, term=1), NB),
        examine("b", member(4, term=2), NB),
        examine("c", b"inconsistent data", NB),
    ]
    chosen = best(files)
    assert chosen is not None and chosen.node == "b", "a later term overrules a longer log"
    assert "not an OVSDB file" in str(files[2]) and "term 1, index 10, 9 rows" in str(files[0])
    assert best(files[2:]) is None


def test_of_equals_the_whole_one_is_taken_then_the_first() -> None:
    whole, again = (MemberFile(n, "clustered", 9, 9, 1, 5, {"ACL": 1}) for n in "bc")
    cut = MemberFile("a", "clustered", 9, 8, 1, 5, {"ACL": 1}, "its end is damaged")
    assert best([cut, whole, again]) is whole


@given(st.integers(1, 12), st.data())
def test_a_file_cut_anywhere_gives_what_was_written_before(count: int, data: st.DataObject) -> None:
    content = member(count)
    cut = data.draw(st.integers(0, len(content)))
    found = examine("a", content[:cut], NB)
    assert found.good <= cut == found.size
    if found.kind == "unusable":
        assert found.problem and not found.rows
        return
    assert found.rows == {"Logical_Switch": found.index - 1}
    assert examine("a", content[: found.good], NB).rows == found.rows
    assert found.whole == (found.good == cut)


@given(st.integers(2, 8), st.data())
def test_a_flipped_byte_is_never_taken_for_content(count: int, data: st.DataObject) -> None:
    content = bytearray(member(count))
    at = data.draw(st.integers(0, len(content) - 1))
    content[at] ^= data.draw(st.integers(1, 255))
    found = examine("a", bytes(content), NB)
    if found.kind == "clustered":
        assert found.good <= at, "what comes after the damage is not believed"
        assert found.problem
    else:
        assert found.problem


@given(st.binary(max_size=300))
def test_no_content_breaks_it(content: bytes) -> None:
    assert examine("a", content, NB).kind == "unusable"


def test_a_backup_is_told_from_a_member() -> None:
    assert examine("a", standalone(3), NB).kind == "standalone"
    assert examine("a", standalone(3), "OVN_Southbound").problem == f"it holds {NB}, not OVN_Southbound"
    assert examine("a", standalone(0), NB).problem == "it holds no rows at all"


@pytest.mark.skipif(shutil.which("ovsdb-tool") is None, reason="Open vSwitch is not installed here")
def test_the_real_tool_reads_the_same_of_a_members_file(tmp_path: Path) -> None:
    """The tests' own files are what ovsdb-tool takes for a member's; it makes of them what is expected."""
    (tmp_path / "in").write_bytes(member(6))
    argv = ["ovsdb-tool", "cluster-to-standalone", str(tmp_path / "out"), str(tmp_path / "in")]
    done = subprocess.run(argv, capture_output=True, text=True, timeout=20)
    assert done.returncode == 0, done.stderr
    assert examine("a", (tmp_path / "out").read_bytes(), NB).rows == {"Logical_Switch": 6}


@pytest.mark.parametrize("name", ["ovnnb_db.db", "ovnsb_db.db", "ko-restore-20260102030405-12.db"])
@pytest.mark.parametrize("program", ["cat", "sha256sum"])
def test_members_files_may_be_read(program: str, name: str) -> None:
    assert check_argv((program, f"/etc/ovn/{name}")).allowed


@pytest.mark.parametrize(
    "argv",
    [
        ("cat", "/etc/ovn/../shadow"),
        ("cat", "/etc/ovn/ovnnb_db.db", "/etc/shadow"),
        ("cat", "/etc/ovn/ko-restore-x.db"),
        ("ls", "-1A", "/etc/ovn", "/root"),
        ("ls", "-1A", "/etc"),
        ("mv", "-n", "-T", "/etc/ovn/ovnnb_db.db", "/etc/ovn/x"),
        ("dd", "of=/etc/ovn/ko-restore-20260102030405-1.db"),
        ("rm", "-f", "/etc/ovn/ko-restore-20260102030405-1.db"),
        ("ovsdb-tool", "cluster-to-standalone", "/etc/ovn/a.db", "/etc/ovn/b.db"),
    ],
)
def test_nothing_else_of_a_restore_passes_the_guard(argv: tuple[str, ...]) -> None:
    assert not check_argv(argv).allowed


@pytest.mark.parametrize("more", [[], ["backup.db"], ["--resume"], ["--abort"]])
def test_without_allow_write_it_is_refused_without_a_cluster(
    more: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["--kubeconfig", "/nowhere", "nb", "restore", *more]) == 2
    assert "read-only" in capsys.readouterr().err


def test_words_that_make_no_sense_are_refused_without_a_cluster(capsys: pytest.CaptureFixture[str]) -> None:
    base = ["--kubeconfig", "/nowhere", "--allow-write"]
    assert main([*base, "sb", "restore"]) == 2
    assert "Only the northbound" in capsys.readouterr().err
    assert main([*base, "nb", "restore", "--resume", "--abort"]) == 2
    assert "exclude each other" in capsys.readouterr().err
    assert main(["--demo", "--allow-write", "nb", "restore"]) == 2
    assert "saved cluster" in capsys.readouterr().err
    assert main(["--read-only-strict", *base, "nb", "restore"]) == 2
    assert "read-only" in capsys.readouterr().err
    assert main(["--kubeconfig", "/nowhere", "nb", "kick", "abcd", "--status"]) == 2
    assert "read-only" in capsys.readouterr().err, "--status belongs to restore alone"

"""The journal of a restore: whole at every moment, on the disk before anything happens, one for each cluster."""

from __future__ import annotations

import multiprocessing
import os
import stat
import tempfile
from pathlib import Path

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ko_tui.backend.errors import UsageError
from ko_tui.backend.operations.journal import (
    PUT_BACK,
    STEPS,
    Event,
    Member,
    RestoreJournal,
    held,
    load,
    path_of,
    save,
)
from ko_tui.backend.operations.restore import how_to_go_on
from ko_tui.backend.source.interface import SourceInfo

events = st.builds(
    Event, st.text(max_size=20), st.sampled_from([*STEPS, PUT_BACK]), st.sampled_from(["begun", "done", "failed"]),
    st.text(max_size=30),
)  # fmt: skip
members = st.lists(
    st.builds(Member, st.text(max_size=9), st.text(max_size=9), st.lists(st.text(max_size=9))), max_size=3
)
journals = st.builds(
    RestoreJournal,
    path=st.just(""), context=st.text(max_size=20), server=st.text(max_size=20), stamp=st.text(max_size=14),
    namespace=st.text(max_size=10), replicas=st.integers(0, 5), members=members, source=st.text(max_size=10),
    given=st.text(max_size=10), rows=st.dictionaries(st.text(max_size=5), st.integers(0, 9), max_size=3),
    prepared=st.lists(st.text(max_size=5), max_size=3), events=st.lists(events, max_size=12),
    ended=st.sampled_from(["", "restored", "put back"]),
)  # fmt: skip


def at(journal: RestoreJournal, directory: str) -> RestoreJournal:
    return msgspec.structs.replace(journal, path=str(Path(directory) / "cluster.json"))


@given(journals)
def test_what_is_written_is_read(journal: RestoreJournal) -> None:
    with tempfile.TemporaryDirectory() as directory:
        journal = at(journal, directory)
        save(journal)
        assert load(Path(journal.path)) == journal
        assert stat.S_IMODE(Path(journal.path).stat().st_mode) == 0o600


@given(journals, journals, st.data())
def test_a_write_that_was_cut_off_leaves_the_old_one(
    old: RestoreJournal, new: RestoreJournal, data: st.DataObject
) -> None:
    with tempfile.TemporaryDirectory() as directory:
        old, new = at(old, directory), at(new, directory)
        save(new)
        whole = Path(new.path).read_bytes()
        save(old)
        cut = data.draw(st.integers(0, len(whole)))
        Path(directory, ".cluster.json.part").write_bytes(whole[:cut])
        assert load(Path(old.path)) == old
        save(new)
        assert load(Path(new.path)) == new
        assert [p.name for p in Path(directory).iterdir()] == ["cluster.json"]


@given(journals, st.sampled_from([*STEPS, PUT_BACK]), st.sampled_from(["begun", "done", "failed"]))
def test_a_step_follows_until_it_is_done(journal: RestoreJournal, step: str, what: str) -> None:
    before = journal.following
    with tempfile.TemporaryDirectory() as directory:
        journal = at(journal, directory)
        journal.note(step, what)  # type: ignore[arg-type]
        found = load(Path(journal.path))
    assert found is not None and found.begun(step)
    assert set(found.done) | {found.following} - {""} <= set(STEPS)
    assert found.following not in found.done
    earlier = STEPS[: STEPS.index(found.following)] if found.following else STEPS
    assert set(earlier) <= set(found.done), "no step is left out"
    if what != "done" or step != before:
        assert found.following == before


@given(journals)
def test_a_person_always_hears_how_to_go_on(journal: RestoreJournal) -> None:
    words = how_to_go_on(at(journal, "state"))
    assert "ko-tui --allow-write" in words and "nb restore --abort" in words
    assert ("--resume" in words) != journal.begun(PUT_BACK)


def test_it_is_on_the_disk_with_its_name_before_save_returns(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The order that ext4 and xfs need: the content, then the name, then the directory."""
    order: list[str] = []
    fsync, replace = os.fsync, Path.replace

    def see_fsync(descriptor: int) -> None:
        order.append(Path(f"/proc/self/fd/{descriptor}").readlink().name)
        fsync(descriptor)

    def see_replace(self: Path, target: Path) -> Path:
        order.append(f"{self.name} -> {target.name}")
        return replace(self, target)

    monkeypatch.setattr(os, "fsync", see_fsync)
    monkeypatch.setattr(Path, "replace", see_replace)
    folder = tmp_path / "restore"
    save(RestoreJournal(str(folder / "a.json"), "c", "s", "1", "kube-system", 3, []))
    assert order == [".a.json.part", ".a.json.part -> a.json", "restore"]


def test_each_cluster_has_a_journal_of_its_own() -> None:
    infos = [
        SourceInfo("live", "prod", server="https://a"),
        SourceInfo("live", "prod", server="https://b"),
        SourceInfo("live", "../../prod", server="https://a"),
        SourceInfo("live", "", server="https://a"),
    ]
    paths = [path_of(info) for info in infos]
    assert len(set(paths)) == 4
    assert len({p.parent for p in paths}) == 1 and all(".." not in p.name for p in paths)


def test_a_journal_that_is_none_is_not_taken_for_nothing(tmp_path: Path) -> None:
    path = tmp_path / "a.json"
    assert load(path) is None
    for content in (b"", b"{}", b'{"path": 3}', b"\xff"):
        path.write_bytes(content)
        with pytest.raises(UsageError, match="cannot be read"):
            load(path)


def _hold(path: Path, ready: object, go: object) -> None:
    with held(path):
        ready.set()  # type: ignore[attr-defined]
        go.wait(60)  # type: ignore[attr-defined]


def test_two_at_once_are_kept_apart_and_a_killed_one_holds_nothing(tmp_path: Path) -> None:
    path = tmp_path / "restore" / "a.json"
    spawn = multiprocessing.get_context("spawn")
    ready, go = spawn.Event(), spawn.Event()
    other = spawn.Process(target=_hold, args=(path, ready, go))
    other.start()
    try:
        assert ready.wait(60)
        with pytest.raises(UsageError, match="Another ko-tui"), held(path):
            pass
    finally:
        other.kill()
        other.join()
    with held(path):
        pass

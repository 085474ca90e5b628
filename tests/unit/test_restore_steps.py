"""A restore is killed before and after each single thing it does; it then goes on, or is undone."""

from __future__ import annotations

import copy
import os
from dataclasses import dataclass
from pathlib import Path

import pytest

from ko_tui.backend.errors import ClusterError, UsageError
from ko_tui.backend.operations.journal import PUT_BACK, STEPS, Member, RestoreJournal, load
from ko_tui.backend.operations.restore import DATABASE_FILES, Restore, RestoreStopped
from tests.unit.restore_model import Killed, ModelHands, member, standalone

NODES = ("one", "two", "three")
BROKEN = b"inconsistent data"


@dataclass(frozen=True)
class Case:
    """What is there before, and what the file holds that was given (0: the members' own are used)."""

    name: str
    files: dict[str, dict[str, bytes]]
    given: int
    rows: int  # of the restored database


@pytest.fixture(autouse=True)
def _no_waiting_for_the_disk(monkeypatch: pytest.MonkeyPatch) -> None:
    """Thousands of restores are run here; that the journal reaches the disk is shown in test_restore_journal."""
    monkeypatch.setattr(os, "fsync", lambda _: None)


def files(*northbound: bytes | None) -> dict[str, dict[str, bytes]]:
    found = {}
    for node, content in zip(NODES, northbound, strict=True):
        found[node] = {"ovnsb_db.db": b"the old southbound", "ovnsb_db.hdr": b"its header"}
        if content is not None:
            found[node]["ovnnb_db.db"] = content
    return found


CASES = (
    Case("all broken", files(BROKEN, BROKEN, BROKEN), given=5, rows=5),
    Case("all lost", files(None, None, None), given=2, rows=2),
    Case("the second knows most", files(member(3), member(7), BROKEN), given=0, rows=7),
    Case("only the third has one", files(None, BROKEN, member(4)[:-3]), given=0, rows=3),
)
by_case = pytest.mark.parametrize("case", CASES, ids=lambda c: c.name)


def begin(case: Case, directory: Path) -> tuple[ModelHands, RestoreJournal]:
    given = directory / "given.db"
    given.write_bytes(standalone(case.given))
    journal = RestoreJournal(
        path=str(directory / "journal.json"),
        context="test",
        server="https://127.0.0.1",
        stamp="20260102030405",
        namespace="kube-system",
        replicas=3,
        members=[Member(node, f"10.0.0.{n}") for n, node in enumerate(NODES, 1)],
        given=str(given) if case.given else "",
    )
    return ModelHands(copy.deepcopy(case.files), 3), journal


def again(journal: RestoreJournal) -> RestoreJournal:
    """What the next ko-tui reads."""
    found = load(Path(journal.path))
    assert found is not None, "nothing was done before the journal was on the disk"
    return found


def restored(case: Case, hands: ModelHands, journal: RestoreJournal) -> None:
    assert journal.ended == "restored" and journal.done == list(STEPS)
    assert hands.replicas == 3 and len(hands.pods) == 3 and not hands.hands_made
    assert hands.files["one"]["ovnnb_db.db"] == b"cluster of " + standalone(case.rows)
    for node, before in case.files.items():
        after = hands.files[node]
        for name, content in before.items():
            assert after[f"{name}.ko-{journal.stamp}"] == content, "what was there is kept beside"
        assert not [n for n in after if n.startswith("ko-restore-")]
        if "ovnnb_db.db" in before:
            assert (journal.kept / f"{node}-ovnnb_db.db").read_bytes() == before["ovnnb_db.db"]
    assert hands.ovs_marks == [journal.stamp], "the ovs pods restart once, however often it was resumed"


def undone(case: Case, hands: ModelHands, journal: RestoreJournal) -> None:
    assert journal.ended == "put back"
    assert hands.replicas == 3 and not hands.hands_made
    for node, before in case.files.items():
        after = {n: c for n, c in hands.files[node].items() if n in DATABASE_FILES}
        started = {n: c for n, c in after.items() if n not in before}
        assert {n: c for n, c in after.items() if n in before} == before
        # Only what the servers make by themselves when they have nothing may be new.
        assert set(started.values()) <= {b"a new member", BROKEN, *case.files["one"].values()}
        assert not [n for n in hands.files[node] if n.startswith("ko-restore-")]


def run(hands: ModelHands, journal: RestoreJournal, *, undo: bool = False) -> None:
    work = Restore(hands, journal, on_text=lambda _: None)
    if undo:
        work.put_back()
    else:
        work.run()


def length(case: Case, directory: Path) -> int:
    hands, journal = begin(case, directory)
    run(hands, journal)
    restored(case, hands, journal)
    return hands.asked


@by_case
@pytest.mark.parametrize("after", [False, True], ids=["before", "after"])
def test_it_goes_on_after_being_killed_anywhere(case: Case, after: bool, tmp_path: Path) -> None:
    total = length(case, tmp_path)
    for point in range(1, total + 1):
        directory = tmp_path / str(point)
        directory.mkdir()
        hands, journal = begin(case, directory)
        hands.die_at, hands.die_after = point, after
        with pytest.raises(Killed):
            run(hands, journal)
        hands.die_at = None
        journal = again(journal)
        run(hands, journal)
        restored(case, hands, again(journal))


@by_case
def test_it_comes_to_its_end_though_it_is_killed_again_and_again(case: Case, tmp_path: Path) -> None:
    hands, journal = begin(case, tmp_path)
    for _ in range(500):
        hands.die_at = hands.asked + 25  # more than any step needs: each new start gets a little further
        hands.die_after = not hands.die_after
        try:
            run(hands, journal)
            break
        except Killed:
            journal = again(journal)
    restored(case, hands, journal)


@by_case
def test_it_is_undone_after_being_killed_anywhere(case: Case, tmp_path: Path) -> None:
    total = length(case, tmp_path)
    for point in range(1, total):
        directory = tmp_path / str(point)
        directory.mkdir()
        hands, journal = begin(case, directory)
        hands.die_at, hands.die_after = point, bool(point % 2)
        with pytest.raises(Killed):
            run(hands, journal)
        hands.die_at = None
        journal = again(journal)
        run(hands, journal, undo=True)
        undone(case, hands, again(journal))


@by_case
def test_an_undoing_is_killed_anywhere_and_goes_on(case: Case, tmp_path: Path) -> None:
    for step in ("stop", "set aside", "place", "verify"):
        for point in range(1 + len(step) % 3, 60, 4):
            directory = tmp_path / f"{step}-{point}"
            directory.mkdir()
            hands, journal = begin(case, directory)
            die_in(step, hands, journal)
            journal = again(journal)
            hands.die_at, hands.die_after = hands.asked + point, bool(point % 2)
            try:
                run(hands, journal, undo=True)
            except Killed:
                hands.die_at = None
                journal = again(journal)
                if journal.begun(PUT_BACK):
                    with pytest.raises(UsageError, match="undone"):
                        run(hands, journal)
                run(hands, journal, undo=True)
            undone(case, hands, again(journal))


def die_in(step: str, hands: ModelHands, journal: RestoreJournal) -> None:
    """Run until the second thing of ``step``."""
    probe, twin = copy.deepcopy(hands), copy.deepcopy(journal)
    starts: dict[str, int] = {}

    def told(text: str) -> None:
        for name in STEPS:
            if text.endswith(f" {name} ..."):
                starts[name] = probe.asked

    Restore(probe, twin, on_text=told).run()
    Path(journal.path).unlink()
    hands.die_at = starts[step] + 1
    hands.die_after = True
    with pytest.raises(Killed):
        run(hands, journal)
    hands.die_at = None


@by_case
def test_a_failure_anywhere_says_how_to_go_on(case: Case, tmp_path: Path) -> None:
    """Not killed, but refused: each thing that can fail does, once."""
    total = length(case, tmp_path)
    for point in range(1, total + 1):
        directory = tmp_path / str(point)
        directory.mkdir()
        hands, journal = begin(case, directory)
        fail_at(hands, point)
        with pytest.raises(RestoreStopped) as stopped:
            run(hands, journal)
        assert "--resume" in stopped.value.next_step and "--abort" in stopped.value.next_step
        journal = again(journal)
        assert journal.events[-1].what == "failed" and "the API server is away" in journal.events[-1].detail
        run(hands, journal)
        restored(case, hands, journal)


def test_an_interruption_is_a_failure_like_others(tmp_path: Path) -> None:
    """Ctrl-C, and the signals that end ko-tui in order."""
    hands, journal = begin(CASES[0], tmp_path)
    fail_at(hands, 20, KeyboardInterrupt(15))
    with pytest.raises(RestoreStopped, match="it was interrupted") as stopped:
        run(hands, journal)
    assert "--resume" in stopped.value.next_step
    run(hands, again(journal))
    restored(CASES[0], hands, again(journal))


def test_a_defect_of_ko_tui_leaves_a_way_on_too(tmp_path: Path) -> None:
    hands, journal = begin(CASES[0], tmp_path)
    fail_at(hands, 30, ZeroDivisionError("a defect"))
    said: list[str] = []
    with pytest.raises(ZeroDivisionError):
        Restore(hands, journal, on_text=said.append).run()
    assert "--resume" in said[-1] and "a defect" in again(journal).events[-1].detail
    run(hands, again(journal))
    restored(CASES[0], hands, again(journal))


AWAY = ClusterError("the API server is away")


def fail_at(hands: ModelHands, point: int, error: BaseException = AWAY) -> None:
    ask = hands._ask

    def failing() -> bool:
        dying = ask()
        if hands.asked == point:
            raise error
        return dying

    hands._ask = failing  # type: ignore[method-assign]


def test_intent_is_on_the_disk_before_and_outcome_after(tmp_path: Path) -> None:
    hands, journal = begin(CASES[0], tmp_path)
    ask = hands._ask

    def looking() -> bool:
        events = again(journal).events
        if events[-1].what == "begun":
            assert events[-1] == journal.events[-1]
        else:
            raise AssertionError(f"something is done that was not announced after {events[-1]}")
        return ask()

    hands._ask = looking  # type: ignore[method-assign]
    run(hands, journal)
    assert [(e.step, e.what) for e in journal.events] == [(s, w) for s in STEPS for w in ("begun", "done")]


def test_a_scaling_by_somebody_else_is_undone_before_files_are_touched(tmp_path: Path) -> None:
    hands, journal = begin(CASES[0], tmp_path)
    die_in("place", hands, journal)
    hands.replicas = 3
    hands.start()
    journal = again(journal)
    # The servers made files of their own: they are not taken for the restored one.
    with pytest.raises(RestoreStopped, match="not the verified file"):
        run(hands, journal)
    run(hands, again(journal), undo=True)
    undone(CASES[0], hands, again(journal))


def test_servers_that_somebody_started_are_stopped_again_before_files_are_moved(tmp_path: Path) -> None:
    hands, journal = begin(CASES[0], tmp_path)
    die_in("set aside", hands, journal)
    hands.replicas = 3
    hands.start()
    run(hands, again(journal))  # the model minds a file that is moved under a running server
    restored(CASES[0], hands, again(journal))


def test_a_conversion_that_loses_rows_is_not_restored(tmp_path: Path) -> None:
    hands, journal = begin(CASES[2], tmp_path)

    def losing(node: str, name: str, new: str) -> None:
        hands.files[node][new] = standalone(6)

    hands.to_standalone = losing  # type: ignore[method-assign]
    with pytest.raises(RestoreStopped, match="not what it was made of"):
        run(hands, journal)
    run(hands, again(journal), undo=True)
    undone(CASES[2], hands, again(journal))


def test_a_file_that_is_cut_on_its_way_is_not_restored(tmp_path: Path) -> None:
    hands, journal = begin(CASES[0], tmp_path)

    def cutting(node: str, name: str, content: bytes) -> None:
        hands.files[node][name] = content[:-1]

    hands.send = cutting  # type: ignore[method-assign]
    with pytest.raises(RestoreStopped, match="not what was sent"):
        run(hands, journal)


def test_what_has_ended_is_not_begun_again(tmp_path: Path) -> None:
    hands, journal = begin(CASES[0], tmp_path)
    run(hands, journal)
    for undo in (False, True):
        with pytest.raises(UsageError, match="has ended"):
            run(hands, again(journal), undo=undo)

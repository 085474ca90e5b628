"""One flight per question, errors are not kept."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from ko_tui.backend.answers import Answers
from ko_tui.backend.source.interface import ExecCancelled


def test_askers_at_the_same_time_share_one_flight() -> None:
    answers, calls, started, go = Answers(), [], threading.Event(), threading.Event()

    def ask() -> int:
        calls.append(1)
        started.set()
        assert go.wait(10)
        return 7

    with ThreadPoolExecutor(4) as pool:
        first = pool.submit(answers.get, "q", ask)
        assert started.wait(10)
        others = [pool.submit(answers.get, "q", ask) for _ in range(3)]
        go.set()
        assert [f.result(10).value for f in (first, *others)] == [7] * 4
    assert len(calls) == 1


def test_an_error_passes_on_and_is_asked_again() -> None:
    answers, results = Answers(), iter([ValueError("no"), 3])

    def ask() -> int:
        got = next(results)
        if isinstance(got, Exception):
            raise got
        return got

    with pytest.raises(ValueError, match="no"):
        answers.get("q", ask)
    assert answers.get("q", ask).value == 3
    assert answers.get("q", ask).value == 3
    answers.forget("q")
    with pytest.raises(StopIteration):
        answers.get("q", ask)


def test_a_cancelled_asker_does_not_cancel_the_others() -> None:
    answers, started, go = Answers(), threading.Event(), threading.Event()

    def cancelled() -> int:
        started.set()
        assert go.wait(10)
        raise ExecCancelled("the first asker went away")

    with ThreadPoolExecutor(2) as pool:
        first = pool.submit(answers.get, "q", cancelled)
        assert started.wait(10)
        second = pool.submit(answers.get, "q", lambda: 5)
        go.set()
        assert second.result(10).value == 5
        with pytest.raises(ExecCancelled):
            first.result(10)

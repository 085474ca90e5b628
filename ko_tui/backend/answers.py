"""Answers with an age, one flight per question.

Several screens may ask the same thing at the same time: the first asker does the work, the others wait for its
answer. What failed is not kept.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Hashable
from concurrent.futures import Future
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from ko_tui.backend.source.interface import ExecCancelled
from ko_tui.backend.source.refusals import Interrupted

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Answer(Generic[T]):
    """A value and when it was had (time.time() seconds)."""

    value: T
    taken_at: float

    @property
    def age(self) -> float:
        """Seconds since it was had."""
        return max(0.0, time.time() - self.taken_at)


class Answers:
    """A cache for one session."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._kept: dict[Hashable, Answer[Any]] = {}
        self._flights: dict[Hashable, Future[Answer[Any]]] = {}

    def get(self, question: Hashable, ask: Callable[[], T], *, max_age: float = 30.0) -> Answer[T]:
        """The kept answer when younger than ``max_age`` seconds, else what ``ask`` gives; its errors pass on."""
        while True:
            with self._lock:
                kept = self._kept.get(question)
                if kept is not None and kept.age <= max_age:
                    return kept
                flight = self._flights.get(question)
                if flight is None:
                    flight = self._flights[question] = Future()
                    break
            try:
                return flight.result()
            except (ExecCancelled, Interrupted):
                continue  # somebody else's question was cancelled, not this one
        try:
            answer: Answer[T] = Answer(ask(), time.time())
        except BaseException as error:
            with self._lock:
                del self._flights[question]
            flight.set_exception(error)
            # Nobody else may be waiting: read it, so that it is not reported as lost.
            flight.exception()
            raise
        with self._lock:
            self._kept[question] = answer
            del self._flights[question]
        flight.set_result(answer)
        return answer

    def peek(self, question: Hashable) -> Answer[Any] | None:
        """The kept answer, however old; None when there is none. Asks nobody."""
        with self._lock:
            return self._kept.get(question)

    def forget(self, *questions: Hashable) -> None:
        """Drop these answers, or all when none is named."""
        with self._lock:
            if not questions:
                self._kept.clear()
            for question in questions:
                self._kept.pop(question, None)

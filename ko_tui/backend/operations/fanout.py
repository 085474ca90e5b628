"""The same question to many nodes: bounded, and the quick ones are not held up by those that never answer."""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterable
from concurrent.futures import ThreadPoolExecutor, as_completed
from typing import TypeVar

from ko_tui.backend.errors import KoError
from ko_tui.backend.source.interface import Cancel

T = TypeVar("T")
K = TypeVar("K")
PARALLEL = 16


def ask_all(
    places: Iterable[K], ask: Callable[[K], T], *, parallel: int = PARALLEL, cancel: Cancel | None = None
) -> Generator[tuple[K, T | KoError], None, None]:
    """Answers as they come, in no order; an expected error is an answer. ``ask`` must bound its own time."""
    pool = ThreadPoolExecutor(parallel, thread_name_prefix="ko-fanout")
    try:
        flights = {pool.submit(_caught, ask, place): place for place in places}
        for flight in as_completed(flights):
            yield flights[flight], flight.result()
            if cancel is not None and cancel.cancelled:
                return
    finally:
        pool.shutdown(wait=False, cancel_futures=True)


def _caught(ask: Callable[[K], T], place: K) -> T | KoError:
    try:
        return ask(place)
    except KoError as error:
        return error

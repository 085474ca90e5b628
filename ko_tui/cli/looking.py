"""Many nodes that are looked at: how far it has come, on a terminal, and a Ctrl-C that gives what there is so far."""

from __future__ import annotations

import contextlib
import sys
import threading
from collections.abc import Iterator
from typing import TYPE_CHECKING

from ko_tui.cli.signals import cancelled_by_signals

if TYPE_CHECKING:
    from ko_tui.backend.operations.model import Check, OnChecks
    from ko_tui.backend.source.interface import Cancel

WELL = frozenset({"ok", "info", "skipped"})


@contextlib.contextmanager
def looking() -> Iterator[tuple[OnChecks, Cancel]]:
    """``on_checks`` for an operation, and the cancel that signals set. The line of progress goes at the end."""
    shown = sys.stderr.isatty()
    places: set[str] = set()
    count, ill, lock = 0, 0, threading.Lock()

    def take(checks: list[Check]) -> None:
        nonlocal count, ill
        with lock:
            count += len(checks)
            ill += sum(check.level not in WELL for check in checks)
            places.update(check.place for check in checks if check.place)
            if shown:
                words = (
                    f"{count:,} checks, {len(places):,} places, {ill:,} not well (Ctrl-C shows what there is)"
                )
                print(f"\r\x1b[K{words}", end="", file=sys.stderr, flush=True)

    with cancelled_by_signals("stopping; what was found so far follows") as cancel:
        try:
            yield take, cancel
        finally:
            if shown:
                print("\r\x1b[K", end="", file=sys.stderr, flush=True)

"""Signals as a cancel: what a command has begun in the cluster is ended in order, however it was told to stop."""

from __future__ import annotations

import contextlib
import signal
import sys
from collections.abc import Iterator
from types import FrameType

from ko_tui.backend.source.interface import Cancel

SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


@contextlib.contextmanager
def cancelled_by_signals(word: str) -> Iterator[Cancel]:
    """A Cancel that Ctrl-C, SIGTERM and a closed terminal set; ``word`` is what is told then."""
    cancel = Cancel()

    def handle(_number: int, _frame: FrameType | None) -> None:
        if not cancel.cancelled:
            with contextlib.suppress(OSError, RuntimeError):
                print(f"ko-tui: {word}", file=sys.stderr, flush=True)
        cancel.cancel()

    old = {number: signal.signal(number, handle) for number in SIGNALS}
    try:
        yield cancel
    finally:
        for number, handler in old.items():
            signal.signal(number, handler)

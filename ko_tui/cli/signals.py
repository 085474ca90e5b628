"""Signals as a cancel: what a command has begun in the cluster is ended in order, however it was told to stop."""

from __future__ import annotations

import contextlib
import signal
import sys
import threading
from collections.abc import Iterator
from types import FrameType
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ko_tui.backend.source.interface import Cancel

SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


class ToldToEnd(KeyboardInterrupt):
    """SIGTERM, or SIGHUP of a closed terminal; unwinds as Ctrl-C does."""

    def __init__(self, number: int) -> None:
        super().__init__(number)
        self.number = number


@contextlib.contextmanager
def unwinding() -> Iterator[None]:
    """SIGTERM and SIGHUP end what is done here in order, as Ctrl-C does: half-written files and sessions go.

    Left alone: a signal that is ignored (nohup), and all of them outside of the main thread.
    """
    wanted = [n for n in (signal.SIGTERM, signal.SIGHUP) if signal.getsignal(n) is signal.SIG_DFL]
    if threading.current_thread() is not threading.main_thread():
        wanted = []

    def handle(number: int, _frame: FrameType | None) -> None:
        for each in wanted:  # a second one must not stop the first one's work
            signal.signal(each, signal.SIG_IGN)
        raise ToldToEnd(number)

    for number in wanted:
        signal.signal(number, handle)
    try:
        yield
    finally:
        for number in wanted:
            signal.signal(number, signal.SIG_DFL)


@contextlib.contextmanager
def cancelled_by_signals(word: str) -> Iterator[Cancel]:
    """A Cancel that Ctrl-C, SIGTERM and a closed terminal set; ``word`` is what is told then."""
    from ko_tui.backend.source.interface import Cancel

    cancel = Cancel()
    told: list[int] = []

    def handle(number: int, _frame: FrameType | None) -> None:
        if not told:
            told.append(number)
            with contextlib.suppress(OSError, RuntimeError):
                print(f"ko-tui: {word}", file=sys.stderr, flush=True)
            # In a thread of its own: what is cancelled may hold locks in the very thread that a signal interrupts.
            threading.Thread(target=cancel.cancel, name="ko-cancel", daemon=True).start()

    # Under nohup a closed terminal changes nothing.
    heard = [n for n in SIGNALS if signal.getsignal(n) is not signal.SIG_IGN]
    old = {number: signal.signal(number, handle) for number in heard}
    try:
        yield cancel
    finally:
        for number, handler in old.items():
            signal.signal(number, handler)

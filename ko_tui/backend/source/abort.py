"""Ending network work from another thread: one :class:`Abort` per call under way.

An abort knows the caller's :class:`Cancel` and the transport's own end (``close``). Whoever owns the socket
stays its only user; the abort only shuts the raw socket down and makes :attr:`Abort.wake` readable.
"""

from __future__ import annotations

import contextlib
import socket
import threading
import weakref
from collections.abc import Iterator
from types import TracebackType

from ko_tui.backend.source.interface import Cancel


class Abort:
    """The handle of one call. Use as a context manager, so that the wake pipe does not outlive the call."""

    def __init__(self, cancel: Cancel | None = None, live: weakref.WeakSet[Abort] | None = None) -> None:
        self._lock = threading.Lock()
        self._event = threading.Event()
        self._socket: socket.socket | None = None
        self._closed = False
        self.wake, self._waker = socket.socketpair()
        self.wake.setblocking(False)
        self._waker.setblocking(False)
        self._live = live
        if live is not None:
            live.add(self)
        if cancel is not None:
            # Weak, since a Cancel may serve many calls and must not keep each of them.
            me = weakref.ref(self)

            def trigger() -> None:
                if (abort := me()) is not None:
                    abort.trigger()

            cancel.on_cancel(trigger)

    def trigger(self) -> None:
        """End the call: wakes every wait and shuts the attached socket down. Safe from any thread."""
        with self._lock:
            self._event.set()
            if self._closed:
                return
            with contextlib.suppress(OSError):
                self._waker.send(b"x")
            if self._socket is not None:
                shut_down(self._socket)

    @property
    def triggered(self) -> bool:
        return self._event.is_set()

    def wait(self, seconds: float) -> bool:
        """Wait at most ``seconds``; True when the call is to end."""
        return self._event.wait(seconds)

    def attach(self, sock: socket.socket | None) -> None:
        """The socket that a trigger shuts down; shut at once when already triggered."""
        with self._lock:
            self._socket = sock
            if sock is not None and self._event.is_set():
                shut_down(sock)

    def shut(self) -> None:
        """Shut the attached socket down without ending the call: its owner finds out by reading."""
        with self._lock:
            if self._socket is not None:
                shut_down(self._socket)

    def close(self) -> None:
        with self._lock:
            self._closed = True
            self._socket = None
            self.wake.close()
            self._waker.close()
        if self._live is not None:
            self._live.discard(self)

    def __enter__(self) -> Abort:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


def shut_down(sock: socket.socket) -> None:
    """Shut the raw socket down. Not ``SSLSocket.shutdown``: that takes the TLS state from its owner's hands."""
    with contextlib.suppress(OSError):
        socket.socket.shutdown(sock, socket.SHUT_RDWR)


class Gate:
    """At most ``total`` calls at once, and ``per_key`` for one key.

    Both counts are taken together under one lock, so no caller holds one while it waits for the other.
    """

    def __init__(self, total: int, per_key: int) -> None:
        self._total = total
        self._per_key = per_key
        self._running: dict[str, int] = {}
        self._changed = threading.Condition()

    def enter(self, key: str, abort: Abort) -> bool:
        """Wait for a place; False when the call was aborted first."""
        with self._changed:
            while not abort.triggered:
                if self._running.get(key, 0) < self._per_key and sum(self._running.values()) < self._total:
                    self._running[key] = self._running.get(key, 0) + 1
                    return True
                # An abort does not notify this condition: a short wait bounds its delay.
                self._changed.wait(0.1)
        return False

    def leave(self, key: str) -> None:
        with self._changed:
            left = self._running[key] - 1
            if left:
                self._running[key] = left
            else:
                del self._running[key]
            self._changed.notify_all()

    @contextlib.contextmanager
    def use(self, key: str, abort: Abort) -> Iterator[bool]:
        """``with gate.use(key, abort) as entered``: False when the call was aborted first."""
        entered = self.enter(key, abort)
        try:
            yield entered
        finally:
            if entered:
                self.leave(key)

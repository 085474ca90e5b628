"""Running a command in a container over WebSocket (``v5.channel.k8s.io``, else ``v4``).

One thread owns one socket: it connects, shakes hands (by websocket-client) and then reads and writes without
blocking, so that input of any size, output, pings, the deadline and cancellation are served in one loop.

Ending the remote process: closing the stream does not end it reliably (the kubelet may leave it running until it
writes to its closed output). So :func:`bounded` puts ``timeout -k 2 N`` before a command that could run on, and
a cancel closes the stream: whatever still runs then ends by itself after ``N`` seconds at the latest.
"""

from __future__ import annotations

import contextlib
import math
import selectors
import socket
import ssl
import time
from collections import deque
from collections.abc import Sequence

from ko_tui.backend.source import frames, outcome
from ko_tui.backend.source.abort import Abort
from ko_tui.backend.source.handshake import V5, Request, Timing, open_stream
from ko_tui.backend.source.interface import (
    ExecCancelled,
    ExecFailed,
    ExecInterrupted,
    ExecNoStatus,
    ExecOutputLimit,
    ExecResult,
    ExecTimeout,
    OnBytes,
    program,
)
from ko_tui.backend.source.rest import Rest

READ_SIZE = 64 * 1024
READS_AT_ONCE = 32
WRITES_AT_ONCE = 32
STDIN_CHUNK = 32 * 1024
STATUS_LIMIT = 1024 * 1024
CANCELLED = "It was cancelled; what came before is incomplete."


def bounded(argv: Sequence[str], seconds: float) -> tuple[str, ...]:
    """``argv`` under coreutils' ``timeout``, so that it ends by itself even when nobody can reach it any more."""
    return ("timeout", "-k", "2", str(max(1, math.ceil(seconds))), *argv)


def run(rest: Rest, request: Request, abort: Abort, timing: Timing) -> ExecResult:
    """Run one command to its end. Raises the typed errors of the interface; those of a stream that began
    carry the output that came."""
    started = time.monotonic()
    deadline = started + request.timeout
    sock, protocol = open_stream(rest, request, abort, timing, deadline)
    try:
        stream = Stream(sock, protocol, request, abort, timing, deadline)
        code = stream.run()
    finally:
        abort.attach(None)
        with contextlib.suppress(OSError):
            sock.close()
    return ExecResult(
        b"".join(stream.stdout), b"".join(stream.stderr), code, (stream.ended_at - started) * 1000
    )


class Stream:
    """The stream after its handshake: reads, writes and watches the time until the status is known."""

    def __init__(
        self,
        sock: socket.socket,
        protocol: str,
        request: Request,
        abort: Abort,
        timing: Timing,
        deadline: float,
    ) -> None:
        self.stdout: list[bytes] = []
        self.stderr: list[bytes] = []
        self.ended_at = 0.0
        self._sock = sock
        self._protocol = protocol
        self._request = request
        self._abort = abort
        self._timing = timing
        self._deadline = deadline
        self._reader = frames.FrameReader()
        self._out: deque[memoryview] = deque()  # frames, or what is left of the first, still to be written
        self._input = memoryview(request.stdin)
        self._input_open = bool(request.stdin)
        self._status = bytearray()
        self._received = 0
        self._closed = False
        self._lost = ""
        now = time.monotonic()
        self._heard = now
        self._next_ping = now + timing.ping
        self._ponged = False

    def run(self) -> int:
        """The exit code. Raises typed errors that hold the output so far."""
        self._sock.setblocking(False)
        try:
            with selectors.DefaultSelector() as selector:
                selector.register(self._sock, selectors.EVENT_READ)
                selector.register(self._abort.wake, selectors.EVENT_READ)
                self._loop(selector)
            self.ended_at = self.ended_at or time.monotonic()
            return self._result()
        except ExecFailed as failed:
            failed.stdout, failed.stderr = b"".join(self.stdout), b"".join(self.stderr)
            raise
        finally:
            self._say_goodbye()

    # -- the loop -----------------------------------------------------------------------------------------

    def _loop(self, selector: selectors.BaseSelector) -> None:
        watched = selectors.EVENT_READ
        want_write = more = False
        while not self._closed:
            now = time.monotonic()
            self._check_time(now)
            if self.ended_at and now - self.ended_at >= self._timing.close_grace:
                return  # the status is known: an orderly close is not worth more waiting
            if not want_write:
                want_write = self._push()
            events = selectors.EVENT_READ | (selectors.EVENT_WRITE if want_write else 0)
            if events != watched:
                selector.modify(self._sock, events)
                watched = events
            ends = self.ended_at + self._timing.close_grace if self.ended_at else self._deadline
            wake = min(ends, self._next_ping, self._silent_at())
            ready = {key.fileobj: e for key, e in selector.select(0 if more else max(0.0, wake - now))}
            if self._abort.triggered:
                raise ExecCancelled(CANCELLED)
            event = ready.get(self._sock, 0)
            if event & selectors.EVENT_WRITE:
                want_write = False
            more = self._read() if more or event & selectors.EVENT_READ else False

    def _check_time(self, now: float) -> None:
        if self._abort.triggered:
            raise ExecCancelled(CANCELLED)
        if now >= self._deadline and not self.ended_at:
            hint = ""
            if self._protocol != V5 and self._request.stdin:
                hint = (
                    "This API server (before Kubernetes 1.30) cannot tell a command that its input has ended."
                )
            raise ExecTimeout(
                f"{program(self._request.argv)} in {self._request.pod} did not end within {self._request.timeout:g} s.",
                hint or "Try a narrower question, or a longer time limit.",
            )
        if now >= self._silent_at():
            raise ExecInterrupted(
                f"Nothing was heard from {self._request.pod} for {self._timing.silence:g} s, not even an answer "
                "to a ping."
            )
        if now >= self._next_ping:
            self._next_ping = now + self._timing.ping
            self._queue(frames.PING, b"")

    def _silent_at(self) -> float:
        return self._heard + self._timing.silence if self._ponged else math.inf

    def _push(self) -> bool:
        """Write what is queued and some of the input; True when the socket must be waited for."""
        for _ in range(WRITES_AT_ONCE):
            self._fill()
            if not self._out:
                return False
            if not self._write():
                return True
        return bool(self._out) or self._input_open

    def _fill(self) -> None:
        """Queue the next piece of the input; the end of the input as v5 knows it."""
        if self._out or not self._input_open:
            return
        if self._input:
            piece, self._input = self._input[:STDIN_CHUNK], self._input[STDIN_CHUNK:]
            self._queue(frames.BINARY, bytes([frames.STDIN]) + piece.tobytes())
            return
        self._input_open = False
        if self._protocol == V5:
            self._queue(frames.BINARY, bytes([frames.CLOSE_CHANNEL, frames.STDIN]))

    def _queue(self, opcode: int, payload: bytes) -> None:
        self._out.append(memoryview(frames.masked(opcode, payload)))

    def _write(self) -> bool:
        """Write what the socket takes; True when nothing is left."""
        while self._out:
            try:
                sent = self._sock.send(self._out[0])
            except (ssl.SSLWantWriteError, ssl.SSLWantReadError, BlockingIOError):
                return False
            except OSError as error:
                # The peer may have ended with its status still unread: the read side tells.
                self._out.clear()
                self._input_open = False
                self._lost = self._lost or (error.strerror or str(error))
                return True
            if sent < len(self._out[0]):
                self._out[0] = self._out[0][sent:]
            else:
                self._out.popleft()
        return True

    def _read(self) -> bool:
        """Take what has arrived; True when there may be more at once.

        A bounded amount, so that time and input are looked at in between.
        """
        for _ in range(READS_AT_ONCE):
            try:
                data = self._sock.recv(READ_SIZE)
            except (ssl.SSLWantReadError, ssl.SSLWantWriteError, BlockingIOError):
                return False
            except OSError as error:
                self._closed, self._lost = True, error.strerror or str(error)
                return False
            if not data:
                self._closed, self._lost = True, self._lost or "the connection ended"
                return False
            self._heard = time.monotonic()
            try:
                for piece in self._reader.feed(data):
                    self._take(piece)
            except frames.BadFrame as error:
                self._closed, self._lost = True, str(error)
            if self._closed:
                return False
        return True

    def _take(self, piece: frames.Piece) -> None:
        if piece.kind == "close":
            self._closed, self._lost = True, ""
        elif piece.kind == "ping":
            self._queue(frames.PONG, piece.payload)
        elif piece.kind == "pong":
            self._ponged = True
        elif piece.channel == frames.STDOUT:
            self._pass_on(piece.payload, self._request.on_stdout, self.stdout)
        elif piece.channel == frames.STDERR:
            self._pass_on(piece.payload, self._request.on_stderr, self.stderr)
        elif piece.channel == frames.STATUS and len(self._status) < STATUS_LIMIT:
            self._status += piece.payload
            self.ended_at = time.monotonic()

    def _pass_on(self, data: bytes, callback: OnBytes | None, kept: list[bytes]) -> None:
        room = self._request.max_output - self._received
        over = len(data) > room
        if over:
            data = data[:room]
        self._received += len(data)
        if callback is None:
            kept.append(data)
        elif data:
            callback(data)
        if over:
            raise ExecOutputLimit(
                f"{program(self._request.argv)} in {self._request.pod} printed more than "
                f"{self._request.max_output:,} bytes.",
                "Ask for less, for example with a filter.",
            )

    # -- the end ------------------------------------------------------------------------------------------

    def _result(self) -> int:
        if self._status:
            return outcome.exit_code(bytes(self._status))
        if self._abort.triggered:
            raise ExecCancelled(CANCELLED)
        where = f"{program(self._request.argv)} in {self._request.pod}"
        if self._lost:
            raise ExecInterrupted(
                f"The stream of {where} was cut: {self._lost}.", "What came is incomplete; run it again."
            )
        raise ExecNoStatus(
            f"The stream of {where} was closed without the command's exit status.",
            "The output may be cut short; run it again.",
        )

    def _say_goodbye(self) -> None:
        """A close frame when the socket takes it at once; the socket is closed anyhow."""
        if not self._out:
            with contextlib.suppress(OSError):
                self._sock.send(frames.masked(frames.CLOSE, b"\x03\xe8"))

"""Capturing: one or several endpoints at once, packets decoded as they come, and a pcap file when wanted."""

from __future__ import annotations

import contextlib
import heapq
import os
import re
import threading
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import IO, TYPE_CHECKING

from ko_tui.backend.capture.decode import Decoded, decode
from ko_tui.backend.capture.pcap import MAX_PACKET, CapturedPacket, NotPcap, PcapStream, file_header, record
from ko_tui.backend.capture.place import CapturePlace, find_place
from ko_tui.backend.command.lasting import lasting, run_lasting
from ko_tui.backend.errors import ClusterError, KoError, UsageError
from ko_tui.backend.source.interface import Cancel
from ko_tui.backend.tracing.model import Endpoint

if TYPE_CHECKING:
    from ko_tui.backend.session import Session

SNAPLEN = 262  # bytes of each packet: every header of a tunnelled packet, and not the payload
DEFAULT_SECONDS = 300
MAX_SECONDS = 3600
MAX_COUNT = 9_999_999
# Words of a pcap-filter(7) expression; anything that looks like an option is refused.
_WORD = re.compile(r"^[A-Za-z0-9_.:/\[\]()!=<>&|+*%^~-]+$")


class CaptureFailed(ClusterError):
    """tcpdump in the pod did not do what was asked."""

    title = "The capture failed"


@dataclass(frozen=True, slots=True)
class CaptureRequest:
    """``filter`` are the words of a pcap-filter(7); ``count`` 0 means until the time is up (seconds).

    ``interface`` is another one than the endpoint's own, in the same network; ``direction`` in, out or "" for both.
    """

    endpoints: tuple[Endpoint, ...]
    filter: tuple[str, ...] = ()
    count: int = 0
    seconds: int = DEFAULT_SECONDS
    snaplen: int = SNAPLEN
    file: str = ""
    interface: str = ""
    direction: str = ""


@dataclass(frozen=True, slots=True)
class Seen:
    """A packet seen at an endpoint."""

    endpoint: Endpoint
    packet: CapturedPacket
    decoded: Decoded


OnSeen = Callable[[Seen], None]


def check_filter(words: Sequence[str]) -> tuple[str, ...]:
    """The filter's words. Raises UsageError for what is no filter: options above all."""
    split = [w for word in words for w in word.split()]
    for word in split:
        if word.startswith("-") or not _WORD.match(word):
            raise UsageError(
                f"{word!r} cannot be part of a capture filter.",
                "Only a pcap-filter(7) expression may follow, such as: tcp port 80 and host 10.16.0.5.",
            )
    return tuple(split)


def tcpdump_argv(interface: str, request: CaptureRequest) -> tuple[str, ...]:
    """Our own words of tcpdump(8): pcap to standard output, unbuffered, names not looked up."""
    words = ["tcpdump", "-nn", "-U", "-s", str(request.snaplen), "-i", interface, "-w", "-"]
    if request.direction:
        words += ["-Q", request.direction]
    if request.count:
        words += ["-c", str(request.count)]
    return (*words, *check_filter(request.filter))


def capture(
    session: Session,
    request: CaptureRequest,
    *,
    cancel: Cancel,
    on_seen: OnSeen,
    on_note: Callable[[str], None] = lambda _: None,
) -> list[str]:
    """Capture until the count, the time or ``cancel``; gives what went wrong at single endpoints.

    ``on_seen`` and ``on_note`` are called from several threads, each by one at a time. Raises UsageError, NoInterface,
    or CaptureFailed when no endpoint could be captured. The file, when one is named, holds whole packets whatever
    happens; where it is not the whole capture, ``on_note`` and the error say how many.
    """
    check_filter(request.filter)
    if not 0 <= request.count <= MAX_COUNT:
        raise UsageError(
            f"A count is 1 to {MAX_COUNT:,} packets, or 0 for no end.", f"{request.count} was asked for."
        )
    if not 0 <= request.snaplen <= MAX_PACKET:
        raise UsageError(
            f"A packet has {MAX_PACKET:,} bytes at most; 0 keeps all.", f"{request.snaplen} was asked for."
        )
    if not 1 <= request.seconds <= MAX_SECONDS:
        raise UsageError(f"A capture lasts 1 to {MAX_SECONDS} seconds.", f"{request.seconds} was asked for.")
    places = [(e, find_place(session, e, request.interface)) for e in request.endpoints]
    for endpoint, place in places:
        on_note(f"{endpoint.key}: {place.why}")
    sink = _Sink(on_seen, request.file)
    speaking = threading.Lock()  # each place speaks from a thread of its own

    def note(words: str) -> None:
        with speaking:
            on_note(words)

    problems: list[str] = []
    try:
        with ThreadPoolExecutor(max(1, len(places)), thread_name_prefix="ko-capture") as pool:
            flights = [pool.submit(_one, session, request, e, p, cancel, sink, note) for e, p in places]
            try:
                for flight, (endpoint, _) in zip(flights, places, strict=True):
                    try:
                        flight.result()
                    except KoError as error:
                        problems.append(f"{endpoint.key}: {error.what}")
            except BaseException:
                cancel.cancel()  # an interrupt must not wait for the capture's time to be up
                raise
    finally:
        sink.close()
    if request.file:
        on_note(file_words(request.file, sink.written, partial=bool(problems)))
    if problems and len(problems) == len(places):
        raise CaptureFailed(" ".join(problems), "See the commands that ran for the exact words.")
    return problems


def file_words(file: str, packets: int, *, partial: bool) -> str:
    """What a capture's file holds, for the person."""
    if not partial:
        return f"written to {file}"
    if not packets:
        return f"{file}: no packet came into it before that"
    count = "1 packet" if packets == 1 else f"{packets:,} packets"
    return f"{file} is partial: it holds {count}, each whole"


def _one(
    session: Session,
    request: CaptureRequest,
    endpoint: Endpoint,
    place: CapturePlace,
    cancel: Cancel,
    sink: _Sink,
    on_note: Callable[[str], None],
) -> None:
    stream = PcapStream()
    said = bytearray()

    def take(part: bytes) -> None:
        waiting = not stream.header
        try:
            for packet in stream.feed(part):
                sink.put(Seen(endpoint, packet, decode(packet)))
            if waiting and stream.header:  # tcpdump writes it when its filter is set and it listens
                on_note(f"{endpoint.key}: listening.")
        except NotPcap as error:
            raise CaptureFailed(f"What came is not a capture: {error}") from error

    command = lasting(place.argv(tcpdump_argv(place.interface, request)), request.seconds)
    run = run_lasting(
        session,
        place.pod,
        command,
        cancel=cancel,
        on_stdout=take,
        on_stderr=said.extend,
        on_lost=lambda words: on_note(f"{endpoint.key}: {words}"),
    )
    # 124 and 143: timeout(1) ended it when its time was up, which is an end in order.
    if run is not None and run.exit_code not in (0, 124, 143):
        words = (run.stderr or said.decode("utf-8", "replace")).strip().splitlines()
        raise CaptureFailed(
            f"tcpdump ended with status {run.exit_code}: {words[-1] if words else 'no message'}"
        )


class _Sink:
    """One at a time to the screen and to the file."""

    def __init__(self, on_seen: OnSeen, file: str) -> None:
        self._lock = threading.Lock()
        self._on_seen = on_seen
        self._path = Path(file) if file else None
        self._out: IO[bytes] | None = None
        self._linktype: int | None = None
        self._full = ""  # why the file cannot be written any more
        self.written = 0  # packets in the file, all whole
        if self._path is not None:
            try:
                descriptor = os.open(self._path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
                self._out = os.fdopen(descriptor, "wb", buffering=0)
            except OSError as error:
                raise UsageError(f"{self._path} cannot be written: {error.strerror}.") from error

    def put(self, seen: Seen) -> None:
        with self._lock:
            if self._out is not None:
                self._write(seen.packet)
            self._on_seen(seen)

    def _write(self, packet: CapturedPacket) -> None:
        if self._full:
            raise CaptureFailed(self._full)
        if self._linktype is None:
            self._append(file_header(packet.linktype))
            self._linktype = packet.linktype
        if packet.linktype == self._linktype:  # a pcap file has one link type
            self._append(record(packet))
            self.written += 1

    def _append(self, content: bytes) -> None:
        """All of it, or the file ends where it ended before."""
        assert self._out is not None
        before = self._out.tell()
        try:
            rest = memoryview(content)
            while rest:  # a nearly full disk takes a part
                rest = rest[self._out.write(rest) :]
        except OSError as error:
            with contextlib.suppress(OSError):
                self._out.seek(before)
                self._out.truncate()
            self._full = f"{self._path} cannot be written any more: {error.strerror}."
            raise CaptureFailed(self._full, "Free some room, or name another place.") from error

    def close(self) -> None:
        """No file is left that is none: one without a header is removed. Raises CaptureFailed when it must be."""
        with self._lock:
            if self._out is None:
                return
            try:
                if self._linktype is None and not self._full:
                    self._append(file_header())
            finally:
                if not self._out.tell():
                    with contextlib.suppress(OSError):
                        assert self._path is not None
                        self._path.unlink()
                self._out.close()


class Interleaved:
    """Packets of several captures in the order of their time.

    A packet is given out when a later one by ``hold`` seconds has come, or when it has waited that long itself.
    Safe for several threads.
    """

    def __init__(self, hold: float = 0.5) -> None:
        self._heap: list[tuple[float, int, float, Seen]] = []
        self._hold = hold
        self._count = 0
        self._newest = 0.0
        self._lock = threading.Lock()

    def put(self, seen: Seen) -> list[Seen]:
        """Add one, and get those that are due."""
        with self._lock:
            self._count += 1
            heapq.heappush(self._heap, (seen.packet.time, self._count, time.monotonic(), seen))
            self._newest = max(self._newest, seen.packet.time)
        return self.due()

    def due(self) -> list[Seen]:
        """Those that have waited long enough; to be asked now and then, for nothing more may come."""
        due = []
        with self._lock:
            patience = time.monotonic() - self._hold
            while self._heap and (
                self._heap[0][0] <= self._newest - self._hold or self._heap[0][2] <= patience
            ):
                due.append(heapq.heappop(self._heap)[3])
        return due

    def rest(self) -> list[Seen]:
        """All that is left, in order."""
        with self._lock:
            return [heapq.heappop(self._heap)[3] for _ in range(len(self._heap))]

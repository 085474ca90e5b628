"""Captured packets on standard output: a line each, or a pcap stream for another program."""

from __future__ import annotations

import sys
import time
from typing import IO, Protocol

from ko_tui.backend.capture.capture import Seen
from ko_tui.backend.capture.details import hexdump
from ko_tui.backend.capture.pcap import LINKTYPE_ETHERNET, clock, file_header, record
from ko_tui.cli.visible import visible


class PacketOut(Protocol):
    """Where packets go, one at a time."""

    def put(self, seen: Seen) -> None: ...

    def close(self) -> None: ...


class Lines:
    """A packet as one line: time, the endpoint when there are several, what it is; its bytes below when wanted."""

    def __init__(
        self, many: bool, stamp: str = "clock", macs: bool = False, hexadecimal: bool = False
    ) -> None:
        self._many, self._stamp, self._macs, self._hex = many, stamp, macs, hexadecimal
        self._first = self._last = 0.0

    def put(self, seen: Seen) -> None:
        """Print it, at once."""
        lines = [self.line_of(seen)]
        if self._hex:
            lines += [f"    {row}" for row in hexdump(seen.packet.content)]
        print("\n".join(visible(line) for line in lines), flush=True)

    def line_of(self, seen: Seen) -> str:
        """The packet without its bytes."""
        packet = seen.packet
        parts = [self._time(packet.time)]
        if self._many:
            parts.append(f"{seen.endpoint.key}:")
        if self._macs and packet.linktype == LINKTYPE_ETHERNET and len(packet.content) >= 12:
            parts.append(f"{packet.content[6:12].hex(':')} > {packet.content[:6].hex(':')},")
        return " ".join(part for part in [*parts, seen.decoded.line()] if part)

    def _time(self, seconds: float) -> str:
        self._first = self._first or seconds
        last, self._last = self._last or seconds, seconds
        match self._stamp:
            case "none":
                return ""
            case "epoch":
                return f"{seconds:.6f}"
            case "delta":
                return f"{seconds - last:.6f}"
            case "since":
                return f"{seconds - self._first:.6f}"
            case "date":
                return f"{time.strftime('%Y-%m-%d', time.localtime(seconds))} {clock(seconds)}"
            case _:
                return clock(seconds)

    def close(self) -> None:
        """Nothing is held back."""


class PcapOut:
    """A pcap stream, each packet as it comes. A stream has one link type: packets of another are left out, and told."""

    def __init__(self, out: IO[bytes]) -> None:
        self._out = out
        self._linktype: int | None = None
        self._left_out = 0

    def put(self, seen: Seen) -> None:
        """Write it, at once."""
        packet = seen.packet
        start = b""
        if self._linktype is None:
            self._linktype, start = packet.linktype, file_header(packet.linktype)
        if packet.linktype != self._linktype:
            self._left_out += 1
            return
        self._out.write(start + record(packet))
        self._out.flush()

    def close(self) -> None:
        """A stream without packets is a capture too."""
        if self._linktype is None:
            self._out.write(file_header())
            self._out.flush()
        if self._left_out:
            print(
                f"ko-tui: {self._left_out} packets are not in it: they came from interfaces of another kind.",
                file=sys.stderr,
            )

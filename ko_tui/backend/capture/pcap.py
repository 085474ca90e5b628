"""The pcap stream that ``tcpdump -w -`` writes (pcap-savefile(5)), read packet by packet as bytes arrive."""

from __future__ import annotations

import struct
import time
from collections.abc import Iterator
from dataclasses import dataclass

LINKTYPE_ETHERNET = 1
LINKTYPE_LINUX_SLL = 113
LINKTYPE_LINUX_SLL2 = 276
MAX_PACKET = 262_144  # tcpdump's own limit of a snapshot, in bytes

_MAGICS = {
    b"\xd4\xc3\xb2\xa1": ("<", 1_000_000),
    b"\xa1\xb2\xc3\xd4": (">", 1_000_000),
    b"\x4d\x3c\xb2\xa1": ("<", 1_000_000_000),
    b"\xa1\xb2\x3c\x4d": (">", 1_000_000_000),
}


class NotPcap(ValueError):
    """The bytes are not a pcap stream."""


@dataclass(frozen=True, slots=True)
class CapturedPacket:
    """``time`` in seconds since the epoch, ``length`` on the wire in bytes, ``content`` what was kept of it."""

    time: float
    length: int
    content: bytes
    linktype: int


def clock(seconds: float) -> str:
    """``13:05:59.000120`` of the local day, to the microsecond that the file has."""
    whole, micro = divmod(round(seconds * 1_000_000), 1_000_000)  # a float falls just short of some
    return f"{time.strftime('%H:%M:%S', time.localtime(whole))}.{micro:06d}"


class PcapStream:
    """Feed bytes, get packets. ``header`` holds the file header once it has come."""

    def __init__(self) -> None:
        self._rest = bytearray()
        self.header = b""
        self._order = "<"
        self._unit = 1_000_000
        self.linktype = LINKTYPE_ETHERNET

    def feed(self, part: bytes) -> Iterator[CapturedPacket]:
        """Packets completed by ``part``. Raises NotPcap when the stream is something else."""
        self._rest += part
        if not self.header:
            if len(self._rest) < 24:
                if self._rest[:4] and bytes(self._rest[:4]) not in _MAGICS and len(self._rest) >= 4:
                    raise NotPcap("The stream does not begin as a pcap file does.")
                return
            self._begin()
        place = 0
        while len(self._rest) - place >= 16:
            seconds, fraction, kept, length = struct.unpack_from(f"{self._order}IIII", self._rest, place)
            if kept > MAX_PACKET:
                raise NotPcap(f"A packet of {kept} bytes cannot be right.")
            if len(self._rest) - place - 16 < kept:
                break
            content = bytes(self._rest[place + 16 : place + 16 + kept])
            place += 16 + kept
            yield CapturedPacket(seconds + fraction / self._unit, length, content, self.linktype)
        del self._rest[:place]

    def _begin(self) -> None:
        magic = bytes(self._rest[:4])
        if magic not in _MAGICS:
            raise NotPcap("The stream does not begin as a pcap file does.")
        self._order, self._unit = _MAGICS[magic]
        self.header = bytes(self._rest[:24])
        (self.linktype,) = struct.unpack_from(f"{self._order}I", self.header, 20)
        self.linktype &= 0x0FFFFFFF
        del self._rest[:24]


def record(packet: CapturedPacket) -> bytes:
    """A packet as a record of a little-endian microsecond pcap file."""
    seconds = int(packet.time)
    micro = round((packet.time - seconds) * 1_000_000)
    if micro == 1_000_000:
        seconds, micro = seconds + 1, 0
    return struct.pack("<IIII", seconds, micro, len(packet.content), packet.length) + packet.content


def file_header(linktype: int = LINKTYPE_ETHERNET) -> bytes:
    """The header of a little-endian microsecond pcap file."""
    return struct.pack("<IHHiIII", 0xA1B2C3D4, 2, 4, 0, 0, MAX_PACKET, linktype)

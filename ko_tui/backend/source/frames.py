"""WebSocket frames of the Kubernetes exec protocol, taken apart as the bytes arrive (RFC 6455, section 5.2).

A message's first byte is its channel. Payloads are passed on in the pieces in which they came, so that neither
a huge frame nor a million small ones cost more than their bytes.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from typing import Literal, NamedTuple

STDIN, STDOUT, STDERR, STATUS, RESIZE = range(5)
CLOSE_CHANNEL = 255  # v5: "no more on this channel", followed by the channel's number

CONTINUATION, TEXT, BINARY, CLOSE, PING, PONG = 0, 1, 2, 8, 9, 10
MAX_CONTROL = 125


class BadFrame(Exception):
    """The peer does not speak the protocol."""


class Piece(NamedTuple):
    """``data``: bytes of a channel. ``close``, ``ping``, ``pong``: a control frame, ``channel`` is then -1."""

    kind: Literal["data", "close", "ping", "pong"]
    channel: int
    payload: bytes


_CONTROL: dict[int, Literal["close", "ping", "pong"]] = {CLOSE: "close", PING: "ping", PONG: "pong"}


class FrameReader:
    """Feed bytes in, get pieces out; holds only what does not make a piece yet."""

    def __init__(self) -> None:
        self._held = b""
        self._left = 0  # payload bytes of the current data frame still to come
        self._final = True
        self._in_message = False
        self._channel = -1  # -1: the message's first byte has not come yet

    def feed(self, data: bytes) -> Iterator[Piece]:
        """The pieces that ``data`` completes. Raises BadFrame."""
        if self._held:
            data = self._held + data
            self._held = b""
        position, end = 0, len(data)
        while position < end:
            if self._left:
                take = min(self._left, end - position)
                piece = self._payload(data[position : position + take])
                position += take
                self._left -= take
                if piece is not None:
                    yield piece
                if not self._left and self._final:
                    self._in_message, self._channel = False, -1
                continue
            header = self._header(data, position)
            if header is None:
                self._held = data[position:]
                return
            opcode, length, position_after = header
            if opcode in _CONTROL:
                if position_after + length > end:
                    self._held = data[position:]
                    return
                yield Piece(_CONTROL[opcode], -1, data[position_after : position_after + length])
                position = position_after + length
                continue
            self._begin(opcode, bool(data[position] & 0x80), length)
            position = position_after

    def _begin(self, opcode: int, final: bool, length: int) -> None:
        if opcode not in (CONTINUATION, TEXT, BINARY) or (opcode == CONTINUATION) != self._in_message:
            raise BadFrame(f"unexpected frame of type {opcode}")
        self._final, self._left, self._in_message = final, length, True
        if not length and final:
            self._in_message, self._channel = False, -1

    def _payload(self, data: bytes) -> Piece | None:
        if self._channel < 0:
            self._channel, data = data[0], data[1:]
        return Piece("data", self._channel, data) if data else None

    @staticmethod
    def _header(data: bytes, at: int) -> tuple[int, int, int] | None:
        """Type, payload length and where the payload starts; None while the header is not whole."""
        if len(data) - at < 2:
            return None
        first, second = data[at], data[at + 1]
        opcode, length, at = first & 0x0F, second & 0x7F, at + 2
        if first & 0x70 or second & 0x80:
            raise BadFrame("reserved bits or a mask are set in a frame from the server")
        if opcode >= CLOSE and (opcode not in _CONTROL or length > MAX_CONTROL or not first & 0x80):
            raise BadFrame(f"malformed control frame of type {opcode}")
        extra = {126: 2, 127: 8}.get(length, 0)
        if extra:
            if len(data) - at < extra:
                return None
            length = int.from_bytes(data[at : at + extra], "big")
            at += extra
        return opcode, length, at


def masked(opcode: int, payload: bytes) -> bytes:
    """A whole frame as a client must send it."""
    key = os.urandom(4)
    length = len(payload)
    header = bytearray([0x80 | opcode])
    if length <= MAX_CONTROL:
        header.append(0x80 | length)
    elif length < 65536:
        header.append(0x80 | 126)
        header += length.to_bytes(2, "big")
    else:
        header.append(0x80 | 127)
        header += length.to_bytes(8, "big")
    # As one number each: a loop over the bytes would cost a hundred times as much.
    pattern = (key * (length // 4 + 1))[:length]
    mixed = int.from_bytes(payload, "big") ^ int.from_bytes(pattern, "big")
    return bytes(header) + key + mixed.to_bytes(length, "big")

"""The frame reader gives the same pieces however the bytes are cut."""

from __future__ import annotations

import itertools
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st
from websocket import ABNF

from ko_tui.backend.source import frames, outcome
from ko_tui.backend.source.frames import BadFrame, FrameReader, Piece
from ko_tui.backend.source.interface import CouldNotStart, ExecFailed, NoSuchContainer, NotAuthorised


def server_frame(opcode: int, payload: bytes, *, final: bool = True) -> bytes:
    head = bytes([(0x80 if final else 0) | opcode])
    if len(payload) < 126:
        return head + bytes([len(payload)]) + payload
    if len(payload) < 65536:
        return head + b"\x7e" + len(payload).to_bytes(2, "big") + payload
    return head + b"\x7f" + len(payload).to_bytes(8, "big") + payload


messages = st.lists(
    st.tuples(st.integers(1, 3), st.binary(max_size=400), st.lists(st.integers(0, 400), max_size=3)),
    max_size=6,
)


@given(messages, st.lists(st.integers(1, 300), min_size=1, max_size=50), st.booleans())
def test_channels_are_whole_however_frames_and_reads_are_cut(
    sent: list[tuple[int, bytes, list[int]]], reads: list[int], pings: bool
) -> None:
    wire = bytearray()
    expected: dict[int, bytes] = {}
    for channel, payload, cuts in sent:
        whole = bytes([channel]) + payload
        places = sorted({0, *(min(c, len(whole)) for c in cuts), len(whole)})
        parts = [whole[a:b] for a, b in itertools.pairwise(places)]
        for index, part in enumerate(parts):
            opcode = frames.BINARY if index == 0 else frames.CONTINUATION
            wire += server_frame(opcode, part, final=index == len(parts) - 1)
            if pings:  # control frames may stand between the fragments of a message
                wire += server_frame(frames.PING, b"p")
        expected[channel] = expected.get(channel, b"") + payload
    reader, got, at = FrameReader(), {}, 0
    for size in itertools.cycle(reads):
        if at >= len(wire):
            break
        for piece in reader.feed(bytes(wire[at : at + size])):
            if piece.kind == "data":
                got[piece.channel] = got.get(piece.channel, b"") + piece.payload
        at += size
    assert got == {c: p for c, p in expected.items() if p}


def test_control_frames_and_empty_messages() -> None:
    wire = b"".join(
        [
            server_frame(frames.BINARY, b"\x01"),  # a real server's empty first frame
            server_frame(frames.BINARY, b""),
            server_frame(frames.PONG, b"x"),
            server_frame(frames.CLOSE, b"\x03\xe8"),
        ]
    )
    assert list(FrameReader().feed(wire)) == [Piece("pong", -1, b"x"), Piece("close", -1, b"\x03\xe8")]


@pytest.mark.parametrize(
    "wire",
    [
        b"\x82\x81aaaab",  # masked
        b"\xc2\x01a",  # reserved bit
        b"\x80\x01a",  # continues nothing
        b"\x02\x01a\x82\x01a",  # a new message inside a message
        b"\x89\x7e\x00\x80",  # a long ping
        b"\x09\x00",  # a ping in pieces
        b"\x83\x01a",  # an unknown type
    ],
)
def test_a_peer_that_does_not_speak_the_protocol(wire: bytes) -> None:
    with pytest.raises(BadFrame):
        list(FrameReader().feed(wire))


@given(st.binary(max_size=70_000), st.sampled_from([frames.BINARY, frames.PONG, frames.PING]))
def test_our_frames_are_read_by_another_implementation(payload: bytes, opcode: int) -> None:
    if opcode >= frames.CLOSE:
        payload = payload[:125]
    data = frames.masked(opcode, payload)
    from websocket._abnf import frame_buffer

    position = 0

    def receive(count: int) -> bytes:
        nonlocal position
        position += count
        return data[position - count : position]

    frame = frame_buffer(receive, True).recv_frame()
    assert (frame.opcode, frame.data, frame.fin) == (opcode, payload, 1)
    assert position == len(data) and ABNF.OPCODE_BINARY == frames.BINARY


def status(**fields: object) -> bytes:
    return json.dumps(fields).encode()


def test_exit_codes_of_the_status_channel() -> None:
    causes = {"causes": [{"reason": "ExitCode", "message": "7"}]}
    assert outcome.exit_code(status(status="Success")) == 0
    assert outcome.exit_code(status(status="Failure", reason="NonZeroExitCode", details=causes)) == 7


@pytest.mark.parametrize(
    ("message", "kind"),
    [
        ('exec: "nope": executable file not found in $PATH: unknown', CouldNotStart),
        ("OCI runtime exec failed: exec failed: unable to start container process", CouldNotStart),
        ('container not found ("openvswitch")', NoSuchContainer),
        ("something else", ExecFailed),
        ("", ExecFailed),
    ],
)
def test_a_program_that_never_ran(message: str, kind: type[Exception]) -> None:
    with pytest.raises(kind):
        outcome.exit_code(status(status="Failure", message=message, reason="InternalError"))


def test_a_status_that_cannot_be_read() -> None:
    with pytest.raises(ExecFailed, match="cannot be read"):
        outcome.exit_code(b"\xff{")


def test_answers_where_the_stream_was_to_begin() -> None:
    assert isinstance(
        outcome.handshake_refused(404, status(message='pods "x" not found'), "e"), NoSuchContainer
    )
    assert isinstance(outcome.handshake_refused(401, b"", "e"), NotAuthorised)
    bad = outcome.handshake_refused(400, status(message="container x is not valid for pod y"), "e")
    assert isinstance(bad, NoSuchContainer)

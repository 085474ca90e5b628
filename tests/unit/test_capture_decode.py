"""Captured bytes -> lines: real frames built by the book, fed in pieces of any size."""

from __future__ import annotations

import ipaddress
import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ko_tui.backend.capture.capture import CaptureRequest, Interleaved, Seen, check_filter, tcpdump_argv
from ko_tui.backend.capture.decode import decode
from ko_tui.backend.capture.pcap import CapturedPacket, NotPcap, PcapStream, file_header, record
from ko_tui.backend.errors import UsageError
from ko_tui.backend.tracing.model import Endpoint

ETH = bytes.fromhex("000000000002000000000001")


def ipv4(protocol: int, payload: bytes, src: str = "10.16.0.4", dst: str = "10.16.0.5") -> bytes:
    ends = ipaddress.IPv4Address(src).packed + ipaddress.IPv4Address(dst).packed
    return struct.pack("!BBHHHBBH", 0x45, 0, 20 + len(payload), 1, 0, 64, protocol, 0) + ends + payload


def ipv6(following: int, payload: bytes) -> bytes:
    ends = ipaddress.IPv6Address("fd00::4").packed + ipaddress.IPv6Address("fd00::5").packed
    return struct.pack("!IHBB", 6 << 28, len(payload), following, 63) + ends + payload


TCP = struct.pack("!HHIIBBHHH", 30000, 80, 1, 0, 5 << 4, 0x12, 100, 0, 0)
UDP = struct.pack("!HHHH", 30000, 53, 8, 0)
ECHO = struct.pack("!BBHHH", 8, 0, 0, 7, 9)
INNER = ETH + b"\x08\x00" + ipv4(1, ECHO)
GENEVE = struct.pack("!BBH", 2, 0, 0x6558) + b"\x00\x00\x03\x00" + bytes(8) + INNER


@pytest.mark.parametrize(
    ("frame", "line"),
    [
        (ETH + b"\x08\x00" + ipv4(6, TCP), "tcp 10.16.0.4:30000 > 10.16.0.5:80 [SYN,ACK] 0 bytes ttl 64"),
        (ETH + b"\x08\x00" + ipv4(17, UDP), "udp 10.16.0.4:30000 > 10.16.0.5:53 0 bytes ttl 64"),
        (ETH + b"\x08\x00" + ipv4(1, ECHO), "icmp 10.16.0.4 > 10.16.0.5 echo request id 7 seq 9 ttl 64"),
        (ETH + b"\x86\xdd" + ipv6(17, UDP), "udp [fd00::4]:30000 > [fd00::5]:53 0 bytes hlim 63"),
        (
            ETH + b"\x86\xdd" + ipv6(58, b"\x87\0\0\0\0\0\0\0" + ipaddress.IPv6Address("fd00::9").packed),
            "icmp6 fd00::4 > fd00::5 neighbour solicitation fd00::9 hlim 63",
        ),
        (
            ETH + b"\x81\x00\x00\x64\x08\x00" + ipv4(17, UDP),
            "vlan 100 udp 10.16.0.4:30000 > 10.16.0.5:53 0 bytes ttl 64",
        ),
        (
            ETH
            + b"\x08\x06"
            + bytes.fromhex("0001080006040001000000000001")
            + bytes([10, 16, 0, 4])
            + bytes(6)
            + bytes([10, 16, 0, 1]),
            "arp 10.16.0.4 > 10.16.0.1 who has 10.16.0.1? tell 10.16.0.4 (00:00:00:00:00:01)",
        ),
        (
            ETH
            + b"\x08\x00"
            + ipv4(17, struct.pack("!HHHH", 5555, 6081, 8, 0) + GENEVE, "172.18.0.2", "172.18.0.3"),
            "geneve vni 3 172.18.0.2 > 172.18.0.3 | icmp 10.16.0.4 > 10.16.0.5 echo request id 7 seq 9 ttl 64",
        ),
        (ETH + b"\x08", "?   > cut short at 13 bytes"),
        (ETH + b"\x88\xcc" + bytes(4), "0x88cc 00:00:00:00:00:01 > 00:00:00:00:00:02 4 bytes"),
    ],
)
def test_lines(frame: bytes, line: str) -> None:
    got = decode(CapturedPacket(0.0, len(frame), frame, 1)).line()
    assert got.split() == line.replace("?   >", "?  >").split()


@given(st.binary(max_size=200), st.sampled_from([1, 113, 276, 999]))
def test_no_bytes_are_too_strange(content: bytes, linktype: int) -> None:
    assert isinstance(decode(CapturedPacket(0.0, len(content), content, linktype)).line(), str)


@given(st.lists(st.tuples(st.integers(0, 10**9), st.binary(max_size=60)), max_size=8), st.integers(1, 50))
def test_a_stream_reads_back_whatever_its_pieces(packets: list[tuple[int, bytes]], size: int) -> None:
    whole = file_header() + b"".join(record(CapturedPacket(t / 1e6, len(c), c, 1)) for t, c in packets)
    stream, got = PcapStream(), []
    for at in range(0, len(whole), size):
        got += stream.feed(whole[at : at + size])
    assert [p.content for p in got] == [c for _, c in packets]
    assert [round(p.time * 1e6) for p in got] == [t for t, _ in packets]


def test_something_else_is_no_capture() -> None:
    with pytest.raises(NotPcap):
        list(PcapStream().feed(b"tcpdump: eth9: No such device exists\n"))


@pytest.mark.parametrize(
    "words", [["-w", "/etc/x"], ["-zsh"], ["tcp", "-r", "x"], ["host", "a;b"], ["`id`"], ["a\nb"[:1] + "$x"]]
)
def test_a_filter_holds_no_option(words: list[str]) -> None:
    with pytest.raises(UsageError):
        check_filter(words)


def test_our_own_words_of_tcpdump() -> None:
    request = CaptureRequest((), ("tcp port 80",), count=3)
    assert tcpdump_argv("eth0", request)[-5:] == ("-c", "3", "tcp", "port", "80")


def test_several_captures_come_in_order_of_time() -> None:
    def seen(time: float) -> Seen:
        packet = CapturedPacket(time, 0, b"", 1)
        return Seen(Endpoint("pod", "a"), packet, decode(packet))

    order, out = Interleaved(hold=1.0), []
    for moment in (1.0, 3.0, 2.0, 5.0, 4.5):
        out += order.put(seen(moment))
    out += order.rest()
    assert [s.packet.time for s in out] == [1.0, 2.0, 3.0, 4.5, 5.0]

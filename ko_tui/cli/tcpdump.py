"""``ko-tui tcpdump NS/POD [...] [filter]``: captured in the cluster, decoded here."""

from __future__ import annotations

import argparse
import sys
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from ko_tui.backend.capture.capture import (
    DEFAULT_SECONDS,
    SNAPLEN,
    CaptureRequest,
    Interleaved,
    Seen,
    capture,
    check_filter,
)
from ko_tui.backend.capture.pcap import clock
from ko_tui.cli.options import session_options
from ko_tui.cli.signals import cancelled_by_signals
from ko_tui.cli.visible import visible

TICK = 0.25  # seconds between looks for packets that have waited for their turn
SUMMARY = """Capture the packets of a pod, VM, node or attachment NIC; payload is cut off unless --snaplen says more.
Words after the endpoint are a pcap-filter(7); several endpoints are given with --also and shown in order of time."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("endpoint", help="NS/POD, NS/POD@ATTACHMENT or node//NAME")
    parser.add_argument("filter", nargs="*", help="such as: tcp port 80 and host 10.16.0.5")
    parser.add_argument(
        "--also", action="append", default=[], metavar="ENDPOINT", help="one more; may be repeated"
    )
    parser.add_argument("-c", "--count", type=int, default=0, help="stop after this many packets at each")
    parser.add_argument("--seconds", type=int, default=DEFAULT_SECONDS, help="stop after this time")
    parser.add_argument("--snaplen", type=int, default=SNAPLEN, help="bytes kept of each packet")
    parser.add_argument("-w", "--write", default="", metavar="FILE", help="also write a pcap file here")
    parser.add_argument("--force", action="store_true", help="overwrite FILE")


def run(args: argparse.Namespace) -> int:
    from ko_tui.backend.errors import UsageError
    from ko_tui.backend.session import open_session
    from ko_tui.backend.tracing.lookup import find_endpoint

    words = check_filter(args.filter)
    if args.write and Path(args.write).exists() and not args.force:
        raise UsageError(f"{args.write} exists already.", "Choose another name, or give --force.")
    session = open_session(session_options(args))
    many = bool(args.also)
    order = Interleaved()
    try:
        namespace = session.info.namespace or "default"
        endpoints = tuple(find_endpoint(session, text, namespace) for text in (args.endpoint, *args.also))
        request = CaptureRequest(endpoints, words, args.count, args.seconds, args.snaplen, args.write)

        def say(packets: Sequence[Seen]) -> None:
            for due in packets:
                print(line_of(due, many), flush=True)

        def show(seen: Seen) -> None:
            say(order.put(seen) if many else [seen])

        with cancelled_by_signals("stopping") as cancel, _now_and_then(lambda: say(order.due())):
            problems = capture(session, request, cancel=cancel, on_seen=show, on_note=_note)
        for seen in order.rest():
            print(line_of(seen, many))
        for problem in problems:
            _note(problem)
        return 3 if problems else 0
    finally:
        session.close()


@contextmanager
def _now_and_then(look: Callable[[], None]) -> Iterator[None]:
    """Packets whose turn has come are shown also while nothing more arrives."""
    over = threading.Event()

    def work() -> None:
        while not over.wait(TICK):
            look()

    thread = threading.Thread(target=work, daemon=True)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()


def line_of(seen: Seen, many: bool) -> str:
    """A packet as one line: local time, the endpoint when there are several, what it is."""
    place = f"{seen.endpoint.key}: " if many else ""
    return visible(f"{clock(seen.packet.time)} {place}{seen.decoded.line()}")


def _note(text: str) -> None:
    print(f"ko-tui: {visible(text)}", file=sys.stderr)

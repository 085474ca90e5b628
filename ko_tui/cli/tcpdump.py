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
from ko_tui.backend.capture.place import check_interface
from ko_tui.cli import tcpdump_words
from ko_tui.cli.options import refuse_saved, refuse_strict, session_options
from ko_tui.cli.render_packets import Lines, PcapOut
from ko_tui.cli.signals import cancelled_by_signals
from ko_tui.cli.visible import visible

TICK = 0.25  # seconds between looks for packets that have waited for their turn
SUMMARY = """Capture the packets of a pod, VM, node or attachment NIC; payload is cut off unless -s says more.
Words after the endpoint are a pcap-filter(7); several endpoints are given with --also and shown in order of time.
After the word tcpdump, options are read as tcpdump reads them: -nne -c5 -i net1 -w -; -n is not the namespace there."""


def read_words(given: Sequence[str]) -> list[str]:
    """tcpdump's own spellings as ko-tui's. Raises UsageError or PolicyRefusal."""
    from ko_tui.backend.errors import PolicyRefusal
    from ko_tui.cli.tool import note_refusal

    try:
        read = tcpdump_words.read_words(given)
    except PolicyRefusal as refusal:
        note_refusal(["tcpdump", *given], "", refusal.what)
        raise
    if read.own_way:
        _note(
            f"{' '.join(read.own_way)}: printed in ko-tui's own way; tcpdump's is -w - | tcpdump -nn -v -r -"
        )
    return list(read.words)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("endpoint", help="NS/POD, NS/POD@ATTACHMENT or node//NAME")
    parser.add_argument("filter", nargs="*", help="such as: tcp port 80 and host 10.16.0.5")
    parser.add_argument(
        "--also", action="append", default=[], metavar="ENDPOINT", help="one more; may be repeated"
    )
    parser.add_argument("-c", "--count", type=int, default=0, help="stop after this many packets at each")
    parser.add_argument("--seconds", type=int, default=DEFAULT_SECONDS, help="stop after this time")
    parser.add_argument(
        "-s",
        "--snaplen",
        "--snapshot-length",
        type=int,
        default=SNAPLEN,
        help=f"bytes kept of each packet (default {SNAPLEN}: the headers); 0 keeps all",
    )
    parser.add_argument(
        "-i",
        "--interface",
        default="",
        metavar="NAME",
        help="another interface of the pod or node, or any (default: the pod's own)",
    )
    parser.add_argument("-Q", "--direction", default="", choices=("in", "out", "inout"))
    parser.add_argument(
        "-w", "--write", default="", metavar="FILE", help="also write a pcap file here; - is a pipe instead"
    )
    parser.add_argument("--force", action="store_true", help="overwrite FILE")
    shown = parser.add_argument_group("how a packet is shown")
    shown.add_argument("-e", "--macs", action="store_true", help="its MAC addresses too")
    shown.add_argument("-x", "-X", "-A", "--hex", action="store_true", help="its bytes too")
    shown.add_argument(
        "--time",
        choices=tcpdump_words.TIMES,
        default="clock",
        help="none (-t), epoch (-tt), delta (-ttt: since the last), date (-tttt), since (-ttttt: the first)",
    )


def run(args: argparse.Namespace) -> int:
    from ko_tui.backend.errors import UsageError
    from ko_tui.backend.session import open_session
    from ko_tui.backend.tracing.lookup import find_endpoint

    refuse_saved(args, "tcpdump")
    refuse_strict(args, "A capture reads the payload of packets")
    words = check_filter(args.filter)
    check_interface(args.interface)
    piped = args.write == "-"
    if piped and sys.stdout.isatty():
        raise UsageError(
            "-w - gives a pcap stream, and standard output is a terminal.", "| wireshark -k -i -"
        )
    if args.write and not piped and Path(args.write).exists() and not args.force:
        raise UsageError(f"{args.write} exists already.", "Choose another name, or give --force.")
    session = open_session(session_options(args))
    many = bool(args.also)
    order = Interleaved()
    out = PcapOut(sys.stdout.buffer) if piped else Lines(many, args.time, args.macs, args.hex)
    try:
        namespace = session.info.namespace or "default"
        endpoints = tuple(find_endpoint(session, text, namespace) for text in (args.endpoint, *args.also))
        request = CaptureRequest(
            endpoints,
            words,
            args.count,
            args.seconds,
            args.snaplen,
            "" if piped else args.write,
            args.interface,
            args.direction,
        )
        if args.write and args.snaplen == SNAPLEN:
            _note(f"the first {SNAPLEN} bytes of each packet are kept; -s 0 keeps all.")

        def say(packets: Sequence[Seen]) -> None:
            for due in packets:
                out.put(due)

        def show(seen: Seen) -> None:
            say(order.put(seen) if many else [seen])

        with cancelled_by_signals("stopping") as cancel, _now_and_then(lambda: say(order.due())):
            problems = capture(session, request, cancel=cancel, on_seen=show, on_note=_note)
        say(order.rest())
        out.close()
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


def _note(text: str) -> None:
    print(f"ko-tui: {visible(text)}", file=sys.stderr)

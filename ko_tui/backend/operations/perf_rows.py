"""One row of a measurement: the tools run in the test pods, one after the other, and are read."""

from __future__ import annotations

import secrets
import threading
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ko_tui.backend.command.run import CommandRun
from ko_tui.backend.errors import KoError
from ko_tui.backend.operations import perf_measure as tools
from ko_tui.backend.operations.perf_model import PerfRow
from ko_tui.backend.source.interface import Cancel, ExecCancelled, OnBytes, PodRef

if TYPE_CHECKING:
    from ko_tui.backend.session import Session

GRACE = 15  # seconds that a tool may take longer than it measures
LISTEN_FIRST, LISTEN_ON = (
    1.5,
    0.5,
)  # seconds that the server has before the sender starts, and after it has ended
LISTEN_LONGER = 2  # both


@dataclass(frozen=True, slots=True)
class Group:
    """Who sends to the group and who listens; on the host network from which address, and on which device."""

    source: PodRef
    listener: PodRef
    address: str = ""
    device: str = ""


def host_group(session: Session, source: PodRef, listener: PodRef, sends: str, hears: str) -> Group:
    """On the NICs with the nodes' own addresses: a node may have several, and a route for neither."""
    said = _run(session, listener, ("ip", "-o", "addr", "show"), 10, Cancel())
    device = "" if isinstance(said, str) else tools.read_device(said.stdout, hears)
    return Group(source, listener, sends, device)


def unicast_row(
    session: Session, source: PodRef, address: str, size: int, seconds: int, cancel: Cancel
) -> PerfRow:
    """Latency by qperf, throughput by iperf3. What fails is said in the row; only a cancel is raised."""
    problems: list[str] = []

    def run(argv: tuple[str, ...]) -> str:
        limited = ("timeout", "-k", "2", str(2 * seconds + GRACE), *argv)
        done = _run(session, source, limited, 2 * seconds + GRACE + 5, cancel)
        if isinstance(done, str):
            problems.append(f"{argv[0]}: {done}")
            return ""
        if done.exit_code and not (argv[0] == "iperf3" and '"error"' in done.stdout):
            problems.append(f"{argv[0]}: {_why(done)}")
        return done.stdout

    latency = tools.read_latency(run(tools.latency_command(address, size, seconds)))
    rates = []
    for udp in (True, False):
        text = run(tools.throughput_command(address, size, seconds, udp=udp))
        rate = tools.read_throughput(text, udp=udp) if text else tools.Throughput(None)
        if rate.problem:
            problems.append(f"iperf3 {'UDP' if udp else 'TCP'}: {rate.problem}")
        rates.append(rate)
    over_udp, over_tcp = rates
    return PerfRow(
        size,
        latency.get("tcp"),
        over_tcp.bits,
        latency.get("udp"),
        over_udp.bits,
        over_udp.lost,
        None,
        tuple(problems),
    )


def multicast_row(session: Session, group: Group, size: int, seconds: int, cancel: Cancel) -> PerfRow:
    """One sends to the group, the other listens: once as fast as it goes, and once slowly for the jitter.

    What fails is said in the row; only a cancel is raised.
    """
    problems: list[str] = []
    fast = _listen(session, group, size, seconds, cancel, problems, full=True)
    slow = _listen(session, group, size, seconds, cancel, problems, full=False) if fast else None
    return PerfRow(
        size,
        udp_bits=fast.bits if fast else None,
        udp_lost=fast.lost if fast else None,
        jitter_ms=slow.jitter_ms if slow else None,
        problems=tuple(dict.fromkeys(problems)),
    )


def _listen(
    session: Session,
    group: Group,
    size: int,
    seconds: int,
    cancel: Cancel,
    problems: list[str],
    *,
    full: bool,
) -> tools.Heard | None:
    text: list[bytes] = []
    failed: list[str] = []
    started = threading.Event()

    def came(piece: bytes) -> None:
        text.append(piece)
        started.set()

    # Its fraction makes the time unlike any other's: by it the server is ended once all was sent.
    limit = f"{seconds + GRACE}.{secrets.randbelow(900_000) + 100_000}"

    def listen() -> None:
        argv = tools.listen_command(limit, group.device)
        try:
            done = _run(session, group.listener, argv, seconds + GRACE + 10, cancel, came)
            failed.append(done if isinstance(done, str) else done.stderr.strip())
        except ExecCancelled:
            pass  # the sender's own run says so
        started.set()

    thread = threading.Thread(target=listen, daemon=True)
    thread.start()
    started.wait(LISTEN_FIRST)  # it says first that it listens, if it does not keep its words back
    send = tools.send_command(size, seconds, full=full, address=group.address)
    argv = ("timeout", "-k", "2", str(seconds + GRACE), *send)
    try:
        sent = _run(session, group.source, argv, seconds + GRACE + 5, cancel)
        if not cancel.cancelled:
            cancel.wait(LISTEN_ON)
    finally:
        _run(session, group.listener, tools.end_command(limit), GRACE, Cancel())
        thread.join(seconds + 2 * GRACE)
    if isinstance(sent, str):
        problems.append(f"iperf: {sent}")
    elif sent.exit_code:
        problems.append(f"iperf: {_why(sent)}")
    found = tools.read_multicast(b"".join(text).decode("utf-8", "replace"))
    if found is None:
        said = next((f.splitlines()[-1] for f in failed if f), "")
        problems.append(f"iperf server: nothing that was sent arrived{f' ({said})' if said else ''}")
    return found


def _run(
    session: Session,
    pod: PodRef,
    argv: tuple[str, ...],
    timeout: float,
    cancel: Cancel,
    on_stdout: OnBytes | None = None,
) -> CommandRun | str:
    """The run, or why there is none. Raises ExecCancelled. These commands run in our own pods only."""
    try:
        return session.run(pod, argv, timeout=timeout, cancel=cancel, on_stdout=on_stdout, trusted=True)
    except ExecCancelled:
        raise
    except KoError as error:
        return f"{error.title}: {error.what}"


def _why(run: CommandRun) -> str:
    lines = (run.stderr or run.stdout).strip().splitlines()
    if run.exit_code == 124:
        return "it did not end in time"
    return lines[-1] if lines else f"status {run.exit_code}"

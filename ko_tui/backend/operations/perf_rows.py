"""One row of a measurement: the tools run in the test pods, one after the other, and are read."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

from ko_tui.backend.command.run import CommandRun
from ko_tui.backend.errors import KoError
from ko_tui.backend.operations import perf_measure as tools
from ko_tui.backend.operations.perf_model import PerfRow
from ko_tui.backend.source.interface import Cancel, ExecCancelled, PodRef

if TYPE_CHECKING:
    from ko_tui.backend.session import Session

GRACE = 15  # seconds that a tool may take longer than it measures
LISTEN_FIRST, LISTEN_LONGER = 1.5, 4  # seconds before the sender starts; and in all beyond the sending


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


def multicast_row(
    session: Session, source: PodRef, listener: PodRef, size: int, seconds: int, cancel: Cancel
) -> PerfRow:
    """One sends to the group, the other listens. What fails is said in the row; only a cancel is raised."""
    heard: list[CommandRun | str] = []
    started = threading.Event()

    def listen() -> None:
        argv = tools.listen_command(seconds + LISTEN_LONGER)
        limit = seconds + LISTEN_LONGER + 10

        def came(_piece: bytes) -> None:
            text.append(_piece)
            started.set()

        try:
            heard.append(_run(session, listener, argv, limit, cancel, came))
        except KoError as error:
            heard.append(error.what)
        started.set()

    text: list[bytes] = []
    thread = threading.Thread(target=listen, daemon=True)
    thread.start()
    started.wait(LISTEN_FIRST)  # it says first that it listens, if it does not keep its words back
    argv = ("timeout", "-k", "2", str(seconds + GRACE), *tools.send_command(size, seconds))
    try:
        sent = _run(session, source, argv, seconds + GRACE + 5, cancel)
    finally:
        thread.join(seconds + 2 * GRACE)
    problems = []
    if isinstance(sent, str):
        problems.append(f"iperf: {sent}")
    elif sent.exit_code:
        problems.append(f"iperf: {_why(sent)}")
    found = tools.read_multicast(b"".join(text).decode("utf-8", "replace"))
    if found is None:
        said = heard[0] if heard and isinstance(heard[0], str) else "nothing that was sent arrived"
        problems.append(f"iperf server: {said}")
        return PerfRow(size, problems=tuple(problems))
    return PerfRow(
        size, udp_bits=found.bits, udp_lost=found.lost, jitter_ms=found.jitter_ms, problems=tuple(problems)
    )


def _run(
    session: Session,
    pod: PodRef,
    argv: tuple[str, ...],
    timeout: float,
    cancel: Cancel,
    on_stdout: object = None,
) -> CommandRun | str:
    """The run, or why there is none. Raises ExecCancelled. These commands run in our own pods only."""
    try:
        return session.run(pod, argv, timeout=timeout, cancel=cancel, on_stdout=on_stdout, trusted=True)  # type: ignore[arg-type]
    except ExecCancelled:
        raise
    except KoError as error:
        return f"{error.title}: {error.what}"


def _why(run: CommandRun) -> str:
    lines = (run.stderr or run.stdout).strip().splitlines()
    if run.exit_code == 124:
        return "it did not end in time"
    return lines[-1] if lines else f"status {run.exit_code}"

"""What a measurement of performance is asked for, and what it found; sizes in bytes, rates in bits a second."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from typing import Any, Literal

Part = Literal["pod", "host", "service", "multicast", "host-multicast"]
PARTS: dict[Part, str] = {
    "pod": "pod to pod",
    "host": "node to node, on the host network",
    "service": "pod to Service",
    "multicast": "pod to pod, multicast",
    "host-multicast": "node to node, multicast on the host network",
}
SIZES = (64, 128, 512, 1024, 4096)  # as kubectl-ko measures them
SECONDS = 5


@dataclass(frozen=True, slots=True)
class PerfRow:
    """One message size. What is None was not had, and ``problems`` says why.

    Latencies in microseconds (half a round trip, as qperf counts), jitter in milliseconds, loss in percent.
    """

    size: int
    tcp_latency_us: float | None = None
    tcp_bits: float | None = None
    udp_latency_us: float | None = None
    udp_bits: float | None = None
    udp_lost: float | None = None
    jitter_ms: float | None = None
    problems: tuple[str, ...] = ()


@dataclass(slots=True)
class PerfSection:
    part: Part
    source: str
    target: str
    rows: list[PerfRow] = field(default_factory=list)

    @property
    def title(self) -> str:
        return PARTS[self.part]

    @property
    def multicast(self) -> bool:
        return self.part.endswith("multicast")


@dataclass(frozen=True, slots=True)
class Recovery:
    """A leader that was killed. ``serving`` is the time until another (or the new pod) leads, ``whole`` until
    ovn-central has all its pods again, in seconds; None when that did not come, and ``problem`` says so."""

    what: str
    pod: str
    successor: str = ""
    serving: float | None = None
    whole: float | None = None
    problem: str = ""

    def text(self) -> str:
        """In one sentence."""
        said = [f"{self.what}: {self.pod} was killed"]
        if self.serving is not None:
            said.append(f"{self.successor} took its place after {self.serving:.1f} s")
        if self.whole is not None:
            said.append(f"all was whole after {self.whole:.1f} s")
        return ", ".join(said) + (f"; {self.problem}" if self.problem else "")


@dataclass(slots=True)
class PerfResult:
    """``left`` names what could not be removed from the cluster; ``problem`` what ended the run early."""

    image: str
    client: str
    server: str
    sections: list[PerfSection] = field(default_factory=list)
    recoveries: list[Recovery] = field(default_factory=list)
    problem: str = ""
    left: list[str] = field(default_factory=list)

    @property
    def complete(self) -> bool:
        rows = [row for section in self.sections for row in section.rows]
        missed = any(row.problems for row in rows) or any(r.problem for r in self.recoveries)
        return not (self.problem or self.left or missed)

    def to_json(self) -> dict[str, Any]:
        return {**asdict(self), "complete": self.complete}


OnSection = Callable[[PerfSection, PerfRow], None]


def bits_text(bits: float | None) -> str:
    """``9.41 Gbit/s``; "-" for None."""
    if bits is None:
        return "-"
    for unit, scale in (("Gbit/s", 1e9), ("Mbit/s", 1e6), ("kbit/s", 1e3)):
        if bits >= scale:
            return f"{_short(bits / scale)} {unit}"
    return f"{bits:.0f} bit/s"


def latency_text(microseconds: float | None) -> str:
    """``12.3 us``, ``4.5 ms``; "-" for None."""
    if microseconds is None:
        return "-"
    for unit, scale in (("s", 1e6), ("ms", 1e3)):
        if microseconds >= scale:
            return f"{_short(microseconds / scale)} {unit}"
    return f"{_short(microseconds)} us"


def _short(number: float) -> str:
    """Three digits, and never an exponent."""
    return f"{number:.0f}" if number >= 99.95 else f"{number:.3g}"


def percent_text(percent: float | None) -> str:
    return "-" if percent is None else f"{percent:.2g} %" if percent < 10 else f"{percent:.0f} %"


def cells(section: PerfSection, row: PerfRow) -> tuple[str, ...]:
    """A row as words, under :func:`headings`."""
    if section.multicast:
        jitter = "-" if row.jitter_ms is None else f"{row.jitter_ms:.3f} ms"
        return (str(row.size), jitter, percent_text(row.udp_lost), bits_text(row.udp_bits))
    return (
        str(row.size),
        latency_text(row.tcp_latency_us),
        bits_text(row.tcp_bits),
        latency_text(row.udp_latency_us),
        percent_text(row.udp_lost),
        bits_text(row.udp_bits),
    )


def headings(section: PerfSection) -> tuple[str, ...]:
    if section.multicast:
        return ("bytes", "jitter", "lost", "UDP")
    return ("bytes", "TCP latency", "TCP", "UDP latency", "lost", "UDP")

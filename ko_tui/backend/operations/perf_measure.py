"""The measuring tools: their command lines, and what they say (qperf(1), iperf3(1), iperf(1))."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass

from ko_tui.backend.operations.perf_objects import QPERF_DATA

GROUP = "224.0.0.100"
STREAMS = 10
_LATENCY = re.compile(r"^(tcp|udp)_lat:\s*\n\s+latency\s*=\s*([\d.,]+) (ns|us|ms|sec)\b", re.MULTILINE)
_MICROSECONDS = {"ns": 0.001, "us": 1.0, "ms": 1000.0, "sec": 1_000_000.0}
# [  3] 0.0000-1.0008 sec  12.5 KBytes   103 Kbits/sec   0.012 ms 0/90 (0%)
_MULTICAST = re.compile(
    r"sec\s+[\d.]+ \w*Bytes\s+([\d.]+) ([KMG]?)bits/sec\s+([\d.]+) ms\s+(\d+)/\s*(\d+)", re.IGNORECASE
)
_SCALE = {"": 1.0, "K": 1e3, "M": 1e6, "G": 1e9}


@dataclass(frozen=True, slots=True)
class Throughput:
    """``bits`` a second as they arrived; ``lost`` in percent for UDP, else None."""

    bits: float | None
    lost: float | None = None
    problem: str = ""


@dataclass(frozen=True, slots=True)
class Heard:
    """What a multicast server heard: its last report."""

    bits: float
    jitter_ms: float
    lost: float


def latency_command(address: str, size: int, seconds: int) -> tuple[str, ...]:
    limits = ("-t", str(seconds), "-to", str(seconds + 5), "-ip", str(QPERF_DATA), "-m", str(size))
    return ("qperf", address, *limits, "tcp_lat", "udp_lat")


def throughput_command(address: str, size: int, seconds: int, *, udp: bool) -> tuple[str, ...]:
    """As fast as it goes, over ten streams at once."""
    base = ("iperf3", "-c", address, "-t", str(seconds), "-P", str(STREAMS), "-l", str(size), "-J")
    return (*base, "-u", "-b", "0") if udp else base


def listen_command(seconds: str, device: str = "") -> tuple[str, ...]:
    """A server that joins the group (on ``device``, else where the routes lead), and ends by itself."""
    limit = ("timeout", "-s", "INT", seconds)
    where = f"{GROUP}%{device}" if device else GROUP
    # Its reports on the way count when the sender's last word, after which it tells of the whole, is lost.
    return (*limit, "iperf", "-s", "-u", "-B", where, "-f", "k", "-i", "0.5")


def end_command(seconds: str) -> tuple[str, ...]:
    """Ends the server that was given this time and no other, as its time would."""
    return ("pkill", "-INT", "-f", f"^timeout -s INT {seconds.replace('.', '[.]')} ")


def send_command(size: int, seconds: int, *, full: bool, address: str = "") -> tuple[str, ...]:
    """As fast as it goes when ``full``, else a megabit a second; from ``address`` and by its NIC when given."""
    argv = ("iperf", "-c", GROUP, "-u", "-T", "32", "-t", str(seconds), "-l", str(size))
    return (*argv, *(("-b", "1000G") if full else ()), *(("-B", address) if address else ()))


def read_device(text: str, address: str) -> str:
    """The device with ``address`` in ``ip -o addr show``; "" when none has it."""
    for line in text.splitlines():
        words = line.split()
        if len(words) > 3 and words[3].partition("/")[0] == address:
            return words[1]
    return ""


def read_latency(text: str) -> dict[str, float]:
    """``tcp`` and ``udp`` -> microseconds, as far as they were said."""
    return {
        protocol: float(number.replace(",", "")) * _MICROSECONDS[unit]
        for protocol, number, unit in _LATENCY.findall(text)
    }


def read_throughput(text: str, *, udp: bool) -> Throughput:
    """iperf3's JSON. An error that it reports is the ``problem``."""
    try:
        said = json.loads(text)
        if said.get("error"):
            return Throughput(None, None, str(said["error"]))
        end = said["end"]
        got = end.get("sum_received") or {}
        total = end.get("sum") or end.get("sum_sent") or {}
        lost = float(total.get("lost_percent", 0.0)) if udp else None
        bits = float(got.get("bits_per_second") or 0.0)
        if udp and not bits:  # before 3.10 what was received had to be worked out
            bits = float(total.get("bits_per_second") or 0.0) * (1 - (lost or 0.0) / 100)
    except (ValueError, KeyError, TypeError, AttributeError):
        return Throughput(None, None, "iperf3's report was not understood")
    return Throughput(bits, lost)


def read_multicast(text: str) -> Heard | None:
    """The last report of an iperf server in which something was heard; None when there is none."""
    found = [report for report in _MULTICAST.findall(text) if int(report[4])]
    if not found:
        return None
    number, unit, jitter, lost, total = found[-1]
    share = 100 * int(lost) / int(total)
    return Heard(float(number) * _SCALE[unit.upper()], float(jitter), share)

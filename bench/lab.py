"""The lab: how long until three nodes forward packets, and until nothing of it is left."""

from __future__ import annotations

import statistics
import time

from tests.lab.cluster import Lab, why_unavailable

ROUNDS = 3
START, STOP = 15.0, 5.0


def main() -> None:
    if reason := why_unavailable():
        print(f"# lab: {reason}")
        return
    starts, stops = [], []
    for _ in range(ROUNDS):
        lab = Lab()
        began = time.perf_counter()
        try:
            lab.start()
            assert lab.ping("default/client", "10.16.0.12")
            starts.append(time.perf_counter() - began)
        finally:
            began = time.perf_counter()
            lab.stop()
        stops.append(time.perf_counter() - began)
    for name, took, goal in (("start_to_first_ping", starts, START), ("stop", stops, STOP)):
        value = statistics.median(took)
        print(f"lab.{name} {value:.1f}s <={goal:.0f}s {'ok' if value <= goal else 'short'}")


if __name__ == "__main__":
    main()

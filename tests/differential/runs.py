"""One run: clusters made, packets traced by both, every difference told."""

from __future__ import annotations

import difflib
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from random import Random

from ko_tui.backend.simulate import Options, Simulator
from ko_tui.backend.simulate.dice import closest, without_flow
from ko_tui.backend.source.ovsdb_file import loads
from tests.differential.cluster import Maker
from tests.differential.ovn import ScratchOvn
from tests.differential.packets import Chooser, Request

FLOWS_PER_CLUSTER = 50


@dataclass
class Difference:
    """A packet for which the texts differ."""

    seed: int
    request: Request
    real: str
    simulated: str

    def __str__(self) -> str:
        lines = difflib.unified_diff(
            self.real.splitlines(), self.simulated.splitlines(), "ovn-trace", "simulator", lineterm="", n=2
        )
        return f"cluster seed {self.seed}: {self.request.arguments}\n" + "\n".join(list(lines)[:40])


@dataclass
class Tally:
    """What a run saw. ``aborted`` counts packets on which ovn-trace itself crashes: nothing to compare."""

    clusters: int = 0
    compared: int = 0
    aborted: int = 0
    real_seconds: float = 0.0
    simulated_seconds: float = 0.0
    visited: set[str] = field(default_factory=set)
    differences: list[Difference] = field(default_factory=list)


def run(
    count: int,
    seed: int,
    *,
    per_cluster: int = FLOWS_PER_CLUSTER,
    seconds: float = float("inf"),
    tell: Callable[[str], None] | None = None,
) -> Tally:
    """Compare ``count`` packets, or as many as ``seconds`` allow."""
    tally = Tally()
    deadline = time.monotonic() + seconds
    number = 0
    while tally.compared < count and time.monotonic() < deadline:
        with ScratchOvn() as ovn:
            cluster_seed = seed * 100_003 + number
            number += 1
            random = Random(cluster_seed)
            cluster = Maker(ovn, random).make()
            simulator = Simulator(loads(ovn.southbound(), "southbound"))
            tally.clusters += 1
            chooser = Chooser(cluster, random)
            for _ in range(min(per_cluster, count - tally.compared)):
                compare(ovn, simulator, chooser.request(), cluster_seed, tally)
                if time.monotonic() > deadline:
                    break
            if tell:
                tell(
                    f"{tally.clusters} clusters, {tally.compared} packets, {len(tally.differences)} differences, "
                    f"{len(tally.visited)} stages, {ovn.refused} refused"
                )
    return tally


def compare(ovn: ScratchOvn, simulator: Simulator, request: Request, seed: int, tally: Tally) -> None:
    """One packet through both."""
    started = time.perf_counter()
    real = ovn.trace(request.arguments)
    middle = time.perf_counter()
    options = Options(request.ct, request.lb_dst, request.select_id)
    made = closest(simulator, request.datapath, request.microflow, options, real.stdout)
    tally.real_seconds += middle - started
    tally.simulated_seconds += time.perf_counter() - middle
    tally.compared += 1
    tally.visited.update(_stages(made.text))
    if real.returncode < 0:  # it failed an assertion, or a loop exhausted its stack
        tally.aborted += 1
        assert made.text, request
    elif without_flow(real.stdout) != without_flow(made.text) or real.stdout != made.text:
        tally.differences.append(Difference(seed, request, real.stdout, made.text))


def _stages(text: str) -> Iterator[str]:
    for line in text.splitlines():
        head, dot, rest = line.strip().partition(". ")
        if dot and head.isdigit():
            yield rest.partition(" ")[0].rstrip(":")

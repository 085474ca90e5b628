"""Comparing a simulated trace with a real one where ovn-trace throws dice (load balancers, ECMP)."""

from __future__ import annotations

from dataclasses import replace
from heapq import heappop, heappush

from ko_tui.backend.simulate.options import Options
from ko_tui.backend.simulate.simulator import Simulation, Simulator

MAX_THROWS = 400


def without_flow(text: str) -> str:
    """The text without its first line, which is Open vSwitch's own spelling of the packet."""
    return text.partition("\n")[2] if text.startswith("# ") else text


def closest(
    simulator: Simulator,
    datapath: str | None,
    microflow: str,
    options: Options,
    real: str,
    *,
    flow_line: bool = True,
) -> Simulation:
    """The simulation whose dice fell as the real run's did; the first one when none gives its text."""

    def same(text: str) -> bool:
        return text == real if flow_line else without_flow(text) == without_flow(real)

    first = simulator.run(datapath, microflow, options)
    if "loop" in first.assumptions:
        return first  # ovn-trace itself crashes on it: there is nothing to come near to
    # Best first: a way on which the dice fall a dozen times (a loop) has thousands of ends.
    waiting: list[tuple[int, int, tuple[int, ...]]] = [(0, 0, ())]
    for _ in range(MAX_THROWS):
        if not waiting:
            break
        _, _, picks = heappop(waiting)
        made = simulator.run(datapath, microflow, replace(options, picks=picks)) if picks else first
        if same(made.text):
            return made
        if len(picks) < len(made.alternatives):
            near = -_alike(without_flow(made.text), without_flow(real))
            for n in range(made.alternatives[len(picks)]):
                heappush(waiting, (near, len(picks), (*picks, n)))
    return first


def _alike(one: str, other: str) -> int:
    """How many characters two texts begin with that are the same."""
    low, high = 0, min(len(one), len(other))
    while low < high:
        middle = (low + high + 1) // 2
        if one[low:middle] == other[low:middle]:
            low = middle
        else:
            high = middle - 1
    return low

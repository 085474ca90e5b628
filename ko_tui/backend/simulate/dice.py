"""Comparing a simulated trace with a real one where ovn-trace throws dice (load balancers, ECMP)."""

from __future__ import annotations

from dataclasses import replace

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
    waiting: list[tuple[int, ...]] = [()]
    for _ in range(MAX_THROWS):
        if not waiting:
            break
        picks = waiting.pop(0)
        made = simulator.run(datapath, microflow, replace(options, picks=picks)) if picks else first
        if same(made.text):
            return made
        if len(picks) < len(made.alternatives):
            waiting += [(*picks, n) for n in range(made.alternatives[len(picks)])]
    return first

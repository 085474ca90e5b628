"""Packets traced through saved logical flows, as ovn-trace would trace them.

``Simulator(database)`` holds a southbound database ready for many traces; ``simulate`` makes one trace.
"""

from __future__ import annotations

from ko_tui.backend.simulate.options import Options
from ko_tui.backend.simulate.simulator import Simulation, Simulator, simulate

__all__ = ["Options", "Simulation", "Simulator", "simulate"]

"""The door of the simulator: a database in, traces out."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from ko_tui.backend.ovn.trace_model import Trace
from ko_tui.backend.simulate.engine import Step, Walker
from ko_tui.backend.simulate.flow_text import flow_text
from ko_tui.backend.simulate.flows import FlowIndex
from ko_tui.backend.simulate.matching import Scope
from ko_tui.backend.simulate.microflow import MicroflowError, find_datapath, parse_microflow
from ko_tui.backend.simulate.nodes import Kind, TraceNode, detailed
from ko_tui.backend.simulate.options import Options, choices
from ko_tui.backend.simulate.southbound import READ, Southbound
from ko_tui.backend.source.ovsdb_file import Database

RECURSION = 60_000
"""Python frames that a way of MAX_DEPTH tables may need; pure Python calls take no room on the C stack."""


@dataclass(slots=True)
class Simulation:
    """A simulated trace: its text as ovn-trace prints it, the tables visited, and what was assumed.

    ``failed`` is True when the request itself was wrong; ``text`` then is ovn-trace's message.
    ``alternatives`` is how many equal choices there were wherever ovn-trace throws dice (see Options.picks).
    """

    text: str
    steps: list[Step]
    assumptions: list[str]
    failed: bool = False
    alternatives: tuple[int, ...] = ()

    def trace(self) -> Trace:
        """The same model that the parser of ovn-trace's output makes."""
        from ko_tui.backend.ovn.trace import parse

        trace = parse(self.text)
        trace.assumptions = list(dict.fromkeys([*trace.assumptions, *self.assumptions]))
        return trace


class Simulator:
    """A southbound database ready for traces. Safe to use from one thread at a time."""

    def __init__(self, database: Database, *, friendly_names: bool = True, version: str = "") -> None:
        self.southbound = Southbound(database, friendly_names=friendly_names, version=version)
        self.index = FlowIndex(self.southbound)

    def updated(self, database: Database, changed: Iterable[tuple[str, str]]) -> Simulator:
        """The simulator of ``database``, which differs in these rows (table and UUID); this one is spent then.

        Most of what is written are logical flows: only the stages that they belong to are read again.
        """
        rows = set(changed)
        flows = {uuid for table, uuid in rows if table == "Logical_Flow"}
        southbound = self.southbound
        if any(table in READ and table != "Logical_Flow" for table, _ in rows):
            southbound = Southbound(database, friendly_names=southbound.friendly_names)
        else:
            southbound.database = database
        other = object.__new__(Simulator)
        other.southbound = southbound
        other.index = self.index.updated(southbound, flows)
        return other

    def run(self, datapath: str | None, microflow: str, options: Options | None = None) -> Simulation:
        """Trace ``microflow`` from ``datapath`` (name or UUID; None: its inport's).

        Raises UsageError for options that are wrong; a microflow that is wrong gives a failed simulation.
        """
        settled = choices(options or Options())
        sb = self.southbound
        try:
            entry = find_datapath(sb, datapath, microflow, self._nowhere())
            state = parse_microflow(microflow, self.index.scope(entry))
        except MicroflowError as error:
            return Simulation(str(error), [], [], failed=True)
        key = state["inport"] & 0xFFFF
        if not key and not sb.before("24.03"):
            return Simulation("microflow does not specify ingress port", [], [], failed=True)
        port = entry.ports.get(key)
        header = f"# {flow_text(state)}\n"
        root = TraceNode(Kind.PIPELINE, "")
        name = port.friendly if port is not None else "(unnamed)"
        start = root.add(Kind.PIPELINE, f'ingress(dp="{entry.friendly}", inport="{name}")')
        walker = Walker(self.index, settled)
        with _deep_recursion():
            walker.table(entry, state, 0, "ingress", start)
        return Simulation(
            header + detailed(root),
            walker.steps,
            settled.assumptions,
            alternatives=tuple(settled.alternatives),
        )

    def _nowhere(self) -> Scope:
        """Names as a microflow may use them before its datapath is known: no port is there."""
        sb = self.southbound
        return Scope(sb.version, sb.address_sets.get, lambda _: None, lambda _: None, sb.resident)


def simulate(
    database: Database, microflow: str, options: Options | None = None, *, datapath: str | None = None
) -> Trace:
    """One trace of ``microflow`` through ``database``. For many, keep a Simulator."""
    version = options.version if options else ""
    return Simulator(database, version=version).run(datapath, microflow, options).trace()


@contextmanager
def _deep_recursion() -> Iterator[None]:
    before = sys.getrecursionlimit()
    sys.setrecursionlimit(max(before, RECURSION))
    try:
        yield
    finally:
        sys.setrecursionlimit(before)

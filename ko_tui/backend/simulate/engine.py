"""The walk of a packet through logical pipelines, as ovn-trace does it.

Facts: utilities/ovn-trace.c of OVN 22.03.8, 23.03.1, 25.03.3 and 26.03.2. What an action does to the packet is in
``effects``, conntrack and load balancing in ``tracker``; here is what leads on: tables, outputs, patch ports.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from ko_tui.backend.ovn.actions import (
    Action,
    Call,
    CtCommitNat,
    CtCommitToZone,
    CtLb,
    CtNat,
    CtNext,
    Nested,
    Next,
    Output,
    Select,
)
from ko_tui.backend.ovn.actions.tree import Pipeline
from ko_tui.backend.ovn.expression import StringConstant
from ko_tui.backend.simulate.action_text import action_text
from ko_tui.backend.simulate.effects import Effects
from ko_tui.backend.simulate.flows import Flow, FlowIndex
from ko_tui.backend.simulate.nodes import DROP, Kind, TraceNode
from ko_tui.backend.simulate.options import Choices
from ko_tui.backend.simulate.packet_state import (
    LOOPBACK,
    State,
)
from ko_tui.backend.simulate.replies import nested_packet
from ko_tui.backend.simulate.southbound import Datapath
from ko_tui.backend.simulate.tracker import Tracker

MAX_DEPTH = 9000
"""Tables on one way of a packet; a routing loop that only the TTL ends visits some thousands."""
MAX_TABLES = 120_000
"""Tables that a trace may visit with all its branches; flooding a switch of 10,000 ports takes some 100,000."""


@dataclass(slots=True, eq=False)
class Step:
    """A visit to a table: the packet as it came, and the flow that it hit (None: no match, dropped)."""

    datapath: Datapath
    pipeline: Pipeline
    table: int
    state: State
    flow: Flow | None
    node: TraceNode


class Walker(Tracker):
    """One trace in the making."""

    def __init__(self, index: FlowIndex, choices: Choices) -> None:
        self.index = index
        self.southbound = index.southbound
        self.choices = choices
        self.steps: list[Step] = []
        self.effects = Effects(index.southbound, choices)
        self.symbols = self.effects.symbols
        self.depth = 0
        self.way: set[tuple[object, ...]] = set()

    def table(
        self, datapath: Datapath, state: State, table: int, pipeline: Pipeline, parent: TraceNode
    ) -> None:
        """Visit a table, unless the packet goes round; tables that only hand it on are passed over."""
        if table == 0 and pipeline == "ingress":
            # The same packet in the same place on the same way: it would go round for ever.
            here = (datapath.uuid, len(self.choices.states), tuple(state.values()))
            if here in self.way:
                self.stop(parent)
                return
            self.way.add(here)
            self.visit(datapath, state, table, pipeline, parent)
            self.way.discard(here)
        elif self.depth >= MAX_DEPTH or len(self.steps) >= MAX_TABLES:
            self.stop(parent)
        else:
            self.visit(datapath, state, table, pipeline, parent)

    def stop(self, parent: TraceNode) -> None:
        """End a way that has no end; ovn-trace itself crashes on it."""
        self.choices.assume("loop")
        parent.add(Kind.ERROR, "*** stopped here: these flows send the packet round in a loop")

    def visit(
        self, datapath: Datapath, state: State, table: int, pipeline: Pipeline, parent: TraceNode
    ) -> None:
        """What ``table`` does."""
        while True:
            stage = self.index.stage(datapath, pipeline, table)
            flow = stage.lookup(state)
            if flow is None or not flow.trivial:
                break
            table += 1
        if flow is None:
            name = stage.name
            text = f"{table:2d}. {f'{name}: ' if name is not None else ''}no match (implicit drop)"
            node = parent.add(Kind.TABLE, text)
            self.steps.append(Step(datapath, pipeline, table, dict(state), None, node))
            return
        ids = flow.external_ids
        name, source = ids.get("stage-name"), ids.get("source")
        if name is not None and source is not None:
            label = f"{name} ({source}): "
        elif name is not None:
            label = f"{name}: "
        else:
            label = f"({source}): " if source is not None else ""
        match = self.index.friendly(flow.match)
        node = parent.add(
            Kind.TABLE, f"{table:2d}. {label}{match}, priority {flow.priority}, uuid {flow.uuid[:8]}"
        )
        self.steps.append(Step(datapath, pipeline, table, dict(state), flow, node))
        self.depth += 1
        self.actions(flow.actions, datapath, state, table, pipeline, node)
        self.depth -= 1

    def actions(
        self,
        actions: Sequence[Action],
        datapath: Datapath,
        state: State,
        table: int,
        pipeline: Pipeline,
        parent: TraceNode,
    ) -> None:
        """Carry out a list of actions; ``state`` changes."""
        if not actions:
            parent.add(Kind.ACTION, DROP)
            return
        stack: list[int] = []
        for action in actions:
            text = self.index.friendly(action_text(action, pipeline, table))
            parent.add(Kind.ACTION, text)
            if isinstance(action, Next):
                self.next(action, datapath, state, table, pipeline, parent)
            elif isinstance(action, Output):
                self.output(datapath, state, pipeline, parent)
            elif isinstance(action, CtNext):
                self.track(datapath, state, table, pipeline, parent)
            elif isinstance(action, CtNat):
                self.nat(action, datapath, state, table, pipeline, parent)
            elif isinstance(action, CtCommitNat):
                header = "ct_commit_nat /* assuming no un-nat entry, so no change */"
                self.choices.assume("no_nat_entry")
                self.commit(header, datapath, state, table, pipeline, parent)
            elif isinstance(action, CtCommitToZone):
                self.commit(f"ct_commit_to_zone({action.zone})", datapath, state, table, pipeline, parent)
            elif isinstance(action, CtLb):
                self.balance(action, datapath, state, table, pipeline, parent)
            elif isinstance(action, Select):
                self.select(action, datapath, state, table, pipeline, parent)
            elif isinstance(action, Nested):
                if action.name == "nd_na_router":
                    self.choices.assume("ovn_trace_aborts")
                made = nested_packet(action.name, state)
                if made is not None:
                    node = parent.add(Kind.TRANSFORM, made[0])
                    self.actions(
                        [] if str(action.actions[0]) == DROP else action.actions,
                        datapath,
                        made[1],
                        table,
                        pipeline,
                        node,
                    )
            elif isinstance(action, Call) and action.name == "mirror":
                self.mirror(action, datapath, state, parent)
            else:
                self.effects.apply(action, datapath, state, pipeline, parent, stack)

    # -- where the packet goes on -----------------------------------------------------------------------------

    def next(
        self,
        action: Next,
        datapath: Datapath,
        state: State,
        table: int,
        pipeline: Pipeline,
        parent: TraceNode,
    ) -> None:
        """``next``: another table, perhaps of the other pipeline."""
        to_pipeline, to_table = action.target(pipeline, table)
        if to_pipeline != pipeline:
            field = "inport" if to_pipeline == "ingress" else "outport"
            name = self.port_name(datapath, state[field])
            header = f'{to_pipeline}(dp="{datapath.friendly}", {field}="{name}")'
            parent = parent.add(Kind.PIPELINE, header)
        self.table(datapath, state, to_table, to_pipeline, parent)

    def mirror(self, action: Call, datapath: Datapath, state: State, parent: TraceNode) -> None:
        """``mirror``: a copy leaves by another port (25.09 and later)."""
        target = action.arguments[0] if action.arguments else None
        name = target.value if isinstance(target, StringConstant) else ""
        port = self.southbound.ports.get(name)
        if port is None or port.datapath is not datapath:
            parent.add(Kind.ERROR, "/* omitting output because no taget port found. */")
            return
        copied = state | {"inport": 0, "outport": port.tunnel_key}
        self.table(datapath, copied, 0, "egress", parent.add(Kind.TRANSFORM, "clone"))

    def port_name(self, datapath: Datapath, key: int) -> str:
        port = datapath.ports.get(key & 0xFFFF)
        return port.friendly if port is not None else "(unnamed)" if key & 0xFFFF else ""

    def output(self, datapath: Datapath, state: State, pipeline: Pipeline, parent: TraceNode) -> None:
        """``output``: on to the egress pipeline of each port, or out of the datapath."""
        key = state["outport"] & 0xFFFF
        if not key:
            parent.add(Kind.ERROR, "*** output to null logical port")
            return
        port = datapath.ports.get(key)
        group = next((g for g in datapath.groups if g.tunnel_key == key), None)
        name = port.friendly if port else group.name if group else "(unnamed)"
        if port is None and group is None:
            parent.add(Kind.ERROR, f"*** unknown port or multicast group {key}")
        if pipeline == "egress":
            kind = port.type if port else ""
            parent.add(Kind.OUTPUT, f'/* output to "{name}", type "{kind}" */')
            if port is None or port.peer is None:
                parent.add(Kind.MODIFY, f'output("{name}")')
                return
            peer = port.peer
            header = f'ingress(dp="{peer.datapath.friendly}", inport="{peer.friendly}")'
            entered = state | {"inport": peer.tunnel_key, "outport": 0}
            self.table(peer.datapath, entered, 0, "ingress", parent.add(Kind.PIPELINE, header))
            return

        leaving = dict(state)
        for register in ("xxreg0", "xxreg1", "xreg4", "flags", "reg11", "reg12", "reg13", "remote_outport"):
            leaving[register] = 0
        in_key = state["inport"] & 0xFFFF
        inport = self.port_name(datapath, in_key)
        loopback = state["flags"] & LOOPBACK != 0
        omitted = "/* omitting output because inport == outport && !flags.loopback */"
        if group is not None:
            flood = parent.add(Kind.PIPELINE, f'multicast(dp="{datapath.friendly}", mcgroup="{group.name}")')
            # ovn-trace carries one packet from port to port: what an egress pipeline changed stays changed.
            for member in group.ports:
                header = f'egress(dp="{datapath.friendly}", inport="{inport}", outport="{member.friendly}")'
                node = flood.add(Kind.PIPELINE, header)
                if member.tunnel_key != in_key or loopback:
                    node.always_indent = True
                    leaving["outport"] = member.tunnel_key
                    self.table(datapath, leaving, 0, "egress", node)
                else:
                    node.add(Kind.OUTPUT, omitted)
            return
        if port is not None and port.type == "chassisredirect":
            if port.distributed is None:
                parent.add(
                    Kind.ERROR,
                    f'*** output to type "{port.type}" port "{name}" with no or invalid distributed port',
                )
                return
            self.choices.assume("chassisredirect")
            parent.add(
                Kind.OUTPUT,
                f'/* Replacing type "{port.type}" outport "{port.friendly}" with distributed port '
                f'"{port.distributed.friendly}". */',
            )
            port = port.distributed
            name = port.friendly
            leaving["outport"] = port.tunnel_key
        if (port is not None and port.tunnel_key != in_key) or loopback:
            header = f'egress(dp="{datapath.friendly}", inport="{inport}", outport="{name}")'
            self.table(datapath, leaving, 0, "egress", parent.add(Kind.PIPELINE, header))
        else:
            parent.add(Kind.OUTPUT, omitted)

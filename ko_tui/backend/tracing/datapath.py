"""``ofproto/trace`` (ovs-vswitchd(8)) of a traced packet on its source node, and on from there to where it goes.

The flow is made from the same packet as the logical trace. ofproto/trace stops at two places: at a tunnel, where it
is asked again on the other node with the tunnel's header; and where a group is chosen by a hash, where it is asked
again with the choice of the logical trace.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from ko_tui.backend.errors import ClusterError
from ko_tui.backend.explain.datapath_words import action_words
from ko_tui.backend.ovn.table import many
from ko_tui.backend.ovn.trace_model import Verdict
from ko_tui.backend.ovs.ofproto_trace import OfBlock, OfTrace, OfVerdict, parse
from ko_tui.backend.ovs.silence import STUCK, gave_up
from ko_tui.backend.ovs.traced_packet import Sent, Tunnel, sent
from ko_tui.backend.packet import IP_PROTOCOLS, PORT_PROTOCOLS, Packet
from ko_tui.backend.pipeline.node_flows import flows_by_cookie
from ko_tui.backend.source.interface import Cancel
from ko_tui.backend.tracing.agreement import compare
from ko_tui.backend.tracing.datapath_model import DatapathTrace, End, NodePass, Step
from ko_tui.backend.tracing.datapath_steps import name_steps, read_steps
from ko_tui.backend.tracing.lookup import is_address
from ko_tui.backend.tracing.model import TraceResult
from ko_tui.backend.tracing.switch_ports import SwitchPorts, node_of_tunnel, switch_ports

if TYPE_CHECKING:
    from ko_tui.backend.session import Session

BRIDGE = "br-int"
SECONDS = 30
STATES = 8  # passes through conntrack that are told their state
PASSES = 6  # a packet that goes to and fro between nodes longer than that is not followed
_ENDS: dict[OfVerdict, End] = {
    OfVerdict.OUTPUT: "delivered",
    OfVerdict.TUNNEL: "tunnel",
    OfVerdict.CONTROLLER: "controller",
    OfVerdict.DROPPED: "dropped",
    OfVerdict.UNFINISHED: "unfinished",
    OfVerdict.UNKNOWN: "unknown",
}


class NoDatapathTrace(ClusterError):
    """No OpenFlow trace can be had here."""

    title = "There is no OpenFlow trace"


def trace_datapath(session: Session, result: TraceResult, *, cancel: Cancel | None = None) -> DatapathTrace:
    """The same packet through the OpenFlow of the nodes, held against the logical trace.

    Raises NoDatapathTrace on a saved cluster, NoPort when the source's port is not on its node, ClusterError kinds.
    """
    if not session.live:
        raise NoDatapathTrace(
            "ofproto/trace asks a running switch, and this is a saved cluster.", "Open the cluster itself."
        )
    return _Follower(session, result, cancel).run()


class _Follower:
    def __init__(self, session: Session, result: TraceResult, cancel: Cancel | None) -> None:
        self.session, self.result, self.cancel = session, result, cancel
        self.trace = DatapathTrace([])
        self.of: list[OfTrace] = []
        self.tracked = 0  # how many times conntrack has been passed

    def run(self) -> DatapathTrace:
        source = self.result.plan.source
        node = source.name if source.kind == "node" else source.node
        if not node:
            raise NoDatapathTrace(f"{source.key} is not on any node.", "Trace from a running pod.")
        ports = self._ports(node)
        port = ports.of(source)
        self._pass(ports, port.number, self.result.plan.packet.openflow(port.number), label=port.label)
        while len(self.of) < PASSES:
            last = self.trace.passes[-1]
            if last.end == "tunnel" and self._through_tunnel():
                continue
            if last.end == "chosen" and self._as_chosen():
                continue
            break
        self._name()
        explained = self.result.explained
        compare(self.trace, explained.stages, explained.verdict)
        return self.trace

    # -- one pass -----------------------------------------------------------------------------------------------

    def _ports(self, node: str) -> SwitchPorts:
        ports = switch_ports(self.session, node, cancel=self.cancel)
        if ports.run not in self.trace.commands:
            self.trace.commands.append(ports.run)
        return ports

    def _pass(
        self,
        ports: SwitchPorts,
        in_port: int,
        flow: str,
        *,
        label: str,
        why: str = "",
        states: tuple[str, ...] | None = None,
    ) -> NodePass:
        words = self._states() if states is None else states
        asked = [part for state in words for part in ("--ct-next", state)]
        argv = ("ovs-appctl", f"--timeout={SECONDS}", "ofproto/trace", *asked, BRIDGE, flow)
        run = self.session.run(self.session.ovs(ports.node), argv, timeout=SECONDS + 5, cancel=self.cancel)
        if run.exit_code != 0:
            said = " ".join((run.stderr or run.stdout).split())
            if gave_up(run.stderr):
                said = f"ovs-vswitchd gave no answer within {SECONDS} s: {STUCK}."
            raise NoDatapathTrace(
                f"ofproto/trace on node {ports.node}: {said}", f"Try it by hand: {run.kubectl()}"
            )
        self.trace.commands.append(run)
        traced = parse(run.stdout)
        if not traced.blocks or not any(True for block in traced.blocks for _ in block.rules()):
            raise NoDatapathTrace(
                f"ofproto/trace on node {ports.node}: {traced.problem or 'no table was looked up'}",
                f"Try it by hand: {run.kubectl()}",
            )
        made = NodePass(ports.node, in_port, label, flow, run.stdout, why, read_steps(traced))
        made.verdict, made.slow_path = traced.verdict, traced.slow_path
        made.end = _ENDS[traced.verdict]
        if traced.verdict is OfVerdict.UNFINISHED and "hash(" in traced.blocks[-1].datapath_actions:
            made.end = "chosen"
        for number, block in enumerate(traced.blocks):
            names = _port_names(made.steps, number, block, ports)
            made.actions += action_words(block.datapath_actions, self._tunnel_nodes(traced), names)
        made.ends = self._end_words(made, traced, ports)
        self.tracked += sum(1 for block in traced.blocks if "conntrack" in block.resumed_because)
        self.trace.passes.append(made)
        self.of.append(traced)
        return made

    def _states(self) -> tuple[str, ...]:
        """The states of the passes through conntrack that are still to come. Behind those given ovn-trace takes
        established (ovn-trace(8), --ct), ofproto/trace would take new."""
        given = (*self.result.plan.packet.ct, *("est",) * STATES)[:STATES]
        left = given[self.tracked :] or given[-1:]
        return tuple(state if "trk" in state.split(",") else f"trk,{state}" for state in left)

    def _tunnel_nodes(self, traced: OfTrace) -> dict[str, str]:
        found = {t.dst for t in _tunnels(traced)}
        return {address: node_of_tunnel(self.session, address) for address in found}

    def _end_words(self, made: NodePass, traced: OfTrace, ports: SwitchPorts) -> str:
        last = made.steps[-1] if made.steps else None
        if made.end == "delivered":
            names = _outputs(made.steps, ports)
            return f"sent out of {', '.join(names[:4])}" if names else "sent out"
        if made.end == "tunnel":
            to = [f"{a} ({n or 'no node of this cluster'})" for a, n in self._tunnel_nodes(traced).items()]
            return f"sent through the tunnel to {', '.join(to[:4])}"
        if made.end == "chosen":
            return "a hash chooses the bucket of a group"
        if made.end == "controller":
            return "handed to ovn-controller"
        if made.end == "dropped" and last is not None:
            return traced.problem or f"dropped in table {last.rule.table}"
        return traced.problem or "it goes on in a pass that was not traced"

    # -- going on -------------------------------------------------------------------------------------------------

    def _through_tunnel(self) -> bool:
        """Ask the node at the other end; False when that cannot be."""
        copies = [s for block in self.of[-1].blocks for s in sent(block) if s.tunnel is not None]
        ends = {s.tunnel.dst for s in copies if s.tunnel is not None}
        if len(ends) != 1:
            self.trace.notes.append(f"It is sent to {len(ends)} nodes at once; none of them was asked.")
            return False
        copy: Sent = copies[-1]
        assert copy.tunnel is not None
        address, source = copy.tunnel.dst, copy.tunnel.src or self._own_address()
        node = node_of_tunnel(self.session, address)
        if not node:
            self.trace.notes.append(f"The tunnel ends at {address}, which is no chassis of this cluster.")
            return False
        try:
            ports = self._ports(node)
            arrives = ports.tunnel_from(source)
            if arrives is None:
                self.trace.notes.append(f"Node {node} has no tunnel port for packets from {source}.")
                return False
            copy = replace(copy, tunnel=replace(copy.tunnel, src=source))
            why = f"It arrives through the tunnel from {source}."
            self._pass(ports, arrives.number, copy.openflow(arrives.number), label=arrives.label, why=why)
        except ClusterError as error:
            self.trace.notes.append(f"Node {node} could not be asked: {error.what}")
            return False
        return True

    def _own_address(self) -> str:
        """The tunnel address of the node that sent last, where the datapath does not say it."""
        node = self.trace.passes[-1].node
        chassis = self.session.rows("sb", "Chassis", ("name", "hostname"), max_age=120.0).value
        names = {str(row["name"]) for row in chassis if str(row["hostname"]) == node}
        encaps = self.session.rows("sb", "Encap", ("ip", "chassis_name"), max_age=120.0).value
        return next((str(row["ip"]) for row in encaps if str(row["chassis_name"]) in names), "")

    def _as_chosen(self) -> bool:
        """Go on with the backend that the logical trace took; False when it took none."""
        last = self.trace.passes[-1]
        choosing = next((s for s in reversed(last.steps) if any("group:" in a for a in s.rule.actions)), None)
        after = self._chosen_packet(choosing) if choosing is not None else None
        if choosing is None or after is None or last.assumed or len(self.of) > 1:
            self.trace.notes.append(
                "The bucket of the group depends on a hash of real packets: not followed."
            )
            return False
        times = sum(1 for s in last.steps if s.rule.table == choosing.rule.table)
        to = f"{after.ip_dst}:{after.dst_port}" if after.dst_port else after.ip_dst
        why = f"The switch chooses by a hash; followed on with the logical trace's choice, {to}."
        ports, before = self._ports(last.node), self.tracked
        self.tracked = 0
        states = self._states()  # the pass in which the packet is rewritten for the choice is not made
        made = self._pass(
            ports, last.in_port, after.openflow(last.in_port), label=last.port, why=why,
            states=states[:before] + states[before + 1 :],
        )  # fmt: skip
        made.assumed = True
        made.steps = _behind(made.steps, choosing.rule.table, times)
        self.tracked += 1
        return True

    def _chosen_packet(self, choosing: Step) -> Packet | None:
        packet = self.result.plan.packet
        if packet.protocol not in IP_PROTOCOLS:
            return None
        if self.result.plan.lb_dst:
            return _sent_to(packet, self.result.plan.lb_dst)
        for number, stage in enumerate(self.result.explained.stages):
            if stage.stage.uuid != choosing.uuid or "ct_lb" not in " ".join(stage.stage.actions):
                continue
            later = self.result.explained.stages[number : number + 2]
            seen = [s.packet.get(f"ip{packet.family}.dst", "") for s in later]
            moved_to = [address for address in seen if is_address(address) and address != packet.ip_dst]
            to = moved_to[0] if moved_to else self._delivered_to(packet.family)
            port = later[-1].packet.get(f"{packet.protocol}.dst", "")
            if not to or to == packet.ip_src:  # a hairpin goes another way than a packet to oneself
                return None
            moved = int(port) if packet.protocol in PORT_PROTOCOLS and port.isdigit() else packet.dst_port
            return replace(packet, ip_dst=to, dst_port=moved)
        return None

    def _delivered_to(self, family: int) -> str:
        """The address of the port where the logical trace delivers, by its Port_Binding."""
        ports = [o.port for o in self.result.explained.outcomes if o.verdict is Verdict.DELIVERED and o.port]
        if not ports:
            return ""
        rows = self.session.rows("sb", "Port_Binding", ("mac",), where=(f'logical_port="{ports[0]}"',)).value
        words = " ".join(str(mac) for row in rows for mac in many(row["mac"])).split()
        found = [word.partition("/")[0] for word in words]
        return next((a for a in found if is_address(a) and (":" in a) == (family == 6)), "")

    # -- names --------------------------------------------------------------------------------------------------

    def _name(self) -> None:
        """Tell whose every lookup is: by the logical trace's own rows, and by asking for the others."""
        explained = self.result.explained
        known = {s.stage.uuid: (s.stage.name, s.stage.match) for s in explained.stages if s.stage.uuid}
        steps = [step for part in self.trace.passes for step in part.steps]
        unknown = {s.uuid for s in steps if s.bridge == BRIDGE and s.uuid and s.uuid not in known}
        if unknown:
            known |= flows_by_cookie(self.session, sorted(unknown))
        name_steps(steps, known, explained.version, "zh" if explained.lang == "zh" else "en")
        for part in self.trace.passes:
            if part.end == "dropped" and part.steps and part.ends.startswith("dropped in table"):
                last = part.steps[-1]
                part.ends = f"dropped in {last.stage or part.ends[11:]}"


def _outputs(steps: Sequence[Step], ports: SwitchPorts) -> list[str]:
    """The ports of br-int that lookups send to, each once, in order."""
    numbers = dict.fromkeys(
        int(action[7:])
        for step in steps
        if step.bridge == BRIDGE
        for action in step.rule.actions
        if action.startswith("output:") and action[7:].isdigit()
    )
    return [p.label if (p := ports.by_number.get(n)) is not None else f"{n}" for n in numbers]


def _port_names(steps: Sequence[Step], number: int, block: OfBlock, ports: SwitchPorts) -> dict[str, str]:
    """Datapath port -> name, where the lookups of a pass name as many ports as the datapath then uses."""
    names = _outputs([step for step in steps if step.block == number], ports)
    used = list(dict.fromkeys(s.port for s in sent(block) if s.tunnel is None))
    return dict(zip(used, names, strict=True)) if len(used) == len(names) else {}


def _sent_to(packet: Packet, backend: str) -> Packet | None:
    """The packet with ``IP[:PORT]`` or ``[IP]:PORT`` as its destination."""
    if is_address(backend):
        return replace(packet, ip_dst=backend.strip("[]"))
    address, _, port = backend.rpartition(":")
    if not is_address(address) or not port.isdigit():
        return None
    return replace(packet, ip_dst=address.strip("[]"), dst_port=int(port) if packet.dst_port else 0)


def _tunnels(traced: OfTrace) -> list[Tunnel]:
    return [s.tunnel for block in traced.blocks for s in sent(block) if s.tunnel is not None]


def _behind(steps: list[Step], table: int, times: int) -> list[Step]:
    """The lookups behind the one that chose, the ``times``-th of ``table``: the rest was walked before."""
    for number, step in enumerate(steps):
        if step.rule.table == table:
            times -= 1
            if not times:
                return steps[number + 1 :]
    return steps

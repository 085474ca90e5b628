"""A drop in one sentence: what dropped the packet and what would have had to be different.

Facts: ovn-northd(8), what each stage is for; the numbers and names come from the database.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass

from ko_tui.backend.simulate.clauses import PROTOCOLS, Clause, View, summary
from ko_tui.backend.simulate.engine import Step
from ko_tui.backend.simulate.flow_text import ip4, ip6
from ko_tui.backend.simulate.flows import Flow
from ko_tui.backend.simulate.mismatch import (
    LOOKED_AT,
    NearMiss,
    deciding_step,
    dropped_steps,
    near_misses,
    stage_name,
    view_of,
)
from ko_tui.backend.simulate.packet_state import ETH_ARP, ETH_IP, ETH_IPV6, SCTP, TCP, UDP, State, mac
from ko_tui.backend.simulate.policy_words import KIND, rule_words
from ko_tui.backend.simulate.simulator import Simulation, Simulator
from ko_tui.backend.simulate.southbound import AllowedAddresses, Port
from ko_tui.backend.source.ovsdb_file import Database

_ACL = re.compile(
    r"(?:reg8\[30\.\.31\] == \d && )?\(?reg0\[\d+\] == 1\)? && (?:\(((?:[^()]|\([^()]*\))*)\)|(.*))",
    re.DOTALL,
)
OTHERS = 5.0
"""Flows this far off are about other ports."""

NameOf = Callable[[Flow], str]
"""The name of the object behind a flow, for people ("NetworkPolicy prod/np1"); "" when it is not known."""


@dataclass(frozen=True, slots=True)
class Drop:
    """Why a packet was dropped: ``sentence`` for people, the step that decided, and the flows that came near."""

    sentence: str
    step: Step
    nearest: tuple[NearMiss, ...]


def why_dropped(
    simulator: Simulator, simulation: Simulation, *, name_of: NameOf = lambda _: "", limit: int = 8
) -> Drop | None:
    """The last drop of a simulation explained; None when nothing was dropped."""
    ends = dropped_steps(simulation)
    return explain_drop(simulator, simulation, ends[-1], name_of=name_of, limit=limit) if ends else None


def explain_drop(
    simulator: Simulator,
    simulation: Simulation,
    end: Step,
    *,
    name_of: NameOf = lambda _: "",
    limit: int = 8,
) -> Drop:
    """One drop explained; ``end`` is one of ``dropped_steps(simulation)``."""
    step = deciding_step(simulation, end)
    nearest = near_misses(simulator, step, limit=LOOKED_AT)
    stage = simulator.index.stage(step.datapath, step.pipeline, step.table)
    view = view_of(stage, step)
    said = _Sentence(step, nearest, view, name_of, simulator.southbound.database).text()
    return Drop(said, step, tuple(nearest[:limit]))


class _Sentence:
    """Makes the sentence for one step."""

    def __init__(
        self, step: Step, nearest: list[NearMiss], view: View, name_of: NameOf, database: Database
    ) -> None:
        self.database = database
        self.step = step
        self.nearest = nearest
        self.view = view
        self.name_of = name_of
        self.state = step.state

    def text(self) -> str:
        name = stage_name(self.step)
        for words, make in (
            (("port_sec",), self.port_security),
            (("acl",), self.acl),
            (("ip_routing",), self.routing),
            (("lr_in_policy",), self.policy),
            (("lr_in_ip_input",), self.router_input),
            (("lr_in_admission",), self.admission),
            (("l2_unknown", "l2_lkup"), self.unknown_mac),
            (("arp_resolve",), self.no_neighbour),
            (("_in_lb", "_in_dnat"), self.balancer),
        ):
            if any(word in name for word in words):
                return make()
        return self.other()

    # -- parts --------------------------------------------------------------------------------------------------

    def packet(self) -> str:
        """The packet as people say it: ``TCP 8080 from 10.16.0.9 to 10.16.0.12``."""
        return describe(self.state)

    def flow(self, flow: Flow) -> str:
        named = self.name_of(flow)
        match = _own_match(flow)
        return (
            f"{named} (priority {flow.priority}: {match})" if named else f"priority {flow.priority}: {match}"
        )

    def near(self, label: str, fits: Callable[[NearMiss], bool] = lambda _: True) -> str:
        """The nearest flow that ``fits`` and what it asks for, as the end of a sentence."""
        for miss in self.nearest:
            if fits(miss) and not miss.outranked and miss.failed:
                return f"; {label} {self.flow(miss.flow)}, but {miss.sentence()}"
        return ""

    # -- stages -------------------------------------------------------------------------------------------------

    def port_security(self) -> str:
        incoming = self.step.pipeline == "ingress"
        if (plain := self._refused_frame(incoming)) is not None:
            return plain
        key = self.state["inport" if incoming else "outport"] & 0xFFFF
        port = self.step.datapath.ports.get(key)
        name = port.friendly if port else "the port"
        what = "source" if incoming else "destination"
        ether = mac(self.state["eth.src" if incoming else "eth.dst"])
        allowed = _allowed(port)
        if port is not None and port.security:
            entry = next((a for a in port.security if mac(a.mac) == ether), None)
            if entry is None:
                return f"Port security of {name} does not allow the {what} MAC {ether}; it allows {allowed}."
            return (
                f"Port security of {name} does not allow the {what} address {self._address(incoming)} with MAC "
                f"{ether}; it allows {allowed}."
            )
        of_port = self.near("nearest is", lambda m: m.distance < OTHERS and bool(m.flow.actions))
        return f"Port security of {name} does not allow {self.packet()} ({what} MAC {ether}){of_port}."

    def _refused_frame(self, incoming: bool) -> str | None:
        """What northd drops before it looks at port security at all."""
        flow = self.step.flow
        if flow is None or "_port_sec(" in flow.actions_text:
            return None
        switch = self.step.datapath.friendly
        if "vlan.present" in flow.match:
            vlan = self.state["vlan.tci"] & 0xFFF
            return (
                f"Switch {switch} takes no frames with a VLAN tag from its ports; this one has VLAN {vlan}."
            )
        if "eth.src[40]" in flow.match:
            return (
                f"Source MAC {mac(self.state['eth.src'])} is a multicast address, which no sender may have."
            )
        if re.fullmatch(r'(in|out)port == "[^"]*"( && .*)?', flow.match):
            name = self.view.port_name(self.state["inport" if incoming else "outport"])
            return f"Port {name} is disabled: no packet may {'come in from' if incoming else 'go out to'} it."
        return None

    def _address(self, source: bool) -> str:
        if self.state["eth.type"] == ETH_IPV6:
            return ip6(self.state["ipv6_src" if source else "ipv6_dst"])
        return ip4(self.state["nw_src" if source else "nw_dst"])

    def acl(self) -> str:
        allows = self.near(
            "nearest that allows is", lambda m: _allows(m.flow) and _is_acl(m) and self._first(m)
        )
        flow = self.step.flow
        if flow is None:
            return f"No ACL of {self.step.datapath.friendly} allows {self.packet()}{allows}."
        if flow.priority in (65532, 65533) and "ct." in flow.match:
            states = next(
                (t for t in ("ct.inv", "ct_mark.blocked", "ct_label.blocked") if t in flow.match), "ct"
            )
            reason = {
                "ct.inv": "conntrack calls it invalid",
                "ct_mark.blocked": "its connection was allowed once and is blocked now",
                "ct_label.blocked": "its connection was allowed once and is blocked now",
            }.get(states, "of its conntrack state")
            return f"{self.packet()} is dropped because {reason}, before any ACL is looked at."
        if flow.priority <= 1:
            return f"No ACL of {self.step.datapath.friendly} allows {self.packet()}{allows}."
        if (named := self.name_of(flow)).startswith(KIND):
            return f"No rule of {named} allows {describe(self.state, self._named)}{self._nearest_rule() or allows}."
        return f"{self.packet()} is denied by ACL {self.flow(flow)}{allows}."

    def _nearest_rule(self) -> str:
        """The NetworkPolicy rule that comes nearest, and why it does not fit."""
        for miss in self.nearest:
            rule = rule_words(miss.flow.match) if not miss.outranked and miss.failed else ""
            named = self.name_of(miss.flow) if rule else ""
            if named.startswith(KIND) and _allows(miss.flow) and _is_acl(miss) and self._first(miss):
                own = self.step.flow is not None and named == self.name_of(self.step.flow)
                return f"; nearest is {'its' if own else named} {rule}, but {miss.sentence()}"
        return ""

    def _named(self, address: str) -> str:
        """An address with the name of the port that has it: ``10.16.0.9 (client.default)``."""
        rows = [
            row
            for row in self.database.table("Port_Binding").rows()
            if any(address in words.lower().split() for words in row["mac"])
        ]
        # Two VPCs may use the same addresses.
        here = [row for row in rows if row["datapath"] == self.step.datapath.uuid] or rows
        return f"{address} ({here[0]['logical_port']})" if len(here) == 1 else address

    def routing(self) -> str:
        to = self._address(False)
        router = self.step.datapath.friendly
        flow = self.step.flow
        if flow is not None and flow.match != "1":
            return f"Router {router} discards {self.packet()}: route {self.flow(flow)} says so."
        return f"Router {router} has no route to {to}" + self.near("nearest is") + "."

    def policy(self) -> str:
        router = self.step.datapath.friendly
        if self.step.flow is None:
            return f"No policy of router {router} fits {self.packet()}" + self.near("nearest is") + "."
        allows = self.near("nearest that allows is", lambda m: _allows(m.flow) and self._first(m))
        return f"Router {router} drops {self.packet()} by policy {self.flow(self.step.flow)}{allows}."

    def router_input(self) -> str:
        router = self.step.datapath.friendly
        flow = self.step.flow
        if flow is not None and "ip.ttl" in flow.match:
            ttl = self.state["nw_ttl"]
            return f"Router {router} drops {self.packet()}: its TTL is {ttl} and cannot go down further."
        if flow is not None and ("dst" in flow.match or "tpa" in flow.match):
            return (
                f"Router {router} takes {self.packet()} as meant for itself and has no use for it "
                f"({self.flow(flow)}): the address is the router's own."
            )
        if flow is not None:
            return f"Router {router} drops {self.packet()} as not to be routed ({self.flow(flow)})."
        return self.other()

    def admission(self) -> str:
        inport = self.view.port_name(self.state["inport"])
        return (
            f"Router {self.step.datapath.friendly} does not take frames for MAC {mac(self.state['eth.dst'])} on "
            f"port {inport}" + self.near("nearest is", lambda m: "eth.dst" in m.flow.match) + "."
        )

    def unknown_mac(self) -> str:
        switch = self.step.datapath.friendly
        owner = self._port_with(mac(self.state["eth.dst"]))
        if owner:
            return (
                f"Port {owner} of switch {switch} has MAC {mac(self.state['eth.dst'])}, but no flow leads to it: "
                f"Port {owner} is disabled, or it is not up yet."
            )
        return (
            f"Switch {switch} has no port with MAC {mac(self.state['eth.dst'])}, and none of its ports takes "
            "frames for unknown MACs."
        )

    def _port_with(self, address: str) -> str:
        """The name of the switch's port that has a MAC by its Port_Binding, whatever the flows say; "" for none."""
        datapath = self.step.datapath
        table = self.database.table("Port_Binding")
        for row in table.rows():
            if row["datapath"] == datapath.uuid and any(m.lower().startswith(address) for m in row["mac"]):
                port = datapath.ports.get(row["tunnel_key"])
                return port.friendly if port is not None else str(row["logical_port"])
        return ""

    def no_neighbour(self) -> str:
        router = self.step.datapath.friendly
        hop = (
            ip4(self.state["xxreg0"] >> 96) if self.state["eth.type"] == ETH_IP else ip6(self.state["xxreg0"])
        )
        outport = self.view.port_name(self.state["outport"])
        return f"Router {router} knows no MAC address for {hop} behind its port {outport}, and no flow asks for it."

    def balancer(self) -> str:
        flow = self.step.flow
        if flow is not None:
            return f"{self.packet()} is dropped by a load balancer without a backend ({self.flow(flow)})."
        return self.other()

    def other(self) -> str:
        name = stage_name(self.step) or f"table {self.step.table}"
        where = f"{name} of {self.step.datapath.friendly}"
        if self.step.flow is None:
            return f"{where} has no flow for {self.packet()}" + self.near("nearest is") + "."
        goes_on = self.near("nearest that goes on is", lambda m: bool(m.flow.actions) and self._first(m))
        return f"{where} drops {self.packet()} by flow {self.flow(self.step.flow)}{goes_on}."

    def _first(self, miss: NearMiss) -> bool:
        """Whether the flow would come before the one that was hit."""
        return self.step.flow is None or miss.flow.rank < self.step.flow.rank


def describe(state: State, name: Callable[[str], str] = str) -> str:
    """``TCP 8080 from 10.16.0.9 to 10.16.0.12``; for what is no IP its kind and MACs. ``name`` may name addresses."""
    kind = state["eth.type"]
    if kind == ETH_ARP:
        verb = "ARP request for" if state["nw_proto"] == 1 else "ARP reply about"
        return f"{verb} {ip4(state['nw_dst' if state['nw_proto'] == 1 else 'nw_src'])}"
    if kind not in (ETH_IP, ETH_IPV6):
        return f"Ethernet type {kind:#x} from {mac(state['eth.src'])} to {mac(state['eth.dst'])}"
    v4 = kind == ETH_IP
    source, to = (
        (ip4(state["nw_src"]), ip4(state["nw_dst"]))
        if v4
        else (ip6(state["ipv6_src"]), ip6(state["ipv6_dst"]))
    )
    proto = state["nw_proto"]
    proto_name = PROTOCOLS.get(proto, f"IP protocol {proto}")
    port = f" {state['tp_dst']}" if proto in (TCP, UDP, SCTP) else ""
    return f"{proto_name}{port} from {name(source)} to {name(to)}"


def _allowed(port: Port | None) -> str:
    if port is None or not port.security:
        return "nothing that is known"
    return " and ".join(_entry(a) for a in port.security[:4])


def _entry(allowed: AllowedAddresses) -> str:
    addresses = [ip4(a) for a in sorted(allowed.ipv4)] + [ip6(a) for a in sorted(allowed.ipv6)]
    return (
        f"{mac(allowed.mac)} with {', '.join(addresses)}"
        if addresses
        else f"{mac(allowed.mac)} with any address"
    )


def _own_match(flow: Flow) -> str:
    """A flow's match without what northd puts before an ACL's own: the tier and the hint of conntrack."""
    text = flow.stage.index.friendly(flow.match)
    found = _ACL.fullmatch(text) if "_acl" in flow.name else None
    return found[1] or found[2] if found else text


def _is_acl(miss: NearMiss) -> bool:
    """An ACL of somebody's making that is about this port: not a flow that every switch has."""
    return miss.distance < OTHERS and 1 < miss.flow.priority < 34000


def _allows(flow: Flow) -> bool:
    """Whether an ACL's or policy's flow lets the packet on: it does something, and not a drop or reject verdict."""
    text = flow.actions_text
    denied = ("reg8[17] = 1", "reg8[18] = 1", "reject", "drop;")
    return "next" in text and not any(word in text for word in denied) and flow.priority not in (0, 1, 65535)


__all__ = ["Clause", "Drop", "describe", "explain_drop", "summary", "why_dropped"]

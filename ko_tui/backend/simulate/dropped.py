"""A drop in one sentence: what dropped the packet and what would have had to be different.

Facts: ovn-northd(8), what each stage is for; the numbers and names come from the database.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass

from ko_tui.backend.explain.catalogue import Catalogue, catalogue
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
    simulator: Simulator,
    simulation: Simulation,
    *,
    name_of: NameOf = lambda _: "",
    limit: int = 8,
    words: Catalogue | None = None,
) -> Drop | None:
    """The last drop of a simulation explained; None when nothing was dropped."""
    ends = dropped_steps(simulation)
    if not ends:
        return None
    return explain_drop(simulator, simulation, ends[-1], name_of=name_of, limit=limit, words=words)


def explain_drop(
    simulator: Simulator,
    simulation: Simulation,
    end: Step,
    *,
    name_of: NameOf = lambda _: "",
    limit: int = 8,
    words: Catalogue | None = None,
) -> Drop:
    """One drop explained in the language of ``words``; ``end`` is one of ``dropped_steps(simulation)``."""
    step = deciding_step(simulation, end)
    nearest = near_misses(simulator, step, limit=LOOKED_AT, words=words)
    stage = simulator.index.stage(step.datapath, step.pipeline, step.table)
    view = view_of(stage, step, words)
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
        self.words = view.words
        self.say = view.words.why
        self.router = self.switch = step.datapath.friendly

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
        return describe(self.state, words=self.words)

    def flow(self, flow: Flow) -> str:
        named = self.name_of(flow)
        key = "flow.named" if named else "flow"
        return self.say(key, name=named, priority=flow.priority, match=_own_match(flow))

    def near(self, kind: str = "plain", fits: Callable[[NearMiss], bool] = lambda _: True) -> str:
        """The nearest flow that ``fits`` and what it asks for, as the end of a sentence."""
        for miss in self.nearest:
            if fits(miss) and not miss.outranked and miss.failed:
                return self.say(f"near.{kind}", flow=self.flow(miss.flow), why=miss.sentence(self.words))
        return ""

    # -- stages -------------------------------------------------------------------------------------------------

    def port_security(self) -> str:
        incoming = self.step.pipeline == "ingress"
        if (plain := self._refused_frame(incoming)) is not None:
            return plain
        key = self.state["inport" if incoming else "outport"] & 0xFFFF
        port = self.step.datapath.ports.get(key)
        ether = mac(self.state["eth.src" if incoming else "eth.dst"])
        said = {
            "port": port.friendly if port else self.say("port_security.the_port"),
            "which": self.say("which.source" if incoming else "which.destination"),
            "mac": ether,
        }
        if port is not None and port.security:
            said["allowed"] = _allowed(port, self.words)
            if not any(mac(a.mac) == ether for a in port.security):
                return self.say("port_security.mac", **said)
            return self.say("port_security.address", address=self._address(incoming), **said)
        of_port = self.near("plain", lambda m: m.distance < OTHERS and bool(m.flow.actions))
        return self.say("port_security.unknown", packet=self.packet(), near=of_port, **said)

    def _refused_frame(self, incoming: bool) -> str | None:
        """What northd drops before it looks at port security at all."""
        flow = self.step.flow
        if flow is None or "_port_sec(" in flow.actions_text:
            return None
        if "vlan.present" in flow.match:
            vlan = self.state["vlan.tci"] & 0xFFF
            return self.say("port_security.vlan", switch=self.switch, vlan=vlan)
        if "eth.src[40]" in flow.match:
            return self.say("port_security.multicast", mac=mac(self.state["eth.src"]))
        if re.fullmatch(r'(in|out)port == "[^"]*"( && .*)?', flow.match):
            name = self.view.port_name(self.state["inport" if incoming else "outport"])
            return self.say(f"port_security.disabled_{'in' if incoming else 'out'}", port=name)
        return None

    def _address(self, source: bool) -> str:
        if self.state["eth.type"] == ETH_IPV6:
            return ip6(self.state["ipv6_src" if source else "ipv6_dst"])
        return ip4(self.state["nw_src" if source else "nw_dst"])

    def acl(self) -> str:
        allows = self.near("allows", lambda m: _allows(m.flow) and _is_acl(m) and self._first(m))
        flow = self.step.flow
        if flow is None:
            return self.say("acl.none", switch=self.switch, packet=self.packet(), near=allows)
        if flow.priority in (65532, 65533) and "ct." in flow.match:
            blocked = "ct_mark.blocked" in flow.match or "ct_label.blocked" in flow.match
            reason = "invalid" if "ct.inv" in flow.match else "blocked" if blocked else "state"
            return self.say("acl.conntrack", packet=self.packet(), reason=self.say(f"acl.{reason}"))
        if flow.priority <= 1:
            return self.say("acl.none", switch=self.switch, packet=self.packet(), near=allows)
        if (named := self.name_of(flow)).startswith(KIND):
            packet = describe(self.state, self._named, self.words)
            return self.say("acl.no_rule", policy=named, packet=packet, near=self._nearest_rule() or allows)
        return self.say("acl.denied", packet=self.packet(), flow=self.flow(flow), near=allows)

    def _nearest_rule(self) -> str:
        """The NetworkPolicy rule that comes nearest, and why it does not fit."""
        for miss in self.nearest:
            rule = rule_words(miss.flow.match, self.words) if not miss.outranked and miss.failed else ""
            named = self.name_of(miss.flow) if rule else ""
            if named.startswith(KIND) and _allows(miss.flow) and _is_acl(miss) and self._first(miss):
                own = self.step.flow is not None and named == self.name_of(self.step.flow)
                key = "near.own_rule" if own else "near.rule"
                return self.say(key, policy=named, rule=rule, why=miss.sentence(self.words))
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
        flow = self.step.flow
        if flow is not None and flow.match != "1":
            return self.say(
                "routing.discards", router=self.router, packet=self.packet(), flow=self.flow(flow)
            )
        return self.say("routing.none", router=self.router, to=self._address(False), near=self.near())

    def policy(self) -> str:
        flow = self.step.flow
        if flow is None:
            return self.say("policy.none", router=self.router, packet=self.packet(), near=self.near())
        allows = self.near("allows", lambda m: _allows(m.flow) and self._first(m))
        return self.say(
            "policy.drops", router=self.router, packet=self.packet(), flow=self.flow(flow), near=allows
        )

    def router_input(self) -> str:
        flow = self.step.flow
        if flow is None:
            return self.other()
        if "ip.ttl" in flow.match:
            return self.say("router.ttl", router=self.router, packet=self.packet(), ttl=self.state["nw_ttl"])
        key = "router.own" if "dst" in flow.match or "tpa" in flow.match else "router.not_routed"
        return self.say(key, router=self.router, packet=self.packet(), flow=self.flow(flow))

    def admission(self) -> str:
        return self.say(
            "router.admission",
            router=self.router,
            mac=mac(self.state["eth.dst"]),
            port=self.view.port_name(self.state["inport"]),
            near=self.near("plain", lambda m: "eth.dst" in m.flow.match),
        )

    def unknown_mac(self) -> str:
        ether = mac(self.state["eth.dst"])
        owner = self._port_with(ether)
        if owner:
            return self.say("switch.not_up", port=owner, switch=self.switch, mac=ether)
        return self.say("switch.unknown_mac", switch=self.switch, mac=ether)

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
        v4 = self.state["eth.type"] == ETH_IP
        hop = ip4(self.state["xxreg0"] >> 96) if v4 else ip6(self.state["xxreg0"])
        port = self.view.port_name(self.state["outport"])
        return self.say("router.no_neighbour", router=self.router, hop=hop, port=port)

    def balancer(self) -> str:
        flow = self.step.flow
        if flow is None:
            return self.other()
        return self.say("balancer.no_backend", packet=self.packet(), flow=self.flow(flow))

    def other(self) -> str:
        said = {
            "stage": stage_name(self.step) or self.say("stage.number", table=self.step.table),
            "datapath": self.step.datapath.friendly,
            "packet": self.packet(),
        }
        if self.step.flow is None:
            return self.say("stage.none", near=self.near(), **said)
        goes_on = self.near("goes_on", lambda m: bool(m.flow.actions) and self._first(m))
        return self.say("stage.drops", flow=self.flow(self.step.flow), near=goes_on, **said)

    def _first(self, miss: NearMiss) -> bool:
        """Whether the flow would come before the one that was hit."""
        return self.step.flow is None or miss.flow.rank < self.step.flow.rank


def describe(state: State, name: Callable[[str], str] = str, words: Catalogue | None = None) -> str:
    """``TCP 8080 from 10.16.0.9 to 10.16.0.12``; for what is no IP its kind and MACs. ``name`` may name addresses."""
    say = (words or catalogue()).why
    kind = state["eth.type"]
    if kind == ETH_ARP:
        if state["nw_proto"] == 1:
            return say("packet.arp_request", address=ip4(state["nw_dst"]))
        return say("packet.arp_reply", address=ip4(state["nw_src"]))
    if kind not in (ETH_IP, ETH_IPV6):
        ends = {"source": mac(state["eth.src"]), "to": mac(state["eth.dst"])}
        return say("packet.ethernet", type=f"{kind:#x}", **ends)
    v4 = kind == ETH_IP
    source, to = (
        (ip4(state["nw_src"]), ip4(state["nw_dst"]))
        if v4
        else (ip6(state["ipv6_src"]), ip6(state["ipv6_dst"]))
    )
    proto = state["nw_proto"]
    proto_name = PROTOCOLS.get(proto) or say("protocol.other", number=proto)
    port = f" {state['tp_dst']}" if proto in (TCP, UDP, SCTP) else ""
    return say("packet.ip", protocol=f"{proto_name}{port}", source=name(source), to=name(to))


def _allowed(port: Port, words: Catalogue) -> str:
    return words.why("allowed.and").join(_entry(a, words) for a in port.security[:4])


def _entry(allowed: AllowedAddresses, words: Catalogue) -> str:
    addresses = [ip4(a) for a in sorted(allowed.ipv4)] + [ip6(a) for a in sorted(allowed.ipv6)]
    if not addresses:
        return words.why("allowed.any", mac=mac(allowed.mac))
    return words.why("allowed.with", mac=mac(allowed.mac), addresses=", ".join(addresses))


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

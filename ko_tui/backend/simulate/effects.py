"""What the actions that do not lead on do to the packet: assignments, look-ups, checks.

Facts: utilities/ovn-trace.c of OVN 22.03.8, 23.03.1 and 25.03.3, and lib/meta-flow.c for when a field is written.
Where ovn-trace takes something for granted, so does this, and notes it.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache

from ko_tui.backend.ovn import symbols as symbol_tables
from ko_tui.backend.ovn.actions import (
    Action,
    Assign,
    Call,
    DecrementTtl,
    DhcpRelay,
    Exchange,
    Log,
    PutOptions,
    Result,
    Stack,
)
from ko_tui.backend.ovn.actions.tree import Pipeline
from ko_tui.backend.ovn.expression import Constant, FieldRef, StringConstant
from ko_tui.backend.ovn.versions import OvnVersion
from ko_tui.backend.simulate.flow_text import flow_text
from ko_tui.backend.simulate.nodes import Kind, TraceNode
from ko_tui.backend.simulate.options import Choices
from ko_tui.backend.simulate.packet_state import (
    CT_DNAT,
    CT_TRK,
    ETH_IP,
    ETH_IPV6,
    Place,
    State,
    allows,
    clear_conntrack,
    is_ip,
    mac,
    place_of,
)
from ko_tui.backend.simulate.port_security import denied_in, denied_out
from ko_tui.backend.simulate.southbound import V4_MAPPED, Datapath, Southbound, Vip

# What the packet has now stands for what it had at first (25.09 and later).
_ORIGINAL = {"ct_tp_dst": "tp_dst", "ct_proto": "nw_proto"}


class Effects:
    """Carries out actions for one trace."""

    def __init__(self, southbound: Southbound, choices: Choices) -> None:
        self.southbound = southbound
        self.choices = choices
        self.symbols = symbol_tables.table(southbound.version)

    def place(self, field: FieldRef) -> Place | None:
        return _place(self.southbound.version, field)

    def apply(
        self,
        action: Action,
        datapath: Datapath,
        state: State,
        pipeline: Pipeline,
        parent: TraceNode,
        stack: list[int],
    ) -> None:
        """Change ``state`` as ``action`` does and add ovn-trace's remarks to ``parent``."""
        if isinstance(action, Assign):
            self._assign(action, datapath, state, parent)
        elif isinstance(action, Result):
            self._result(action, datapath, state, parent)
        elif isinstance(action, Call):
            self._call(action, datapath, state, parent)
        elif isinstance(action, Exchange):
            self._exchange(action, state, parent)
        elif isinstance(action, DecrementTtl):
            self._decrement(state, parent)
        elif isinstance(action, Stack):
            self._stack(action, state, parent, stack)
        elif isinstance(action, PutOptions):
            if action.kind != "put_nd_ra_opts":
                self._assume_dhcp(parent)
            parent.add(Kind.MODIFY, action.kind)
            self._store(action.field, state, 1, parent)
        elif isinstance(action, DhcpRelay):
            self._relay(action, state, parent)
        elif isinstance(action, Log):
            self._log(action, state, pipeline, parent)
        else:
            self.choices.assume(
                str(action).partition("(")[0].partition("{")[0].rpartition(" = ")[2].rstrip("; ")
            )

    # -- assignments ------------------------------------------------------------------------------------------

    def _store(self, field: FieldRef, state: State, value: int, parent: TraceNode) -> None:
        """Write an answer to a field, whatever the packet is."""
        place = self.place(field)
        if place is not None:
            place.write(state, value)
            if not place.register:
                parent.add(Kind.MODIFY, f"{field} = {value}")

    def _assign(self, action: Assign, datapath: Datapath, state: State, parent: TraceNode) -> None:
        target = self.place(action.field)
        if target is None:
            parent.add(Kind.MODIFY, f"{action.field} = {action.value}")
            return
        if not target.register:
            parent.add(Kind.MODIFY, f"{action.field} = {action.value}")
        value = action.value
        if isinstance(value, FieldRef):
            source = self.place(value)
            if source is None:
                return
            if allows(target.prerequisite, state) and allows(source.prerequisite, state):
                target.write(state, source.read(state))
        elif allows(target.prerequisite, state):
            if isinstance(value, Constant):
                if value.mask is None:
                    target.write(state, value.value)
                else:
                    target.write(state, target.read(state) & ~value.mask | value.value)
            elif isinstance(value, StringConstant):
                target.write(state, self.southbound.port_number(datapath, value.value) or 0)

    def _exchange(self, action: Exchange, state: State, parent: TraceNode) -> None:
        left, right = self.place(action.left), self.place(action.right)
        if left is None or right is None:
            return
        for place in (left, right):
            if not place.register:
                parent.add(Kind.MODIFY, str(action))
        if allows(left.prerequisite, state) and allows(right.prerequisite, state):
            first, second = left.read(state), right.read(state)
            left.write(state, second)
            right.write(state, first)

    def _decrement(self, state: State, parent: TraceNode) -> None:
        if not is_ip(state):
            parent.add(Kind.ERROR, "*** TTL decrement of non-IP packet")
        elif state["nw_ttl"]:
            state["nw_ttl"] -= 1
            parent.add(Kind.MODIFY, "ip.ttl--")
        else:
            parent.add(Kind.ERROR, "*** TTL underflow")

    def _stack(self, action: Stack, state: State, parent: TraceNode, stack: list[int]) -> None:
        place = self.place(action.field)
        parent.add(Kind.MODIFY, str(action))
        if place is None:
            return
        if action.kind == "push":
            stack.append(place.read(state))
        elif stack:
            place.write(state, stack.pop())

    # -- calls ------------------------------------------------------------------------------------------------

    def _call(self, action: Call, datapath: Datapath, state: State, parent: TraceNode) -> None:
        name = action.name
        if name == "ct_clear":
            clear_conntrack(state)
        elif name in ("get_arp", "get_nd"):
            found = datapath.neighbours.get(self._neighbour(action.arguments or (), state))
            state["eth.dst"] = found[0] if found else 0
            note = f"/* MAC binding to {mac(found[0])}. */" if found else "/* No MAC binding. */"
            parent.add(Kind.ACTION, note)
            parent.add(Kind.MODIFY, f"eth.dst = {mac(state['eth.dst'])}")
        elif name == "ct_snat_to_vip":
            self._snat_to_vip(state, parent)
        elif name == "flood_remote":
            parent.add(Kind.OUTPUT, "/* Flood to all remote chassis */")
        else:
            self.choices.assume(name)

    def _neighbour(self, arguments: tuple[FieldRef | StringConstant, ...], state: State) -> tuple[int, int]:
        """Port key and address of the first two arguments."""
        port, address = (self._read(a, state) for a in arguments[:2])
        ref = arguments[1]
        place = self.place(ref) if isinstance(ref, FieldRef) else None
        return port & 0xFFFF, V4_MAPPED | address if place and place.width == 32 else address

    def _read(self, ref: FieldRef | StringConstant, state: State) -> int:
        place = self.place(ref) if isinstance(ref, FieldRef) else None
        return place.read(state) if place is not None else 0

    # -- look-ups ---------------------------------------------------------------------------------------------

    def _result(self, action: Result, datapath: Datapath, state: State, parent: TraceNode) -> None:
        answer: Callable[..., None] | None = {
            "lookup_arp": self._lookup_neighbour,
            "lookup_nd": self._lookup_neighbour,
            "lookup_arp_ip": self._lookup_address,
            "lookup_nd_ip": self._lookup_address,
            "lookup_fdb": self._lookup_station,
        }.get(action.name)
        if answer is not None:
            answer(action, datapath, state, parent)
        elif action.name == "get_fdb":
            place = self.place(action.field)
            if place is not None:
                place.write(state, datapath.stations.get(self._read(action.arguments[0], state), 0))
        elif action.name in ("check_in_port_sec", "check_out_port_sec"):
            self._check_security(action, datapath, state)
        elif action.name in ("chk_lb_hairpin", "chk_lb_hairpin_reply"):
            self._hairpin(action, state, parent)
        elif action.name == "dns_lookup":
            self.choices.assume("dns_lookup")
            place = self.place(action.field)
            if place is not None:
                place.write(state, 0)
            parent.add(Kind.ERROR, "*** dns_lookup action not implemented")
        elif action.name in _ORIGINAL and not self.southbound.before("25.09"):
            self._store(action.field, state, state[_ORIGINAL[action.name]], parent)
        elif action.name == "get_remote_fdb":
            self.choices.assume(action.name)
            parent.add(Kind.OUTPUT, "/* The remote FDB table is different per each chassis. */")
        elif action.name == "ct_state_save":
            saved = state["ct_state"] & 0xFF if state["ct_state"] & CT_TRK else 0
            place = self.place(action.field)
            if place is not None:
                place.write(state, saved)
            parent.add(Kind.ACTION, f"/* {action.field} = {saved}; */")
        else:
            self.choices.assume(action.name)

    def _lookup_neighbour(self, action: Result, datapath: Datapath, state: State, parent: TraceNode) -> None:
        known = datapath.neighbours.get(self._neighbour(action.arguments, state), ())
        found = self._read(action.arguments[2], state) in known
        note = (
            f"MAC binding to {mac(state['eth.dst'])} found." if found else "lookup failed - No MAC binding."
        )
        parent.add(Kind.ACTION, f"/* {note} */")
        self._write(action.field, state, int(found))

    def _lookup_address(self, action: Result, datapath: Datapath, state: State, parent: TraceNode) -> None:
        found = self._neighbour(action.arguments, state) in datapath.neighbours
        note = "MAC binding found." if found else "lookup failed - No MAC binding."
        parent.add(Kind.ACTION, f"/* {note} */")
        self._write(action.field, state, int(found))

    def _lookup_station(self, action: Result, datapath: Datapath, state: State, parent: TraceNode) -> None:
        port = self._read(action.arguments[0], state) & 0xFFFF
        found = datapath.stations.get(self._read(action.arguments[1], state)) == port
        if found:
            note = f"/* MAC lookup for {mac(state['eth.dst'])} found in FDB. */"
        else:
            note = "/* lookup mac failed in mac learning table. */"
        parent.add(Kind.ACTION, note)
        self._write(action.field, state, int(found))

    def _write(self, field: FieldRef, state: State, value: int) -> None:
        place = self.place(field)
        if place is not None:
            place.write(state, value)

    def _check_security(self, action: Result, datapath: Datapath, state: State) -> None:
        incoming = action.name == "check_in_port_sec"
        port = datapath.ports.get(state["inport" if incoming else "outport"] & 0xFFFF)
        if port is None:
            # ovn-trace aborts here; a port that does not exist has no port security.
            self.choices.assume("no_such_port")
            denied = False
        else:
            denied = (denied_in if incoming else denied_out)(state, port.security)
        self._write(action.field, state, int(denied))

    # -- load balancers ---------------------------------------------------------------------------------------

    def _vip(self, state: State) -> Vip | None:
        """The load balancer address that the packet was sent to before its translation."""
        v4, v6 = V4_MAPPED | state["ct_nw_dst"], state["ct_ipv6_dst"]
        for vip in self.southbound.vips():
            if (vip.family == 4 and vip.address == v4) or vip.address == v6:
                return vip
        return None

    def _hairpin(self, action: Result, state: State, parent: TraceNode) -> None:
        reply = action.name == "chk_lb_hairpin_reply"
        family = {ETH_IP: 4, ETH_IPV6: 6}.get(state["eth.type"], 0)
        same = state["nw_src"] == state["nw_dst"] if family == 4 else state["ipv6_src"] == state["ipv6_dst"]
        answer = family != 0 and bool(state["ct_state"] & CT_DNAT) and same
        if self.southbound.before("22.09"):
            if reply:
                answer = False
                self._write(action.field, state, 0)
                self.choices.assume("not_implemented")
                parent.add(Kind.ERROR, "*** chk_lb_hairpin_reply action not implemented")
        else:
            vip = self._vip(state)
            port = state["tp_dst"] if reply else state["ct_tp_dst"]
            answer = answer and vip is not None and vip.port == port
        self._write(action.field, state, int(answer))
        parent.add(Kind.MODIFY, f"{action.field} = {int(answer)}")

    def _snat_to_vip(self, state: State, parent: TraceNode) -> None:
        if self.southbound.before("22.09"):
            parent.add(Kind.ERROR, "*** ct_snat_to_vip action not implemented")
            return
        vip = self._vip(state)
        if vip is not None and vip.port == state["ct_tp_dst"]:
            right = vip.address == (
                V4_MAPPED | state["ct_nw_dst"] if vip.family == 4 else state["ct_ipv6_dst"]
            )
            if right:
                parent.add(Kind.ACTION, f"/* nat(src={vip.text}) */")

    # -- the rest ---------------------------------------------------------------------------------------------

    def _assume_dhcp(self, parent: TraceNode) -> None:
        self.choices.assume("dhcp")
        parent.add(Kind.ERROR, "/* We assume that this packet is DHCPDISCOVER or DHCPREQUEST. */")

    def _relay(self, action: DhcpRelay, state: State, parent: TraceNode) -> None:
        if action.kind == "dhcp_relay_req_chk":
            self._assume_dhcp(parent)
        else:
            self.choices.assume("dhcp")
            parent.add(
                Kind.ERROR,
                "/* We assume that this packet is DHCPOFFER or DHCPACK and DHCP broadcast flag is set. Dest IP is "
                "set to broadcast. Dest MAC is set to broadcast but in real network this is unicast which is "
                "extracted from DHCP header. */",
            )
            state["nw_dst"], state["eth.dst"] = 0xFFFFFFFF, 0xFFFFFFFFFFFF
        self._store(action.field, state, 1, parent)

    def _log(self, action: Log, state: State, pipeline: Pipeline, parent: TraceNode) -> None:
        direction = "IN" if pipeline == "ingress" else "OUT"
        parent.add(
            Kind.TRANSFORM,
            f"LOG: ACL name={action.name or '<unnamed>'}, direction={direction}, verdict={action.verdict}, "
            f'severity={action.severity}, packet="{flow_text(state)}"',
        )


@cache
def _place(version: OvnVersion, field: FieldRef) -> Place | None:
    symbols = symbol_tables.table(version)
    return place_of(symbols, field.name, field.low, field.high)

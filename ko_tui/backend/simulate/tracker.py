"""Where a trace passes the connection tracker or chooses: ct_next, NAT, load balancing, select.

Facts: utilities/ovn-trace.c of OVN 22.03.8 to 26.03.2.
"""

from __future__ import annotations

from ko_tui.backend.ovn.actions import CtLb, CtNat, Select
from ko_tui.backend.ovn.actions.tree import Pipeline
from ko_tui.backend.ovn.lexer import Format
from ko_tui.backend.ovn.symbols import SymbolTable
from ko_tui.backend.simulate.flow_text import ct_text, ip4, ip6
from ko_tui.backend.simulate.nodes import Kind, TraceNode
from ko_tui.backend.simulate.options import Choices
from ko_tui.backend.simulate.packet_state import (
    CT_DNAT,
    CT_SNAT,
    CT_TRK,
    ETH_IP,
    ETH_IPV6,
    State,
    place_of,
)
from ko_tui.backend.simulate.southbound import Datapath, Southbound


class Tracker:
    """The part of a walk that forks the packet into a tracked one and goes on with that in the next table."""

    southbound: Southbound
    choices: Choices
    symbols: SymbolTable

    def table(
        self, datapath: Datapath, state: State, table: int, pipeline: Pipeline, parent: TraceNode
    ) -> None:
        """Visit a table."""
        raise AssertionError("a walk knows how to visit tables")

    def remember(self, tracked: State, state: State) -> None:
        """The original packet as the tracker knows it from now on (25.09 and later)."""
        if self.southbound.before("25.09"):
            return
        tracked["ct_nw_proto"] = state["nw_proto"]
        if state["eth.type"] == ETH_IP:
            tracked["ct_nw_src"], tracked["ct_nw_dst"] = state["nw_src"], state["nw_dst"]
        elif state["eth.type"] == ETH_IPV6:
            tracked["ct_ipv6_src"], tracked["ct_ipv6_dst"] = state["ipv6_src"], state["ipv6_dst"]
        tracked["ct_tp_src"], tracked["ct_tp_dst"] = state["tp_src"], state["tp_dst"]

    def track(
        self, datapath: Datapath, state: State, table: int, pipeline: Pipeline, parent: TraceNode
    ) -> None:
        """``ct_next``."""
        bits, comment = self.choices.next_state()
        node = parent.add(Kind.TRANSFORM, f"ct_next(ct_state={ct_text(bits)}{comment})")
        tracked = state | {"ct_state": bits}
        self.remember(tracked, state)
        self.table(datapath, tracked, table + 1, pipeline, node)

    def nat(
        self,
        action: CtNat,
        datapath: Datapath,
        state: State,
        table: int,
        pipeline: Pipeline,
        parent: TraceNode,
    ) -> None:
        """``ct_dnat`` and its kin: the next table sees the translated packet."""
        to_destination = action.kind.startswith("ct_dnat")
        if not to_destination and datapath.has_l3gateway and action.address is None:
            return  # ct_snat without an address shows no effect in a gateway router
        way = "dst" if to_destination else "src"
        tracked = dict(state)
        header = f"ct_{way[0]}nat" + ("in_czone" if action.kind.endswith("_in_czone") else "")
        if action.address is None:
            header += f" /* assuming no un-{way[0]}nat entry, so no change */"
            self.choices.assume("no_nat_entry")
        else:
            value = action.address.value
            if action.address.format is Format.IPV4:
                header += f"(ip4.{way}={ip4(value)})"
                tracked[f"nw_{way}"] = value
            else:
                header += f"(ip6.{way}={ip6(value)})"
                tracked[f"ipv6_{way}"] = value
            tracked["ct_state"] |= CT_DNAT if to_destination else CT_SNAT
        self.remember(tracked, state)
        self.commit(header, datapath, tracked, table, pipeline, parent)

    def commit(
        self,
        header: str,
        datapath: Datapath,
        state: State,
        table: int,
        pipeline: Pipeline,
        parent: TraceNode,
    ) -> None:
        """Pass through the tracker, unless that was done, and go on."""
        tracked = dict(state)
        if not tracked["ct_state"] & CT_TRK:
            bits, comment = self.choices.next_state()
            tracked["ct_state"] |= bits
            header += comment
        self.table(datapath, tracked, table + 1, pipeline, parent.add(Kind.TRANSFORM, header))

    def balance(
        self,
        action: CtLb,
        datapath: Datapath,
        state: State,
        table: int,
        pipeline: Pipeline,
        parent: TraceNode,
    ) -> None:
        """``ct_lb_mark``: choose a backend, or apply the known one, and go on."""
        balanced = dict(state)
        comment = ""
        family = {ETH_IP: 4, ETH_IPV6: 6}.get(state["eth.type"], 0)
        if family:
            chosen = self._backend(action, family, parent)
            if chosen is not None:
                self._translate(balanced, family, *chosen)
            bits, comment = self.choices.next_state()
            balanced["ct_state"] |= bits
        self.remember(balanced, state)
        header = "ct_lb" if action.kind == "ct_lb" else "ct_lb_mark"
        if action.kind == "ct_lb_mark_local":
            header = action.kind
            self.choices.assume("ct_lb_mark_local")
        node = parent.add(Kind.TRANSFORM, header + comment)
        self.table(datapath, balanced, table + 1, pipeline, node)

    def _backend(self, action: CtLb, family: int, parent: TraceNode) -> tuple[int, int] | None:
        choices = self.choices
        if not action.backends:
            if choices.lb_family == family:
                return choices.lb_address, choices.lb_port
            return None
        wanted = Format.IPV4 if family == 4 else Format.IPV6
        fitting = [b for b in action.backends if b.address.format is wanted]
        if choices.lb_family == family:
            for backend in fitting:
                if backend.address.value == choices.lb_address:
                    choices.lb_family = 0
                    return backend.address.value, backend.port or 0
        if not fitting:
            parent.add(Kind.ERROR, "*** no load balancing destination (use --lb-dst)")
            return None
        chosen = fitting[choices.pick(len(fitting), "random_backend")]
        return chosen.address.value, chosen.port or 0

    def _translate(self, state: State, family: int, address: int, port: int) -> None:
        keeps_original = not self.southbound.before("22.09")
        key, original = ("nw_dst", "ct_nw_dst") if family == 4 else ("ipv6_dst", "ct_ipv6_dst")
        if keeps_original:
            state[original], state["ct_tp_dst"] = state[key], state["tp_dst"]
        state[key] = address
        if port:
            state["tp_dst"] = port
        state["ct_state"] |= CT_DNAT

    def select(
        self,
        action: Select,
        datapath: Datapath,
        state: State,
        table: int,
        pipeline: Pipeline,
        parent: TraceNode,
    ) -> None:
        """``select``: one member of several, by ``--select-id`` or the first."""
        asked = [m.id for m in action.members if m.id == self.choices.select_id]
        if asked:
            chosen, note = asked[0], ""
        else:
            chosen = action.members[self.choices.pick(len(action.members), "random_choice")].id
            note = " /* Randomly selected. Use --select-id to specify. */"
        selected = dict(state)
        place = place_of(self.symbols, action.field.name, action.field.low, action.field.high)
        if place is not None:
            place.write(selected, chosen)
        node = parent.add(Kind.TRANSFORM, f"select: {action.field} = {chosen}{note}")
        self.table(datapath, selected, table + 1, pipeline, node)

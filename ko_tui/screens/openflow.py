"""The OpenFlow of a node: which logical stage a table is, what counts now, and one flow decoded."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from typing import TYPE_CHECKING, Any, ClassVar

from textual.widget import Widget

from ko_tui.commands import Command, bindings
from ko_tui.screens.explained_table import ExplainedTable
from ko_tui.screens.flow_words import keep
from ko_tui.screens.jumps import behind_flow, show_object, visit_logical
from ko_tui.screens.place import PlaceScreen
from ko_tui.widgets.flow_detail import openflow_lines
from ko_tui.widgets.flow_table import FlowTable
from ko_tui.widgets.line_table import Column, LineTable
from ko_tui.widgets.line_view import LineView

if TYPE_CHECKING:
    from ko_tui.backend.ovs.openflow import Rate
    from ko_tui.backend.pipeline.node_flows import NodeFlows
    from ko_tui.backend.session import Session
    from ko_tui.backend.source.interface import Cancel
    from ko_tui.backend.tracing.model import Endpoint, Inventory


class OpenFlowScreen(PlaceScreen):
    """Which node."""

    mode = "openflow"
    enter = "open"
    commands: ClassVar[tuple[Command, ...]] = (
        Command(
            "openflow.filter",
            "slash",
            "Filter by expression; ! in front turns it round",
            "/filter",
            action="filter",
        ),
    )
    BINDINGS = bindings(commands)

    def body(self) -> Iterable[Widget]:
        yield LineTable[Any](
            [
                Column("NODE", lambda e: e.name, "", 20, 50, middle=True),
                Column("ADDRESSES", lambda e: ", ".join(e.ips), "name", 15, 50),
                Column("STATE", lambda e: e.phase, lambda e: "" if e.ready else "warn", 7, 10),
            ],
            identity=lambda e: e.name,
            empty="Waiting for the nodes.",
            id="nodes",
        )

    @property
    def table(self) -> LineTable[Endpoint]:
        found: LineTable[Any] = self.query_one("#nodes", LineTable)
        return found

    def on_mount(self) -> None:
        super().on_mount()
        self.table.focus()

    def load(self, *, fresh: bool = False) -> None:
        self.ask(
            "nodes",
            lambda session, cancel: session.inventory(refresh=fresh, cancel=cancel),
            self._arrived,
            label="listing nodes",
            failed=self.show_trouble,
        )

    def _arrived(self, inventory: Inventory) -> None:
        nodes = [e for e in inventory.endpoints if e.kind == "node"]
        self.table.show(nodes)
        self.ko.known["node"] = [n.name for n in nodes]
        self.had(f"{len(nodes)} nodes", inventory.taken_at)

    def on_line_view_chosen(self, event: LineView.Chosen) -> None:
        event.stop()
        if self.table.current is not None:
            self.app.push_screen(NodeFlowsScreen(self.table.current.name))

    def arrive(self, words: str) -> None:
        """``NODE [FILTER]``."""
        node, _, found = words.partition(" ")
        self.app.push_screen(NodeFlowsScreen(node, found.strip().removeprefix("/")))


class NodeFlowsScreen(ExplainedTable):
    """All flows of br-int of a node; after a second look the hottest first."""

    mode = "openflow"
    enter = "decode"
    commands: ClassVar[tuple[Command, ...]] = (
        Command("openflow.details", "d", "Decode the flow under the cursor, and back", action="details"),
        Command("openflow.hot", "H", "Hottest first, or in table order", "hot first", action="hot"),
        Command("openflow.logical", "L", "The logical flow behind it, in Pipeline", "logical flow", action="logical"),
        Command("openflow.name", "w", "Say which logical flow is behind it", action="say_logical"),
        Command("openflow.object", "Y", "The object behind it, as YAML", "YAML", action="object_yaml"),
        Command("openflow.pane", "tab", "Go to the details and back", action="other_pane"),
        Command(
            "openflow.words", "slash", "Filter: words such as table=12 and n_packets>0, or an expression", "/filter",
            action="filter",
        ),
    )  # fmt: skip
    BINDINGS = bindings(commands)

    def __init__(self, node: str = "", found: str = "") -> None:
        super().__init__()
        self.node = node
        self._found = found
        self._filter = found
        self.dump: NodeFlows | None = None
        self.rates: Sequence[Rate] = ()
        self.behind: dict[str, str] | None = None  # cookie -> southbound row; None: not asked for yet
        self.hot = False

    def body(self) -> Iterable[Widget]:
        columns: list[Column[Any]] = [
            Column("TABLE", lambda r: str(r.flow.table), "dim", 5, 5, right=True, key=lambda r: r.flow.table or 0),
            Column("STAGE", self._stage, "name", 14, 26, rank=2, middle=True),
            Column("PRIO", lambda r: str(r.flow.priority), "warn", 5, 5, right=True, key=lambda r: -r.flow.priority),
            Column("PACKETS", lambda r: "" if r.flow.packets is None else f"{r.flow.packets:,}", "", 8, 12,
                   right=True, key=lambda r: -(r.flow.packets or 0)),
            Column("/s", lambda r: "" if not r.per_second else f"{r.per_second:.1f}", "change", 5, 9,
                   right=True, rank=1, key=lambda r: -(r.per_second or 0)),
            Column("MATCH", lambda r: r.flow.match if r.flow.known else r.flow.raw, "", 18, 160),
            Column("ACTIONS", lambda r: r.flow.actions, "", 14, 120),
        ]  # fmt: skip
        yield from self.panes(
            FlowTable(
                columns,
                {"MATCH": "openflow", "ACTIONS": "openflow"},
                identity=lambda r: r.flow.key,
                empty="Waiting for the flows of this node.",
                id="openflow",
            )
        )

    def _stage(self, rate: Rate) -> str:
        """The stage of its logical flow; where that is not known, the stages that its table serves."""
        if self.dump is None:
            return ""
        known = self.dump.by_cookie.get(rate.flow.cookie)
        return known[0] if known is not None else self.dump.stages.get(rate.flow.table or 0, "")

    def on_mount(self) -> None:
        super().on_mount()
        if self.ko.settings.openflow_seconds:
            self.set_interval(max(5, self.ko.settings.openflow_seconds), self._look)

    def _look(self) -> None:
        if self.app.screen is self and not self.questions:
            self.load()

    def crumbs(self) -> Sequence[str]:
        return (self.node, "br-int")

    def load(self, *, fresh: bool = False) -> None:
        before = self.dump

        def question(session: Session, cancel: Cancel) -> tuple[NodeFlows, list[Rate]]:
            from ko_tui.backend.ovs.openflow import Rate, rates

            dump = session.openflow(self.node, cancel=cancel)
            if before is None:
                return dump, [Rate(flow, None) for flow in dump.flows]
            by_flow = {
                id(r.flow): r for r in rates(before.flows, dump.flows, dump.taken_at - before.taken_at)
            }
            return dump, [by_flow[id(flow)] for flow in dump.flows]

        self.ask(
            "dump",
            question,
            self._arrived,
            label=f"dumping the flows of {self.node}",
            failed=self.show_trouble,
        )

    def _arrived(self, answer: tuple[NodeFlows, Sequence[Rate]]) -> None:
        self.dump, self.rates = answer
        self._show()
        self.had(self._count(), self.dump.taken_at)
        if any(r.per_second for r in self.rates):
            self.tell("Rates are since the last look" + ("." if self.hot else "; H puts the hottest first."))
        elif not self.table.filter.words:
            self.tell("r looks again: then rates are known.")
        self.open_pane()

    def _show(self) -> None:
        rows = keep(self.rates, self._filter, self._stage)
        if self.hot:
            rows = sorted(rows, key=lambda r: (-(r.per_second or 0.0), -(r.flow.packets or 0)))
        self.table.show(rows)

    def _count(self) -> str:
        shown, total = len(self.table.rows), len(self.rates)
        return f"{total:,} flows" if shown == total else f"{shown:,} of {total:,} flows"

    def filter_text(self) -> str:
        return self._filter

    def filter_changed(self, text: str) -> None:
        self._filter = text
        try:
            self._show()
        except re.error as error:
            self.tell(f"{error}", "warn")
            return
        self.count_words = self._count()
        self.show_place()
        self.explain()

    def action_hot(self) -> None:
        self.hot = not self.hot
        self._show()
        self.table.action_top()

    # -- details ------------------------------------------------------------------------------------------------

    def explain(self) -> None:
        rate: Rate | None = self.table.current
        if not self.pane.display or rate is None or self.dump is None:
            return
        from ko_tui.backend.explain.openflow import openflow_table
        from ko_tui.backend.ovs.openflow import decode

        try:
            decoded = decode(rate.flow)
        except ValueError:
            decoded = None
        logical = self.dump.by_cookie.get(rate.flow.cookie)
        # Its own stage says of what kind the datapath is: then only one of the table's two purposes is meant.
        router = logical[0].startswith("lr_") if logical is not None and logical[0] else None
        table = openflow_table(rate.flow.table or 0, self.dump.version, router=router)
        stage = self._stage(rate)
        words = f"{stage}: {table.title}" if stage and stage not in table.title else table.title
        if logical is None and self.behind is None and self.dump.complete and rate.flow.cookie.strip("0"):
            self._ask_rows()
        lines = openflow_lines(
            rate.flow,
            decoded,
            words,
            logical,
            rate.per_second,
            asked=self.dump.complete,
            row=(self.behind or {}).get(rate.flow.cookie, ""),
        )
        self.write_pane(lines)

    def _ask_rows(self, then: Callable[[], None] | None = None) -> None:
        """The rows behind what ovn-controller makes without a logical flow: ports, addresses, multicast groups."""

        def question(session: Session, _cancel: Cancel) -> dict[str, str]:
            from ko_tui.backend.pipeline.cookie_rows import southbound_rows

            return southbound_rows(session)

        def found(rows: dict[str, str]) -> None:
            self.behind = rows
            if then is not None:
                then()
            self.explain()

        if then is None:
            self.behind = {}  # asked once; nobody is told when they cannot be had
            self.ask("rows", question, found, failed=lambda _error: None)
        else:
            self.ask("rows", question, found, label="asking what it is made from", failed=self.show_trouble)

    def _say_row(self, cookie: str) -> None:
        row = (self.behind or {}).get(cookie)
        if row:
            self.tell(f"No logical flow is behind this one: ovn-controller made it from {row}.", "warn")
        else:
            self.tell("No logical flow is behind this one: it is ovn-controller's own.", "warn")

    def action_logical(self) -> None:
        rate: Rate | None = self.table.current
        if rate is not None:
            self._with_logical(lambda found: visit_logical(self, rate.flow.match, found[0], rate.flow.cookie))

    def action_say_logical(self) -> None:
        self._with_logical(lambda found: self.tell(f"{found[0]}: {found[1]}"))

    def action_object_yaml(self) -> None:
        rate: Rate | None = self.table.current
        if rate is None:
            return
        cookie = rate.flow.cookie
        self._with_logical(lambda _found: show_object(self, lambda session: behind_flow(session, cookie)))

    def _with_logical(self, then: Callable[[tuple[str, str]], None]) -> None:
        """Go on with stage and match of the logical flow under the cursor; tell when there is none."""
        rate: Rate | None = self.table.current
        if rate is None or self.dump is None:
            return
        cookie = rate.flow.cookie

        def found(logical: tuple[str, str] | None) -> None:
            if logical is None:
                if self.behind or not cookie.strip("0"):
                    self._say_row(cookie)
                else:
                    self._ask_rows(lambda: self._say_row(cookie))
                return
            if self.dump is not None and cookie not in self.dump.by_cookie:
                self.dump.by_cookie[cookie] = logical
                self.explain()
            then(logical)

        if cookie in self.dump.by_cookie or self.dump.complete or not cookie.strip("0"):
            found(self.dump.by_cookie.get(cookie))
            return

        def question(session: Session, _cancel: Cancel) -> tuple[str, str] | None:
            from ko_tui.backend.pipeline.node_flows import logical_flow

            return logical_flow(session, cookie)

        self.ask("logical", question, found, label="asking for its logical flow", failed=self.show_trouble)

    def raw_text(self) -> tuple[str, str]:
        return "\n".join(r.flow.raw for r in self.table.rows), "openflow"

    def exact_commands(self) -> list[str]:
        return [f"kubectl ko ofctl {self.node} --no-names dump-flows br-int"]

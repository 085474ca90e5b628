"""The flows of a table, the one under the cursor explained beside them."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any, ClassVar

from textual.widget import Widget

from ko_tui.commands import Command, bindings
from ko_tui.screens.explained_table import ExplainedTable
from ko_tui.screens.known_names import node_names
from ko_tui.screens.pipeline import field_filter, on_southbound
from ko_tui.widgets.bars import counted
from ko_tui.widgets.flow_detail import logical_flow_lines
from ko_tui.widgets.flow_table import FlowTable
from ko_tui.widgets.line_table import Column
from ko_tui.widgets.tones import Line

if TYPE_CHECKING:
    from ko_tui.backend.explain.model import ObjectRef
    from ko_tui.backend.ovn.flows import Flow, FlowStore, StageFlows
    from ko_tui.backend.session import Session
    from ko_tui.backend.source.interface import Cancel

NO_FLOW = "There is no flow under the cursor."
NODE_SIGN = "node: "
_ADDRESS = re.compile(r"= ([0-9a-f][0-9a-f.:]{2,})")
MOST_NAMED = 500  # flows of a table whose objects are looked up unasked
PIECE = 200  # flows in one question


def object_words(found: ObjectRef | None) -> str:
    """``NetworkPolicy prod/np1``, or the northbound row where Kubernetes has no object; "" for none."""
    if found is None:
        return ""
    behind = found.owner or found
    where = f"{behind.namespace}/{behind.name}" if behind.namespace else behind.name
    return f"{behind.kind} {where}".strip() if where else ""


def _named(
    session: Session, cancel: Cancel, uuids: Sequence[str]
) -> tuple[dict[str, ObjectRef], dict[str, ObjectRef]]:
    """What :func:`_owners` gives, and the Services by their addresses when a load balancer is among them."""
    from ko_tui.backend.explain.model import ObjectRef

    owners = _owners(session, cancel, uuids)
    services: dict[str, ObjectRef] = {}
    if any(owner.kind == "Load_Balancer" for owner in owners.values()):
        for endpoint in session.inventory(cancel=cancel).endpoints:
            if endpoint.kind == "service":
                thing = ObjectRef("Service", endpoint.name, namespace=endpoint.namespace)
                services |= dict.fromkeys(endpoint.ips, thing)
    return owners, services


def _meant(flow: Flow, owner: ObjectRef | None, services: Mapping[str, ObjectRef]) -> ObjectRef | None:
    """The object that a person means. Kube-OVN puts all Services of a VPC into a few load balancers: the address
    tells which one it is."""
    if owner is None or owner.kind != "Load_Balancer":
        return owner
    addresses = _ADDRESS.findall(f"{flow.match} {flow.actions}")
    return replace(owner, owner=next((services[a] for a in addresses if a in services), None))


def _object_of(session: Session, cancel: Cancel, flow: Flow) -> ObjectRef | None:
    owners, services = _named(session, cancel, [flow.uuid])
    return _meant(flow, owners.get(flow.uuid), services)


def _owners(session: Session, cancel: Cancel, uuids: Sequence[str]) -> dict[str, ObjectRef]:
    """Flow -> the object that it was made from, for those that OVN names one for."""
    from ko_tui.backend.explain.owner import find_owner
    from ko_tui.backend.tracing.objects import SessionRows, stage_hints

    rows = SessionRows(session)
    hints: dict[str, str] = {}
    for start in range(0, len(uuids), PIECE):
        if cancel.cancelled:
            break
        hints |= stage_hints(session, uuids[start : start + PIECE])
    found = {hint: find_owner(hint, rows) for hint in set(hints.values())}
    return {uuid: owner for uuid, hint in hints.items() if (owner := found[hint]) is not None}


class FlowsScreen(ExplainedTable):
    """Logical flows in the order in which OVN looks at them: the highest priority that matches decides."""

    mode = "pipeline"
    enter = "explain"
    commands: ClassVar[tuple[Command, ...]] = (
        Command("flows.details", "d", "Explain the flow under the cursor, and back", action="details"),
        Command("flows.object", "K", "Find the object behind this flow", "object", action="find_object"),
        Command("flows.yaml", "Y", "The object behind this flow, as YAML", "YAML", action="object_yaml"),
        Command("flows.openflow", "F", "Its OpenFlow on a node: F, then the node", "on a node", action="on_node"),
        Command("flows.pane", "tab", "Go to the explanation and back", action="other_pane"),
        Command(
            "flows.filter", "slash", "Filter: an expression, or field=value (ip4.dst=10.96.0.10)", "/filter",
            action="filter",
        ),
    )  # fmt: skip
    BINDINGS = bindings(commands)

    def __init__(
        self,
        datapath: str = "",
        uuid: str = "",
        store: FlowStore | None = None,
        stage: StageFlows | None = None,
        found: str = "",
        taken_at: float = 0.0,
    ) -> None:
        super().__init__()
        self.datapath, self.uuid, self.store, self.stage = datapath, uuid, store, stage
        self._found = found
        self._had_at = taken_at
        self.owners: dict[str, ObjectRef] = {}
        self.services: dict[str, ObjectRef] = {}  # by address

    def body(self) -> Iterable[Widget]:
        columns: list[Column[Any]] = [
            Column("STAGE", lambda f: f.stage, "name", 18, 26),
            Column("PRIO", lambda f: str(f.priority), "warn", 5, 5, right=True, key=lambda f: -f.priority),
            Column("MATCH", lambda f: f.match if f.known else f.raw, "", 28, 200),
            Column("ACTIONS", lambda f: f.actions, "", 12, 120),
            # Named once the flows are there; a terminal that is narrow shows it in the explanation alone.
            Column("OBJECT", self._object, "accent", 30, 34, rank=2, middle=True),
            Column("UUID", lambda f: f.uuid, "dim", 8, 8, rank=3),
        ]
        if self.stage is not None:
            columns = columns[1:]
        yield from self.panes(
            FlowTable(
                columns,
                {"MATCH": "match", "ACTIONS": "actions"},
                identity=lambda f: (f.uuid, f.table, f.priority, f.match),
                empty="This table holds no flows.",
                id="flows",
            )
        )

    def crumbs(self) -> Sequence[str]:
        return (self.datapath, self.stage.stage if self.stage is not None else "all tables")

    def load(self, *, fresh: bool = False) -> None:
        store, name, uuid, stage = self.store, self.datapath, self.uuid, self.stage
        assert store is not None

        def question(session: Session, cancel: Any) -> tuple[Sequence[Flow], list[str], float]:
            made, taken_at = store, self._had_at
            if fresh:
                answer = session.flows(name, refresh=True, cancel=cancel)
                made, taken_at = answer.value, answer.taken_at
            place = (stage.pipeline, stage.stage) if stage is not None else (None, None)
            flows = made.flows(uuid, *place) or made.flows(name, *place)
            hay = [f"priority == {f.priority} {f.match} {f.actions} {f.stage} {f.uuid}" for f in flows]
            return flows, hay, taken_at

        self.ask("flows", question, self._arrived, label="reading flows", failed=self.show_trouble)

    def _arrived(self, answer: tuple[Sequence[Flow], list[str], float]) -> None:
        flows, haystack, taken_at = answer
        self.table.show(flows, haystack)
        self._haystack = haystack
        uuids = sorted({f.uuid for f in flows if f.uuid})
        if uuids and len(uuids) <= MOST_NAMED:
            self.ask("owners", lambda s, c: _named(s, c, uuids), self._owned, failed=lambda _error: None)
        self.had(counted(len(flows), "flow"), taken_at)
        if self._found:
            found, self._found = self._found, ""
            self.filter_changed(found)
        self.open_pane()

    def _object(self, flow: Flow) -> str:
        return object_words(_meant(flow, self.owners.get(flow.uuid), self.services))

    def _owned(self, answer: tuple[dict[str, ObjectRef], dict[str, ObjectRef]]) -> None:
        """Whose the flows are: shown, and found by the filter."""
        self.owners, self.services = answer
        rows = self.table.rows
        hay = [f"{text} {self._object(f)}" for f, text in zip(rows, self._haystack, strict=True)]
        self.table.show(rows, hay)
        self.explain()

    def filter_changed(self, text: str) -> None:
        super().filter_changed(field_filter(text))
        shown, total = len(self.table.kept), len(self.table.rows)
        self.count_words = f"{shown:,} of {counted(total, 'flow')}" if text else counted(total, "flow")
        self.show_place()
        self.explain()

    # -- the explanation ----------------------------------------------------------------------------------------

    def explain(self, owner: ObjectRef | None = None, more: Sequence[Line] = ()) -> None:
        flow: Flow | None = self.table.current
        if not self.pane.display:
            return
        if flow is None:
            self.write_pane(())
            return
        from ko_tui.backend.explain.flow import explain_flow

        session = self.ko.door.opened
        lang = session.options.lang if session is not None else "en"
        explained = explain_flow(flow.stage, flow.match, flow.actions, priority=flow.priority, lang=lang)  # type: ignore[arg-type]
        explained.uuid = flow.uuid
        known = owner or _meant(flow, self.owners.get(flow.uuid), self.services)
        lines = [*logical_flow_lines(explained, flow.match, known, lang), *more]
        self.write_pane(lines)

    def action_find_object(self) -> None:
        flow: Flow | None = self.table.current
        if flow is None or not flow.uuid:
            self.tell(NO_FLOW, "warn")
            return

        def question(session: Session, cancel: Any) -> ObjectRef | None:
            return _object_of(session, cancel, flow)

        def arrived(owner: ObjectRef | None) -> None:
            if owner is None:
                self.tell("OVN names no object for this flow: it is one that every datapath has.", "warn")
                return
            self.pane.display = True
            self.explain(owner)
            name = object_words(owner) or f"{owner.kind} {owner.uuid[:8]}"
            self.tell(f"{name} {owner.detail}".rstrip(), "good")

        self.ask("object", question, arrived, label="finding the object")

    def action_object_yaml(self) -> None:
        flow: Flow | None = self.table.current
        if flow is None or not flow.uuid:
            self.tell(NO_FLOW, "warn")
            return
        from ko_tui.backend.source.interface import Cancel
        from ko_tui.screens.jumps import show_object

        show_object(self, lambda session: _object_of(session, Cancel(), flow))

    def action_on_node(self) -> None:
        if self.table.current is None:
            self.tell(NO_FLOW, "warn")
        elif "node" in self.ko.known:
            self._ask_node(self.ko.known["node"])
        else:
            self.ask("nodes", node_names, self._nodes_came, label="listing nodes")

    def _nodes_came(self, names: list[str]) -> None:
        self.ko.known["node"] = names
        self._ask_node(names)

    def _ask_node(self, nodes: Sequence[str]) -> None:
        from ko_tui.widgets.prompt import PromptLine

        self.query_one(PromptLine).open(
            NODE_SIGN,
            nodes[0] if len(nodes) == 1 else "",
            completer=lambda text: [(n, "node") for n in nodes if text in n],
        )

    def answered_prompt(self, sign: str, text: str) -> None:
        flow: Flow | None = self.table.current
        if sign != NODE_SIGN or flow is None or not text.strip():
            return
        node, nodes = text.strip(), self.ko.known.get("node", [])
        if nodes and node not in nodes:
            self.tell(f"There is no node {node!r}. Nodes: {', '.join(nodes[:5])}", "warn")
            return
        self.app.run_worker(self.visit("openflow", f"{node} cookie=0x{flow.uuid}"), group="visit")

    def raw_text(self) -> tuple[str, str]:
        lines = [
            f'table={f.table} ({f.stage}), priority={f.priority}, match=({f.match}), action=({f.actions})'
            for f in self.table.shown()
        ]  # fmt: skip
        return "\n".join(lines), "flow"

    def exact_commands(self) -> list[str]:
        return on_southbound(self.ko.door.opened, "--uuid", "lflow-list", self.datapath)

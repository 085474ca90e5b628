"""Switches and routers, then the tables of one, then (screens.flows) the flows of a table."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any, ClassVar

from textual.widget import Widget

from ko_tui.commands import Command, bindings
from ko_tui.screens.place import PlaceScreen
from ko_tui.widgets.line_table import Column, LineTable
from ko_tui.widgets.line_view import LineView

if TYPE_CHECKING:
    from ko_tui.backend.answers import Answer
    from ko_tui.backend.cluster.leader import Leader
    from ko_tui.backend.ovn.flows import FlowStore, StageFlows
    from ko_tui.backend.pipeline.browse import Datapath
    from ko_tui.backend.session import Session
    from ko_tui.backend.source.interface import Cancel

FILTER = Command(
    "pipeline.filter", "slash", "Filter by expression; ! in front turns it round", "/filter", action="filter"
)


class PipelineScreen(PlaceScreen):
    """Every datapath, with what it is in Kubernetes and how many flows it has."""

    mode = "pipeline"
    enter = "open"
    commands: ClassVar[tuple[Command, ...]] = (FILTER,)
    BINDINGS = bindings(commands)

    def __init__(self) -> None:
        super().__init__()
        self.counts: dict[str, int] = {}
        self._wanted = ""

    def body(self) -> Iterable[Widget]:
        yield LineTable[Any](
            [
                Column("KIND", lambda d: d.kind, "accent", 6, 6),
                Column("NAME", lambda d: d.name, "", 20, 60, middle=True),
                Column("KUBERNETES", lambda d: d.kubernetes, "name", 12, 50, rank=2),
                Column("FLOWS", self._count, "", 7, 10, right=True, key=lambda d: self.counts.get(d.uuid, 0)),
                Column(
                    "KEY",
                    lambda d: str(d.tunnel_key),
                    "dim",
                    4,
                    8,
                    rank=3,
                    right=True,
                    key=lambda d: d.tunnel_key,
                ),
            ],
            identity=lambda d: d.uuid,
            empty="Waiting for the switches and routers.",
            id="datapaths",
        )

    def _count(self, datapath: Datapath) -> str:
        count = datapath.flows if datapath.flows is not None else self.counts.get(datapath.uuid)
        return "" if count is None else f"{count:,}"

    @property
    def table(self) -> LineTable[Datapath]:
        found: LineTable[Any] = self.query_one("#datapaths", LineTable)
        return found

    def on_mount(self) -> None:
        super().on_mount()
        self.table.focus()

    def load(self, *, fresh: bool = False) -> None:
        self.ask(
            "datapaths",
            lambda session, _cancel: session.datapaths(refresh=fresh),
            self._arrived,
            label="listing switches and routers",
            failed=self.show_trouble,
        )

    def _arrived(self, answer: Answer[list[Datapath]]) -> None:
        self.table.show(answer.value)
        self.ko.known["datapath"] = [d.name for d in answer.value]
        self.had(f"{len(answer.value)} datapaths", answer.taken_at)
        # Counting is slower than listing: names first.
        self.ask(
            "counts",
            lambda session, _cancel: session.flow_counts(),
            self._counted,
            failed=lambda e: self.tell(e.what, "warn"),
        )
        if self._wanted:
            wanted, self._wanted = self._wanted, ""
            self.arrive(wanted)

    def _counted(self, answer: Answer[dict[str, int]]) -> None:
        self.counts = answer.value
        self.table.show(self.table.rows)
        self.count_words = f"{len(self.table.rows)} datapaths, {sum(self.counts.values()):,} flows"
        self.show_place()

    def exact_commands(self) -> list[str]:
        columns = "--columns=_uuid,external_ids,tunnel_key"
        session = self.ko.door.opened
        listed = on_southbound(session, "--format=json", columns, "list", "Datapath_Binding")
        return [*listed, *on_southbound(session, "count-flows")[-1:]]

    def on_line_view_chosen(self, event: LineView.Chosen) -> None:
        event.stop()
        datapath = self.table.current
        if datapath is not None:
            self.app.push_screen(StagesScreen(datapath.name, datapath.uuid))

    def arrive(self, words: str) -> None:
        """``DATAPATH [STAGE] [/FILTER]``."""
        place, _, found = words.partition("/") if " /" in f" {words}" else (words, "", "")
        name, _, stage = place.strip().partition(" ")
        if not len(self.table.rows):
            self._wanted = words
            return
        datapath = next((d for d in self.table.rows if name in (d.name, d.uuid)), None)
        if datapath is None:
            self.filter_changed(name)
            if name:
                self.tell(f"There is no datapath {name!r}; these have it in their name.", "warn")
            return
        self.app.push_screen(StagesScreen(datapath.name, datapath.uuid, stage.strip(), found.strip()))


class StagesScreen(PlaceScreen):
    """The tables of one datapath with what each is for. ``stage`` opens that one as soon as it is there."""

    mode = "pipeline"
    enter = "open"
    commands: ClassVar[tuple[Command, ...]] = (
        FILTER,
        Command(
            "stages.flows", "a", "The flows of all tables, by this filter", "all flows", action="all_flows"
        ),
    )
    BINDINGS = bindings(commands)

    def __init__(self, name: str = "", uuid: str = "", stage: str = "", found: str = "") -> None:
        super().__init__()
        self.datapath, self.uuid = name, uuid
        self._stage, self._found = stage, found
        self.store: FlowStore | None = None
        self.titles: dict[str, str] = {}

    def body(self) -> Iterable[Widget]:
        yield LineTable[Any](
            [
                Column("PIPELINE", lambda s: s.pipeline, "accent", 8, 8),
                Column("TABLE", lambda s: str(s.table), "dim", 5, 5, right=True, key=lambda s: s.table),
                Column("STAGE", lambda s: s.stage, "name", 22, 30),
                Column("FLOWS", lambda s: f"{s.count:,}", "", 7, 10, right=True, key=lambda s: s.count),
                Column("WHAT IT DECIDES", lambda s: self.titles.get(s.stage, ""), "", 16, 90),
            ],
            identity=lambda s: (s.pipeline, s.stage),
            empty="Waiting for the flows of this datapath.",
            otherwise="Enter looks for it in the flows of all tables; ",
            id="stages",
        )

    @property
    def table(self) -> LineTable[StageFlows]:
        found: LineTable[Any] = self.query_one("#stages", LineTable)
        return found

    def on_mount(self) -> None:
        super().on_mount()
        self.table.focus()

    def crumbs(self) -> Sequence[str]:
        return (self.datapath,)

    def load(self, *, fresh: bool = False) -> None:
        name, uuid = self.datapath, self.uuid

        def question(
            session: Session, cancel: Cancel
        ) -> tuple[FlowStore, list[StageFlows], dict[str, str], float]:
            from ko_tui.backend.explain.catalogue import catalogue

            answer = session.flows(
                name,
                refresh=fresh,
                cancel=cancel,
                on_progress=lambda size: self.heard("flows", number, size, latest=True),
            )
            stages = answer.value.stages(uuid) or answer.value.stages(name)
            words = catalogue(session.options.lang)
            texts = {s.stage: words.stage(s.stage) for s in stages}
            return (
                answer.value,
                stages,
                {k: t.title for k, t in texts.items() if t is not None},
                answer.taken_at,
            )

        number = 0
        number = self.ask(
            "flows",
            question,
            self._arrived,
            label=f"fetching the flows of {name}",
            failed=self.show_trouble,
            progress=lambda size: self.tell(f"{size / 1e6:.1f} MB so far"),
        )

    def _arrived(self, answer: tuple[FlowStore, list[StageFlows], dict[str, str], float]) -> None:
        self.store, stages, self.titles, taken_at = answer
        self.ko.known[f"stage {self.datapath}"] = [s.stage for s in stages]
        self.table.show(stages)
        self.had(f"{len(stages)} tables, {sum(s.count for s in stages):,} flows", taken_at)
        self.tell("")
        if self._stage or self._found:
            wanted = next((s for s in stages if s.stage == self._stage), None)
            found, self._stage, self._found = self._found, "", ""
            self._open(wanted, found)

    def on_line_view_chosen(self, event: LineView.Chosen) -> None:
        event.stop()
        if self.table.current is not None:
            self._open(self.table.current, "")
        elif self.table.filter.words:
            self.action_all_flows()

    def action_all_flows(self) -> None:
        """Nobody knows in which table an address is looked at: it is looked for in all of them."""
        self._open(None, self.table.filter.text)

    def _open(self, stage: StageFlows | None, found: str) -> None:
        """The flows of one table; without one those of the whole datapath."""
        if self.store is None:
            return
        from ko_tui.screens.flows import FlowsScreen

        self.app.push_screen(FlowsScreen(self.datapath, self.uuid, self.store, stage, found, self.taken_at))

    def exact_commands(self) -> list[str]:
        return on_southbound(self.ko.door.opened, "--uuid", "lflow-list", self.datapath)


def on_southbound(session: Session | None, *words: str) -> list[str]:
    """The line for a shell that asks the southbound database, where its leader is known; a saved one is named."""
    from ko_tui.backend.command.run import kubectl_line

    argv = ("ovn-sbctl", *words)
    if session is None:
        return []
    if not session.live:
        return [f"# read from {session.info.label}; on the cluster it would be", shlex.join(argv)]
    leader: Answer[Leader] | None = session.answers.peek(("leader", "sb"))
    return [kubectl_line(leader.value.pod, argv) if leader is not None else shlex.join(argv)]


_FIELD = re.compile(r"^(?P<not>!?)(?P<field>[a-z][\w.]*(?:\[[\d.]+\])?)\s*==?\s*(?P<value>[^=\s]+)$")


def field_filter(text: str) -> str:
    """``ip4.dst=10.96.0.10`` as the expression that finds it in a match, alone or within a set; else the text."""
    found = _FIELD.match(text)
    if found is None:
        return text
    field, value = re.escape(found["field"]), re.escape(found["value"])
    return rf"{found['not']}(?<![\w.]){field} == (?:\{{[^}}]*)?\"?{value}(?![\w.:])"

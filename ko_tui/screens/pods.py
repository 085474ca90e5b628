"""Pods, VMs, attachment NICs, nodes and Services: find one, see what Kube-OVN made for it, trace or capture it."""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, ClassVar

from textual.containers import Container
from textual.timer import Timer
from textual.widget import Widget
from textual.widgets import Static

from ko_tui.commands import Command, bindings
from ko_tui.screens.guide import guide
from ko_tui.screens.place import PlaceScreen
from ko_tui.screens.pods_behind import Behind
from ko_tui.screens.pods_columns import CHOOSING, Choosing
from ko_tui.screens.pods_details import Details
from ko_tui.screens.pods_live import Live
from ko_tui.widgets.endpoint_table import endpoint_table
from ko_tui.widgets.line_table import haystack_of
from ko_tui.widgets.line_view import LineView
from ko_tui.widgets.live_table import LiveTable
from ko_tui.widgets.side_pane import SidePane

if TYPE_CHECKING:
    from ko_tui.backend.session import Session
    from ko_tui.backend.source.interface import Cancel
    from ko_tui.backend.tracing.model import Endpoint, Inventory

NAMES_LATE = 10.0  # seconds after which completion knows new names
FIRST_ROWS, MORE_ROWS = 100, 8  # rows that are shown of a list on its way; after how many times as many again
LIKENESS = 62  # of 100: below that a row is not what was meant


class PodsScreen(Behind, Choosing, Details, Live, PlaceScreen):
    """The list, and the details of the line under the cursor."""

    mode = "pods"
    enter = "details"
    commands: ClassVar[tuple[Command, ...]] = (
        Command("pods.trace-from", "t", "Trace a packet from here", "trace from"),
        Command("pods.trace-to", "T", "Trace a packet to here", "trace to"),
        Command("pods.capture", "c", "Capture its packets", "capture"),
        Command("pods.details", "d", "Details beside or below the list, on and off", action="details"),
        Command(
            "pods.filter",
            "slash",
            "Filter by expression; ! in front turns it round",
            "/filter",
            action="filter",
        ),
        Command("pods.pane", "tab", "Go to the details and back", action="other_pane"),
        *CHOOSING,
    )
    BINDINGS = bindings(commands)

    def __init__(self) -> None:
        super().__init__()
        self.inventory: Inventory | None = None
        self._names_timer: Timer | None = None

    def body(self) -> Iterable[Widget]:
        with Container(classes="panes"):
            yield endpoint_table(_object_of)
            with SidePane(id="details"):
                yield Static(id="detail-words", markup=False)

    @property
    def table(self) -> LiveTable[Endpoint]:
        found: LiveTable[Any] = self.query_one("#endpoints", LiveTable)
        return found

    def on_mount(self) -> None:
        super().on_mount()
        self.query_one("#details").display = False
        self.begin_columns()
        self.table.focus()

    def crumbs(self) -> Sequence[str]:
        shown = self.table.filter.text
        return (f"/{shown}",) if shown else ()

    # -- asking -----------------------------------------------------------------------------------------------

    def load(self, *, fresh: bool = False) -> None:
        def question(session: Session, cancel: Cancel) -> tuple[Inventory, list[str]]:
            enough = FIRST_ROWS

            def progress(rows: Sequence[Endpoint]) -> None:
                nonlocal enough
                self.heard("inventory", number, len(rows), latest=True)
                if known or len(rows) < enough:
                    return
                enough = MORE_ROWS * len(rows)  # each showing costs what the rows are
                self.heard("inventory", number, list(rows))

            inventory = session.inventory(refresh=fresh, cancel=cancel, on_progress=progress)
            return inventory, haystack_of(inventory.endpoints, self.table.all_columns)

        known = self.inventory is not None
        number = 0
        number = self.ask(
            "inventory",
            question,
            self._arrived,
            label="listing pods",
            failed=self.show_trouble,
            progress=self._so_far,
        )

    def _so_far(self, part: int | list[Endpoint]) -> None:
        """Pages of a long list arrive: how many rows it is by now, or the rows, where there were none."""
        if isinstance(part, int):
            if self.inventory is None:
                self.count_words = f"{part:,} so far"
                self.show_place()
            else:
                self.tell(f"{part:,} listed anew")
        elif self.inventory is None and len(part) > self.table.count:
            self.table.show(part)
            self.show_details()

    def _arrived(self, answer: tuple[Inventory, list[str]]) -> None:
        inventory, haystack = answer
        self.inventory = inventory
        self.table.show(inventory.endpoints, haystack)
        self._know_names()
        self.follow(inventory)
        self.had(self._count(), inventory.taken_at)
        if not inventory.complete or inventory.problems:
            self.tell("Not all could be listed: " + "; ".join(inventory.problems), "warn")
        else:
            self.tell("")
            guide(self, "pods")
        self.show_details()

    def _know_names(self) -> None:
        """For completion."""
        table = self.table
        rows = [table.rows[place] for place in table.order]
        self.ko.known["endpoint"] = [e.key for e in rows]
        self.ko.known["node"] = [e.name for e in rows if e.kind == "node"]

    def changed_rows(self, objects: Mapping[str, Sequence[Endpoint]]) -> None:
        """The table shows what changed; so do the words around it."""
        self.count_words = self._count()
        if self._names_timer is None:  # completion may be a few seconds late
            self._names_timer = self.set_timer(NAMES_LATE, self._names_late)
        self.show_place()
        current = self.table.current
        if current is not None and _object_of(current) in objects:
            self.show_details()

    def _names_late(self) -> None:
        self._names_timer = None
        self._know_names()

    def show_place(self) -> None:
        if self.live:
            self.taken_at = time.time()
        super().show_place()

    def on_unmount(self) -> None:
        self.unfollow()

    def _count(self) -> str:
        table = self.table
        if not table.filter.words:
            return f"{table.count:,} endpoints"
        words = f"{len(table.kept):,} of {table.count:,}"
        return f"none matches; {words} closest" if table.closest else words

    # -- filter -----------------------------------------------------------------------------------------------

    def filter_changed(self, text: str) -> None:
        super().filter_changed(text)
        table = self.table
        self.cancel_question("closest")
        if text and not len(table.kept) and not table.filter.inverted:
            haystack, words = table.haystack(), text.lower()

            def question(_session: Session, _cancel: Cancel) -> list[int]:
                every = words.split()
                if len(every) > 1:  # all of them, in whichever columns
                    lower = [text.lower() for text in haystack]
                    both = [i for i, text in enumerate(lower) if all(word in text for word in every)]
                    if both:
                        return both
                from rapidfuzz import fuzz, process

                found = process.extract(
                    words,
                    haystack,
                    scorer=fuzz.partial_ratio,
                    processor=str.lower,
                    limit=200,
                    score_cutoff=LIKENESS,
                )
                return [index for _, _, index in found]

            self.ask("closest", question, self._closest, failed=lambda _error: None)
        self.count_words = self._count()
        self.show_place()

    def _closest(self, indexes: list[int]) -> None:
        if indexes and not len(self.table.kept):
            self.table.show_closest(indexes)
            self.count_words = self._count()
            self.show_place()

    def list_view(self) -> LineView | None:
        return self.table

    def arrive(self, words: str) -> None:
        self.filter_changed(words.removeprefix("/"))
        self.table.focus()

    # -- details ----------------------------------------------------------------------------------------------

    def on_line_view_moved(self, event: LineView.Moved) -> None:
        event.stop()
        self.show_details()

    def on_line_view_chosen(self, event: LineView.Chosen) -> None:
        event.stop()
        self.action_details()

    def action_details(self) -> None:
        pane = self.query_one("#details")
        pane.display = not pane.display
        self.show_details()
        self.table.keep_cursor_in_sight()

    def action_other_pane(self) -> None:
        pane = self.query_one("#details")
        if self.focused is pane or not pane.display:
            self.table.focus()
        else:
            pane.focus()

    async def action_back(self) -> None:
        pane = self.query_one("#details")
        if pane.display:
            pane.display = False
            self.table.focus()
            return
        await super().action_back()

    # -- doing ------------------------------------------------------------------------------------------------

    def _chosen(self) -> Endpoint | None:
        endpoint = self.table.current
        if endpoint is None:
            self.tell("No line is chosen.", "warn")
        return endpoint

    async def action_trace_from(self) -> None:
        endpoint = self._chosen()
        if endpoint is None:
            return
        if endpoint.kind == "service":
            self.tell("A Service cannot send a packet: choose one of its pods, or T to trace to it.", "warn")
        elif endpoint.traceable:
            self.tell(endpoint.traceable, "warn")
        else:
            await self.visit("trace", f"from {endpoint.key}")

    async def action_trace_to(self) -> None:
        endpoint = self._chosen()
        if endpoint is not None:
            await self.visit("trace", f"to {endpoint.key}")

    async def action_capture(self) -> None:
        endpoint = self._chosen()
        if endpoint is not None:
            await self.visit("capture", endpoint.key)

    def copy_text(self) -> str:
        endpoint = self.table.current
        return endpoint.key if endpoint is not None else ""

    def facts(self) -> list[Any]:
        facts = super().facts()
        if self.inventory is not None and not self.inventory.complete:
            facts.append(("incomplete", "warn"))
        if self.live:
            facts.append(("live", "good"))
        return facts


def _object_of(endpoint: Endpoint) -> str:
    from ko_tui.backend.cluster.inventory import object_of

    return object_of(endpoint)

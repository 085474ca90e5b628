"""A table with what is under its cursor explained beside it, or below it where there is little room."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from textual.containers import Container
from textual.widget import Widget
from textual.widgets import Static

from ko_tui.screens.place import PlaceScreen
from ko_tui.widgets.flow_table import FlowTable
from ko_tui.widgets.line_view import LineView
from ko_tui.widgets.side_pane import SidePane
from ko_tui.widgets.tones import Line, content


class ExplainedTable(PlaceScreen):
    """``explain`` says what is under the cursor; the pane is open from the first answer on where there is room."""

    def panes(self, table: FlowTable) -> Iterable[Widget]:
        with Container(classes="panes"):
            yield table
            with SidePane(id="explanation"):
                yield Static(id="explanation-words", markup=False)

    @property
    def table(self) -> FlowTable:
        return self.query_one(FlowTable)

    @property
    def pane(self) -> SidePane:
        return self.query_one("#explanation", SidePane)

    def on_mount(self) -> None:
        super().on_mount()
        self.table.focus()
        self.pane.display = False

    def list_view(self) -> LineView | None:
        return self.table

    def explain(self) -> None:
        """Say it; nothing when the pane is shut."""

    def open_pane(self) -> None:
        """Rows came: explain the first beside them; below them only when a person asks."""
        if not self.has_class("-narrow"):
            self.pane.display = True
        self.explain()

    def write_pane(self, lines: Sequence[Line]) -> None:
        self.query_one("#explanation-words", Static).update(content(lines))
        self.pane.scroll_home(animate=False)

    def on_line_view_moved(self, event: LineView.Moved) -> None:
        event.stop()
        self.explain()

    def on_line_view_chosen(self, event: LineView.Chosen) -> None:
        event.stop()
        self.action_details()

    def action_details(self) -> None:
        self.pane.display = not self.pane.display
        self.explain()

    def action_other_pane(self) -> None:
        if self.focused is self.pane or not self.pane.display:
            self.table.focus()
        else:
            self.pane.focus()

    async def action_back(self) -> None:
        if self.focused is self.pane:
            self.table.focus()
        elif self.pane.display and self.has_class("-narrow"):
            self.pane.display = False
        else:
            await super().action_back()

"""The window in which the columns of a list are chosen, put in order, and sorted by."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from textual.app import ComposeResult
from textual.binding import Binding
from textual.containers import Vertical
from textual.screen import ModalScreen
from textual.widgets import Static

from ko_tui.widgets.line_view import LineView
from ko_tui.widgets.tones import Line, content


@dataclass(frozen=True, slots=True)
class Columns:
    """What was chosen: ``titles`` in order (none: what fits), and by which to sort ("" for none)."""

    titles: tuple[str, ...]
    sort: str = ""


class ColumnList(LineView):
    """Titles with a mark at those that are shown."""

    def __init__(self, titles: Sequence[str], shown: Sequence[str]) -> None:
        super().__init__(id="columns")
        self.titles = [*shown, *(t for t in titles if t not in shown)]
        self.shown = set(shown)

    def line_count(self) -> int:
        return len(self.titles)

    def line(self, index: int) -> Line:
        title = self.titles[index]
        here = title in self.shown
        return [("[x] " if here else "[ ] ", "good" if here else "dim"), (title, "" if here else "dim")]

    @property
    def current(self) -> str:
        return self.titles[self.cursor]

    def toggle(self) -> None:
        self.shown ^= {self.current}
        self.lines_changed()

    def shift_title(self, step: int) -> None:
        """Move the column under the cursor up or down."""
        wanted = self.cursor + step
        if 0 <= wanted < len(self.titles):
            self.titles.insert(wanted, self.titles.pop(self.cursor))
            self.lines_changed(cursor=wanted)


class ColumnChoice(ModalScreen[Columns | None]):
    """Gives what was chosen, or None when it was left by Esc."""

    BINDINGS = [
        Binding("escape,q", "leave", "Leave"),
        Binding("enter", "take", "Take", priority=True),
        Binding("space", "mark", "Show or hide", priority=True),
        Binding("J", "shift(1)", "Down"),
        Binding("K", "shift(-1)", "Up"),
        Binding("s", "sort", "Sort by it"),
        Binding("a", "automatic", "Automatic"),
    ]

    def __init__(self, titles: Sequence[str], shown: Sequence[str]) -> None:
        super().__init__()
        self.titles, self.shown = titles, shown

    def compose(self) -> ComposeResult:
        with Vertical(classes="window"):
            yield Static(content([[("Columns", "strong")]]), markup=False)
            yield ColumnList(self.titles, self.shown)
            words = "Space shows or hides, J and K move it, s sorts by it, a lets ko-tui choose."
            lines: list[Line] = [[("", "")], [(words, "dim")], [("Enter takes this, Esc leaves it.", "dim")]]
            yield Static(content(lines), markup=False)

    def on_mount(self) -> None:
        view = self.columns
        view.styles.height = min(len(self.titles), max(3, self.app.size.height - 10))
        view.focus()
        view.lines_changed()

    @property
    def columns(self) -> ColumnList:
        return self.query_one(ColumnList)

    def action_leave(self) -> None:
        self.dismiss(None)

    action_stop = action_leave

    def action_mark(self) -> None:
        self.columns.toggle()

    def action_shift(self, step: int) -> None:
        self.columns.shift_title(step)

    def action_automatic(self) -> None:
        self.dismiss(Columns(()))

    def action_take(self) -> None:
        self.dismiss(Columns(self._chosen()))

    def action_sort(self) -> None:
        view = self.columns
        view.shown.add(view.current)
        self.dismiss(Columns(self._chosen(), view.current))

    def _chosen(self) -> tuple[str, ...]:
        view = self.columns
        return tuple(title for title in view.titles if title in view.shown)

"""Which columns the pods have, in which order they come, and which kinds of row: chosen here, kept between runs."""

from __future__ import annotations

from typing import Any

from ko_tui.commands import Command
from ko_tui.history import History

KINDS = ("", "^pod ", "^nic ", "^vm ", "^node ", "^svc ")
_NAMES = ("all kinds", "pods", "attachment NICs", "VMs", "nodes", "Services")
CHOOSING: tuple[Command, ...] = (
    Command(
        "pods.columns",
        "C",
        "Choose the columns, their order, and by which to sort",
        action="columns",
        colon=("columns",),
        usage="[NAME,NAME... | auto]",
    ),
    Command("pods.sort-by", "", "Sort by a column", action="sort_by", colon=("sort",), usage="COLUMN [down]"),
    Command("pods.kind", "K", "Only pods, NICs, VMs, nodes, Services, or all", action="kind"),
)


class Choosing:
    """Mixed into the pods screen, which has a ``table``."""

    def begin_columns(self: Any) -> None:
        """As they were chosen last, else as the configuration says."""
        self._kept_columns = History("pod-columns", most=1)
        chosen = self._kept_columns.lines()[-1:] or [self.ko.settings.pod_columns]
        self._show_columns(chosen[0])

    def _show_columns(self: Any, words: str) -> list[str]:
        """``words``: titles separated by commas; gives those that there are not."""
        known = {column.title for column in self.table.all_columns}
        wanted = [w.strip().upper() for w in words.split(",") if w.strip() and w.strip().lower() != "auto"]
        self.table.choose_columns([title for title in wanted if title in known])
        return [title for title in wanted if title not in known]

    def take_columns(self: Any, words: str) -> None:
        """``:columns NAME,IP,NODE``; ``auto`` shows what fits."""
        unknown = self._show_columns(words)
        titles = ", ".join(column.title for column in self.table.all_columns)
        if unknown:
            self.tell(f"There is no column {', '.join(unknown)}. Columns: {titles}", "warn")
        self._keep_columns()

    def _keep_columns(self: Any) -> None:
        chosen = [column.title for column in self.table.columns] if self.table.chosen else ["auto"]
        self._kept_columns.add(",".join(chosen))

    def action_columns(self: Any) -> None:
        from ko_tui.screens.columns import ColumnChoice, Columns

        table = self.table
        shown = [c.title for c, width in zip(table.columns, table.widths(), strict=True) if width]

        def decided(chosen: Columns | None) -> None:
            if chosen is None:
                return
            table.choose_columns(chosen.titles)
            self._keep_columns()
            if chosen.sort:
                self.take_sort_by(chosen.sort)

        self.app.push_screen(ColumnChoice([c.title for c in table.all_columns], shown), decided)

    def action_sort_by(self: Any) -> None:
        self.tell("By which? :sort COLUMN [down]; o and O sort too.", "warn")

    def take_sort_by(self: Any, words: str) -> None:
        """``:sort IP down``; ``:sort none`` is the order in which the cluster lists them."""
        name, _, way = words.strip().upper().partition(" ")
        titles = [column.title for column in self.table.columns]
        if name not in (*titles, "NONE"):
            self.tell(f"There is no column {name} here. Columns: {', '.join(titles)}", "warn")
            return
        self.table.reversed = way.strip() == "DOWN"
        self.table.sort_by(titles.index(name) if name in titles else -1)

    def action_kind(self: Any) -> None:
        now = self.table.filter.text
        following = KINDS.index(now) + 1 if now in KINDS else 0
        at = following % len(KINDS)
        self.filter_changed(KINDS[at])
        self.tell(f"Shown: {_NAMES[at]}.")

"""A table whose rows change one by one: what stands still costs nothing, the cursor and the lines in sight stay.

A row that goes leaves its place in ``rows`` empty; the order and what the filter lets through are lists of places.
Taking out or putting in a place is one move of memory and a search by halves, whatever the number of rows.
"""

from __future__ import annotations

import contextlib
import dataclasses
from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeVar

from textual.geometry import Region
from textual.widget import Widget

from ko_tui.widgets.line_table import Column, LineTable, haystack_of

T = TypeVar("T")
MOST_GAPS = 1000  # empty places after which the rows are put together anew, unless few against all


class LiveTable(LineTable[T]):
    """``more`` columns are shown when they are chosen, and searched always. ``group`` names what a row belongs to:
    changes come by group. ``natural`` is the order that rows come in when no
    column sorts them; ``identity`` tells the rows of a group apart."""

    def __init__(
        self,
        columns: Sequence[Column[T]],
        *,
        identity: Callable[[T], object],
        group: Callable[[T], str],
        natural: Callable[[T], Any],
        more: Sequence[Column[T]] = (),
        empty: str = "Nothing here.",
        id: str | None = None,
    ) -> None:
        super().__init__(columns, identity=identity, empty=empty, id=id)
        self._usual = self.columns
        self.all_columns = (*columns, *more)
        self.chosen = False
        self.group, self.natural = group, natural
        self._places: dict[str, int | tuple[int, ...]] | None = None
        self._gaps: set[int] = set()

    # -- rows -----------------------------------------------------------------------------------------------

    def show(self, rows: Sequence[T], haystack: list[str] | None = None) -> None:
        self._places = None
        self._gaps.clear()
        super().show(rows, haystack)

    def haystack(self) -> list[str]:
        if self._haystack is None or len(self._haystack) != len(self.rows):
            self._haystack = haystack_of(self.rows, self.all_columns)
        return self._haystack

    def show_closest(self, indexes: Sequence[int]) -> None:
        super().show_closest([place for place in indexes if place not in self._gaps])

    @property
    def count(self) -> int:
        """How many rows there are, filtered or not."""
        return len(self.order)

    def _sort(self) -> None:
        if not self._gaps:
            super()._sort()
            return
        key = self._key()
        there = [place for place in range(len(self.rows)) if place not in self._gaps]
        self.order = sorted(there, key=key, reverse=self.reversed and self.sorted_by >= 0)

    def _key(self) -> Callable[[int], Any]:
        """What the place of a row is sorted by now."""
        rows = self.rows
        if self.sorted_by < 0:
            return lambda place: self.natural(rows[place])
        column = self.columns[self.sorted_by]
        of = column.key or column.text
        return lambda place: of(rows[place])

    # -- changes --------------------------------------------------------------------------------------------

    def apply(self, changes: Mapping[str, Sequence[T]]) -> None:
        """Take in the rows that each group has now; no rows: it is gone."""
        places = self._by_group()
        assert isinstance(self.rows, list) and isinstance(self.order, list)
        at_cursor = self.kept[self.cursor] if 0 <= self.cursor < len(self.kept) else None
        before = (len(self.kept), self.cursor)
        sight = self._in_sight()
        moved = False
        touched: set[int] = set()
        for name, rows in changes.items():
            had = places.pop(name, ())
            older = {self.identity(self.rows[p]): p for p in ((had,) if isinstance(had, int) else had)}
            now = []
            for row in rows:
                place = older.pop(self.identity(row), -1)
                if place < 0:
                    place = self._new_place(row)
                    self._put_in(place)
                    moved = True
                elif self.rows[place] != row:
                    moved |= self._replace(place, row)
                    touched.add(place)
                now.append(place)
            for place in older.values():
                self._take_out(place)
                self._gaps.add(place)
                moved = True
            if now:
                places[name] = now[0] if len(now) == 1 else tuple(now)
        if not moved:
            self._repaint(touched)
        elif sight == self._in_sight() and len(sight) == self.page and len(self.kept) >= before[0]:
            self._longer()
            self._repaint(touched)
        else:
            self._moved(at_cursor, *before)
        if len(self._gaps) > max(MOST_GAPS, len(self.rows) // 4):
            self._close_gaps()

    def _by_group(self) -> dict[str, int | tuple[int, ...]]:
        if self._places is None:
            self._places = {}
            for place, row in enumerate(self.rows):
                name = self.group(row)
                known = self._places.get(name)
                if known is None:
                    self._places[name] = place
                else:
                    self._places[name] = (*((known,) if isinstance(known, int) else known), place)
            shared = self.kept is self.order
            self.rows = list(self.rows)
            self.order = list(self.order)
            self.kept = self.order if shared else list(self.kept)
        elif not isinstance(self.order, list) or not isinstance(self.kept, list):  # sorted or filtered anew
            shared = self.kept is self.order
            self.order = list(self.order)
            self.kept = self.order if shared else list(self.kept)
        return self._places

    def _new_place(self, row: T) -> int:
        assert isinstance(self.rows, list)
        self.rows.append(row)
        if self._haystack is not None:
            self._haystack += haystack_of([row], self.all_columns)
        return len(self.rows) - 1

    def _replace(self, place: int, row: T) -> bool:
        """Another row in a place; True when it, or whether it is let through, moved."""
        assert isinstance(self.rows, list)
        key = self._key()
        older, let_through = key(place), self._lets_through(place)
        stood = self.kept is self.order or place in self.kept if let_through else False
        self.rows[place] = row
        if self._haystack is not None:
            self._haystack[place] = haystack_of([row], self.all_columns)[0]
        if key(place) == older and self._lets_through(place) == let_through and (stood or not let_through):
            return False
        newer = self.rows[place]
        self._take_out(place)
        self.rows[place] = newer
        self._put_in(place)
        return True

    def _lets_through(self, place: int) -> bool:
        if not self.filter.words:
            return True
        return bool(self.filter.keep([self.haystack()[place]]))

    def _put_in(self, place: int) -> None:
        assert isinstance(self.order, list) and isinstance(self.kept, list)
        shared = self.kept is self.order
        self._insert(self.order, place)
        if not shared and self._lets_through(place):
            if self.closest:
                self._narrow(None)
            else:
                self._insert(self.kept, place)

    def _insert(self, among: list[int], place: int) -> None:
        key = self._key()
        wanted = key(place)
        turned = self.reversed and self.sorted_by >= 0
        low, high = 0, len(among)
        while low < high:
            middle = (low + high) // 2
            other = key(among[middle])
            if (wanted > other) if turned else (wanted < other):
                high = middle
            else:
                low = middle + 1
        among.insert(low, place)

    def _take_out(self, place: int) -> None:
        assert isinstance(self.order, list) and isinstance(self.kept, list)
        shared = self.kept is self.order
        with contextlib.suppress(ValueError):
            self.order.remove(place)
        if not shared:
            with contextlib.suppress(ValueError):
                self.kept.remove(place)

    def _close_gaps(self) -> None:
        sorted_by, self.sorted_by = self.sorted_by, -1
        self._sort()
        rows = [self.rows[place] for place in self.order]
        self.sorted_by = sorted_by
        self.show(rows)

    # -- painting -------------------------------------------------------------------------------------------

    def _moved(self, at_cursor: int | None, had: int, cursor: int) -> None:
        """Lines came, went or changed places: the cursor stays on its row, and that row on its line."""
        if not had and len(self.kept):
            self._laid_out = -1
        wanted = cursor
        if at_cursor is not None and not (cursor < len(self.kept) and self.kept[cursor] == at_cursor):
            try:
                wanted = self.kept.index(at_cursor)
            except ValueError:
                wanted = cursor
        top = round(self.scroll_y)
        if self.sorted_by < 0 and wanted != cursor and top:
            self._strips.clear()
            self.virtual_size = self.virtual_size.with_height(self.line_count() + self.header_rows)
            self.scroll_to(y=max(0, top + wanted - cursor), animate=False, force=True)
        self.lines_changed(cursor=wanted)
        self.post_message(self.Filtered())

    def _in_sight(self) -> Sequence[int]:
        """The places of the lines in sight, in order."""
        top = round(self.scroll_y)
        return list(self.kept[top : top + self.page])

    def _longer(self) -> None:
        """Lines came out of sight: only the scrollbar is told. Textual itself would lay out the whole screen."""
        self._strips.clear()
        height = self.line_count() + self.header_rows
        self.set_reactive(Widget.virtual_size, self.virtual_size.with_height(height))
        self.vertical_scrollbar.window_virtual_size = height
        self.post_message(self.Filtered())

    def _repaint(self, places: set[int]) -> None:
        """Draw those of the lines that are in sight."""
        top = round(self.scroll_y)
        for index in range(top, min(top + self.page, len(self.kept))):
            if self.kept[index] in places:
                for shown in (True, False):
                    self._strips.discard((index, self.size.width, shown))
                self.refresh(Region(0, index - top + self.header_rows, self.size.width, 1))

    # -- columns --------------------------------------------------------------------------------------------

    def choose_columns(self, titles: Sequence[str]) -> None:
        """Show these columns in this order, whatever the room; none: all for which there is room."""
        sorting = self.columns[self.sorted_by].title if self.sorted_by >= 0 else ""
        known = {column.title: column for column in self.all_columns}
        chosen = [dataclasses.replace(known[t], rank=0) for t in titles if t in known]
        self.chosen = bool(chosen)
        self.columns = tuple(chosen) or self._usual
        by_title = [column.title for column in self.columns]
        self._laid_out = -1
        if sorting and sorting not in by_title:
            self.sort_by(-1)
        else:
            self.sorted_by = by_title.index(sorting) if sorting else -1
            self.lines_changed()

"""A table for many rows, drawn on demand: columns, sorting, and a filter by expression."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from textwrap import wrap
from typing import ClassVar, Generic, TypeVar

from rich.cells import cell_len, set_cell_size
from textual.message import Message

from ko_tui.commands import Command, bindings
from ko_tui.visible import one_line
from ko_tui.widgets.glyphs import glyphs
from ko_tui.widgets.line_view import MOVES, LineView
from ko_tui.widgets.patterns import Filter, read_filter
from ko_tui.widgets.tones import Line, Piece, Tone

T = TypeVar("T")
SAMPLE = 2000  # rows looked at for column widths


@dataclass(frozen=True, slots=True)
class Column(Generic[T]):
    """``text`` gives a row's cell; ``most`` and ``least`` bound its width; ``rank`` says who goes first when there is
    no room (the highest leaves first); ``key`` sorts (default: the text)."""

    title: str
    text: Callable[[T], str]
    tone: Callable[[T], Tone] | Tone = ""
    least: int = 4
    most: int = 40
    rank: int = 0
    right: bool = False
    middle: bool = False  # cut in the middle: both ends say something
    key: Callable[[T], object] | None = None
    shown: Callable[[T], str] | None = None  # shorter than ``text``, which is what is searched and saved

    def cell(self, row: T) -> str:
        return (self.shown or self.text)(row)


SORTING: tuple[Command, ...] = (
    Command("table.sort", "o", "Sort by the next column", action="sort"),
    Command("table.reverse", "O", "Turn the order round", action="reverse"),
)


class LineTable(LineView, Generic[T]):
    """Rows of any kind in columns. The rows are set whole by :meth:`show`; the filter and the cursor stay."""

    commands: ClassVar[tuple[Command, ...]] = (*MOVES, *SORTING)
    BINDINGS = bindings(SORTING)
    header_rows = 1

    class Filtered(Message):
        """Other rows are in sight than before."""

    def __init__(
        self,
        columns: Sequence[Column[T]],
        *,
        identity: Callable[[T], object] = id,
        empty: str = "Nothing here.",
        otherwise: str = "",
        id: str | None = None,
    ) -> None:
        super().__init__(id=id)
        self.columns = tuple(columns)
        self.identity = identity
        self.empty = empty
        self.otherwise = otherwise  # what can be done when the filter lets nothing through
        self.rows: Sequence[T] = ()
        self.order: Sequence[int] = range(0)
        self.kept: Sequence[int] = range(0)
        self.closest = False  # what is shown is not a match but the nearest to one
        self.sorted_by = -1
        self.reversed = False
        self._haystack: list[str] | None = None
        self._widths: tuple[int, ...] = ()
        self._laid_out = -1

    # -- rows -----------------------------------------------------------------------------------------------

    def show(self, rows: Sequence[T], haystack: list[str] | None = None) -> None:
        """Other rows; the cursor stays on the row of the same identity. ``haystack`` may be made in a thread."""
        current = self.current
        marker = self.identity(current) if current is not None else None
        self.rows = rows
        self._haystack = haystack
        self._laid_out = -1
        self._sort()
        self._narrow(None)
        self.lines_changed(cursor=self._index_of(marker) if marker is not None else self.cursor)
        self.post_message(self.Filtered())

    def _index_of(self, marker: object) -> int:
        for index, row in enumerate(self.kept):
            if self.identity(self.rows[row]) == marker:
                return index
        return self.cursor

    @property
    def current(self) -> T | None:
        """The row under the cursor."""
        if 0 <= self.cursor < len(self.kept) and self.kept[self.cursor] < len(self.rows):
            return self.rows[self.kept[self.cursor]]
        return None

    def shown(self) -> list[T]:
        """The rows that the filter lets through, in order."""
        return [self.rows[i] for i in self.kept]

    def haystack(self) -> list[str]:
        """One text a row to filter by."""
        if self._haystack is None or len(self._haystack) != len(self.rows):
            self._haystack = haystack_of(self.rows, self.columns)
        return self._haystack

    # -- filter and order -----------------------------------------------------------------------------------

    def set_filter(self, text: str) -> Filter:
        """Let through what matches ``text``; gives the filter as it was understood."""
        older, self.filter = self.filter, read_filter(text)
        current = self.current
        marker = self.identity(current) if current is not None else None
        self._narrow(older)
        self.pattern = self.filter.pattern
        self.lines_changed(cursor=self._index_of(marker) if marker is not None and not text else 0)
        self.post_message(self.Filtered())
        return self.filter

    def show_closest(self, indexes: Sequence[int]) -> None:
        """Show these rows as the nearest to the filter, which no row matches."""
        self.kept = indexes
        self.closest = True
        self.lines_changed(cursor=0)
        self.post_message(self.Filtered())

    def _narrow(self, older: Filter | None) -> None:
        was_closest, self.closest = self.closest, False
        if not self.filter.words:
            self.kept = self.order
        elif older is not None and self.filter.narrows(older) and not was_closest:
            self.kept = self.filter.keep(self.haystack(), self.kept)
        else:
            self.kept = self.filter.keep(self.haystack(), self.order)

    def _sort(self) -> None:
        if self.sorted_by < 0:
            self.order = range(len(self.rows))
            return
        column = self.columns[self.sorted_by]
        key = column.key or column.text
        rows = self.rows
        self.order = sorted(range(len(rows)), key=lambda i: key(rows[i]), reverse=self.reversed)  # type: ignore[arg-type,return-value]

    def action_sort(self) -> None:
        self.sort_by(self.sorted_by + 1 if self.sorted_by + 1 < len(self.columns) else -1)

    def action_reverse(self) -> None:
        self.reversed = not self.reversed
        self.sort_by(max(0, self.sorted_by))

    def sort_by(self, column: int) -> None:
        """Sort by a column's number; -1 is the order the rows came in."""
        current = self.current
        self.sorted_by = column
        self._sort()
        self._narrow(None)
        self.lines_changed(cursor=self._index_of(self.identity(current)) if current is not None else 0)

    # -- drawing --------------------------------------------------------------------------------------------

    def line_count(self) -> int:
        return len(self.kept) if len(self.kept) else len(self._empty_lines())

    def empty_words(self) -> str:
        """What stands there when there is no row."""
        if len(self.kept):
            return ""
        if self.filter.words and len(self.rows):
            return f"Nothing matches {self.filter.text!r}. {self.otherwise}Esc takes the filter away."
        return self.empty

    def _empty_lines(self) -> list[str]:
        """The same in lines that fit."""
        width = max(20, self.size.width - 1)
        return [
            line
            for part in self.empty_words().splitlines()
            for line in wrap(part, width, break_on_hyphens=False) or [""]
        ]

    def widths(self) -> tuple[int, ...]:
        """A width for each column, 0 for those without room."""
        width = self.size.width
        if self._laid_out != width:
            self._widths = _lay_out(self.columns, self.rows[:SAMPLE], width)
            self._laid_out = width
        return self._widths

    def header(self, row: int) -> Line:
        pieces: list[Piece] = []
        for number, (column, width) in enumerate(zip(self.columns, self.widths(), strict=True)):
            if width:
                arrow = ("v" if self.reversed else "^") if number == self.sorted_by else ""
                pieces.append((_fit(arrow + column.title, width, column.right) + " ", "head"))
        return pieces

    def line(self, index: int) -> Line:
        if not len(self.kept):
            return [(one_line(self._empty_lines()[index]), "dim")]
        row = self.rows[self.kept[index]]
        pieces: list[Piece] = []
        for column, width in zip(self.columns, self.widths(), strict=True):
            if width:
                tone = column.tone(row) if callable(column.tone) else column.tone
                pieces.append(
                    (_fit(one_line(column.cell(row)), width, column.right, column.middle) + " ", tone)
                )
        return pieces

    def plain(self, index: int) -> str:
        if not len(self.kept):
            return self._empty_lines()[index]
        row = self.rows[self.kept[index]]
        return "  ".join(c.text(row) for c in self.columns)

    def action_choose(self) -> None:
        if len(self.kept) or (self.otherwise and self.filter.words):
            super().action_choose()

    def as_text(self) -> str:
        """All rows that are let through, for copying and saving: columns separated by tabs."""
        lines = ["\t".join(c.title for c in self.columns)]
        lines += ["\t".join(one_line(c.text(self.rows[i])) for c in self.columns) for i in self.kept]
        return "\n".join(lines) + "\n"


def haystack_of(rows: Sequence[T], columns: Sequence[Column[T]]) -> list[str]:
    """One text a row, of all columns in sight or not."""
    readers = [c.text for c in columns]
    return [" ".join([read(row) for read in readers]) for row in rows]


def _lay_out(columns: Sequence[Column[T]], rows: Sequence[T], width: int) -> tuple[int, ...]:
    needs = []
    for column in columns:
        longest = max((len(column.cell(row)) for row in rows), default=column.least)
        needs.append(min(column.most, max(longest, len(column.title) + 1)) if longest or not rows else 0)
    kept = {number: need for number, need in enumerate(needs) if need}
    for leaving in sorted(kept, key=lambda n: -columns[n].rank):
        if columns[leaving].rank == 0 or sum(min(kept[n], columns[n].least) + 1 for n in kept) <= width:
            break
        del kept[leaving]
    # What is still too wide gives way where it is widest.
    while kept and sum(kept.values()) + len(kept) > width:
        widest = max(kept, key=lambda n: kept[n] - columns[n].least)
        if kept[widest] <= min(columns[widest].least, 4):
            break
        kept[widest] -= 1
    return tuple(kept.get(n, 0) for n in range(len(columns)))


def cut(text: str, width: int, *, middle: bool = False) -> str:
    """At most ``width`` cells of one line, with a mark where something was left out."""
    if cell_len(text) <= width:
        return text
    mark = glyphs().ellipsis
    room = max(0, width - len(mark))
    if not middle:
        return set_cell_size(text, room) + mark if room else set_cell_size(text, width)
    tail = room // 2
    end = text[-tail:] if tail else ""
    while cell_len(end) > tail:
        end = end[1:]
    return set_cell_size(text, room - cell_len(end)) + mark + end


def _fit(text: str, width: int, right: bool = False, middle: bool = False) -> str:
    text = cut(text, width, middle=middle)
    gap = " " * (width - cell_len(text))
    return gap + text if right else text + gap

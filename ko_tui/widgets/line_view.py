"""A list of lines drawn on demand: a million rows cost what the visible ones cost.

Over SSH a repaint of the whole list for one row of scrolling is what hurts, so the cursor jumps half a page when it
reaches an edge; then most keys repaint two lines.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import ClassVar

from rich.segment import Segment
from rich.style import Style
from textual import events
from textual.cache import LRUCache
from textual.geometry import Region, Size
from textual.message import Message
from textual.reactive import reactive
from textual.scroll_view import ScrollView
from textual.strip import Strip

from ko_tui.commands import Command, bindings
from ko_tui.visible import one_line
from ko_tui.widgets.finding import Finding
from ko_tui.widgets.patterns import ALL, Filter, read_filter
from ko_tui.widgets.tones import Line, Tone

MOVES: tuple[Command, ...] = (
    Command("list.down", "down,j", "Next line", action="down"),
    Command("list.up", "up,k", "Previous line", action="up"),
    Command("list.page-down", "pagedown,ctrl+f,space", "A page down", action="page_down"),
    Command("list.page-up", "pageup", "A page up", action="page_up"),
    Command("list.half-down", "ctrl+d", "Half a page down", action="half_down"),
    Command("list.half-up", "ctrl+u", "Half a page up", action="half_up"),
    Command("list.top", "home,g", "First line", action="top"),
    Command("list.bottom", "end,G", "Last line", action="bottom"),
    Command("list.left", "left,h", "Shift to the left", action="shift(-8)"),
    Command("list.right", "right,l", "Shift to the right", action="shift(8)"),
    Command("list.next", "n", "Next match", action="next_match"),
    Command("list.previous", "N", "Previous match", action="previous_match"),
    Command("list.choose", "enter", "Open the line", action="choose"),
)

VERDICTS = frozenset({"good", "bad", "warn", "change"})


class LineView(ScrollView, can_focus=True):
    """Lines with a cursor. Subclasses say how many lines there are and what is in them."""

    commands: ClassVar[tuple[Command, ...]] = MOVES
    BINDINGS = bindings(MOVES)
    ALLOW_SELECT = False
    COMPONENT_CLASSES: ClassVar[set[str]] = {
        f"line--{tone}"
        for tone in (
            "dim", "name", "good", "bad", "warn", "accent", "head", "strong", "match", "code", "change", "cursor",
            "cursor-blurred", "title",
        )
    }  # fmt: skip
    header_rows = 0

    cursor: reactive[int] = reactive(0, repaint=False, init=False)

    @dataclass
    class Moved(Message):
        """The cursor is on another line."""

        view: LineView
        index: int

        @property
        def control(self) -> LineView:
            return self.view

    @dataclass
    class Chosen(Message):
        """Enter on a line."""

        view: LineView
        index: int

        @property
        def control(self) -> LineView:
            return self.view

    def __init__(self, *, id: str | None = None, classes: str | None = None) -> None:
        super().__init__(id=id, classes=classes)
        self.shift = 0
        self.filter: Filter = ALL
        self.pattern: re.Pattern[str] | None = None  # of the filter, for marking
        self.finding: Finding | None = None
        self._strips: LRUCache[tuple[int, int, bool], Strip] = LRUCache(512)
        self._styles: dict[Tone, Style] = {}

    # -- what subclasses say --------------------------------------------------------------------------------

    def line_count(self) -> int:
        """How many lines there are."""
        return 0

    def line(self, index: int) -> Line:
        """The pieces of a line."""
        raise IndexError(index)

    def header(self, row: int) -> Line:
        """The pieces of a fixed line above the list."""
        return ()

    def plain(self, index: int) -> str:
        """The text of a line, for searching and copying."""
        return "".join(text for text, _ in self.line(index))

    def selectable(self, index: int) -> bool:
        """Whether the cursor may rest on the line."""
        return True

    # -- drawing --------------------------------------------------------------------------------------------

    def lines_changed(self, *, cursor: int | None = None) -> None:
        """Draw anew after the lines are others."""
        self._strips.clear()
        self.finding = None
        count = self.line_count()
        self.virtual_size = Size(0, count + self.header_rows)
        wanted = self.cursor if cursor is None else cursor
        wanted = max(0, min(wanted, count - 1))
        if wanted != self.cursor:
            self.cursor = wanted
        self.keep_cursor_in_sight()
        self.refresh()

    def notify_style_update(self) -> None:
        super().notify_style_update()
        self._strips.clear()
        self._styles.clear()

    def on_resize(self, _: events.Resize) -> None:
        self._strips.clear()
        self.keep_cursor_in_sight()

    def on_focus(self) -> None:
        self._strips.clear()
        self._refresh_line(self.cursor)

    def on_blur(self) -> None:
        self._strips.clear()
        self._refresh_line(self.cursor)

    def tone_style(self, tone: Tone) -> Style:
        style = self._styles.get(tone)
        if style is None:
            style = self._styles[tone] = self.get_component_rich_style(f"line--{tone}", partial=True)
        return style

    def render_line(self, y: int) -> Strip:
        width = self.size.width
        base = self.rich_style
        if y < self.header_rows:
            title = base + self.get_component_rich_style("line--title", partial=True)
            return self._strip(self.header(y), width, title, found=False)
        index = y - self.header_rows + round(self.scroll_y)
        if index >= self.line_count():
            return Strip.blank(width, base)
        is_cursor = index == self.cursor and self.shows_cursor
        key = (index, width, is_cursor)
        strip = self._strips.get(key)
        if strip is None:
            style = base
            if is_cursor:
                name = "line--cursor" if self.has_focus else "line--cursor-blurred"
                style = base + self.get_component_rich_style(name, partial=True)
            strip = self._strips[key] = self._strip(self.line(index), width, style, cursor=is_cursor)
        return strip

    @property
    def shows_cursor(self) -> bool:
        return True

    def _strip(
        self, line: Line, width: int, base: Style, *, found: bool = True, cursor: bool = False
    ) -> Strip:
        segments: list[Segment] = []
        for text, tone in line:
            # Under the cursor only what is a verdict keeps its colour: it reads better, and costs fewer bytes.
            if not tone or (cursor and tone not in VERDICTS):
                style = base
            elif cursor:
                style = Style.combine((base + self.tone_style(tone), Style(bgcolor=base.bgcolor)))
            else:
                style = base + self.tone_style(tone)
            shown = one_line(text)
            if found and self.pattern is not None:
                segments += self._marked(shown, style)
            else:
                segments.append(Segment(shown, style))
        strip = Strip(segments).simplify()
        return (
            strip.crop_extend(self.shift, self.shift + width, base)
            if self.shift
            else strip.adjust_cell_length(width, base)
        )

    def _marked(self, text: str, style: Style) -> list[Segment]:
        assert self.pattern is not None
        match = style + self.get_component_rich_style("line--match", partial=True)
        segments: list[Segment] = []
        position = 0
        for hit in self.pattern.finditer(text):
            if hit.end() == hit.start():
                continue
            segments.append(Segment(text[position : hit.start()], style))
            segments.append(Segment(hit[0], match))
            position = hit.end()
        segments.append(Segment(text[position:], style))
        return segments

    def _refresh_line(self, index: int) -> None:
        y = index + self.header_rows - round(self.scroll_y)
        if self.header_rows <= y < self.size.height:
            self.refresh(Region(0, y, self.size.width, 1))

    # -- moving ---------------------------------------------------------------------------------------------

    @property
    def page(self) -> int:
        """Lines in sight."""
        return max(1, self.size.height - self.header_rows)

    def watch_cursor(self, old: int, new: int) -> None:
        self._refresh_line(old)
        self._refresh_line(new)
        self.post_message(self.Moved(self, new))

    def keep_cursor_in_sight(self) -> None:
        """Scroll half a page when the cursor has left the lines in sight."""
        if not self.size.height:
            return
        top = round(self.scroll_y)
        page = self.page
        if top <= self.cursor < top + page:
            return
        if self.cursor >= top + page:
            wanted = self.cursor - page // 2 if self.cursor < top + 2 * page else self.cursor - page + 1
        else:
            wanted = self.cursor - page // 2 if self.cursor > top - page else self.cursor
        self.scroll_to(y=max(0, min(wanted, self.line_count() - page)), animate=False, force=True)

    def move_to(self, index: int, *, step: int = 1) -> None:
        """Put the cursor on a line, or the next one in the direction of ``step`` where it may rest."""
        count = self.line_count()
        if not count:
            return
        index = max(0, min(index, count - 1))
        wanted = index
        while 0 <= wanted < count and not self.selectable(wanted):
            wanted += step
        if not 0 <= wanted < count:
            wanted = self.cursor
        self.cursor = wanted
        self.keep_cursor_in_sight()

    def action_down(self) -> None:
        self.move_to(self.cursor + 1)

    def action_up(self) -> None:
        self.move_to(self.cursor - 1, step=-1)

    def action_page_down(self) -> None:
        self._page(self.page)

    def action_page_up(self) -> None:
        self._page(-self.page)

    def action_half_down(self) -> None:
        self._page(self.page // 2)

    def action_half_up(self) -> None:
        self._page(-(self.page // 2))

    def _page(self, lines: int) -> None:
        top = max(0, min(round(self.scroll_y) + lines, self.line_count() - self.page))
        self.scroll_to(y=top, animate=False, force=True)
        self.move_to(self.cursor + lines, step=1 if lines > 0 else -1)

    def action_top(self) -> None:
        self.move_to(0)

    def action_bottom(self) -> None:
        self.move_to(self.line_count() - 1, step=-1)

    def action_shift(self, columns: int) -> None:
        wanted = max(0, self.shift + columns)
        if wanted != self.shift:
            self.shift = wanted
            self._strips.clear()
            self.refresh()

    def action_choose(self) -> None:
        if self.line_count():
            self.post_message(self.Chosen(self, self.cursor))

    def on_click(self, event: events.Click) -> None:
        index = event.y - self.header_rows + round(self.scroll_y)
        if event.y >= self.header_rows and index < self.line_count():
            again = index == self.cursor
            self.move_to(index)
            if again:
                self.action_choose()

    # -- finding --------------------------------------------------------------------------------------------

    def set_filter(self, text: str) -> Filter:
        """Mark what matches ``text`` and let n and N go there; ``finding`` looks for it. Gives what was understood."""
        if text != self.filter.text:
            self.filter = read_filter(text)
            self.pattern = self.filter.pattern
            self.finding = None
            self._strips.clear()
            self.refresh()
        test = self.filter.test
        if self.finding is None and test is not None:
            self.finding = Finding(test, self.plain, self.line_count(), self.cursor)
        return self.filter

    def action_next_match(self) -> None:
        self._to_match(1)

    def action_previous_match(self) -> None:
        self._to_match(-1)

    def _to_match(self, step: int) -> None:
        count = self.line_count()
        test = self.filter.test
        if test is None or not count:
            self.move_to(self.cursor + step, step=step)
            return
        order: Iterator[int]
        if self.finding is not None and self.finding.done:
            order = self.finding.beside(self.cursor, step)
        else:
            lines = ((self.cursor + step * distance) % count for distance in range(1, count + 1))
            order = (index for index in lines if test(self.plain(index)))
        for index in order:
            if self.selectable(index):
                self.move_to(index, step=step)
                return

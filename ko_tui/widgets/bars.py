"""The fixed lines of every screen: modes, where one is, trouble, and the keys that matter here."""

from __future__ import annotations

import time
from collections.abc import Sequence

from rich.cells import cell_len, set_cell_size
from textual.binding import Binding
from textual.content import Content
from textual.widgets import Static

from ko_tui.commands import PLACES
from ko_tui.visible import one_line
from ko_tui.widgets.folding import fold
from ko_tui.widgets.glyphs import glyphs
from ko_tui.widgets.tones import Line, Piece, content, plain

HELP = "app.help"
LEAST_CRUMBS = 14  # cells that are kept for saying where one is
LEAST_LABEL = 12  # and for the name of the cluster, when it has to be cut


class Bar(Static):
    """One line that is drawn again only when its words change."""

    def __init__(self, *, id: str | None = None, classes: str | None = None) -> None:
        super().__init__("", id=id, classes=classes, markup=False)
        self.shown: Line = ()

    @property
    def room(self) -> int:
        """Its width, or before the first layout what it will be: else the first frame shows a cut line."""
        return self.size.width or self.app.size.width

    def say(self, line: Line) -> None:
        safe = [(one_line(text), tone) for text, tone in line]
        if safe != self.shown:
            self.shown = safe
            self.update(content([safe]), layout=False)


class FoldedBar(Bar):
    """Words over the whole width; what one line does not hold goes on in a second and a third."""

    MOST = 3

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self._rows = 1
        self._folded_to = 0

    def say(self, line: Line) -> None:
        safe = [(one_line(text), tone) for text, tone in line]
        width = self.app.size.width
        if safe == self.shown and width == self._folded_to:
            return
        self.shown, self._folded_to = safe, width
        rows = fold(safe, width, hanging=1)
        if len(rows) > self.MOST:
            last = set_cell_size(plain(rows[self.MOST - 1]), width - 2).rstrip()
            rows = [*rows[: self.MOST - 1], [(last + glyphs().ellipsis, safe[-1][1])]]
        if len(rows) != self._rows:
            self._rows = len(rows)
            self.styles.height = len(rows)
        self.update(content(rows), layout=False)

    def on_resize(self) -> None:
        self.say(self.shown)


class ModeBar(Bar):
    """``1 Status  2 Pods ...`` with the one that is open marked."""

    def __init__(self, mode: str) -> None:
        super().__init__()
        self.mode = mode
        self._laid_out = 0

    def on_mount(self) -> None:
        self.lay_out()

    def on_resize(self) -> None:
        self.lay_out()

    def lay_out(self) -> None:
        room = self.room
        if room == self._laid_out:
            return
        self._laid_out = room
        for most in (20, 7, 5, 4, 3, 0):
            words = [f"{p.key} {p.title if p.mode == self.mode else p.title[:most]}".rstrip() for p in PLACES]
            if sum(map(len, words)) + len(words) + 1 <= room:
                break
        parts: list[Content | str | tuple[str, str]] = []
        active = "$block-cursor-foreground on $block-cursor-background bold"
        gap = ""
        for place, text in zip(PLACES, words, strict=True):
            if place.mode == self.mode:
                parts.append((f" {text} ", active))
                gap = ""
            else:
                parts += [
                    gap or ("" if parts and gap == "" and len(parts) > 1 else " "),
                    (text[0], "$text-muted"),
                    text[1:],
                ]
                gap = " "
        self.update(Content.assemble(*parts), layout=False)


class CrumbBar(Bar):
    """Where one is on the left; count, age and mode of the connection on the right."""

    def __init__(self) -> None:
        super().__init__()
        self.crumbs: Sequence[str] = ()
        self.facts: Line = ()
        self.spare: Line = ()

    def place(self, crumbs: Sequence[str], facts: Line, spare: Line = ()) -> None:
        """The cluster, the mode's title and the way down; facts by weight, and those that may be left out."""
        self.crumbs, self.facts, self.spare = crumbs, facts, spare
        self.lay_out()

    def on_resize(self) -> None:
        self.lay_out()

    def lay_out(self) -> None:
        width, sign = self.room, f" {glyphs().crumb} "
        facts, spare = self._safe(self.facts), self._safe(self.spare)
        left = [one_line(c) for c in self.crumbs if c]

        def too_long() -> bool:
            return cell_len(sign.join(left)) + cell_len(plain(self._joined([*facts, *spare]))) + 2 > width

        if too_long() and len(left) > 2:
            del left[1]  # the line above says it
        while too_long() and spare:
            spare.pop()
        if too_long() and left:
            over = cell_len(sign.join(left)) + cell_len(plain(self._joined(facts))) + 2 - width
            left[0] = self._cut(left[0], max(LEAST_LABEL, cell_len(left[0]) - over))
        while too_long() and len(left) > 2:
            del left[1]
        while len(facts) > 1 and width - cell_len(plain(self._joined(facts))) < LEAST_CRUMBS:
            # What matters most comes first; a warning goes last.
            facts.remove(next((f for f in reversed(facts) if f[1] not in ("warn", "bad")), facts[-1]))
        right = self._joined([*facts, *spare])
        text = self._cut(sign.join(left), max(8, width - cell_len(plain(right)) - 2))
        gap = max(1, width - cell_len(text) - cell_len(plain(right)) - 2)
        head, found, tail = text.rpartition(sign)
        pieces: list[Piece] = [(" " + head + found, "dim"), (tail, "strong"), (" " * gap, "")]
        self.say([*pieces, *right])

    @staticmethod
    def _safe(line: Line) -> list[Piece]:
        return [(one_line(text), tone) for text, tone in line]

    @staticmethod
    def _joined(facts: list[Piece]) -> list[Piece]:
        """With a dot between each two."""
        dot: Piece = (f" {glyphs().dot} ", "dim")
        return [piece for number, fact in enumerate(facts) for piece in ((dot, fact) if number else (fact,))]

    @staticmethod
    def _cut(text: str, room: int) -> str:
        """As much of it as there is room for, in cells."""
        return text if cell_len(text) <= room else set_cell_size(text, room - 1).rstrip() + glyphs().ellipsis


class Banner(FoldedBar):
    """Trouble that does not stop the work: what it is, and what happens next. Hidden when there is none."""

    def on_mount(self) -> None:
        self.display = False

    def tell(self, line: Line) -> None:
        self.say(line)
        self.display = bool(line)


class KeyBar(Bar):
    """The keys of this place that have a label, as many as there is room for."""

    def on_mount(self) -> None:
        self.screen.bindings_updated_signal.subscribe(self, self._changed)
        self.call_after_refresh(self.lay_out)

    def _changed(self, _: object) -> None:
        self.lay_out()

    def on_resize(self) -> None:
        self.lay_out()

    def lay_out(self) -> None:
        if not self.is_attached or not self.app.screen_stack or self.screen is not self.app.screen:
            return
        told: set[str] = set()
        pieces: list[Piece] = []
        room = self.room
        # While something is typed every other key is a letter.
        typing: Sequence[tuple[str, str]] = getattr(self.screen, "typing_hints", tuple)()
        hints: Sequence[tuple[str, str]] = typing or getattr(self.screen, "hints", tuple)()
        for key, label in hints:
            pieces += [(" ", ""), (key, "head"), (f" {label} ", "dim")]
            room -= cell_len(key + label) + 3
        active = () if typing else self.screen.active_bindings.values()
        shown = [a.binding for a in active if a.binding.show and a.enabled]
        # What belongs to this place goes first; what can be done everywhere takes the room that is left. Help keeps
        # its room: it tells of all that has none.
        asks = next((b for b in shown if b.id == HELP), None)
        kept = self._cells(asks) if asks is not None else 0
        room -= kept
        for binding in sorted(shown, key=lambda b: (b.id or "").startswith("app.")):
            if binding.action in told:
                continue
            told.add(binding.action)
            if binding is asks:
                room += kept
            need = self._cells(binding)
            if need > room:
                continue
            room -= need
            key, rest = self._words(binding)
            pieces += [(" ", ""), (key, "head"), (f"{rest} ", "dim")]
        self.say(pieces)

    def _words(self, binding: Binding) -> tuple[str, str]:
        """The key as it is now, and what follows it: a label that begins with its key names it once."""
        key, label = self.app.get_key_display(binding), binding.description
        return key, label[len(key) :] if label.startswith(key) and not key.isalnum() else f" {label}"

    def _cells(self, binding: Binding) -> int:
        """Cells that it takes, with a space on either side."""
        return cell_len("".join(self._words(binding))) + 2


def counted(count: int, what: str) -> str:
    """``1 line``, ``2,000 lines``."""
    return f"{count:,} {what}{'' if count == 1 else 's'}"


def age_words(taken_at: float, now: float | None = None) -> str:
    """``12 s ago``, rounded so that it seldom changes; ``taken_at`` is time.time() seconds, 0 is never."""
    if not taken_at:
        return ""
    seconds = max(0.0, (time.time() if now is None else now) - taken_at)
    if seconds < 5:
        return "now"
    if seconds < 60:
        return f"{int(seconds // 5 * 5)} s ago"
    if seconds < 3600:
        return f"{int(seconds // 60)} min ago"
    hours = int(seconds // 3600)
    return f"{hours} h ago" if hours < 48 else f"{hours // 24} d ago"

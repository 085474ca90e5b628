"""Screens of text: raw output, exact commands, and the help of a place, made from its commands."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, ClassVar

from textual.widget import Widget

from ko_tui.commands import BY_MODE, Command, bindings
from ko_tui.screens.directory import commands_here
from ko_tui.screens.place import PlaceScreen
from ko_tui.widgets.bars import counted
from ko_tui.widgets.highlight import colour_for
from ko_tui.widgets.text_view import TextView
from ko_tui.widgets.tones import Line

FILTER = Command("text.filter", "slash", "Mark what matches; n next, N previous", "/find", action="filter")

SEEN = 1000  # lines that are looked at for whether they fit


class TextScreen(PlaceScreen):
    """One text, as long as it may be."""

    commands: ClassVar[tuple[Command, ...]] = (FILTER,)
    BINDINGS = bindings(commands)

    def __init__(
        self,
        mode: str,
        title: str,
        text: str = "",
        language: str = "plain",
        *,
        lines: Sequence[Line] | None = None,
    ) -> None:
        super().__init__()
        self.mode = mode
        self.title_words = title
        self.text = text
        self.language = language
        self.lines = lines

    def body(self) -> Iterable[Widget]:
        view = TextView(id="text")
        if self.lines is not None:
            view.unfolded = self.lines
        else:
            view.texts = self.text.rstrip("\n").split("\n")
            if self.language != "plain":
                view.colour = colour_for(self.language)  # type: ignore[arg-type]
        yield view

    def crumbs(self) -> Sequence[str]:
        return (self.title_words,)

    def hints(self) -> Sequence[tuple[str, str]]:
        """Lines are kept whole, so that they can be copied: how to see the rest of one."""
        texts = (text for view in self.query(TextView) for text in view.texts[:SEEN])
        cut = any(len(text) > self.app.size.width for text in texts)
        return (("h l", "sideways"), ("y", "copy the line")) if cut else ()

    def on_mount(self) -> None:
        super().on_mount()
        # At once, not with the first load: by then somebody may be typing. The program may be ending meanwhile.
        for view in self.query(TextView):
            view.focus()

    def load(self, *, fresh: bool = False) -> None:
        for view in self.query(TextView):
            self.count_words = counted(view.line_count(), "line")
        self.show_place()

    def save_text(self) -> str:
        return self.query_one(TextView).whole()


def help_screen(screen: Any) -> TextScreen:
    """Every command that can be given on ``screen`` now, with its key as it is now."""
    keys: dict[str | None, list[str]] = {}
    for active in screen.active_bindings.values():
        keys.setdefault(active.binding.id, []).append(screen.app.get_key_display(active.binding))
    place = BY_MODE.get(screen.mode)
    lines: list[Line] = []
    if place is not None:
        lines += [[(f"{place.title}: {place.summary}", "head")], [("", "")]]
    groups: dict[str, list[Command]] = {}
    told: set[str] = set()
    for _, command in commands_here(screen):
        if command.id not in told:
            told.add(command.id)
            group = {"list": "Lists", "table": "Lists", "app": "Everywhere", "go": "Places"}.get(
                command.id.partition(".")[0], "Here"
            )
            groups.setdefault(group, []).append(command)
    for group in ("Here", "Lists", "Everywhere", "Places"):
        if group in groups:
            lines.append([(group, "head")])
            lines += [_row(command, keys) for command in groups[group]]
            lines.append([("", "")])
    lines.append(
        [("Keys can be changed by the id on the right, under [keys] in the configuration file", "dim")]
    )
    lines.append([("(ko-tui config --path says where it is).", "dim")])
    return TextScreen(screen.mode, "help", lines=lines)


def _row(command: Command, keys: dict[str | None, list[str]]) -> Line:
    key = " ".join(dict.fromkeys(keys.get(command.id, [])))
    colon = f":{command.colon[0]} {command.usage}".rstrip() if command.colon else ""
    summary = command.summary
    return [
        (f"  {key:<14} ", "accent"),
        (f"{summary}  ", ""),
        (f"{colon}  " if colon else "", "name"),
        (command.id, "dim"),
    ]

"""Every command is declared once; binding, key bar, palette, ``:`` name, help row and keymap id come from that.

A widget, screen or the app lists its commands in a class attribute ``commands`` and gives ``bindings(commands)`` to
Textual. Keys that tmux (ctrl+b), screen (ctrl+a), flow control (ctrl+s, ctrl+q) and readline need stay free.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

from textual.binding import Binding, BindingType

Completion = Literal["", "endpoint", "trace", "datapath", "node", "tool", "context", "theme", "file"]


@dataclass(frozen=True, slots=True)
class Command:
    """One thing that can be done.

    ``id`` is what a keymap names (``trace.reply``); ``key`` the default keys, comma separated; ``label`` the words in
    the key bar ("" keeps it out of it); ``action`` the Textual action (default: the last part of the id);
    ``colon`` its names on the ``:`` line, ``usage`` the arguments it takes there and ``complete`` what they name.
    """

    id: str
    key: str
    summary: str
    label: str = ""
    action: str = ""
    colon: tuple[str, ...] = ()
    usage: str = ""
    complete: Completion = ""
    priority: bool = False

    @property
    def does(self) -> str:
        """The action that Textual runs."""
        return self.action or self.id.rpartition(".")[2].replace("-", "_")


def bindings(commands: Iterable[Command]) -> list[BindingType]:
    """Textual bindings of these commands; commands without a key are reached by palette and ``:`` alone."""
    return [
        Binding(
            c.key,
            c.does,
            c.label or c.summary,
            show=bool(c.label),
            id=c.id,
            tooltip=c.summary,
            priority=c.priority,
        )
        for c in commands
        if c.key
    ]


@dataclass(frozen=True, slots=True)
class Place:
    """One of the eight modes: its key, its title, and what ``:`` calls it."""

    mode: str
    key: str
    title: str
    summary: str
    colon: tuple[str, ...]
    usage: str = ""
    complete: Completion = ""

    @property
    def command(self) -> Command:
        return Command(
            f"go.{self.mode}",
            f"{self.key},f{self.key}",
            f"Go to {self.title}: {self.summary}",
            action=f"go('{self.mode}')",
            colon=self.colon,
            usage=self.usage,
            complete=self.complete,
        )


PLACES: tuple[Place, ...] = (
    Place("status", "1", "Status", "is the control plane well", ("status", "health")),
    Place(
        "pods",
        "2",
        "Pods",
        "pods, VMs, nodes and Services",
        ("pods", "pod", "nodes", "svc"),
        "[FILTER]",
        "endpoint",
    ),
    Place(
        "trace",
        "3",
        "Trace",
        "where a packet goes, and why",
        ("trace", "t"),
        "[SOURCE DESTINATION[:PORT] [PROTOCOL] [PORT]]",
        "trace",
    ),
    Place(
        "pipeline",
        "4",
        "Pipeline",
        "switches, routers, their tables and flows",
        ("lflow", "pipeline"),
        "[DATAPATH [STAGE]] [/FILTER]",
        "datapath",
    ),
    Place(
        "openflow",
        "5",
        "OpenFlow",
        "the flows of a node",
        ("flows", "openflow", "of"),
        "[NODE] [FILTER]",
        "node",
    ),
    Place(
        "console",
        "6",
        "Console",
        "nbctl, sbctl, vsctl, ofctl, dpctl, appctl",
        ("console", "run"),
        "[TOOL ARGUMENTS...]",
        "tool",
    ),
    Place(
        "capture",
        "7",
        "Capture",
        "packets of a pod, decoded",
        ("capture", "tcpdump"),
        "[ENDPOINT [FILTER]]",
        "endpoint",
    ),
    Place("operations", "8", "Operations", "checks and repairs", ("operations", "ops"), "[NAME]"),
)

BY_MODE = {place.mode: place for place in PLACES}

EVERYWHERE: tuple[Command, ...] = (
    *(place.command for place in PLACES),
    Command("app.command", "colon", "Type a command with arguments", ":command", action="command_line"),
    Command("app.help", "question_mark", "The keys and commands of this place", "help", action="help"),
    Command("app.copy", "y", "Copy what is shown or selected", action="copy", colon=("copy", "y")),
    Command(
        "app.save", "s", "Save what is shown to a file", action="save", colon=("save", "w"), usage="[FILE]"
    ),
    Command("app.exact", "e", "The exact commands behind what is shown", "exact", action="exact"),
    Command("app.raw", "R", "The raw text behind what is shown", "raw", action="raw"),
    Command("app.refresh", "r", "Ask again", action="refresh", colon=("refresh",)),
    Command("app.back", "escape", "Back", action="back"),
    Command(
        "app.theme",
        "",
        "Change the colours",
        action="pick_theme",
        colon=("theme",),
        usage="NAME",
        complete="theme",
    ),
    Command(
        "app.context",
        "",
        "Open another cluster",
        action="pick_context",
        colon=("ctx", "context"),
        usage="NAME",
        complete="context",
    ),
    Command(
        "app.mouse",
        "",
        "Give the mouse to the terminal, or take it back",
        action="toggle_mouse",
        colon=("mouse",),
    ),
    Command(
        "app.suspend",
        "ctrl+z",
        "Back to the shell; fg returns",
        action="app.suspend_process",
        colon=("suspend",),
    ),
    Command("app.quit", "q", "Leave ko-tui", action="leave", colon=("q", "quit", "exit")),
)


def by_colon(name: str, commands: Iterable[Command]) -> Command | None:
    """The command with this ``:`` name, or the only one that it begins."""
    listed = list(commands)
    for command in listed:
        if name in command.colon:
            return command
    begun = {c.id: c for c in listed if any(word.startswith(name) for word in c.colon)}
    return next(iter(begun.values())) if name and len(begun) == 1 else None

"""Where every screen is, without importing any; and all commands together, for palette, help and the command line."""

from __future__ import annotations

import importlib
from collections.abc import Callable, Iterator
from typing import Any

from textual.app import SystemCommand
from textual.dom import DOMNode
from textual.screen import Screen

from ko_tui.commands import EVERYWHERE, Command

_WHERE: dict[str, tuple[str, str]] = {
    "status": ("ko_tui.screens.status", "StatusScreen"),
    "pods": ("ko_tui.screens.pods", "PodsScreen"),
    "trace": ("ko_tui.screens.builder", "BuilderScreen"),
    "pipeline": ("ko_tui.screens.pipeline", "PipelineScreen"),
    "openflow": ("ko_tui.screens.openflow", "OpenFlowScreen"),
    "console": ("ko_tui.screens.console", "ConsoleScreen"),
    "capture": ("ko_tui.screens.capture", "CaptureScreen"),
    "operations": ("ko_tui.screens.operations", "OperationsScreen"),
}
_INNER: dict[str, tuple[str, str]] = {
    "trace result": ("ko_tui.screens.trace", "TraceScreen"),
    "stages": ("ko_tui.screens.pipeline", "StagesScreen"),
    "flows": ("ko_tui.screens.flows", "FlowsScreen"),
    "node flows": ("ko_tui.screens.openflow", "NodeFlowsScreen"),
    "datapath": ("ko_tui.screens.datapath", "DatapathScreen"),
    "text": ("ko_tui.screens.texts", "TextScreen"),
}


def _load(where: tuple[str, str]) -> type[Screen[Any]]:
    found: type[Screen[Any]] = getattr(importlib.import_module(where[0]), where[1])
    return found


def _opener(where: tuple[str, str]) -> Callable[[], Screen[Any]]:
    return lambda: _load(where)()


SCREENS: dict[str, Callable[[], Screen[Any]]] = {name: _opener(where) for name, where in _WHERE.items()}


def commands_of(node: DOMNode) -> tuple[Command, ...]:
    """What a widget or screen declares itself."""
    declared: tuple[Command, ...] = getattr(node, "commands", ())
    return declared


def commands_here(screen: Screen[Any]) -> list[tuple[DOMNode, Command]]:
    """Every command that can be given now: of the focused widget, of those around it, and everywhere's."""
    start = screen.focused or screen
    found: list[tuple[DOMNode, Command]] = []
    for node in start.ancestors_with_self:
        if isinstance(node, DOMNode):
            found += [(node, command) for command in commands_of(node)]
    return [*found, *((screen, c) for c in EVERYWHERE)]


def every_command() -> Iterator[tuple[str, Command]]:
    """All commands of all places, for the list of key ids."""
    from ko_tui.widgets.line_table import SORTING
    from ko_tui.widgets.line_view import MOVES
    from ko_tui.widgets.stage_list import FOLDING
    from ko_tui.widgets.step_list import StepList

    yield from (("everywhere", command) for command in EVERYWHERE)
    yield from (("lists", command) for command in (*MOVES, *SORTING))
    yield from (("trace result", command) for command in FOLDING)
    yield from (("datapath", command) for command in StepList.commands if command not in MOVES)
    for name, where in (*_WHERE.items(), *_INNER.items()):
        yield from ((name, command) for command in commands_of_class(_load(where)))


def commands_of_class(screen: type[Screen[Any]]) -> tuple[Command, ...]:
    declared: tuple[Command, ...] = getattr(screen, "commands", ())
    return declared


def palette_rows(screen: Screen[Any]) -> Iterator[SystemCommand]:
    """Rows of the palette: what the command does, and its key as it is now."""
    keys = {b.binding.id: screen.app.get_key_display(b.binding) for b in screen.active_bindings.values()}
    told: set[str] = set()
    for node, command in commands_here(screen):
        if command.id in told or command.id.startswith("list."):
            continue
        told.add(command.id)
        ways = [keys.get(command.id, "")] + [f":{name}" for name in command.colon[:1]]
        title = command.summary
        shown = "  ".join(w for w in ways if w)

        async def act(node: DOMNode = node, command: Command = command) -> None:
            await screen.app.run_action(command.does, default_namespace=node)

        yield SystemCommand(title, shown, act)

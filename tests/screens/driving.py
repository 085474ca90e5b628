"""Which test drives which command. What a test says of itself is checked: the command was really given in it.

A command is given by its key, which Textual turns into its action, or by its name behind ``:``. Calling the screen's
method does not count.
"""

from __future__ import annotations

import functools
from collections.abc import Awaitable, Callable, Iterator
from typing import Any, ParamSpec

import pytest
from textual.screen import Screen

from ko_tui.app import KoTuiApp
from ko_tui.commands import EVERYWHERE, Command, by_colon
from ko_tui.screens.directory import commands_of
from ko_tui.widgets.line_view import MOVES, LineView

P = ParamSpec("P")
DRIVEN: dict[str, list[str]] = {}  # command id -> the tests that give it
_given: set[str] = set()


def drives(*ids: str) -> Callable[[Callable[P, Awaitable[None]]], Callable[P, Awaitable[None]]]:
    """Says that a test gives these commands; it fails when it did not."""

    def mark(test: Callable[P, Awaitable[None]]) -> Callable[P, Awaitable[None]]:
        name = f"{test.__module__}.{test.__qualname__}"
        for one in ids:
            DRIVEN.setdefault(one, []).append(name)

        @functools.wraps(test)
        async def checked(*arguments: P.args, **options: P.kwargs) -> None:
            _given.clear()
            await test(*arguments, **options)
            assert not set(ids) - _given, f"never given: {sorted(set(ids) - _given)}"

        return checked

    return mark


@pytest.fixture(autouse=True)
def _watch_commands(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    run_action = KoTuiApp.run_action

    async def noted(app: KoTuiApp, action: Any, default_namespace: Any = None, *more: Any) -> bool:
        _given.update(command.id for command in _known(default_namespace) if command.does == action)
        return await run_action(app, action, default_namespace, *more)

    def named(name: str, commands: Any) -> Command | None:
        found = by_colon(name, commands)
        if found is not None:
            _given.add(found.id)
        return found

    monkeypatch.setattr(KoTuiApp, "run_action", noted)
    monkeypatch.setattr("ko_tui.screens.everywhere.by_colon", named)
    yield


def _known(node: Any) -> list[Command]:
    known = list(commands_of(node)) if node is not None else []
    if isinstance(node, Screen):
        known += EVERYWHERE
    if isinstance(node, LineView):
        known += MOVES
    return known

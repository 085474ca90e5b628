"""A program on a recorded cluster, with files of its own."""

from __future__ import annotations

import asyncio
import os
import time
import unicodedata
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from textual._context import visible_screen_stack
from textual.app import ScreenStackError
from textual.events import Key, Paste
from textual.keys import _character_to_key, _get_unicode_name_from_key
from textual.message import Message
from textual.pilot import Pilot
from textual.widgets import Input

from ko_tui.app import KoTuiApp
from ko_tui.backend.session import Session, SessionOptions, open_session
from ko_tui.config import Settings
from ko_tui.widgets.glyphs import use_glyphs
from tests.screens.driving import _watch_commands  # noqa: F401 (a fixture for every test here)
from tests.screens.recorded import open_recorded

DEADLINE = float(os.environ.get("KO_TUI_TEST_DEADLINE", "20"))

ROUNDS = 3  # a key, what the widget tells its screen, and what the screen does then


def open_demo() -> Session:
    """The saved cluster that comes with ko-tui."""
    return open_session(SessionOptions(demo=True))


Running = Callable[..., Any]


@pytest.fixture(autouse=True)
def own_files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KO_TUI_STATE", str(tmp_path / "state"))
    monkeypatch.setenv("KUBECONFIG", str(tmp_path / "no-kubeconfig"))
    monkeypatch.setenv("LANG", "C.UTF-8")
    monkeypatch.setenv("LC_ALL", "C.UTF-8")
    monkeypatch.setenv("TERM", "xterm-256color")
    for name in ("NO_COLOR", "TMUX", "STY", "KO_TUI_CONFIG"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.chdir(tmp_path)
    use_glyphs("unicode")  # as the program begins; one that ran before may have chosen others


class Driven:
    """A running program with the messages that its widgets sent."""

    def __init__(self, app: KoTuiApp, pilot: Pilot[Any], messages: list[Message]) -> None:
        self.app, self.pilot, self.messages = app, pilot, messages

    async def until(self, condition: Callable[[], object], what: str = "") -> None:
        """Wait for a condition, with a deadline."""
        ends = time.monotonic() + DEADLINE
        while not self.holds(condition):
            if time.monotonic() > ends:
                raise AssertionError(f"never came true: {what or condition}\n{self.text()}")
            await self.handled()
            await asyncio.sleep(0.005)
        await self.handled()

    @staticmethod
    def holds(condition: Callable[[], object]) -> bool:
        """Whether it is true now; between two modes there is no screen to ask."""
        try:
            return bool(condition())
        except ScreenStackError:
            return False

    async def handled(self) -> None:
        """Wait until every widget has dealt with what it was sent, and with what came of that."""
        for _ in range(ROUNDS):
            await self.pilot._wait_for_screen()

    async def settled(self) -> None:
        """Wait until nothing is asked any more."""
        await self.until(lambda: not getattr(self.app.screen, "questions", None), "all questions answered")

    async def press(self, *keys: str) -> None:
        """Press keys one after another; each is obeyed before the next. Pilot's own way sleeps at every key."""
        order = self.app.key_order
        for key in keys:
            name = _character_to_key(key) if len(key) == 1 else key
            try:
                character = key if len(key) == 1 else unicodedata.lookup(_get_unicode_name_from_key(name))
            except KeyError:
                character = None
            event = Key(name, character)
            event.set_sender(self.app)
            self.app._driver.send_message(event)
            await self.handled()
            ends = time.monotonic() + DEADLINE
            while not self.app._exit and (order._busy or order._waiting):
                assert time.monotonic() < ends, f"{key} was never obeyed"
                await self.handled()

    async def command(self, line: str) -> None:
        """Type a line behind ``:`` and give it."""
        await self.press("colon")
        await self.paste(line)
        await self.press("enter")

    async def paste(self, text: str) -> None:
        """Paste into the field that has the focus; much faster than typing."""
        field = self.app.focused
        assert isinstance(field, Input), field
        self.app.post_message(Paste(text))
        await self.until(lambda: text in field.value, f"{text!r} pasted")

    async def sees(self, *words: str) -> str:
        """Wait until all words are on the screen; gives the screen."""
        await self.until(lambda: all(word in self.text() for word in words), f"{words} on the screen")
        return self.text()

    async def type(self, text: str) -> None:
        await self.press(*text)

    def text(self) -> str:
        """The screen as a person reads it."""
        # Else what is behind a window is drawn as nothing, and stays so.
        visible_screen_stack.set(self.app._background_screens)
        strips = self.app.screen._compositor.render_strips()
        return "\n".join("".join(segment.text for segment in strip).rstrip() for strip in strips)

    def heard(self, kind: type[Message]) -> list[Any]:
        return [m for m in self.messages if isinstance(m, kind)]


@pytest.fixture
def running() -> Running:
    """``async with running(size=...) as driven``: the program on the recorded cluster."""

    @asynccontextmanager
    async def start(
        size: tuple[int, int] = (80, 24),
        *,
        open_session: Callable[[], Any] = open_recorded,
        settings: Settings | None = None,
        dashboard: bool = False,
        settle: bool = True,
    ) -> AsyncIterator[Driven]:
        messages: list[Message] = []
        app = KoTuiApp(open_session, settings=settings, dashboard=dashboard)
        async with app.run_test(size=size, message_hook=messages.append) as pilot:
            driven = Driven(app, pilot, messages)
            if settle:
                await driven.until(lambda: getattr(app.screen, "taken_at", 0), "the first answer")
                await driven.settled()
            yield driven

    return start

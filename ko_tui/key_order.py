"""Keys in the order in which they were pressed, however fast they come.

Over a slow connection several keys arrive in one piece. Textual hands all of them to what has the focus at that
moment, and a key that is bound (backspace, tab, enter) takes a longer way than a letter: letters would overtake it, or
end up in the field that it leaves. So a key that arrives while another is still on its way waits here.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections import deque
from collections.abc import Awaitable, Callable, Coroutine
from typing import Any

from textual.app import App, ScreenStackError
from textual.dom import DOMNode
from textual.events import Event, Key, Paste
from textual.screen import Screen

GIVE_UP = 1.0  # seconds after which a key that never ended its way holds nobody up
AT_ONCE = frozenset({"ctrl+c"})  # stops what runs, whatever else is waiting


class KeyOrder:
    """Hands out keys and pastes one after another; ``give`` is what Textual itself does with one."""

    def __init__(self, app: App[int], give: Callable[[Event], Awaitable[None]]) -> None:
        self._app = app
        self._give = give
        self._waiting: deque[Key | Paste] = deque()
        self._turn = 0  # counts the keys handed out: a late end of an earlier one is told by it
        self._busy = False
        self._held = 0  # ways to another place that are still under way
        self._patience: asyncio.TimerHandle | None = None

    async def take(self, event: Key | Paste) -> None:
        """A key from the terminal: handed out now, or after those before it."""
        if isinstance(event, Key) and event.key in AT_ONCE:
            await self._give(event)
        elif self._busy:
            self._waiting.append(event)
            if self._patience is None:
                self._patience = asyncio.get_running_loop().call_later(GIVE_UP, self._insist, self._turn)
        else:
            await self._hand_out(event)

    def holding(self, way: Awaitable[None]) -> Coroutine[Any, Any, None]:
        """The same way to another place; from now on keys wait for it to end, for they are meant for that place."""
        self._held += 1
        return self._hold(way)

    async def _hold(self, way: Awaitable[None]) -> None:
        try:
            await way
        finally:
            self._held = max(0, self._held - 1)
            if not self._held:
                self._app.screen.call_after_refresh(self._ended, self._turn)

    async def _hand_out(self, event: Key | Paste) -> None:
        self._busy = True
        self._turn += 1
        focused = self._app.focused or self._app.screen
        way = [*focused.ancestors_with_self]
        try:
            await self._give(event)
        finally:
            # Once for the key itself, which is obeyed at the app; once for what the widget then sends its screen.
            with contextlib.suppress(ScreenStackError):  # it may have been the key that ends the program
                self._pass_on(self._turn, [*way, *way], self._app.screen)

    def _pass_on(self, turn: int, way: list[DOMNode], screen: Screen[Any]) -> None:
        """Follow the key and all that it sent from the widget up to the app: each has done its part before us."""
        while way:
            pump = way.pop(0)
            if pump.call_later(self._pass_on, turn, way, screen):
                return
        now = self._app.screen
        if now is not screen and now.call_after_refresh(self._ended, turn):
            return  # another screen came: its widgets take the next key
        self._app.call_later(self._ended, turn)

    async def _ended(self, turn: int) -> None:
        if turn != self._turn or self._held:
            return
        self._busy = False
        if self._patience is not None:
            self._patience.cancel()
            self._patience = None
        if self._waiting:
            event = self._waiting.popleft()
            self._turn += 1  # whoever ends the same turn again gives out nothing more
            if self._waiting:
                self._patience = asyncio.get_running_loop().call_later(GIVE_UP, self._insist, self._turn)
            # In the app's own loop, as every key.
            self._app.call_later(self._hand_out, event)
            self._busy = True

    def _insist(self, turn: int) -> None:
        self._patience = None
        if self._busy:
            self._held = 0
            self._app.call_later(self._ended, max(turn, self._turn))

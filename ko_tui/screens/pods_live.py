"""The pods screen kept up to date by the cluster's news: no asking again, nothing blank, the cursor where it was."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from textual.message import Message
from textual.timer import Timer

from ko_tui.widgets.bars import Banner
from ko_tui.widgets.glyphs import glyphs
from ko_tui.widgets.tones import Piece

if TYPE_CHECKING:
    from ko_tui.backend.cluster.following import InventoryNews
    from ko_tui.backend.source.interface import Cancel
    from ko_tui.backend.tracing.model import Inventory


@dataclass
class Happened(Message):
    """News of the inventory that is followed; ``number`` says by which follower."""

    number: int
    news: InventoryNews


class Live:
    """Mixed into the pods screen: follows what :meth:`follow` is given, until that is called again or left."""

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        self.live = False  # what is shown is what there is
        self.unwatched: dict[str, str] = {}  # kinds that stay as they were listed, with why
        self._followed: Cancel | None = None
        self._number = 0
        self._lost: InventoryNews | None = None
        self._lost_until = 0.0
        self._lost_timer: Timer | None = None

    def follow(self: Any, inventory: Inventory) -> None:
        """Follow this inventory in a thread of its own. A saved cluster has no news."""
        if self._followed is not None and not getattr(inventory, "versions", None):
            return  # it came from what is followed already
        self.unfollow()
        session = self.ko.door.opened
        if session is None or not session.watches:
            return
        from ko_tui.backend.source.interface import Cancel

        cancel = self._followed = Cancel()
        self._number += 1
        number = self._number
        self.live = True
        self.unwatched = {}

        def work() -> None:
            for news in session.follow(inventory, cancel=cancel):
                if cancel.cancelled:
                    return
                self.post_message(Happened(number, news))

        threading.Thread(target=work, name=f"follow-{number}", daemon=True).start()

    def unfollow(self: Any) -> None:
        """No more news."""
        self.live = False
        followed, self._followed = self._followed, None
        if followed is not None:
            threading.Thread(target=followed.cancel, daemon=True).start()
        self._end_lost()

    def on_happened(self: Any, message: Happened) -> None:
        message.stop()
        if message.number != self._number or self._followed is None:
            return
        news = message.news
        told: dict[str, Callable[[InventoryNews], None]] = {
            "changed": self._changed,
            "lost": self._connection_lost,
            "back": self._connection_back,
            "unwatched": self._not_watched,
        }
        told[news.kind](news)

    def _changed(self: Any, news: InventoryNews) -> None:
        """The rows of these objects are others now."""
        self.table.apply(news.objects)
        self.taken_at = time.time()
        self.changed_rows(news.objects)

    def _not_watched(self: Any, news: InventoryNews) -> None:
        error = news.error
        self.unwatched[news.what] = error.what if error is not None else ""
        if type(error).__name__ == "NotAuthorised":
            # Nothing can be asked until the person has logged in again; a list asked for anew brings the news back.
            self.live = False
            self._end_lost()
            self.show_trouble(error)
            self.show_place()
            return
        if news.what == "pods":
            self.live = False
        self.tell(f"Changes of {news.what} are not shown as they happen: {self.unwatched[news.what]}", "warn")
        self.show_place()

    # -- a lost connection ------------------------------------------------------------------------------------

    def _connection_lost(self: Any, news: InventoryNews) -> None:
        if self.live:
            self.taken_at = time.time()
        self.live = False
        self._lost, self._lost_until = news, time.monotonic() + news.retry
        if self._lost_timer is None:
            self._lost_timer = self.set_interval(1.0, self._tell_lost)
        self._tell_lost()
        self.show_place()

    def _tell_lost(self: Any) -> None:
        news = self._lost
        if news is None or not self.is_attached:
            return
        left = self._lost_until - time.monotonic()
        when = f"Again in {left:.0f} s (r: now)." if left >= 1 else "Trying again now."
        line: list[Piece] = [
            (f" {glyphs().warn} ", "bad"),
            ("The news of the cluster stopped: this is how it was.", "bad"),
            (f"  {when}", "warn"),
            (f"  {news.error.what}" if news.error is not None else "", ""),
        ]
        self.query_one(Banner).tell(line)

    def _connection_back(self: Any, _: InventoryNews) -> None:
        self.live = True
        self.taken_at = time.time()
        self._end_lost()
        self.show_place()

    def _end_lost(self: Any) -> None:
        if self._lost_timer is not None:
            self._lost_timer.stop()
            self._lost_timer = None
        if self._lost is not None:
            self._lost = None
            for banner in self.query(Banner):  # none is left when the program ends meanwhile
                banner.tell(())

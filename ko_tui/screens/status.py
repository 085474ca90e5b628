"""The on-call dashboard: is the network's control plane well, and if not, what is wrong first."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, ClassVar

from textual.timer import Timer
from textual.widget import Widget

from ko_tui.commands import Command, bindings
from ko_tui.screens.place import PlaceScreen
from ko_tui.widgets.health_lines import health_lines
from ko_tui.widgets.health_words import finding_text
from ko_tui.widgets.text_view import TextView
from ko_tui.widgets.tones import Line

if TYPE_CHECKING:
    from ko_tui.backend.health.model import Health

LEAST_SECONDS = 5
FINDINGS = (" CRITICAL", " WARNING", " INFO")  # how the first line of one begins


class StatusScreen(PlaceScreen):
    """Looks again by itself; what is there stays until the new is there."""

    mode = "status"
    commands: ClassVar[tuple[Command, ...]] = (
        Command("status.pause", "P", "Stop looking again by itself, or go on", "pause", action="pause"),
        Command("status.next-finding", "f", "To the next finding", "next finding", action="next_finding"),
        Command("status.filter", "slash", "Mark what matches; n next, N previous", "/find", action="filter"),
    )
    BINDINGS = bindings(commands)

    def __init__(self) -> None:
        super().__init__()
        self.health: Health | None = None
        self.paused = False
        self._again: Timer | None = None

    def body(self) -> Iterable[Widget]:
        yield TextView("Asking the cluster how it is.", id="health")

    @property
    def view(self) -> TextView:
        return self.query_one("#health", TextView)

    def on_mount(self) -> None:
        super().on_mount()
        self.view.focus()

    def crumbs(self) -> Sequence[str]:
        return ("dashboard" if self.ko.dashboard else "", "paused" if self.paused else "")

    def load(self, *, fresh: bool = False) -> None:
        if "health" in self.questions:
            return
        self.ask(
            "health",
            lambda session, cancel: session.health(cancel=cancel),
            self._arrived,
            label="" if self.health is not None else "asking all members and nodes",
            failed=self._failed,
        )

    def _arrived(self, health: Health) -> None:
        self.health = health
        self._draw()
        findings = len(health.findings)
        self.had(f"{findings} finding{'' if findings == 1 else 's'}", health.taken_at)
        self._wait()

    def _failed(self, error) -> None:  # type: ignore[no-untyped-def]
        self.show_trouble(error)
        self._wait()

    def show_reason(self, said: Sequence[str]) -> None:
        if self.health is None:
            lines: list[Line] = [[(part, "")] for one in said for part in (one, "")]
            self.view.show_lines(lines, fold=True)

    def _wait(self) -> None:
        if self._again is not None:
            self._again.stop()
        seconds = max(LEAST_SECONDS, self.ko.settings.status_seconds)
        self._again = self.set_timer(seconds, self._look)

    def _look(self) -> None:
        if self.paused or self.app.screen is not self:
            self._wait()
            return
        self.load()

    def _draw(self) -> None:
        if self.health is not None:
            self.view.show_lines(health_lines(self.health, self.app.size.width), stay=True)

    def on_resize(self) -> None:
        if self.is_mounted:
            self._draw()

    def action_pause(self) -> None:
        self.paused = not self.paused
        self.show_place()

    def action_next_finding(self) -> None:
        texts = self.view.texts
        starts = [i for i, t in enumerate(texts) if t.startswith(FINDINGS)]
        if not starts:
            self.tell("There are no findings.", "good")
            return
        self.view.move_to(next((i for i in starts if i > self.view.cursor), starts[0]))

    def copy_text(self) -> str:
        """The finding that the cursor is in, whole; elsewhere the line."""
        texts, findings = self.view.texts, self.health.findings if self.health is not None else []
        starts = [i for i, t in enumerate(texts) if t.startswith(FINDINGS)]
        number = sum(start <= self.view.cursor for start in starts) - 1
        if not 0 <= number < len(findings) or "" in texts[starts[number] : self.view.cursor + 1]:
            return super().copy_text()
        return finding_text(findings[number])

    def save_text(self) -> str:
        return self.view.whole()

    def raw_text(self) -> tuple[str, str]:
        if self.health is None:
            return "", "plain"
        return json.dumps(self.health.to_json(), ensure_ascii=False, indent=2), "plain"

    def exact_commands(self) -> list[str]:
        return ["ko-tui status --json", *self.health.commands] if self.health is not None else []

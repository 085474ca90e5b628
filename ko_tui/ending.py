"""How the program ends when nobody pressed q: a closed terminal, a lost SSH connection, a signal.

What runs in the cluster is ended first: a capture must not go on for nobody.
"""

from __future__ import annotations

import asyncio
import os
import select
import signal
import threading
import time
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from textual.app import App

    from ko_tui.app import KoTuiApp
    from ko_tui.screens.asking import Door

LOOK = 1.0  # seconds between looks at the terminal
PATIENCE = 4.0  # seconds for what runs in the cluster to end
GONE = select.POLLHUP | select.POLLERR | select.POLLNVAL


def watch(app: KoTuiApp) -> None:
    """From now on a lost terminal or a signal ends the program, and what it runs in the cluster."""
    if app.is_headless:
        return
    loop = asyncio.get_running_loop()
    loop.add_signal_handler(signal.SIGHUP, _leave, app)
    loop.add_signal_handler(signal.SIGTERM, app.exit, 128 + signal.SIGTERM)
    app.app_resume_signal.subscribe(app, _repaint)
    terminal = select.poll()
    terminal.register(0, 0)
    # Whoever holds the terminal may die without a word to us (make waits for its children): nobody sends SIGHUP then.
    app.set_interval(LOOK, lambda: _leave(app) if _lost(terminal) else None)


def _repaint(app: App[int]) -> None:
    """After fg nothing of what was painted is on the terminal any more."""
    for screen in app.screen_stack:
        screen.refresh(layout=True)
        for widget in screen.walk_children():
            widget.refresh()


def _lost(terminal: select.poll) -> bool:
    return any(happened & GONE for _, happened in terminal.poll(0))


def _leave(app: KoTuiApp) -> None:
    """Without a terminal nothing can be restored or shown, and writing to it may block for ever."""

    def work() -> None:
        end_questions(app.door)
        os._exit(128 + signal.SIGHUP)

    threading.Thread(target=work, name="ending").start()


def end_questions(door: Door, seconds: float = PATIENCE) -> bool:
    """Cancel everything asked through ``door`` and wait, so that nothing stays behind in the cluster.

    True when all had ended within ``seconds``.
    """
    asked = list(door.running)
    for question in asked:
        if question.cancel is not None:
            threading.Thread(target=question.cancel.cancel, daemon=True).start()
    until = time.monotonic() + seconds
    return all(question.done.wait(max(0.0, until - time.monotonic())) for question in asked)

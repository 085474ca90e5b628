"""The program on the screen: configuration, theme, the eight modes and one door to the cluster."""

from __future__ import annotations

import asyncio
import gc
import os
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

# Read by Textual when it is imported: nothing moves, and frames are few.
os.environ.setdefault("TEXTUAL_ANIMATIONS", "none")
os.environ.setdefault("TEXTUAL_SMOOTH_SCROLL", "0")

from textual.app import App
from textual.binding import Binding
from textual.events import Event, Key, Paste
from textual.screen import Screen

from ko_tui import escape_key
from ko_tui.config import Settings, load, theme_of
from ko_tui.escape_key import meant
from ko_tui.history import History
from ko_tui.key_order import KeyOrder
from ko_tui.screens.asking import Door
from ko_tui.screens.directory import SCREENS
from ko_tui.themes import THEMES
from ko_tui.widgets.glyphs import use_glyphs

if TYPE_CHECKING:
    import argparse

    from ko_tui.backend.session import Session

MOST_TROUBLES = 5


def _mode(name: str) -> Callable[[], Screen[Any]]:
    return lambda: SCREENS[name]()


class KoTuiApp(App[int], inherit_bindings=False):
    """Holds what all screens share. Everything that a person can do is on the screens."""

    TITLE = "ko-tui"
    CSS_PATH = Path(__file__).with_name("styles.tcss")
    MODES: ClassVar[dict[str, str | Callable[[], Screen[Any]]]] = {name: _mode(name) for name in SCREENS}
    COMMAND_PALETTE_BINDING = "ctrl+p"
    BINDINGS = [Binding("ctrl+c", "screen.stop", "Stop what is running", show=False, priority=True)]

    def __init__(
        self,
        open_session: Callable[[], Session],
        *,
        settings: Settings | None = None,
        dashboard: bool = False,
        reopen: Callable[[str], Callable[[], Session]] | None = None,
    ) -> None:
        self.settings = settings or Settings()
        self.dashboard = dashboard
        # Textual takes the first mode from the class.
        type(self).DEFAULT_MODE = "status" if dashboard else self.settings.start
        # Said before the theme is chosen: Textual decides here what it takes colours away with.
        super().__init__(ansi_color=True if os.environ.get("NO_COLOR") else None)
        escape_key.install()
        self.key_order = KeyOrder(self, super().on_event)
        self.door = Door(open_session)
        self.reopen = reopen
        self.known: dict[str, list[str]] = {}  # names for completion: endpoint, node, datapath
        self.names_asked: set[str] = set()  # those that are known or on their way
        self.commands_typed = History("commands", most=self.settings.history_lines)
        self.traces_made = History("traces", most=self.settings.history_lines)
        self.animation_level = "none"
        self.glyphs = use_glyphs(self.settings.glyphs)
        for theme in THEMES:
            self.register_theme(theme)
        self._start_with_theme(theme_of(self.settings.theme))

    def get_css_variables(self) -> dict[str, str]:
        variables = super().get_css_variables()
        variables.setdefault("ko-code", variables.get("foreground", "ansi_default"))
        variables.setdefault("ko-bar", variables.get("panel", "ansi_default"))
        return variables

    def on_mount(self) -> None:
        from ko_tui.ending import watch

        watch(self)
        if self.settings.keys:
            from ko_tui.keymap import normalized

            self.set_keymap(normalized(self.settings.keys))
            self.set_timer(1.0, self._tell_key_troubles)
            self.call_after_refresh(self.screen.bindings_updated_signal.publish, self.screen)

    def _start_with_theme(self, name: str) -> None:
        """The theme of the first paint. No watcher hears of it: that would have every style worked out thrice."""
        if name not in self.available_themes:
            return
        self.set_reactive(App.theme, name)
        dark = self.current_theme.dark
        classes = {f"-theme-{name}": True, "-dark-mode": dark, "-light-mode": not dark}
        self.update_classes(classes, update=False)
        self._refresh_truecolor_filter(self.ansi_theme)
        self.stylesheet.set_variables(self.get_css_variables())

    def on_ready(self) -> None:
        """The first paint is out: from now on what the program holds for good is looked through no more."""
        if not gc.isenabled():
            gc.freeze()
            gc.enable()
        from ko_tui.screens.leftover_notice import tell

        tell(self)

    def choose_theme(self, name: str) -> bool:
        """Use a theme; False when there is none of that name."""
        name = theme_of(name) if name in ("ansi", "auto") else name
        if name not in self.available_themes:
            return False
        self.theme = name
        return True

    def change_context(self, name: str) -> None:
        """Another cluster: every screen starts anew."""
        if self.reopen is None:
            return
        self.door.close()
        self.door = Door(self.reopen(name))
        self.known.clear()
        self.names_asked.clear()
        self.run_worker(self._start_anew(), exit_on_error=False)

    async def _start_anew(self) -> None:
        here = self.current_mode
        other = next(name for name in SCREENS if name != here)
        for name in (*(n for n in SCREENS if n != here), here):
            if name == here:  # the mode that is open cannot be taken away
                await self.switch_mode(other)
            await self.remove_mode(name)
            self.add_mode(name, _mode(name))
        await self.switch_mode(here)

    def _tell_key_troubles(self) -> None:
        """Every screen's commands are looked at, so this waits until the first paint is out."""
        from ko_tui.keymap import troubles
        from ko_tui.screens.directory import every_command

        for words in troubles(self.settings.keys, every_command())[:MOST_TROUBLES]:
            self.notify(words, severity="warning", markup=False, timeout=15)

    async def on_event(self, event: Event) -> None:
        if isinstance(event, Key) and not event.is_forwarded:
            for key in meant(event, self.screen):
                await self.key_order.take(key)
        elif isinstance(event, Paste) and not event.is_forwarded:
            await self.key_order.take(event)
        else:
            await super().on_event(event)

    def on_key(self, event: Key) -> None:
        """Keys that no widget took; here they come in the order in which they were pressed."""
        stray = getattr(self.screen, "stray_key", None)
        if stray is not None and stray(event):
            event.stop()
            event.prevent_default()

    def get_system_commands(self, screen: Screen[Any]) -> Any:
        """The palette: every command of this place, made from its declaration."""
        from ko_tui.screens.directory import palette_rows

        yield from palette_rows(screen)

    def _fatal_error(self) -> None:
        """An error that nobody foresaw ends the program; :func:`run` hands it on to whoever tells it in a line.

        Textual would print all of it, with the values of its variables: tokens among them.
        """
        if self.is_headless:
            super()._fatal_error()
        else:
            self._close_messages_no_wait()

    async def on_unmount(self) -> None:
        if self.door.running:
            from ko_tui.ending import end_questions

            await asyncio.to_thread(end_questions, self.door)
        self.door.close()


def first_place(start: str, snapshot: str) -> str:
    """Where to begin: a database file alone has no pods, but a southbound one its pipelines and a northbound one its
    rows. ``start`` is what the configuration wants; a file that cannot be read is told of later."""
    if not snapshot or start not in ("pods", "status"):
        return start
    try:
        with Path(snapshot).open("rb") as stream:
            head = stream.read(1 << 16)
    except OSError:
        return start
    if not head.startswith(b"OVSDB "):
        return start
    return "pipeline" if b"OVN_Southbound" in head else "console"


def run(options: argparse.Namespace) -> int:
    """Open the screen as the command line asked; gives the exit status."""
    # Where a shell has exported them the terminal's own size, and every change of it, would go unseen.
    for name in ("COLUMNS", "LINES"):
        os.environ.pop(name, None)
    named = Path(options.config) if options.config else None
    settings = load(named)
    if options.theme:
        settings.theme = options.theme
    if options.no_mouse:
        settings.mouse = False
    settings.start = first_place(settings.start, options.snapshot)

    def opened(context: str = "") -> Session:
        # In a thread, after the first paint: this imports the cluster's side.
        from dataclasses import replace

        from ko_tui.backend.session import open_session
        from ko_tui.cli.options import session_options

        wanted = replace(session_options(options), stays=True)
        return open_session(replace(wanted, context=context) if context else wanted)

    app = KoTuiApp(
        opened,
        settings=settings,
        dashboard=options.dashboard,
        reopen=lambda context: lambda: opened(context),
    )
    status = app.run(mouse=settings.mouse) or 0
    if app._exception is not None:
        raise app._exception
    return status

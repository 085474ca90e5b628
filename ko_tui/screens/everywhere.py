"""What can be done on every screen: going places, the command line, help, copying, saving, raw text, back."""

from __future__ import annotations

import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ko_tui.backend.errors import KoError
from ko_tui.commands import EVERYWHERE, by_colon

if TYPE_CHECKING:
    from ko_tui.screens.place import PlaceScreen


class Everywhere:
    """Actions of the commands in ``EVERYWHERE``; mixed into every place."""

    # -- what screens say ------------------------------------------------------------------------------------

    def copy_text(self: Any) -> str:
        """What ``y`` copies: the line under the cursor."""
        view = self.list_view()
        return view.plain(view.cursor) if view is not None and view.line_count() else ""

    def save_text(self: Any) -> str:
        """What ``s`` saves: all that the list holds."""
        view = self.list_view()
        if view is None:
            return ""
        if hasattr(view, "as_text"):
            return str(view.as_text())
        return "\n".join(view.plain(i) for i in range(view.line_count())) + "\n"

    def exact_commands(self: Any) -> list[str]:
        """The commands that were run for what is shown, as lines for a shell."""
        return []

    def raw_text(self: Any) -> tuple[str, str]:
        """What the tools printed, and the language it is in (see widgets.highlight)."""
        return "", "plain"

    # -- going ------------------------------------------------------------------------------------------------

    async def action_go(self: Any, mode: str) -> None:
        if self.app.current_mode != mode:
            await self.app.switch_mode(mode)

    async def visit(self: Any, mode: str, words: str) -> None:
        """Go to a mode; with words, to its first screen, which gets them."""
        await self.action_go(mode)
        app = self.app
        if not words:
            return
        while len(app.screen_stack) > 1:
            await app.pop_screen()
        app.screen.arrive(words)

    async def action_back(self: Any) -> None:
        """Leave in this order: a filter, what was pushed on top."""
        if self.filter_text():
            self.filter_changed("")
            return
        if len(self.app.screen_stack) > 1:
            await self.app.pop_screen()

    def action_leave(self: Any) -> None:
        if not self.ko.settings.ask_before_quit:
            self.app.exit(0)
            return
        from ko_tui.screens.dialogs import Choice

        def decided(answer: bool | None) -> None:
            if answer:
                self.app.exit(0)

        self.app.push_screen(Choice("Leave ko-tui?", "Enter or q leaves, Esc stays.", also="q"), decided)

    def action_stop(self: Any) -> None:
        """ctrl+c: give up what is being waited for; nothing is lost."""
        stopped = [
            q.label or topic for topic, q in list(self.questions.items()) if self.cancel_question(topic)
        ]
        ending = [q.label for q in self.questions.values() if q.stopping]
        if ending:
            words = f"Stopping {', '.join(ending)}: what it began is put in order first."
        elif stopped:
            words = f"Stopped: {', '.join(stopped)}."
        else:
            words = "Nothing is running. q leaves ko-tui."
        self.tell(words, "warn")

    # -- typing -----------------------------------------------------------------------------------------------

    def action_command_line(self: Any) -> None:
        from ko_tui.screens.command_line import completer
        from ko_tui.widgets.prompt import PromptLine

        self.query_one(PromptLine).open(
            ":", history=self.ko.commands_typed.lines(), completer=completer(self)
        )

    def action_filter(self: Any) -> None:
        from ko_tui.widgets.prompt import PromptLine

        self.query_one(PromptLine).open("/", self.filter_text())

    def run_line(self: Any, text: str) -> None:
        """Do what was typed behind ``:``."""
        name, _, words = text.strip().partition(" ")
        if not name:
            return
        from ko_tui.screens.directory import commands_here

        here = commands_here(self)
        command = by_colon(name, [c for _, c in here]) or by_colon(name, EVERYWHERE)
        if command is None:
            self.tell(f":{name} is no command here. ? lists them all.", "bad")
            return
        self.ko.commands_typed.add(text.strip())
        words = words.strip()
        if command.id.startswith("go."):
            visit = self.ko.key_order.holding(self.visit(command.id.removeprefix("go."), words))
            self.app.run_worker(visit, group="visit", exit_on_error=False)
            return
        if command.id == "app.quit":
            self.app.exit(0)
            return
        node = next((n for n, c in here if c.id == command.id), self)
        taker = getattr(node, f"take_{command.does}", None)
        if taker is not None and (words or command.does in ("pick_theme", "pick_context")):
            taker(words)
        else:
            self.app.run_worker(
                self.app.run_action(command.does, default_namespace=node), exit_on_error=False
            )

    # -- help, copies, texts ------------------------------------------------------------------------------------

    def action_help(self: Any) -> None:
        from ko_tui.screens.texts import help_screen

        self.app.push_screen(help_screen(self))

    def action_copy(self: Any) -> None:
        text = self.copy_text()
        if not text:
            self.tell("There is nothing to copy here.", "warn")
            return
        from ko_tui.clipboard import copy

        done = copy(text, self.ko.settings.clipboard)
        driver = getattr(self.app, "_driver", None)
        if done.sequence and driver is not None:
            driver.write(done.sequence)
        self.tell(done.words, "good")

    def action_save(self: Any) -> None:
        self.take_save("")

    def take_save(self: Any, words: str) -> None:
        """Save to the file named, or to one of our own naming here; an existing one is never overwritten."""
        text = self.save_text()
        if not text:
            self.tell("There is nothing to save here.", "warn")
            return
        name = f"ko-tui-{self.mode or 'text'}-{time.strftime('%Y%m%d-%H%M%S')}.txt"
        path = Path(words).expanduser() if words else Path.cwd() / name
        self.write_new(path, text)

    def write_new(self: Any, path: Path, text: str) -> bool:
        """Write a file that is not there yet, and say so; whether it was written."""
        from ko_tui.backend.whole_file import new_file

        try:
            new_file(path, text.encode("utf-8", "replace"))
        except FileExistsError:
            self.tell(f"exists already, name another with :save FILE: {path}", "bad")
        except OSError as error:
            self.tell(f"cannot be written ({error.strerror}), name another with :save FILE: {path}", "bad")
        else:
            self.tell(f"Saved to {path}", "good")
            return True
        return False

    def action_exact(self: Any) -> None:
        commands = self.exact_commands()
        if not commands:
            self.tell("No command was run for what is shown here.", "warn")
            return
        from ko_tui.screens.texts import TextScreen

        self.app.push_screen(TextScreen(self.mode, "commands", "\n".join(commands) + "\n"))

    def action_raw(self: Any) -> None:
        text, language = self.raw_text()
        if not text:
            self.tell("There is no raw text behind this.", "warn")
            return
        from ko_tui.screens.texts import TextScreen

        self.app.push_screen(TextScreen(self.mode, "raw", text, language))

    def action_refresh(self: PlaceScreen | Any) -> None:
        self.load(fresh=True)

    # -- the program itself --------------------------------------------------------------------------------------

    def action_pick_theme(self: Any) -> None:
        self.app.action_change_theme()

    def take_pick_theme(self: Any, words: str) -> None:
        if words and self.ko.choose_theme(words):
            self.tell(f"The theme is {words}.", "good")
        else:
            names = ", ".join(["ansi", *sorted(self.app.available_themes)])
            self.tell(f"There is no theme {words!r}. Themes: {names}", "warn")

    def action_pick_context(self: Any) -> None:
        self.tell("Which one? :ctx NAME", "warn")

    def take_pick_context(self: Any, words: str) -> None:
        if not words or self.ko.reopen is None:
            self.action_pick_context()
            return
        from ko_tui.screens.known_names import context_names

        # Looked up before the one that is open is given up; a kubeconfig that cannot be read says so when opened.
        self.ask(
            "contexts",
            context_names,
            lambda names: self._open_context(words, names),
            failed=lambda _error: self.ko.change_context(words),
        )

    def _open_context(self: Any, name: str, names: list[str]) -> None:
        self.ko.known["context"] = names
        if name in names:
            self.ko.change_context(name)
        else:
            self.tell(f"There is no context {name!r}. Contexts: {', '.join(names)}", "warn")

    def action_toggle_mouse(self: Any) -> None:
        driver = getattr(self.app, "_driver", None)
        taken = not getattr(self.ko, "mouse_given", not self.ko.settings.mouse)
        self.ko.mouse_given = taken
        if driver is not None:
            driver._mouse = True  # else one that began with --no-mouse would not take it
        for name in ("_disable_mouse_support",) if taken else ("_enable_mouse_support",):
            switch = getattr(driver, name, None)
            if switch is not None:
                switch()
        self.tell("The mouse is the terminal's." if taken else "The mouse is ko-tui's.", "good")

    def show_error(self: Any, error: KoError) -> None:
        self.show_failure(error)

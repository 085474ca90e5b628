"""The tools of kubectl ko under the policy: output streamed, coloured, searchable, of any size."""

from __future__ import annotations

import codecs
import re
import shlex
from collections.abc import Iterable, Sequence
from functools import partial
from typing import TYPE_CHECKING, ClassVar

from textual.timer import Timer
from textual.widget import Widget

from ko_tui.backend.errors import KoError, UsageError
from ko_tui.commands import Command, bindings
from ko_tui.history import History
from ko_tui.screens.console_changes import differences
from ko_tui.screens.console_words import BRIDGE, WATCH, completions, language_of, node_of
from ko_tui.screens.known_names import datapath_names, node_names
from ko_tui.screens.place import PlaceScreen
from ko_tui.visible import visible
from ko_tui.widgets.bars import counted
from ko_tui.widgets.highlight import colour_for
from ko_tui.widgets.line_view import LineView
from ko_tui.widgets.prompt import PromptLine
from ko_tui.widgets.text_view import TextView
from ko_tui.widgets.tones import Line, Piece

if TYPE_CHECKING:
    from ko_tui.backend.command.run import CommandRun
    from ko_tui.backend.command.tools import ToolCall
    from ko_tui.backend.session import Session
    from ko_tui.backend.source.interface import Cancel

SIGN = "> "
WATCH_SECONDS = 5.0
SHELL = frozenset({"|", ">", ">>", "<", "&", "&&", "||", ";"})
_SPOKEN = re.compile(r"^(?:kubectl[ -]ko|ko-tui)\s+")  # as the same words are typed in a shell
WELCOME = """Type a tool and its arguments; Tab completes, Up goes back in history.

  nbctl show                        the northbound database, at its leader
  sbctl list Chassis                the southbound database, at its leader
  vsctl NODE show                   Open vSwitch of a node
  ofctl NODE dump-flows br-int      its OpenFlow
  dpctl NODE dump-conntrack         its connection tracker
  appctl NODE ofproto/trace br-int  its daemons
  watch COMMAND                     again and again, differences marked

What may run is decided by a fixed list; a refused command says why. i types, Esc reads."""


class ConsoleScreen(PlaceScreen):
    """Output above, the line below."""

    mode = "console"
    commands: ClassVar[tuple[Command, ...]] = (
        Command("console.type", "i", "Type a command", "type", action="type"),
        Command("console.again", "a", "Run the last command again", "again", action="again"),
        Command(
            "console.filter", "slash", "Find in the output; n next, N previous", "/find", action="filter"
        ),
    )
    BINDINGS = bindings(commands)

    def __init__(self) -> None:
        super().__init__()
        self.run: CommandRun | None = None
        self.last = ""
        self.said_again: list[str] | None = (
            None  # what a watched command has said this time; None: it is in the view
        )
        self._speaking = False
        self._watch: Timer | None = None
        self._before: list[str] = []
        self._news = ""

    def body(self) -> Iterable[Widget]:
        yield TextView(WELCOME, prose=True, id="output")

    @property
    def view(self) -> TextView:
        return self.query_one("#output", TextView)

    @property
    def typed(self) -> History:
        if not hasattr(self, "_typed_before"):
            self._typed_before = History("console", most=self.ko.settings.history_lines)
        return self._typed_before

    def on_mount(self) -> None:
        super().on_mount()
        self.call_after_refresh(self.action_type)

    def load(self, *, fresh: bool = False) -> None:
        if fresh and self.last:
            self.start(self.last)
        elif not fresh:
            # For completion only: nobody is told when they cannot be had.
            for kind, question in (("node", node_names), ("datapath", datapath_names)):
                if kind not in self.ko.known:
                    self.ask(kind, question, partial(self._named, kind), failed=lambda _error: None)

    def _named(self, kind: str, names: list[str]) -> None:
        self.ko.known[kind] = names
        self.query_one(PromptLine).offer_again()

    def crumbs(self) -> Sequence[str]:
        return (self.last,)

    def facts(self) -> list[Piece]:
        watching: list[Piece] = [("watching", "warn")] if self._watch is not None else []
        return [*watching, *super().facts()]

    # -- typing ---------------------------------------------------------------------------------------------------

    def action_type(self) -> None:
        prompt = self.query_one(PromptLine)
        if not prompt.sign:
            prompt.open(
                SIGN,
                history=self.typed.lines(),
                completer=self._complete,
            )

    def _complete(self, text: str) -> list[tuple[str, str]]:
        node = node_of(text)
        key = f"bridge {node}"
        if node in self.ko.known.get("node", ()) and key not in self.ko.known:
            self.ko.known[key] = [BRIDGE]  # asked once; OVN's own is always there

            def arrived(bridges: list[str]) -> None:
                self.ko.known[key] = bridges or [BRIDGE]
                self.query_one(PromptLine).offer_again()

            self.ask(key, lambda s, c: _bridges(s, c, node), arrived, failed=lambda _error: None)
        return completions(text, self.ko.known)

    def on_line_view_chosen(self, event: LineView.Chosen) -> None:
        event.stop()
        self.action_type()

    def arrive(self, words: str) -> None:
        self.start(words)

    def answered_prompt(self, sign: str, text: str) -> None:
        if sign == SIGN and text.strip():
            self.start(text.strip())

    def action_again(self) -> None:
        if self.last:
            self.start(self.last)

    # -- running --------------------------------------------------------------------------------------------------

    def start(self, line: str) -> None:
        """Run a line; ``watch`` in front runs it again and again."""
        self._stop_watch()
        self.typed.add(line)
        self.last = line
        watched = _SPOKEN.sub("", line.removeprefix(f"{WATCH} ").strip())
        self._before, self._news = [], ""
        self._speaking = False
        self._begin(watched)
        if line.startswith(f"{WATCH} "):
            self._watch = self.set_interval(WATCH_SECONDS, lambda: self._begin(watched, again=True))
        self.show_place()

    def _begin(self, line: str, *, again: bool = False, confirmed: bool = False) -> None:
        if again and (self.questions or self.app.screen is not self):
            return
        try:
            words = shlex.split(line)
        except ValueError as error:
            self._refused(UsageError(f"The line cannot be split into words: {error}."))
            return
        if (sign := next((w for w in words if w in SHELL), "")) != "":
            self._refused(
                UsageError(
                    f"No shell reads this line, so {sign} would be a plain argument.",
                    "/ finds in the output, n goes on, and s saves it to a file.",
                )
            )
            return
        self.said_again = [] if again else None
        self._speaking = True
        self.view.colour = colour_for(language_of(words))
        if not again:
            self.view.show_text("")
        decoder = codecs.getincrementaldecoder("utf-8")("replace")

        watching = self.last.startswith(f"{WATCH} ")

        def question(session: Session, cancel: Cancel) -> CommandRun | ToolCall:
            from ko_tui.backend.command.tools import prepare, run_tool

            call = prepare(words, session.options.mode)
            if call.decision.writes and watching:
                raise UsageError("This command changes something; only what reads is run again and again.")
            if call.decision.writes and not confirmed:
                return call

            def take(part: bytes) -> None:
                self.heard("tool", number, decoder.decode(part))

            return run_tool(session, call, cancel=cancel, on_stdout=take, on_stderr=take)

        number = 0
        number = self.ask(
            "tool",
            question,
            partial(self._answered, line),
            label="" if again else "running",
            failed=self._refused,
            progress=self._more if self.said_again is None else self.said_again.append,
        )

    def _more(self, text: str) -> None:
        view = self.view
        whole = text.split("\n")
        if view.texts:
            view.texts[-1] += whole[0]
            whole = whole[1:]
        view.add_texts(whole, follow=False)
        self.count_words = counted(len(view.texts), "line")

    def _answered(self, line: str, answer: CommandRun | ToolCall) -> None:
        from ko_tui.backend.command.run import CommandRun

        if isinstance(answer, CommandRun):
            self._ran(answer)
        else:
            self._confirm(line, answer)

    def _confirm(self, line: str, call: ToolCall) -> None:
        """What changes something is run once, after its target was typed."""
        from ko_tui.screens.dialogs import TypedConfirmation

        target = call.node or call.tool.word
        where = f"on the node {call.node}" if call.node else "at the database's leader"
        lines: list[Line] = [
            [(f"This will change the cluster, {where}:", "warn")],
            [("", "")],
            [(visible(" ".join(call.argv)), "strong")],
        ]

        def decided(answer: bool | None) -> None:
            if answer:
                self._begin(line, confirmed=True)
            else:
                self.view.show_text("Nothing was changed.")
                self.tell("Nothing was changed.")

        self.app.push_screen(TypedConfirmation(lines, target), decided)

    def _ran(self, run: CommandRun) -> None:
        self.run = run
        lines = self._said() or ["(no output)"]
        if self._watch is not None:
            self._show_watched(lines)
        else:
            self.view.show_texts(lines)
        code = "" if run.exit_code == 0 else f", ended with status {run.exit_code}"
        self.had(counted(len(lines), "line") + code)
        news = f"  {self._news}" if self._watch is not None and self._news else ""
        self.tell_pieces([(f"{run.pod}  {run.duration_ms:.0f} ms", "dim"), (code, "bad"), (news, "change")])
        if not self.query_one(PromptLine).sign:
            self.view.focus()

    def _said(self) -> list[str]:
        """The lines of the command that runs; they are kept once, as there may be millions."""
        lines = self.view.texts if self.said_again is None else "".join(self.said_again).split("\n")
        while lines and not lines[-1].strip():
            lines.pop()
        return lines

    def _show_watched(self, lines: list[str]) -> None:
        """Words that are not as they were at the last look are marked."""
        if not self._before:
            self.view.show_lines([[("  ", ""), (text, "")] for text in lines], stay=True)
        else:
            made, changed, gone = differences(self._before, lines)
            self.view.show_lines(made, stay=True)
            self._news = (
                f"{changed:,} changed" + (f", {gone:,} gone" if gone else "") if changed or gone else ""
            )
        self._before = lines

    def _refused(self, error: KoError) -> None:
        self._stop_watch()
        partial = self._said() if self._speaking else []
        lines: list[Line] = [[(f"{error.title}", "bad")], [(visible(error.what), "")]]
        if error.next_step:
            lines.append([(visible(error.next_step), "dim")])
        if partial:
            lines += [
                [("", "")],
                [("What came before (not all):", "warn")],
                *_plain_lines(partial),
            ]
        self.view.show_lines(lines, fold=not partial)
        self.had("")

    def _stop_watch(self) -> None:
        if self._watch is not None:
            self._watch.stop()
            self._watch = None

    def action_stop(self) -> None:
        self._stop_watch()
        super().action_stop()

    async def action_back(self) -> None:
        if self._watch is not None:
            self._stop_watch()
            self.show_place()
            self.tell("Stopped watching.")
            return
        await super().action_back()

    def save_text(self) -> str:
        return self.view.whole()

    def exact_commands(self) -> list[str]:
        return [self.run.kubectl()] if self.run is not None else []

    def raw_text(self) -> tuple[str, str]:
        return "\n".join(self._before) if self._before else self.view.whole(), "plain"


def _bridges(session: Session, cancel: Cancel, node: str) -> list[str]:
    from ko_tui.backend.command.tools import prepare, run_tool

    run = run_tool(session, prepare(["vsctl", node, "list-br"]), cancel=cancel)
    return run.stdout.split() if run.exit_code == 0 else []


def _plain_lines(texts: Sequence[str]) -> list[Line]:
    return [[(text, "")] for text in texts]

"""What can be done everywhere: the command line, filters, help, palette, back, copies, themes, keys and the mouse."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from ko_tui.app import KoTuiApp
from ko_tui.backend.errors import UsageError
from ko_tui.backend.session import Session, SessionOptions, open_session
from ko_tui.commands import EVERYWHERE, PLACES
from ko_tui.config import Settings
from ko_tui.keymap import normalized, troubles
from ko_tui.screens.asking import Answered
from ko_tui.screens.directory import every_command
from ko_tui.screens.pods import PodsScreen
from ko_tui.screens.texts import TextScreen
from ko_tui.widgets.bars import CrumbBar
from ko_tui.widgets.line_table import LineTable
from ko_tui.widgets.line_view import LineView
from ko_tui.widgets.prompt import PromptLine
from ko_tui.widgets.text_view import TextView
from ko_tui.widgets.tones import plain
from tests.e2e.terminal import PROGRAM, Terminal, why_unavailable
from tests.lab.places import until
from tests.lab.running import RunningLab
from tests.screens.conftest import Driven, Running, open_demo
from tests.screens.driving import drives


def prompt(driven: Driven) -> PromptLine:
    return driven.app.screen.query_one(PromptLine)


# -- going --------------------------------------------------------------------------------------------------------


@drives(*(place.command.id for place in PLACES))
async def test_every_place_is_reached_by_digit_function_key_and_name(running: Running) -> None:
    async with running(open_session=open_demo, settings=Settings(start="status")) as driven:
        for place in reversed(PLACES):
            await driven.press("escape", place.key)
            if driven.app.current_mode != place.mode:  # a digit is text where something is typed
                await driven.press(f"f{place.key}")
            await driven.until(lambda mode=place.mode: driven.app.current_mode == mode)
        for place in PLACES:
            for name in place.colon[:1]:
                await driven.press("escape")
                await driven.command(name)
                await driven.until(lambda mode=place.mode: driven.app.current_mode == mode, name)


async def test_crumbs_say_where_one_is(running: Running) -> None:
    async with running((120, 40), open_session=open_demo) as driven:
        await driven.command("lflow vpc2 lr_in_policy")
        await driven.sees("demo.kosnap › Pipeline › vpc2 › lr_in_policy")
        await driven.press("question_mark")
        await driven.sees("demo.kosnap › Pipeline › help")
        way = ["demo.kosnap", "Pipeline", "vpc2", "lr_in_policy"]
        for depth in (4, 3, 2):
            await driven.press("escape")
            await driven.until(
                lambda n=depth: list(filter(None, driven.app.screen.query_one(CrumbBar).crumbs)) == way[:n]
            )


# -- the command line ---------------------------------------------------------------------------------------------


@drives("app.command")
async def test_the_command_line_completes_names_arguments_and_remembers(running: Running) -> None:
    async with running(open_session=open_demo) as driven:
        await driven.press("colon")
        await driven.sees("capture", "console", "in all")
        await driven.press("p")
        await driven.sees("pods, VMs, nodes and Services  [FILTER]")
        await driven.press("escape", "colon")
        assert prompt(driven).sign == ":" and prompt(driven).field.value == ""
        await driven.paste("lf")
        await driven.press("tab")
        assert prompt(driven).field.value == "lflow "
        await driven.press("ctrl+u")
        await driven.paste("theme ko")
        await driven.press("tab", "tab")
        assert prompt(driven).field.value == "theme ko-night"
        await driven.press("shift+tab", "enter")
        await driven.sees("The theme is ko-day.")
        assert {m.text for m in driven.heard(PromptLine.Submitted)} == {"theme ko-day"}
        await driven.command("nonsense")
        await driven.sees(":nonsense is no command here")
        await driven.press("colon", "up")
        assert prompt(driven).field.value == "theme ko-day", "only what was understood is remembered"
        await driven.press("down")
        assert prompt(driven).field.value == ""
        await driven.press("escape")
        assert [m.sign for m in driven.heard(PromptLine.Closed)][-1] == ":"


async def test_what_was_commanded_is_remembered_in_the_next_run(running: Running) -> None:
    async with running(open_session=open_demo) as driven:
        await driven.command("pods web")
        await driven.until(lambda: driven.app.screen.filter_text() == "web")
    async with running(open_session=open_demo) as driven:
        await driven.press("colon", "up")
        assert prompt(driven).field.value == "pods web"


async def test_endpoints_and_protocols_are_completed_for_a_trace(running: Running) -> None:
    async with running(open_session=open_demo) as driven:
        await driven.press("colon")
        await driven.paste("trace default/cl")
        await driven.sees("trace default/client", "from")
        await driven.press("tab")
        await driven.paste(" svc/kube-system/kube")
        await driven.sees("kube-dns", "to")
        await driven.press("tab")
        await driven.paste(" t")
        await driven.sees("tcp", "protocol")


# -- filters ------------------------------------------------------------------------------------------------------


@drives("pods.filter", "list.next", "list.previous", "app.back")
async def test_a_list_is_filtered_by_expression_inverted_and_let_go(running: Running) -> None:
    async with running(open_session=open_demo) as driven:
        table = driven.app.screen.table
        assert isinstance(table, LineTable)
        everything = len(table.shown())
        await driven.press("slash")
        await driven.paste("^pod.*web-[01]|vm1")
        await driven.sees("web-0", "web-1", "vm1")
        filtered = len(table.shown())
        assert (
            filtered == 3 and [m.text for m in driven.heard(PromptLine.Changed)][-1] == "^pod.*web-[01]|vm1"
        )
        await driven.press("enter")
        await driven.press("slash", "home", "exclamation_mark", "enter")
        await driven.until(lambda: len(table.shown()) == everything - filtered)
        assert "web-0" not in driven.text()
        await driven.press("n")
        assert table.cursor == 1
        await driven.press("N")
        assert table.cursor == 0 and driven.heard(LineTable.Filtered)
        await driven.press("escape")
        await driven.until(lambda: len(table.shown()) == everything)
        await driven.press("slash")
        await driven.paste("([")
        await driven.sees("([")
        await driven.press("enter")
        await driven.until(lambda: "([" in table.filter.text)


# -- help, palette ------------------------------------------------------------------------------------------------


@drives("app.help", "text.filter")
async def test_help_lists_what_can_be_done_here_with_its_key(running: Running) -> None:
    async with running((120, 40), open_session=open_demo, settings=Settings(keys={"app.raw": "X"})) as driven:
        await driven.press("question_mark")
        await driven.until(lambda: isinstance(driven.app.screen, TextScreen))
        await driven.settled()
        view = driven.app.screen.query_one(TextView)
        lines = [plain(line) for line in view.unfolded or ()]
        for command in (*PodsScreen.commands, *EVERYWHERE):
            row = next(line for line in lines if line.endswith(command.id))
            assert command.summary in row
            assert not command.colon or f":{command.colon[0]}" in row
        assert next(line for line in lines if "app.raw" in line).split()[0] == "X"
        assert all(len(text) <= 120 for text in view.texts)
        await driven.press("slash")
        await driven.paste("Lists")
        await driven.press("enter")
        await driven.sees("1 line matches")


async def test_the_palette_gives_every_command_of_the_place(running: Running) -> None:
    async with running(open_session=open_demo) as driven:
        await driven.press("ctrl+p")
        await driven.until(lambda: len(driven.app.screen_stack) == 2)
        await driven.paste("Go to Console")
        assert "🔎" not in await driven.sees("Go to Console", ":console")
        await driven.press("down", "enter")
        await driven.until(lambda: driven.app.current_mode == "console")


# -- copies, files, texts -----------------------------------------------------------------------------------------


@drives("app.copy")
async def test_y_copies_the_line_under_the_cursor(running: Running, tmp_path: Path) -> None:
    async with running(open_session=open_demo) as driven:
        await driven.press("y")
        await driven.sees("by OSC 52; also in")
        copied = (tmp_path / "state" / "clip.txt").read_text()
        assert copied == "default/client"
        await driven.press("j")
        await driven.command("copy")
        await driven.until(lambda: (tmp_path / "state" / "clip.txt").read_text() == "default/completed")


async def test_an_error_is_copied_from_its_window(running: Running, tmp_path: Path) -> None:
    async with running(open_session=open_demo, settings=Settings(clipboard="file")) as driven:
        driven.app.screen.show_failure(UsageError("Nothing [/foo] fits.", "Name another."))
        await driven.sees("Nothing [/foo] fits.", "y copies it")
        await driven.press("y")
        await driven.sees("Copied ")
        assert len(driven.app.screen_stack) == 1 and "OSC 52" not in driven.text()
        assert "Nothing [/foo] fits." in (tmp_path / "state" / "clip.txt").read_text()


@drives("app.save")
async def test_s_saves_all_that_the_list_holds(running: Running, tmp_path: Path) -> None:
    async with running(open_session=open_demo) as driven:
        await driven.press("s")
        await driven.sees("Saved to ")
        (saved,) = tmp_path.glob("ko-tui-pods-*.txt")
        assert saved.read_text().count("\n") == len(driven.app.screen.table.shown()) + 1
        await driven.command(f"save {saved}")
        await driven.sees("exists already")
        await driven.command(f"save {tmp_path}/nowhere/x.txt")
        await driven.sees("cannot be written")


@drives("app.exact", "app.raw", "app.refresh")
async def test_where_nothing_is_behind_it_that_is_said(running: Running) -> None:
    async with running(open_session=open_demo) as driven:
        before = len([m for m in driven.heard(Answered) if m.topic == "inventory"])
        await driven.press("r")
        await driven.until(
            lambda: len([m for m in driven.heard(Answered) if m.topic == "inventory"]) > before
        )
        for key, words in (("e", "No command was run"), ("R", "There is no raw text")):
            await driven.press(key)
            await driven.until(lambda w=words: w in driven.text() or len(driven.app.screen_stack) > 1)
            if len(driven.app.screen_stack) > 1:
                await driven.press("escape")


# -- themes, contexts, the mouse, leaving -------------------------------------------------------------------------


@drives("app.theme", "app.context", "app.mouse", "app.quit")
async def test_commands_without_a_key_are_given_by_name(running: Running) -> None:
    async with running(open_session=open_demo) as driven:
        for theme in ("ansi", "ko-day", "ko-night"):
            await driven.command(f"theme {theme}")
            await driven.sees(f"The theme is {theme}.")
        await driven.command("theme nowhere")
        await driven.sees("There is no theme 'nowhere'")
        await driven.command("ctx")
        await driven.sees("Which one? :ctx NAME")
        await driven.command("mouse")
        await driven.sees("The mouse is the terminal's.")
        await driven.command("mouse")
        await driven.sees("The mouse is ko-tui's.")
        await driven.press("q")
        await driven.sees("Leave ko-tui?")
        await driven.press("escape")
        await driven.command("q")
        await driven.until(lambda: driven.app.return_value == 0)


@pytest.mark.lab
@drives("app.context")
async def test_another_context_is_completed_checked_and_opened(running_lab: RunningLab) -> None:
    def opener(context: str) -> Callable[[], Session]:
        options = SessionOptions(kubeconfig=str(running_lab.kubeconfig), context=context)
        return lambda: open_session(options)

    app = KoTuiApp(opener("admin"), reopen=opener)
    async with app.run_test(size=(80, 24)) as pilot:
        driven = Driven(app, pilot, [])
        await driven.sees("admin › Pods", "client")
        await driven.press("colon")
        await driven.paste("ctx r")
        await driven.sees("ctx reader", "context")
        await driven.press("ctrl+u")
        await driven.paste("ctx nowhere")
        await driven.press("enter")
        await driven.sees("There is no context 'nowhere'. Contexts: admin,")
        assert "admin › Pods" in driven.text(), "the one that is open stays"
        await driven.command("ctx reader")
        await driven.sees("reader › Pods", "client")


# -- keys of one's own --------------------------------------------------------------------------------------------

PLACED = list(every_command())


@pytest.mark.parametrize(
    ("keys", "told"),
    [
        ({"pods.capture": "f11"}, []),
        ({"pods.capture": "t"}, ["The key t is pods.capture now; pods.trace-from gave way"]),
        ({"pods.capture": "t", "pods.trace-from": "c"}, []),
        ({"pods.capture": "X", "pods.details": "X"}, ["X was given to pods.capture and to pods.details"]),
        ({"pods.capture": "?"}, ["question_mark is pods.capture now; app.help gave way"]),
        ({"pods.capture": "j"}, ["The key j moves in lists (list.down)"]),
        (
            {"list.down": "t"},
            [
                "The key t is list.down in lists now: there pods.trace-from is not reached",
                "The key t is list.down in lists now: there capture.trace is not reached",
            ],
        ),
        ({"pods.captur": "K"}, ["names 'pods.captur', which is no command. Is it pods.capture?"]),
        ({"pods.capture": "notakey"}, ["the key 'notakey', which no keyboard sends"]),
        ({"pods.capture": "ctrl+b"}, ["ctrl+b, which belongs to tmux"]),
        ({"status.pause": "t"}, []),
    ],
)
def test_what_is_wrong_with_changed_keys_is_said(keys: dict[str, str], told: list[str]) -> None:
    said = troubles(keys, PLACED)
    assert len(said) == len(told), said
    for sentence, words in zip(said, told, strict=True):
        assert words in sentence


def test_the_keys_as_they_are_clash_nowhere() -> None:
    said = troubles({command.id: command.key for _, command in PLACED if command.key}, PLACED)
    assert not [words for words in said if "in lists" not in words]
    assert normalized({"a": "?, B,ctrl+k"}) == {"a": "question_mark,B,ctrl+k"}


@drives("pods.capture")
async def test_a_clash_is_told_on_the_screen(running: Running) -> None:
    async with running(
        (120, 40), open_session=open_demo, settings=Settings(keys={"pods.capture": "t"})
    ) as driven:
        await driven.until(lambda: [n for n in driven.app._notifications if "gave way" in n.message])
        await driven.press("t")
        await driven.until(lambda: driven.app.current_mode == "capture")


# -- moving in any list -------------------------------------------------------------------------------------------


@drives("list.down", "list.up", "list.page-down", "list.page-up", "list.half-down", "list.half-up", "list.top",
        "list.bottom", "list.left", "list.right")  # fmt: skip
async def test_lists_move_by_arrows_pages_and_as_in_vim(running: Running) -> None:
    async with running(open_session=open_demo) as driven:
        table = driven.app.screen.table
        last = len(table.shown()) - 1
        page = table.page
        steps = [
            ("j", 1), ("down", 2), ("k", 1), ("up", 0), ("G", last), ("g", 0), ("end", last), ("home", 0),
            ("pagedown", page), ("pageup", 0), ("space", page), ("home", 0), ("ctrl+f", page), ("pageup", 0),
            ("ctrl+d", page // 2), ("ctrl+u", 0),
        ]  # fmt: skip
        for key, wanted in steps:
            await driven.press(key)
            assert table.cursor == wanted, key
        assert {m.index for m in driven.heard(LineView.Moved)} >= {0, 1, page, last}
        await driven.press("l")
        assert table.shift == 8
        await driven.press("h", "h")
        assert table.shift == 0


# -- a real terminal ----------------------------------------------------------------------------------------------


@pytest.mark.e2e
@pytest.mark.skipif(bool(why_unavailable()), reason="no tmux")
def test_the_mouse_is_left_to_the_terminal_when_that_is_wanted(tmp_path: Path) -> None:
    with Terminal([*PROGRAM, "--demo", "--no-mouse"], tmp_path) as terminal:
        terminal.wait("client", "saved cluster")
        assert terminal.flag("mouse_any_flag") == "0"
        terminal.type(":mouse")
        terminal.keys("Enter")
        terminal.wait("The mouse is ko-tui's.")
        until(lambda: terminal.flag("mouse_any_flag") == "1", "the mouse taken", 10)
        terminal.type(":mouse")
        terminal.keys("Enter")
        terminal.wait("The mouse is the terminal's.")
        until(lambda: terminal.flag("mouse_any_flag") == "0", "the mouse given", 10)

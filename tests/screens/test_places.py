"""The eight places: reached by their keys and names, each keeping its own."""

from __future__ import annotations

import re

import pytest

from ko_tui.commands import EVERYWHERE, PLACES, by_colon
from ko_tui.screens.asking import Answered
from ko_tui.screens.directory import every_command
from ko_tui.screens.pods import PodsScreen
from ko_tui.widgets.line_view import LineView
from tests.screens.conftest import Running


async def test_it_starts_on_the_pods_with_count_and_age(running: Running) -> None:
    async with running() as driven:
        shown = driven.text()
        assert "client-7c6f9d5b8-k2m4n" in shown
        assert "endpoints" in shown and "read-only" in shown
        assert re.search(r"· (now|\d+ s ago) ", shown)
        assert [m for m in driven.heard(Answered) if m.topic == "inventory"]


@pytest.mark.parametrize("place", PLACES, ids=lambda p: p.mode)
async def test_every_place_opens_by_its_key_and_names_itself(running: Running, place) -> None:
    async with running() as driven:
        await driven.press(place.key)
        await driven.until(lambda: driven.app.current_mode == place.mode)
        await driven.until(lambda: driven.app.screen.is_mounted)
        await driven.settled()
        assert f"{place.key} {place.title}" in driven.text()
        assert place.title in driven.text().splitlines()[1]


async def test_a_place_keeps_its_filter_and_its_line(running: Running) -> None:
    async with running() as driven:
        await driven.press("slash")
        await driven.type("coredns")
        await driven.press("enter", "j")
        await driven.press("6")
        await driven.until(lambda: driven.app.current_mode == "console")
        await driven.press("escape", "2")
        await driven.until(lambda: driven.app.current_mode == "pods")
        screen = driven.app.screen
        assert isinstance(screen, PodsScreen)
        assert screen.table.filter.text == "coredns"
        assert screen.table.cursor == 1
        assert driven.heard(LineView.Moved)


async def test_the_command_line_goes_to_a_place_with_its_arguments(running: Running) -> None:
    async with running() as driven:
        await driven.press("colon")
        await driven.type("pods web")
        await driven.press("enter")
        await driven.until(lambda: driven.app.screen.filter_text() == "web")
        assert "web-0" in driven.text() and "coredns" not in driven.text()
        await driven.press("colon", "up")
        await driven.until(lambda: "pods web" in driven.text().splitlines()[-2])


async def test_the_command_line_completes_names_and_endpoints(running: Running) -> None:
    async with running() as driven:
        await driven.press("colon")
        await driven.type("tr")
        assert "trace" in driven.text() and "where a packet goes" in driven.text()
        await driven.press("tab")
        await driven.type("default/web")
        await driven.press("tab")
        assert ":trace default/web-" in driven.text()


async def test_an_unknown_command_is_told(running: Running) -> None:
    async with running() as driven:
        await driven.press("colon")
        await driven.type("nonsense")
        await driven.press("enter")
        await driven.until(lambda: "no command here" in driven.text())


async def test_help_is_made_from_the_commands_of_the_place(running: Running) -> None:
    async with running((100, 40)) as driven:
        await driven.press("question_mark")
        await driven.until(lambda: "help" in driven.text().splitlines()[1])
        shown = driven.text()
        for command in PodsScreen.commands:
            assert command.summary in shown and command.id in shown
        await driven.press("escape")
        await driven.until(lambda: isinstance(driven.app.screen, PodsScreen))


async def test_the_palette_offers_the_commands_of_the_place(running: Running) -> None:
    async with running() as driven:
        await driven.press("ctrl+p")
        await driven.type("capture its")
        await driven.until(lambda: "Capture its packets" in driven.text())
        await driven.press("escape")


async def test_leaving_is_asked_about(running: Running) -> None:
    async with running() as driven:
        await driven.press("q")
        await driven.until(lambda: "Leave ko-tui?" in driven.text())
        await driven.press("escape")
        await driven.until(lambda: "Leave ko-tui?" not in driven.text())
        await driven.press("q", "enter")
        await driven.until(lambda: driven.app.return_value == 0)


def test_ids_are_unique_and_no_key_of_tmux_screen_or_flow_control_is_taken() -> None:
    seen: dict[str, str] = {}
    taken = {"ctrl+a", "ctrl+b", "ctrl+s", "ctrl+q", "ctrl+z", "ctrl+j", "ctrl+o"}
    for place, command in every_command():
        known = seen.setdefault(command.id, command.summary)
        assert known == command.summary, (place, command.id)
        if command.id != "app.suspend":  # does what the terminal's own ctrl+z does
            assert not taken & {key.strip() for key in command.key.split(",")}, command.id


def test_keys_do_not_clash_within_a_place() -> None:
    by_place: dict[str, dict[str, str]] = {}
    for place, command in every_command():
        keys = by_place.setdefault(place, {})
        for key in filter(None, command.key.split(",")):
            assert keys.setdefault(key, command.id) == command.id, (place, key)


@pytest.mark.parametrize(
    ("typed", "wanted"), [("trace", "go.trace"), ("lf", "go.pipeline"), ("q", "app.quit"), ("zz", None)]
)
def test_colon_names(typed: str, wanted: str | None) -> None:
    found = by_colon(typed, EVERYWHERE)
    assert (found.id if found else None) == wanted


async def test_another_context_starts_every_place_anew() -> None:
    from ko_tui.app import KoTuiApp
    from tests.screens.conftest import Driven
    from tests.screens.recorded import open_recorded

    asked: list[str] = []

    def reopen(name: str):
        asked.append(name)
        return lambda: open_recorded(kind="snapshot")

    app = KoTuiApp(open_recorded, reopen=reopen)
    async with app.run_test(size=(80, 24)) as pilot:
        driven = Driven(app, pilot, [])
        await driven.until(lambda: getattr(app.screen, "taken_at", 0))
        app.screen.run_line("ctx staging")
        await driven.until(lambda: "saved cluster" in driven.text() and "endpoints" in driven.text())
        assert asked == ["staging"] and app.current_mode == "pods"

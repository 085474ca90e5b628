"""Keys that arrive in one piece, as over a slow connection, end up where they would have one by one."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from textual._xterm_parser import XTermParser

from ko_tui.screens.builder import BuilderScreen
from ko_tui.screens.pods import PodsScreen
from ko_tui.screens.trace import TraceScreen
from tests.screens.conftest import Driven
from tests.screens.recorded import CLIENT

Running = Callable[..., Any]


def burst(driven: Driven, text: str) -> None:
    """What the terminal's driver does with bytes that were read at once."""
    for message in XTermParser(debug=False).feed(text):
        driven.app.post_message(message)


async def builder(driven: Driven) -> BuilderScreen:
    await driven.press("3")
    await driven.until(lambda: isinstance(driven.app.screen, BuilderScreen))
    await driven.settled()
    screen: BuilderScreen = driven.app.screen
    return screen


@pytest.mark.parametrize(
    ("typed", "left"),
    [
        ("jw\x7f\x7f80", "80"),
        ("ab\x7fc\x7f\x7fd", "d"),
        ("abc\x1b[D\x1b[D\x7fx", "xbc"),
        ("abc\x15z", "z"),
        ("80", "80"),
    ],
)
async def test_editing_in_one_piece(running: Running, typed: str, left: str) -> None:
    async with running() as driven:
        screen = await builder(driven)
        field = screen.field("port")
        field.input.focus()
        await driven.until(lambda: driven.app.focused is field.input)
        burst(driven, typed)
        await driven.until(lambda: field.value == left, f"{left!r} in the field")


async def test_a_whole_form_in_one_piece(running: Running) -> None:
    async with running() as driven:
        screen = await builder(driven)
        burst(driven, "default/client\t10.96.0.10\t\x15udp\t53")
        await driven.until(
            lambda: (
                [screen.values()[n] for n in ("source", "destination", "protocol", "port")]
                == ["default/client", "10.96.0.10", "udp", "53"]
            ),
            "every word in its own field",
        )


async def test_a_command_and_the_keys_after_it(running: Running) -> None:
    """The line is obeyed, and what was typed after it goes to the place it led to."""
    async with running() as driven:
        await driven.settled()
        burst(driven, ":trace\rdefault/client")
        await driven.until(lambda: isinstance(driven.app.screen, BuilderScreen))
        await driven.until(lambda: driven.app.screen.field("source").value == "default/client")


async def test_modes_in_one_piece(running: Running) -> None:
    async with running() as driven:
        await driven.settled()
        burst(driven, "1452/client\r")
        await driven.until(
            lambda: isinstance(driven.app.screen, PodsScreen) and driven.app.screen.filter_text() == "client"
        )


async def test_what_is_typed_while_a_trace_runs_is_not_for_its_form(running: Running) -> None:
    async with running() as driven:
        await driven.settled()
        burst(driven, f":trace {CLIENT} 10.96.0.10:53 udp\rjjj")
        await driven.until(lambda: isinstance(driven.app.screen, TraceScreen))
        await driven.press("escape")
        await driven.until(lambda: isinstance(driven.app.screen, BuilderScreen))
        screen = driven.app.screen
        assert screen.values()["source"] == CLIENT
        assert driven.app.focused is not None, "and the cursor is back where it was"

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
    parser = XTermParser(debug=False)
    for message in (*parser.feed(text), *parser.feed("")):  # nothing more follows
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
        burst(driven, f"{CLIENT}\t10.96.0.10\t\x15udp\t53")
        await driven.until(
            lambda: (
                [screen.values()[n] for n in ("source", "destination", "protocol", "port")]
                == [CLIENT, "10.96.0.10", "udp", "53"]
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


@pytest.mark.parametrize(
    ("typed", "mode"),
    [("\x1b2", "pods"), ("\x1b\x1b4", "pipeline"), ("\x1b:status\r", "status"), ("\x1b1", "status")],
)
async def test_escape_and_what_follows_at_once_are_two_keys(running: Running, typed: str, mode: str) -> None:
    """So tmux hands on what is typed within half a second after Esc."""
    async with running() as driven:
        await builder(driven)  # its field has the focus: a digit without the Esc would end up in it
        burst(driven, typed)
        await driven.until(lambda: driven.app.current_mode == mode)


@pytest.mark.parametrize("letter", "jbfeR")
async def test_escape_and_a_letter_at_once(running: Running, letter: str) -> None:
    async with running() as driven:
        pressed: list[str] = []
        given = driven.app.key_order.take

        async def take(event: Any) -> None:
            pressed.append(event.key)
            await given(event)

        driven.app.key_order.take = take
        burst(driven, f"\x1b{letter}")
        await driven.until(lambda: pressed == ["escape", letter], f"Esc and {letter}")


async def test_alt_is_alt_where_it_is_bound_and_in_a_field(running: Running) -> None:
    async with running() as driven:
        screen = await builder(driven)
        burst(driven, "\x1be")
        await driven.sees("Traced by")
        field = screen.field("source")
        burst(driven, "one two\x1bbX")
        await driven.until(lambda: field.value == "one Xtwo", "a word back")

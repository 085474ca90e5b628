"""The first screen comes before the cluster's side is imported, is styled once, and loses no early key."""

from __future__ import annotations

import gc
import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from textual._xterm_parser import XTermParser
from textual.css.stylesheet import Stylesheet

from ko_tui.app import KoTuiApp
from ko_tui.config import Settings
from ko_tui.screens.pods import PodsScreen
from ko_tui.widgets.prompt import PromptLine
from tests.screens.conftest import Driven
from tests.screens.recorded import open_recorded

Running = Callable[..., Any]

FIRST_PAINT = """
import asyncio, json, sys
from ko_tui.app import KoTuiApp

class Watched(KoTuiApp):
    def on_ready(self):
        print(json.dumps(sorted(sys.modules)), file=sys.__stdout__)
        self.exit(0)

async def start():
    app = Watched(lambda: None)
    await app.run_async(headless=True, size=(80, 24))

asyncio.run(start())
"""


def test_nothing_of_the_cluster_is_imported_before_the_first_paint(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-c", FIRST_PAINT],
        capture_output=True,
        text=True,
        timeout=60,
        env={**os.environ, "XDG_CONFIG_HOME": str(tmp_path), "KO_TUI_STATE": str(tmp_path)},
    )
    imported = set(json.loads(done.stdout.splitlines()[0]))
    assert "ko_tui.screens.pods" in imported
    late = ("kubernetes", "urllib3", "msgspec", "ko_tui.backend.session", "ko_tui.backend.source")
    later = {*late, "ko_tui.widgets.prompt_input", "ko_tui.screens.builder", "tomllib", "pygments"}
    assert not later & imported


@pytest.mark.parametrize("theme", ["ko-night", "ko-day", "ansi", "nord"])
async def test_style_sheets_are_read_once(
    theme: str, running: Running, monkeypatch: pytest.MonkeyPatch
) -> None:
    again: list[Stylesheet] = []
    monkeypatch.setattr(Stylesheet, "reparse", lambda sheet: again.append(sheet))
    async with running(settings=Settings(theme=theme)) as driven:
        assert again == []
        assert driven.app.theme == {"ansi": "ansi-dark"}.get(theme, theme)
        name = f"-theme-{driven.app.theme}"
        assert [c for c in driven.app.classes if c.startswith("-theme-")] == [name]
        assert driven.app.has_class("-light-mode") == (theme == "ko-day")
        wanted = driven.app.current_theme.background
        if wanted and not wanted.startswith("ansi"):
            assert driven.app.screen.styles.background.hex.lower() == wanted.lower()
        await driven.press("1")
        await driven.until(lambda: driven.app.current_mode == "status")
        assert again == []


@pytest.mark.parametrize(("width", "name"), [(80, "-narrow"), (160, "-wide")])
async def test_the_first_layout_is_the_one_of_the_width(width: int, name: str, running: Running) -> None:
    async with running(size=(width, 40)) as driven:
        assert driven.app.screen.has_class(name)
        other = {"-narrow": "-wide", "-wide": "-narrow"}[name]
        assert not driven.app.screen.has_class(other)
        await driven.pilot.resize_terminal(240 - width, 40)
        await driven.until(
            lambda: driven.app.screen.has_class(other) and not driven.app.screen.has_class(name)
        )


async def test_memory_is_looked_after_from_the_first_paint_on(running: Running) -> None:
    gc.disable()
    try:
        async with running():
            assert gc.isenabled()
    finally:
        gc.enable()
        gc.unfreeze()


class EarlyKeys(KoTuiApp):
    """Keys are pressed before there is a screen."""

    early = ""

    async def on_load(self) -> None:
        for message in XTermParser(debug=False).feed(self.early):
            self.post_message(message)


@pytest.mark.parametrize("early", ["/client", ":pods client", "jj/cl\x7f\x7fclient"])
async def test_keys_pressed_before_the_first_paint_are_not_lost(early: str) -> None:
    app = EarlyKeys(open_recorded)
    app.early = early
    async with app.run_test(size=(80, 24)) as pilot:
        driven = Driven(app, pilot, [])
        screen = app.screen
        assert isinstance(screen, PodsScreen)
        prompt = screen.query_one(PromptLine)
        sign = "/" if "/" in early else ":"
        await driven.until(lambda: prompt.sign == sign, f"a prompt with {sign}")
        typed = early.replace("l\x7f", "").replace("c\x7f", "").rpartition(sign)[2]
        await driven.until(lambda: prompt.field.value == typed, f"{typed!r} behind {sign}")

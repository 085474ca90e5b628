"""Copying and history: what was done is told, and files are the person's own."""

from __future__ import annotations

import base64
from pathlib import Path

import pytest

from ko_tui.clipboard import OSC52_MOST, copy, osc52
from ko_tui.config import Settings
from ko_tui.history import History, Walk
from tests.screens.conftest import Running


def test_the_terminal_is_asked_and_a_file_is_written(tmp_path: Path) -> None:
    done = copy("10.16.0.5\n", "auto", {})
    assert base64.b64decode(done.sequence.removeprefix("\x1b]52;c;").removesuffix("\x07")) == b"10.16.0.5\n"
    assert (tmp_path / "state" / "clip.txt").read_text() == "10.16.0.5\n"
    assert (tmp_path / "state" / "clip.txt").stat().st_mode & 0o077 == 0
    assert "OSC 52" in done.words and "clip.txt" in done.words


def test_multiplexers_get_it_wrapped() -> None:
    wrapped = osc52("x", {"TMUX": "/somewhere,1,0"})
    assert wrapped.endswith("\x1b\\") and "\x1bPtmux;\x1b\x1b]52;c;" in wrapped
    assert osc52("x", {"STY": "1.pts"}).startswith("\x1bP\x1b]52;")


def test_too_much_goes_to_the_file_alone() -> None:
    done = copy("y" * (OSC52_MOST + 1), "auto", {})
    assert done.sequence == "" and "too many" in done.words


def test_history_keeps_names_and_forgets_the_oldest(tmp_path: Path) -> None:
    history = History("x", most=2, directory=tmp_path)
    history.add("first", name="kept")
    for line in ("a", "b", "c", "first"):
        history.add(line)
    again = History("x", most=2, directory=tmp_path)
    assert again.lines() == ["b", "c", "first"] or again.lines() == ["c", "first"]
    assert again.entries()[-1]["name"] == "kept"
    assert (tmp_path / "x.jsonl").stat().st_mode & 0o077 == 0


def test_a_broken_history_file_is_no_error(tmp_path: Path) -> None:
    (tmp_path / "x.jsonl").write_text('{"line": "good"}\nnonsense\n{"no": 1}\n')
    assert History("x", directory=tmp_path).lines() == ["good"]


def test_walking_comes_back_to_what_was_typed() -> None:
    walk = Walk(["trace a b", "pods x", "trace c d"], "trace")
    assert [walk.older(), walk.older(), walk.older()] == ["trace c d", "trace a b", "trace a b"]
    assert [walk.newer(), walk.newer()] == ["trace c d", "trace"]


async def test_y_tells_what_it_did(running: Running) -> None:
    async with running() as driven:
        await driven.press("y")
        await driven.until(lambda: "by OSC 52; also in" in driven.text())


async def test_keys_can_be_changed_and_help_shows_the_new_one(running: Running) -> None:
    async with running((100, 40), settings=Settings(keys={"pods.capture": "K"})) as driven:
        assert " K capture" in driven.text()
        await driven.press("K")
        await driven.until(lambda: driven.app.current_mode == "capture")


@pytest.mark.parametrize("theme", ["ansi", "ko-day", "ko-night"])
async def test_themes_are_chosen_by_name(running: Running, theme: str) -> None:
    async with running() as driven:
        driven.app.screen.run_line(f"theme {theme}")
        await driven.until(lambda: f"The theme is {theme}" in driven.text())
        driven.app.screen.run_line("theme nowhere")
        await driven.until(lambda: "no theme" in driven.text())

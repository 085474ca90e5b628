"""What every place looks like on the bundled cluster, compared with pictures that somebody has looked at.

The pictures are in __snapshots__/test_snapshots/. After a wanted change of a screen make them anew, look at the ones
that git shows as changed, and commit them with the change:

    .venv/bin/python -m pytest tests/screens/test_snapshots.py --snapshot-update
"""

from __future__ import annotations

import asyncio
import difflib
import re
import time
from html import unescape
from pathlib import Path
from typing import Any

import pytest
from pytest_textual_snapshot import SVGImageExtension, normalize_svg
from syrupy.assertion import SnapshotAssertion
from textual.widgets import Input

from ko_tui.commands import PLACES
from ko_tui.screens.place import PlaceScreen
from ko_tui.widgets.bars import age_words
from tests.screens.conftest import Driven, Running, open_demo

SIZES = [(80, 24), (120, 40), (160, 48)]
MOST_BYTES = 3_000_000
PATIENCE = 6.0  # seconds
PICTURES = Path(__file__).parent / "__snapshots__"
# A terminal's fonts are its own; without their addresses a picture needs nothing from elsewhere.
_ELSEWHERE = re.compile(r"\s*@font-face \{.*?\}|<!-- Generated .*? -->\s*", re.DOTALL)


@pytest.fixture(autouse=True)
def no_clock(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever was had is new, however slow the machine is."""
    monkeypatch.setattr("ko_tui.screens.place.age_words", lambda taken_at: age_words(taken_at, taken_at))


def text_of(svg: str) -> list[str]:
    """The screen's text in a picture, line by line."""
    lines: dict[float, list[str]] = {}
    for y, text in re.findall(r'<text class=[^>]* y="([\d.]+)"[^>]*>(.*?)</text>', svg):
        lines.setdefault(float(y), []).append(unescape(text).replace("\xa0", " "))
    return ["".join(lines[y]) for y in sorted(lines)]


class Pictures:
    """Takes pictures of a running program and remembers those that differ from the accepted ones."""

    def __init__(self, driven: Driven, accepted: SnapshotAssertion) -> None:
        self.driven = driven
        self.accepted = accepted.use_extension(SVGImageExtension)
        self.differ: list[str] = []

    async def take(self, name: str, *words: str) -> None:
        """Wait until nothing is asked and all ``words`` are on the screen, then compare."""
        await self.driven.settled()
        await self.driven.until(lambda: all(w in self.driven.text() for w in words), f"{name}: {words}")
        for field in self.driven.app.screen.query(Input):
            field.cursor_blink = False
            field._cursor_visible = True
        picture = await self._at_rest(name)
        if self.accepted(name=name) != picture:
            self.differ.append(name)
            self._tell(name, picture)

    def _tell(self, name: str, picture: str) -> None:
        """The lines of text that differ, for whoever reads the output of the tests."""
        size = f"[{self.driven.app.size.width}x"
        for accepted in (text_of(file.read_text()) for file in self._files(name) if size in file.name):
            print(f"{name}:", *difflib.unified_diff(accepted, text_of(picture), n=0, lineterm=""), sep="\n")

    async def _at_rest(self, name: str) -> str:
        """The picture, once it is the accepted one; what it is after some seconds when it never is."""
        wanted = {file.read_text() for file in self._files(name)}
        ends = time.monotonic() + PATIENCE
        while True:
            await self.driven.handled()
            picture = normalize_svg(_ELSEWHERE.sub("", self.driven.app.export_screenshot(title="ko-tui")))
            if picture in wanted or time.monotonic() > ends:
                return picture
            await asyncio.sleep(0.01)  # answers come from other threads

    def _files(self, name: str) -> list[Path]:
        return list(PICTURES.rglob(f"*[[]{name}].svg"))


async def place(driven: Driven, key: str, mode: str) -> PlaceScreen:
    await driven.press("escape", f"f{key}")
    await driven.until(lambda: driven.app.current_mode == mode and driven.app.screen.is_mounted)
    screen: Any = driven.app.screen
    if mode != "console" and mode != "operations":
        await driven.until(lambda: screen.taken_at, f"the first answer in {mode}")
    return screen  # type: ignore[no-any-return]


async def every_place(pictures: Pictures) -> None:
    for one in PLACES:
        await place(pictures.driven, one.key, one.mode)
        await pictures.take(one.mode)


async def deeper(pictures: Pictures) -> None:
    """What is behind the places: a trace and why it was dropped, tables and flows, help, palette, a refusal."""
    driven = pictures.driven
    driven.app.screen.run_line("trace default/client svc/kube-system/kube-dns udp 53")
    await driven.until(lambda: type(driven.app.screen).__name__ == "TraceScreen", "a result")
    await pictures.take("trace-result", "Delivered", "44 stages")
    driven.app.screen.run_line("trace default/server prod/api-6b9f7 tcp 80")
    await driven.until(lambda: "Dropped" in driven.text() or "DROPPED" in driven.text(), "a drop")
    await pictures.take("trace-dropped", " stages ")
    await driven.press("w")
    await pictures.take("why-not", "why not", " lines ")
    driven.app.screen.run_line("lflow ovn-default")
    await driven.until(lambda: type(driven.app.screen).__name__ == "StagesScreen", "tables")
    await pictures.take("pipeline-tables", "tables,")
    driven.app.screen.run_line("lflow ovn-default ls_in_lb")
    await driven.until(lambda: type(driven.app.screen).__name__ == "FlowsScreen", "flows")
    await pictures.take("pipeline-flows", "flows ")
    await driven.press("question_mark")
    await pictures.take("help", "help", " lines ")
    await driven.press("escape", "f8")
    await driven.until(lambda: driven.app.current_mode == "operations")
    await driven.sees("WHAT IT DOES")  # else the window stands before an empty place
    driven.app.screen.run_line("operations reload")
    await driven.until(lambda: "read-only" in driven.text() and "Next:" in driven.text(), "a refusal")
    await pictures.take("refusal", "--allow-write")


@pytest.mark.parametrize("size", SIZES, ids=lambda s: f"{s[0]}x{s[1]}")
async def test_looks(running: Running, snapshot: SnapshotAssertion, size: tuple[int, int]) -> None:
    async with running(size, open_session=open_demo) as driven:
        pictures = Pictures(driven, snapshot)
        await every_place(pictures)
        if size != (120, 40):
            await deeper(pictures)
        assert not pictures.differ, f"look at them, then --snapshot-update: {', '.join(pictures.differ)}"


async def test_looks_without_colours(
    running: Running, snapshot: SnapshotAssertion, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("NO_COLOR", "1")
    async with running((80, 24), open_session=open_demo) as driven:
        pictures = Pictures(driven, snapshot)
        await every_place(pictures)
        assert colours(driven) == {"default"}, "the terminal's own, which can be read on any ground"
        assert not pictures.differ, f"look at them, then --snapshot-update: {', '.join(pictures.differ)}"


def colours(driven: Driven) -> set[str]:
    """The kinds of colour on the screen: default, standard (the terminal's 16), truecolor."""
    strips = driven.app.screen._compositor.render_strips()
    styles = [segment.style for strip in strips for segment in strip if segment.style is not None]
    return {c.type.name.lower() for s in styles for c in (s.color, s.bgcolor) if c is not None}


async def test_a_poor_terminal_gets_only_its_own_sixteen_colours(
    running: Running, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TERM", "linux")
    monkeypatch.delenv("COLORTERM", raising=False)
    async with running((80, 24), open_session=open_demo) as driven:
        for one in PLACES:
            await place(driven, one.key, one.mode)
            await driven.settled()
            assert colours(driven) <= {"default", "standard"}, one.mode


def accepted() -> list[Path]:
    return sorted(PICTURES.rglob("*.svg"))


def test_the_pictures_name_no_machine_and_stay_small() -> None:
    pictures = accepted()
    assert len(pictures) >= 4 * len(PLACES)
    assert sum(p.stat().st_size for p in pictures) < MOST_BYTES
    for picture in pictures:
        text = picture.read_text(encoding="utf-8")
        for part in ("/work", "/tmp", "/home", "/root", "https://"):
            assert part not in text, (picture.name, part)

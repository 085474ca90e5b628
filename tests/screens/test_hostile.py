"""Hostile text and small terminals: nothing is obeyed, nothing breaks, nothing is lost off the edge."""

from __future__ import annotations

import pytest
from rich.cells import cell_len

from ko_tui.commands import PLACES
from ko_tui.config import BadConfig, documented, settings_of, theme_of
from ko_tui.visible import one_line
from ko_tui.widgets.glyphs import ASCII, UNICODE, use_glyphs
from ko_tui.widgets.highlight import highlight
from ko_tui.widgets.line_table import cut
from ko_tui.widgets.patterns import read_filter
from ko_tui.widgets.tones import content, plain
from ko_tui.widgets.topology import picture
from tests.screens.conftest import Running

HOSTILE = [
    "[/foo]",
    "[red]x[/red]",
    "[@click=app.quit]x",
    "a\x1b[31mb\x07",
    "x" * 300,
    "数据库-服务",
    "שלום‮abc",
    "\u200bz",
    "a\tb\nc",
]


@pytest.mark.parametrize("size", [(60, 15), (80, 24), (160, 48)])
async def test_every_place_keeps_within_the_terminal(running: Running, size: tuple[int, int]) -> None:
    async with running(size) as driven:
        for place in PLACES:
            await driven.press("escape", f"f{place.key}")
            await driven.until(lambda mode=place.mode: driven.app.current_mode == mode)
            await driven.settled()
            for widget in driven.app.screen.query("ModeBar, CrumbBar, KeyBar, LineView, Field, PromptLine"):
                if widget.display and widget.region.area:
                    assert driven.app.screen.region.contains_region(widget.region), (place.mode, widget)
            shown = driven.text().splitlines()
            assert len(shown) <= size[1]
            assert all(cell_len(line) <= size[0] for line in shown)


async def test_names_from_the_cluster_are_shown_and_not_obeyed(running: Running) -> None:
    async with running((120, 40)) as driven:
        screen = driven.app.screen
        screen.filter_changed("中文")
        await driven.settled()
        shown = driven.text()
        assert "[/foo]" in shown and "[red]\\x1b[31m" in shown
        assert "\x1b" not in shown
        await driven.press("enter")
        await driven.settled()
        await driven.sees("[/foo]/[red]\\x1b")
        await driven.press("T")
        await driven.until(lambda: driven.app.current_mode == "trace")
        assert "\x1b" not in driven.text()


@pytest.mark.parametrize("text", HOSTILE)
def test_text_stays_text(text: str) -> None:
    assert content([[(one_line(text), "bad")]]).plain == one_line(text)
    assert "".join(t for t, _ in highlight(text.replace("\n", " "), "flow")) == text.replace("\n", " ")
    for width in (1, 2, 7, 40):
        assert cell_len(cut(text.replace("\n", ""), width)) <= width
        assert cell_len(cut(text.replace("\n", ""), width, middle=True)) <= width


@pytest.mark.parametrize("width", [30, 60, 80, 200])
@pytest.mark.parametrize("boxes", [True, False])
def test_the_picture_fits_whatever_the_names_are(width: int, boxes: bool) -> None:
    from ko_tui.backend.explain.model import Hop

    hops = [
        Hop("port", HOSTILE[4]),
        Hop("switch", HOSTILE[0]),
        Hop("router", HOSTILE[3]),
        Hop("drop", "", HOSTILE[1]),
    ]
    for line in picture(hops, width, boxes=boxes)[:3]:
        assert cell_len(plain(line)) <= width
        assert "\x1b" not in plain(line)


@pytest.mark.parametrize(
    ("typed", "kept"),
    [
        ("web", [0, 2]),
        ("!web", [1]),
        ("^web", [0]),
        ("WEB", []),
        ("web|db", [0, 1, 2]),
        ("([", []),
        ("", [0, 1, 2]),
    ],
)
def test_filters(typed: str, kept: list[int]) -> None:
    assert read_filter(typed).keep(["web-0 10.0.0.1", "db 10.0.0.2", "my web"]) == kept


def test_a_wrong_expression_is_taken_as_text_and_said() -> None:
    assert read_filter("([").problem
    assert read_filter("([").keep(["a ([ b", "c"]) == [0]


def test_signs_follow_the_terminal() -> None:
    try:
        assert use_glyphs("auto", {"TERM": "linux", "LANG": "en_US.UTF-8"}) is ASCII
        assert use_glyphs("auto", {"TERM": "xterm", "LANG": "C"}) is ASCII
        assert use_glyphs("auto", {"TERM": "xterm", "LC_ALL": "C.UTF-8"}) is UNICODE
    finally:
        use_glyphs("unicode")
    assert all(getattr(ASCII, name).isascii() for name in ASCII.__slots__)


def test_few_colours_and_no_color_mean_the_terminals_own() -> None:
    assert theme_of("auto", {"TERM": "linux"}) == "ansi-dark"
    assert theme_of("ko-night", {"TERM": "xterm-256color", "NO_COLOR": "1"}) == "ansi-dark"
    assert theme_of("auto", {"TERM": "xterm-256color"}) == "ko-night"


def test_every_setting_is_documented_and_its_documentation_is_a_valid_file() -> None:
    import tomllib

    settings_of(tomllib.loads(documented()), "printed")
    for values, words in (
        ({"themee": "x"}, "themee"),
        ({"mouse": "yes"}, "true or false"),
        ({"start": "moon"}, "moon"),
    ):
        with pytest.raises(BadConfig) as caught:
            settings_of(values, "here.toml")
        assert words in str(caught.value) and "here.toml" in str(caught.value)

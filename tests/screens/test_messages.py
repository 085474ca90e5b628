"""What is told at the foot and in the banner: whole words, and no more room than they need."""

from __future__ import annotations

from datetime import datetime

import pytest

from ko_tui.backend.source.interface import ApiUnavailable
from ko_tui.commands import PLACES
from ko_tui.config import Settings
from ko_tui.screens.trace import TraceScreen
from ko_tui.widgets.bars import age_words
from tests.screens.conftest import Running, open_demo


@pytest.mark.parametrize("width", [60, 80])
async def test_a_long_message_is_read_whole_and_gives_its_room_back(running: Running, width: int) -> None:
    async with running((width, 24)) as driven:
        words = "exists already, name another with :save FILE: " + "/".join(
            f"directory-{n}" for n in range(5)
        )
        height = driven.app.screen.table.size.height
        driven.app.screen.tell(words, "bad")
        await driven.until(lambda: "directory-4" in driven.text(), "the end of the message")
        assert words.replace(" ", "") in driven.text().replace("\n", "").replace(" ", "")
        assert driven.text().splitlines()[-1].lstrip().startswith("enter details")
        driven.app.screen.tell("short")
        await driven.until(lambda: driven.app.screen.table.size.height == height, "room for the list")
        driven.app.screen.tell("word " * 200)
        await driven.until(lambda: driven.app.screen.table.size.height == height - 2, "three lines at most")
        await driven.press("slash")
        await driven.until(lambda: driven.app.screen.table.size.height == height, "one line to type in")


async def test_what_is_wrong_stands_whole_above_what_is_there(running: Running) -> None:
    async with running() as driven:
        driven.app.screen.show_trouble(
            ApiUnavailable(
                "https://10.20.30.40:6443 did not answer in time.", "Check the network and the VPN."
            )
        )
        await driven.sees("did not answer in time", "Check the network and the VPN.", "coredns")


@pytest.mark.parametrize("width", [60, 80, 120])
async def test_help_is_named_in_every_place(running: Running, width: int) -> None:
    async with running((width, 24), open_session=open_demo) as driven:
        for place in PLACES:
            await driven.press("escape", f"f{place.key}", "escape")
            await driven.until(lambda mode=place.mode: driven.app.current_mode == mode)
            await driven.until(lambda: "? help" in driven.text().splitlines()[-1], f"help in {place.mode}")
        driven.app.screen.run_line("trace default/client svc/kube-system/kube-dns udp 53")
        await driven.until(lambda: isinstance(driven.app.screen, TraceScreen))
        await driven.until(lambda: "? help" in driven.text().splitlines()[-1], "help at the result")
        assert driven.text().splitlines()[-1].lstrip().startswith("enter")


async def test_a_filter_that_is_not_understood_says_so_while_it_is_typed(running: Running) -> None:
    async with running() as driven:
        await driven.press("slash", "[")
        await driven.sees("unterminated character set", "taken as plain text")
        await driven.press("a", "]")
        await driven.until(
            lambda: "taken as plain text" not in driven.text() and "enter keep" in driven.text()
        )


@pytest.mark.parametrize(
    ("line", "offered"),
    [
        ("lflow ovn-d", "lflow ovn-default"),
        ("flows worker2", "flows kube-ovn-worker2"),
        ("trace dns", "trace kube-system/coredns"),
        ("capture web-0", "capture default/web-0"),
    ],
)
async def test_names_are_completed_before_their_place_was_seen(
    running: Running, line: str, offered: str
) -> None:
    async with running(open_session=open_demo, settings=Settings(start="status")) as driven:
        await driven.press("colon")
        await driven.paste(line)
        await driven.sees(offered)


async def test_how_much_is_found_is_said_while_one_types(running: Running) -> None:
    async with running(open_session=open_demo) as driven:
        driven.app.screen.run_line("trace default/client svc/kube-system/kube-dns udp 53")
        await driven.until(lambda: isinstance(driven.app.screen, TraceScreen))
        await driven.press("slash")
        await driven.paste("zzz")
        await driven.until(lambda: "0 lines match" in driven.text().splitlines()[-1])
        await driven.press("ctrl+u")
        await driven.paste("ls_in_l2_lkup")
        await driven.until(lambda: "2 lines match" in driven.text().splitlines()[-1])


async def test_a_saved_cluster_is_as_old_as_its_file(
    running: Running, monkeypatch: pytest.MonkeyPatch
) -> None:
    saved = datetime.fromisoformat("2026-11-23T05:31:48Z").timestamp()
    for later, words in ((3 * 86400 + 60, "3 d ago"), (7300, "2 h ago")):
        monkeypatch.setattr("time.time", lambda now=saved + later: now)
        async with running((100, 30), open_session=open_demo) as driven:
            for key in ("2", "1", "4"):
                await driven.press("escape", key)
                await driven.sees(f"{words} ")
                assert words in driven.text().splitlines()[1]


@pytest.mark.parametrize(
    ("seconds", "words"),
    [(3, "now"), (59, "55 s ago"), (3599, "59 min ago"), (7200, "2 h ago"), (172800, "2 d ago")],
)
def test_ages(seconds: float, words: str) -> None:
    assert age_words(1000.0, 1000.0 + seconds) == words


async def test_a_filter_says_how_many_of_how_many(running: Running) -> None:
    async with running((100, 30), open_session=open_demo) as driven:
        for line, typed, words in (
            ("lflow", "router", "2 of 9 datapaths"),
            ("lflow ovn-cluster", "policy", "2 of 29 tables"),
            ("flows", "worker2", "1 of 3 nodes"),
            ("pods", "web-", "2 of 52"),
        ):
            driven.app.screen.run_line(line)
            await driven.sees(words.partition(" of ")[2])
            await driven.press("slash")
            await driven.paste(typed)
            await driven.sees(words)
            await driven.press("escape")
            await driven.until(lambda: " of " not in driven.text().splitlines()[1], "no filter any more")


async def test_a_text_that_is_cut_says_how_to_see_the_rest(running: Running) -> None:
    async with running(open_session=open_demo) as driven:
        driven.app.screen.run_line("trace default/client svc/kube-system/kube-dns udp 53")
        await driven.until(lambda: isinstance(driven.app.screen, TraceScreen))
        await driven.press("e")
        await driven.sees("h l sideways", "copy the line", "ovn-trace")
        before = driven.text()
        await driven.press("l")
        await driven.until(lambda: driven.text() != before, "the text has moved")
        await driven.press("escape", "question_mark")
        await driven.sees("Here")
        assert "sideways" not in driven.text()

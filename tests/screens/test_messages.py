"""What is told at the foot and in the banner: whole words, and no more room than they need."""

from __future__ import annotations

import pytest

from ko_tui.backend.source.interface import ApiUnavailable
from tests.screens.conftest import Running


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

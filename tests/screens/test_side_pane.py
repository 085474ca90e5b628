"""The words beside a list: scrolled by the keys of the list; and what is behind a line of the pods."""

from __future__ import annotations

import pytest

from ko_tui.backend.tracing.model import Endpoint
from ko_tui.screens.pods_behind import commands_behind
from ko_tui.screens.texts import TextScreen
from ko_tui.widgets.endpoint_detail import endpoint_lines
from ko_tui.widgets.side_pane import SidePane
from ko_tui.widgets.tones import plain
from tests.screens.conftest import Running, open_demo
from tests.screens.driving import drives
from tests.screens.recorded import CLIENT


async def test_vim_keys_scroll_the_details(running: Running) -> None:
    async with running((80, 24), open_session=open_demo) as driven:
        await driven.press("d", "tab")
        pane = driven.app.screen.query_one(SidePane)
        await driven.sees("scroll", "back to the list")
        await driven.until(lambda: pane.max_scroll_y > 5, "more than fits")
        await driven.settled()  # what still came would move the end
        for key, where in (("j", 1), ("j", 2), ("k", 1), ("g", 0)):
            await driven.press(key)
            await driven.until(lambda at=where: round(pane.scroll_y) == at, f"{key} to {where}")
        await driven.press("space")
        await driven.until(lambda: pane.scroll_y >= min(pane.max_scroll_y, pane.size.height - 1))
        for _ in range(200):  # details that still come move the end
            await driven.press("G")
            await driven.handled()
            if pane.scroll_y == pane.max_scroll_y:
                break
        assert pane.scroll_y == pane.max_scroll_y > 5
        await driven.press("question_mark")
        await driven.sees("Lists", "Half a page down")


@drives("app.raw", "app.exact")
@pytest.mark.parametrize("kind", ["Pod", "Node", "Service"])
async def test_the_object_of_a_line_is_shown_as_yaml(running: Running, kind: str) -> None:
    async with running((100, 40), open_session=open_demo) as driven:
        screen = driven.app.screen
        wanted = kind.lower()
        screen.table.move_to([e.kind for e in screen.table.shown()].index(wanted))
        name = screen.table.current.name
        await driven.press("R")
        await driven.until(lambda: isinstance(driven.app.screen, TextScreen))
        await driven.sees(f"kind: {kind}", f"name: {name}")
        await driven.press("escape", "e")
        await driven.sees("No command was run")  # a saved cluster was read


async def test_the_commands_behind_a_pod(running: Running) -> None:
    async with running() as driven:
        endpoint = next(e for e in driven.app.screen.table.rows if e.key == CLIENT)
    listed = commands_behind(endpoint)
    name = CLIENT.partition("/")[2]
    assert listed[0] == f"kubectl get pod -n default {name} -o yaml"
    assert any(f'name="{name}.default"' in line for line in listed)
    assert "kubectl get pods -A -o wide" in commands_behind(None)


def test_addresses_of_both_families_are_apart() -> None:
    endpoint = Endpoint(
        "pod", "a", "b", gateway="10.16.0.1,fd00::1", cidr="10.16.0.0/16,fd00::/112", lsp="a.b"
    )
    told = "\n".join(plain(line) for line in endpoint_lines(endpoint))
    assert "10.16.0.1, fd00::1" in told and "10.16.0.0/16, fd00::/112" in told

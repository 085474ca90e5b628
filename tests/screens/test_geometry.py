"""Sixty columns by fifteen lines are enough for every screen; hostile names stay text on all of them."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import pytest
from rich.cells import cell_len
from textual.events import Paste

from ko_tui.backend.errors import ClusterError
from ko_tui.backend.ovn.flows import FlowStore
from ko_tui.backend.session import Session, SessionOptions
from ko_tui.backend.source.interface import ApiUnavailable
from ko_tui.commands import PLACES
from ko_tui.config import Settings
from ko_tui.screens.dialogs import ErrorDialog, TypedConfirmation
from ko_tui.screens.flows import FlowsScreen
from ko_tui.screens.pipeline import StagesScreen
from ko_tui.screens.place import PlaceScreen
from ko_tui.screens.texts import TextScreen
from ko_tui.screens.trace import TraceScreen
from ko_tui.widgets.bars import CrumbBar, KeyBar
from ko_tui.widgets.prompt import PromptLine
from ko_tui.widgets.text_view import TextView
from ko_tui.widgets.tones import plain
from tests.screens.conftest import Driven, Running, open_demo
from tests.screens.recorded import NODES, Recorded, _pod, kube

SMALL = (60, 15)
NAMES = {
    "markup": "[/foo]",
    "colour": "[red]x[/red]",
    "click": "[@click=app.quit]y",
    "escape": "a\x1b[31mb\x07\x9b2J",
    "long": "n" * 300,
    "chinese": "数据库-服务-数据库-服务-数据库-服务",
    "right to left": "שלום‮abc‏",
    "invisible": "\u200bz\u2066w",
    "lines": "a\tb\nc",
}
FORBIDDEN = "\x1b\x07\x9b\u202e\u200f\u2066\u200b"


def fits(driven: Driven, size: tuple[int, int], where: str) -> str:
    """Everything is within the terminal, the fixed lines are there; gives the screen."""
    screen = driven.app.screen
    shown = driven.text()
    lines = shown.split("\n")
    assert len(lines) <= size[1], where
    assert all(cell_len(line) <= size[0] for line in lines), where
    for widget in screen.walk_children():
        if widget.display and widget.region.area and widget.visible and widget.parent is screen:
            assert screen.region.contains_region(widget.region), (where, widget)
    if isinstance(screen, PlaceScreen):
        assert screen.query_one(CrumbBar).region.height == 1 and screen.query_one(KeyBar).region.height == 1
        assert "esc" in lines[-1] or "enter" in lines[-1] or "help" in lines[-1] or "find" in lines[-1], where
        for view in screen.query(TextView):
            if view.unfolded is not None:
                room = view.scrollable_content_region.width
                assert all(cell_len(text) <= room for text in view.texts), (where, "prose is cut")
    return shown


@pytest.mark.parametrize("age", ["now", "59 min ago", "47 h ago", "1234 d ago"])
async def test_where_one_is_outlasts_what_the_connection_is(
    running: Running, monkeypatch: pytest.MonkeyPatch, age: str
) -> None:
    monkeypatch.setattr("ko_tui.screens.place.age_words", lambda taken_at: age if taken_at else "")
    async with running((80, 24), open_session=open_demo) as driven:
        await driven.command("lflow ovn-default /acl")
        await driven.sees("demo.kosnap › ovn-default › all tables ", f"of 264 flows · {age}")
        fits(driven, (80, 24), age)
        bar = driven.app.screen.query_one(CrumbBar)
        bar.place(
            ["a" * 40, "Trace", "b" * 30],
            [("1 stage", ""), (age, "dim"), ("may write", "warn")],
            [("x" * 9, "")],
        )
        line = plain(bar.shown)
        assert cell_len(line) <= 80 and "aaa… › bbbb" in line and line.endswith(f"{age} · may write"), line
        bar.place(["a", "b" * 90], [("1 stage " * 7, ""), (age, "dim"), ("may write", "warn")])
        assert cell_len(plain(bar.shown)) <= 80 and plain(bar.shown).endswith("may write"), plain(bar.shown)


async def test_every_screen_fits(running: Running) -> None:
    size = SMALL
    async with running(size, open_session=open_demo) as driven:
        for one in PLACES:
            await driven.press("escape", f"f{one.key}")
            await driven.until(lambda mode=one.mode: driven.app.current_mode == mode)
            await driven.settled()
            assert one.title in fits(driven, size, one.mode).split("\n")[0]
            for key in ("question_mark", "colon", "slash"):
                await driven.press("escape", key)
                await driven.settled()
                fits(driven, size, f"{one.mode}, {key}")
                await driven.press("escape")
                await driven.until(lambda: len(driven.app.screen_stack) == 1)
        for line, wanted in (
            ("trace default/server prod/api-6b9f7 tcp 80", TraceScreen),
            ("lflow ovn-default", StagesScreen),
            ("lflow ovn-default ls_in_acl", FlowsScreen),
        ):
            await driven.press("escape")
            await driven.command(line)
            await driven.until(lambda kind=wanted: isinstance(driven.app.screen, kind))
            await driven.settled()
            fits(driven, size, line)
            for key in ("d", "w", "z", "e"):
                await driven.press(key)
                await driven.settled()
                fits(driven, size, f"{line}, {key}")
                while isinstance(driven.app.screen, TextScreen):
                    await driven.press("escape")


async def test_dialogs_fit_with_whatever_they_say(running: Running) -> None:
    async with running(SMALL, open_session=open_demo) as driven:
        for name in NAMES.values():
            told: list[Any] = [
                ErrorDialog(ClusterError(f"There is no {name}.", f"Look at {name}.")),
                TypedConfirmation([[(name, "strong")], [(name, "warn")]], name),
            ]
            for window in told:
                driven.app.push_screen(window)
                await driven.until(lambda w=window: driven.app.screen is w and w.is_mounted)
                shown = driven.text()
                assert not set(shown) & set(FORBIDDEN), ascii(name)
                assert all(cell_len(line) <= 60 for line in shown.split("\n"))
                await driven.press("escape")
                await driven.until(lambda w=window: driven.app.screen is not w)


class Hostile(Recorded):
    """A cluster whose every name was chosen by somebody who means no good."""

    def __init__(self) -> None:
        super().__init__()
        self.objects = {kind: list(items) for kind, items in self.objects.items()}
        for number, name in enumerate(NAMES.values()):
            mac, ip = f"00:00:00:00:01:{number:02x}", f"10.16.8.{number}"
            self.objects["pods"].append(_pod(name, name, mac, [ip], name, NODES[0]))
            self.objects["nodes"].append(
                kube(
                    metadata={"name": f"node{name}", "annotations": {}},
                    status={"addresses": [{"type": "InternalIP", "address": name}], "conditions": []},
                )
            )
            spec = {
                "clusterIP": ip,
                "clusterIPs": [ip],
                "ports": [{"name": name, "port": 80, "protocol": name}],
            }
            self.objects["services"].append(kube(metadata={"name": name, "namespace": name}, spec=spec))

    def answer(self, words: tuple[str, ...]) -> str:
        if "ovn-nbctl" in words:
            return "\n".join(NAMES.values())
        return super().answer(words)


@pytest.fixture
def hostile() -> tuple[Hostile, Callable[[], Session]]:
    source = Hostile()
    return source, lambda: Session(source, SessionOptions(namespace="kube-system"))  # type: ignore[arg-type]


@pytest.mark.parametrize("size", [SMALL, (120, 40)], ids=lambda s: f"{s[0]}x{s[1]}")
async def test_hostile_names_are_shown_and_not_obeyed(
    running: Running, hostile: tuple[Hostile, Callable[[], Session]], size: tuple[int, int]
) -> None:
    source, opened = hostile
    async with running(size, open_session=opened) as driven:

        def safe(where: str) -> str:
            shown = driven.text()
            assert not set(shown) & set(FORBIDDEN), where
            assert all(cell_len(line) <= size[0] for line in shown.split("\n")), where
            return shown

        few = NAMES if size == SMALL else {k: NAMES[k] for k in ("markup", "escape", "long")}
        for what, name in few.items():
            await driven.press("escape")
            wanted = re.escape(name[:40])
            driven.app.screen.run_line(f"pods {wanted}")
            await driven.until(lambda w=wanted: driven.app.screen.filter_text() == w)
            await driven.until(lambda: driven.app.screen.table.current is not None)
            safe(f"pods, {what}")
            await driven.press("d", "t")
            await driven.until(lambda: driven.app.current_mode == "trace")
            await driven.settled()
            safe(f"builder, {what}")
            await driven.press("escape", "colon")
            driven.app.post_message(Paste(f"trace {name[:5]}"))
            await driven.until(lambda: "trace" in driven.app.screen.query_one(PromptLine).field.value)
            safe(f"completion, {what}")
            await driven.press("escape", "2")
            await driven.until(lambda: driven.app.current_mode == "pods")
            driven.app.screen.tell(name, "warn")
            await driven.handled()
            safe(f"message, {what}")
        await driven.command("pods [/foo]")
        assert "[/foo]" in safe("pods, by name")
        await driven.command("console nbctl show")
        await driven.sees("[/foo]")
        safe("console")
        source.broken = ApiUnavailable("".join(NAMES.values()), NAMES["escape"])
        await driven.press("escape", "2", "r")
        await driven.sees("cannot be reached")
        safe("banner")


async def test_hostile_flows_are_shown_and_not_obeyed(running: Running) -> None:
    store = FlowStore()
    uuid = "d1d1d1d1-0000-4000-8000-000000000000"
    text = f'Datapath: "[/foo]" ({uuid})  Pipeline: ingress\n'
    for number, name in enumerate(NAMES.values()):
        name = name.replace("\n", "")
        text += (
            f"  uuid=0x{number:08x}, table=4 (ls_in_{name[:20]}), priority={number}    , "
            f'match=(inport == "{name}" && ip4.dst == {name}), action=(/* {name} */ next;)\n'
        )
    store.feed(text.encode())
    store.finish()
    async with running(SMALL, open_session=open_demo, settings=Settings(start="pipeline")) as driven:
        driven.app.push_screen(FlowsScreen("[/foo]", uuid, store))
        await driven.sees("9 flows")
        await driven.settled()
        rows = len(driven.app.screen.table.shown())
        assert rows >= len(NAMES) - 1, "what cannot be read is shown as it is"
        await driven.press("d")
        for _ in range(rows):
            await driven.press("j")
            shown = fits(driven, SMALL, "flows")
            assert not set(shown) & set(FORBIDDEN)
        assert "[/foo]" in driven.app.screen.query_one(CrumbBar).crumbs
        await driven.press("R")
        await driven.until(lambda: isinstance(driven.app.screen, TextScreen))
        assert not set(driven.text()) & set(FORBIDDEN)


async def test_a_plain_terminal_gets_plain_signs_everywhere(
    running: Running, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LANG", "C")
    monkeypatch.setenv("LC_ALL", "C")
    from ko_tui.widgets.glyphs import use_glyphs

    try:
        async with running(open_session=open_demo) as driven:
            for one in PLACES:
                await driven.press("escape", f"f{one.key}")
                await driven.until(lambda mode=one.mode: driven.app.current_mode == mode)
                await driven.settled()
                strange = {c for c in driven.text() if not c.isascii()}
                assert not strange, (one.mode, strange)
                assert driven.app.screen.query_one(PromptLine).region.height == 1
            driven.app.screen.run_line("trace default/client svc/kube-system/kube-dns udp 53")
            await driven.sees("Delivered to coredns", "Is the sender who it claims to be?")
            assert not {c for c in driven.text() if not c.isascii()}, driven.text()
    finally:
        use_glyphs("unicode")

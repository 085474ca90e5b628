"""Pods, Trace, OpenFlow, Status and Capture: every command given by its key or name, and what came of it."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from ko_tui.backend.session import SessionOptions, open_session
from ko_tui.config import Settings
from ko_tui.screens.asking import Answered
from ko_tui.screens.builder import BuilderScreen
from ko_tui.screens.openflow import NodeFlowsScreen
from ko_tui.screens.texts import TextScreen
from ko_tui.screens.trace import TraceScreen
from ko_tui.widgets.line_view import LineView
from ko_tui.widgets.stage_list import StageList
from tests.lab.running import RunningLab
from tests.screens.conftest import Driven, Running, open_demo
from tests.screens.driving import drives

DELIVERED = "trace default/client default/server tcp 80"


async def mode(driven: Driven, name: str) -> None:
    await driven.until(lambda: driven.app.current_mode == name and driven.app.screen.is_mounted)
    await driven.settled()


def answered(driven: Driven, topic: str) -> int:
    return len({id(m) for m in driven.heard(Answered) if m.topic == topic})


# -- Pods ---------------------------------------------------------------------------------------------------------


@drives("pods.details", "pods.pane", "list.choose", "app.back")
async def test_pods_details_open_get_the_focus_and_close(running: Running) -> None:
    async with running(open_session=open_demo) as driven:
        pane = driven.app.screen.query_one("#details")
        await driven.press("d")
        assert pane.display
        await driven.sees("10.16.0.10", "ovn-default")
        await driven.press("tab")
        assert driven.app.focused is pane
        await driven.press("tab")
        assert isinstance(driven.app.focused, LineView)
        await driven.press("escape")
        await driven.until(lambda: not pane.display)
        await driven.press("enter")
        assert pane.display and driven.heard(LineView.Chosen)


@drives("pods.trace-from", "pods.trace-to", "pods.capture")
async def test_pods_trace_and_capture_take_the_pod_along(running: Running) -> None:
    async with running(open_session=open_demo) as driven:
        for key, place, field in (
            ("t", "trace", "source"),
            ("T", "trace", "destination"),
            ("c", "capture", "endpoint"),
        ):
            await driven.press(key)
            await mode(driven, place)
            await driven.until(lambda f=field: driven.app.screen.field(f).value == "default/client")
            await driven.press("escape", "2")
            await mode(driven, "pods")


# -- Trace --------------------------------------------------------------------------------------------------------


@drives("builder.more", "builder.swap", "builder.clear", "builder.field", "builder.run", "app.back")
async def test_the_builder_by_its_keys(running: Running) -> None:
    async with running(open_session=open_demo, settings=Settings(start="trace"), size=(120, 40)) as driven:
        screen = driven.app.screen
        assert isinstance(screen, BuilderScreen)
        more = screen.query_one("#more-fields")
        await driven.press("f9")
        assert more.display
        await driven.press("f9")
        assert not more.display
        screen.field("source").value = "default/client"
        screen.field("destination").value = "default/server"
        await driven.press("f10")
        assert (screen.field("source").value, screen.field("destination").value) == (
            "default/server",
            "default/client",
        )
        await driven.press("f12")
        assert screen.field("source").value == "" and screen.field("destination").value == ""
        await driven.press("escape")
        await driven.press("i")
        assert driven.app.focused is screen.field("source").input
        screen.query_one("#packet").focus()
        await driven.press("enter")
        await driven.sees("From: nothing is named yet")
        assert driven.app.focused is screen.field("source").input


async def traced(running_driven: Driven, line: str = DELIVERED) -> TraceScreen:
    await running_driven.command(line)
    await running_driven.until(lambda: isinstance(running_driven.app.screen, TraceScreen))
    await running_driven.settled()
    screen = running_driven.app.screen
    assert isinstance(screen, TraceScreen)
    return screen


@drives("trace.pane", "trace.zoom", "trace.picture", "trace.filter", "stages.only-changes", "stages.only-drops",
        "stages.unfold", "trace.name", "trace.export")  # fmt: skip
async def test_a_result_by_its_keys(running: Running, tmp_path: Path) -> None:
    async with running((120, 40), open_session=open_demo) as driven:
        screen = await traced(driven)
        pane, stages = screen.query_one("#explanation"), screen.query_one(StageList)
        await driven.press("tab")
        assert driven.app.focused is pane
        await driven.press("tab")
        assert driven.app.focused is stages
        await driven.press("z")
        assert pane.display != stages.display
        await driven.press("z")
        assert pane.display and stages.display
        with_picture = driven.text()
        await driven.press("p")
        assert "┌" in with_picture and "┌" not in driven.text()
        await driven.press("p")
        rows = len(stages.rows)
        for key, words in (("x", "only changes"), ("D", "only ends")):
            await driven.press(key)
            await driven.sees(words)
            assert len(stages.rows) < rows
            await driven.press(key)
            assert len(stages.rows) == rows
        await driven.press("v")
        assert stages.open_quiet and len(stages.rows) >= rows
        await driven.press("slash")
        await driven.paste("ls_in_acl")
        await driven.press("enter")
        await driven.until(lambda: stages.current is not None and "ls_in_acl" in stages.current.stage.name)
        await driven.command("name the first")
        await driven.sees("Kept as 'the first'")
        await driven.command(f"export {tmp_path}/way.md")
        await driven.sees("Saved to")
        assert "server" in (tmp_path / "way.md").read_text()
        for form in ("txt", "html"):
            await driven.command(f"export {tmp_path}/way.{form}")
            await driven.sees(f"way.{form}")
            written = (tmp_path / f"way.{form}").read_text()
            assert re.search(r"Traced 20\d\d-.* UTC, cluster demo.kosnap, by local, OVN \d", written)
            assert "DELIVERED: Delivered" not in written and "DROPPED: Dropped" not in written
        (tmp_path / "closed").write_text("")
        await driven.command(f"save {tmp_path}/closed/x.txt")
        await driven.sees("cannot be written")


@drives("trace.reply", "trace.again", "trace.edit", "trace.jump", "app.exact", "app.raw")
async def test_a_result_leads_on(running: Running) -> None:
    async with running((120, 40), open_session=open_demo) as driven:
        first = await traced(driven)
        await driven.press("a")
        await driven.sees("Traced again.")
        await driven.press("e")
        await driven.until(lambda: isinstance(driven.app.screen, TextScreen))
        await driven.sees("ovn-trace")
        await driven.press("escape", "R")
        await driven.sees("raw", 'ingress(dp="ovn-default"')
        await driven.press("escape")
        await driven.until(lambda: driven.app.screen is first)
        before = answered(driven, "trace")
        await driven.press("b")
        await driven.until(lambda: answered(driven, "trace") > before or len(driven.app.screen_stack) > 2)
        await driven.until(lambda: driven.app.screen is not first)
        await driven.sees("reply")
        await driven.press("E")
        await driven.until(lambda: isinstance(driven.app.screen, BuilderScreen))
        builder = driven.app.screen
        assert builder.field("destination").value
        await driven.until(lambda: driven.app.focused is builder.field("port").input, "where one types next")
        await driven.press("escape")
        await traced(driven)
        await driven.press("o")
        await driven.until(lambda: driven.app.current_mode != "trace")


# -- OpenFlow, Status, Capture ------------------------------------------------------------------------------------


@pytest.mark.lab
@drives("openflow.filter", "openflow.words", "openflow.details", "openflow.pane", "openflow.hot", "openflow.name",
        "app.raw")  # fmt: skip
async def test_the_flows_of_a_real_node_by_their_keys(running: Running, running_lab: RunningLab) -> None:
    options = SessionOptions(kubeconfig=str(running_lab.kubeconfig), context="admin")
    start = Settings(start="openflow")
    async with running((120, 40), open_session=lambda: open_session(options), settings=start) as driven:
        await driven.press("slash")
        await driven.paste("worker2")
        await driven.press("enter", "enter")
        await driven.until(lambda: isinstance(driven.app.screen, NodeFlowsScreen))
        await driven.until(lambda: driven.app.screen.taken_at and driven.app.screen.rates)
        screen = driven.app.screen
        known = [r for r in screen.rates if r.flow.cookie in screen.dump.by_cookie]
        assert known and all(screen._stage(r) == screen.dump.by_cookie[r.flow.cookie][0] for r in known)
        assert not any("/" in screen._stage(r) for r in known), "its own stage, not all that share the table"
        pane = screen.query_one("#explanation")
        shown = pane.display
        await driven.press("d")
        assert pane.display is not shown
        await driven.press("d")
        if not pane.display:
            await driven.press("d")
        await driven.press("tab")
        assert driven.app.focused is pane
        await driven.press("tab", "slash")
        await driven.paste("table=8 and priority>=50")
        await driven.press("enter")
        await driven.until(lambda: 0 < len(screen.table.rows) < len(screen.rates))
        assert {r.flow.table for r in screen.table.rows} == {8}
        await driven.press("H")
        assert screen.hot
        await driven.press("w")
        await driven.settled()
        await driven.press("slash")
        await driven.press("ctrl+u")
        await driven.paste("table=9 and metadata=7")
        await driven.press("enter")
        await driven.sees("ls_in_apply_port_sec: ", "Made from the logical flow")
        assert "lr_in_lookup_neighbor" not in driven.text(), "a switch's flow has a switch's purpose alone"
        await driven.press("slash")
        await driven.press("ctrl+u")
        await driven.paste("table=65 and output:")
        await driven.press("enter")
        await driven.sees("Made by ovn-controller from", "Port_Binding")
        await driven.press("w")
        await driven.sees("ovn-controller made it from Port_Binding ")
        await driven.press("R")
        await driven.sees("raw", "cookie=0x")


@drives("status.pause", "status.next-finding", "status.filter", "app.raw", "app.exact")
async def test_the_dashboard_by_its_keys(running: Running) -> None:
    async with running(open_session=open_demo, settings=Settings(start="status")) as driven:
        await driven.press("P")
        await driven.sees("paused")
        await driven.press("P")
        await driven.until(lambda: "paused" not in driven.text())
        await driven.press("f")
        await driven.sees("There are no findings.")
        await driven.press("slash")
        await driven.paste("ovn-central")
        await driven.press("enter")
        await driven.sees(" match")
        await driven.press("R")
        await driven.sees("raw", "{")
        await driven.press("escape", "e")
        await driven.sees("ko-tui status --json")


@drives("capture.start", "capture.fields", "capture.filter", "app.back")
async def test_capture_by_its_keys(running: Running) -> None:
    async with running(open_session=open_demo, settings=Settings(start="capture")) as driven:
        await driven.press("escape")
        assert isinstance(driven.app.focused, LineView)
        await driven.press("a")
        await driven.sees("Name a pod, VM or node first.")
        await driven.press("escape")
        await driven.press("i")
        assert driven.app.focused is driven.app.screen.field("endpoint").input
        await driven.press("escape", "slash")
        await driven.paste("headers")
        await driven.press("enter")
        await driven.sees(" match")

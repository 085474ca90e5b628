"""Pipeline: every command of its three screens, given by key or by name, on the saved cluster."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest

from ko_tui.config import Settings
from ko_tui.screens.asking import Answered
from ko_tui.screens.flows import FlowsScreen
from ko_tui.screens.pipeline import PipelineScreen, StagesScreen
from ko_tui.widgets.line_table import LineTable
from ko_tui.widgets.line_view import LineView
from tests.screens.conftest import Driven, Running, open_demo
from tests.screens.driving import drives


@asynccontextmanager
async def pipeline(
    running: Running, size: tuple[int, int] = (80, 24), line: str = "", screen: type[Any] = PipelineScreen
) -> AsyncIterator[Driven]:
    """The program on the pipeline browser, or further in by a ``:`` line."""
    async with running(size, open_session=open_demo, settings=Settings(start="pipeline")) as driven:
        if line:
            await driven.command(line)
            await driven.until(lambda: isinstance(driven.app.screen, screen) and driven.app.screen.taken_at)
            await driven.settled()
        yield driven


@drives("list.choose", "list.bottom", "app.back", "pipeline.filter")
async def test_from_the_datapaths_to_the_tables_and_the_flows(running: Running) -> None:
    async with pipeline(running) as driven:
        await driven.sees("9 datapaths, 1,259 flows", "Vpc ovn-cluster", "Subnet ovn-default")
        await driven.press("G")
        assert driven.heard(LineView.Moved)[-1].index == 8
        await driven.press("enter")
        await driven.sees("› vpc2", "lr_in_admission")
        assert driven.heard(LineView.Chosen)[-1].index == 8
        await driven.press("slash")
        await driven.paste("policy")
        await driven.press("enter")
        shown = await driven.sees("lr_in_policy")
        assert "lr_in_admission" not in shown
        assert driven.heard(LineTable.Filtered)
        await driven.press("enter")
        await driven.sees("› lr_in_policy", " 1 flow ")
        await driven.press("escape")
        await driven.until(lambda: isinstance(driven.app.screen, StagesScreen))
        assert driven.app.screen.table.filter.text == "policy", "its filter is kept"
        await driven.press("escape", "escape")
        await driven.until(lambda: isinstance(driven.app.screen, PipelineScreen))
        assert driven.app.screen.table.cursor == 8, "the line is kept"


@drives("stages.flows")
async def test_what_no_table_is_called_is_looked_for_in_all_flows(running: Running) -> None:
    async with pipeline(running, line="lflow ovn-default", screen=StagesScreen) as driven:
        await driven.press("slash")
        await driven.paste("ip4.dst=10.96.0.10")
        await driven.press("enter")
        await driven.sees("Nothing matches", "Enter looks for it in the flows of all")
        await driven.press("enter")
        await driven.until(lambda: isinstance(driven.app.screen, FlowsScreen) and driven.app.screen.taken_at)
        await driven.sees("› all tables", "STAGE", "ls_in_lb")
        found = driven.app.screen.table.shown()
        assert len(found) > 3 and len({f.stage for f in found}) > 1
        assert all("10.96.0.10" in f.match for f in found)
        await driven.press("escape", "escape")
        await driven.until(lambda: isinstance(driven.app.screen, StagesScreen))
        await driven.press("escape")
        await driven.sees("ls_in_check_port_sec")
        await driven.press("a")
        await driven.until(lambda: isinstance(driven.app.screen, FlowsScreen) and driven.app.screen.taken_at)
        await driven.sees("all tables", "264 flows")


async def test_stages_are_completed(running: Running) -> None:
    async with pipeline(running) as driven:
        await driven.press("colon")
        await driven.paste("lflow ovn-default lr_in_pol")
        await driven.sees("lr_in_policy")
        await driven.press("ctrl+u")
        await driven.paste("lflow ovn-default ls_in_acl_h")
        await driven.sees("ls_in_acl_hint")
        await driven.press("tab")
        await driven.press("enter")
        await driven.until(lambda: isinstance(driven.app.screen, FlowsScreen) and driven.app.screen.taken_at)
        assert driven.app.screen.stage.stage == "ls_in_acl_hint"
        await driven.press("colon")
        await driven.paste("lflow ovn-default l")
        shown = await driven.sees("ls_in_check_port_sec")
        assert "lr_in_policy" not in shown, "a switch that was opened has its own stages"


@drives("flows.details", "flows.pane", "flows.filter", "list.down")
async def test_a_flow_is_explained_beside_or_below_the_list(running: Running) -> None:
    async with pipeline(running, line="lflow ovn-default ls_in_acl", screen=FlowsScreen) as driven:
        pane = driven.app.screen.query_one("#explanation")
        assert not pane.display, "on a small screen only on request"
        await driven.press("d")
        await driven.sees("ACLs for packets sent by a port", "When")
        await driven.press("j")
        assert driven.heard(LineView.Moved)[-1].index == 1
        await driven.press("tab")
        assert driven.app.focused is pane
        await driven.press("escape")
        assert driven.app.focused is driven.app.screen.table and pane.display
        await driven.press("slash")
        await driven.paste("icmp6.type")
        await driven.press("enter")
        await driven.sees(" of 22 flows")
        await driven.press("slash")
        await driven.press("ctrl+u")
        await driven.paste("no such flow")
        await driven.press("enter")
        shown = await driven.sees("0 of 22 flows", "Nothing matches")
        assert "When" not in shown, "no flow, no explanation"
        await driven.press("F")
        await driven.sees("There is no flow under the cursor")


@drives("flows.filter")
async def test_flows_are_found_by_field_and_by_priority(running: Running) -> None:
    async with pipeline(running, line="lflow ovn-default ls_in_acl", screen=FlowsScreen) as driven:
        for typed, priorities in (("3005", {3005}), ("priority=65532", {65532}), ("!priority=0", None)):
            await driven.press("slash", "ctrl+u")
            await driven.paste(typed)
            await driven.press("enter")
            await driven.sees(" of 22 flows")
            found = {flow.priority for flow in driven.app.screen.table.shown()}
            assert (0 not in found and len(found) > 3) if priorities is None else found == priorities, typed


@drives("flows.filter")
async def test_flows_are_found_by_their_object(running: Running) -> None:
    async with pipeline(running, (160, 48), "lflow ovn-default ls_out_acl", FlowsScreen) as driven:
        await driven.sees("OBJECT", "NetworkPolicy prod/np1")
        await driven.press("slash")
        await driven.paste("NetworkPolicy prod")
        await driven.press("enter")
        await driven.sees("made from NetworkPolicy prod/np1")
        found = driven.app.screen.table.shown()
        assert found and all(driven.app.screen.owners[f.uuid].owner.name == "np1" for f in found)


async def test_flows_of_a_load_balancer_name_their_service(running: Running) -> None:
    async with pipeline(running, (160, 48), "lflow ovn-default ls_in_lb", FlowsScreen) as driven:
        await driven.sees("Service kube-system/kube-dns")
        await driven.press("slash")
        await driven.paste("kube-dns")
        await driven.press("enter")
        await driven.sees(" of 12 flows")
        assert all("10.96.0.10" in f.match or "ip6" in f.match for f in driven.app.screen.table.shown())
        await driven.sees("Load_Balancer cluster-", "made from Service kube-system/kube-dns")
        await driven.press("K")
        await driven.until(
            lambda: driven.text().splitlines()[-2].strip().startswith("Service kube-system/kube-dns")
        )
        await driven.press("Y")
        await driven.sees("kind: Service", "name: kube-dns")


@drives("flows.object")
async def test_the_object_behind_a_flow_is_found(running: Running) -> None:
    async with pipeline(running, (160, 48), "lflow ovn-default ls_in_acl", FlowsScreen) as driven:
        await driven.press("K")
        await driven.sees("OVN names no object for this flow")
        await driven.press("slash")
        await driven.paste("3005")
        await driven.press("enter", "K")
        await driven.sees("security group")
        assert [m for m in driven.heard(Answered) if m.topic == "object"][-1].value.kind == "ACL"


@drives("flows.openflow")
async def test_the_openflow_of_a_flow_is_asked_of_a_node(running: Running) -> None:
    async with pipeline(running, line="lflow ovn-default ls_in_acl", screen=FlowsScreen) as driven:
        await driven.press("F")
        await driven.sees("node:", "kube-ovn-worker2  ", "kube-ovn-control-plane")
        await driven.paste("nowhere")
        await driven.press("enter")
        await driven.sees("There is no node 'nowhere'")
        await driven.press("F")
        await driven.paste("kube-ovn-worker2")
        await driven.press("enter")
        await driven.until(lambda: driven.app.current_mode == "openflow")


@drives("app.exact", "app.raw", "app.save", "app.refresh", "app.copy")
async def test_the_commands_behind_it_its_text_and_its_age(running: Running, tmp_path: Any) -> None:
    async with pipeline(running, (120, 40), "lflow ovn-cluster", StagesScreen) as driven:
        await driven.press("e")
        await driven.sees("read from demo.kosnap", "ovn-sbctl --uuid lflow-list ovn-cluster")
        await driven.press("escape", "enter")
        await driven.sees("› lr_in_admission", " 12 flows")
        await driven.press("R")
        await driven.sees("raw", "table=0 (lr_in_admission), priority=")
        await driven.press("escape")
        await driven.command(f"save {tmp_path}/flows.tsv")
        await driven.sees("Saved to")
        assert (tmp_path / "flows.tsv").read_text().startswith("PRIO\tMATCH\tACTIONS\tOBJECT\tUUID\n")
        asked = len([m for m in driven.heard(Answered) if m.topic == "flows"])
        await driven.press("r")
        await driven.until(lambda: len([m for m in driven.heard(Answered) if m.topic == "flows"]) > asked)
        await driven.press("y")
        await driven.sees("by OSC 52")


@drives("table.sort", "table.reverse")
async def test_tables_are_sorted_by_any_column(running: Running) -> None:
    async with pipeline(running) as driven:
        table = driven.app.screen.table
        names = [d.name for d in table.shown()]
        await driven.press("o", "o")
        await driven.sees("^NAME")
        assert [d.name for d in table.shown()] == sorted(names)
        await driven.press("O")
        await driven.sees("vNAME")
        assert [d.name for d in table.shown()] == sorted(names, reverse=True)
        await driven.press("o", "o")
        await driven.sees("FLOWS")
        counts = [driven.app.screen.counts[d.uuid] for d in table.shown()]
        assert counts == sorted(counts, reverse=True), "by number, not by text"


@drives("go.pipeline")
async def test_the_line_takes_datapath_stage_and_filter(running: Running) -> None:
    async with running((80, 24), open_session=open_demo) as driven:
        await driven.command("lflow ovn-default /acl")
        await driven.until(lambda: isinstance(driven.app.screen, FlowsScreen))
        await driven.sees("all tables", "ls_in_acl")
        assert all("acl" in f"{f.stage} {f.match} {f.actions}" for f in driven.app.screen.table.shown())
        await driven.command("lflow vpc2 lr_in_ip_routing")
        await driven.sees("vpc2 › lr_in_ip_routing")
        await driven.command("lflow nowhere")
        await driven.sees("There is no datapath 'nowhere'")


@pytest.mark.parametrize("size", [(60, 15), (80, 24)])
async def test_a_prompt_shows_its_whole_sign_and_its_own_keys(
    running: Running, size: tuple[int, int]
) -> None:
    async with pipeline(running, size, "lflow ovn-default ls_in_acl", FlowsScreen) as driven:
        await driven.press("F")
        shown = await driven.sees("node:")
        assert "tab complete" in shown and "esc back" in shown and "/filter" not in shown
        await driven.press("escape")
        assert "esc back" not in await driven.sees("F on a node")

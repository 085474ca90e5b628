"""From a trace to the OpenFlow of its nodes and back, on real switches, by keys."""

from __future__ import annotations

import json

import pytest

from ko_tui.backend.session import Session, SessionOptions, open_session
from ko_tui.config import Settings
from ko_tui.screens.asking import Answered, Failed
from ko_tui.screens.datapath import DatapathScreen
from ko_tui.screens.flows import FlowsScreen
from ko_tui.screens.openflow import NodeFlowsScreen
from ko_tui.screens.texts import TextScreen
from ko_tui.screens.trace import TraceScreen
from ko_tui.screens.trace_export import FORMS, export
from ko_tui.widgets.line_view import LineView
from tests.lab.places import until
from tests.lab.running import RunningLab
from tests.screens.conftest import Driven, Running
from tests.screens.driving import drives
from tests.screens.recorded import open_recorded

lab = pytest.mark.lab
START = Settings(start="trace")
SAME_NODE = "default/client default/server icmp"
ACROSS = "default/client default/web-0 tcp 8080"


def opening(running_lab: RunningLab):  # type: ignore[no-untyped-def]
    options = SessionOptions(kubeconfig=str(running_lab.kubeconfig), context="admin")

    def opened() -> Session:
        return open_session(options)

    return opened


async def traced(driven: Driven, line: str) -> TraceScreen:
    driven.app.screen.run_line(f"trace {line}")
    await driven.until(lambda: isinstance(driven.app.screen, TraceScreen), "a result")
    await driven.settled()
    assert isinstance(driven.app.screen, TraceScreen)
    return driven.app.screen


def topics(driven: Driven) -> list[str]:
    return [message.topic for message in driven.heard(Answered)]


@lab
@drives("trace.openflow", "steps.unfold", "datapath.pane", "datapath.filter", "datapath.again")
async def test_the_openflow_of_a_trace_as_a_tree(running: Running, running_lab: RunningLab) -> None:
    async with running((160, 48), open_session=opening(running_lab), settings=START) as driven:
        await traced(driven, ACROSS)
        await driven.press("O")
        await driven.until(lambda: isinstance(driven.app.screen, DatapathScreen), "the tree")
        await driven.settled()
        screen = driven.app.screen
        assert topics(driven).count("datapath") == 1 and not driven.heard(Failed)
        shown = driven.text()
        assert "17 of 17 stages met" in shown
        assert "kube-ovn-worker  in by client.default" in shown and "ls_in_check_port_sec" in shown
        assert "only go on: ls_in_apply_port_sec" in shown
        assert "The logical trace takes the same flow." in shown
        rows = len(screen.steps.rows)
        await driven.press("v")
        assert len(screen.steps.rows) > rows
        await driven.press("v")
        assert len(screen.steps.rows) == rows
        await driven.press("slash")
        await driven.paste("web-0.default")
        await driven.press("enter")
        assert screen.steps.current[0].node == "kube-ovn-worker2" and screen.steps.current[1] is None
        await driven.sees("What the datapath does", "sent out of web-0.default")
        moved = driven.heard(LineView.Moved)
        assert moved and moved[-1].index == screen.steps.cursor
        await driven.press("tab")
        assert driven.app.focused is screen.query_one("#explanation")
        await driven.press("tab", "a")
        await driven.until(lambda: topics(driven).count("datapath") == 2)
        assert "Asked again." in driven.text()
        for form, words in (("txt", "=== OpenFlow"), ("md", "## OpenFlow"), ("html", "<h2>OpenFlow</h2>")):
            exported = export(screen.result, FORMS[f".{form}"], None, 0.0)
            assert words in exported and "sent out of web-0.default" in exported
        facts = json.loads(export(screen.result, "json", None, 0.0))
        assert facts["openflow"]["agrees"] is True
        assert facts["traced"]["at"] == "1970-01-01T00:00:00Z" and facts["traced"]["microflow"]
        assert "kube-ovn-worker2  in by" in screen.save_text()
        await driven.press("e")
        await driven.sees("ofproto/trace --ct-next trk,new")
        assert "tun_metadata0=" in driven.app.screen.text


@lab
@drives("trace.counts", "trace.no-counts", "datapath.counts")
async def test_packets_are_counted_at_each_stage(running: Running, running_lab: RunningLab) -> None:
    cluster = running_lab.cluster
    async with running((160, 48), open_session=opening(running_lab), settings=START) as driven:
        screen = await traced(driven, SAME_NODE)
        await driven.press("c")
        await driven.until(lambda: screen.counted is not None, "the first count")
        assert [t for t in topics(driven) if t in ("datapath", "counts")] == ["datapath", "counts"]
        number = next(
            i for i, s in enumerate(screen.result.explained.stages) if s.stage.name == "ls_in_l2_lkup"
        )
        first = screen.counted.stages[number]
        assert first.grown is None
        await driven.sees("c looks again", f"{first.packets:,}")
        assert cluster.ping("default/client", "10.16.0.11", count=3)
        switch = cluster.node_place("kube-ovn-worker")
        match = "table=33,dl_dst=" + screen.result.plan.packet.eth_dst

        def counted() -> bool:
            said = switch.run("ovs-ofctl", "dump-flows", "br-int", match).stdout
            found = [
                int(part[10:]) for part in said.replace(",", " ").split() if part.startswith("n_packets=")
            ]
            return sum(found) >= first.packets + 3

        until(counted, "the switch's own count")
        await driven.press("c")
        await driven.until(lambda: topics(driven).count("counts") == 2)
        assert (screen.counted.stages[number].grown or 0) >= 3
        await driven.sees("+ is what came", f"+{screen.counted.stages[number].grown}")
        assert topics(driven).count("datapath") == 1
        await driven.press("C")
        assert screen.counted is None and screen.stages.counts is None
        await driven.press("O")
        await driven.until(lambda: isinstance(driven.app.screen, DatapathScreen))
        await driven.press("c")
        await driven.until(lambda: topics(driven).count("counts") == 3)
        assert driven.app.screen.steps.counts


@lab
@drives("trace.logical", "datapath.logical", "datapath.flow", "openflow.logical")
async def test_from_a_flow_to_its_logical_flow_and_back(running: Running, running_lab: RunningLab) -> None:
    async with running((160, 48), open_session=opening(running_lab), settings=START) as driven:
        screen = await traced(driven, "default/client prod/db-0 tcp 80")
        acl = screen.stages.current.stage
        assert acl.name == "ls_out_acl"
        await driven.press("O")
        await driven.until(lambda: isinstance(driven.app.screen, DatapathScreen))
        await driven.settled()
        tree = driven.app.screen
        assert tree.steps.current[1].uuid == acl.uuid  # the tree begins where the trace stood
        await driven.press("L")
        await logical_flow(driven, acl.uuid)
        await driven.press("3")
        await driven.until(lambda: driven.app.screen is tree)
        await driven.press("F")
        await driven.until(lambda: isinstance(driven.app.screen, NodeFlowsScreen))
        await driven.until(lambda: driven.app.screen.rates)
        await driven.settled()
        flows = driven.app.screen
        assert flows.node == "kube-ovn-worker"
        assert {r.flow.cookie for r in flows.table.rows} == {acl.uuid}
        await driven.press("L")
        await logical_flow(driven, acl.uuid)
        await driven.press("3", "escape")
        await driven.until(lambda: driven.app.screen is screen)
        await driven.press("L")
        await logical_flow(driven, acl.uuid)


async def logical_flow(driven: Driven, uuid: str) -> None:
    await driven.until(
        lambda: isinstance(driven.app.screen, FlowsScreen) and driven.app.screen.taken_at, "Pipeline"
    )
    await driven.settled()
    assert [f.uuid for f in driven.app.screen.table.shown()] == [uuid]


@lab
@drives("trace.yaml", "openflow.object", "flows.yaml")
async def test_the_object_behind_a_flow_as_yaml(running: Running, running_lab: RunningLab) -> None:
    async with running((160, 48), open_session=opening(running_lab), settings=START) as driven:
        screen = await traced(driven, "default/client prod/db-0 tcp 80")
        uuid = screen.stages.current.stage.uuid
        await driven.press("Y")
        await driven.until(lambda: isinstance(driven.app.screen, TextScreen))
        first = driven.app.screen.text
        assert "kind: NetworkPolicy" in first or "ACL:" in first, first
        driven.app.screen.run_line(f"flows kube-ovn-worker cookie=0x{uuid}")
        await driven.until(lambda: isinstance(driven.app.screen, NodeFlowsScreen) and driven.app.screen.rates)
        await driven.settled()
        await driven.press("Y")
        await driven.until(lambda: isinstance(driven.app.screen, TextScreen))
        assert driven.app.screen.text == first
        await driven.press("escape", "L")
        await logical_flow(driven, uuid)
        await driven.press("Y")
        await driven.until(lambda: isinstance(driven.app.screen, TextScreen))
        assert driven.app.screen.text == first


@lab
async def test_where_they_part_is_shown_first(running: Running, running_lab: RunningLab) -> None:
    switch = running_lab.cluster.node_place("kube-ovn-worker")
    match = "table=33,priority=60000,icmp,nw_src=10.16.0.10,nw_dst=10.16.0.11"
    async with running((80, 24), open_session=opening(running_lab), settings=START) as driven:
        screen = await traced(driven, SAME_NODE)
        switch.run("ovs-ofctl", "add-flow", "br-int", f"{match},actions=drop")
        try:
            await driven.press("c")
            await driven.until(lambda: screen.result.datapath is not None)
        finally:
            switch.run("ovs-ofctl", "--strict", "del-flows", "br-int", match)
        await driven.sees("The node's OpenFlow is not what the southbound says")
        await driven.press("O")
        await driven.until(lambda: isinstance(driven.app.screen, DatapathScreen))
        assert driven.app.screen.steps.current[1].fit == "parts"
        await driven.sees("a flow of ls_in_l2_lkup that OVN did not make", "Here the ways part.")


async def test_a_recorded_cluster_says_why_there_is_none(running: Running) -> None:
    async with running(open_session=lambda: open_recorded(kind="snapshot"), settings=START) as driven:
        from tests.screens.recorded import CLIENT

        await traced(driven, f"{CLIENT} svc/kube-system/kube-dns udp 53")
        await driven.press("O")
        await driven.until(lambda: [m for m in driven.heard(Failed) if m.topic == "datapath"])
        await driven.sees("There is no OpenFlow trace", "saved cluster")


@lab
@drives("builder.engine")
async def test_the_engine_is_proposed_and_switched(running: Running, running_lab: RunningLab) -> None:
    async with running((160, 48), open_session=opening(running_lab), settings=START) as driven:
        builder = driven.app.screen
        await driven.until(lambda: builder.proposal is not None)
        assert [m.topic for m in driven.heard(Answered)].count("engine") == 1
        assert builder.proposal.engine == "ovn-trace" and 0 < (builder.proposal.flows or 0) < 5_000
        for name, value in (
            ("source", "default/client"),
            ("destination", "default/server"),
            ("protocol", "icmp"),
        ):
            builder.field(name).value = value
        await driven.sees("traced by", "ovn-trace, in the pod that leads", "at most", "The command")
        await driven.press("alt+e", "alt+e")
        assert builder.field("engine").value == "local"
        await driven.sees("ko-tui itself, on the southbound's contents", "You chose it.")
        assert "The command" not in driven.text()
        await driven.press("escape")
        await driven.command("engine auto")
        await driven.sees("Traced by auto: ovn-trace.")
        await driven.command("engine nonsense")
        await driven.sees("There is no engine")


@lab
async def test_a_big_cluster_is_traced_here(running: Running, running_lab: RunningLab) -> None:
    small = Settings(start="trace", local_trace_flows=100)
    async with running((160, 48), open_session=opening(running_lab), settings=small) as driven:
        builder = driven.app.screen
        await driven.until(lambda: builder.proposal is not None)
        assert builder.proposal.engine == "local"
        screen = await traced(driven, SAME_NODE)
        assert screen.result.engine == "local" and screen.result.plan.request.engine == "local"
        await driven.sees("Traced here, on southbound contents")
        await driven.press("E")
        await driven.until(lambda: driven.app.screen is builder)
        assert builder.field("engine").value == "auto"
        await driven.sees("ko-tui itself, on the southbound's contents", "would read them all each time")

"""The same packet through the OpenFlow of the real switches, held against the logical trace."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from ko_tui.backend.command.policy_regex import SEPARATOR, read_only_lines
from ko_tui.backend.ovn.trace_model import Verdict
from ko_tui.backend.ovs.ofproto_trace import parse, render
from ko_tui.backend.session import Session, SessionOptions, open_session
from ko_tui.backend.tracing.datapath import NoDatapathTrace
from ko_tui.backend.tracing.datapath_model import DatapathTrace
from ko_tui.backend.tracing.model import TraceRequest, TraceResult
from ko_tui.backend.tracing.oneline import parse_line
from ko_tui.backend.tracing.switch_ports import NoPort, switch_ports
from ko_tui.cli import main
from tests.lab.places import until
from tests.lab.running import RunningLab
from tests.lab_tests.conftest import need_lab

pytestmark = pytest.mark.lab


@pytest.fixture(scope="module")
def session(running_lab: RunningLab) -> Iterator[Session]:
    found = open_session(SessionOptions(kubeconfig=str(running_lab.kubeconfig), context="admin"))
    yield found
    found.close()


def traced(session: Session, line: str, **changes: object) -> TraceResult:
    request = replace(parse_line(line), **changes)  # type: ignore[arg-type]
    result = session.trace(session.plan(request))
    return replace(result, datapath=session.datapath(result))


WAYS = [
    # what is traced, changes, the nodes asked, how the last one ends, and words of that end
    ("default/client default/server icmp", {}, ["kube-ovn-worker"], "delivered", "server.default"),
    ("default/client default/web-0 tcp 8080", {}, ["kube-ovn-worker", "kube-ovn-worker2"], "delivered", "web-0"),
    ("default/client default/web-0 icmp", {"family": 6}, ["kube-ovn-worker", "kube-ovn-worker2"], "delivered", "web"),
    ("default/client prod/db-0 tcp 80", {}, ["kube-ovn-worker"], "dropped", "ls_out_acl"),
    ("default/server prod/api-6b9f7 tcp 80", {}, ["kube-ovn-worker", "kube-ovn-worker2"], "dropped", "ls_out_acl"),
    ("default/client svc/default/empty tcp 80", {}, ["kube-ovn-worker"], "dropped", "ls_in_lb"),
    ("default/client default/server icmp", {"src_ip": "10.16.0.99"}, ["kube-ovn-worker"], "dropped", "port_sec"),
    ("default/client 10.16.0.1 arp request", {}, ["kube-ovn-worker"], "delivered", "client.default"),
    ("node//kube-ovn-worker default/web-0 tcp 8080", {}, ["kube-ovn-worker", "kube-ovn-worker2"], "delivered", "web"),
    ("vpc2/tenant-a vpc2/tenant-b icmp", {}, ["kube-ovn-worker", "kube-ovn-worker2"], "delivered", "tenant-b"),
]  # fmt: skip


@pytest.mark.parametrize(("line", "changes", "nodes", "end", "ends"), WAYS, ids=lambda v: str(v)[:40])
def test_the_nodes_agree(
    session: Session, line: str, changes: dict[str, object], nodes: list[str], end: str, ends: str
) -> None:
    result = traced(session, line, **changes)
    found = result.datapath
    assert found is not None
    assert found.agrees and not found.findings, found.summary
    assert found.compared == found.stages == len(result.explained.stages)
    assert [part.node for part in found.passes] == nodes
    assert found.passes[-1].end == end and ends in found.passes[-1].ends
    for part in found.passes:
        assert render(parse(part.text)) == part.text
        assert part.actions
        for step in part.steps:
            assert step.stage or step.bridge != "br-int"
            assert step.logical or not step.at >= 0 or step.rule.no_match
    met = [step.at for part in found.passes for step in part.steps if step.at >= 0]
    assert met == list(range(len(result.explained.stages)))


def test_a_service_is_followed_with_the_choice_of_the_logical_trace(session: Session) -> None:
    result = traced(session, "default/client svc/default/web tcp 80", backend="10.16.0.13:8080")
    found = result.datapath
    assert found is not None and found.agrees, found
    first, second, third = found.passes
    assert first.end == "chosen" and second.assumed and "10.16.0.13:8080" in second.why
    assert (second.node, second.end) == ("kube-ovn-worker", "tunnel")
    assert (third.node, third.end) == ("kube-ovn-control-plane", "delivered")
    assert "web-1.default" in third.ends
    assert found.compared == found.stages
    # ovn-trace keeps the conntrack state after a commit, the switch forgets it: told, and no finding.
    assert any("forgets" in step.why for step in second.steps)


def test_a_hairpin_is_not_followed_wrongly(session: Session) -> None:
    found = traced(session, "default/client svc/default/hairpin tcp 80").datapath
    assert found is not None and found.agrees and len(found.passes) == 1
    assert any("hash" in note for note in found.notes)


def test_what_ovn_controller_answers(session: Session) -> None:
    found = traced(session, "default/client default/server icmp", ttl=1).datapath
    assert found is not None and not found.findings


def test_through_the_gateway_to_the_outside(session: Session, running_lab: RunningLab) -> None:
    """The router's gateway port is on another node; there the source is rewritten and the packet leaves."""
    cluster = running_lab.cluster
    assert cluster.ping("default/dhcp-pod", "203.0.113.1")
    until(
        lambda: cluster.sbctl("--bare", "--columns=mac", "find", "MAC_Binding", "ip=203.0.113.1"),
        "the MAC binding",
    )
    found: DatapathTrace | None = None

    def through() -> bool:
        """Until the node has made flows of the binding, its OpenFlow rightly differs."""
        nonlocal found
        found = traced(session, "default/dhcp-pod 203.0.113.1 icmp").datapath
        return found is not None and [part.end for part in found.passes] == ["tunnel", "delivered"]

    until(through, "the binding in the node's OpenFlow", 20, 0.2)
    assert found is not None and found.agrees, found
    assert "patch-br-int-to-localnet.ovn-external" in found.passes[-1].ends
    assert any("its source rewritten to" in action for action in found.passes[-1].actions)


def test_an_established_connection(session: Session) -> None:
    """Behind the states that are given both traces take the same."""
    found = traced(session, "default/client default/web-0 tcp 8080", ct=("est",)).datapath
    assert found is not None and found.agrees and found.compared == found.stages
    assert all(step.fit in ("same", "quiet", "") for part in found.passes for step in part.steps)


def test_on_the_command_line(running_lab: RunningLab, capsys: pytest.CaptureFixture[str]) -> None:
    words = ["--kubeconfig", str(running_lab.kubeconfig), "--context", "admin", "trace", "--ovs"]
    words += ["default/client", "default/web-0", "tcp", "8080"]
    assert main(words) == 0
    shown = " ".join(capsys.readouterr().out.split())
    assert "17 of 17 stages met" in shown and "node kube-ovn-worker2, in by ovn-" in shown
    assert "=> sent out of web-0.default" in shown and "ofproto/trace --ct-next trk,new" in shown
    assert main([*words, "--json"]) == 0
    form = json.loads(capsys.readouterr().out)["openflow"]
    assert form["agrees"] is True and form["stages_met"] == form["stages"] == 17
    assert [part["end"] for part in form["passes"]] == ["tunnel", "delivered"]
    page = (Path(__file__).parents[2] / "docs" / "trace-json.md").read_text()
    for name in [*form, *form["passes"][0], *form["passes"][0]["lookups"][0]]:
        assert f"`{name}`" in page or f"`{name}[]`" in page, name
    assert main([*words, "--raw"]) == 0
    raw = capsys.readouterr().out
    assert raw.startswith("# tcp") and raw.count("Datapath actions: ") == 4


def test_what_runs_passes_the_policy_that_a_cluster_can_enforce(session: Session) -> None:
    """The admission policy is made of these expressions."""
    result = traced(session, "default/client default/web-0 icmp", family=6)
    assert result.datapath is not None
    counted = session.live_counts(result.datapath)
    runs = [*result.datapath.commands, *counted.runs]
    assert {run.tool for run in runs} == {"ovs-vsctl", "ovs-appctl", "ovs-ofctl"}
    lines = [re.compile(line.expression) for line in read_only_lines()]
    for run in runs:
        assert any(line.match(SEPARATOR.join(run.argv)) for line in lines), run.argv


def test_a_saved_cluster_has_no_switch(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["trace", "--ovs", "--datapath", "net", "--microflow", 'inport == "a"']) == 2
    assert "--ovs asks running switches" in capsys.readouterr().err
    saved = open_session(SessionOptions(demo=True))
    try:
        source = next(e for e in saved.inventory().endpoints if e.kind == "pod" and e.lsp and not e.traceable)
        other = next(e for e in saved.inventory().endpoints if e.kind == "pod" and e.lsp and e is not source)
        result = saved.trace(saved.plan(TraceRequest(source.key, other.key)))
        with pytest.raises(NoDatapathTrace) as caught:
            saved.datapath(result)
        assert "saved cluster" in caught.value.what
    finally:
        saved.close()


def test_a_node_that_does_not_do_what_the_southbound_says(running_lab: RunningLab) -> None:
    """A flow that drops, put there behind ovn-controller's back: the stage is named."""
    opened = open_session(SessionOptions(kubeconfig=str(running_lab.kubeconfig), context="admin"))
    line = "default/client default/server icmp"
    try:
        before = traced(opened, line)
        assert before.datapath is not None
        step = next(s for s in before.datapath.passes[0].steps if s.stage == "ls_in_l2_lkup")
        match = f"table={step.rule.table},priority=60000,icmp,nw_src=10.16.0.10,nw_dst=10.16.0.11"
        switch = running_lab.cluster.node_place("kube-ovn-worker")
        switch.run("ovs-ofctl", "add-flow", "br-int", f"{match},actions=drop")
        try:
            found = traced(opened, line).datapath
        finally:
            switch.run("ovs-ofctl", "--strict", "del-flows", "br-int", match)
        assert found is not None and found.agrees is False
        assert "not what the southbound says" in found.findings[0].title
        assert "kube-ovn-worker" in found.findings[0].what and "ls_in_l2_lkup" in found.findings[0].what
        assert "dump-flows" in found.findings[0].next_step
        after = traced(opened, line).datapath
        assert after is not None and after.agrees
    finally:
        opened.close()


def test_a_controller_that_stopped_and_an_interface_that_is_gone() -> None:
    """A lab of its own: the southbound moves on without a node, and a pod's interface loses its port."""
    need_lab()
    line = "default/client default/server icmp"
    with RunningLab() as broken:
        cluster = broken.cluster
        opened = open_session(SessionOptions(kubeconfig=str(broken.kubeconfig), context="admin"))
        try:
            cluster.stop_controller("kube-ovn-worker")
            cluster.nbctl(
                "--wait=sb", "acl-add", "ovn-default", "to-lport", "3900",
                'outport == "server.default" && icmp4', "drop",
            )  # fmt: skip
            result = traced(opened, line)
            found = result.datapath
            assert result.explained.verdict is Verdict.DROPPED and found is not None
            assert found.agrees is False and found.passes[-1].end == "delivered"
            assert "ls_out_acl" in found.findings[0].what and "ovn-controller" in found.findings[0].next_step
            cluster.start_controller("kube-ovn-worker")
            until(
                lambda: not (traced(opened, line).datapath or found).findings,
                "the node's catching up",
                20,
                0.3,
            )
            switch = cluster.node_place("kube-ovn-worker")
            name = next(
                p for p in switch_ports(opened, "kube-ovn-worker").ports if p.lsp == "client.default"
            ).name
            switch.run("ovs-vsctl", "remove", "Interface", name, "external_ids", "iface-id")
            opened.answers.forget(("switch-ports", "kube-ovn-worker"))
            with pytest.raises(NoPort) as caught:
                traced(opened, line)
            assert "client.default" in caught.value.what and "kube-ovn-cni" in caught.value.next_step
        finally:
            opened.close()

"""OpenFlow of a real node: its tables are named by what its own cookies say."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator

import pytest

from ko_tui.backend.cluster.pods import is_ready
from ko_tui.backend.pipeline import node_flows
from ko_tui.backend.pipeline.cookie_rows import southbound_rows
from ko_tui.backend.session import Session, SessionOptions, open_session
from tests.lab.places import until
from tests.lab.running import RunningLab

pytestmark = pytest.mark.lab
NODE = "kube-ovn-worker"


@pytest.fixture
def session(running_lab: RunningLab) -> Iterator[Session]:
    opened = open_session(SessionOptions(kubeconfig=str(running_lab.kubeconfig), context="admin"))
    yield opened
    opened.close()


def test_every_table_has_a_name(session: Session) -> None:
    dump = session.openflow(NODE)
    assert dump.complete and dump.version in ("22.12", "23.03")
    assert set(dump.stages) == {flow.table for flow in dump.flows}
    assert dump.stages[8].startswith("lr_in_admission / ls_in_check_port_sec")
    assert (
        dump.stages[0] == "phy_to_log"
        and dump.stages[65] == "log_to_phy"
        and dump.stages[39] == "remote_output"
    )
    assert all(dump.stages.values()), dump.stages
    assert "ls_out_apply_port_sec" in " ".join(dump.stages.values())


def test_a_big_cluster_is_asked_for_few_flows(session: Session, monkeypatch: pytest.MonkeyPatch) -> None:
    """The names are the same, and what was not asked for is had one by one."""
    whole = session.openflow(NODE)
    monkeypatch.setattr(node_flows, "ALL_ASKED", 0)
    few = session.openflow(NODE)
    assert not few.complete and len(few.by_cookie) < len(whole.by_cookie) / 2
    assert few.version == whole.version and set(few.stages) == set(whole.stages)
    for table, stages in few.stages.items():
        assert set(stages.split(" / ")) <= set(whole.stages[table].split(" / ")), table
    left = next(f.cookie for f in few.flows if f.cookie in whole.by_cookie and f.cookie not in few.by_cookie)
    assert node_flows.logical_flow(session, left) == whole.by_cookie[left]
    own = next(f.cookie for f in few.flows if f.cookie.strip("0") and f.cookie not in whole.by_cookie)
    assert node_flows.logical_flow(session, own) is None


def test_what_is_made_without_a_logical_flow_names_its_row(session: Session) -> None:
    dump = session.openflow(NODE)
    rows = southbound_rows(session)
    own = [f for f in dump.flows if f.cookie.strip("0") and f.cookie not in dump.by_cookie]
    ports = {f.cookie: rows.get(f.cookie, "") for f in own if f.table == 65}
    assert "Port_Binding client.default" in ports.values(), ports
    named = [f for f in own if f.cookie in rows]
    assert len(named) > 0.9 * len(own), [f.raw for f in own if f.cookie not in rows][:5]


def test_a_pod_replaced_meanwhile_is_found_anew(session: Session, running_lab: RunningLab) -> None:
    gone = session.ovs(NODE)
    words = ("delete", "pod", "-n", gone.namespace, gone.name, "--force", "--wait=false")
    subprocess.run(
        ("kubectl", "--kubeconfig", str(running_lab.kubeconfig), *words), check=True, capture_output=True
    )

    def replaced() -> bool:
        # The label "ovs" alone is another question than the session's own: its list stays the old one.
        pods = session.app_pods("ovs", max_age=0.0)
        return any(p.spec.get("nodeName") == NODE and p.name != gone.name and is_ready(p) for p in pods)

    until(replaced, "the new ovs pod")
    assert session.ovs(NODE) == gone
    assert session.openflow(NODE).flows

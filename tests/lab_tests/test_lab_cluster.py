"""The lab is a real cluster: raft, northd, chassis, and packets that arrive."""

from __future__ import annotations

import json
import subprocess

import pytest

from tests.lab.cluster import Lab
from tests.lab.places import NETNS, alive, until
from tests.lab.topology import NODES, PODS, pod
from tests.lab_tests.conftest import need_lab

pytestmark = pytest.mark.lab


def test_raft_has_three_members_and_one_leader_each(lab_cluster: Lab) -> None:
    for database in ("nb", "sb"):
        roles = [lab_cluster.role(i, database) for i in range(3)]
        assert sorted(roles) == ["follower", "follower", "leader"]


def test_one_northd_is_active(lab_cluster: Lab) -> None:
    assert sorted(lab_cluster.northd(i) for i in range(3)) == ["active", "standby", "standby"]


def test_every_node_is_a_chassis(lab_cluster: Lab) -> None:
    said = json.loads(lab_cluster.sbctl("--format=json", "--columns=hostname,name", "list", "Chassis"))
    assert {tuple(row) for row in said["data"]} == {(n.name, n.chassis) for n in NODES}


@pytest.mark.parametrize(
    ("source", "address"),
    [
        ("default/client", "10.16.0.11"),  # the same node
        ("default/client", "10.16.0.12"),  # another node, through Geneve
        ("default/client", "fd00:10:16::c"),
        ("default/client", "100.64.0.3"),  # the node's join address
        ("default/client", "10.16.0.30"),  # a VM
        ("default/multi", "10.20.0.6"),  # an attachment NIC
        ("vpc2/tenant-a", "10.16.0.11"),  # another VPC, an overlapping address
        ("default/underlay", "192.168.100.1"),  # a VLAN of the physical network
        ("default/dhcp-pod", "203.0.113.1"),  # outside, through the gateway's source NAT
    ],
)
def test_pings_arrive(lab_cluster: Lab, source: str, address: str) -> None:
    assert lab_cluster.ping(source, address)


def test_what_must_not_arrive_does_not(lab_cluster: Lab) -> None:
    assert not lab_cluster.ping("default/server", pod("prod/api-6b9f7").ips[0])


def test_tunnels_are_in_userspace(lab_cluster: Lab) -> None:
    lab_cluster.ping("default/client", "10.16.0.12", 2)
    flows = lab_cluster.node_place("kube-ovn-worker").run("ovs-appctl", "dpctl/dump-flows").stdout
    assert "tnl_push" in flows


def test_fixed_paths_work_in_every_pod(lab_cluster: Lab) -> None:
    central = lab_cluster.exec_prefix("kube-system", "", app="ovn-central", node=NODES[0].name)
    said = subprocess.run(
        [*central, "ovn-appctl", "-t", "/var/run/ovn/ovnnb_db.ctl", "cluster/status", "OVN_Northbound"],
        capture_output=True,
        text=True,
    )
    assert "Name: OVN_Northbound" in said.stdout
    ovs = lab_cluster.exec_prefix("kube-system", "", app="ovs", node=NODES[1].name)
    zones = subprocess.run(
        [*ovs, "ovn-appctl", "-t", "ovn-controller", "ct-zone-list"], capture_output=True, text=True
    )
    assert "client.default" in zones.stdout


def test_ovn_trace_in_the_leader(lab_cluster: Lab) -> None:
    client, web = pod("default/client"), pod("default/web-0")
    flow = (
        f'inport == "{client.lsp}" && eth.src == {client.mac} && eth.dst == {web.mac} && ip4.src == {client.ips[0]} '
        f"&& ip4.dst == {web.ips[0]} && ip.ttl == 64 && icmp4.type == 8"
    )
    place = lab_cluster.central_place(lab_cluster.leader("sb"))
    assert (
        f'/* output to "{web.lsp}", type "" */'
        in place.run("ovn-trace", "--ct=new", "ovn-default", flow).stdout
    )


def test_two_labs_at_once_and_nothing_left_behind(lab_cluster: Lab) -> None:
    need_lab()
    with Lab() as other:
        assert other.id != lab_cluster.id
        assert other.ping("default/client", "10.16.0.12")
        assert lab_cluster.ping("default/client", "10.16.0.12")
        pids = [pid for place in other.places.values() for pid in place.pids()]
        assert len(pids) >= 15
        directory = other.directory
    assert not list(NETNS.glob(f"kl{other.id}-*"))
    assert not [pid for pid in pids if alive(pid)]
    assert not directory.exists()
    assert len(list(NETNS.glob(f"kl{lab_cluster.id}-*"))) == len(NODES) + 2 + sum(p.real for p in PODS)


def test_faults_and_back() -> None:
    need_lab()
    with Lab() as lab:
        leader = lab.leader("sb")
        lab.kill_raft_member(leader, "sb")
        until(lambda: any(lab.role(i, "sb") == "leader" for i in range(3) if i != leader), "a new leader")
        assert lab.role(leader, "sb") == ""
        lab.start_raft_member(leader, "sb")
        until(lambda: lab.role(leader, "sb") == "follower", "the member to follow")
        until(lambda: "active" in [lab.northd(i) for i in range(3)], "northd to be active")
        active = next(i for i in range(3) if lab.northd(i) == "active")
        lab.stop_northd(active)
        until(
            lambda: any(lab.northd(i) == "active" for i in range(3) if i != active),
            "another northd to take over",
        )

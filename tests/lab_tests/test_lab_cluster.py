"""The lab is a real cluster: raft, northd, chassis, and packets that arrive."""

from __future__ import annotations

import json
import socket
import struct
import subprocess
import sys
from pathlib import Path

import pytest

from tests.lab import northbound
from tests.lab.cluster import Lab, LabFailed, clean_stale
from tests.lab.places import NETNS, alive, processes, until
from tests.lab.sockets import inside
from tests.lab.topology import EIP, EIP_TARGET, NODES, PODS, SERVICES, pod, subnet
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
        ("default/client", "10.16.0.1"),  # the router
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


@pytest.mark.parametrize(
    ("source", "address", "port", "answers"),
    [
        ("default/server", "10.16.0.12", 8080, {"default/web-0"}),
        ("default/server", "10.96.0.100", 80, {"default/client", "default/web-0", "default/web-1"}),
        ("default/server", "fd00:10:96::64", 80, {"default/client", "default/web-0", "default/web-1"}),
        ("default/client", "10.96.0.101", 80, {"default/client"}),  # to itself, through its Service
        ("default/client", "10.16.0.20", 80, {"prod/api-6b9f7"}),  # let in by the NetworkPolicy
        ("default/client", "10.16.0.21", 5432, {"prod/db-0"}),  # let in by the security group
    ],
)
def test_connections_reach(lab_cluster: Lab, source: str, address: str, port: int, answers: set[str]) -> None:
    said = lab_cluster.ask(source, address, port).splitlines()
    assert said[0] == "HTTP/1.0 200 OK"
    assert said[-1].split()[0] in answers


def test_a_client_keeps_its_backend(lab_cluster: Lab) -> None:
    # OVN 23.03 learns the backend from a first packet, which it then drops.
    until(
        lambda: lab_cluster.ask("default/server", "10.96.0.103", 80, seconds=0.2), "the backend to be learned"
    )
    answers = {lab_cluster.ask("default/server", "10.96.0.103", 80) for _ in range(8)}
    assert len(answers) == 1 and "" not in answers


@pytest.mark.parametrize("address", ["10.96.0.10", "fd00:10:96::a"])
def test_the_name_service_answers_over_udp(lab_cluster: Lab, address: str) -> None:
    assert lab_cluster.ask("default/client", address, 53, "UDP").startswith("kube-system/coredns-")


def test_dhcp_offers_the_address(lab_cluster: Lab) -> None:
    asking = pod("default/dhcp-pod")
    hardware = bytes.fromhex(asking.mac.replace(":", ""))
    head = struct.pack("!BBBBIHH16x16s192x", 1, 1, 6, 0, 0x4B4F4B4F, 0, 0x8000, hardware)
    discover = head + bytes.fromhex("63825363350101ff")  # magic cookie, DHCPDISCOVER, end

    def client() -> socket.socket:
        made = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        made.setsockopt(socket.SOL_SOCKET, socket.SO_BROADCAST, 1)
        made.setsockopt(socket.SOL_SOCKET, socket.SO_BINDTODEVICE, b"eth0")
        made.bind(("0.0.0.0", 68))
        made.settimeout(5)
        return made

    with inside(NETNS / lab_cluster.netns(asking.key), client) as own:
        own.sendto(discover, ("255.255.255.255", 67))
        offer = own.recv(2048)
    assert socket.inet_ntoa(offer[16:20]) == asking.ips[0]
    assert bytes.fromhex("350102") in offer  # DHCPOFFER
    assert b"\x03\x04" + socket.inet_aton(subnet(asking.subnet).gateways[0]) in offer


def test_quality_of_service_marks_packets(lab_cluster: Lab) -> None:
    def receiver() -> socket.socket:
        made = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        made.setsockopt(socket.IPPROTO_IP, socket.IP_RECVTOS, 1)
        made.bind(("0.0.0.0", 9000))
        made.settimeout(5)
        return made

    def sender() -> socket.socket:
        return socket.socket(socket.AF_INET, socket.SOCK_DGRAM)

    with (
        inside(NETNS / lab_cluster.netns("default/client"), receiver) as own,
        inside(NETNS / lab_cluster.netns("default/server"), sender) as marked,
    ):
        marked.sendto(b"x", (pod("default/client").ips[0], 9000))
        _, [(_, _, tos)], _, _ = own.recvmsg(16, 64)
    assert tos[0] >> 2 == 10


@pytest.mark.parametrize(
    ("source", "address", "port"),
    [
        ("default/server", "10.16.0.20", 80),  # another pod than the NetworkPolicy's peer
        ("default/client", "10.16.0.20", 8443),  # its peer, another port
        ("default/client", "10.16.0.21", 22),  # not in the security group
        ("default/client", "10.96.0.102", 80),  # a Service without backends
        ("vpc2/tenant-a", "10.16.0.12", 8080),  # an address of the other VPC
    ],
)
def test_what_must_not_arrive_does_not(lab_cluster: Lab, source: str, address: str, port: int) -> None:
    assert lab_cluster.ask(source, address, port, seconds=0.5) == ""


def test_the_floating_address_is_reached_from_outside(lab_cluster: Lab) -> None:
    assert lab_cluster.run_outside("ping", "-c", "1", "-W", "2", EIP, check=False).returncode == 0


def test_a_node_reaches_pods(lab_cluster: Lab) -> None:
    node = lab_cluster.exec_prefix("default", "host-agent")
    done = subprocess.run([*node, "ping", "-c", "1", "-W", "2", EIP_TARGET], capture_output=True)
    assert done.returncode == 0


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


def test_every_pod_has_files_of_its_own(lab_cluster: Lab) -> None:
    central, worker = lab_cluster.central_place(0), lab_cluster.node_place(NODES[0].name)
    central.run("sh", "-c", "echo mine > /tmp/kept; echo mine > /var/log/kube-ovn/some.log")
    assert central.path("/tmp/kept").read_text() == "mine\n"
    assert worker.run("ls", "/tmp", "/var/log/kube-ovn").stdout.split() == ["/tmp:", "/var/log/kube-ovn:"]
    assert not Path("/tmp/kept").exists()


def trace(lab: Lab, to: str, protocol: str) -> str:
    client = pod("default/client")
    router = subnet(client.subnet).router_mac
    flow = (
        f'inport == "{client.lsp}" && eth.src == {client.mac} && eth.dst == {router} && ip4.src == {client.ips[0]} '
        f"&& ip4.dst == {to} && ip.ttl == 64 && {protocol}"
    )
    return (
        lab.central_place(lab.leader("sb"))
        .run("ovn-trace", "--ct=new", "--ct=new", "ovn-default", flow)
        .stdout
    )


def test_ovn_trace_in_the_leader(lab_cluster: Lab) -> None:
    web = next(s for s in SERVICES if s.name == "web")
    said = trace(lab_cluster, web.ips[0], "tcp.dst == 80")
    assert any(f'/* output to "{pod(key).lsp}", type "" */' in said for key in web.backends)
    assert "ct_lb_mark" in said


def host_network() -> list[str]:
    """What the machine itself has: devices with addresses, and routes. MAC addresses and statistics are left out."""
    said = []
    for words in (
        ("-br", "addr"),
        ("route", "show", "table", "all"),
        ("-6", "route", "show", "table", "all"),
    ):
        said += subprocess.run(["ip", *words], capture_output=True, text=True, check=True).stdout.splitlines()
    return [line.split(" expires ")[0] for line in said]


def test_two_labs_at_once_and_nothing_left_behind(lab_cluster: Lab) -> None:
    need_lab()
    before = host_network()
    with Lab() as other:
        assert other.id != lab_cluster.id
        assert other.ping("default/client", "10.16.0.12")
        assert lab_cluster.ping("default/client", "10.16.0.12")
        assert host_network() == before
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
        active = next(i for i in range(3) if lab.northd(i) == "active")
        lab.stop_northd(active)
        until(
            lambda: any(lab.northd(i) == "active" for i in range(3) if i != active),
            "another northd to take over",
        )
        lab.start_northd(active)
        until(lambda: lab.northd(active) == "standby", "the old northd to stand by")
        leader = lab.leader("sb")
        lab.kill_raft_member(leader, "sb")
        until(lambda: any(lab.role(i, "sb") == "leader" for i in range(3) if i != leader), "a new leader")
        assert lab.role(leader, "sb") == ""
        lab.start_raft_member(leader, "sb")
        until(lambda: lab.role(leader, "sb") == "follower", "the member to follow")


def test_a_switch_that_ends_and_comes_back() -> None:
    need_lab()
    with Lab() as lab:
        lab.stop_switch("kube-ovn-worker")
        assert not lab.ask("default/client", "10.16.0.12", 8080, seconds=0.3)
        lab.start_switch("kube-ovn-worker")
        until(lambda: lab.ask("default/client", "10.16.0.12", 8080, seconds=0.3), "the pod's network")
        leader = lab.leader("nb")
        lab.stop_raft_member(leader, "nb")
        assert lab.member_pid(leader, "nb") == 0
        until(lambda: lab.leader("nb") != leader, "leadership to move")
        lab.start_raft_member(leader, "nb")
        until(lambda: lab.role(leader, "nb") == "follower", "the member to follow")


def test_what_a_killed_run_left_is_cleaned() -> None:
    need_lab()
    code = (
        "from tests.lab.cluster import Lab; import os, signal\n"
        "lab = Lab(); lab.start(); print(lab.id, lab.directory, flush=True)\n"
        "os.kill(os.getpid(), signal.SIGKILL)"
    )
    root = Path(__file__).parents[2]
    killed = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=root)
    assert killed.returncode == -9
    identity, directory = killed.stdout.split()
    left = list(NETNS.glob(f"kl{identity}-*"))
    # Another run on this machine may clean it first.
    pids = processes("net", left)
    assert len(pids) >= 15 or not Path(directory).exists()
    clean_stale()
    until(lambda: not Path(directory).exists(), "the directory to be removed")
    assert not list(NETNS.glob(f"kl{identity}-*"))
    assert not [pid for pid in pids if alive(pid)]


def test_a_start_that_fails_half_way_leaves_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    need_lab()
    monkeypatch.setattr(northbound, "argv", lambda: ["no-such-command"])
    lab = Lab()
    with pytest.raises(LabFailed, match="no-such-command"):
        lab.start()
    assert not list(NETNS.glob(f"kl{lab.id}-*"))
    assert not lab.directory.exists()


def test_a_machine_without_the_rights_says_so() -> None:
    need_lab()
    code = (
        "from tests.lab.cluster import Lab, LabUnavailable\n"
        "try: Lab().start()\n"
        "except LabUnavailable as error: print(error)"
    )
    drop = ["setpriv", "--bounding-set=-sys_admin", "--inh-caps=-sys_admin"]
    root = Path(__file__).parents[2]
    done = subprocess.run([*drop, sys.executable, "-c", code], capture_output=True, text=True, cwd=root)
    assert done.stdout == "network and mount namespaces are not allowed here\n", done.stderr

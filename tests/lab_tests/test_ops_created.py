"""What perf and diagnose make on a real cluster: pods that really send, leaders that really die, and nothing left."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest
import yaml

from ko_tui.backend.command.rbac import objects
from ko_tui.backend.operations.created import MANAGED, NAME
from ko_tui.backend.operations.created_journal import RunJournal, Thing, discard, read_all, save
from ko_tui.backend.operations.diagnose_created import TCP, UDP, diagnose_creating, plan_probe
from ko_tui.backend.operations.model import Level
from ko_tui.backend.operations.perf import plan_perf
from ko_tui.backend.operations.perf_recovery import LeadersStay, check_whole
from ko_tui.backend.session import Session, SessionOptions, open_session
from ko_tui.backend.source.interface import Cancel
from ko_tui.backend.source.live import open_live
from ko_tui.cli import main
from tests.e2e.terminal import PROGRAM, Terminal, why_unavailable
from tests.lab.api.identity import User
from tests.lab.places import NETNS, LabFailed, until
from tests.lab.running import RunningLab
from tests.lab.topology import CONTROL, NAMESPACE, WORKER, WORKER2
from tests.lab_tests.conftest import need_lab
from tests.unit.test_preflight import RBAC

pytestmark = pytest.mark.lab


@pytest.fixture(scope="module")
def lab() -> Iterator[RunningLab]:
    """A lab of its own: its links are filled, and its leaders killed."""
    need_lab()
    with RunningLab() as running:
        yield running


@pytest.fixture(autouse=True)
def state(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
    return tmp_path / "ko-tui" / "created"


@pytest.fixture(scope="module")
def operator(lab: RunningLab, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The kubeconfig of a member of the printed operator role, and of nothing else."""
    admin = open_live(str(lab.kubeconfig), "admin")
    for item in objects("operator"):
        if item["kind"] in RBAC:
            admin.create(RBAC[item["kind"]], item["metadata"].get("namespace", ""), item)
    admin.close()
    lab.server.authenticator.tokens["operator"] = User("operator", ("ko-tui:operator",))
    content = yaml.safe_load(lab.kubeconfig.read_text())
    content["users"] = [{"name": "admin", "user": {"token": "operator"}}]
    path = tmp_path_factory.mktemp("operator") / "kubeconfig"
    path.write_text(yaml.safe_dump(content))
    return path


def words(kubeconfig: Path, *more: str) -> list[str]:
    return [more[0], "--kubeconfig", str(kubeconfig), "--context", "admin", "--allow-write", *more[1:]]


def ours(lab: RunningLab) -> list[str]:
    """The objects that carry our label, pods of our DaemonSets too."""
    found = []
    for kind in ("Pod", "Service", "DaemonSet"):
        entries = lab.server.store.all(lab.server.catalogue.of(kind), NAMESPACE)[0]
        found += [e.name for e in entries if e.labels.get(MANAGED) == NAME]
    return sorted(found)


def nothing_left(lab: RunningLab) -> None:
    assert ours(lab) == []
    assert read_all() == ([], set())
    prefix = lab.cluster.netns("")
    until(lambda: not list(NETNS.glob(f"{prefix}*ko-tui*")), "the pods' networks to be gone")
    until(lambda: "ko-tui" not in lab.cluster.nbctl("show") + lab.cluster.nbctl("lb-list"), "their ports too")


def test_perf_measures_under_the_operator_role(
    lab: RunningLab, operator: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Real packets of the real tools; how fast they are says nothing about a cluster of kernels."""
    northbound = lab.cluster.nbctl("show")
    options = ("--seconds", "1", "--sizes", "1k", "--parts", "service,host-multicast", "--client", CONTROL)
    assert main(words(operator, "perf", "--yes", "perf", "--json", *options)) == 0
    out, told = capsys.readouterr()
    before, _, _ = told.partition("creating")
    assert "Creates 4 pods and 1 Service in kube-system" in before and "Kills no leader" in before
    said = json.loads(out)
    assert said["complete"] and said["left"] == [] and said["recoveries"] == []
    service, multicast = said["sections"]
    assert service["part"] == "service" and service["target"].startswith("10.96.250.")
    assert service["source"].startswith(f"{CONTROL} 10.16.0.")
    assert multicast["part"] == "host-multicast" and multicast["source"] == f"{CONTROL} 172.18.0.2"
    ((unicast,), (heard,)) = service["rows"], multicast["rows"]
    assert all(row["size"] == 1024 and row["problems"] == [] for row in (unicast, heard))
    for value in ("tcp_latency_us", "tcp_bits", "udp_latency_us", "udp_bits"):
        assert unicast[value] > 0, value
    assert heard["udp_bits"] > 0 and heard["jitter_ms"] > 0
    nothing_left(lab)
    assert lab.cluster.nbctl("show") == northbound
    assert [r.path for r in lab.audit if r.user == "operator" and r.code == 403] == []


def test_a_killed_perf_is_found_and_removed(
    lab: RunningLab, capsys: pytest.CaptureFixture[str], state: Path
) -> None:
    options = ("--seconds", "60", "--sizes", "64", "--parts", "pod")
    argv = [sys.executable, "-m", "ko_tui", *words(lab.kubeconfig, "perf", "--yes", "perf", *options)]
    with subprocess.Popen(argv, stderr=subprocess.PIPE, stdin=subprocess.DEVNULL) as process:
        assert process.stderr is not None
        for line in process.stderr:
            if b"pod to pod" in line and b"Sends" not in line:
                break
        process.send_signal(signal.SIGKILL)
    left = ours(lab)
    assert len(left) == 5 and len(list(state.glob("*.json"))) == 1
    assert main(words(lab.kubeconfig, "preflight")) == 0
    told = capsys.readouterr().err
    assert "was killed" in told and all(name in told for name in left)
    assert main(["cleanup", "--kubeconfig", str(lab.kubeconfig), "--context", "admin"]) == 1
    assert "read-only" in capsys.readouterr().err and ours(lab) == left
    assert main(words(lab.kubeconfig, "cleanup", "--yes", "cleanup")) == 0
    nothing_left(lab)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP])
def test_a_perf_that_is_told_to_stop_removes_what_it_made(lab: RunningLab, number: signal.Signals) -> None:
    options = ("--seconds", "60", "--sizes", "64", "--parts", "pod")
    argv = [sys.executable, "-m", "ko_tui", *words(lab.kubeconfig, "perf", "--yes", "perf", *options)]
    with subprocess.Popen(
        argv, stderr=subprocess.PIPE, stdout=subprocess.DEVNULL, stdin=subprocess.DEVNULL
    ) as process:
        assert process.stderr is not None
        for line in process.stderr:
            if b"creating services" in line:
                break
        process.send_signal(number)
        rest = process.stderr.read()
    assert process.returncode == 3 and b"Traceback" not in rest
    nothing_left(lab)


@pytest.mark.e2e
@pytest.mark.skipif(bool(why_unavailable()) and os.environ.get("CI") != "true", reason=why_unavailable())
def test_the_screen_tells_of_a_killed_run_and_removes_its_own_when_the_terminal_is_closed(
    lab: RunningLab, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))  # as the terminal has it
    gone = RunJournal("0badcafe", "perf", "admin", lab.url, NAMESPACE, "2026-01-02T03:04:05Z")
    gone.things.append(Thing("", "v1", "pods", NAMESPACE, "ko-tui-perf-client-0badcafe"))
    save(gone)
    argv = [*PROGRAM, "--kubeconfig", str(lab.kubeconfig), "--context", "admin", "--allow-write"]
    with Terminal(argv, tmp_path, width=120, height=40) as terminal:
        terminal.wait("Left in the cluster", "2026-01-02T03:04:05Z", "10.16.0.10")
        terminal.type(":operations perf")
        terminal.wait(":operations perf")
        terminal.keys("Enter")
        terminal.wait("image:")
        terminal.keys("Enter")
        terminal.wait("Creates 4 pods and 1 Service", "Type perf to do it")
        assert ours(lab) == []
        terminal.type("perf")
        terminal.keys("Enter")
        terminal.wait("pod to pod:")
        assert len(ours(lab)) == 5
    until(lambda: ours(lab) == [], "what was made to be removed")
    discard(gone)
    until(lambda: read_all() == ([], set()), "the journal to be gone")
    nothing_left(lab)


def test_killed_leaders_are_timed(lab: RunningLab, capsys: pytest.CaptureFixture[str]) -> None:
    leaders = [lab.cluster.leader("nb"), lab.cluster.leader("sb")]
    only = ("--parts", "none", "--kill-leaders")
    assert main(words(lab.kubeconfig, "perf", "--yes", "perf", *only)) == 2
    told = capsys.readouterr().err
    assert "KILLS LEADERS" in told and "'ovn-central'" in told
    assert [lab.cluster.leader("nb"), lab.cluster.leader("sb")] == leaders
    assert main(words(lab.kubeconfig, "perf", "--yes", "ovn-central", "--json", *only)) == 0
    recoveries = json.loads(capsys.readouterr().out)["recoveries"]
    assert [r["what"] for r in recoveries] == ["nb", "sb", "northd"]
    for recovery in recoveries:
        assert recovery["problem"] == "" and recovery["successor"] != recovery["pod"]
        assert 0 < recovery["serving"] <= recovery["whole"]
    pods = [e.name for e in lab.server.store.all(lab.server.catalogue.of("Pod"), NAMESPACE)[0]]
    assert not {r["pod"] for r in recoveries} & set(pods)
    assert lab.cluster.ping("default/client", "10.16.0.12")


def test_no_leader_is_killed_while_a_member_is_down(lab: RunningLab) -> None:
    session = opened(lab)
    victim = next(i for i in range(3) if lab.cluster.role(i, "sb") == "follower")
    lab.cluster.kill_raft_member(victim, "sb")
    try:
        with pytest.raises(LeadersStay, match="Not every member"):
            plan_perf(session, parts=(), kill_leaders=True)
    finally:
        lab.cluster.start_raft_member(victim, "sb")
    until(lambda: _whole(session), "the member to be back")
    session.close()
    lab.cluster.sync()


def _whole(session: Session) -> bool:
    try:
        check_whole(session)
    except LeadersStay:
        return False
    return True


def opened(lab: RunningLab) -> Session:
    return open_session(SessionOptions(str(lab.kubeconfig), "admin", mode="allow-write"))


def test_diagnose_tries_servers_in_the_subnet_and_a_node_port(lab: RunningLab) -> None:
    """The pods really serve, and are reached from every node while they are there. Kube-OVN's pinger itself is not
    packaged: that it is given the right targets is seen in the request."""
    session = opened(lab)
    reached: set[tuple[str, str, bool]] = set()
    during: list[str] = []

    def look(_checks: object) -> None:
        if during:
            return
        during.extend(ours(lab))
        pods = lab.server.store.all(lab.server.catalogue.of("Pod"), NAMESPACE)[0]
        for entry in pods:
            if entry.labels.get(MANAGED) == NAME:
                address = entry.object["status"]["podIP"]
                reached.update(
                    (node, address, serves(lab, node, address)) for node in (CONTROL, WORKER, WORKER2)
                )

    asked = len(lab.audit)
    report = diagnose_creating(
        session, plan_probe(session, "subnet", "ovn-default"), on_checks=look, cancel=Cancel()
    )
    session.close()
    assert len(during) == 5 and len(reached) == 9 and all(good for *_, good in reached)
    made = [check for check in report.checks if check.group == "created"]
    assert [c.level for c in made] == [Level.INFO, Level.OK, Level.OK, Level.OK, Level.OK]
    pingers = [
        r.query for r in lab.audit[asked:] if "kube-ovn-pinger" in r.query and r.path.endswith("/exec")
    ]
    assert len(pingers) == 3
    for query in pingers:
        for _, address, _ in reached:
            assert f"tcp-{address}-{TCP}" in query and f"udp-{address}-{UDP}" in query
        assert "tcp-172.18.0.2-30" in query
    nothing_left(lab)


def serves(lab: RunningLab, node: str, address: str) -> bool:
    """Whether a node reaches it, some seconds after it is ready at the latest: its flows come to each node later."""
    # Its network alone: a node has a /tmp of its own, where this Python may be.
    net = ("nsenter", f"--net=/proc/{lab.cluster.node_place(node).pid}/ns/net", "--")
    argv = (*net, sys.executable, "-c", _CONNECT, address, str(TCP), str(UDP))
    with suppress(LabFailed):
        until(lambda: subprocess.run(argv, capture_output=True).returncode == 0, address, 15)
        return True
    return False


_CONNECT = """
import socket, sys
address, tcp, udp = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
socket.create_connection((address, tcp), 3).close()
asking = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
asking.settimeout(3)
asking.sendto(b"x", (address, udp))
assert asking.recv(10) == b"x"
"""


def test_diagnose_asks_before_it_makes_anything(
    lab: RunningLab, operator: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    created = [r for r in lab.audit if r.verb == "create" and r.path.endswith(("/services", "/daemonsets"))]
    assert main(words(lab.kubeconfig, "diagnose", "subnet", "ovn-default")) == 2
    assert "Creates a DaemonSet" in capsys.readouterr().err
    assert main(words(lab.kubeconfig, "diagnose", "subnet", "vpc2-net", "--yes", "vpc2-net")) == 2
    assert "in the VPC vpc2" in capsys.readouterr().err
    read_only = ["diagnose", "node", WORKER, "--kubeconfig", str(lab.kubeconfig), "--context", "admin"]
    assert main(read_only) == 3  # the lab has no pinger to ask
    now = [r for r in lab.audit if r.verb == "create" and r.path.endswith(("/services", "/daemonsets"))]
    assert len(now) == len(created)
    assert main(words(operator, "diagnose", "node", WORKER, "--yes", WORKER, "--all")) == 3
    out = capsys.readouterr().out
    assert "all that was made is gone" in out and "on every node" in out
    nothing_left(lab)
    assert [r.path for r in lab.audit if r.user == "operator" and r.code == 403] == []

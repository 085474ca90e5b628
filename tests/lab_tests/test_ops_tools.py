"""The tools of the command line on the real cluster, and what is refused before any."""

from __future__ import annotations

import re

import pytest

from ko_tui.cli import main
from tests.lab.running import RunningLab
from tests.lab.topology import NODES

pytestmark = pytest.mark.lab
NODE = "kube-ovn-worker"
SERVER = "10.16.0.11"


def run(lab: RunningLab, *words: str) -> int:
    return main(["--kubeconfig", str(lab.kubeconfig), "--context", "admin", *words])


@pytest.mark.parametrize(
    ("line", "shown"),
    [
        ("nbctl lsp-list ovn-default", "(client.default)"),
        ("nbctl --no-leader-only show ovn-cluster", "ovn-cluster-ovn-default"),
        ("sbctl --columns=hostname list Chassis", "kube-ovn-worker2"),
        (f"vsctl {NODE} list-br", "br-int"),
        (f"ofctl {NODE} dump-flows br-int table=0", "priority=100"),
        (f"ofctl {NODE} -OOpenFlow15 dump-groups br-int", "OF1.5"),
        (f"appctl {NODE} ofproto/list", "br-int"),
        ("nbctl --help", "usage: ovn-nbctl"),
        ("sbctl -V", "ovn-sbctl"),
        (f"vsctl {NODE} --version", "ovs-vsctl (Open vSwitch)"),
        (f"ofctl {NODE} -h", "usage: ovs-ofctl"),
        (f"dpctl {NODE} --help", "usage: ovs-dpctl"),
        (f"appctl {NODE} --help", "usage: ovs-appctl"),
        (f"appctl {NODE} -t ovn-controller connection-status", "connected"),
        (f"appctl {NODE} dpctl/show", "netdev@ovs-netdev"),
    ],
)
def test_a_tool_prints_what_the_real_one_prints(
    running_lab: RunningLab, capfd: pytest.CaptureFixture[str], line: str, shown: str
) -> None:
    assert run(running_lab, *line.split()) == 0
    assert shown in capfd.readouterr().out


def test_members_are_named_whole_into_a_pipe_and_speak_for_themselves(
    running_lab: RunningLab, capfd: pytest.CaptureFixture[str]
) -> None:
    """Names are there to be searched for, and kubectl ko shows the server's own words."""
    assert run(running_lab, "nb", "status") == 0
    rows = capfd.readouterr().out.splitlines()[2:]
    assert len(rows) == 3 and all(re.fullmatch(r"ovn-central-\w+-\w{5}", row.split()[1]) for row in rows), (
        rows
    )
    assert {row.split()[0] for row in rows} == {node.name for node in NODES}
    assert run(running_lab, "sb", "status", "--raw") == 0
    raw = capfd.readouterr().out
    assert raw.count("\nRole: ") == raw.count("\nstatus: ok") == 3 and raw.count("\nElection timer: ") == 3
    assert raw.index("Role: leader") < raw.index("Role: follower")


def test_a_tool_that_fails_hands_on_its_words_and_status(
    running_lab: RunningLab, capfd: pytest.CaptureFixture[str]
) -> None:
    assert run(running_lab, "nbctl", "lsp-list", "nosuch") == 3
    assert "nosuch: switch name not found" in capfd.readouterr().err
    assert run(running_lab, "vsctl", "nowhere", "show") == 3
    assert "nowhere" in capfd.readouterr().err


@pytest.mark.parametrize("words", ["nbctl show", f"vsctl {NODE} show", f"trace default/client {SERVER} icmp"])
def test_a_namespace_that_is_not_kube_ovns(
    running_lab: RunningLab, capfd: pytest.CaptureFixture[str], words: str
) -> None:
    """-n is not the pod's namespace here; that it was given is said."""
    assert run(running_lab, "-n", "default", *words.split()) == 3
    said = capfd.readouterr().err
    assert "namespace 'default', which was given as Kube-OVN's own" in said and "KUBE_OVN_NS" in said


@pytest.mark.parametrize("address", ["300.1.1.1", "10.16.0.11/16", "fd00::zz"])
def test_what_was_meant_as_an_address(
    running_lab: RunningLab, capfd: pytest.CaptureFixture[str], address: str
) -> None:
    assert run(running_lab, "trace", "default/client", address, "icmp") == 3
    assert "It is no IP address either." in capfd.readouterr().err


@pytest.mark.parametrize("word", ["icnbctl", "icsbctl"])
def test_interconnection_that_is_not_there(
    running_lab: RunningLab, capfd: pytest.CaptureFixture[str], word: str
) -> None:
    assert run(running_lab, word, "show") == 3
    assert "interconnection" in capfd.readouterr().err


@pytest.mark.parametrize(
    "line",
    [
        "nbctl ls-add evil", "nbctl show -- ls-del ovn-default", "sbctl chassis-del x", f"vsctl {NODE} del-br br-int",
        f"ofctl {NODE} del-flows br-int", f"appctl {NODE} exit", f"dpctl {NODE} del-dp x", "nbctl lsp-lis ovn-default",
        "tuning install-fastpath centos7",
    ],
)  # fmt: skip
def test_what_would_change_something_needs_no_cluster_to_be_refused(
    line: str, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("KUBECONFIG", "/nonexistent")
    assert main(line.split()) == 2
    assert "read-only" in capfd.readouterr().err


def test_a_subnet_that_is_not_there(running_lab: RunningLab, capfd: pytest.CaptureFixture[str]) -> None:
    assert run(running_lab, "diagnose", "subnet", "nosuch") == 2
    assert "nosuch" in capfd.readouterr().err


def test_targets_are_checked_first(
    capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("KUBECONFIG", "/nonexistent")
    assert main(["diagnose", "IPPorts", "tcp-10.16.0.12"]) == 2
    assert "tcp-IP-PORT" in capfd.readouterr().err

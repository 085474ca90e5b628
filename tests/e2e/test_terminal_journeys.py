"""The main journeys in a real terminal, by keys alone: on the bundled cluster, on the lab, and through a real sshd."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.e2e import ssh
from tests.e2e.terminal import PROGRAM, Terminal, why_unavailable
from tests.lab.running import RunningLab

pytestmark = pytest.mark.e2e


@pytest.fixture(autouse=True)
def _tmux() -> None:
    reason = why_unavailable()
    if reason and os.environ.get("CI") == "true":
        pytest.fail(reason)
    if reason:
        pytest.skip(reason)


def compose(terminal: Terminal) -> str:
    """Choose default/client, trace to the web Service, read the result."""
    terminal.wait("default", "client", "Running")
    terminal.keys("/")
    terminal.type("client")
    terminal.wait("1 of 5")
    terminal.keys("Enter")
    terminal.wait("t trace from")
    terminal.keys("t")
    terminal.wait("From", "default/client")
    terminal.type("kube-dns")
    terminal.wait("svc/kube-system/kube-dns")
    terminal.keys("Enter")
    terminal.wait("svc/kube-system/kube-dns", "Ready")
    terminal.keys("Enter")
    return terminal.wait("Delivered to coredns", "Is the sender who it claims to be?")


def test_the_demo_needs_nothing(tmp_path: Path) -> None:
    with Terminal([*PROGRAM, "--demo"], tmp_path) as terminal:
        terminal.wait("default", "client", "saved cluster", "Your first trace")
        screen = compose(terminal)
        assert "ls_in_check_port_sec" in screen
        terminal.keys("j", "j", "j", "j")
        terminal.wait("ls_in_acl_hint", "It starts a new connection")
        terminal.keys("R")
        terminal.wait('ingress(dp="ovn-default"')
        terminal.keys("Escape")
        terminal.wait("Delivered to coredns")
        terminal.keys("q")
        terminal.wait("Leave ko-tui?")
        terminal.keys("Enter")
        terminal.wait("ended with status 0")


@pytest.mark.lab
def test_a_trace_of_a_live_cluster_by_keys_alone(running_lab: RunningLab, tmp_path: Path) -> None:
    # A shell that exports its size does not keep the program from seeing that the terminal's changes.
    environment = running_lab.environment(COLUMNS="80", LINES="24")
    with Terminal(PROGRAM, tmp_path, environment=environment) as terminal:
        compose(terminal)
        terminal.keys("e")
        terminal.wait("kubectl exec -n kube-system ovn-central")
        terminal.keys("Escape")
        terminal.wait("Delivered to coredns")
        terminal.resize(160, 48)
        terminal.wait("The packet after this stage")


@pytest.fixture
def sshd(tmp_path: Path) -> Iterator[ssh.Server]:
    if ssh.program() is None:
        if os.environ.get("CI") == "true":
            pytest.fail("sshd must run in CI")
        pytest.skip("sshd is not installed")
    with ssh.running(tmp_path / "ssh") as server:
        yield server


@pytest.mark.lab
def test_the_same_through_ssh(running_lab: RunningLab, sshd: ssh.Server, tmp_path: Path) -> None:
    with Terminal(sshd.argv(tmp_path, {"KUBECONFIG": str(running_lab.kubeconfig)}), tmp_path) as terminal:
        assert "Delivered" in compose(terminal)
        terminal.keys("q")
        terminal.wait("Leave ko-tui?")
        terminal.keys("Enter")
        terminal.wait("ended with status 0")

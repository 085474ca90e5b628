"""The main journeys in a real terminal, by keys alone: on the bundled cluster, on the lab, and through a real sshd."""

from __future__ import annotations

import getpass
import os
import shutil
import socket
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.e2e.terminal import PROGRAM, ROOT, Terminal, why_unavailable
from tests.lab.places import until
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
    with Terminal(PROGRAM, tmp_path, environment=running_lab.environment()) as terminal:
        compose(terminal)
        terminal.keys("e")
        terminal.wait("kubectl exec -n kube-system ovn-central")
        terminal.keys("Escape")
        terminal.wait("Delivered to coredns")
        terminal.resize(160, 48)
        terminal.wait("The packet after this stage")


@pytest.fixture
def sshd(tmp_path: Path) -> Iterator[tuple[int, Path]]:
    """A real sshd on loopback with keys of its own; gives its port and the client's key."""
    program = shutil.which("sshd", path=f"{os.environ.get('PATH', '')}:/usr/sbin")
    if program is None:
        if os.environ.get("CI") == "true":
            pytest.fail("sshd must run in CI")
        pytest.skip("sshd is not installed")
    directory = tmp_path / "ssh"
    directory.mkdir(mode=0o700)
    for name in ("host", "user"):
        subprocess.run(
            ["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(directory / name)], check=True
        )
    (directory / "authorized").write_text((directory / "user.pub").read_text())
    (directory / "authorized").chmod(0o600)
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    (directory / "config").write_text(
        f"ListenAddress 127.0.0.1:{port}\nHostKey {directory}/host\nAuthorizedKeysFile {directory}/authorized\n"
        f"PidFile {directory}/pid\nStrictModes no\nUsePAM no\nPasswordAuthentication no\nPermitRootLogin yes\n"
        "AcceptEnv *\n"
    )
    Path("/run/sshd").mkdir(exist_ok=True)
    process = subprocess.Popen(
        [program, "-D", "-e", "-f", str(directory / "config")], stderr=subprocess.DEVNULL
    )

    def listening() -> bool:
        with socket.socket() as client:
            return client.connect_ex(("127.0.0.1", port)) == 0

    try:
        until(listening, "sshd to listen", 15)
        yield port, directory / "user"
    finally:
        process.terminate()
        process.wait(10)


@pytest.mark.lab
def test_the_same_through_ssh(running_lab: RunningLab, sshd: tuple[int, Path], tmp_path: Path) -> None:
    port, key = sshd
    quiet = ["-o", "StrictHostKeyChecking=no", "-o", "UserKnownHostsFile=/dev/null", "-o", "LogLevel=ERROR"]
    remote = (
        f"cd {tmp_path} && env LANG=C.UTF-8 PYTHONPATH={ROOT} KUBECONFIG={running_lab.kubeconfig} "
        f"XDG_STATE_HOME={tmp_path}/state XDG_CONFIG_HOME={tmp_path}/config {' '.join(PROGRAM)}"
    )
    ssh = ["ssh", "-tt", "-p", str(port), "-i", str(key), *quiet, f"{getpass.getuser()}@127.0.0.1", remote]
    with Terminal(ssh, tmp_path) as terminal:
        assert "Delivered" in compose(terminal)
        terminal.keys("q")
        terminal.wait("Leave ko-tui?")
        terminal.keys("Enter")
        terminal.wait("ended with status 0")

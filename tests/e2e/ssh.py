"""A real sshd on loopback, and the words that start ko-tui through it."""

from __future__ import annotations

import getpass
import os
import shutil
import socket
import subprocess
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.e2e.terminal import PROGRAM, ROOT
from tests.lab.places import until


def program() -> str | None:
    """Where sshd is, None when it is not installed."""
    return shutil.which("sshd", path=f"{os.environ.get('PATH', '')}:/usr/sbin")


@dataclass(frozen=True)
class Server:
    """A running sshd: its port and the key that it lets in."""

    port: int
    key: Path

    def argv(self, home: Path, environment: Mapping[str, str], *options: str) -> list[str]:
        """Start ko-tui at the other end, with a terminal, in ``home``."""
        words = {
            "LANG": "C.UTF-8",
            "PYTHONPATH": str(ROOT),
            "XDG_STATE_HOME": f"{home}/state",
            "XDG_CONFIG_HOME": f"{home}/config",
        } | dict(environment)
        given = " ".join(f"{name}={value}" for name, value in words.items())
        remote = f"cd {home} && env {given} {' '.join((*PROGRAM, *options))}"
        quiet = ("StrictHostKeyChecking=no", "UserKnownHostsFile=/dev/null", "LogLevel=ERROR")
        return [
            "ssh", "-tt", "-p", str(self.port), "-i", str(self.key),
            *(word for option in quiet for word in ("-o", option)),
            f"{getpass.getuser()}@127.0.0.1", remote,
        ]  # fmt: skip


@contextmanager
def running(directory: Path) -> Iterator[Server]:
    """sshd with keys of its own in ``directory``, until the end."""
    sshd = program()
    assert sshd is not None
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
    )
    Path("/run/sshd").mkdir(exist_ok=True)
    process = subprocess.Popen([sshd, "-D", "-e", "-f", str(directory / "config")], stderr=subprocess.DEVNULL)

    def listening() -> bool:
        with socket.socket() as client:
            return client.connect_ex(("127.0.0.1", port)) == 0

    try:
        until(listening, "sshd to listen", 15)
        yield Server(port, directory / "user")
    finally:
        process.terminate()
        process.wait(10)

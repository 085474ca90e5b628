"""A scratch OVN without chassis: two database servers, northd and a client, on unix sockets of their own."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

SCHEMAS = Path("/usr/share/ovn")
DEADLINE = 20.0
TRACE_BYTES, TRACE_SECONDS = 4 << 30, 20  # past either a signal ends it


class ScratchOvn:
    """Start with ``with``; everything ends and is removed at its end."""

    def __init__(self) -> None:
        self.directory = Path(tempfile.mkdtemp(prefix="ko-ovn-"))
        self._servers: list[subprocess.Popen[bytes]] = []
        self._daemon = ""
        self.refused = 0

    def __enter__(self) -> ScratchOvn:
        for name in ("nb", "sb"):
            db = self.directory / f"{name}.db"
            self._once(["ovsdb-tool", "create", str(db), str(SCHEMAS / f"ovn-{name}.ovsschema")])
            self._start(["ovsdb-server", str(db), f"--remote=p{self.remote(name)}", "--no-chdir",
                         f"--unixctl={self.directory}/{name}.ctl", "-vconsole:off"])  # fmt: skip
        for name in ("nb", "sb"):
            self._wait_for(self.directory / f"{name}.sock")
        self._start(["ovn-northd", f"--ovnnb-db={self.remote('nb')}", f"--ovnsb-db={self.remote('sb')}",
                     f"--unixctl={self.directory}/northd.ctl", "-vconsole:off"])  # fmt: skip
        pid, ctl = self.directory / "nbctl.pid", self.directory / "nbctl.ctl"
        started = self._once(
            ["ovn-nbctl", f"--db={self.remote('nb')}", "--detach", f"--pidfile={pid}", f"--unixctl={ctl}"]
        )
        self._daemon = started.strip()
        self.nbctl("init")
        self.sbctl("init")
        return self

    def __exit__(self, *_: object) -> None:
        pidfile = self.directory / "nbctl.pid"
        if pidfile.exists():
            os.kill(int(pidfile.read_text()), signal.SIGTERM)
        for server in reversed(self._servers):
            server.terminate()
        for server in self._servers:
            server.wait(timeout=10)
        shutil.rmtree(self.directory, ignore_errors=True)

    def remote(self, name: str) -> str:
        return f"unix:{self.directory}/{name}.sock"

    def nbctl(self, *words: str) -> str | None:
        """Run one command; None when OVN refused it, which a random cluster may well ask for."""
        environment = {**os.environ, "OVN_NB_DAEMON": self._daemon}
        done = subprocess.run(
            ["ovn-nbctl", *words], capture_output=True, text=True, env=environment, timeout=60
        )
        if done.returncode:
            self.refused += 1
            return None
        return done.stdout

    def sbctl(self, *words: str) -> str | None:
        """The same for the southbound database."""
        command = ["ovn-sbctl", f"--db={self.remote('sb')}", *words]
        done = subprocess.run(command, capture_output=True, text=True, timeout=60)
        if done.returncode:
            self.refused += 1
            return None
        return done.stdout

    def settle(self) -> None:
        """Wait until northd has written everything to the southbound database."""
        self.nbctl("--wait=sb", "sync")

    def stop_northd(self) -> None:
        """End northd: from here on the southbound database is ours."""
        northd = self._servers.pop()
        northd.terminate()
        northd.wait(timeout=10)

    def southbound(self) -> bytes:
        """The southbound database as a backup."""
        command = ["ovsdb-client", "backup", self.remote("sb"), "OVN_Southbound"]
        return subprocess.run(command, capture_output=True, check=True, timeout=60).stdout

    def trace(self, arguments: Sequence[str]) -> subprocess.CompletedProcess[str]:
        """Run the real ovn-trace, which a loop that multiplies would let take all time and memory there is."""
        bounds = ["prlimit", f"--as={TRACE_BYTES}", f"--cpu={TRACE_SECONDS}"]
        command = [*bounds, "ovn-trace", f"--db={self.remote('sb')}", *arguments]
        return subprocess.run(command, capture_output=True, text=True, timeout=60)

    def _start(self, command: Sequence[str]) -> None:
        log = (self.directory / "log").open("ab")
        self._servers.append(subprocess.Popen(command, stdout=log, stderr=log, cwd=self.directory))
        log.close()

    def _once(self, command: Sequence[str]) -> str:
        return subprocess.run(command, capture_output=True, text=True, check=True, timeout=30).stdout

    def _wait_for(self, path: Path) -> None:
        deadline = time.monotonic() + DEADLINE
        while not path.exists():
            if time.monotonic() > deadline:
                raise TimeoutError(f"{path} did not appear: {(self.directory / 'log').read_text()}")
            time.sleep(0.01)

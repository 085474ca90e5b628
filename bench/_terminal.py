"""A program on a pseudo-terminal: bytes that it writes, CPU that it takes, memory that it holds."""

from __future__ import annotations

import fcntl
import os
import pty
import select
import struct
import subprocess
import termios
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

TICK = os.sysconf("SC_CLK_TCK")
QUIET = 0.25  # seconds without output that end a measurement


class Pty:
    """``with Pty(argv) as p``: :meth:`press` keys, :meth:`settle`, and read what it cost."""

    def __init__(
        self, argv: Sequence[str], *, size: tuple[int, int] = (80, 24), env: Mapping[str, str] | None = None
    ) -> None:
        self.argv, self.size = list(argv), size
        self.env = {**os.environ, "TERM": "xterm-256color", "LANG": "C.UTF-8", **(env or {})}
        self.seen = b""

    def __enter__(self) -> Pty:
        self.master, slave = pty.openpty()
        columns, rows = self.size
        fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))
        self.started = time.monotonic()
        self.process = subprocess.Popen(
            self.argv, stdin=slave, stdout=slave, stderr=slave, env=self.env, start_new_session=True
        )
        os.close(slave)
        return self

    def __exit__(self, *_: object) -> None:
        self.process.terminate()
        try:
            self.process.wait(5)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        os.close(self.master)

    def read(self, seconds: float) -> int:
        """Read what comes within ``seconds``; gives the number of bytes."""
        count = 0
        ready, _, _ = select.select([self.master], [], [], seconds)
        while ready:
            try:
                part = os.read(self.master, 65536)
            except OSError:
                return count
            count += len(part)
            self.seen = (self.seen + part)[-400_000:]
            ready, _, _ = select.select([self.master], [], [], 0)
        return count

    def settle(self, quiet: float = QUIET, most: float = 20.0) -> int:
        """Read until nothing comes for ``quiet`` seconds; gives the number of bytes."""
        total, ends = 0, time.monotonic() + most
        while time.monotonic() < ends:
            count = self.read(quiet)
            if not count:
                break
            total += count
        return total

    def wait(self, words: bytes, seconds: float = 120.0) -> float:
        """Wait until the words were written; gives the seconds since the start."""
        ends = time.monotonic() + seconds
        while words not in self.seen:
            if time.monotonic() > ends or self.process.poll() is not None:
                raise TimeoutError(f"{words!r} never came: {self.seen[-2000:]!r}")
            self.read(0.02)
        return time.monotonic() - self.started

    def press(self, keys: bytes) -> None:
        os.write(self.master, keys)

    def signal(self, sign: int) -> None:
        os.kill(self.process.pid, sign)

    def cpu(self) -> float:
        """Seconds of CPU so far, of the program and its ended children."""
        words = Path(f"/proc/{self.process.pid}/stat").read_text().rpartition(")")[2].split()
        return sum(map(int, words[11:15])) / TICK

    def run_time(self) -> float:
        """Seconds that its threads ran so far, exact to the microsecond; ``cpu`` counts in ticks."""
        nanoseconds = 0
        for path in Path(f"/proc/{self.process.pid}/task").glob("*/schedstat"):
            nanoseconds += int(path.read_text().split()[0])
        return nanoseconds / 1e9

    def resident(self) -> float:
        """Megabytes of memory held now."""
        for line in Path(f"/proc/{self.process.pid}/status").read_text().splitlines():
            if line.startswith("VmRSS:"):
                return int(line.split()[1]) / 1024
        return 0.0

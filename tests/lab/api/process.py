"""A program that runs for an exec request: with pipes, or on a terminal of its own."""

from __future__ import annotations

import asyncio
import contextlib
import errno
import fcntl
import os
import pty
import shutil
import signal
import struct
import termios
from collections.abc import Sequence
from pathlib import Path

PIECE = 32 * 1024


class CannotStart(Exception):
    """The program cannot be started; the message is what a container runtime would say."""


class Program:
    """One running program with its process group."""

    def __init__(self, process: asyncio.subprocess.Process, terminal: int | None = None) -> None:
        self._process, self._terminal = process, terminal

    @classmethod
    async def start(
        cls,
        prefix: Sequence[str],
        argv: Sequence[str],
        *,
        directory: str,
        environment: dict[str, str],
        stdin: bool,
        tty: bool,
    ) -> Program:
        """Raises CannotStart. ``prefix`` is what brings the program to its container."""
        _check(prefix, argv, environment)
        words = [*prefix, *argv]
        if tty:
            return await cls._on_terminal(words, directory, environment)
        pipe, null = asyncio.subprocess.PIPE, asyncio.subprocess.DEVNULL
        try:
            process = await asyncio.create_subprocess_exec(
                *words,
                stdin=pipe if stdin else null,
                stdout=pipe,
                stderr=pipe,
                cwd=directory,
                env=environment,
                start_new_session=True,
                limit=PIECE,
            )
        except (OSError, ValueError) as error:
            raise CannotStart(str(error)) from None
        return cls(process)

    @classmethod
    async def _on_terminal(cls, words: list[str], directory: str, environment: dict[str, str]) -> Program:
        ours, theirs = pty.openpty()
        try:
            # setsid makes the terminal the program's controlling one; it replaces itself by the program.
            process = await asyncio.create_subprocess_exec(
                "setsid", "--ctty", *words, stdin=theirs, stdout=theirs, stderr=theirs, cwd=directory,
                env={"TERM": "xterm"} | environment,
            )  # fmt: skip
        except (OSError, ValueError) as error:
            os.close(ours)
            raise CannotStart(str(error)) from None
        finally:
            os.close(theirs)
        os.set_blocking(ours, False)
        return cls(process, ours)

    @property
    def pid(self) -> int:
        return self._process.pid

    async def read(self, channel: int) -> bytes:
        """The next piece of stdout (1) or stderr (2); b"" at its end."""
        if self._terminal is not None:
            return await self._read_terminal() if channel == 1 else b""
        stream = self._process.stdout if channel == 1 else self._process.stderr
        assert stream is not None
        return await stream.read(PIECE)

    async def _read_terminal(self) -> bytes:
        loop = asyncio.get_running_loop()
        while self._terminal is not None:
            terminal = self._terminal
            try:
                return os.read(terminal, PIECE)
            except BlockingIOError:
                ready: asyncio.Future[None] = loop.create_future()
                loop.add_reader(terminal, lambda f=ready: f.done() or f.set_result(None))
                try:
                    await ready
                finally:
                    loop.remove_reader(terminal)
            except OSError as error:
                if error.errno in (errno.EIO, errno.EBADF):
                    return b""
                raise
        return b""

    async def write(self, piece: bytes) -> None:
        """To the program's standard input; what it no longer reads is dropped."""
        if self._terminal is not None:
            view = memoryview(piece)
            while view:
                try:
                    view = view[os.write(self._terminal, view) :]
                except BlockingIOError:
                    await asyncio.sleep(0.01)
                except OSError:
                    return
            return
        stream = self._process.stdin
        if stream is None:
            return
        with contextlib.suppress(ConnectionError, RuntimeError):
            stream.write(piece)
            await stream.drain()

    async def end_input(self) -> None:
        """End of file on standard input."""
        if self._terminal is not None:
            await self.write(b"\x04")
        elif self._process.stdin is not None:
            with contextlib.suppress(ConnectionError, RuntimeError):
                self._process.stdin.close()

    def resize(self, width: int, height: int) -> None:
        if self._terminal is not None:
            size = struct.pack("HHHH", height & 0xFFFF, width & 0xFFFF, 0, 0)
            with contextlib.suppress(OSError):
                fcntl.ioctl(self._terminal, termios.TIOCSWINSZ, size)

    async def wait(self) -> int:
        """The exit code; 128 + N for a program that signal N ended, as container runtimes report it."""
        code = await self._process.wait()
        return 128 - code if code < 0 else code

    def signal(self, number: signal.Signals) -> None:
        """To the whole process group."""
        if self._process.returncode is not None:
            return
        try:
            os.killpg(self._process.pid, number)
        except (ProcessLookupError, PermissionError):
            # On a terminal the group exists only once setsid has run.
            with contextlib.suppress(ProcessLookupError):
                os.kill(self._process.pid, number)

    def close(self) -> None:
        if self._terminal is not None:
            terminal, self._terminal = self._terminal, None
            os.close(terminal)


def _check(prefix: Sequence[str], argv: Sequence[str], environment: dict[str, str]) -> None:
    """With a prefix the exec call succeeds though the program does not exist, so look for it first."""
    name = argv[0]
    path = next((w[5:] for w in prefix if w.startswith("PATH=")), environment.get("PATH", ""))
    start = f'exec: "{name}"'
    if "\0" in "".join(argv):
        raise CannotStart("invalid argument")
    if "/" in name:
        if not Path(name).exists():
            raise CannotStart(f"{start}: stat {name}: no such file or directory")
        if not os.access(name, os.X_OK):
            raise CannotStart(f"{start}: permission denied")
    elif shutil.which(name, path=path) is None:
        raise CannotStart(f"{start}: executable file not found in $PATH")

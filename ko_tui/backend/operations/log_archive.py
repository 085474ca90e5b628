"""The archive of ``ko-tui log``: written by several threads, under its name only when it is whole."""

from __future__ import annotations

import contextlib
import io
import os
import tarfile
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import IO

from ko_tui.backend.errors import UsageError
from ko_tui.backend.source.interface import Cancel

GRACE = 5.0  # seconds that commands get to end when the collecting is given up


class LogArchive:
    """A .tar.gz that several threads add to; it appears under its name only when it was finished.

    What the disk did not take makes it worthless: then ``stop`` is cancelled, and :meth:`check` raises.
    """

    def __init__(self, path: Path, stop: Cancel) -> None:
        self._path = path
        self._stop = stop
        self._full: UsageError | None = None
        self._part = path.with_name(f".{path.name}.{os.getpid()}.part")
        self._lock = threading.Lock()
        self._idle = threading.Condition()
        self._working = 0
        self.files = 0
        self._finished = False

    def __enter__(self) -> LogArchive:
        try:
            descriptor = os.open(self._part, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        except OSError as error:
            raise self._fail(error) from error
        self._file = os.fdopen(descriptor, "wb")
        self._tar = tarfile.open(fileobj=self._file, mode="w:gz")
        return self

    def __exit__(self, *_: object) -> None:
        if not self._finished:
            self._stop.cancel()
            with self._idle:
                self._idle.wait_for(lambda: not self._working, GRACE)
            with contextlib.suppress(OSError):
                self._file.close()
            with contextlib.suppress(OSError):
                self._part.unlink()

    @contextlib.contextmanager
    def at_work(self) -> Iterator[None]:
        """While something may be added; an archive that is given up waits for the end of this."""
        with self._idle:
            self._working += 1
        try:
            yield
        finally:
            with self._idle:
                self._working -= 1
                self._idle.notify_all()

    def check(self) -> None:
        """Raises UsageError when the disk has not taken something before."""
        if self._full is not None:
            raise self._full

    @contextlib.contextmanager
    def spool(self) -> Iterator[IO[bytes]]:
        """A file without a name, beside the archive: /tmp may be memory. Raises UsageError."""
        self.check()
        try:
            file = tempfile.TemporaryFile(dir=self._path.parent)  # noqa: SIM115
        except OSError as error:
            raise self._fail(error) from error
        try:
            yield file
        except OSError as error:  # what was still to be written of it
            raise self._fail(error) from error
        finally:
            with contextlib.suppress(OSError):
                file.close()

    def add(self, name: str, content: bytes) -> None:
        self.add_stream(name, io.BytesIO(content), len(content), int(time.time()))

    def add_stream(self, name: str, content: IO[bytes], size: int, mtime: float) -> None:
        member = tarfile.TarInfo(name)
        member.size, member.mtime, member.mode = size, int(mtime), 0o600
        with self._lock:
            self.guarded(lambda: self._tar.addfile(member, content))
            self.files += 1

    def finish(self) -> None:
        """Close the archive and give it its name. Raises UsageError when the disk is full."""

        def close() -> None:
            self._tar.close()
            self._file.flush()
            os.fsync(self._file.fileno())
            self._file.close()
            self._part.replace(self._path)

        self.guarded(close)
        self._finished = True

    def guarded(self, write: Callable[[], object]) -> None:
        """Write something that belongs to the archive. Raises UsageError, then and ever after."""
        self.check()
        try:
            write()
        except OSError as error:
            raise self._fail(error) from error

    def _fail(self, error: OSError) -> UsageError:
        self._full = UsageError(
            f"{self._path} cannot be written: {error.strerror}.",
            "Free some room, or name another place with -o.",
        )
        self._stop.cancel()
        return self._full

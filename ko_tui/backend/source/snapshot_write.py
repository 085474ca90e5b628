"""Writing a .kosnap file: members stream into the archive as they come, the manifest goes last.

The file appears under its name only when it is whole.
"""

from __future__ import annotations

import hashlib
import os
import tempfile
import threading
import zipfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

import msgspec

from ko_tui.backend.source.snapshot_format import (
    MANIFEST,
    Failure,
    Manifest,
    Member,
    SavedObjects,
    SavedRun,
    SnapshotError,
)

IN_MEMORY = 4 << 20
"""Bytes of a member that is still arriving which are kept in memory; more wait in a temporary file."""
CHUNK = 1 << 20

Rewrite = Callable[[str, IO[bytes]], Iterator[bytes]]


class Writer:
    """Collects members from several threads; ``rewrite`` changes each member's content on its way in."""

    def __init__(self, stream: IO[bytes], rewrite: Rewrite | None = None, beside: str | None = None) -> None:
        self._beside = beside  # where members wait that are large: /tmp may be memory
        self._zip = zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED, compresslevel=6)
        self._rewrite = rewrite
        self._lock = threading.Lock()
        self._members: dict[str, Member] = {}
        self._count: dict[str, int] = {}
        self.objects: list[SavedObjects] = []
        self.runs: list[SavedRun] = []
        self.failed: list[Failure] = []

    def number(self, kind: str) -> int:
        """The next free number for members of a kind."""
        with self._lock:
            self._count[kind] = self._count.get(kind, 0) + 1
            return self._count[kind]

    def note(
        self,
        *,
        saved: SavedObjects | None = None,
        run: SavedRun | None = None,
        failure: Failure | None = None,
    ) -> None:
        """Add an entry to the manifest."""
        with self._lock:
            if saved is not None:
                self.objects.append(saved)
            if run is not None:
                self.runs.append(run)
            if failure is not None:
                self.failed.append(failure)

    @contextmanager
    def member(self, name: str) -> Iterator[IO[bytes]]:
        """A file to write a member's content to; it enters the archive when the block ends well."""
        with tempfile.SpooledTemporaryFile(IN_MEMORY, dir=self._beside) as waiting:
            yield waiting
            waiting.seek(0)
            self._store(name, waiting)

    def add(self, name: str, content: bytes) -> str:
        """A member from bytes; gives its name, "" for no bytes."""
        if not content:
            return ""
        with self.member(name) as stream:
            stream.write(content)
        return name

    def _store(self, name: str, content: IO[bytes]) -> None:
        parts = self._rewrite(name, content) if self._rewrite else iter(lambda: content.read(CHUNK), b"")
        digest, size = hashlib.sha256(), 0
        info = zipfile.ZipInfo(name)
        info.compress_type = zipfile.ZIP_DEFLATED
        with self._lock, self._zip.open(info, "w", force_zip64=True) as target:
            for part in parts:
                digest.update(part)
                size += len(part)
                target.write(part)
        self._members[name] = Member(size, digest.hexdigest())

    def close(self) -> None:
        """Close the archive, finished or not."""
        self._zip.close()

    def finish(self, manifest: Manifest) -> Manifest:
        """Write the manifest and close the archive; gives the manifest as written."""
        whole = msgspec.structs.replace(
            manifest,
            members=dict(sorted(self._members.items())),
            objects=tuple(self.objects),
            runs=tuple(self.runs),
            failed=tuple(self.failed),
        )
        self._zip.writestr(MANIFEST, msgspec.json.encode(whole), compress_type=zipfile.ZIP_DEFLATED)
        self._zip.close()
        return whole


@contextmanager
def writing(path: Path, rewrite: Rewrite | None = None) -> Iterator[Writer]:
    """A writer for ``path``, readable by its owner only. An unfinished file is removed. Raises SnapshotError."""
    try:
        handle, name = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)
    except OSError as error:
        raise SnapshotError(
            f"{path} cannot be written: {error.strerror}.", "Choose another place.", title="Not saved"
        ) from None
    unfinished = Path(name)
    try:
        with os.fdopen(handle, "wb") as stream:
            writer = Writer(stream, rewrite, str(path.parent))
            try:
                yield writer
            finally:
                writer.close()
        unfinished.replace(path)
    except OSError as error:
        raise SnapshotError(
            f"{path} cannot be written: {error.strerror or error}.",
            "Free some room, or name another place.",
            title="Not saved",
        ) from None
    finally:
        unfinished.unlink(missing_ok=True)

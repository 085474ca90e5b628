"""The .kosnap file: a zip archive with a manifest that names, measures and checks every member.

Reading trusts nothing: names, sizes and checksums are checked against the manifest and against limits, and
nothing is written to disk.
"""

from __future__ import annotations

import hashlib
import io
import re
import zipfile
import zlib
from pathlib import Path
from typing import IO

import msgspec

from ko_tui.backend.errors import KoError

FORMAT = "kosnap/1"
MANIFEST = "manifest.json"
MAX_MEMBERS = 20_000
MAX_MANIFEST = 64 << 20
MAX_TOTAL = 16 << 30
MAX_RATIO = 400
"""A member that grows more than this by unpacking is refused: text of OVN grows ten- to thirtyfold."""
RATIO_FROM = 1 << 20
_NAME = re.compile(r"(?:db/(?:nb|sb)\.db|objects/\d{1,6}\.json|exec/\d{1,6}\.(?:out|err))")


class SnapshotError(KoError):
    """A snapshot that cannot be read: not one, damaged, or not to be trusted."""

    title = "The snapshot cannot be read"
    exit_code = 2


class Member(msgspec.Struct, frozen=True):
    """A member's size in bytes and its SHA-256, both of the unpacked content."""

    size: int
    sha256: str


class SavedObjects(msgspec.Struct, frozen=True):
    """One kind of Kubernetes object: a member holding the items, or why there is none."""

    group: str
    version: str
    plural: str
    namespaced: bool = True
    member: str = ""
    complete: bool = True
    reason: str = ""


class SavedRun(msgspec.Struct, frozen=True):
    """The recorded end of one command in one pod."""

    namespace: str
    pod: str
    container: str
    argv: tuple[str, ...]
    exit_code: int
    out: str = ""
    err: str = ""
    duration_ms: float = 0.0


class Failure(msgspec.Struct, frozen=True):
    """Something that could not be saved, and why."""

    what: str
    reason: str


class Manifest(msgspec.Struct, frozen=True):
    """What a snapshot is and holds. ``taken_at`` is ISO 8601 in UTC."""

    format: str
    taken_at: str
    program: str = ""
    cluster: str = ""
    server: str = ""
    user: str = ""
    namespace: str = ""
    redacted: bool = False
    members: dict[str, Member] = {}
    objects: tuple[SavedObjects, ...] = ()
    runs: tuple[SavedRun, ...] = ()
    failed: tuple[Failure, ...] = ()


class Archive:
    """An open .kosnap file. Every method raises SnapshotError when the file is not what it should be."""

    def __init__(self, path: Path) -> None:
        self.name = path.name
        try:
            self._zip = zipfile.ZipFile(path)
            self._infos = self._checked_infos()
            self.manifest = self._read_manifest()
        except (
            OSError,
            zipfile.BadZipFile,
            zlib.error,
            EOFError,
            NotImplementedError,
            RuntimeError,
        ) as error:
            raise self._bad(f"{error}") from None
        self._check_members()

    def close(self) -> None:
        self._zip.close()

    def read(self, member: str) -> bytes:
        """A member's content, checked."""
        with self.open(member) as stream:
            content = stream.read()
            stream.finish()
        return content

    def open(self, member: str) -> CheckedStream:
        """A member as a stream that checks itself: size as it goes, checksum at its end."""
        expected = self.manifest.members.get(member)
        if expected is None:
            raise self._bad(f"it has no member {member}")
        try:
            return CheckedStream(self._zip.open(self._infos[member]), expected, f"{self.name}: {member}")
        except (OSError, zipfile.BadZipFile, zlib.error, NotImplementedError, RuntimeError) as error:
            raise self._bad(f"{member}: {error}") from None

    def _checked_infos(self) -> dict[str, zipfile.ZipInfo]:
        infos = self._zip.infolist()
        if len(infos) > MAX_MEMBERS:
            raise self._bad(f"it has {len(infos)} members")
        named: dict[str, zipfile.ZipInfo] = {}
        for info in infos:
            if info.filename != MANIFEST and not _NAME.fullmatch(info.filename):
                raise self._bad("it has a member whose name does not belong in a snapshot")
            if info.filename in named:
                raise self._bad(f"it has two members {info.filename}")
            if info.file_size > RATIO_FROM and info.file_size > MAX_RATIO * max(info.compress_size, 1):
                raise self._bad(f"its member {info.filename} would grow beyond all measure")
            named[info.filename] = info
        if sum(info.file_size for info in infos) > MAX_TOTAL:
            raise self._bad("its members are too large together")
        return named

    def _read_manifest(self) -> Manifest:
        info = self._infos.get(MANIFEST)
        if info is None:
            raise self._bad("it has no manifest")
        if info.file_size > MAX_MANIFEST:
            raise self._bad("its manifest is too large")
        with self._zip.open(info) as stream:
            content = stream.read(MAX_MANIFEST + 1)
        try:
            manifest = msgspec.json.decode(content, type=Manifest)
        except (msgspec.ValidationError, msgspec.DecodeError) as error:
            raise self._bad(f"its manifest makes no sense: {error}") from None
        if manifest.format != FORMAT:
            raise SnapshotError(
                f"{self.name} has the form {manifest.format[:40]!r}; this ko-tui reads {FORMAT}.",
                "Use the ko-tui that saved it, or a newer one.",
            )
        return manifest

    def _check_members(self) -> None:
        listed = self.manifest.members
        if missing := set(listed) - set(self._infos):
            raise self._bad(f"its member {min(missing)} is missing")
        if set(self._infos) - set(listed) - {MANIFEST}:
            raise self._bad("it has a member that its manifest does not name")
        for name, member in listed.items():
            if self._infos[name].file_size != member.size:
                raise self._bad(f"its member {name} has the wrong size")
        named = [o.member for o in self.manifest.objects] + [r.out for r in self.manifest.runs]
        named += [r.err for r in self.manifest.runs]
        if unknown := {n for n in named if n and n not in listed}:
            raise self._bad(f"its manifest speaks of {min(unknown)}, which it does not list")

    def _bad(self, what: str) -> SnapshotError:
        return SnapshotError(f"{self.name} is no whole snapshot: {what}.", "Save or copy it again.")


class CheckedStream(io.RawIOBase):
    """Bytes of a member; raises SnapshotError on more bytes than said, a wrong checksum or bad compression."""

    def __init__(self, inner: IO[bytes], expected: Member, name: str) -> None:
        self._inner = inner
        self._expected = expected
        self._name = name
        self._hash = hashlib.sha256()
        self._seen = 0

    def readable(self) -> bool:
        return True

    def read(self, size: int = -1) -> bytes:
        """At most ``size`` bytes; all that remain when negative."""
        left = self._expected.size - self._seen
        return self._take(self._inner.read, min(size, left) if size >= 0 else left)

    def readline(self, size: int | None = -1) -> bytes:
        """One line of at most ``size`` bytes."""
        left = self._expected.size - self._seen
        return self._take(self._inner.readline, min(size, left) if size is not None and size >= 0 else left)

    def _take(self, read: object, size: int) -> bytes:
        try:
            part: bytes = read(size) if size else b""  # type: ignore[operator]
        except (OSError, zipfile.BadZipFile, zlib.error, EOFError) as error:
            raise SnapshotError(f"{self._name} is damaged: {error}.", "Save or copy it again.") from None
        self._seen += len(part)
        self._hash.update(part)
        return part

    def finish(self) -> None:
        """Check that everything was read and is what was saved."""
        while self.read(1 << 20):
            pass
        if self._seen != self._expected.size or self._hash.hexdigest() != self._expected.sha256:
            raise SnapshotError(
                f"{self._name} is not what was saved: its checksum is wrong.", "Save or copy it again."
            )

    def close(self) -> None:
        self._inner.close()
        super().close()

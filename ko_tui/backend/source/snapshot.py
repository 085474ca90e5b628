"""A saved cluster as a source: a .kosnap file, or a database file alone."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Literal, NoReturn

import msgspec

from ko_tui.backend.errors import UsageError
from ko_tui.backend.source.interface import (
    Cancel,
    Capability,
    ExecResult,
    JsonObject,
    Listing,
    NotFound,
    NotInSnapshot,
    OnBytes,
    PodRef,
    Resource,
    SourceInfo,
    WatchEvent,
)
from ko_tui.backend.source.objects import KubeObject
from ko_tui.backend.source.ovsdb_file import Database, load, read
from ko_tui.backend.source.selectors import field_test, label_test
from ko_tui.backend.source.snapshot_format import Archive, SavedObjects, SavedRun, SnapshotError

DatabaseName = Literal["nb", "sb"]
_SCHEMAS: dict[str, DatabaseName] = {"OVN_Northbound": "nb", "OVN_Southbound": "sb"}
READING = frozenset({"get", "list", "watch"})
_objects = msgspec.json.Decoder(list[KubeObject])


def demo_path() -> str:
    """The file of the cluster that comes with ko-tui."""
    return str(Path(__file__).parent.parent.parent / "demo" / "demo.kosnap")


def open_snapshot(path: str | Path) -> SnapshotSource:
    """Open a .kosnap file, a backup of the northbound or southbound database, or a server's clustered file.

    Raises SnapshotError or DatabaseFileError; the databases themselves are read when they are first asked for.
    """
    file = Path(path)
    try:
        with file.open("rb") as stream:
            head = stream.read(8)
    except OSError as error:
        raise SnapshotError(f"{path} cannot be opened: {error.strerror}.", "Check its name.") from None
    if head.startswith(b"PK"):
        return SnapshotSource(file, Archive(file))
    if head.startswith(b"OVSDB "):
        return SnapshotSource(file, None)
    raise SnapshotError(
        f"{file.name} is neither a snapshot nor a database file.",
        "Give a .kosnap file, a backup of the NB or SB database, or a clustered .db file.",
    )


class SnapshotSource:
    """Implements ko_tui.backend.source.interface.Source from what was saved; what was not is NotInSnapshot."""

    def __init__(self, path: Path, archive: Archive | None) -> None:
        self.path = path
        self.archive = archive
        self._lock = threading.RLock()
        self._databases: dict[str, Database] = {}
        self._items: dict[str, list[KubeObject]] = {}
        self._kinds: dict[tuple[str, str], SavedObjects] = {}
        self._runs: dict[tuple[str, str, str, tuple[str, ...]], SavedRun] = {}
        if archive is not None:
            manifest = archive.manifest
            self._kinds = {(kind.group, kind.plural): kind for kind in manifest.objects}
            self._runs = {(r.namespace, r.pod, r.container, r.argv): r for r in manifest.runs}

    @property
    def info(self) -> SourceInfo:
        if self.archive is None:
            return SourceInfo("snapshot", self.path.name, cluster=self.path.name, namespace="default")
        manifest = self.archive.manifest
        return SourceInfo(
            "snapshot",
            self.path.name,
            cluster=manifest.cluster,
            server=manifest.server,
            user=manifest.user,
            namespace="default",
            taken_at=manifest.taken_at,
            extra={"failed": str(len(manifest.failed)), "redacted": "yes" if manifest.redacted else "no"},
        )

    @property
    def capabilities(self) -> frozenset[Capability]:
        return frozenset()

    def database(self, name: DatabaseName) -> Database:
        """The northbound (``nb``) or southbound (``sb``) database, read once. Raises NotInSnapshot."""
        with self._lock:
            if name not in self._databases:
                self._databases[name] = self._read_database(name)
            return self._databases[name]

    def sole_database(self) -> DatabaseName:
        """Which database a file holds that is a database itself. Raises SnapshotError for any other schema."""
        database = load(self.path)
        name = _SCHEMAS.get(database.name)
        if name is None:
            raise SnapshotError(f"{self.path.name} holds {database.name}, which is no OVN database.")
        with self._lock:
            self._databases.setdefault(name, database)
        return name

    def _read_database(self, name: DatabaseName) -> Database:
        if self.archive is None:
            database = load(self.path)
            if _SCHEMAS.get(database.name) != name:
                raise NotInSnapshot(
                    f"{self.path.name} holds {database.name}, not the {_long(name)} database.",
                    "Give a snapshot (.kosnap), which holds both.",
                )
            return database
        member = f"db/{name}.db"
        if member not in self.archive.manifest.members:
            raise NotInSnapshot(
                f"{self.path.name} does not hold the {_long(name)} database.", self._why(member)
            )
        with self.archive.open(member) as stream:
            database = read(stream, f"{self.path.name}: {member}")  # type: ignore[arg-type]
            stream.finish()
        return database

    def _why(self, what: str) -> str:
        assert self.archive is not None
        reasons = [f.reason for f in self.archive.manifest.failed if f.what == what]
        return f"When it was saved: {reasons[0]}" if reasons else ""

    # -- objects ----------------------------------------------------------------------------------------------

    def list(
        self,
        resource: Resource,
        *,
        namespace: str | None = None,
        label_selector: str = "",
        field_selector: str = "",
        cancel: Cancel | None = None,
        on_page: Callable[[Sequence[KubeObject]], None] | None = None,
        whole: bool = True,
    ) -> Listing:
        """See Source.list."""
        kind, items = self._saved(resource)
        labels, fields = label_test(label_selector), field_test(field_selector)
        found = [
            item
            for item in items
            if (namespace is None or item.namespace == namespace) and labels(item) and fields(item)
        ]
        if on_page is not None and found:
            on_page(found)
        return Listing(found, complete=kind.complete, reason=kind.reason)

    def get(self, resource: Resource, namespace: str, name: str) -> KubeObject:
        """See Source.get."""
        for item in self._saved(resource)[1]:
            if item.name == name and item.namespace == namespace:
                return item
        where = f"{namespace}/{name}" if namespace else name
        raise NotFound(f"The snapshot holds no {resource.plural} {where}.")

    def _saved(self, resource: Resource) -> tuple[SavedObjects, Sequence[KubeObject]]:
        kind = self._kinds.get((resource.group, resource.plural))
        if kind is None or not kind.member:
            reason = kind.reason if kind is not None else ""
            advice = f"When it was saved: {reason}" if reason else ""
            if self.archive is None:
                advice = (
                    "A database file alone has its rows (nbctl or sbctl: list, find, get and show), and a southbound "
                    "one its ports, pipelines and traces; ko-tui snapshot save keeps the rest too."
                )
            raise NotInSnapshot(f"{self.path.name} does not hold {resource.plural}.", advice)
        with self._lock:
            items = self._items.get(kind.member)
            if items is None:
                assert self.archive is not None
                try:
                    items = _objects.decode(self.archive.read(kind.member))
                except (msgspec.ValidationError, msgspec.DecodeError) as error:
                    raise SnapshotError(f"{self.path.name}: {kind.member} makes no sense: {error}.") from None
                self._items[kind.member] = items
        return kind, items

    def watch(
        self,
        resource: Resource,
        *,
        namespace: str | None = None,
        label_selector: str = "",
        resource_version: str = "",
        cancel: Cancel | None = None,
    ) -> Iterator[WatchEvent]:
        """Nothing changes in a snapshot: no events."""
        return iter(())

    # -- commands ---------------------------------------------------------------------------------------------

    def exec(
        self,
        pod: PodRef,
        argv: Sequence[str],
        *,
        stdin: bytes = b"",
        timeout: float = 30.0,
        cancel: Cancel | None = None,
        on_stdout: OnBytes | None = None,
        on_stderr: OnBytes | None = None,
        max_output: int = 256 * 1024 * 1024,
    ) -> ExecResult:
        """The recorded end of exactly this command in this container. Raises NotInSnapshot for any other."""
        words = tuple(argv)
        saved = self._runs.get((pod.namespace, pod.name, pod.container, words))
        if saved is None or stdin:
            raise NotInSnapshot(
                f"{self.path.name} does not hold the output of {' '.join(words[:6])} in {pod}.",
                "Run it on the live cluster.",
            )
        assert self.archive is not None
        out = self.archive.read(saved.out) if saved.out else b""
        err = self.archive.read(saved.err) if saved.err else b""
        for callback, content in ((on_stdout, out), (on_stderr, err)):
            if callback is not None and content:
                callback(content)
        return ExecResult(
            b"" if on_stdout else out, b"" if on_stderr else err, saved.exit_code, saved.duration_ms
        )

    def logs(
        self, pod: PodRef, *, tail: int = 200, since_seconds: int | None = None, previous: bool = False
    ) -> bytes:
        """Logs are not saved."""
        raise NotInSnapshot(f"Logs of {pod} are not in a snapshot.", "Read them on the live cluster.")

    # -- what needs a live cluster ------------------------------------------------------------------------------

    def create(self, resource: Resource, namespace: str, body: JsonObject) -> KubeObject:
        self._read_only()

    def patch(
        self, resource: Resource, namespace: str, name: str, body: JsonObject, *, subresource: str = ""
    ) -> KubeObject:
        self._read_only()

    def delete(self, resource: Resource, namespace: str, name: str) -> None:
        self._read_only()

    def _read_only(self) -> NoReturn:
        raise UsageError("A snapshot cannot be changed.", "Open the live cluster.")

    def may(
        self, verb: str, resource: Resource, *, namespace: str = "", name: str = "", subresource: str = ""
    ) -> bool:
        """Reading yes, the rest no."""
        return verb in READING and not subresource

    def close(self) -> None:
        if self.archive is not None:
            self.archive.close()


def _long(name: DatabaseName) -> str:
    return {"nb": "northbound", "sb": "southbound"}[name]

"""Objects with resource versions and the history that watches read.

An object is kept as its JSON, so that fifty thousand pods fit and a list is a join of bytes; who needs the
object gets a fresh decoded copy. Any thread may call; each change is one atomic step.
"""

from __future__ import annotations

import bisect
import threading
import uuid
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Literal

import msgspec

from tests.lab.api.kinds import Kind
from tests.lab.api.status import already_exists, conflict, gone, not_found

Object = dict[str, Any]
Key = tuple[str, str]
ChangeType = Literal["ADDED", "MODIFIED", "DELETED"]
HISTORY = 20_000


@dataclass(frozen=True, slots=True)
class Entry:
    """One version of one object. ``labels`` and ``fields`` are what selectors may ask for."""

    namespace: str
    name: str
    uid: str
    version: int
    labels: dict[str, str]
    fields: dict[str, str]
    raw: bytes

    @property
    def object(self) -> Object:
        """A copy of its own for the caller."""
        return msgspec.json.decode(self.raw)  # type: ignore[no-any-return]


@dataclass(frozen=True, slots=True)
class Change:
    """One step of the history; ``before`` is None for what is new."""

    version: int
    type: ChangeType
    kind: Kind
    entry: Entry
    before: Entry | None


@dataclass(slots=True)
class _Shelf:
    """All objects of one kind, their keys in the order that lists show."""

    entries: dict[Key, Entry] = field(default_factory=dict)
    keys: list[Key] = field(default_factory=list)


def now() -> str:
    return datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def at(item: Object, path: str) -> Any:
    """The value at a dotted path (``status.phase``); None when there is none."""
    found: Any = item
    for step in path.strip(".").split("."):
        if not isinstance(found, dict) or step not in found:
            return None
        found = found[step]
    return found


class Store:
    """The objects of one cluster."""

    def __init__(self) -> None:
        self._lock = threading.RLock()
        self._shelves: dict[tuple[str, str], _Shelf] = {}
        self._version = 1000
        self._oldest = 0
        self._history: list[Change] = []
        self._listeners: list[Callable[[Change], None]] = []

    # -- reading ------------------------------------------------------------------------------------------

    @property
    def version(self) -> int:
        with self._lock:
            return self._version

    @property
    def oldest(self) -> int:
        """Watches from before this version get 410."""
        with self._lock:
            return self._oldest

    def get(self, kind: Kind, namespace: str, name: str) -> Entry:
        """ApiError 404 when it is not there."""
        found = self.find(kind, namespace, name)
        if found is None:
            raise not_found(kind, name)
        return found

    def find(self, kind: Kind, namespace: str, name: str) -> Entry | None:
        with self._lock:
            return self._shelf(kind).entries.get((namespace if kind.namespaced else "", name))

    def all(self, kind: Kind, namespace: str = "", after: Key | None = None) -> tuple[list[Entry], int]:
        """Entries in key order (of one namespace when given, from behind ``after``), and the version they show."""
        with self._lock:
            shelf = self._shelf(kind)
            keys = shelf.keys
            first = bisect.bisect_right(keys, after) if after else 0
            if namespace:
                first = max(first, bisect.bisect_left(keys, (namespace, "")))
                last = bisect.bisect_left(keys, (namespace + "\0", ""))
            else:
                last = len(keys)
            return [shelf.entries[key] for key in keys[first:last]], self._version

    def since(self, kind: Kind, version: int) -> list[Change]:
        """Changes of a kind after ``version``; ApiError 410 when the history does not reach that far back."""
        with self._lock:
            if version < self._oldest:
                raise gone(version, self._oldest)
            first = bisect.bisect_right(self._history, version, key=lambda change: change.version)
            wanted = (kind.group, kind.plural)
            return [c for c in self._history[first:] if (c.kind.group, c.kind.plural) == wanted]

    # -- changing -----------------------------------------------------------------------------------------

    def create(self, kind: Kind, item: Object) -> Entry:
        """Store a new object; fills in uid, creationTimestamp, generation and version."""
        with self._lock:
            meta = item.setdefault("metadata", {})
            if not meta.get("name") and meta.get("generateName"):
                meta["name"] = meta["generateName"] + uuid.uuid4().hex[:5]
            namespace = meta.get("namespace", "") if kind.namespaced else ""
            if (namespace, meta["name"]) in self._shelf(kind).entries:
                raise already_exists(kind, meta["name"])
            meta.setdefault("uid", str(uuid.uuid4()))
            meta.setdefault("creationTimestamp", now())
            if "spec" in item:
                meta.setdefault("generation", 1)
            return self._put(kind, item, "ADDED")

    def load(self, kind: Kind, items: Iterable[Object]) -> None:
        """Store many new objects at once, before anybody watches."""
        with self._lock:
            shelf = self._shelf(kind)
            for item in items:
                meta = item["metadata"]
                meta.setdefault("uid", str(uuid.uuid4()))
                meta.setdefault("creationTimestamp", now())
                if "spec" in item:
                    meta.setdefault("generation", 1)
                self._version += 1
                entry = self._entry(kind, item)
                shelf.entries[entry.namespace, entry.name] = entry
            shelf.keys = sorted(shelf.entries)
            self._oldest = self._version

    def update(
        self, kind: Kind, namespace: str, name: str, change: Callable[[Object], Object | None]
    ) -> Entry:
        """Apply ``change`` to the present object as one step; it may edit in place or return a new object.

        A ``metadata.resourceVersion`` in the result that is not the present one is a conflict (409). A changed
        spec raises the generation. Nothing is written when nothing differs.
        """
        with self._lock:
            before = self.get(kind, namespace, name)
            old = before.object
            item = before.object
            item = change(item) or item
            meta = item.setdefault("metadata", {})
            asked = meta.get("resourceVersion")
            if asked and asked != str(before.version):
                raise conflict(kind, name)
            for key in ("uid", "creationTimestamp", "name", "namespace", "generation", "deletionTimestamp"):
                if key in old["metadata"]:
                    meta[key] = old["metadata"][key] if key != "deletionTimestamp" else meta.get(key)
                    if meta[key] is None:
                        meta[key] = old["metadata"][key]
            item.setdefault("apiVersion", old.get("apiVersion"))
            item.setdefault("kind", old.get("kind"))
            meta["resourceVersion"] = str(before.version)
            if item == old:
                return before
            if item.get("spec") != old.get("spec"):
                meta["generation"] = int(old["metadata"].get("generation", 0)) + 1
            return self._put(kind, item, "MODIFIED")

    def delete(self, kind: Kind, namespace: str, name: str) -> Entry:
        """Remove it at once; the last version is returned, and watches are told."""
        with self._lock:
            before = self.get(kind, namespace, name)
            item = before.object
            self._version += 1
            entry = self._entry(kind, item)
            shelf = self._shelf(kind)
            key = (entry.namespace, entry.name)
            del shelf.entries[key]
            del shelf.keys[bisect.bisect_left(shelf.keys, key)]
            self._record(Change(self._version, "DELETED", kind, entry, before))
            return entry

    def compact(self) -> int:
        """Forget the history, as etcd's compaction does; older watches and continue tokens get 410."""
        with self._lock:
            self._version += 1
            self._oldest = self._version
            self._history.clear()
            return self._oldest

    def listen(self, listener: Callable[[Change], None]) -> Callable[[], None]:
        """Call ``listener`` after each change, in the thread that made it; returns how to stop that."""
        with self._lock:
            self._listeners.append(listener)

        def stop() -> None:
            with self._lock:
                if listener in self._listeners:
                    self._listeners.remove(listener)

        return stop

    # -- within -------------------------------------------------------------------------------------------

    def _shelf(self, kind: Kind) -> _Shelf:
        return self._shelves.setdefault((kind.group, kind.plural), _Shelf())

    def _put(self, kind: Kind, item: Object, type_: ChangeType) -> Entry:
        self._version += 1
        entry = self._entry(kind, item)
        shelf = self._shelf(kind)
        key = (entry.namespace, entry.name)
        before = shelf.entries.get(key)
        shelf.entries[key] = entry
        if before is None:
            bisect.insort(shelf.keys, key)
        self._record(Change(self._version, type_, kind, entry, before))
        return entry

    def _entry(self, kind: Kind, item: Object) -> Entry:
        item.setdefault("apiVersion", kind.api_version)
        item.setdefault("kind", kind.kind)
        meta = item["metadata"]
        meta["resourceVersion"] = str(self._version)
        namespace = meta.get("namespace", "") if kind.namespaced else ""
        wanted = {path: at(item, path) for path in kind.fields}
        return Entry(
            namespace,
            meta["name"],
            meta["uid"],
            self._version,
            meta.get("labels") or {},
            {path: _text(value) for path, value in wanted.items() if value is not None},
            msgspec.json.encode(item),
        )

    def _record(self, change: Change) -> None:
        self._history.append(change)
        if len(self._history) > HISTORY:
            cut = len(self._history) // 2
            self._oldest = self._history[cut - 1].version
            del self._history[:cut]
        for listener in list(self._listeners):
            listener(change)


def _text(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)

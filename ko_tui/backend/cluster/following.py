"""An inventory kept up to date: its kinds are watched, and what changes comes in batches.

One thread watches each kind. A history that is gone (410) is mended by a new list, compared with what was known.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from itertools import chain
from queue import Empty, SimpleQueue
from typing import Literal

from ko_tui.backend.cluster.inventory import ROWS_OF, ListedInventory, object_of
from ko_tui.backend.errors import ClusterError, KoError
from ko_tui.backend.source.interface import Cancel, Resource, Source
from ko_tui.backend.tracing.model import Endpoint, Inventory

BATCH = 0.5  # seconds between two batches: who shows them repaints no oftener
BURST = 0.03  # seconds that a batch waits for what comes together
RELIST = 5.0  # seconds after which a list that failed is asked again
TELL_FROM = 2  # a connection that comes back at the first attempt is not worth a word


@dataclass(frozen=True, slots=True)
class InventoryNews:
    """What happened to an inventory.

    ``changed``: ``objects`` are the endpoints of each changed object now, by :func:`object_of`; none when it is gone.
    ``lost``: the connection of the kind ``what`` failed for ``error`` and is tried again after ``retry`` seconds;
    ``back``: all hold again. ``unwatched``: that kind cannot be watched, for ``error``; it stays as it was listed.
    """

    kind: Literal["changed", "lost", "back", "unwatched"]
    objects: Mapping[str, tuple[Endpoint, ...]] = field(default_factory=dict)
    what: str = ""
    error: KoError | None = None
    retry: float = 0.0


class Following:
    """Follows one inventory; iterate over it once. :attr:`inventory` is the newest, with all changes so far."""

    def __init__(self, source: Source, inventory: Inventory, cancel: Cancel) -> None:
        self._source, self._cancel = source, cancel
        self._versions = inventory.versions if isinstance(inventory, ListedInventory) else {}
        self._first = inventory
        self._known: dict[str, tuple[Endpoint, ...]] = {}
        self._news: SimpleQueue[InventoryNews | None] = SimpleQueue()
        self._lock = threading.Lock()
        self._down: set[str] = set()
        self._newest: tuple[Endpoint, ...] | None = None
        self._begun = False

    @property
    def inventory(self) -> Inventory:
        """All endpoints as they are now. Put together only when it is asked for."""
        with self._lock:
            if self._newest is None:
                self._newest = tuple(chain.from_iterable(self._known.values()))
            return Inventory(self._newest, time.time(), self._first.complete, self._first.problems)

    @property
    def holds(self) -> bool:
        """Whether the news come, of all kinds that can be watched."""
        return self._begun and not self._down

    def __iter__(self) -> Iterator[InventoryNews]:
        for endpoint in self._first.endpoints:
            name = object_of(endpoint)
            known = self._known.get(name)
            self._known[name] = (endpoint,) if known is None else (*known, endpoint)
        self._begun = True
        watched = [r for r in ROWS_OF if r.plural in self._versions]
        for resource in watched:
            threading.Thread(
                target=self._watch, args=(resource,), name=f"watch-{resource.plural}", daemon=True
            ).start()
        self._cancel.on_cancel(lambda: self._news.put(None))
        ended, shown = 0, 0.0
        while ended < len(watched) and not self._cancel.cancelled:
            news = self._news.get()
            if news is None:
                ended += 1
                continue
            if news.kind != "changed":
                yield news
                continue
            objects = dict(news.objects)
            ends = max(time.monotonic() + BURST, shown + BATCH)
            later: list[InventoryNews | None] = []
            while (left := ends - time.monotonic()) > 0 and not later:
                try:
                    more = self._news.get(timeout=left)
                except Empty:
                    break
                if more is not None and more.kind == "changed":
                    objects.update(more.objects)
                else:
                    later.append(more)
            with self._lock:
                for name, endpoints in objects.items():
                    if endpoints:
                        self._known[name] = endpoints
                    else:
                        self._known.pop(name, None)
                self._newest = None
            shown = time.monotonic()
            yield InventoryNews("changed", objects)
            for other in later:
                if other is None:
                    ended += 1
                else:
                    yield other

    # -- one kind, in its own thread --------------------------------------------------------------------------

    def _watch(self, resource: Resource) -> None:
        version: str | None = self._versions[resource.plural]
        try:
            while version is not None and not self._cancel.cancelled:
                version = self._from(resource, version)
        except KoError as error:
            self._given_up(resource, error)
        except Exception as error:  # in a thread of its own nobody else would tell of it but the terminal
            self._given_up(resource, ClusterError(f"{type(error).__name__}: {error}"))
        finally:
            self._news.put(None)

    def _given_up(self, resource: Resource, error: KoError) -> None:
        if not self._cancel.cancelled:
            self._news.put(InventoryNews("unwatched", what=resource.plural, error=error))

    def _from(self, resource: Resource, version: str) -> str | None:
        """Watch from a version on; gives the version of a new list when the history is gone, None at the end."""
        attempts = 0
        for event in self._source.watch(resource, resource_version=version, cancel=self._cancel):
            if event.type == "RESYNC":
                return self._list_again(resource)
            if event.type == "LOST":
                attempts += 1
                if attempts >= TELL_FROM:
                    self._lost(resource, event.error, event.retry)
            elif event.type == "BACK":
                attempts = 0
                self._back(resource)
            elif event.object is not None:
                endpoints = tuple(ROWS_OF[resource](event.object))
                gone = event.type == "DELETED"
                name = object_of(endpoints[0])
                self._news.put(InventoryNews("changed", {name: () if gone else endpoints}))
        return None

    def _lost(self, resource: Resource, error: KoError | None, retry: float) -> None:
        with self._lock:
            self._down.add(resource.plural)
        self._news.put(InventoryNews("lost", what=resource.plural, error=error, retry=retry))

    def _back(self, resource: Resource) -> None:
        with self._lock:
            was = resource.plural in self._down
            self._down.discard(resource.plural)
            all_hold = not self._down
        if was and all_hold:
            self._news.put(InventoryNews("back"))

    def _list_again(self, resource: Resource) -> str | None:
        """List the kind anew and tell what is other than it was; gives the new version."""
        while not self._cancel.cancelled:
            try:
                listing = self._source.list(resource, cancel=self._cancel)
            except KoError as error:
                self._lost(resource, error, RELIST)
                if self._cancel.wait(RELIST):
                    return None
                continue
            now: dict[str, tuple[Endpoint, ...]] = {}
            for item in listing.items:
                endpoints = tuple(ROWS_OF[resource](item))
                now[object_of(endpoints[0])] = endpoints
            with self._lock:
                known = {n: e for n, e in self._known.items() if _kind(e[0]) == resource.plural}
            changed = {name: endpoints for name, endpoints in now.items() if known.get(name) != endpoints}
            if listing.complete:
                changed |= dict.fromkeys(known.keys() - now.keys(), ())
            if changed:
                self._news.put(InventoryNews("changed", changed))
            self._back(resource)
            return listing.resource_version
        return None


def _kind(endpoint: Endpoint) -> str:
    return {"node": "nodes", "service": "services"}.get(endpoint.kind, "pods")

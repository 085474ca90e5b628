"""Watches: the changes of a kind as a stream of JSON lines."""

from __future__ import annotations

import asyncio
import contextlib
from dataclasses import dataclass
from typing import Any

import msgspec
from aiohttp import web

from tests.lab.api import forms, selectors
from tests.lab.api.faults import Faults
from tests.lab.api.kinds import Kind
from tests.lab.api.route import Route
from tests.lab.api.status import ApiError
from tests.lab.api.store import Change, Entry, Store

BOOKMARK_EVERY = 10.0
DEFAULT_SECONDS = 1800


@dataclass(frozen=True, slots=True)
class _Watch:
    """What one client asked for."""

    kind: Kind
    namespace: str
    labels: selectors.Test
    fields: selectors.Test
    form: forms.Form
    include: str

    def sees(self, entry: Entry | None) -> bool:
        if entry is None or (self.namespace and entry.namespace != self.namespace):
            return False
        return self.labels(entry.labels) and self.fields(entry.fields)

    def event(self, change: Change) -> tuple[str, Entry] | None:
        """What this client is told: an object that begins or ceases to match is ADDED or DELETED for it."""
        before, after = self.sees(change.before), self.sees(change.entry)
        if change.type == "DELETED":
            return ("DELETED", change.entry) if before else None
        if after:
            return ("MODIFIED" if before else "ADDED"), change.entry
        return ("DELETED", change.entry) if before else None

    def line(self, type_: str, entry: Entry, headers: bool) -> bytes:
        if self.form == "table":
            meta = {"resourceVersion": str(entry.version)}
            shown = msgspec.json.encode(forms.table(self.kind, [entry], meta, self.include, headers))
        elif self.form == "metadata":
            shown = forms.metadata_only(entry)
        else:
            shown = entry.raw
        return b'{"type":"' + type_.encode() + b'","object":' + shown + b"}\n"

    def bookmark(self, version: int) -> bytes:
        item: dict[str, Any] = {
            "kind": self.kind.kind,
            "apiVersion": self.kind.api_version,
            "metadata": {"resourceVersion": str(version), "creationTimestamp": None},
        }
        if self.form != "whole":
            item |= {"kind": "PartialObjectMetadata", "apiVersion": "meta.k8s.io/v1"}
        if self.form == "table":
            row = {"cells": [], "object": item}
            meta = {"resourceVersion": str(version)}
            item = {"kind": "Table", "apiVersion": "meta.k8s.io/v1", "metadata": meta, "rows": [row]}
        return msgspec.json.encode({"type": "BOOKMARK", "object": item}) + b"\n"


async def watch(
    request: web.Request, route: Route, kind: Kind, store: Store, faults: Faults
) -> web.StreamResponse:
    """Answer a watch until the client goes, ``timeoutSeconds`` are over, or a fault ends it."""
    query = request.query
    field_selector = query.get("fieldSelector", "")
    if route.name:
        field_selector = f"metadata.name={route.name}"
    form, media = forms.wanted_form(request.headers.get("Accept", ""))
    wanted = _Watch(
        kind,
        route.namespace,
        selectors.labels(query.get("labelSelector", "")),
        selectors.fields(field_selector, kind),
        form,
        query.get("includeObject", "Metadata"),
    )
    asked = query.get("resourceVersion", "")
    try:
        cursor = int(asked or 0)
    except ValueError:
        raise ApiError(
            400, f"resourceVersion: Invalid value: {asked!r}: strconv.ParseUint: parsing"
        ) from None
    first: list[Entry] = []
    if not cursor:
        first, cursor = store.all(kind, route.namespace)
    loop, changed = asyncio.get_running_loop(), asyncio.Event()

    def on_change(change: Change) -> None:
        if (change.kind.group, change.kind.plural) == (kind.group, kind.plural):
            with contextlib.suppress(RuntimeError):  # the loop may be closing
                loop.call_soon_threadsafe(changed.set)

    stop = store.listen(on_change)
    response = web.StreamResponse(headers={"Content-Type": media, "Transfer-Encoding": "chunked"})
    try:
        await response.prepare(request)
        stream = _Stream(request, response, wanted, faults, route)
        for entry in first:
            if wanted.sees(entry):
                await stream.send("ADDED", entry)
        seconds = float(query.get("timeoutSeconds") or DEFAULT_SECONDS)
        await _follow(stream, store, changed, cursor, seconds, query.get("allowWatchBookmarks") == "true")
    except ConnectionError:
        pass
    except _Ended:
        return response
    finally:
        stop()
    with contextlib.suppress(ConnectionError):
        await response.write_eof()
    return response


class _Ended(Exception):
    """A fault has ended the watch."""


class _Stream:
    """One client's stream, with the faults that may end it."""

    def __init__(
        self, request: web.Request, response: web.StreamResponse, wanted: _Watch, faults: Faults, route: Route
    ) -> None:
        self._request, self._response, self.wanted = request, response, wanted
        self._faults, self._path = faults, route.path
        self._drop = faults.take("drop_watch", path=route.path, verb="watch")
        self._gone = faults.take("gone_watch", path=route.path, verb="watch")
        self._sent = 0

    async def send(self, type_: str, entry: Entry) -> None:
        await self._response.write(self.wanted.line(type_, entry, self._sent == 0))
        self._sent += 1

    async def raw(self, line: bytes) -> None:
        await self._response.write(line)

    async def check(self) -> None:
        """Raise _Ended when a fault is due, also one that was added while the watch was open."""
        about = {"path": self._path, "verb": "watch"}
        self._drop = self._drop or self._faults.take("drop_watch", **about)
        self._gone = self._gone or self._faults.take("gone_watch", **about)
        if self._gone and self._sent >= self._gone.after:
            await self.error(
                ApiError(410, "The resourceVersion for the provided watch is too old.", "Expired")
            )
            await self._response.write_eof()
            raise _Ended
        if self._drop and self._sent >= self._drop.after:
            if self._request.transport:
                self._request.transport.abort()
            raise _Ended

    async def error(self, error: ApiError) -> None:
        await self._response.write(msgspec.json.encode({"type": "ERROR", "object": error.body()}) + b"\n")


async def _follow(
    stream: _Stream, store: Store, changed: asyncio.Event, cursor: int, seconds: float, bookmarks: bool
) -> None:
    loop = asyncio.get_running_loop()
    end, next_mark = loop.time() + seconds, loop.time() + BOOKMARK_EVERY
    while True:
        await stream.check()
        changed.clear()
        try:
            changes = store.since(stream.wanted.kind, cursor)
        except ApiError as error:
            await stream.error(error)
            return
        for change in changes:
            cursor = change.version
            told = stream.wanted.event(change)
            if told:
                await stream.send(*told)
                await stream.check()
        left = end - loop.time()
        if left <= 0:
            if bookmarks:
                await stream.raw(stream.wanted.bookmark(_seen_up_to(store, stream.wanted.kind, cursor)))
            return
        with contextlib.suppress(TimeoutError):
            # Half a second, so that a fault is noticed on a quiet watch too.
            await asyncio.wait_for(changed.wait(), min(left, 0.5))
        if bookmarks and loop.time() >= next_mark and not changed.is_set():
            next_mark = loop.time() + BOOKMARK_EVERY
            cursor = _seen_up_to(store, stream.wanted.kind, cursor)
            await stream.raw(stream.wanted.bookmark(cursor))


def _seen_up_to(store: Store, kind: Kind, cursor: int) -> int:
    """The newest version that a watch of this kind, told everything up to ``cursor``, has seen all of."""
    version = store.version
    return cursor if store.since(kind, cursor) else version

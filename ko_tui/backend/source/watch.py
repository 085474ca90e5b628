"""Watching a kind: one connection at a time, resumed from the last version seen, never in a hot loop."""

from __future__ import annotations

import random
import time
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal, cast

import msgspec
import urllib3
from urllib3.exceptions import HTTPError

from ko_tui.backend.errors import KoError
from ko_tui.backend.source.abort import Abort
from ko_tui.backend.source.interface import (
    ApiUnavailable,
    Cancel,
    Forbidden,
    NotAuthorised,
    NotFound,
    Resource,
    WatchEvent,
)
from ko_tui.backend.source.listing import collection, object_decoder
from ko_tui.backend.source.objects import KubeObject
from ko_tui.backend.source.refusals import Gone, Interrupted, StatusBody, decoded, refusal
from ko_tui.backend.source.rest import Rest

_CHUNK = 64 * 1024


@dataclass(frozen=True, slots=True)
class Pace:
    """Seconds. A connection that held for ``healthy`` resets the back-off."""

    first: float = 0.8
    most: float = 30.0
    healthy: float = 60.0
    read: float = 90.0
    server: int = 240


class _Line(msgspec.Struct, frozen=True):
    type: str = ""
    object: msgspec.Raw = msgspec.Raw(b"{}")


_LINE = msgspec.json.Decoder(_Line)
_STATUS = msgspec.json.Decoder(StatusBody)


def watch(
    rest: Rest,
    resource: Resource,
    namespace: str | None,
    label_selector: str,
    resource_version: str,
    cancel: Cancel | None,
    pace: Pace,
) -> Iterator[WatchEvent]:
    """Events from ``resource_version`` on; RESYNC when the server's history is gone, after which it goes on from
    the present; LOST and BACK around a failed connection. Ends when cancelled; raises Forbidden, NotFound and
    NotAuthorised, which waiting does not mend."""
    version = resource_version
    delay = pace.first
    lost = False
    with rest.abort(cancel) as abort:
        while not abort.triggered:
            started = time.monotonic()
            error: KoError | None = None
            try:
                for event in _connection(rest, resource, namespace, label_selector, version, abort, pace):
                    if event is None:  # the server took the watch
                        if lost:
                            lost = False
                            yield WatchEvent("BACK", None)
                        continue
                    version = event.resource_version or version
                    yield event
                    if abort.triggered:
                        return
            except Gone:
                version = ""
                yield WatchEvent("RESYNC", None)
            except (Forbidden, NotFound, NotAuthorised):
                raise
            except Interrupted:
                return
            except KoError as trouble:
                error = trouble  # the API server is away or busy: come back after a pause
            if time.monotonic() - started >= pace.healthy:
                delay = pace.first
            pause = delay * random.uniform(0.75, 1.25)
            if error is not None:
                lost = True
                yield WatchEvent("LOST", None, error=error, retry=pause)
            if abort.wait(pause):
                return
            delay = min(pace.most, delay * 2)


def _connection(
    rest: Rest,
    resource: Resource,
    namespace: str | None,
    label_selector: str,
    version: str,
    abort: Abort,
    pace: Pace,
) -> Iterator[WatchEvent | None]:
    """The events of one connection, until the server ends it; first None, when the server has taken it."""
    query = {
        "watch": "true",
        "allowWatchBookmarks": "true",
        "timeoutSeconds": str(pace.server + random.randint(0, 60)),
    }
    if version:
        query["resourceVersion"] = version
    if label_selector:
        query["labelSelector"] = label_selector
    what = f"watch {resource.plural}"
    response = rest.open("GET", collection(resource, namespace), query, read_timeout=pace.read, abort=abort)
    decoder = object_decoder(resource)
    try:
        if response.status >= 300:
            raise refusal(response.status, response.data, what)
        yield None
        for line in _lines(response):
            yield _event(line, decoder, what)
    except (HTTPError, OSError) as error:
        raise rest.failure(error, abort) from None
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise ApiUnavailable(f"The {what} brought a line that is no event: {error}.") from None
    finally:
        abort.attach(None)
        response.close()


def _lines(response: urllib3.BaseHTTPResponse) -> Iterator[bytes]:
    """Whole lines as they arrive. What is held over is joined once per line, however many pieces it came in."""
    held: list[bytes] = []
    for chunk in response.stream(_CHUNK):
        *whole, rest = chunk.split(b"\n")
        for line in whole:
            if held:
                held.append(line)
                line, held = b"".join(held), []
            if line.strip():
                yield line
        if rest:
            held.append(rest)


class _Mark(msgspec.Struct, frozen=True, rename="camel"):
    resource_version: str = ""


class _Bookmark(msgspec.Struct, frozen=True):
    """A bookmark has a version and little else: what other objects must have is null in it."""

    metadata: _Mark = msgspec.field(default_factory=_Mark)


_BOOKMARK = msgspec.json.Decoder(_Bookmark)


def _event(line: bytes, decoder: msgspec.json.Decoder[KubeObject], what: str) -> WatchEvent:
    read = _LINE.decode(line)
    if read.type == "ERROR":
        status = _STATUS.decode(read.object)
        raise refusal(status.code or 500, bytes(read.object), what)
    if read.type == "BOOKMARK":
        return WatchEvent("BOOKMARK", None, _BOOKMARK.decode(read.object).metadata.resource_version)
    if read.type not in ("ADDED", "MODIFIED", "DELETED"):
        raise ApiUnavailable(f"The {what} brought an event of the unknown type {read.type!r}.")
    found = decoded(decoder, bytes(read.object), what)
    return WatchEvent(
        cast(Literal["ADDED", "MODIFIED", "DELETED"], read.type), found, found.metadata.resource_version
    )

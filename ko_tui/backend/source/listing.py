"""Lists in pages, straight into structs.

Of pods, which a cluster has by the ten thousand, only the parts of ``spec`` and ``status`` that ko-tui reads are
decoded: fifty thousand cost under a second of processor time, as whole JSON seven.
"""

from __future__ import annotations

import contextlib
import gc
import threading
from collections.abc import Callable, Iterator, Sequence
from typing import Any, TypedDict

import msgspec

from ko_tui.backend.source.interface import Cancel, Listing, NotFound, Resource
from ko_tui.backend.source.objects import KubeObject
from ko_tui.backend.source.refusals import Gone, decoded
from ko_tui.backend.source.rest import Rest

PAGE = 500
RESTARTS = 2


class _Port(TypedDict, total=False):
    name: str
    containerPort: int
    protocol: str


class _Container(TypedDict, total=False):
    name: str
    image: str
    ports: list[_Port]


class _PodSpec(TypedDict, total=False):
    nodeName: str
    hostNetwork: bool
    serviceAccountName: str
    containers: list[_Container]


class _Address(TypedDict, total=False):
    ip: str


class _Condition(TypedDict, total=False):
    type: str
    status: str
    reason: str
    message: str
    lastTransitionTime: str | None


class _ContainerStatus(TypedDict, total=False):
    name: str
    ready: bool
    restartCount: int
    state: dict[str, Any]
    lastState: dict[str, Any]


class _PodStatus(TypedDict, total=False):
    phase: str
    reason: str
    message: str
    hostIP: str
    podIP: str
    podIPs: list[_Address]
    startTime: str | None
    conditions: list[_Condition]
    containerStatuses: list[_ContainerStatus]


class _Pod(KubeObject, frozen=True, rename="camel", gc=False):
    spec: _PodSpec = {}  # type: ignore[assignment]
    status: _PodStatus = {}  # type: ignore[assignment]


class _ListMetadata(
    msgspec.Struct, frozen=True, rename={"resource_version": "resourceVersion", "more": "continue"}
):
    resource_version: str = ""
    more: str = ""


class _Page(msgspec.Struct, frozen=True):
    metadata: _ListMetadata = msgspec.field(default_factory=_ListMetadata)
    items: list[KubeObject] | None = None


class _PodPage(msgspec.Struct, frozen=True):
    metadata: _ListMetadata = msgspec.field(default_factory=_ListMetadata)
    items: list[_Pod] | None = None


_PAGES = msgspec.json.Decoder(_Page)
_POD_PAGES = msgspec.json.Decoder(_PodPage)
_POD = msgspec.json.Decoder(_Pod)
_OBJECT = msgspec.json.Decoder(KubeObject)


def read_object(content: bytes, what: str) -> KubeObject:
    """One object, whole."""
    return decoded(_OBJECT, content, what)


_decoding = 0
_decoding_lock = threading.Lock()


@contextlib.contextmanager
def _without_collections() -> Iterator[None]:
    """No garbage collection while a page is decoded.

    What a page makes lives on and holds no cycles; looking through it over and over costs as much as decoding it.
    """
    global _decoding
    with _decoding_lock:
        _decoding += 1
        gc.disable()
    try:
        yield
    finally:
        with _decoding_lock:
            _decoding -= 1
            if not _decoding:
                gc.enable()


def object_decoder(resource: Resource) -> msgspec.json.Decoder[Any]:
    """The decoder for one object of a kind as lists and watches give it."""
    return _POD if (resource.group, resource.plural) == ("", "pods") else _OBJECT


def collection(resource: Resource, namespace: str | None) -> str:
    """The path of a kind's list."""
    from urllib.parse import quote

    scope = f"/namespaces/{quote(namespace, safe='')}" if resource.namespaced and namespace else ""
    return f"{resource.path}{scope}/{resource.plural}"


def list_all(
    rest: Rest,
    resource: Resource,
    namespace: str | None,
    label_selector: str,
    field_selector: str,
    cancel: Cancel | None,
    on_page: Callable[[Sequence[KubeObject]], None] | None,
    whole: bool = True,
) -> Listing:
    """All pages of a list. A ``continue`` token that expires under way (410) starts the list again; when that
    happens over and over, the answer is what came and says that it is incomplete."""
    pods = (resource.group, resource.plural) == ("", "pods")
    decoder: msgspec.json.Decoder[Any] = _POD_PAGES if pods else _PAGES
    query = {"limit": str(PAGE)}
    if label_selector:
        query["labelSelector"] = label_selector
    if field_selector:
        query["fieldSelector"] = field_selector
    path = collection(resource, namespace)
    for restart in range(RESTARTS + 1):
        items: list[KubeObject] = []
        version = more = ""
        if restart and on_page is not None:
            on_page(())
        try:
            while True:
                asked = {**query, "continue": more} if more else query
                content = rest.call("GET", path, asked, what=f"list {resource.plural}", cancel=cancel)
                with _without_collections():
                    page = decoded(decoder, content, f"list {resource.plural}")
                found: list[KubeObject] = page.items or []
                if whole or on_page is None:
                    items += found
                version, more = page.metadata.resource_version, page.metadata.more
                if on_page is not None and found:
                    on_page(found)
                if not more:
                    return Listing(items, version)
        except Gone as gone:
            if restart == RESTARTS or not more:
                return Listing(items, version, complete=False, reason=gone.what)
        except NotFound:
            raise NotFound(
                f"This cluster does not have {resource.plural} of {resource.group or 'the core group'}/"
                f"{resource.version}."
            ) from None
    raise AssertionError("unreachable")

"""Objects over HTTP: list, get, create, replace, patch, delete, scale, status."""

from __future__ import annotations

import base64
import json
from dataclasses import dataclass
from typing import Any

import msgspec
import yaml
from aiohttp import web

from tests.lab.api import forms, patch, selectors
from tests.lab.api.controllers import Controllers
from tests.lab.api.faults import Faults
from tests.lab.api.kinds import Kind
from tests.lab.api.route import Route
from tests.lab.api.status import ApiError, expired_continue, success
from tests.lab.api.store import Entry, Key, Object, Store

_COMPRESS_FROM = 128 * 1024


@dataclass(frozen=True, slots=True)
class Resources:
    """The handlers; ``controllers`` decide how deletions of pods and changes of workloads go on."""

    store: Store
    faults: Faults
    controllers: Controllers

    async def handle(self, request: web.Request, route: Route, kind: Kind) -> web.StreamResponse:
        """Any request for a resource but watch, exec and log."""
        if route.verb == "list":
            return self._list(request, route, kind)
        if route.verb == "deletecollection":
            return self._delete_all(request, route, kind)
        if route.verb == "create":
            return await self._create(request, route, kind)
        if route.subresource and route.subresource not in kind.subresources:
            raise ApiError(404, "the server could not find the requested resource")
        if route.subresource == "scale":
            return await self._scale(request, route, kind)
        if route.verb == "get":
            entry = self.store.get(kind, route.namespace, route.name)
            return self._one(request, kind, entry)
        if route.verb == "update":
            return await self._replace(request, route, kind)
        if route.verb == "patch":
            return await self._patch(request, route, kind)
        if route.verb == "delete":
            return await self._delete(request, route, kind)
        raise ApiError(405, "the server does not allow this method on the requested resource")

    # -- reading ------------------------------------------------------------------------------------------

    def _list(self, request: web.Request, route: Route, kind: Kind) -> web.Response:
        query = request.query
        limit = int(query.get("limit") or 0)
        after = self._continued(query.get("continue", ""), route)
        entries, version = self.store.all(kind, route.namespace, after)
        entries = chosen(entries, query.get("labelSelector", ""), query.get("fieldSelector", ""), kind)
        meta: dict[str, Any] = {"resourceVersion": str(version)}
        if limit and len(entries) > limit:
            last = entries[limit - 1]
            token = json.dumps({"v": "meta.k8s.io/v1", "rv": version, "start": [last.namespace, last.name]})
            meta["continue"] = base64.urlsafe_b64encode(token.encode()).decode()
            if not query.get("labelSelector") and not query.get("fieldSelector"):
                meta["remainingItemCount"] = len(entries) - limit
            entries = entries[:limit]
        form, media = forms.wanted_form(request.headers.get("Accept", ""))
        if form == "table":
            shown = forms.table(kind, entries, meta, query.get("includeObject", "Metadata"))
            return send(request, msgspec.json.encode(shown), media)
        head = {"kind": f"{kind.kind}List", "apiVersion": kind.api_version, "metadata": meta}
        if form == "metadata":
            head |= {"kind": "PartialObjectMetadataList", "apiVersion": "meta.k8s.io/v1"}
            items = [forms.metadata_only(entry) for entry in entries]
        else:
            items = [entry.raw for entry in entries]
        start = msgspec.json.encode(head)[:-1]
        return send(request, start + b',"items":[' + b",".join(items) + b"]}", media)

    def _continued(self, token: str, route: Route) -> Key | None:
        if not token:
            return None
        if self.faults.take("expired_continue", path=route.path, verb=route.verb):
            raise expired_continue()
        try:
            read = json.loads(base64.urlsafe_b64decode(token))
            version, start = int(read["rv"]), read["start"]
        except (ValueError, KeyError, TypeError):
            raise ApiError(400, "continue key is not valid: the token cannot be read") from None
        if version < self.store.oldest:
            raise expired_continue()
        return start[0], start[1]

    def _one(self, request: web.Request, kind: Kind, entry: Entry, code: int = 200) -> web.Response:
        form, media = forms.wanted_form(request.headers.get("Accept", ""))
        if form == "table":
            meta = {"resourceVersion": str(entry.version)}
            shown = forms.table(kind, [entry], meta, request.query.get("includeObject", "Metadata"))
            return send(request, msgspec.json.encode(shown), media, code)
        if form == "metadata":
            return send(request, forms.metadata_only(entry), media, code)
        return send(request, entry.raw, media, code)

    # -- changing -----------------------------------------------------------------------------------------

    async def _create(self, request: web.Request, route: Route, kind: Kind) -> web.Response:
        item = await read_body(request)
        if route.name:
            raise ApiError(405, "the server does not allow this method on the requested resource")
        return self._one(request, kind, self._new(request, route, kind, item), 201)

    def _new(self, request: web.Request, route: Route, kind: Kind, item: Object) -> Entry:
        if item.get("kind") not in (None, kind.kind):
            message = f"{item.get('apiVersion')}, Kind={item.get('kind')} does not match {kind.plural}"
            raise ApiError(400, f"the object provided is unrecognized: {message}")
        meta = item.setdefault("metadata", {})
        if not meta.get("name") and not meta.get("generateName"):
            details = {"kind": kind.kind, "causes": [{"field": "metadata.name"}]}
            message = (
                f'{kind.kind} "" is invalid: metadata.name: Required value: name or generateName is required'
            )
            raise ApiError(422, message, details=details)
        if kind.namespaced:
            if meta.get("namespace") not in (None, "", route.namespace):
                raise ApiError(400, "the namespace of the provided object does not match the request")
            meta["namespace"] = route.namespace
        for key in ("resourceVersion", "uid", "creationTimestamp"):
            meta.pop(key, None)
        if request.query.get("dryRun"):
            probe = Store()
            return probe.create(kind, item)
        self.controllers.defaults(kind, item)
        return self.store.create(kind, item)

    async def _replace(self, request: web.Request, route: Route, kind: Kind) -> web.Response:
        item = await read_body(request)

        def change(present: Object) -> Object:
            if route.subresource == "status":
                return present | {"status": item.get("status"), "metadata": _versioned(present, item)}
            kept = present.get("status")
            return item | ({"status": kept} if kept is not None and "status" in kind.subresources else {})

        return self._write(request, route, kind, change)

    async def _patch(self, request: web.Request, route: Route, kind: Kind) -> web.Response:
        media = request.content_type
        body = await read_body(request, any_type=True)
        if media == patch.STRATEGIC and kind.custom:
            message = "the body of the request was in an unknown format - accepted media types include: "
            raise ApiError(415, f"{message}{patch.JSON}, {patch.MERGE}, {patch.APPLY}")
        if media == patch.APPLY and self.store.find(kind, route.namespace, route.name) is None:
            return self._one(request, kind, self._new(request, route, kind, body), 201)

        def change(present: Object) -> Object:
            changed = patch.apply(media, present, body)
            if "status" in kind.subresources:
                if route.subresource == "status":
                    changed = present | {"status": changed.get("status")}
                elif "status" in present:
                    changed["status"] = present["status"]
            return changed

        return self._write(request, route, kind, change)

    def _write(self, request: web.Request, route: Route, kind: Kind, change: Any) -> web.Response:
        if request.query.get("dryRun"):
            entry = self.store.get(kind, route.namespace, route.name)
            item = change(entry.object)
            raw = msgspec.json.encode(item)
            entry = Entry(entry.namespace, entry.name, entry.uid, entry.version, {}, {}, raw)
        else:
            entry = self.store.update(kind, route.namespace, route.name, change)
        return self._one(request, kind, entry)

    async def _delete(self, request: web.Request, route: Route, kind: Kind) -> web.Response:
        options = await read_body(request) if request.can_read_body else {}
        entry = self.store.get(kind, route.namespace, route.name)
        wanted = (options.get("preconditions") or {}).get("uid")
        if wanted and wanted != entry.uid:
            message = f"the UID in the precondition ({wanted}) does not match the UID in record ({entry.uid})"
            raise ApiError(409, f"Precondition failed: {message}")
        if request.query.get("dryRun") or options.get("dryRun"):
            return self._one(request, kind, entry)
        grace = request.query.get("gracePeriodSeconds", options.get("gracePeriodSeconds"))
        left = self.controllers.delete(kind, entry, None if grace is None else int(grace))
        if left is not None:
            return self._one(request, kind, left)
        return send(request, msgspec.json.encode(success(kind, entry.name, entry.uid)), "application/json")

    def _delete_all(self, request: web.Request, route: Route, kind: Kind) -> web.Response:
        entries, version = self.store.all(kind, route.namespace)
        query = request.query
        entries = chosen(entries, query.get("labelSelector", ""), query.get("fieldSelector", ""), kind)
        for entry in entries:
            self.controllers.delete(kind, entry, None)
        head = {"kind": f"{kind.kind}List", "apiVersion": kind.api_version}
        head["metadata"] = {"resourceVersion": str(version)}  # type: ignore[assignment]
        body = {**head, "items": [entry.object for entry in entries]}
        return send(request, msgspec.json.encode(body), "application/json")

    async def _scale(self, request: web.Request, route: Route, kind: Kind) -> web.Response:
        entry = self.store.get(kind, route.namespace, route.name)
        if route.verb != "get":
            body = await read_body(request, any_type=True)
            if route.verb == "patch":
                body = patch.apply(request.content_type, _scale_of(entry.object), body)
            asked = (body.get("metadata") or {}).get("resourceVersion")

            def change(present: Object) -> None:
                present["spec"]["replicas"] = int((body.get("spec") or {}).get("replicas") or 0)
                if asked and route.verb == "update":
                    present["metadata"]["resourceVersion"] = asked

            entry = self.store.update(kind, route.namespace, route.name, change)
        return send(request, msgspec.json.encode(_scale_of(entry.object)), "application/json")


def _scale_of(item: Object) -> Object:
    meta, spec, status = item["metadata"], item.get("spec") or {}, item.get("status") or {}
    labels = (spec.get("selector") or {}).get("matchLabels") or {}
    return {
        "kind": "Scale",
        "apiVersion": "autoscaling/v1",
        "metadata": {
            k: meta[k] for k in ("name", "namespace", "uid", "resourceVersion", "creationTimestamp")
        },
        "spec": {"replicas": spec.get("replicas", 1)},
        "status": {
            "replicas": status.get("replicas", 0),
            "selector": ",".join(f"{k}={v}" for k, v in labels.items()),
        },
    }


def _versioned(present: Object, item: Object) -> Object:
    asked = (item.get("metadata") or {}).get("resourceVersion")
    return present["metadata"] | ({"resourceVersion": asked} if asked else {})


def chosen(entries: list[Entry], label_selector: str, field_selector: str, kind: Kind) -> list[Entry]:
    """Those that meet both selectors."""
    if label_selector:
        labelled = selectors.labels(label_selector)
        entries = [entry for entry in entries if labelled(entry.labels)]
    if field_selector:
        fielded = selectors.fields(field_selector, kind)
        entries = [entry for entry in entries if fielded(entry.fields)]
    return entries


async def read_body(request: web.Request, any_type: bool = False) -> Any:
    """The JSON or YAML body; ApiError 415 for protobuf and others, 400 when it cannot be read."""
    content = await request.read()
    if content.startswith(b"k8s\0") or "protobuf" in request.content_type:
        raise ApiError(
            415, "the body of the request was in an unknown format: this server reads JSON and YAML"
        )
    if not content:
        return {}
    try:
        if "yaml" in request.content_type:
            return yaml.safe_load(content)
        item = msgspec.json.decode(content)
    except (msgspec.DecodeError, yaml.YAMLError) as error:
        raise ApiError(400, f"error decoding the body: {error}") from None
    if not any_type and not isinstance(item, dict):
        raise ApiError(400, "the object provided is unrecognized: an object is expected")
    return item


def send(request: web.Request, body: bytes, media: str, code: int = 200) -> web.Response:
    """The answer; like the real server, only big ones are compressed."""
    response = web.Response(body=body, status=code, headers={"Content-Type": media})
    if len(body) > _COMPRESS_FROM and "gzip" in request.headers.get("Accept-Encoding", ""):
        response.enable_compression(web.ContentCoding.gzip)
    return response

"""What the server says of itself: version, groups, resources, and as much OpenAPI as kubectl's validation asks for."""

from __future__ import annotations

from typing import Any

from aiohttp import web

from tests.lab.api.kinds import VERBS, Catalogue, Kind
from tests.lab.api.resources import send
from tests.lab.api.status import ApiError
from tests.lab.api.store import Object

VERSION = {
    "major": "1", "minor": "32", "gitVersion": "v1.32.4", "gitCommit": "59526cd4867447956156ae3a602fcbac10a2c335",
    "gitTreeState": "clean", "buildDate": "2025-04-22T15:58:20Z", "goVersion": "go1.23.6", "compiler": "gc",
    "platform": "linux/amd64",
}  # fmt: skip
AGGREGATED = "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList"
_REVIEWS = {
    "authorization.k8s.io": ("SelfSubjectAccessReview", "SelfSubjectRulesReview", "SubjectAccessReview"),
    "authentication.k8s.io": ("SelfSubjectReview",),
}
# kind of the object that a subresource takes, and its verbs
_SUBRESOURCES = {
    "status": ("", ["get", "patch", "update"]),
    "scale": ("Scale", ["get", "patch", "update"]),
    "log": ("Pod", ["get"]),
    "exec": ("PodExecOptions", ["create", "get"]),
}


def answer(request: web.Request, catalogue: Catalogue) -> web.Response:
    """Discovery of any path that is no resource; ApiError 404 for others."""
    import msgspec

    parts = request.path.strip("/").split("/")
    media = "application/json"
    body: Any
    if parts == ["version"]:
        body = VERSION
    elif parts[0] in ("healthz", "livez", "readyz"):
        return web.Response(text="ok")
    elif parts in (["api"], ["apis"]) and "APIGroupDiscoveryList" in request.headers.get("Accept", ""):
        body, media = _aggregated(catalogue, core=parts == ["api"]), AGGREGATED
    elif parts == ["api"]:
        body = {"kind": "APIVersions", "versions": ["v1"], "serverAddressByClientCIDRs": []}
    elif parts == ["apis"]:
        body = {
            "kind": "APIGroupList",
            "apiVersion": "v1",
            "groups": [_group(g, v) for g, v in _named(catalogue)],
        }
    elif parts[0] == "apis" and len(parts) == 2:
        found = dict(_named(catalogue)).get(parts[1])
        if found is None:
            raise ApiError(404, "the server could not find the requested resource")
        body = {"kind": "APIGroup", "apiVersion": "v1", **_group(parts[1], found)}
    elif parts[0] in ("api", "apis") and len(parts) == (2 if parts[0] == "api" else 3):
        body = _resources(catalogue, "" if parts[0] == "api" else parts[1], parts[-1])
    elif parts[:2] == ["openapi", "v3"]:
        body = _openapi(catalogue, parts[2:])
    else:
        raise ApiError(404, "the server could not find the requested resource")
    return send(request, msgspec.json.encode(body), media)


def _named(catalogue: Catalogue) -> list[tuple[str, list[str]]]:
    groups = {g: v for g, v in catalogue.groups().items() if g}
    return [*groups.items(), *((g, ["v1"]) for g in _REVIEWS)]


def _group(group: str, versions: list[str]) -> Object:
    listed = [{"groupVersion": f"{group}/{v}", "version": v} for v in versions]
    return {"name": group, "versions": listed, "preferredVersion": listed[0]}


def _resources(catalogue: Catalogue, group: str, version: str) -> Object:
    rows: list[Object] = []
    for kind in catalogue:
        if (kind.group, kind.version) != (group, version):
            continue
        rows.append(
            {
                "name": kind.plural, "singularName": kind.singular, "namespaced": kind.namespaced,
                "kind": kind.kind, "verbs": list(VERBS), "shortNames": list(kind.short),
                "categories": list(kind.categories),
            }
        )  # fmt: skip
        for sub in kind.subresources:
            as_kind, verbs = _SUBRESOURCES[sub]
            row = {
                "name": f"{kind.plural}/{sub}", "singularName": "", "namespaced": kind.namespaced,
                "kind": as_kind or kind.kind, "verbs": verbs,
            }  # fmt: skip
            if sub == "scale":
                row |= {"group": "autoscaling", "version": "v1"}
            rows.append(row)
    for review in _REVIEWS.get(group, ()):
        rows.append(
            {
                "name": review.lower() + "s", "singularName": review.lower(), "namespaced": False,
                "kind": review, "verbs": ["create"],
            }
        )  # fmt: skip
    if not rows:
        raise ApiError(404, "the server could not find the requested resource")
    named = f"{group}/{version}" if group else version
    return {"kind": "APIResourceList", "apiVersion": "v1", "groupVersion": named, "resources": rows}


def _aggregated(catalogue: Catalogue, core: bool) -> Object:
    items = []
    groups = [("", ["v1"])] if core else _named(catalogue)
    for group, versions in groups:
        items.append(
            {
                "metadata": {"name": group, "creationTimestamp": None},
                "versions": [
                    {
                        "version": version,
                        "freshness": "Current",
                        "resources": _discovered(
                            _resources(catalogue, group, version)["resources"], group, version
                        ),
                    }
                    for version in versions
                ],
            }
        )
    return {
        "kind": "APIGroupDiscoveryList", "apiVersion": "apidiscovery.k8s.io/v2", "metadata": {}, "items": items,
    }  # fmt: skip


def _discovered(rows: list[Object], group: str, version: str) -> list[Object]:
    found: dict[str, Object] = {}
    for row in rows:
        name, _, sub = row["name"].partition("/")
        kind = {"group": row.get("group", group), "version": row.get("version", version), "kind": row["kind"]}
        if sub:
            entry = {"subresource": sub, "responseKind": kind, "verbs": row["verbs"]}
            found[name].setdefault("subresources", []).append(entry)
        else:
            found[name] = {
                "resource": name, "responseKind": kind, "scope": "Namespaced" if row["namespaced"] else "Cluster",
                "singularResource": row["singularName"], "verbs": row["verbs"],
                "shortNames": row.get("shortNames", []), "categories": row.get("categories", []),
            }  # fmt: skip
    return list(found.values())


def _openapi(catalogue: Catalogue, parts: list[str]) -> Object:
    """kubectl looks for a PATCH operation with ``fieldValidation``; finding it, it leaves validation to the server."""
    if not parts:
        named = [("api/v1", "")] + [(f"apis/{g}/{v}", g) for g, vs in _named(catalogue) for v in vs]
        return {"paths": {path: {"serverRelativeURL": f"/openapi/v3/{path}?hash=1"} for path, _ in named}}
    group, version = ("", parts[1]) if parts[0] == "api" else (parts[1], parts[2])
    kinds = [k for k in catalogue if (k.group, k.version) == (group, version)]
    if not group:
        # kubectl asks for the kind of a file that holds a List, too.
        kinds.append(Kind("", "v1", "List", "lists", False))
    return {
        "openapi": "3.0.0",
        "info": {"title": "Kubernetes", "version": VERSION["gitVersion"]},
        "paths": {_path(k, parts): {"patch": _patch_operation(k)} for k in kinds},
        "components": {"schemas": {}},
    }


def _path(kind: Kind, parts: list[str]) -> str:
    scope = "/namespaces/{namespace}" if kind.namespaced else ""
    return f"/{'/'.join(parts)}{scope}/{kind.plural}/{{name}}"


def _patch_operation(kind: Kind) -> Object:
    parameters = [
        {"name": name, "in": "query", "schema": {"type": "string"}} for name in ("dryRun", "fieldValidation")
    ]
    return {
        "operationId": f"patch{kind.kind}",
        "parameters": parameters,
        "responses": {"200": {"description": "OK"}},
        "x-kubernetes-action": "patch",
        "x-kubernetes-group-version-kind": {
            "group": kind.group, "version": kind.version, "kind": kind.kind,
        },
    }  # fmt: skip

"""A request taken apart as the API server does it: which resource, which verb (RequestInfo)."""

from __future__ import annotations

from dataclasses import dataclass
from urllib.parse import unquote

from aiohttp import web

from tests.lab.api.kinds import Catalogue, Kind
from tests.lab.api.rbac import Ask

_VERBS = {
    "GET": "get",
    "HEAD": "get",
    "POST": "create",
    "PUT": "update",
    "PATCH": "patch",
    "DELETE": "delete",
}


@dataclass(frozen=True, slots=True)
class Route:
    """Where a request goes. ``kind`` is None when the path is no resource or the resource is unknown."""

    verb: str
    path: str
    group: str = ""
    version: str = ""
    namespace: str = ""
    plural: str = ""
    name: str = ""
    subresource: str = ""
    kind: Kind | None = None

    @property
    def is_resource(self) -> bool:
        return bool(self.plural)

    @property
    def ask(self) -> Ask:
        if not self.plural:
            return Ask(self.verb, path=self.path)
        return Ask(self.verb, self.group, self.plural, self.subresource, self.namespace, self.name)


def parse(request: web.Request, catalogue: Catalogue) -> Route:
    """Never fails; what cannot be a resource is a plain path."""
    # The raw path keeps %2F inside a name from becoming a separator.
    path = request.rel_url.raw_path
    parts = [unquote(part) for part in path.strip("/").split("/")]
    plain = Route(request.method.lower(), unquote(path))
    if parts[0] == "api" and len(parts) >= 3:
        group, version, rest = "", parts[1], parts[2:]
    elif parts[0] == "apis" and len(parts) >= 4:
        group, version, rest = parts[1], parts[2], parts[3:]
    else:
        return plain
    namespace = ""
    if rest[0] == "namespaces" and len(rest) >= 3 and rest[2] not in ("status", "finalize"):
        namespace, rest = rest[1], rest[2:]
    elif rest[0] == "namespaces" and len(rest) >= 2:
        namespace = rest[1]
    plural = rest[0]
    name = rest[1] if len(rest) > 1 else ""
    subresource = rest[2] if len(rest) > 2 else ""
    verb = _VERBS.get(request.method, request.method.lower())
    if not name:
        if verb == "get":
            verb = "watch" if request.query.get("watch") in ("1", "true") else "list"
        elif verb == "delete":
            verb = "deletecollection"
    kind = catalogue.find(group, version, plural)
    return Route(verb, unquote(path), group, version, namespace, plural, name, subresource, kind)

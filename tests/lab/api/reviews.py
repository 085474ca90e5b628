"""What may I do? SelfSubjectAccessReview, SelfSubjectRulesReview, SubjectAccessReview, SelfSubjectReview.

``kubectl auth can-i`` sends the first in protobuf, so the few fields of that message are read by hand.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import msgspec
from aiohttp import web

from tests.lab.api.identity import User
from tests.lab.api.rbac import Ask, Rbac
from tests.lab.api.resources import read_body
from tests.lab.api.status import ApiError
from tests.lab.api.store import Object

_KINDS = {
    "selfsubjectaccessreviews": "SelfSubjectAccessReview",
    "selfsubjectrulesreviews": "SelfSubjectRulesReview",
    "subjectaccessreviews": "SubjectAccessReview",
    "selfsubjectreviews": "SelfSubjectReview",
}
_RESOURCE = {1: "namespace", 2: "verb", 3: "group", 4: "version", 5: "resource", 6: "subresource", 7: "name"}


async def review(request: web.Request, plural: str, user: User, rbac: Rbac) -> web.Response | None:
    """The answer to a review; None when ``plural`` is no review."""
    kind = _KINDS.get(plural)
    if kind is None:
        return None
    body = await _body(request, kind)
    spec = body.get("spec") or {}
    if kind == "SelfSubjectRulesReview":
        status = _rules(spec.get("namespace", ""), user, rbac)
    elif kind == "SelfSubjectReview":
        status = {"userInfo": {"username": user.name, "groups": list(user.all_groups)}}
    else:
        if kind == "SubjectAccessReview":
            user = User(spec.get("user", ""), tuple(spec.get("groups") or ()))
        status = _access(spec, user, rbac)
    group = "authentication.k8s.io/v1" if kind == "SelfSubjectReview" else "authorization.k8s.io/v1"
    shown = {
        "kind": kind,
        "apiVersion": group,
        "metadata": {"creationTimestamp": None},
        "spec": spec,
        "status": status,
    }
    return web.Response(body=msgspec.json.encode(shown), status=201, content_type="application/json")


def _access(spec: Object, user: User, rbac: Rbac) -> Object:
    asked = spec.get("resourceAttributes")
    if asked:
        values = {k: "" if v == "*" and k in ("name", "namespace") else v for k, v in asked.items()}
        names = ("verb", "group", "resource", "subresource", "namespace", "name")
        ask = Ask(**{k: values.get(k, "") for k in names})
    else:
        plain = spec.get("nonResourceAttributes") or {}
        ask = Ask(plain.get("verb", ""), path=plain.get("path", ""))
    allowed = rbac.allows(user, ask)
    return {"allowed": allowed, **({"reason": "RBAC: allowed by a binding"} if allowed else {})}


def _rules(namespace: str, user: User, rbac: Rbac) -> Object:
    if "system:masters" in user.groups:
        rules: list[Any] = [
            {"verbs": ["*"], "apiGroups": ["*"], "resources": ["*"]},
            {"verbs": ["*"], "nonResourceURLs": ["*"]},
        ]
    else:
        rules = list(rbac.rules(user, namespace))
    return {
        "resourceRules": [r for r in rules if "resources" in r],
        "nonResourceRules": [r for r in rules if "nonResourceURLs" in r],
        "incomplete": False,
    }


async def _body(request: web.Request, kind: str) -> Object:
    content = await request.read()
    if not content.startswith(b"k8s\0"):
        body: Object = await read_body(request)
        return body
    if kind == "SelfSubjectReview":
        return {}
    try:
        message = dict(_fields(content[4:]))[2]
        parts = dict(_fields(message))
        spec = dict(_fields(parts[2]))
        if kind == "SelfSubjectRulesReview":
            return {"spec": {"namespace": spec.get(1, b"").decode()}}
        if kind != "SelfSubjectAccessReview":
            raise ApiError(415, "the body of the request was in an unknown format: protobuf")
        if 1 in spec:
            found = {_RESOURCE[n]: v.decode() for n, v in _fields(spec[1]) if n in _RESOURCE}
            return {"spec": {"resourceAttributes": found}}
        plain = dict(_fields(spec[2]))
        named = {"path": plain.get(1, b"").decode(), "verb": plain.get(2, b"").decode()}
        return {"spec": {"nonResourceAttributes": named}}
    except (KeyError, IndexError, ValueError):
        raise ApiError(400, "error decoding the protobuf body") from None


def _fields(message: bytes) -> Iterator[tuple[int, bytes]]:
    """Number and content of the length-delimited fields of a protobuf message; numbers are passed over."""
    at = 0
    while at < len(message):
        tag, at = _varint(message, at)
        if tag & 7 == 2:
            size, at = _varint(message, at)
            if at + size > len(message):
                raise ValueError("cut short")
            yield tag >> 3, message[at : at + size]
            at += size
        elif tag & 7 == 0:
            _, at = _varint(message, at)
        else:
            raise ValueError("unexpected wire type")


def _varint(message: bytes, at: int) -> tuple[int, int]:
    value = shift = 0
    while True:
        byte = message[at]
        at += 1
        value |= (byte & 127) << shift
        shift += 7
        if byte < 128:
            return value, at

"""The patch formats: JSON patch (RFC 6902), merge patch (RFC 7386), strategic merge, and a plain apply."""

from __future__ import annotations

import copy
from typing import Any

from tests.lab.api.status import ApiError

JSON = "application/json-patch+json"
MERGE = "application/merge-patch+json"
STRATEGIC = "application/strategic-merge-patch+json"
APPLY = "application/apply-patch+yaml"

# The list fields of the built-in kinds that merge by a key (patchMergeKey in k8s.io/api); other lists replace.
MERGE_KEYS = {
    "containers": "name",
    "initContainers": "name",
    "ephemeralContainers": "name",
    "env": "name",
    "volumes": "name",
    "volumeMounts": "mountPath",
    "volumeDevices": "devicePath",
    "imagePullSecrets": "name",
    "hostAliases": "ip",
    "conditions": "type",
    "addresses": "type",
    "ownerReferences": "uid",
    "podIPs": "ip",
    "secrets": "name",
    "taints": "key",
}
PRIMITIVE_MERGE = {"finalizers"}


def apply(media_type: str, item: dict[str, Any], body: Any) -> dict[str, Any]:
    """The patched copy of ``item``; ApiError 415 for an unknown format, 400/422 for a patch that does not fit."""
    target = copy.deepcopy(item)
    if media_type == JSON:
        if not isinstance(body, list):
            raise ApiError(400, "error decoding patch: a JSON patch is a list of operations")
        for step in body:
            target = _operation(target, step)
        return target
    if not isinstance(body, dict):
        raise ApiError(400, "error decoding patch: an object is expected")
    if media_type == STRATEGIC:
        return _strategic(target, body)
    if media_type in (MERGE, APPLY):
        return _merge(target, body)
    raise ApiError(415, f"the body of the request was in an unknown format: {media_type}")


def _merge(target: Any, change: Any) -> Any:
    if not isinstance(change, dict):
        return copy.deepcopy(change)
    result = target if isinstance(target, dict) else {}
    for key, value in change.items():
        if value is None:
            result.pop(key, None)
        else:
            result[key] = _merge(result.get(key), value)
    return result


# -- JSON patch -----------------------------------------------------------------------------------------------


def _operation(document: Any, step: dict[str, Any]) -> Any:
    name, path = step.get("op"), _pointer(step.get("path", ""))
    if name == "test":
        if _value(document, path) != step.get("value"):
            raise ApiError(
                422, f"the server rejected our request due to an error in our request: test {step}"
            )
        return document
    if name == "remove":
        return _remove(document, path)
    if name == "replace":
        _value(document, path)
        return _add(_remove(document, path), path, step.get("value")) if path else step.get("value")
    if name == "add":
        return _add(document, path, step.get("value"))
    if name in ("move", "copy"):
        source = _pointer(step.get("from", ""))
        value = copy.deepcopy(_value(document, source))
        if name == "move":
            document = _remove(document, source)
        return _add(document, path, value)
    raise ApiError(400, f"unexpected kind of patch operation: {name}")


def _pointer(text: str) -> list[str]:
    return [part.replace("~1", "/").replace("~0", "~") for part in text.split("/")[1:]]


def _step(parent: Any, key: str) -> Any:
    try:
        return parent[int(key)] if isinstance(parent, list) else parent[key]
    except (KeyError, IndexError, ValueError, TypeError):
        raise ApiError(422, f"the server rejected our request: no such path: {key}") from None


def _value(document: Any, path: list[str]) -> Any:
    for key in path:
        document = _step(document, key)
    return document


def _remove(document: Any, path: list[str]) -> Any:
    parent = _value(document, path[:-1])
    _step(parent, path[-1])
    del parent[int(path[-1]) if isinstance(parent, list) else path[-1]]
    return document


def _add(document: Any, path: list[str], value: Any) -> Any:
    if not path:
        return value
    parent = _value(document, path[:-1])
    if isinstance(parent, list):
        place = len(parent) if path[-1] == "-" else int(path[-1])
        parent.insert(place, value)
    elif isinstance(parent, dict):
        parent[path[-1]] = value
    else:
        raise ApiError(422, f"the server rejected our request: no such path: {'/'.join(path)}")
    return document


# -- strategic merge ------------------------------------------------------------------------------------------


def _strategic(target: dict[str, Any], change: dict[str, Any]) -> dict[str, Any]:
    directive = change.get("$patch")
    if directive == "replace":
        return {k: v for k, v in change.items() if k != "$patch"}
    if directive == "delete":
        return {}
    retained = change.get("$retainKeys")
    if retained is not None:
        target = {k: v for k, v in target.items() if k in retained}
    for key, value in change.items():
        if key.startswith("$deleteFromPrimitiveList/"):
            field = key.split("/", 1)[1]
            target[field] = [v for v in target.get(field, []) if v not in value]
        elif key.startswith("$"):
            continue
        elif value is None:
            target.pop(key, None)
        elif isinstance(value, dict):
            present = target.get(key)
            target[key] = _strategic(present if isinstance(present, dict) else {}, value)
        elif isinstance(value, list):
            target[key] = _list(key, target.get(key) or [], value)
        else:
            target[key] = value
    for key, order in change.items():
        if key.startswith("$setElementOrder/"):
            _reorder(target, key.split("/", 1)[1], order)
    return target


def _list(field: str, present: list[Any], change: list[Any]) -> list[Any]:
    keyed = _key_of(field, change + present)
    if keyed is None:
        if field in PRIMITIVE_MERGE:
            return present + [v for v in change if v not in present]
        return copy.deepcopy([v for v in change if not (isinstance(v, dict) and "$patch" in v)])
    if any(isinstance(v, dict) and v.get("$patch") == "replace" for v in change):
        return [v for v in change if v.get("$patch") != "replace"]
    result = list(present)
    for element in change:
        found = next((i for i, v in enumerate(result) if v.get(keyed) == element.get(keyed)), None)
        if element.get("$patch") == "delete":
            if found is not None:
                del result[found]
        elif found is None:
            result.append({k: v for k, v in element.items() if not k.startswith("$")})
        else:
            result[found] = _strategic(result[found], element)
    return result


def _key_of(field: str, elements: list[Any]) -> str | None:
    """The merge key of a list field; ports merge by containerPort in pods and by port in Services."""
    if not elements or not all(isinstance(element, dict) for element in elements):
        return None
    if field == "ports":
        return next((k for k in ("containerPort", "port") if all(k in e for e in elements)), None)
    return MERGE_KEYS.get(field)


def _reorder(target: dict[str, Any], field: str, order: list[Any]) -> None:
    present = target.get(field)
    if not isinstance(present, list):
        return
    keyed = _key_of(field, present)

    def place(element: Any) -> int:
        for index, wanted in enumerate(order):
            if element == wanted or (
                keyed and isinstance(wanted, dict) and wanted.get(keyed) == element.get(keyed)
            ):
                return index
        return len(order)

    target[field] = sorted(present, key=place)

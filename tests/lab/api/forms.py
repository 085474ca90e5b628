"""The forms in which objects are sent: whole, metadata only, or as the Table that kubectl prints."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any, Literal

import msgspec

from tests.lab.api.kinds import Column, Kind
from tests.lab.api.store import Entry, Object, at

Form = Literal["whole", "table", "metadata"]
Cells = Callable[[Object], list[Any]]


def wanted_form(accept: str) -> tuple[Form, str]:
    """The first form of an Accept header that is served, and its media type."""
    for part in accept.split(","):
        options = dict(p.strip().split("=", 1) for p in part.split(";")[1:] if "=" in p)
        kind = options.get("as", "")
        if options.get("g", "meta.k8s.io") == "meta.k8s.io" and options.get("v", "v1") == "v1":
            media = f"application/json;as={kind};v=v1;g=meta.k8s.io"
            if kind == "Table":
                return "table", media
            if kind in ("PartialObjectMetadata", "PartialObjectMetadataList"):
                return "metadata", media
        if not kind:
            break
    return "whole", "application/json"


def metadata_only(entry: Entry) -> bytes:
    partial = {"kind": "PartialObjectMetadata", "apiVersion": "meta.k8s.io/v1"}
    return msgspec.json.encode({**partial, "metadata": entry.object["metadata"]})


def table(
    kind: Kind, entries: list[Entry], meta: dict[str, Any], include: str, headers: bool = True
) -> Object:
    """A Table of ``entries``; ``include`` is None, Metadata (default) or Object, as includeObject has it."""
    columns, cells = _layout(kind)
    rows = []
    for entry in entries:
        item = entry.object
        row: Object = {"cells": cells(item)}
        if include == "Object":
            row["object"] = item
        elif include != "None":
            row["object"] = {
                "kind": "PartialObjectMetadata",
                "apiVersion": "meta.k8s.io/v1",
                "metadata": item["metadata"],
            }
        rows.append(row)
    definitions = [
        {
            "name": column.name,
            "type": "string" if column.type == "date" else column.type,
            "format": "name" if column.name == "Name" else "",
            "description": column.name,
            "priority": column.priority,
        }
        for column in columns
    ]
    return {
        "kind": "Table",
        "apiVersion": "meta.k8s.io/v1",
        "metadata": meta,
        "columnDefinitions": definitions if headers else None,
        "rows": rows,
    }


def age(stamp: str | None) -> str:
    """How long ago, as kubectl writes it (k8s.io/apimachinery duration.HumanDuration)."""
    if not stamp:
        return "<unknown>"
    then = datetime.fromisoformat(stamp.replace("Z", "+00:00"))
    seconds = max(0, int((datetime.now(UTC) - then).total_seconds()))
    minutes, hours, days = seconds // 60, seconds // 3600, seconds // 86400
    if seconds < 120:
        return f"{seconds}s"
    if minutes < 10:
        return f"{minutes}m{seconds % 60}s" if seconds % 60 else f"{minutes}m"
    if hours < 3:
        return f"{minutes}m"
    if hours < 8:
        return f"{hours}h{minutes % 60}m" if minutes % 60 else f"{hours}h"
    if hours < 48:
        return f"{hours}h"
    return f"{days}d"


# -- columns --------------------------------------------------------------------------------------------------


def _layout(kind: Kind) -> tuple[list[Column], Cells]:
    known = _BUILT_IN.get((kind.group, kind.plural))
    if known:
        return known
    name, aged = Column("Name", ".metadata.name"), Column("Age", ".metadata.creationTimestamp", "date")
    shown = [name, *kind.columns, aged]
    return shown, lambda item: [_cell(item, column) for column in shown]


def _cell(item: Object, column: Column) -> Any:
    value = at(item, column.path)
    if column.type == "date":
        return age(value)
    return (
        value if value is None or isinstance(value, str | int | bool) else msgspec.json.encode(value).decode()
    )


def _layout_of(names: str, cells: Cells) -> tuple[list[Column], Cells]:
    """Names apart by blanks; ``*`` marks what only -o wide shows."""
    columns = [
        Column(re.sub(r"_", " ", name.rstrip("*")), "", "string", 1 if name.endswith("*") else 0)
        for name in names.split()
    ]
    return columns, cells


def _pod(item: Object) -> list[Any]:
    status, spec, meta = item.get("status") or {}, item.get("spec") or {}, item["metadata"]
    states = status.get("containerStatuses") or []
    ready = sum(bool(s.get("ready")) for s in states)
    reason = status.get("reason") or status.get("phase") or "Unknown"
    for state in states:
        for how in ("waiting", "terminated"):
            found = (state.get("state") or {}).get(how)
            if found and found.get("reason"):
                reason = found["reason"]
    if meta.get("deletionTimestamp"):
        reason = "Terminating"
    return [
        meta["name"], f"{ready}/{len(spec.get('containers') or [])}", reason,
        str(sum(int(s.get("restartCount", 0)) for s in states)), age(meta.get("creationTimestamp")),
        status.get("podIP") or "<none>", spec.get("nodeName") or "<none>",
        status.get("nominatedNodeName") or "<none>", "<none>",
    ]  # fmt: skip


def _node(item: Object) -> list[Any]:
    status, meta = item.get("status") or {}, item["metadata"]
    info = status.get("nodeInfo") or {}
    addresses = {a["type"]: a["address"] for a in reversed(status.get("addresses") or [])}
    ready = any(c["type"] == "Ready" and c["status"] == "True" for c in status.get("conditions") or [])
    roles = [k.split("/", 1)[1] for k in meta.get("labels") or {} if k.startswith("node-role.kubernetes.io/")]
    state = "Ready" if ready else "NotReady"
    if at(item, "spec.unschedulable"):
        state += ",SchedulingDisabled"
    return [
        meta["name"], state, ",".join(sorted(roles)) or "<none>", age(meta.get("creationTimestamp")),
        info.get("kubeletVersion", ""), addresses.get("InternalIP", "<none>"),
        addresses.get("ExternalIP", "<none>"), info.get("osImage", ""), info.get("kernelVersion", ""),
        info.get("containerRuntimeVersion", ""),
    ]  # fmt: skip


def _workload(item: Object) -> list[Any]:
    status, meta = item.get("status") or {}, item["metadata"]
    wanted = at(item, "spec.replicas")
    return [
        meta["name"], f"{status.get('readyReplicas', 0)}/{wanted if wanted is not None else 1}",
        status.get("updatedReplicas", 0), status.get("availableReplicas", 0),
        age(meta.get("creationTimestamp")), *_template(item),
    ]  # fmt: skip


def _stateful(item: Object) -> list[Any]:
    cells = _workload(item)
    return [cells[0], cells[1], cells[4], cells[5], cells[6]]


def _replica_set(item: Object) -> list[Any]:
    status, meta = item.get("status") or {}, item["metadata"]
    return [
        meta["name"], at(item, "spec.replicas") or 0, status.get("replicas", 0),
        status.get("readyReplicas", 0), age(meta.get("creationTimestamp")), *_template(item),
    ]  # fmt: skip


def _daemon_set(item: Object) -> list[Any]:
    status, meta = item.get("status") or {}, item["metadata"]
    chosen = at(item, "spec.template.spec.nodeSelector") or {}
    return [
        meta["name"], status.get("desiredNumberScheduled", 0), status.get("currentNumberScheduled", 0),
        status.get("numberReady", 0), status.get("updatedNumberScheduled", 0),
        status.get("numberAvailable", 0), ",".join(f"{k}={v}" for k, v in chosen.items()) or "<none>",
        age(meta.get("creationTimestamp")), *_template(item),
    ]  # fmt: skip


def _template(item: Object) -> tuple[str, str, str]:
    containers = at(item, "spec.template.spec.containers") or []
    chosen = at(item, "spec.selector.matchLabels") or {}
    return (
        ",".join(c["name"] for c in containers),
        ",".join(c.get("image", "") for c in containers),
        ",".join(f"{k}={v}" for k, v in chosen.items()),
    )


def _service(item: Object) -> list[Any]:
    spec, meta = item.get("spec") or {}, item["metadata"]
    ports = ",".join(
        f"{p['port']}" + (f":{p['nodePort']}" if p.get("nodePort") else "") + f"/{p.get('protocol', 'TCP')}"
        for p in spec.get("ports") or []
    )
    chosen = ",".join(f"{k}={v}" for k, v in (spec.get("selector") or {}).items())
    return [
        meta["name"], spec.get("type", "ClusterIP"), spec.get("clusterIP") or "None", "<none>",
        ports or "<none>", age(meta.get("creationTimestamp")), chosen or "<none>",
    ]  # fmt: skip


def _slice(item: Object) -> list[Any]:
    ports = ",".join(str(p.get("port")) for p in item.get("ports") or [])
    found = [a for e in item.get("endpoints") or [] for a in e.get("addresses") or []]
    meta = item["metadata"]
    return [meta["name"], item.get("addressType"), ports, ",".join(found), age(meta.get("creationTimestamp"))]


def _crd(item: Object) -> list[Any]:
    return [item["metadata"]["name"], item["metadata"].get("creationTimestamp")]


_BUILT_IN: dict[tuple[str, str], tuple[list[Column], Cells]] = {
    ("", "pods"): _layout_of(
        "Name Ready Status Restarts Age IP* Node* Nominated_Node* Readiness_Gates*", _pod
    ),
    ("", "nodes"): _layout_of(
        "Name Status Roles Age Version Internal-IP* External-IP* OS-Image* Kernel-Version* Container-Runtime*",
        _node,
    ),
    ("", "namespaces"): _layout_of(
        "Name Status Age",
        lambda i: [i["metadata"]["name"], at(i, "status.phase"), age(i["metadata"].get("creationTimestamp"))],
    ),
    ("", "services"): _layout_of("Name Type Cluster-IP External-IP Port(s) Age Selector*", _service),
    ("apps", "deployments"): _layout_of(
        "Name Ready Up-to-date Available Age Containers* Images* Selector*", _workload
    ),
    ("apps", "statefulsets"): _layout_of("Name Ready Age Containers* Images*", _stateful),
    ("apps", "replicasets"): _layout_of(
        "Name Desired Current Ready Age Containers* Images* Selector*", _replica_set
    ),
    ("apps", "daemonsets"): _layout_of(
        "Name Desired Current Ready Up-to-date Available Node_Selector Age Containers* Images* Selector*",
        _daemon_set,
    ),
    ("discovery.k8s.io", "endpointslices"): _layout_of("Name AddressType Ports Endpoints Age", _slice),
    ("coordination.k8s.io", "leases"): _layout_of(
        "Name Holder Age",
        lambda i: [
            i["metadata"]["name"],
            at(i, "spec.holderIdentity"),
            age(i["metadata"].get("creationTimestamp")),
        ],
    ),
    ("apiextensions.k8s.io", "customresourcedefinitions"): _layout_of("Name Created_At", _crd),
}

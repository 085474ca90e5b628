"""Deployments, DaemonSets and StatefulSets: one step at a time towards their spec, and their status."""

from __future__ import annotations

import copy
import json
import zlib
from collections.abc import Iterable
from typing import TYPE_CHECKING

from tests.lab.api.kinds import Kind
from tests.lab.api.status import ApiError
from tests.lab.api.store import Entry, Object, at, now

if TYPE_CHECKING:
    from tests.lab.api.controllers import Controllers

HASH = "pod-template-hash"
REVISION = "controller-revision-hash"
WORD = "bcdfghjklmnpqrstvwxz2456789"


def template_hash(template: Object) -> str:
    """A short word for a pod template, in the alphabet of generated names."""
    number = zlib.crc32(json.dumps(template, sort_keys=True).encode())
    word = ""
    for _ in range(9):
        number, digit = divmod(number, len(WORD))
        word += WORD[digit]
    return word.rstrip("b") or "b"


def owner(item: Object, kind: str, api_version: str = "apps/v1") -> Object:
    """An ownerReference to ``item``."""
    meta = item["metadata"]
    return {
        "apiVersion": api_version, "kind": kind, "name": meta["name"], "uid": meta["uid"],
        "controller": True, "blockOwnerDeletion": True,
    }  # fmt: skip


def reconcile(controllers: Controllers) -> None:
    """One step for each workload."""
    pods = controllers.store.all(controllers.pods)[0]
    for name, step in (
        ("Deployment", _deployment),
        ("DaemonSet", _daemon_set),
        ("StatefulSet", _stateful_set),
    ):
        kind = controllers.catalogue.of(name)
        for entry in controllers.store.all(kind)[0]:
            try:
                step(controllers, kind, entry, pods)
            except ApiError:
                continue  # changed under way: the next pass sees it


class _Group:
    """The pods of one workload, seen against its present template."""

    def __init__(self, controllers: Controllers, entries: Iterable[Entry], label: str, wanted: str) -> None:
        self._controllers = controllers
        self.all = list(entries)
        self.alive = [e for e in self.all if not _terminating(e.object)]
        self.new = [e for e in self.alive if e.labels.get(label) == wanted]
        self.old = [e for e in self.alive if e.labels.get(label) != wanted]
        self.ready = [e for e in self.alive if _ready(e.object)]

    def remove(self, entry: Entry) -> None:
        self._controllers.delete(self._controllers.pods, entry, None)


def _owned(entries: Iterable[Entry], namespace: str, uids: set[str]) -> list[Entry]:
    return [
        e
        for e in entries
        if e.namespace == namespace
        and any(o.get("uid") in uids for o in e.object["metadata"].get("ownerReferences") or [])
    ]


def _terminating(pod: Object) -> bool:
    return bool(pod["metadata"].get("deletionTimestamp"))


def _ready(pod: Object) -> bool:
    return any(c["type"] == "Ready" and c["status"] == "True" for c in at(pod, "status.conditions") or [])


# -- Deployment -----------------------------------------------------------------------------------------------


def _deployment(controllers: Controllers, kind: Kind, entry: Entry, pods: list[Entry]) -> None:
    item = entry.object
    spec, store = item["spec"], controllers.store
    sets = controllers.catalogue.of("ReplicaSet")
    owned = [s for s in store.all(sets, entry.namespace)[0] if _owned([s], entry.namespace, {entry.uid})]
    wanted = template_hash(spec["template"])
    current = next((s for s in owned if s.labels.get(HASH) == wanted), None)
    if current is None:
        current = store.create(sets, _replica_set(item, wanted))
        owned.append(current)
    group = _Group(controllers, _owned(pods, entry.namespace, {s.uid for s in owned}), HASH, wanted)
    replicas = int(spec.get("replicas", 1))
    settled = len(group.ready) == len(group.alive) == len(group.all)
    if len(group.alive) > replicas:
        for extra in (group.old + group.new)[: len(group.alive) - replicas]:
            group.remove(extra)
    elif len(group.alive) < replicas:
        _fill(controllers, item, current, group, replicas - len(group.alive), wanted)
    elif group.old and settled:
        group.remove(group.old[0])
    _bind_waiting(controllers, item, group)
    for each in owned:
        count = sum(e.labels.get(HASH) == each.labels.get(HASH) for e in group.alive)
        _settle_set(controllers, sets, each, count, replicas if each is current else 0)
    status = {
        "observedGeneration": item["metadata"]["generation"],
        "replicas": len(group.alive),
        "updatedReplicas": len(group.new),
        "readyReplicas": len(group.ready),
        "availableReplicas": len(group.ready),
        "unavailableReplicas": max(0, replicas - len(group.ready)),
    }
    done = len(group.new) == len(group.ready) == len(group.all) == replicas
    _write_status(controllers, kind, entry, {k: v for k, v in status.items() if v}, done)


def _replica_set(deployment: Object, word: str) -> Object:
    meta, spec = deployment["metadata"], deployment["spec"]
    template = copy.deepcopy(spec["template"])
    labels = template["metadata"].setdefault("labels", {})
    labels[HASH] = word
    return {
        "apiVersion": "apps/v1",
        "kind": "ReplicaSet",
        "metadata": {
            "name": f"{meta['name']}-{word}",
            "namespace": meta["namespace"],
            "labels": dict(labels),
            "ownerReferences": [owner(deployment, "Deployment")],
        },
        "spec": {
            "replicas": spec.get("replicas", 1),
            "selector": {"matchLabels": dict(labels)},
            "template": template,
        },
        "status": {"replicas": 0},
    }


def _settle_set(controllers: Controllers, kind: Kind, entry: Entry, count: int, wanted: int) -> None:
    def change(item: Object) -> None:
        item["spec"]["replicas"] = wanted
        item["status"] = {"replicas": count, "readyReplicas": count} if count else {"replicas": 0}

    controllers.store.update(kind, entry.namespace, entry.name, change)


def _fill(
    controllers: Controllers, deployment: Object, current: Entry, group: _Group, missing: int, word: str
) -> None:
    """New pods in the places that are free; without a free one the pod waits for a node, as it would."""
    places = controllers.places_of(deployment)
    free = _free(controllers, places, group)
    for index in range(missing):
        place = free[index] if index < len(free) else None
        if place is None and places and len(group.all) > len(group.alive):
            return  # a pod that terminates will leave its place
        if place is None and not places:
            place = {"place": "", "node": _any_node(controllers, index)}
        name = controllers.new_name(f"{current.name}-")
        pod = _pod(deployment["spec"]["template"], name, current.namespace, place, {HASH: word})
        pod["metadata"]["ownerReferences"] = [owner(current.object, "ReplicaSet")]
        if place and place["place"]:
            controllers.take_place(current.namespace, name, place["place"])
        controllers.store.create(controllers.pods, pod)


def _free(controllers: Controllers, places: list[dict[str, str]], group: _Group) -> list[dict[str, str]]:
    """Places that no pod has; a pod that waits for a node has none."""
    bound = [e for e in group.all if e.fields.get("spec.nodeName")]
    taken = {controllers.sandbox(e.object).name for e in bound}
    return [place for place in places if place["place"] not in taken]


def _bind_waiting(controllers: Controllers, deployment: Object, group: _Group) -> None:
    """Give a place that has become free to a pod that waits for one."""
    waiting = [e for e in group.alive if not e.fields.get("spec.nodeName")]
    free = _free(controllers, controllers.places_of(deployment), group)
    for entry, place in zip(waiting, free, strict=False):
        controllers.take_place(entry.namespace, entry.name, place["place"])

        def bind(pod: Object, node: str = place["node"]) -> None:
            pod["spec"]["nodeName"] = node

        controllers.store.update(controllers.pods, entry.namespace, entry.name, bind)


def _any_node(controllers: Controllers, index: int) -> str:
    nodes = controllers.store.all(controllers.nodes)[0]
    return nodes[index % len(nodes)].name if nodes else ""


def _pod(
    template: Object, name: str, namespace: str, place: dict[str, str] | None, labels: dict[str, str]
) -> Object:
    pod: Object = {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": copy.deepcopy(template.get("metadata") or {}),
        "spec": copy.deepcopy(template["spec"]),
        "status": {"phase": "Pending"},
    }
    meta = pod["metadata"]
    meta |= {"name": name, "namespace": namespace}
    meta["labels"] = (meta.get("labels") or {}) | labels
    if place:
        pod["spec"]["nodeName"] = place["node"]
    else:
        message = "0/3 nodes are available: no place is free for another pod of this workload."
        pod["status"]["conditions"] = [
            {"type": "PodScheduled", "status": "False", "reason": "Unschedulable", "message": message}
        ]
    return pod


# -- DaemonSet ------------------------------------------------------------------------------------------------


def _daemon_set(controllers: Controllers, kind: Kind, entry: Entry, pods: list[Entry]) -> None:
    item = entry.object
    spec, meta = item["spec"], item["metadata"]
    wanted = template_hash(spec["template"])
    group = _Group(controllers, _owned(pods, entry.namespace, {entry.uid}), REVISION, wanted)
    nodes = _nodes_for(controllers, spec["template"]["spec"].get("nodeSelector") or {})
    surge = at(spec, "updateStrategy.rollingUpdate.maxSurge") not in (None, 0, "0")
    by_node = {node: [e for e in group.alive if e.fields.get("spec.nodeName") == node] for node in nodes}
    settled = len(group.ready) == len(group.alive) == len(group.all)

    def add(node: str) -> None:
        name = controllers.new_name(f"{meta['name']}-")
        pod = _pod(spec["template"], name, entry.namespace, {"node": node}, {REVISION: wanted})
        pod["metadata"]["ownerReferences"] = [owner(item, "DaemonSet")]
        controllers.store.create(controllers.pods, pod)

    for node, present in by_node.items():
        if not present and all(e.fields.get("spec.nodeName") != node for e in group.all):
            add(node)
    if at(spec, "updateStrategy.type") != "OnDelete" and settled:
        doubled = [e for e in group.old if len(by_node.get(e.fields["spec.nodeName"], [])) > 1]
        if doubled:
            group.remove(doubled[0])
        elif group.old and surge:
            add(group.old[0].fields["spec.nodeName"])
        elif group.old:
            group.remove(group.old[0])
    ready = [n for n, present in by_node.items() if any(e in group.ready for e in present)]
    updated = [n for n, present in by_node.items() if any(e in group.new for e in present)]
    status = {
        "observedGeneration": meta["generation"],
        "currentNumberScheduled": sum(bool(p) for p in by_node.values()),
        "desiredNumberScheduled": len(nodes),
        "numberAvailable": len(ready),
        "numberMisscheduled": 0,
        "numberReady": len(ready),
        "updatedNumberScheduled": len(updated),
    }
    if len(ready) < len(nodes):
        status["numberUnavailable"] = len(nodes) - len(ready)
    _write_status(controllers, kind, entry, status, None)


def _nodes_for(controllers: Controllers, selector: dict[str, str]) -> list[str]:
    return [
        node.name
        for node in controllers.store.all(controllers.nodes)[0]
        if all(node.labels.get(key) == value for key, value in selector.items())
    ]


# -- StatefulSet ----------------------------------------------------------------------------------------------


def _stateful_set(controllers: Controllers, kind: Kind, entry: Entry, pods: list[Entry]) -> None:
    item = entry.object
    spec, meta = item["spec"], item["metadata"]
    wanted = template_hash(spec["template"])
    group = _Group(controllers, _owned(pods, entry.namespace, {entry.uid}), REVISION, wanted)
    replicas = int(spec.get("replicas", 1))
    names = {e.name for e in group.all}
    places = {p["place"]: p for p in controllers.places_of(item)}
    for index in range(replicas):
        name = f"{meta['name']}-{index}"
        if name not in names:
            place = places.get(name) or {"place": name, "node": _any_node(controllers, index)}
            pod = _pod(spec["template"], name, entry.namespace, place, {REVISION: wanted})
            pod["metadata"]["labels"]["statefulset.kubernetes.io/pod-name"] = name
            pod["metadata"]["annotations"] = json.loads(place.get("annotations", "{}"))
            pod["metadata"]["ownerReferences"] = [owner(item, "StatefulSet")]
            controllers.store.create(controllers.pods, pod)
    for extra in group.alive:
        if int(extra.name.rsplit("-", 1)[1]) >= replicas:
            group.remove(extra)
    if group.old and len(group.ready) == len(group.alive) == len(group.all):
        group.remove(group.old[-1])
    status = {
        "observedGeneration": meta["generation"],
        "replicas": len(group.alive),
        "readyReplicas": len(group.ready),
        "availableReplicas": len(group.ready),
        "currentReplicas": len(group.new),
        "updatedReplicas": len(group.new),
        "currentRevision": wanted,
        "updateRevision": wanted,
    }
    _write_status(controllers, kind, entry, status, None)


def _write_status(
    controllers: Controllers, kind: Kind, entry: Entry, status: Object, done: bool | None
) -> None:
    """Write what changed; ``done`` (Deployments) gives the conditions that rollout status reads."""
    present = entry.object.get("status") or {}
    if done is not None:
        status = {**status, "conditions": _conditions(present.get("conditions") or [], done)}

    def change(item: Object) -> None:
        # A spec that changed since has its own pass.
        if item["metadata"].get("generation") == status["observedGeneration"]:
            item["status"] = status

    if status != present:
        controllers.store.update(kind, entry.namespace, entry.name, change)


def _conditions(present: list[Object], done: bool) -> list[Object]:
    wanted = (
        ("Available", "True" if done else "False", "MinimumReplicasAvailable"),
        ("Progressing", "True", "NewReplicaSetAvailable" if done else "ReplicaSetUpdated"),
    )
    result = []
    for type_, status, reason in wanted:
        same = next((c for c in present if c["type"] == type_ and c["reason"] == reason), None)
        if same is None or same["status"] != status:
            stamp = now()
            same = {
                "type": type_, "status": status, "reason": reason, "message": "",
                "lastUpdateTime": stamp, "lastTransitionTime": stamp,
            }  # fmt: skip
        result.append(same)
    return result

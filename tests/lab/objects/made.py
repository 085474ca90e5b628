"""Pieces that the lab's objects are made of."""

from __future__ import annotations

import uuid
from dataclasses import dataclass, field
from typing import Any

from tests.lab.api.controllers import running
from tests.lab.api.workloads import HASH, REVISION, owner, template_hash
from tests.lab.topology import NODES, node

Object = dict[str, Any]
_SPACE = uuid.UUID("6f1c5b1e-2f9d-4f43-9c5b-0c4f4f5a0000")
CREATED = "2024-05-06T07:08:09Z"


def uid(*names: str) -> str:
    """The same uid for the same names each time."""
    return str(uuid.uuid5(_SPACE, "/".join(names)))


def new(api_version: str, kind: str, name: str, namespace: str = "", **parts: Any) -> Object:
    """An object; ``labels`` and ``annotations`` go into its metadata, the rest stands beside it."""
    meta: Object = {"name": name, "uid": uid(kind, namespace, name), "creationTimestamp": CREATED}
    if namespace:
        meta["namespace"] = namespace
    for key in ("labels", "annotations", "ownerReferences"):
        value = parts.pop(key, None)
        if value:
            meta[key] = value
    return {"apiVersion": api_version, "kind": kind, "metadata": meta, **parts}


@dataclass
class Made:
    """Objects as they are gathered, the places that workloads may use, and what pods stand for."""

    items: list[Object] = field(default_factory=list)
    places: dict[tuple[str, str, str], list[dict[str, str]]] = field(default_factory=dict)
    stands_for: dict[tuple[str, str], str] = field(default_factory=dict)

    def add(self, *items: Object) -> None:
        self.items += items

    def pods(self) -> list[Object]:
        return [item for item in self.items if item["kind"] == "Pod"]


def container(
    name: str, image: str, *, env: list[Object] | None = None, ports: tuple[int, ...] = ()
) -> Object:
    made: Object = {"name": name, "image": image, "imagePullPolicy": "IfNotPresent", "resources": {}}
    if env:
        made["env"] = env
    if ports:
        made["ports"] = [{"containerPort": port, "protocol": "TCP"} for port in ports]
    return made


def pod_of(template: Object, name: str, namespace: str, on: str, ips: tuple[str, ...], **meta: Any) -> Object:
    """A running pod of a template; host-network pods have the node's address."""
    labels = {**template["metadata"].get("labels", {}), **meta.pop("labels", {})}
    annotations = {**template["metadata"].get("annotations", {}), **meta.pop("annotations", {})}
    spec = {**template["spec"], "nodeName": on}
    made = new("v1", "Pod", name, namespace, labels=labels, annotations=annotations, spec=spec, **meta)
    host = node(on).ip
    running(made, host, [host] if spec.get("hostNetwork") else list(ips))
    for each in made["status"]["conditions"]:
        each["lastTransitionTime"] = CREATED
    for each in made["status"]["containerStatuses"]:
        each["state"]["running"]["startedAt"] = CREATED
        each["containerID"] = f"containerd://{uid('container', name, each['name']).replace('-', '') * 2}"
    made["status"]["startTime"] = CREATED
    return made


def template(labels: dict[str, str], spec: Object, annotations: dict[str, str] | None = None) -> Object:
    meta: Object = {"labels": labels}
    if annotations:
        meta["annotations"] = annotations
    base = {"restartPolicy": "Always", "dnsPolicy": "ClusterFirst", "schedulerName": "default-scheduler"}
    return {"metadata": meta, "spec": {**base, **spec}}


def deployment(
    made: Made, name: str, namespace: str, of: Object, pods: list[tuple[str, str, Object]], set_name: str = ""
) -> None:
    """A Deployment with its ReplicaSet and its pods: (name, node, what else ``pod_of`` takes)."""
    word = template_hash(of)
    labels = of["metadata"]["labels"]
    count = len(pods)
    status = {
        "observedGeneration": 1, "replicas": count, "updatedReplicas": count, "readyReplicas": count,
        "availableReplicas": count,
        "conditions": [
            {"type": type_, "status": "True", "reason": reason, "message": "", "lastUpdateTime": CREATED,
             "lastTransitionTime": CREATED}
            for type_, reason in (("Available", "MinimumReplicasAvailable"), ("Progressing", "NewReplicaSetAvailable"))
        ],
    }  # fmt: skip
    chosen = {"matchLabels": {k: labels[k] for k in ("app", "k8s-app") if k in labels}}
    spec = {
        "replicas": count, "selector": chosen, "template": of, "revisionHistoryLimit": 10,
        "strategy": {"type": "RollingUpdate", "rollingUpdate": {"maxSurge": 0, "maxUnavailable": 1}},
    }  # fmt: skip
    whole = new("apps/v1", "Deployment", name, namespace, labels=labels, spec=spec, status=status)
    own = {**labels, HASH: word}
    replica_set = new(
        "apps/v1", "ReplicaSet", set_name or f"{name}-{word}", namespace, labels=own,
        ownerReferences=[owner(whole, "Deployment")],
        spec={"replicas": count, "selector": {"matchLabels": own}, "template": of},
        status={"replicas": count, "readyReplicas": count, "observedGeneration": 1},
    )  # fmt: skip
    made.add(whole, replica_set)
    places = []
    for pod_name, on, more in pods:
        reference = [owner(replica_set, "ReplicaSet")]
        extra = {**more, "labels": {HASH: word, **more.get("labels", {})}}
        ips = extra.pop("ips", ())
        made.add(pod_of(of, pod_name, namespace, on, ips, ownerReferences=reference, **extra))
        places.append({"place": pod_name, "node": on})
    made.places["Deployment", namespace, name] = places


def daemon_set(
    made: Made, name: str, namespace: str, of: Object, suffixes: tuple[str, ...], surge: int = 0
) -> None:
    """A DaemonSet with one pod on each node, in the order of the nodes."""
    word = template_hash(of)
    count = len(NODES)
    labels = of["metadata"]["labels"]
    rolling = {"maxSurge": surge, "maxUnavailable": 0 if surge else 1}
    spec = {
        "selector": {"matchLabels": {"app": labels["app"]}}, "template": of, "revisionHistoryLimit": 10,
        "updateStrategy": {"type": "RollingUpdate", "rollingUpdate": rolling},
    }  # fmt: skip
    status = {
        "observedGeneration": 1, "currentNumberScheduled": count, "desiredNumberScheduled": count,
        "numberAvailable": count, "numberMisscheduled": 0, "numberReady": count, "updatedNumberScheduled": count,
    }  # fmt: skip
    whole = new("apps/v1", "DaemonSet", name, namespace, labels=labels, spec=spec, status=status)
    made.add(whole)
    for each, suffix in zip(NODES, suffixes, strict=True):
        reference = [owner(whole, "DaemonSet")]
        more = {"labels": {REVISION: word}, "ownerReferences": reference}
        made.add(pod_of(of, f"{name}-{suffix}", namespace, each.name, (each.ip,), **more))

"""What controllers and the kubelet do in a real cluster: defaults, deletion, pods of workloads, their status.

One pass over all workloads follows each change; each pass makes at most one step per workload, so that clients
see a rollout go on as in a real cluster, only faster.
"""

from __future__ import annotations

import asyncio
import contextlib
import secrets
import threading
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from tests.lab.api import workloads
from tests.lab.api.kinds import Catalogue, Column, Kind
from tests.lab.api.made_services import Services
from tests.lab.api.runtime import Runtime, Sandbox
from tests.lab.api.status import ApiError
from tests.lab.api.store import Change, Entry, Object, Store, at, now
from tests.lab.places import LabFailed

PULSE = 0.05
START_DELAY = 0.1
STOP_DELAY = 0.15


class Controllers:
    """``delete`` and ``defaults`` may be called from any thread; the rest runs in the server's loop."""

    def __init__(self, store: Store, catalogue: Catalogue, runtime: Runtime) -> None:
        self.store, self.catalogue, self.runtime = store, catalogue, runtime
        self.pods = catalogue.of("Pod")
        self.nodes = catalogue.of("Node")
        self._loop: asyncio.AbstractEventLoop | None = None
        self._wake = asyncio.Event()
        self._lock = threading.Lock()
        # Shown pod -> the pod of the topology whose place it has taken over.
        self._places: dict[tuple[str, str], str] = {}
        # (kind, namespace, name) of a workload -> the places of the topology that its pods may have.
        self.places: dict[tuple[str, str, str], list[dict[str, str]]] = {}
        self._starting: set[str] = set()
        self._begun: dict[str, asyncio.Future[dict[str, str]]] = {}  # the runtime's starts
        self._stopping: set[str] = set()
        self._threads = ThreadPoolExecutor(8, thread_name_prefix="kubelet")
        self._addresses = 0
        self.services = Services(self)

    # -- what others ask ----------------------------------------------------------------------------------

    def sandbox(self, pod: Object) -> Sandbox:
        meta, spec = pod["metadata"], pod.get("spec") or {}
        namespace, name = meta.get("namespace", ""), meta["name"]
        with self._lock:
            place = self._places.get((namespace, name), name)
        app = (meta.get("labels") or {}).get("app", "")
        container = (spec.get("containers") or [{}])[0]
        return Sandbox(
            namespace,
            place,
            app,
            spec.get("nodeName", ""),
            bool(spec.get("hostNetwork")),
            (meta.get("annotations") or {}).get("ovn.kubernetes.io/logical_switch", ""),
            (*(container.get("command") or ()), *(container.get("args") or ())),
            int(at(container, "readinessProbe.tcpSocket.port") or 0),
        )

    def take_place(self, namespace: str, name: str, place: str) -> None:
        """A pod under a new name runs where ``place`` ran."""
        with self._lock:
            self._places[namespace, name] = place

    def places_of(self, workload: Object) -> list[dict[str, str]]:
        """``place`` (pod name), ``node`` and perhaps ``annotations`` (JSON) for each; empty when anywhere will do."""
        meta = workload["metadata"]
        return self.places.get((workload["kind"], meta.get("namespace", ""), meta["name"]), [])

    def defaults(self, kind: Kind, item: Object) -> None:
        """What the server fills into a new object."""
        spec = item.get("spec") or {}
        if kind.kind == "Pod":
            item["status"] = {"phase": "Pending", "qosClass": "BestEffort"}
            spec.setdefault("restartPolicy", "Always")
            wanted = (spec.get("nodeSelector") or {}).items()
            nodes = [n for n in self.store.all(self.nodes)[0] if wanted <= n.labels.items()]
            if not spec.get("nodeName") and nodes:
                spec["nodeName"] = nodes[0].name
        elif kind.kind == "Namespace":
            item["status"] = {"phase": "Active"}
            item["metadata"].setdefault("labels", {})["kubernetes.io/metadata.name"] = item["metadata"][
                "name"
            ]
        elif kind.kind == "Service" and "clusterIP" not in spec and spec.get("type") != "ExternalName":
            self._addresses += 1
            spec["clusterIP"] = f"10.96.250.{self._addresses}"
            spec["clusterIPs"] = [spec["clusterIP"]]
            for index, port in enumerate(spec.get("ports") or []):
                if spec.get("type") in ("NodePort", "LoadBalancer"):
                    port.setdefault("nodePort", 30000 + 10 * self._addresses + index)
            self.services.made.add((item["metadata"].get("namespace", ""), item["metadata"]["name"]))
        elif kind.kind in ("Deployment", "StatefulSet", "ReplicaSet"):
            spec.setdefault("replicas", 1)
        elif kind.kind == "CustomResourceDefinition":
            _define(self.catalogue, item)

    def delete(self, kind: Kind, entry: Entry, grace: int | None) -> Entry | None:
        """Delete an object and what it owns. A running pod goes on terminating for a moment and is returned as
        it is then; None when the object is gone at once."""
        self._delete_owned(entry.uid)
        if kind.kind == "CustomResourceDefinition":
            spec = entry.object["spec"]
            self.catalogue.remove(spec["group"], spec["names"]["plural"])
        pod = entry.object
        finalizers = pod["metadata"].get("finalizers")
        running = kind.kind == "Pod" and at(pod, "spec.nodeName") and grace != 0
        if not running and not finalizers:
            with contextlib.suppress(ApiError):
                self.store.delete(kind, entry.namespace, entry.name)
            if kind.kind == "Pod":
                self._threads.submit(self.runtime.stop_pod, self.sandbox(pod))
            return None

        def mark(item: Object) -> None:
            item["metadata"].setdefault("deletionTimestamp", now())
            item["metadata"].setdefault("deletionGracePeriodSeconds", 30 if grace is None else grace)

        return self.store.update(kind, entry.namespace, entry.name, mark)

    def _delete_owned(self, uid: str) -> None:
        for name in ("Pod", "ReplicaSet"):
            kind = self.catalogue.of(name)
            for entry in self.store.all(kind)[0] if self._has_few(kind) else []:
                if any(o.get("uid") == uid for o in entry.object["metadata"].get("ownerReferences") or []):
                    self.delete(kind, entry, None)

    def _has_few(self, kind: Kind) -> bool:
        """Searching the owned objects of a cluster made for size would take seconds."""
        return len(self.store.all(kind)[0]) < 3000

    # -- the loop -----------------------------------------------------------------------------------------

    async def run(self) -> None:
        """Follow changes until cancelled."""
        self._loop = asyncio.get_running_loop()
        names = {"pods", "services", "deployments", "replicasets", "daemonsets", "statefulsets"}

        def on_change(change: Change) -> None:
            if change.kind.plural in names and self._loop is not None:
                with contextlib.suppress(RuntimeError):
                    self._loop.call_soon_threadsafe(self._wake.set)

        stop = self.store.listen(on_change)
        try:
            if self._has_few(self.pods):
                self._wake.set()
            while True:
                await self._wake.wait()
                self._wake.clear()
                if not self._has_few(self.pods):
                    continue
                self._kubelet()
                workloads.reconcile(self)
                await self._loop.run_in_executor(self._threads, self.services.reconcile)
                await asyncio.sleep(PULSE)
        finally:
            stop()
            self._threads.shutdown(wait=False, cancel_futures=True)

    def _kubelet(self) -> None:
        """Start pods that are bound to a node and pending; remove those that terminate."""
        assert self._loop is not None
        for entry in self.store.all(self.pods)[0]:
            if entry.fields.get("status.phase") != "Pending" and b'"deletionTimestamp"' not in entry.raw:
                continue
            pod = entry.object
            if pod["metadata"].get("deletionTimestamp"):
                if entry.uid not in self._stopping and not pod["metadata"].get("finalizers"):
                    self._stopping.add(entry.uid)
                    self._loop.create_task(self._stop(entry, self.sandbox(pod)))
            elif at(pod, "spec.nodeName") and entry.uid not in self._starting:
                self._starting.add(entry.uid)
                self._loop.create_task(self._start(entry, self.sandbox(pod)))

    async def _stop(self, entry: Entry, sandbox: Sandbox) -> None:
        assert self._loop is not None
        await asyncio.sleep(STOP_DELAY)
        if entry.uid in self._begun:  # what has begun to start is started, then stopped
            await asyncio.wait([self._begun.pop(entry.uid)])
        await self._loop.run_in_executor(self._threads, self.runtime.stop_pod, sandbox)
        with contextlib.suppress(ApiError):
            self.store.delete(self.pods, entry.namespace, entry.name)

    async def _start(self, entry: Entry, sandbox: Sandbox) -> None:
        assert self._loop is not None
        await asyncio.sleep(START_DELAY)
        if entry.uid in self._stopping:
            return
        for again in (True, True, False):  # as a kubelet starts anew what ended at once
            start = self._loop.run_in_executor(self._threads, self.runtime.start_pod, sandbox)
            self._begun[entry.uid] = start
            try:
                given = await start
                break
            except LabFailed:
                if not again or entry.uid in self._stopping:
                    raise
                await asyncio.sleep(START_DELAY)
        node = self.store.find(self.nodes, "", sandbox.node)
        addresses = (at(node.object, "status.addresses") or []) if node else []
        host = next((a["address"] for a in addresses if a["type"] == "InternalIP"), "")

        def run(pod: Object) -> None:
            notes = pod["metadata"].setdefault("annotations", {})
            notes.update(given)
            own = notes.get("ovn.kubernetes.io/ip_address", "").split(",")
            ips = [ip for ip in own if ip] if not sandbox.host_network else [host]
            running(pod, host, ips)

        with contextlib.suppress(ApiError):
            self.store.update(self.pods, entry.namespace, entry.name, run)

    def new_name(self, base: str) -> str:
        """As generateName does, without vowels."""
        return base + "".join(secrets.choice("bcdfghjklmnpqrstvwxz2456789") for _ in range(5))


def running(pod: Object, host_ip: str, ips: list[str]) -> None:
    """Give a pod the status of one that runs and is ready."""
    stamp = now()
    pod["status"] = {
        "phase": "Running",
        "hostIP": host_ip,
        "hostIPs": [{"ip": host_ip}],
        **({"podIP": ips[0], "podIPs": [{"ip": ip} for ip in ips]} if ips else {}),
        "startTime": stamp,
        "qosClass": "Burstable",
        "conditions": [
            {"type": type_, "status": "True", "lastTransitionTime": stamp}
            for type_ in ("Initialized", "Ready", "ContainersReady", "PodScheduled")
        ],
        "containerStatuses": [
            {
                "name": container["name"],
                "image": container.get("image", ""),
                "imageID": "",
                "containerID": f"containerd://{secrets.token_hex(32)}",
                "ready": True,
                "started": True,
                "restartCount": 0,
                "state": {"running": {"startedAt": stamp}},
                "lastState": {},
            }
            for container in at(pod, "spec.containers") or []
        ],
    }


def _define(catalogue: Catalogue, item: Object) -> None:
    """Serve the kinds of a new CustomResourceDefinition."""
    spec: dict[str, Any] = item["spec"]
    names = spec["names"]
    for version in spec["versions"]:
        columns = tuple(
            Column(c["name"], c["jsonPath"], c.get("type", "string"), c.get("priority", 0))
            for c in version.get("additionalPrinterColumns") or []
        )
        catalogue.add(
            Kind(
                spec["group"], version["name"], names["kind"], names["plural"], spec["scope"] == "Namespaced",
                tuple(names.get("shortNames") or ()), tuple(version.get("subresources") or ()), custom=True,
                columns=columns,
            )
        )  # fmt: skip
    stamp = now()
    item["status"] = {
        "acceptedNames": names,
        "storedVersions": [v["name"] for v in spec["versions"]],
        "conditions": [
            {"type": type_, "status": "True", "lastTransitionTime": stamp, "reason": reason, "message": ""}
            for type_, reason in (("NamesAccepted", "NoConflicts"), ("Established", "InitialNamesAccepted"))
        ],
    }

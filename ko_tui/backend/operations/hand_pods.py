"""Pods of ko-tui's own, one a node, through which the files of a stopped ovn-central are touched.

kubectl-ko uses the ovs pods for that. Since Kube-OVN 1.13 these no longer have /etc/ovn (charts/kube-ovn,
ovsovn-ds.yaml), and where the network is broken they may be restarting. A pod with the image and the volume of
ovn-central itself serves every release: it uses the host's network, needs no scheduler, and ends by itself.
"""

from __future__ import annotations

import contextlib
import socket
import time
import zlib
from typing import TYPE_CHECKING, Any

from ko_tui.backend.cluster.pods import CENTRAL
from ko_tui.backend.errors import ClusterError, UsageError
from ko_tui.backend.operations.created import (
    FORMAT,
    MANAGED,
    NAME,
    OPERATION_LABEL,
    OWNER_NOTE,
    RUN_LABEL,
    UNTIL_NOTE,
)
from ko_tui.backend.operations.rollout import POLL_SECONDS
from ko_tui.backend.source.interface import Cancel, ExecCancelled, NotFound, PodRef
from ko_tui.backend.source.kinds import DEPLOYMENTS, PODS
from ko_tui.backend.source.objects import KubeObject

if TYPE_CHECKING:
    from ko_tui.backend.session import Session

APP = "ko-tui-restore"
CONTAINER = "files"
PLACE = "/etc/ovn"
LIFE_SECONDS = 3600
START_SECONDS = 90.0


class NoHandPod(ClusterError):
    """ko-tui's pod on a node does not run."""

    title = "A node's files cannot be reached"


class HandPods:
    """The pods of one restore, known by its ``stamp``; made when they are first needed, found again after a crash."""

    def __init__(self, session: Session, stamp: str, cancel: Cancel) -> None:
        self._session, self._stamp, self._cancel = session, stamp, cancel
        self._held: dict[str, PodRef] = {}

    def on(self, node: str) -> PodRef:
        """The pod of a node. Raises NoHandPod when it cannot be had."""
        if node not in self._held:
            self._held[node] = self._take(node)
        return self._held[node]

    def remove(self) -> None:
        """Remove all of them, also those of a ko-tui that was killed."""
        source, namespace = self._session.source, self._session.namespace
        self._held.clear()
        for pod in self._pods():
            with contextlib.suppress(NotFound):
                source.delete(PODS, namespace, pod.name)

    def _pods(self, node: str = "") -> list[KubeObject]:
        selector = f"app={APP},{RUN_LABEL}={self._stamp}"
        found = self._session.source.list(
            PODS, namespace=self._session.namespace, label_selector=selector
        ).items
        return [p for p in found if not node or p.spec.get("nodeName") == node]

    def _take(self, node: str) -> PodRef:
        waited, last = 0.0, "it was not made"
        while waited <= START_SECONDS:
            pods = [p for p in self._pods(node) if not p.metadata.deletion_timestamp]
            phases = {p.status.get("phase") for p in pods}
            running = next((p for p in pods if p.status.get("phase") == "Running"), None)
            if running is not None:
                return PodRef(running.namespace, running.name, CONTAINER)
            if not pods or phases <= {"Succeeded", "Failed"}:
                self._make(node, len(self._pods(node)))
            else:
                last = _why(pods[0])
            if self._cancel.wait(POLL_SECONDS / 5):
                raise ExecCancelled("It was cancelled while waiting for a pod.")
            waited += POLL_SECONDS / 5
        raise NoHandPod(
            f"The pod {APP} on {node} does not run after {START_SECONDS:.0f} s: {last}.",
            "Is the node well? Every node in NODE_IPS of ovn-central is needed. When one is lost for good: undo, take "
            "its address out of NODE_IPS, and begin again.",
        )

    def _make(self, node: str, number: int) -> None:
        deployment = self._session.source.get(DEPLOYMENTS, self._session.namespace, CENTRAL)
        name = f"{APP}-{self._stamp}-{zlib.crc32(node.encode()):08x}-{number}"
        self._session.source.create(
            PODS, self._session.namespace, pod_body(deployment, node, name, self._stamp)
        )


def _why(pod: KubeObject) -> str:
    for status in pod.status.get("containerStatuses") or []:
        waiting = (status.get("state") or {}).get("waiting") or {}
        if waiting.get("reason"):
            return f"{waiting['reason']} {waiting.get('message') or ''}".strip()
    return str(pod.status.get("message") or pod.status.get("phase") or "no state is known")


def files_volume(deployment: KubeObject) -> dict[str, Any]:
    """The volume that ovn-central has at /etc/ovn. Raises UsageError unless it is a directory of the node."""
    spec = deployment.spec["template"]["spec"]
    mounts = [m for c in spec.get("containers") or [] for m in c.get("volumeMounts") or []]
    name = next((m.get("name") for m in mounts if m.get("mountPath") == PLACE), None)
    volume = next((v for v in spec.get("volumes") or [] if name and v.get("name") == name), None)
    if volume is None or "hostPath" not in volume:
        raise UsageError(
            f"{CENTRAL} does not keep its databases in a directory of its nodes.",
            "A control plane on volumes (single or hosted) is restored from a backup of the volume.",
        )
    return dict(volume)


def pod_body(deployment: KubeObject, node: str, name: str, stamp: str) -> dict[str, Any]:
    """The pod: what ovn-central may do there, and nothing else."""
    spec = deployment.spec["template"]["spec"]
    volume = files_volume(deployment)
    until = time.strftime(FORMAT, time.gmtime(time.time() + LIFE_SECONDS))
    image = (spec.get("containers") or [{}])[0]
    body: dict[str, Any] = {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {
            "name": name,
            # As everything that ko-tui makes: what a killed one has left is found by these and can be removed.
            "labels": {"app": APP, MANAGED: NAME, RUN_LABEL: stamp, OPERATION_LABEL: "restore"},
            "annotations": {OWNER_NOTE: socket.gethostname(), UNTIL_NOTE: until},
        },
        "spec": {
            "nodeName": node,
            "hostNetwork": True,
            "restartPolicy": "Never",
            "terminationGracePeriodSeconds": 0,
            "automountServiceAccountToken": False,
            "tolerations": [{"operator": "Exists"}],
            "containers": [
                {
                    "name": CONTAINER,
                    "image": image.get("image", ""),
                    "imagePullPolicy": "IfNotPresent",
                    "command": ["sleep", str(LIFE_SECONDS)],
                    "securityContext": {"runAsUser": 0},
                    "volumeMounts": [{"name": volume["name"], "mountPath": PLACE}],
                }
            ],
            "volumes": [volume],
        },
    }
    for key in ("priorityClassName", "serviceAccountName", "imagePullSecrets"):
        if spec.get(key):
            body["spec"][key] = spec[key]
    return body

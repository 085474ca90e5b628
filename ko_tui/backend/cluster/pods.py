"""Finding Kube-OVN's namespace and the pods that can answer (labels: kube-ovn charts, facts of 1.10 to 1.16)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from ko_tui.backend.errors import ClusterError
from ko_tui.backend.source.interface import Forbidden, PodRef, Source
from ko_tui.backend.source.kinds import PODS
from ko_tui.backend.source.objects import KubeObject

CENTRAL = "ovn-central"
OVS_LABELS = ("ovs", "ovs-dpdk")
CNI = "kube-ovn-cni"
CONTAINERS = {
    "ovn-central": "ovn-central",
    "ovs": "openvswitch",
    "ovs-dpdk": "openvswitch",
    "kube-ovn-cni": "cni-server",
    "kube-ovn-controller": "kube-ovn-controller",
    "kube-ovn-monitor": "kube-ovn-monitor",
    "kube-ovn-pinger": "pinger",
    "ovn-ic-controller": "ovn-ic-controller",
    "ovn-ic-server": "ovn-ic-server",
}
DEFAULT_NAMESPACE = "kube-system"


class NoSuchPart(ClusterError):
    """A part of Kube-OVN that is needed is not running."""

    title = "A part of Kube-OVN is not running"


def is_ready(pod: KubeObject) -> bool:
    """Running, not being deleted, and with a Ready condition that is True (or none reported)."""
    if pod.metadata.deletion_timestamp or pod.status.get("phase") != "Running":
        return False
    for condition in pod.status.get("conditions") or []:
        if condition.get("type") == "Ready":
            return bool(condition.get("status") == "True")
    return True


def node_of(pod: KubeObject) -> str:
    return str(pod.spec.get("nodeName") or "")


def restarts(pod: KubeObject) -> int:
    statuses: list[dict[str, Any]] = pod.status.get("containerStatuses") or []
    return sum(int(s.get("restartCount") or 0) for s in statuses)


def ref(pod: KubeObject, app: str = "") -> PodRef:
    """The container of a Kube-OVN pod that runs the OVN tools."""
    wanted = CONTAINERS.get(app or pod.labels.get("app", ""), "")
    names = [str(c.get("name")) for c in pod.spec.get("containers") or []]
    if wanted not in names and names:
        wanted = names[0]
    return PodRef(pod.namespace, pod.name, wanted)


def find_namespace(source: Source) -> str:
    """The namespace Kube-OVN runs in, found by its pods' labels in all namespaces.

    Raises NoSuchPart when no pod of Kube-OVN is found. A user who may not list all namespaces gets
    ``kube-system``, which is where Kube-OVN is installed by default.
    """
    for selector in (f"app={CENTRAL}", "app in (ovs,ovs-dpdk)"):
        try:
            found = source.list(PODS, label_selector=selector).items
        except Forbidden:
            return DEFAULT_NAMESPACE
        if found:
            return found[0].namespace
    raise NoSuchPart(
        "No pod labelled app=ovn-central, app=ovs or app=ovs-dpdk exists in any namespace.",
        "Is this the right cluster (--context)? If Kube-OVN uses other labels, name its namespace with --namespace.",
    )


def list_app(source: Source, namespace: str, *apps: str) -> Sequence[KubeObject]:
    """Every pod of one or several ``app`` labels, ready or not."""
    selector = f"app={apps[0]}" if len(apps) == 1 else f"app in ({','.join(apps)})"
    return source.list(PODS, namespace=namespace, label_selector=selector).items


def ovs_pod(pods: Sequence[KubeObject], node: str) -> KubeObject:
    """The pod of ``node`` that runs Open vSwitch: ready, and the newest when an update surges to two."""
    here = [p for p in pods if node_of(p) == node]
    ready = sorted((p for p in here if is_ready(p)), key=lambda p: p.metadata.creation_timestamp)
    if ready:
        return ready[-1]
    if here:
        states = ", ".join(f"{p.name} is {p.status.get('phase', 'unknown')}" for p in here)
        raise NoSuchPart(
            f"No Open vSwitch pod is ready on node {node}: {states}.",
            f"See kubectl describe pod -n {here[0].namespace} {here[0].name}.",
        )
    raise NoSuchPart(
        f"No Open vSwitch pod (app=ovs or app=ovs-dpdk) runs on node {node}.",
        "Check the node's name and the DaemonSets ovs-ovn and ovs-ovn-dpdk.",
    )

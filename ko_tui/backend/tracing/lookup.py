"""Names and addresses as people type them -> endpoints of the cluster, asking for as little as possible."""

from __future__ import annotations

import ipaddress
import re
from typing import TYPE_CHECKING

from ko_tui.backend.cluster.annotations import node_endpoint, pod_endpoints, service_endpoint
from ko_tui.backend.errors import ClusterError, KoError, UsageError
from ko_tui.backend.source.interface import NotFound, NotInSnapshot
from ko_tui.backend.source.kinds import NODES, PODS, SERVICES, VMIS
from ko_tui.backend.tracing.model import Endpoint

if TYPE_CHECKING:
    from ko_tui.backend.session import Session

# Meant as an address, though it is none: no pod is called so.
_LIKE_ADDRESS = re.compile(r"\d+(\.\d+){3}(/\d+)?|[0-9A-Za-z:]*:[0-9A-Za-z:.]*")


class NotTraceable(ClusterError):
    """The endpoint exists but no packet can start there or go there."""

    title = "That cannot be traced"
    exit_code = 3


def is_address(text: str) -> bool:
    try:
        ipaddress.ip_address(text.strip("[]"))
    except ValueError:
        return False
    return True


def find_source(session: Session, text: str, namespace: str) -> Endpoint:
    """A pod, an attachment NIC, a VM or a node. Raises UsageError, NotFound or NotTraceable."""
    if is_address(text):
        raise UsageError(
            f"The source {text} is an address.",
            "Name the pod, VM or node it belongs to: ns/pod or node//name.",
        )
    if text.startswith(("svc/", "service/")):
        raise UsageError("A Service cannot send a packet.", "Name one of its pods as the source.")
    endpoint = find_endpoint(session, text, namespace)
    if endpoint.host_network and endpoint.node:
        return _node(session, endpoint.node)
    if endpoint.traceable:
        raise NotTraceable(f"{endpoint.key}: {endpoint.traceable}", "Choose a running pod, VM or node.")
    return endpoint


def find_endpoint(session: Session, text: str, namespace: str) -> Endpoint:
    """Any endpoint by its key; addresses become endpoints of kind ``address``."""
    text = text.strip()
    if not text:
        raise UsageError("Nothing was named.", "Write ns/pod, node//name, svc/ns/name or an address.")
    if is_address(text):
        address = str(ipaddress.ip_address(text.strip("[]")))
        return Endpoint("address", address, ips=(address,))
    if text.startswith("node//"):
        return _node(session, text[6:])
    for prefix in ("svc/", "service/"):
        if text.startswith(prefix):
            return _service(session, text[len(prefix) :], namespace)
    try:
        return _pod(session, text.removeprefix("pod/"), namespace)
    except NotInSnapshot:
        return _bound(session, text.removeprefix("pod/"), namespace)


def _bound(session: Session, text: str, namespace: str) -> Endpoint:
    """By the ports of a southbound database alone; a port's own name will do too."""
    wanted = (text, f"{namespace}/{text}")
    found = [e for e in session.inventory().endpoints if e.key in wanted or e.lsp == text]
    if not found:
        raise NotFound(
            f"No port of this database belongs to {text!r}.",
            "Write NAMESPACE/POD, node//NAME or the name of the logical port.",
        )
    return found[0]


def _node(session: Session, name: str) -> Endpoint:
    try:
        return node_endpoint(session.source.get(NODES, "", name))
    except NotInSnapshot:
        return _bound(session, f"node//{name}", "")
    except NotFound as error:
        raise NotFound(f"There is no node {name!r}.", "See kubectl get nodes.") from error


def _service(session: Session, text: str, namespace: str) -> Endpoint:
    place, _, name = text.rpartition("/")
    try:
        found = service_endpoint(session.source.get(SERVICES, place or namespace, name))
    except NotInSnapshot as error:
        raise NotInSnapshot(error.what, "Give the Service's address and port instead of its name.") from None
    except NotFound as error:
        raise NotFound(
            f"There is no Service {name!r} in namespace {place or namespace!r}.",
            "Write svc/NAMESPACE/NAME; see kubectl get services -A.",
        ) from error
    if not found.ips:
        raise NotTraceable(
            f"{found.key} is headless: it has no address of its own.",
            "Trace to one of its pods instead; see kubectl get endpointslices.",
        )
    return found


def _pod(session: Session, text: str, namespace: str) -> Endpoint:
    text, _, provider = text.partition("@")
    place, _, name = text.rpartition("/")
    place = place or namespace
    try:
        nics = list(pod_endpoints(session.source.get(PODS, place, name)))
    except NotFound as error:
        vm = _pod_of_vm(session, place, name)
        if vm is None:
            given = f"{text}@{provider}" if provider else text
            address = " It is no IP address either." if _LIKE_ADDRESS.fullmatch(given) else ""
            raise NotFound(
                f"There is no pod {name!r} in namespace {place!r}.{address}",
                "Write NAMESPACE/POD; a node is node//NAME, a Service svc/NAMESPACE/NAME.",
            ) from error
        nics = vm
    if provider:
        chosen = [n for n in nics if n.provider == provider or n.provider.split(".")[0] == provider]
        if not chosen:
            known = ", ".join(n.provider for n in nics if n.lsp) or "none"
            raise UsageError(f"{place}/{name} has no NIC of {provider!r}.", f"Its Kube-OVN NICs: {known}.")
        return chosen[0]
    return nics[0]


def _pod_of_vm(session: Session, namespace: str, name: str) -> list[Endpoint] | None:
    """The NICs of the virt-launcher pod of a KubeVirt VM that was named itself."""
    try:
        session.source.get(VMIS, namespace, name)
        pods = session.source.list(PODS, namespace=namespace, label_selector=f"vm.kubevirt.io/name={name}")
    except KoError:
        return None
    found = [list(pod_endpoints(p)) for p in pods.items if p.status.get("phase") == "Running"]
    return found[0] if found else None


def owner_of_address(session: Session, address: str) -> Endpoint | None:
    """The running pod that has ``address`` (field selector ``status.podIP``), when the API can tell; else None."""
    try:
        pods = session.source.list(PODS, field_selector=f"status.podIP={address}").items
    except KoError:
        return None
    for pod in pods:
        for endpoint in pod_endpoints(pod):
            if address in endpoint.ips and not endpoint.traceable:
                return endpoint
    return None

"""Everything that can be picked for a trace: pods and their NICs, VMs, nodes, Services."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import Executor
from dataclasses import dataclass, field

from ko_tui.backend.cluster.annotations import node_endpoint, pod_endpoints, service_endpoint
from ko_tui.backend.errors import KoError
from ko_tui.backend.source.interface import Cancel, Listing, Resource, Source
from ko_tui.backend.source.kinds import NODES, PODS, SERVICES
from ko_tui.backend.source.objects import KubeObject
from ko_tui.backend.tracing.model import Endpoint, Inventory

# How an object of each kind becomes rows.
ROWS_OF: Mapping[Resource, Callable[[KubeObject], Iterable[Endpoint]]] = {
    PODS: pod_endpoints,
    NODES: lambda node: (node_endpoint(node),),
    SERVICES: lambda service: (service_endpoint(service),),
}


@dataclass(frozen=True, slots=True)
class ListedInventory(Inventory):
    """An inventory that can be followed: ``versions`` are the lists' own, by the kind's plural."""

    versions: Mapping[str, str] = field(default_factory=dict)


def object_of(endpoint: Endpoint) -> str:
    """What tells the object that an endpoint belongs to: all NICs of a pod have the same."""
    return endpoint.uid or endpoint.key.partition("@")[0]


def take_inventory(
    source: Source,
    pool: Executor,
    *,
    cancel: Cancel | None = None,
    on_progress: Callable[[Sequence[Endpoint]], None] | None = None,
) -> ListedInventory:
    """List pods, nodes and Services side by side.

    ``on_progress`` gets the pods' rows so far, in a list that grows. A kind that could not be listed is named in
    ``problems`` and makes the inventory incomplete; when pods cannot be listed the error is raised.
    """
    taken_at = time.time()
    endpoints: list[Endpoint] = []

    def page(items: Sequence[KubeObject]) -> None:
        # Rows at once: all pods of a large cluster together are hundreds of megabytes.
        if not items:
            endpoints.clear()
        for pod in items:
            endpoints.extend(pod_endpoints(pod))
        if on_progress:
            on_progress(endpoints)

    nodes = pool.submit(_try_list, source.list, NODES, cancel)
    services = pool.submit(_try_list, source.list, SERVICES, cancel)
    listing = source.list(PODS, cancel=cancel, on_page=page, whole=False)
    versions = {PODS.plural: listing.resource_version}
    problems: list[str] = []
    if listing.items:  # a source that has them all at hand
        endpoints = [endpoint for pod in listing.items for endpoint in pod_endpoints(pod)]
    if not listing.complete:
        problems.append(f"Pods: {listing.reason}")
    for resource, answer in ((NODES, nodes.result()), (SERVICES, services.result())):
        name = resource.plural.capitalize()
        if isinstance(answer, KoError):
            problems.append(f"{name}: {answer.what}")
            continue
        versions[resource.plural] = answer.resource_version
        for item in answer.items:
            endpoints += ROWS_OF[resource](item)
        if not answer.complete:
            problems.append(f"{name}: {answer.reason}")
    return ListedInventory(tuple(endpoints), taken_at, not problems, tuple(problems), versions)


def _try_list(list_: Callable[..., Listing], resource: object, cancel: Cancel | None) -> Listing | KoError:
    try:
        return list_(resource, cancel=cancel)
    except KoError as error:
        return error

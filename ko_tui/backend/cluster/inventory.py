"""Everything that can be picked for a trace: pods and their NICs, VMs, nodes, Services."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import Executor

from ko_tui.backend.cluster.annotations import node_endpoint, pod_endpoints, service_endpoint
from ko_tui.backend.errors import KoError
from ko_tui.backend.source.interface import Cancel, Listing, Source
from ko_tui.backend.source.kinds import NODES, PODS, SERVICES
from ko_tui.backend.source.objects import KubeObject
from ko_tui.backend.tracing.model import Endpoint, Inventory


def take_inventory(
    source: Source,
    pool: Executor,
    *,
    cancel: Cancel | None = None,
    on_progress: Callable[[int], None] | None = None,
) -> Inventory:
    """List pods, nodes and Services side by side.

    ``on_progress`` gets the number of pods so far. A kind that could not be listed is named in ``problems`` and
    makes the inventory incomplete; when pods cannot be listed the error is raised.
    """
    taken_at = time.time()
    count = 0

    def page(items: Sequence[KubeObject]) -> None:
        nonlocal count
        count += len(items)
        if on_progress:
            on_progress(count)

    nodes = pool.submit(_try_list, source.list, NODES, cancel)
    services = pool.submit(_try_list, source.list, SERVICES, cancel)
    listing = source.list(PODS, cancel=cancel, on_page=page)
    endpoints: list[Endpoint] = []
    problems: list[str] = []
    for pod in listing.items:
        endpoints += pod_endpoints(pod)
    if not listing.complete:
        problems.append(f"Pods: {listing.reason}")
    makers: Iterable[tuple[str, Listing | KoError, Callable[[KubeObject], Endpoint]]] = (
        ("Nodes", nodes.result(), node_endpoint),
        ("Services", services.result(), service_endpoint),
    )
    for name, answer, make in makers:
        if isinstance(answer, KoError):
            problems.append(f"{name}: {answer.what}")
            continue
        endpoints += [make(item) for item in answer.items]
        if not answer.complete:
            problems.append(f"{name}: {answer.reason}")
    return Inventory(tuple(endpoints), taken_at, not problems, tuple(problems))


def _try_list(list_: Callable[..., Listing], resource: object, cancel: Cancel | None) -> Listing | KoError:
    try:
        return list_(resource, cancel=cancel)
    except KoError as error:
        return error

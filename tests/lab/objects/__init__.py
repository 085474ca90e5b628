"""The Kubernetes objects of the lab, made from its topology, and put into an API server."""

from __future__ import annotations

from tests.lab.api.server import ApiServer
from tests.lab.objects import access, cluster, custom, parts, services, workload_pods
from tests.lab.objects.made import Made


def populate(server: ApiServer) -> None:
    """Fill an empty server with everything that the topology stands for."""
    made = Made()
    cluster.add(made)
    access.add(made)
    parts.add(made)
    workload_pods.add(made)
    services.add(made)
    custom.add(made)
    by_kind: dict[str, list[dict[str, object]]] = {}
    for item in made.items:
        by_kind.setdefault(str(item["kind"]), []).append(item)
    for kind, items in by_kind.items():
        server.store.load(server.catalogue.of(kind), items)
    server.controllers.places.update(made.places)
    for (namespace, name), place in made.stands_for.items():
        server.controllers.take_place(namespace, name, place)

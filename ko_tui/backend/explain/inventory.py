"""Names from an inventory: which pod, VM, node or Service is behind a logical port or an address."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Protocol

from ko_tui.backend.explain.model import ObjectRef
from ko_tui.backend.explain.names import Names


class Place(Protocol):
    """What is read of one row of the inventory (``tracing.model.Endpoint`` has it)."""

    @property
    def kind(self) -> str: ...
    @property
    def name(self) -> str: ...
    @property
    def namespace(self) -> str: ...
    @property
    def ips(self) -> tuple[str, ...]: ...
    @property
    def lsp(self) -> str: ...
    @property
    def switch(self) -> str: ...
    @property
    def node(self) -> str: ...
    @property
    def vpc(self) -> str: ...
    @property
    def provider(self) -> str: ...
    @property
    def vm(self) -> str: ...
    @property
    def host_network(self) -> bool: ...


_KINDS = {"pod": "Pod", "attachment": "Pod", "vm": "VirtualMachine", "node": "Node", "service": "Service"}


def names_of(places: Iterable[Place], vpc: str = "") -> Names:
    """Names for a trace. An address used in two VPCs is named only when ``vpc`` (of the source) tells which is meant.

    Pods in the host's network have the node's address and are left out, so that it stays the node's.
    """
    ports: dict[str, ObjectRef] = {}
    groups: dict[str, ObjectRef] = {}
    datapaths: dict[str, ObjectRef] = {}
    addresses: dict[str, ObjectRef] = {}
    doubtful: set[str] = set()
    for place in places:
        kind = _KINDS.get(place.kind)
        if place.switch:
            datapaths[place.switch] = ObjectRef("Subnet", place.switch)
        if (
            place.switch and place.node
        ):  # the pods that leave by their node (kube-ovn pkg/controller, port groups)
            of_node = ObjectRef("Subnet", place.switch, owner=ObjectRef("Node", place.node))
            groups[f"{place.switch}.{place.node}".replace("-", ".")] = of_node
        if place.vpc:
            datapaths[place.vpc] = ObjectRef("Vpc", place.vpc)
        if kind is None or place.host_network:
            continue
        detail = place.provider if place.kind == "attachment" else ""
        reference = ObjectRef(kind, place.vm or place.name, namespace=place.namespace, detail=detail)
        if place.lsp:
            ports[place.lsp] = reference
        if vpc and place.vpc and place.vpc != vpc:
            continue
        for address in place.ips:
            if addresses.setdefault(address, reference) != reference:
                doubtful.add(address)
    for address in doubtful:
        del addresses[address]
    return Names(ports=ports, datapaths=datapaths, port_groups=groups, addresses=addresses)

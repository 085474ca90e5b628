"""The object behind a flow as YAML: a Kubernetes object from the API, or the northbound row where there is none."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ko_tui.backend.cluster.touching import WIDE
from ko_tui.backend.errors import ClusterError
from ko_tui.backend.explain.model import ObjectRef
from ko_tui.backend.source.interface import NotFound, Resource
from ko_tui.backend.source.kinds import (
    NETWORK_POLICIES,
    NODES,
    PODS,
    SECURITY_GROUPS,
    SERVICES,
    SUBNETS,
    VMIS,
    VPCS,
)

if TYPE_CHECKING:
    from ko_tui.backend.session import Session

KINDS: dict[str, Resource] = {
    "Pod": PODS,
    "Node": NODES,
    "Service": SERVICES,
    "NetworkPolicy": NETWORK_POLICIES,
    "Subnet": SUBNETS,
    "Vpc": VPCS,
    "SecurityGroup": SECURITY_GROUPS,
    "VirtualMachine": VMIS,
    **dict(WIDE),
}


class NoManifest(ClusterError):
    """Neither the API nor the northbound database has the object."""

    title = "The object cannot be shown"


def kubernetes_of(thing: ObjectRef) -> ObjectRef | None:
    """The Kubernetes object in a chain of owners, nearest to the top; None when there is none."""
    found, here = None, thing
    while True:
        if here.kind in KINDS and here.name:
            found = here
        if here.owner is None:
            return found
        here = here.owner


def manifest(session: Session, thing: ObjectRef) -> tuple[str, str]:
    """Title and YAML; of an object that the API has not, its northbound row. Raises NoManifest, NotFound and the
    source's errors."""
    import yaml

    chosen = kubernetes_of(thing)
    found = None
    if chosen is not None:
        resource = KINDS[chosen.kind]
        try:
            found = session.source.get(resource, chosen.namespace if resource.namespaced else "", chosen.name)
        except NotFound:
            if not thing.uuid:
                raise
    if chosen is not None and found is not None:
        shown: dict[str, Any] = {
            "apiVersion": f"{resource.group}/{resource.version}".lstrip("/"),
            "kind": chosen.kind if resource is not VMIS else "VirtualMachineInstance",
            "metadata": _without_empty(
                {
                    "name": found.metadata.name,
                    "namespace": found.metadata.namespace,
                    "uid": found.metadata.uid,
                    "creationTimestamp": found.metadata.creation_timestamp,
                    "labels": found.metadata.labels,
                    "annotations": found.metadata.annotations,
                }
            ),
            **_without_empty({"spec": found.spec, "status": found.status}),
        }
        title = f"{chosen.kind} {found.key}"
    elif thing.uuid:
        rows = session.rows("nb", thing.kind, record=thing.uuid).value
        if not rows:
            raise NoManifest(
                f"The northbound database has no {thing.kind} {thing.uuid} any more.", "Trace again."
            )
        shown = {thing.kind: {name: _plain(cell) for name, cell in rows[0].items()}}
        title = f"{thing.kind} {thing.name or thing.uuid[:8]}"
    else:
        raise NoManifest(f"ko-tui does not know where to find a {thing.kind}.", "See the Console.")
    text = yaml.safe_dump(shown, sort_keys=False, allow_unicode=True, default_flow_style=False, width=100)
    return title, str(text)


def _without_empty(parts: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in parts.items() if value}


def _plain(cell: Any) -> Any:
    """A cell of a row as plain values."""
    if isinstance(cell, tuple | list | frozenset | set):
        return [_plain(one) for one in cell]
    if isinstance(cell, dict):
        return {str(name): _plain(one) for name, one in cell.items()}
    return cell if isinstance(cell, int | float | bool | str) or cell is None else str(cell)

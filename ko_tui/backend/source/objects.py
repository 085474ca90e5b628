"""Kubernetes objects as ko-tui reads them: the fields that it uses, decoded by msgspec.

One loose struct serves every kind, so that a cluster with newer or fewer fields still decodes. ``spec`` and
``status`` stay plain JSON; readers below give the parts that are asked for often.
"""

from __future__ import annotations

from typing import Any

import msgspec


class OwnerReference(msgspec.Struct, frozen=True, gc=False):
    kind: str = ""
    name: str = ""
    uid: str = ""
    controller: bool = False


class Metadata(msgspec.Struct, frozen=True, rename="camel"):
    name: str = ""
    namespace: str = ""
    uid: str = ""
    resource_version: str = ""
    creation_timestamp: str = ""
    deletion_timestamp: str | None = None
    generation: int = 0
    labels: dict[str, str] = {}
    annotations: dict[str, str] = {}
    owner_references: list[OwnerReference] = []


class KubeObject(msgspec.Struct, frozen=True, rename="camel"):
    """Any object of the API. Missing parts are empty, never errors."""

    metadata: Metadata = msgspec.field(default_factory=Metadata)
    kind: str = ""
    api_version: str = ""
    spec: dict[str, Any] = {}
    status: dict[str, Any] = {}
    # Kinds that keep their content beside spec and status (EndpointSlice, Lease has spec, ...).
    endpoints: list[dict[str, Any]] | None = None
    ports: list[dict[str, Any]] | None = None
    address_type: str = ""
    data: dict[str, Any] | None = None

    @property
    def name(self) -> str:
        return self.metadata.name

    @property
    def namespace(self) -> str:
        return self.metadata.namespace

    @property
    def key(self) -> str:
        """``namespace/name``, or the name alone for cluster-scoped objects."""
        return f"{self.namespace}/{self.name}" if self.namespace else self.name

    @property
    def annotations(self) -> dict[str, str]:
        return self.metadata.annotations

    @property
    def labels(self) -> dict[str, str]:
        return self.metadata.labels

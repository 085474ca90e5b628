"""What may this user do here? Asked of the API server, for the person and for greying out what would fail.

An answer is a hint: the server's own refusal at the time is the truth.
"""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

from ko_tui.backend.errors import KoError
from ko_tui.backend.source.interface import Resource, Source
from ko_tui.backend.source.kinds import CRDS, DAEMONSETS, DEPLOYMENTS, NODES, PODS, SERVICES, SUBNETS


@dataclass(frozen=True, slots=True)
class Permission:
    """One question. ``feature`` is what needs it; ``needed`` is False for what only writing actions use."""

    feature: str
    verb: str
    resource: Resource
    subresource: str = ""
    in_namespace: bool = False
    needed: bool = True

    def __str__(self) -> str:
        name = self.resource.plural + (f"/{self.subresource}" if self.subresource else "")
        return f"{self.verb} {name}" + (f".{self.resource.group}" if self.resource.group else "")


PERMISSIONS: tuple[Permission, ...] = (
    Permission("pods", "list", PODS),
    Permission("pods", "watch", PODS),
    Permission("nodes", "list", NODES),
    Permission("services", "list", SERVICES),
    Permission("subnets", "list", SUBNETS),
    Permission("kinds", "list", CRDS),
    Permission("workloads", "list", DAEMONSETS, in_namespace=True),
    Permission("commands in pods", "get", PODS, "exec", in_namespace=True),
    Permission("commands in pods", "create", PODS, "exec", in_namespace=True),
    Permission("logs", "get", PODS, "log", in_namespace=True),
    Permission("reload", "delete", PODS, in_namespace=True, needed=False),
    Permission("reload", "patch", DAEMONSETS, in_namespace=True, needed=False),
    Permission("perf and diagnose", "create", PODS, in_namespace=True, needed=False),
    Permission("perf and diagnose", "create", SERVICES, in_namespace=True, needed=False),
    Permission("perf and diagnose", "delete", SERVICES, in_namespace=True, needed=False),
    Permission("perf and diagnose", "create", DAEMONSETS, in_namespace=True, needed=False),
    Permission("perf and diagnose", "delete", DAEMONSETS, in_namespace=True, needed=False),
    Permission("restore", "patch", DEPLOYMENTS, "scale", in_namespace=True, needed=False),
)


@dataclass(frozen=True, slots=True)
class Answer:
    """``allowed`` is None when the server could not be asked; ``problem`` then says why."""

    permission: Permission
    allowed: bool | None
    problem: str = ""


def preflight(source: Source, namespace: str, asked: Sequence[Permission] = PERMISSIONS) -> list[Answer]:
    """One answer a permission, in order; asked concurrently. Raises nothing that a question runs into."""

    def ask(permission: Permission) -> Answer:
        where = namespace if permission.in_namespace else ""
        try:
            allowed = source.may(
                permission.verb, permission.resource, namespace=where, subresource=permission.subresource
            )
        except KoError as error:
            return Answer(permission, None, f"{error.title}: {error.what}")
        return Answer(permission, allowed)

    with ThreadPoolExecutor(8, thread_name_prefix="preflight") as pool:
        return list(pool.map(ask, asked))

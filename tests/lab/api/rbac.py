"""RBAC: may this user do this? Evaluated from the Role and binding objects in the store."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from tests.lab.api.identity import MASTERS, User
from tests.lab.api.kinds import Catalogue
from tests.lab.api.status import ApiError
from tests.lab.api.store import Store

Rule = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Ask:
    """One question. ``path`` is set for what is no resource (``/version``)."""

    verb: str
    group: str = ""
    resource: str = ""
    subresource: str = ""
    namespace: str = ""
    name: str = ""
    path: str = ""


# What every server grants to everybody (system:discovery, system:public-info-viewer, system:basic-user).
_PUBLIC = ("/healthz", "/livez", "/readyz", "/version", "/version/")
_DISCOVERY = ("/api", "/api/*", "/apis", "/apis/*", "/openapi", "/openapi/*", *_PUBLIC)
_BASIC: list[Rule] = [
    {
        "verbs": ["create"],
        "apiGroups": ["authorization.k8s.io"],
        "resources": ["selfsubjectaccessreviews", "selfsubjectrulesreviews"],
    },
    {"verbs": ["create"], "apiGroups": ["authentication.k8s.io"], "resources": ["selfsubjectreviews"]},
    {"verbs": ["get"], "nonResourceURLs": list(_DISCOVERY)},
]


class Rbac:
    """Reads roles and bindings fresh for each question, so that what is applied counts at once."""

    def __init__(self, store: Store, catalogue: Catalogue) -> None:
        self._store = store
        self._roles = catalogue.of("Role"), catalogue.of("ClusterRole")
        self._bindings = catalogue.of("RoleBinding"), catalogue.of("ClusterRoleBinding")

    def allows(self, user: User, ask: Ask) -> bool:
        if MASTERS in user.groups:
            return True
        return any(_covers(rule, ask) for rule in self.rules(user, ask.namespace))

    def check(self, user: User, ask: Ask) -> None:
        """ApiError 403 in the server's words."""
        if not self.allows(user, ask):
            raise ApiError(403, f"{_what(ask)}: {_sentence(user, ask)}", details=_details(ask))

    def rules(self, user: User, namespace: str) -> Iterator[Rule]:
        """All rules that hold for a user, cluster-wide and (when given) in a namespace."""
        if user.name != "system:anonymous":
            yield from _BASIC
        else:
            yield {"verbs": ["get"], "nonResourceURLs": list(_PUBLIC)}
        role_kind, cluster_role_kind = self._roles
        for kind in self._bindings:
            if kind.namespaced and not namespace:
                continue
            for entry in self._store.all(kind, namespace if kind.namespaced else "")[0]:
                binding = entry.object
                if not any(_is_subject(subject, user) for subject in binding.get("subjects") or []):
                    continue
                ref = binding.get("roleRef") or {}
                of_kind = cluster_role_kind if ref.get("kind") == "ClusterRole" else role_kind
                role = self._store.find(of_kind, entry.namespace, ref.get("name", ""))
                if role is not None:
                    yield from role.object.get("rules") or []


def _is_subject(subject: dict[str, Any], user: User) -> bool:
    kind, name = subject.get("kind"), subject.get("name")
    if kind == "User":
        return bool(name == user.name)
    if kind == "Group":
        return name in user.all_groups
    if kind == "ServiceAccount":
        return user.name == f"system:serviceaccount:{subject.get('namespace')}:{name}"
    return False


def _covers(rule: Rule, ask: Ask) -> bool:
    verbs = rule.get("verbs") or []
    if "*" not in verbs and ask.verb not in verbs:
        return False
    if ask.path:
        return any(
            ask.path == url or (url.endswith("*") and ask.path.startswith(url[:-1]))
            for url in rule.get("nonResourceURLs") or []
        )
    groups = rule.get("apiGroups") or []
    if "*" not in groups and ask.group not in groups:
        return False
    asked = f"{ask.resource}/{ask.subresource}" if ask.subresource else ask.resource
    patterns = {"*", asked} | ({f"*/{ask.subresource}"} if ask.subresource else set())
    if not patterns & set(rule.get("resources") or []):
        return False
    names = rule.get("resourceNames") or []
    return not names or ask.name in names


def _what(ask: Ask) -> str:
    if ask.path:
        return "forbidden"
    qualified = f"{ask.resource}.{ask.group}" if ask.group else ask.resource
    return f'{qualified} "{ask.name}" is forbidden' if ask.name else f"{qualified} is forbidden"


def _sentence(user: User, ask: Ask) -> str:
    if ask.path:
        return f'User "{user.name}" cannot {ask.verb} path "{ask.path}"'
    asked = f"{ask.resource}/{ask.subresource}" if ask.subresource else ask.resource
    where = f'in the namespace "{ask.namespace}"' if ask.namespace else "at the cluster scope"
    return f'User "{user.name}" cannot {ask.verb} resource "{asked}" in API group "{ask.group}" {where}'


def _details(ask: Ask) -> dict[str, Any]:
    details = {"name": ask.name, "group": ask.group, "kind": ask.resource}
    return {key: value for key, value in details.items() if value}

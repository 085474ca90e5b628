"""Kubeconfig as kubectl reads it: which files, how they merge, and what a context stands for.

Order: ``--kubeconfig``, then every file of ``$KUBECONFIG``, then ``~/.kube/config``, then the service account of
the pod that we run in. In a merge the first file that names a cluster, user or context wins, and relative
paths belong to the file that holds them (Kubernetes documentation, "Organizing Cluster Access").
"""

from __future__ import annotations

import base64
import binascii
import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ko_tui.backend.errors import UsageError

SERVICE_ACCOUNT = Path("/var/run/secrets/kubernetes.io/serviceaccount")
IN_CLUSTER = "in-cluster"


class KubeconfigError(UsageError):
    """The kubeconfig is missing, unreadable or does not hold what was asked for."""

    title = "The kubeconfig cannot be used"


@dataclass(frozen=True, slots=True)
class ContextInfo:
    """A context for a list to pick from. ``current`` marks the one used when none is named."""

    name: str
    cluster: str
    server: str
    user: str
    namespace: str
    current: bool


@dataclass(frozen=True, slots=True)
class Impersonation:
    """Whom to act as: the ``--as`` options, or ``as`` and its companions in a kubeconfig user."""

    user: str
    groups: tuple[str, ...] = ()
    uid: str = ""
    extra: Mapping[str, tuple[str, ...]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Section:
    """The values of one named entry and the directory that its relative paths start from."""

    values: Mapping[str, Any]
    base: Path

    def text(self, key: str) -> str:
        value = self.values.get(key)
        return "" if value is None else str(value)

    def path(self, key: str) -> Path | None:
        name = self.text(key)
        return self.base / Path(name).expanduser() if name else None

    def content(self, key: str) -> bytes:
        """What ``<key>-data`` holds, else the file that ``<key>`` names; empty when neither is set."""
        inline = self.text(f"{key}-data")
        if inline:
            try:
                return base64.b64decode(inline, validate=False)
            except binascii.Error as error:
                raise KubeconfigError(f"{key}-data is not base64: {error}.") from None
        path = self.path(key)
        if path is None:
            return b""
        try:
            return path.read_bytes()
        except OSError as error:
            raise KubeconfigError(f"{key} {path} cannot be read: {error.strerror}.") from None


@dataclass(frozen=True, slots=True)
class Target:
    """Everything that a connection needs: the server, how to trust it, and who we are."""

    context: str
    cluster_name: str
    user_name: str
    server: str
    namespace: str
    cluster: Section
    user: Section
    impersonate: Impersonation | None = None

    @property
    def insecure(self) -> bool:
        return bool(self.cluster.values.get("insecure-skip-tls-verify"))

    @property
    def tls_server_name(self) -> str:
        return self.cluster.text("tls-server-name")

    @property
    def proxy_url(self) -> str:
        return self.cluster.text("proxy-url")

    @property
    def compression(self) -> bool:
        return not self.cluster.values.get("disable-compression")


@dataclass(frozen=True, slots=True)
class Kubeconfig:
    """The merged configuration."""

    contexts: Mapping[str, Section]
    clusters: Mapping[str, Section]
    users: Mapping[str, Section]
    current: str

    def list_contexts(self) -> list[ContextInfo]:
        """All contexts in the order of the files."""
        infos = []
        for name, section in self.contexts.items():
            cluster = self.clusters.get(section.text("cluster"))
            infos.append(
                ContextInfo(
                    name,
                    section.text("cluster"),
                    cluster.text("server") if cluster else "",
                    section.text("user"),
                    section.text("namespace") or "default",
                    name == self.current,
                )
            )
        return infos

    def target(self, context: str | None = None, impersonate: Impersonation | None = None) -> Target:
        """What ``context`` (default: the current one) stands for. Raises KubeconfigError."""
        name = context or self.current
        if not name:
            known = ", ".join(self.contexts) or "none"
            raise KubeconfigError("No context is selected.", f"Name one with --context. Contexts: {known}.")
        section = self.contexts.get(name)
        if section is None:
            known = ", ".join(self.contexts) or "none"
            raise KubeconfigError(f"There is no context {name!r}.", f"Contexts: {known}.")
        cluster = self.clusters.get(section.text("cluster"))
        if cluster is None or not cluster.text("server"):
            raise KubeconfigError(
                f"The context {name!r} names the cluster {section.text('cluster')!r}, which has no server.",
                "See kubectl config view.",
            )
        user = self.users.get(section.text("user"), Section({}, cluster.base))
        return Target(
            name,
            section.text("cluster"),
            section.text("user"),
            cluster.text("server").rstrip("/"),
            section.text("namespace") or "default",
            cluster,
            user,
            _impersonation(user, impersonate),
        )


def load(kubeconfig: str | None = None, environment: Mapping[str, str] | None = None) -> Kubeconfig:
    """Read and merge the files that kubectl would. Raises KubeconfigError.

    Without any file, and inside a pod, the result describes the pod's service account.
    """
    env = os.environ if environment is None else environment
    merged: dict[str, dict[str, Section]] = {"contexts": {}, "clusters": {}, "users": {}}
    current = ""
    for path in _files(kubeconfig, env):
        content = _read(path)
        if content is None:
            if kubeconfig:
                raise KubeconfigError(f"The file {path} does not exist.", "Check --kubeconfig.")
            continue
        current = current or str(content.get("current-context") or "")
        for kind, into in merged.items():
            for name, section in _entries(content, kind, path):
                into.setdefault(name, section)
    if not merged["contexts"] and not kubeconfig and (pod := in_cluster(env)) is not None:
        return pod
    if not any(merged.values()):
        where = kubeconfig or env.get("KUBECONFIG") or "~/.kube/config"
        raise KubeconfigError(
            f"No cluster is configured: {where} is missing or empty.",
            "Name a kubeconfig with --kubeconfig or KUBECONFIG, or look at a saved cluster with --demo.",
        )
    return Kubeconfig(merged["contexts"], merged["clusters"], merged["users"], current)


def in_cluster(env: Mapping[str, str], account: Path = SERVICE_ACCOUNT) -> Kubeconfig | None:
    """The service account of the pod we run in, or None outside a pod."""
    host, port = env.get("KUBERNETES_SERVICE_HOST"), env.get("KUBERNETES_SERVICE_PORT")
    if not host or not port or not (account / "token").exists():
        return None
    shown = f"[{host}]" if ":" in host else host
    namespace = "default"
    if (account / "namespace").exists():
        namespace = (account / "namespace").read_text().strip() or namespace
    context = {"cluster": IN_CLUSTER, "user": IN_CLUSTER, "namespace": namespace}
    cluster = {"server": f"https://{shown}:{port}", "certificate-authority": str(account / "ca.crt")}
    return Kubeconfig(
        {IN_CLUSTER: Section(context, account)},
        {IN_CLUSTER: Section(cluster, account)},
        {IN_CLUSTER: Section({"tokenFile": str(account / "token")}, account)},
        IN_CLUSTER,
    )


def _files(kubeconfig: str | None, env: Mapping[str, str]) -> list[Path]:
    if kubeconfig:
        return [Path(kubeconfig).expanduser()]
    if env.get("KUBECONFIG"):
        names = [name for name in env["KUBECONFIG"].split(os.pathsep) if name]
        return [Path(name) for name in dict.fromkeys(names)]
    home = env.get("HOME")
    return [(Path(home) if home else Path.home()) / ".kube" / "config"]


def _read(path: Path) -> dict[str, Any] | None:
    import yaml

    try:
        text = path.read_text(encoding="utf-8")
    except FileNotFoundError:
        return None
    except (OSError, UnicodeDecodeError) as error:
        raise KubeconfigError(f"{path} cannot be read: {error}.") from None
    try:
        content = yaml.load(text, Loader=getattr(yaml, "CSafeLoader", yaml.SafeLoader))
    except yaml.YAMLError as error:
        # The problem alone: the context of a YAML error quotes the file, and with it secrets.
        mark = getattr(error, "problem_mark", None)
        where = f" (line {mark.line + 1})" if mark is not None else ""
        raise KubeconfigError(f"{path} is not valid YAML{where}.") from None
    if content is None:
        return {}
    if not isinstance(content, dict):
        raise KubeconfigError(f"{path} is not a kubeconfig: it holds no mapping.")
    return content


def _entries(content: Mapping[str, Any], kind: str, path: Path) -> list[tuple[str, Section]]:
    entries = content.get(kind) or []
    if not isinstance(entries, list):
        raise KubeconfigError(f"{path}: {kind} is not a list.")
    found = []
    for entry in entries:
        if not isinstance(entry, dict) or not entry.get("name"):
            raise KubeconfigError(f"{path}: an entry of {kind} has no name.")
        values = entry.get(kind.removesuffix("s")) or {}
        if not isinstance(values, dict):
            raise KubeconfigError(f"{path}: {kind} {entry['name']!r} is not a mapping.")
        found.append((str(entry["name"]), Section(values, path.absolute().parent)))
    return found


def _impersonation(user: Section, asked: Impersonation | None) -> Impersonation | None:
    """The command line's fields over the kubeconfig's, field by field, as kubectl merges them."""
    extra = user.values.get("as-user-extra") or {}
    found = Impersonation(
        (asked.user if asked else "") or user.text("as"),
        (asked.groups if asked else ()) or tuple(str(g) for g in user.values.get("as-groups") or ()),
        (asked.uid if asked else "") or user.text("as-uid"),
        (asked.extra if asked else {}) or {str(k): tuple(str(v) for v in vs) for k, vs in extra.items()},
    )
    if not (found.user or found.groups or found.uid or found.extra):
        return None
    if not found.user:
        raise KubeconfigError(
            "Groups, a UID or extra fields are to be impersonated, but no user.", "Name the user with --as."
        )
    words = [
        found.user,
        found.uid,
        *found.groups,
        *found.extra,
        *(v for vs in found.extra.values() for v in vs),
    ]
    if any(ord(c) < 32 or ord(c) == 127 for word in words for c in word):
        raise KubeconfigError("A name to impersonate holds a control character.")
    return found

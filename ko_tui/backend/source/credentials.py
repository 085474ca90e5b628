"""Who we are: bearer tokens, token files, client certificates, credential plugins, legacy auth providers.

Plugins are run here and not by the Kubernetes client, which lets them take the terminal of the screen, runs
several at once and goes on without credentials when they fail.
"""

from __future__ import annotations

import base64
import ssl
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from ko_tui.backend.source.interface import NotAuthorised
from ko_tui.backend.source.kubeconfig import Section, Target

TOKEN_FILE_AGE_S = 60.0


@dataclass(frozen=True, slots=True)
class Identity:
    """What one request carries. ``certificate`` and ``key`` are PEM, empty when none is used."""

    authorization: str = ""
    certificate: bytes = b""
    key: bytes = b""


class Credentials(Protocol):
    """A way to be somebody. Safe to use from several threads."""

    def identity(self) -> Identity:
        """The identity now. Raises NotAuthorised when it cannot be had."""
        ...

    def renew(self, refused: Identity) -> bool:
        """After a 401 for ``refused``: try to get another; True when a retry makes sense."""
        ...


def bearer(token: str) -> str:
    """The header for a token; a token with a line break would end the header, and is refused."""
    token = token.strip()
    if any(ord(c) < 33 or ord(c) == 127 for c in token):
        raise NotAuthorised(
            "The token holds blanks or control characters.", "Check where the token comes from."
        )
    return f"Bearer {token}" if token else ""


class StaticCredentials:
    """A token, a user with password, a client certificate, or none of them."""

    def __init__(self, user: Section) -> None:
        self._user = user
        self._lock = threading.Lock()
        self._identity: Identity | None = None

    def identity(self) -> Identity:
        with self._lock:
            if self._identity is None:
                self._identity = self._read()
            return self._identity

    def renew(self, refused: Identity) -> bool:
        """Certificate files may have been rotated since they were read."""
        fresh = self._read()
        with self._lock:
            self._identity = fresh
        return fresh != refused

    def _read(self) -> Identity:
        authorization = bearer(self._user.text("token"))
        if not authorization and self._user.text("username"):
            pair = f"{self._user.text('username')}:{self._user.text('password')}"
            authorization = "Basic " + base64.b64encode(pair.encode()).decode()
        return Identity(
            authorization, self._user.content("client-certificate"), self._user.content("client-key")
        )


class TokenFileCredentials:
    """A token in a file that somebody renews: read again every minute, and after a 401."""

    def __init__(self, user: Section, clock: Callable[[], float] = time.monotonic) -> None:
        self._path = user.path("tokenFile")
        self._certificates = StaticCredentials(
            Section({k: v for k, v in user.values.items() if k.startswith("client-")}, user.base)
        )
        self._clock = clock
        self._lock = threading.Lock()
        self._identity: Identity | None = None
        self._read_at = 0.0

    def identity(self) -> Identity:
        with self._lock:
            if self._identity is None or self._clock() - self._read_at >= TOKEN_FILE_AGE_S:
                self._read()
            assert self._identity is not None
            return self._identity

    def renew(self, refused: Identity) -> bool:
        with self._lock:
            if self._identity == refused:
                self._read()
            return self._identity != refused

    def _read(self) -> None:
        assert self._path is not None
        try:
            token = self._path.read_text(encoding="utf-8")
        except (OSError, UnicodeDecodeError) as error:
            raise NotAuthorised(f"The token file {self._path} cannot be read: {error}.") from None
        certificate = self._certificates.identity()
        self._identity = Identity(bearer(token), certificate.certificate, certificate.key)
        self._read_at = self._clock()


class ProviderCredentials:
    """``auth-provider`` (oidc and its kind, deprecated): left to the official client, which knows how to renew."""

    def __init__(self, target: Target) -> None:
        self._target = target
        self._lock = threading.Lock()
        self._identity: Identity | None = None
        self._read_at = 0.0

    def identity(self) -> Identity:
        with self._lock:
            if self._identity is None or time.monotonic() - self._read_at >= TOKEN_FILE_AGE_S:
                self._identity = self._load()
                self._read_at = time.monotonic()
            return self._identity

    def renew(self, refused: Identity) -> bool:
        with self._lock:
            self._identity = self._load()
            return self._identity != refused

    def _load(self) -> Identity:
        from kubernetes.client.configuration import Configuration
        from kubernetes.config.kube_config import KubeConfigLoader

        target = self._target
        user = {**target.user.values, "auth-provider": _trusting(target.user.values["auth-provider"])}
        document = {
            "current-context": target.context,
            "contexts": [{"name": target.context, "context": {"cluster": "cluster", "user": "user"}}],
            "clusters": [{"name": "cluster", "cluster": {"server": target.server}}],
            "users": [{"name": "user", "user": user}],
        }
        try:
            loader: Any = KubeConfigLoader(document, config_base_path=str(target.user.base))  # type: ignore[no-untyped-call]
            loader.load_and_set(Configuration())
        except Exception as error:  # the client raises whatever its provider's library raises
            raise NotAuthorised(f"The auth-provider of user {target.user_name!r} failed: {error}.") from None
        token = str(getattr(loader, "token", "") or "").removeprefix("Bearer ")
        if not token:
            name = user["auth-provider"].get("name")
            raise NotAuthorised(
                f"The auth-provider {name!r} of user {target.user_name!r} gave no token.",
                "Such providers are gone from Kubernetes: a credential plugin (exec) takes their place.",
            )
        return Identity(bearer(token))


def _trusting(provider: Mapping[str, Any]) -> dict[str, Any]:
    """The official client trusts any issuer when no authority is named: name the system's."""
    config = dict(provider.get("config") or {})
    if not any(key.startswith("idp-certificate-authority") for key in config):
        paths = ssl.get_default_verify_paths()
        config["idp-certificate-authority"] = paths.cafile or paths.openssl_cafile
    return {**provider, "config": config}


def credentials_for(target: Target, terminal: TerminalLoan | None = None) -> Credentials:
    """The credentials of a target's user, in the order that kubectl looks for them.

    ``terminal`` lends the terminal to a plugin that insists on asking a person.
    """
    user = target.user
    if user.values.get("exec"):
        from ko_tui.backend.source.plugin import PluginCredentials

        return PluginCredentials(target, terminal)
    if user.text("tokenFile"):
        return TokenFileCredentials(user)
    if user.values.get("auth-provider") and not user.text("token"):
        return ProviderCredentials(target)
    return StaticCredentials(user)


class TerminalLoan(Protocol):
    """Runs something with the terminal in its own hands (the screen steps aside meanwhile)."""

    def __call__(self, run: Callable[[], None]) -> None: ...

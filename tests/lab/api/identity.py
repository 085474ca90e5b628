"""Who asks: client certificates, bearer tokens, impersonation."""

from __future__ import annotations

import ssl
from dataclasses import dataclass, field
from typing import Any

from aiohttp import web

from tests.lab.api.status import ApiError

AUTHENTICATED = "system:authenticated"
MASTERS = "system:masters"


@dataclass(frozen=True, slots=True)
class User:
    """``groups`` are those of the credential; system:authenticated is added by ``all_groups``."""

    name: str
    groups: tuple[str, ...] = ()
    uid: str = ""
    extra: dict[str, list[str]] = field(default_factory=dict)

    @property
    def all_groups(self) -> tuple[str, ...]:
        general = "system:unauthenticated" if self.name == "system:anonymous" else AUTHENTICATED
        added = [general]
        if self.name.startswith("system:serviceaccount:"):
            added += ["system:serviceaccounts", f"system:serviceaccounts:{self.name.split(':')[2]}"]
        return self.groups + tuple(g for g in added if g not in self.groups)


ANONYMOUS = User("system:anonymous")


class Authenticator:
    """Tokens and certificates to users. ``tokens`` may be changed while the server runs."""

    def __init__(self, tokens: dict[str, User] | None = None) -> None:
        self.tokens: dict[str, User] = dict(tokens or {})

    def user(self, request: web.Request) -> User:
        """ApiError 401 for a token that is not known; the anonymous user without any credential."""
        header = request.headers.get("Authorization", "")
        token = header[7:].strip() if header.lower().startswith("bearer ") else ""
        if not token:
            # Browsers and some WebSocket clients send the token as a subprotocol.
            for offered in request.headers.get("Sec-WebSocket-Protocol", "").split(","):
                if offered.strip().startswith("base64url.bearer.authorization.k8s.io."):
                    token = _from_base64url(offered.strip().rsplit(".", 1)[1])
        if token:
            found = self.tokens.get(token)
            if found is None:
                raise ApiError(401, "Unauthorized")
            return found
        if header:
            raise ApiError(401, "Unauthorized")
        return _from_certificate(request) or ANONYMOUS


def _from_base64url(text: str) -> str:
    import base64

    try:
        return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4)).decode()
    except ValueError:
        raise ApiError(401, "Unauthorized") from None


def _from_certificate(request: web.Request) -> User | None:
    transport = request.transport
    tls: ssl.SSLObject | None = transport.get_extra_info("ssl_object") if transport else None
    peer: Any = tls.getpeercert() if tls else None
    if not peer:
        return None
    subject = [pair for part in peer.get("subject", ()) for pair in part]
    names = [value for key, value in subject if key == "commonName"]
    return User(names[0], tuple(v for k, v in subject if k == "organizationName")) if names else None


@dataclass(frozen=True, slots=True)
class Impersonation:
    """What the Impersonate-* headers ask for."""

    user: str
    groups: tuple[str, ...]
    uid: str
    extra: dict[str, list[str]]


def impersonation(request: web.Request) -> Impersonation | None:
    """None without such headers; ApiError 400/500 when groups come without a user, as the server does."""
    headers = request.headers
    name = headers.get("Impersonate-User", "")
    groups = tuple(headers.getall("Impersonate-Group", []))
    uid = headers.get("Impersonate-Uid", "")
    extra: dict[str, list[str]] = {}
    for key in set(headers.keys()):
        if key.lower().startswith("impersonate-extra-"):
            extra[key[len("impersonate-extra-") :].lower()] = headers.getall(key)
    if not name:
        if groups or uid or extra:
            raise ApiError(
                500, "Internal Server Error: requested impersonation without a user", "InternalError"
            )
        return None
    return Impersonation(name, groups, uid, extra)

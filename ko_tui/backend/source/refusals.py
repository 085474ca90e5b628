"""What the API server says when it does not do what was asked, as typed errors."""

from __future__ import annotations

from typing import Any, TypeVar

import msgspec

from ko_tui.backend.errors import ClusterError, KoError
from ko_tui.backend.source.interface import ApiUnavailable, Forbidden, NotAuthorised, NotFound

T = TypeVar("T")


class StatusBody(msgspec.Struct, frozen=True):
    """The part of a ``v1.Status`` that explains a refusal."""

    message: str = ""
    reason: str = ""
    code: int = 0


class Gone(ClusterError):
    """410: the resourceVersion or the ``continue`` token is too old."""

    title = "The server no longer has that history"


class Conflict(ClusterError):
    """409: the object exists already, or was changed by somebody else."""

    title = "The object has changed meanwhile"


class BadRequest(ClusterError):
    """400 or 422: the server does not accept the request as it is."""

    title = "The API server does not accept this request"


class Interrupted(ClusterError):
    """The call was cancelled or the source was closed."""

    title = "Cancelled"


def decoded(decoder: msgspec.json.Decoder[T], content: bytes, what: str) -> T:
    """``content`` as the decoder's type; ``null`` counts as absent. Raises ApiUnavailable for what does not fit."""
    try:
        try:
            return decoder.decode(content)
        except msgspec.ValidationError:
            # Custom resources may hold null where the API's own kinds leave a field out.
            return msgspec.convert(_without_nulls(msgspec.json.decode(content)), decoder.type)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise ApiUnavailable(
            f"The answer to {what} cannot be read: {error}.",
            "Is this the API server itself, or a login page in front of it?",
        ) from None


def _without_nulls(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _without_nulls(each) for name, each in value.items() if each is not None}
    if isinstance(value, list):
        return [_without_nulls(each) for each in value if each is not None]
    return value


def refusal(status: int, body: bytes, what: str) -> KoError:
    """The typed error for an HTTP answer; the server's own message is in ``what`` of the error."""
    try:
        detail = msgspec.json.decode(body, type=StatusBody)
    except (msgspec.DecodeError, UnicodeDecodeError):
        detail = StatusBody(message=body[:500].decode("utf-8", "replace").strip())
    message = detail.message or f"HTTP status {status} for {what}"
    if status == 401:
        return NotAuthorised(
            f"{message} ({what}).", "Log in again, or check the user of this context in the kubeconfig."
        )
    if status == 403:
        return Forbidden(message, "ko-tui rbac prints the permissions that ko-tui needs.")
    if status == 404:
        return NotFound(message)
    if status == 410:
        return Gone(message)
    if status == 409:
        return Conflict(message)
    if status == 429 or status >= 500:
        return ApiUnavailable(f"The API server answered {status}: {message}.", "Try again in a moment.")
    return BadRequest(message)

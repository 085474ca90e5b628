"""How an exec ended: the status channel, the answer to the handshake, and what each means."""

from __future__ import annotations

from typing import Any

import msgspec

from ko_tui.backend.errors import KoError
from ko_tui.backend.source.interface import CouldNotStart, ExecFailed, NoSuchContainer, NotFound
from ko_tui.backend.source.refusals import BadRequest, StatusBody, refusal

# Words of kubelet, containerd, CRI-O and runc for "there is no such program".
CANNOT_START = (
    "executable file not found",
    "no such file or directory",
    "permission denied",
    "exec failed",
    "exec format error",
    "unable to start container process",
)
NO_CONTAINER = (
    "container not found",
    "unable to upgrade connection",
    "is not valid for pod",
    "not running",
    "does not have a host assigned",
    "cannot exec into a container in a completed pod",
    "no such container",
    "not created",
)


class ExecStatus(msgspec.Struct, frozen=True):
    """The ``v1.Status`` on channel 3."""

    status: str = ""
    message: str = ""
    reason: str = ""
    code: int = 0
    details: dict[str, Any] | None = None


def exit_code(document: bytes) -> int:
    """The exit code that the status channel gives.

    Raises CouldNotStart, NoSuchContainer or ExecFailed when the program never ran.
    """
    try:
        status = msgspec.json.decode(document, type=ExecStatus)
    except (msgspec.DecodeError, UnicodeDecodeError):
        shown = document[:200].decode("utf-8", "replace")
        raise ExecFailed(f"The status of the command cannot be read: {shown!r}.") from None
    if status.status == "Success":
        return 0
    for cause in (status.details or {}).get("causes") or ():
        if cause.get("reason") == "ExitCode":
            text = str(cause.get("message", ""))
            if text.lstrip("-").isdigit():
                return int(text)
    raise not_run(status.message or status.reason or "no reason was given")


def not_run(message: str) -> ExecFailed:
    """The typed error for the runtime's own words."""
    lowered = message.lower()
    if any(words in lowered for words in NO_CONTAINER):
        return NoSuchContainer(message, "The pod may have been replaced: refresh and try again.")
    if any(words in lowered for words in CANNOT_START):
        return CouldNotStart(message, "The image of this container may not have the program.")
    return ExecFailed(message)


def handshake_refused(status: int, body: bytes, what: str) -> KoError:
    """The typed error for an HTTP answer where the stream was to begin."""
    error = refusal(status, body, what)
    try:
        message = msgspec.json.decode(body, type=StatusBody).message
    except (msgspec.DecodeError, UnicodeDecodeError):
        message = ""
    if isinstance(error, NotFound):
        return NoSuchContainer(error.what, "The pod may have been replaced: refresh and try again.")
    if isinstance(error, BadRequest) or (status == 500 and message):
        failed = not_run(error.what if status != 500 else message)
        return failed if isinstance(failed, (NoSuchContainer, CouldNotStart)) or status != 500 else error
    return error

"""What can be asked of a cluster, live or saved: objects, exec, logs.

Everything above this module (commands, sessions, screens) speaks only this interface. All calls block and
are safe to make from several threads; nobody calls them from the event loop of the screen.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal, Protocol

from ko_tui.backend.errors import ClusterError, KoError

if TYPE_CHECKING:
    from ko_tui.backend.source.objects import KubeObject

Capability = Literal["exec", "watch", "logs", "write", "portforward"]
JsonObject = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Resource:
    """A kind of object as the API names it: ``Resource("", "v1", "pods")`` is the core pods."""

    group: str
    version: str
    plural: str
    namespaced: bool = True

    @property
    def path(self) -> str:
        """``/api/v1`` or ``/apis/<group>/<version>``."""
        return f"/apis/{self.group}/{self.version}" if self.group else f"/api/{self.version}"


@dataclass(frozen=True, slots=True)
class PodRef:
    """A container of a pod: where an exec goes."""

    namespace: str
    name: str
    container: str = ""

    def __str__(self) -> str:
        return f"{self.namespace}/{self.name}" + (f"[{self.container}]" if self.container else "")


def program(argv: Sequence[str]) -> str:
    """The program of a command: its first word, or the one behind ``timeout`` and its numbers; "" for none."""
    words = list(argv)
    if words and words[0] == "timeout":
        words = [w for w in words[1:] if not w.startswith("-") and not w.replace(".", "").isdigit()]
    return words[0] if words else ""


@dataclass(frozen=True, slots=True)
class Listing:
    """The answer to a list: all pages together.

    ``complete`` is False when a page could not be had; ``reason`` then says why. Partial answers are shown
    as such, never as whole.
    """

    items: Sequence[KubeObject]
    resource_version: str = ""
    complete: bool = True
    reason: str = ""


@dataclass(frozen=True, slots=True)
class WatchEvent:
    """One change. ``type`` is ADDED, MODIFIED, DELETED, BOOKMARK, or RESYNC (list again: history is gone).

    LOST says that the connection failed (``error``) and is tried again after ``retry`` seconds; BACK that it holds
    again. Nothing is missed in between: what happened meanwhile comes after BACK.
    """

    type: Literal["ADDED", "MODIFIED", "DELETED", "BOOKMARK", "RESYNC", "LOST", "BACK"]
    object: KubeObject | None
    resource_version: str = ""
    error: KoError | None = None
    retry: float = 0.0


@dataclass(frozen=True, slots=True)
class ExecResult:
    """A remote command that ran to its end and whose status arrived.

    ``stdout`` and ``stderr`` are bytes as they came, empty when the caller took them by callback.
    ``duration_ms`` is from request to status.
    """

    stdout: bytes
    stderr: bytes
    exit_code: int
    duration_ms: float


class Cancel:
    """A flag that ends an exec, a watch or a list from another thread.

    Callbacks added with :meth:`on_cancel` run once, at once if already cancelled.
    """

    def __init__(self) -> None:
        self._event = threading.Event()
        self._lock = threading.Lock()
        self._callbacks: list[Callable[[], None]] = []

    def cancel(self) -> None:
        """Set the flag and run the callbacks."""
        with self._lock:
            if self._event.is_set():
                return
            self._event.set()
            callbacks, self._callbacks = self._callbacks, []
        for callback in callbacks:
            callback()

    @property
    def cancelled(self) -> bool:
        return self._event.is_set()

    def wait(self, seconds: float) -> bool:
        """Wait at most ``seconds``; True when cancelled."""
        return self._event.wait(seconds)

    def on_cancel(self, callback: Callable[[], None]) -> None:
        with self._lock:
            if not self._event.is_set():
                self._callbacks.append(callback)
                return
        callback()


class ExecFailed(ClusterError):
    """An exec without a trustworthy end. ``stdout`` and ``stderr`` hold what came: partial, never shown as whole."""

    title = "The command in the pod did not finish"

    def __init__(
        self, what: str, next_step: str = "", *, stdout: bytes = b"", stderr: bytes = b"", title: str = ""
    ) -> None:
        super().__init__(what, next_step, title=title)
        self.stdout = stdout
        self.stderr = stderr


class ExecTimeout(ExecFailed):
    """The deadline passed. ``begun`` is False when the handshake was not answered: the node's kubelet is silent."""

    title = "The command took too long"
    begun = True


class ExecInterrupted(ExecFailed):
    """The stream was cut before the status arrived."""

    title = "The connection to the pod was cut"


class ExecNoStatus(ExecFailed):
    """The stream closed in order but the status never came: the output may be cut short."""

    title = "The command's outcome is unknown"


class ExecCancelled(ExecFailed):
    """The caller cancelled it."""

    title = "Cancelled"


class ExecOutputLimit(ExecFailed):
    """More output than the caller allowed."""

    title = "The output is larger than allowed"


class CouldNotStart(ExecFailed):
    """The container runtime could not start the program (not found, not executable)."""

    title = "The program could not be started"


class NoSuchContainer(ExecFailed):
    """The pod or container does not exist or is not running."""

    title = "No such pod or container"


class NotAuthorised(ClusterError):
    """401: the credentials are missing, wrong or expired."""

    title = "The API server does not accept these credentials"


class Forbidden(ClusterError):
    """403: the user may not do this; the server's own words are in ``what``."""

    title = "Not allowed by the cluster's RBAC"


class NotFound(ClusterError):
    """404: no such object, or this cluster does not have this kind."""

    title = "Not found"


class ApiUnavailable(ClusterError):
    """The API server cannot be reached, or answered 5xx."""

    title = "The API server cannot be reached"


class NotInSnapshot(ClusterError):
    """A saved cluster does not hold this answer."""

    title = "Not in this snapshot"


OnBytes = Callable[[bytes], None]


@dataclass(frozen=True, slots=True)
class SourceInfo:
    """Who we are talking to, for the header of every screen and the audit log."""

    kind: Literal["live", "snapshot"]
    label: str  # context name, or file name
    cluster: str = ""
    server: str = ""
    user: str = ""
    namespace: str = ""  # the context's own namespace ("default" when unset)
    taken_at: str = ""  # ISO time of a snapshot
    extra: Mapping[str, str] = field(default_factory=dict)


class Source(Protocol):
    """A cluster, live or saved. Every method raises :class:`KoError` kinds only."""

    @property
    def info(self) -> SourceInfo: ...

    @property
    def capabilities(self) -> frozenset[Capability]: ...

    def list(
        self,
        resource: Resource,
        *,
        namespace: str | None = None,
        label_selector: str = "",
        field_selector: str = "",
        cancel: Cancel | None = None,
        on_page: Callable[[Sequence[KubeObject]], None] | None = None,
        whole: bool = True,
    ) -> Listing:
        """All objects; ``namespace=None`` means all namespaces. Raises NotFound when the kind is unknown here.

        With ``whole`` False they may be given to ``on_page`` alone, so that a large list is never held whole. An
        empty page then says that the list begins again, and what came before is not to be used.
        """
        ...

    def get(self, resource: Resource, namespace: str, name: str) -> KubeObject:
        """One object. ``namespace`` is "" for cluster scope."""
        ...

    def watch(
        self,
        resource: Resource,
        *,
        namespace: str | None = None,
        label_selector: str = "",
        resource_version: str = "",
        cancel: Cancel | None = None,
    ) -> Iterator[WatchEvent]:
        """Changes since ``resource_version``, reconnecting by itself with back-off; ends when cancelled."""
        ...

    def exec(
        self,
        pod: PodRef,
        argv: Sequence[str],
        *,
        stdin: bytes = b"",
        timeout: float = 30.0,
        cancel: Cancel | None = None,
        on_stdout: OnBytes | None = None,
        on_stderr: OnBytes | None = None,
        max_output: int = 256 * 1024 * 1024,
    ) -> ExecResult:
        """Run ``argv`` (never a shell) in a container; ``timeout`` in seconds for the whole.

        A non-zero exit status is a result, not an error.
        """
        ...

    def logs(
        self, pod: PodRef, *, tail: int = 200, since_seconds: int | None = None, previous: bool = False
    ) -> bytes:
        """The last ``tail`` lines of a container's log."""
        ...

    def create(self, resource: Resource, namespace: str, body: JsonObject) -> KubeObject: ...

    def patch(
        self, resource: Resource, namespace: str, name: str, body: JsonObject, *, subresource: str = ""
    ) -> KubeObject:
        """A merge patch (``application/merge-patch+json``)."""
        ...

    def delete(self, resource: Resource, namespace: str, name: str) -> None: ...

    def may(
        self, verb: str, resource: Resource, *, namespace: str = "", name: str = "", subresource: str = ""
    ) -> bool:
        """SelfSubjectAccessReview: may this user do that? On a snapshot: reading yes, the rest no."""
        ...

    def close(self) -> None: ...

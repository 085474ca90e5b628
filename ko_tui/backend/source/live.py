"""A live cluster: the API server of one context as a source.

Opening reads the kubeconfig only; the first request connects. Nothing here loads the Kubernetes client or the
network libraries before they are needed, so that a screen can paint first.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

import msgspec

from ko_tui.backend.source.interface import (
    Cancel,
    Capability,
    ExecCancelled,
    ExecResult,
    ExecTimeout,
    JsonObject,
    Listing,
    OnBytes,
    PodRef,
    Resource,
    SourceInfo,
    WatchEvent,
)
from ko_tui.backend.source.kubeconfig import ContextInfo, Impersonation, Target
from ko_tui.backend.source.objects import KubeObject

if TYPE_CHECKING:
    from ko_tui.backend.source.credentials import TerminalLoan
    from ko_tui.backend.source.handshake import Timing
    from ko_tui.backend.source.rest import Rest
    from ko_tui.backend.source.watch import Pace

MAY_AGE_S = 60.0
# Short commands share 16 places and two in one pod. Long ones (captures, watches of a log) have places of their
# own, so that they cannot keep the short ones out.
SHORT_EXECS, SHORT_PER_POD = 16, 2
LONG_EXECS, LONG_PER_POD = 32, 4
LONG_S = 120.0

__all__ = ["ContextInfo", "Impersonation", "LiveSource", "contexts", "open_live"]


def contexts(
    kubeconfig: str | None = None, environment: Mapping[str, str] | None = None
) -> list[ContextInfo]:
    """The contexts of the kubeconfig, in file order. Raises KubeconfigError."""
    from ko_tui.backend.source.kubeconfig import load

    return load(kubeconfig, environment).list_contexts()


def open_live(
    kubeconfig: str | None = None,
    context: str | None = None,
    impersonate: Impersonation | None = None,
    *,
    environment: Mapping[str, str] | None = None,
    terminal: TerminalLoan | None = None,
) -> LiveSource:
    """The cluster of a context. Raises KubeconfigError; no connection is made yet.

    ``environment`` stands for ``os.environ``; ``terminal`` lends the terminal to a credential plugin that has to
    ask a person.
    """
    from ko_tui.backend.source.kubeconfig import load

    target = load(kubeconfig, environment).target(context, impersonate)
    return LiveSource(target, environment=environment, terminal=terminal)


class _ReviewStatus(msgspec.Struct, frozen=True):
    allowed: bool = False


class _Review(msgspec.Struct, frozen=True):
    status: _ReviewStatus = msgspec.field(default_factory=_ReviewStatus)


_REVIEW = msgspec.json.Decoder(_Review)


class LiveSource:
    """See :class:`ko_tui.backend.source.interface.Source`. Safe to use from any number of threads.

    Lists and watches of pods hold the parts of ``spec`` and ``status`` that ko-tui reads; ``get`` gives all.
    """

    def __init__(
        self,
        target: Target,
        *,
        environment: Mapping[str, str] | None = None,
        terminal: TerminalLoan | None = None,
        timing: Timing | None = None,
        pace: Pace | None = None,
    ) -> None:
        from ko_tui.backend.source.abort import Gate

        self._target = target
        self._environment = environment
        self._terminal = terminal
        self._timing = timing
        self._pace = pace
        self._lock = threading.Lock()
        self._rest_or_none: Rest | None = None
        self._closed = False
        self._short = Gate(SHORT_EXECS, SHORT_PER_POD)
        self._long = Gate(LONG_EXECS, LONG_PER_POD)
        self._silent: dict[
            str, tuple[float, str]
        ] = {}  # pod -> when it last began no command, and the words for it
        self._may: dict[tuple[str, ...], tuple[float, bool]] = {}
        person = target.impersonate
        self._info = SourceInfo(
            "live",
            target.context,
            target.cluster_name,
            target.server,
            person.user if person else target.user_name,
            target.namespace,
            extra={"real-user": target.user_name} if person else {},
        )

    @property
    def info(self) -> SourceInfo:
        return self._info

    @property
    def capabilities(self) -> frozenset[Capability]:
        return frozenset(("exec", "watch", "logs", "write"))

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
        from ko_tui.backend.source.listing import list_all

        return list_all(
            self._rest, resource, namespace, label_selector, field_selector, cancel, on_page, whole
        )

    def get(self, resource: Resource, namespace: str, name: str) -> KubeObject:
        from ko_tui.backend.source.listing import read_object

        what = f"get {resource.plural}"
        return read_object(self._rest.call("GET", self._path(resource, namespace, name), what=what), what)

    def watch(
        self,
        resource: Resource,
        *,
        namespace: str | None = None,
        label_selector: str = "",
        resource_version: str = "",
        cancel: Cancel | None = None,
    ) -> Iterator[WatchEvent]:
        from ko_tui.backend.source.watch import Pace, watch

        return watch(
            self._rest, resource, namespace, label_selector, resource_version, cancel, self._pace or Pace()
        )

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
        """See the interface. ``timeout`` starts when the command gets its place among those under way.

        Cancelling closes the stream at once; a command that could run on by itself should be started through
        :func:`ko_tui.backend.source.exec.bounded`.
        """
        from ko_tui.backend.source.exec import run
        from ko_tui.backend.source.handshake import Request, Timing, not_begun

        request = Request(pod, argv, stdin, timeout, on_stdout, on_stderr, max_output)
        gate = self._long if timeout > LONG_S else self._short
        key, since = f"{pod.namespace}/{pod.name}", time.monotonic()
        with self._rest.abort(cancel) as abort, gate.use(key, abort) as entered:
            if not entered:
                raise ExecCancelled("It was cancelled before it began.")
            silent = self._silent.get(key)
            if silent is not None and silent[0] >= since:
                # Who has waited for a place behind one that was never begun need not find out again.
                raise not_begun(silent[1])
            try:
                return run(self._rest, request, abort, self._timing or Timing())
            except ExecTimeout as error:
                if not error.begun:
                    self._silent[key] = (time.monotonic(), error.what)
                raise

    def logs(
        self, pod: PodRef, *, tail: int = 200, since_seconds: int | None = None, previous: bool = False
    ) -> bytes:
        from ko_tui.backend.source.kinds import PODS

        query = {"tailLines": str(tail)}
        if pod.container:
            query["container"] = pod.container
        if since_seconds is not None:
            query["sinceSeconds"] = str(since_seconds)
        if previous:
            query["previous"] = "true"
        path = self._path(PODS, pod.namespace, pod.name) + "/log"
        return self._rest.call("GET", path, query, accept="*/*", what=f"log of {pod}")

    def create(self, resource: Resource, namespace: str, body: JsonObject) -> KubeObject:
        from ko_tui.backend.source.listing import collection, read_object

        what = f"create {resource.plural}"
        content = self._rest.call("POST", collection(resource, namespace), body=body, what=what)
        return read_object(content, what)

    def patch(
        self, resource: Resource, namespace: str, name: str, body: JsonObject, *, subresource: str = ""
    ) -> KubeObject:
        from ko_tui.backend.source.listing import read_object

        what = f"patch {resource.plural}"
        path = self._path(resource, namespace, name) + (f"/{subresource}" if subresource else "")
        content = self._rest.call(
            "PATCH", path, body=body, content_type="application/merge-patch+json", what=what
        )
        return read_object(content, what)

    def delete(self, resource: Resource, namespace: str, name: str) -> None:
        self._rest.call("DELETE", self._path(resource, namespace, name), what=f"delete {resource.plural}")

    def may(
        self, verb: str, resource: Resource, *, namespace: str = "", name: str = "", subresource: str = ""
    ) -> bool:
        key = (verb, resource.group, resource.plural, namespace, name, subresource)
        with self._lock:
            known = self._may.get(key)
        if known is not None and time.monotonic() - known[0] < MAY_AGE_S:
            return known[1]
        attributes: dict[str, Any] = {
            "verb": verb,
            "group": resource.group,
            "version": resource.version,
            "resource": resource.plural,
            "subresource": subresource,
            "namespace": namespace,
            "name": name,
        }
        body = {
            "apiVersion": "authorization.k8s.io/v1",
            "kind": "SelfSubjectAccessReview",
            "spec": {"resourceAttributes": {k: v for k, v in attributes.items() if v}},
        }
        from ko_tui.backend.source.refusals import decoded

        content = self._rest.call(
            "POST", "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews", body=body, what="access review"
        )
        answer = decoded(_REVIEW, content, "access review").status.allowed
        with self._lock:
            self._may[key] = (time.monotonic(), answer)
        return answer

    def close(self) -> None:
        """End everything under way, at once; later calls fail."""
        with self._lock:
            self._closed = True
            rest = self._rest_or_none
        if rest is not None:
            rest.close()

    @property
    def _rest(self) -> Rest:
        with self._lock:
            if self._rest_or_none is None:
                from ko_tui.backend.source.credentials import credentials_for
                from ko_tui.backend.source.rest import Rest

                credentials = credentials_for(self._target, self._terminal)
                self._rest_or_none = Rest(self._target, credentials, environment=self._environment)
                if self._closed:
                    self._rest_or_none.close()
            return self._rest_or_none

    @staticmethod
    def _path(resource: Resource, namespace: str, name: str) -> str:
        from ko_tui.backend.source.listing import collection

        return f"{collection(resource, namespace)}/{quote(name, safe='')}"

"""The API server: HTTPS on 127.0.0.1, each request authenticated, authorised, audited and answered."""

from __future__ import annotations

import asyncio
import contextlib
import ssl
import tempfile
import threading
import time
from collections import deque
from collections.abc import Coroutine
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec
from aiohttp import web

from tests.lab.api import admin, discovery, execution, identity, logs, pod_requests, reviews, route, watching
from tests.lab.api.admission import Admissions
from tests.lab.api.certificates import Authority
from tests.lab.api.controllers import Controllers
from tests.lab.api.faults import Faults
from tests.lab.api.identity import Authenticator, User
from tests.lab.api.kinds import Catalogue
from tests.lab.api.rbac import Ask, Rbac
from tests.lab.api.resources import Resources
from tests.lab.api.runtime import PlainRuntime, Runtime
from tests.lab.api.status import ApiError
from tests.lab.api.store import Store


@dataclass(slots=True)
class Audit:
    """One request as the audit log has it. ``code`` is 0 while it runs or when the client went away."""

    user: str
    impersonated: str
    verb: str
    path: str
    query: str
    agent: str
    started: float
    code: int = 0


class ApiServer:
    """One server. ``start`` runs it in a thread of its own; objects, tokens and faults may be changed any time."""

    def __init__(self, runtime: Runtime | None = None, tokens: dict[str, User] | None = None) -> None:
        self.catalogue = Catalogue()
        self.store = Store()
        self.faults = Faults()
        self.runtime: Runtime = runtime or PlainRuntime()
        self.controllers = Controllers(self.store, self.catalogue, self.runtime)
        self.authenticator = Authenticator(tokens)
        self.authority = Authority()
        self.rbac = Rbac(self.store, self.catalogue)
        self.admissions = Admissions(self.store, self.catalogue)
        self.audit: deque[Audit] = deque(maxlen=5000)
        self.resources = Resources(self.store, self.faults, self.controllers)
        self.cluster_faults: dict[str, Any] = {}
        self.port = 0
        self._thread: threading.Thread | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._ended: asyncio.Event | None = None
        self._failed: BaseException | None = None
        self._tasks: list[Any] = []

    @property
    def url(self) -> str:
        return f"https://127.0.0.1:{self.port}"

    # -- life -------------------------------------------------------------------------------------------------

    def start(self, port: int = 0, *background: Any) -> None:
        """Listen (on a free port unless one is given); ``background`` are coroutine functions to run beside."""
        self._tasks = [self.controllers.run, *background]
        ready = threading.Event()
        self._thread = threading.Thread(target=self._run, args=(port, ready), name="lab-api", daemon=True)
        self._thread.start()
        ready.wait()
        if self._failed:
            raise self._failed

    def stop(self) -> None:
        """End all connections and the thread; safe to call twice."""
        if self._thread is None or self._loop is None or self._ended is None:
            return
        with contextlib.suppress(RuntimeError):
            self._loop.call_soon_threadsafe(self._ended.set)
        self._thread.join(10)
        self._thread = None

    def call(self, work: Coroutine[Any, Any, Any]) -> Any:
        """Run a coroutine in the server's loop and wait for it."""
        assert self._loop is not None
        return asyncio.run_coroutine_threadsafe(work, self._loop).result(30)

    def _run(self, port: int, ready: threading.Event) -> None:
        try:
            asyncio.run(self._serve(port, ready))
        except BaseException as error:
            self._failed = error
        finally:
            ready.set()

    async def _serve(self, port: int, ready: threading.Event) -> None:
        self._loop, self._ended = asyncio.get_running_loop(), asyncio.Event()
        self._loop.set_exception_handler(_quiet)
        app = web.Application(client_max_size=256 * 1024 * 1024)
        app.router.add_route("*", "/{path:.*}", self._handle)
        runner = web.AppRunner(app, access_log=None, handler_cancellation=True, shutdown_timeout=0.2)
        await runner.setup()
        site = web.TCPSite(runner, "127.0.0.1", port, ssl_context=self._tls(), backlog=1024)
        await site.start()
        self.port = runner.addresses[0][1]
        tasks = [asyncio.create_task(work()) for work in self._tasks]
        ready.set()
        await self._ended.wait()
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await runner.cleanup()

    def _tls(self) -> ssl.SSLContext:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.verify_mode = ssl.CERT_OPTIONAL
        context.load_verify_locations(cadata=self.authority.certificate.decode())
        with tempfile.TemporaryDirectory(prefix="ko-lab-tls-") as directory:
            place = Path(directory)
            certificate, key = self.authority.server()
            (place / "cert.pem").write_bytes(certificate)
            (place / "key.pem").write_bytes(key)
            context.load_cert_chain(place / "cert.pem", place / "key.pem")
        return context

    # -- requests ---------------------------------------------------------------------------------------------

    async def _handle(self, request: web.Request) -> web.StreamResponse:
        where = route.parse(request, self.catalogue)
        record = Audit(
            "", request.headers.get("Impersonate-User", ""), where.verb, where.path, request.query_string,
            request.headers.get("User-Agent", ""), time.time(),
        )  # fmt: skip
        self.audit.append(record)
        try:
            response = await self._answer(request, where, record)
        except ApiError as error:
            body = msgspec.json.encode(error.body())
            response = web.Response(body=body, status=error.code, content_type="application/json")
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            refused = ApiError(400, f"the request cannot be understood: {type(error).__name__}: {error}")
            body = msgspec.json.encode(refused.body())
            response = web.Response(body=body, status=400, content_type="application/json")
        record.code = response.status
        return response

    async def _answer(self, request: web.Request, where: route.Route, record: Audit) -> web.StreamResponse:
        user = self._user(request, record)
        if where.path.startswith("/_lab/"):
            return await admin.answer(request, user, self)
        about = {"path": where.path, "verb": where.verb, "user": user.name}
        if fault := self.faults.take("latency", **about):
            await asyncio.sleep(fault.seconds)
        if self.faults.take("hang", **about):
            await asyncio.Event().wait()
        if fault := self.faults.take("http_status", **about):
            raise ApiError(fault.code, fault.message or _WORDS.get(fault.code, "the lab was asked to fail"))
        if not where.is_resource:
            self.rbac.check(user, where.ask)
            return discovery.answer(request, self.catalogue)
        review = (
            await reviews.review(request, where.plural, user, self.rbac) if where.verb == "create" else None
        )
        if review is not None:
            return review
        self.rbac.check(user, where.ask)
        if where.kind is None:
            raise ApiError(404, "the server could not find the requested resource")
        if where.verb == "watch":
            return await watching.watch(request, where, where.kind, self.store, self.faults)
        if where.kind.kind == "Pod" and where.subresource == "exec":
            if self.faults.exec_needs_create and where.verb == "get":
                ask = where.ask
                self.rbac.check(user, Ask("create", "", "pods", "exec", ask.namespace, ask.name))
            command = pod_requests.command(request, where, self.controllers)
            options = pod_requests.exec_options(request)
            self.admissions.check(user, options, where.name, where.subresource)
            return await execution.execute(request, command, self.faults, user.name)
        if where.kind.kind == "Pod" and where.subresource == "log":
            pod, container, file = pod_requests.log(request, where, self.controllers)
            return await logs.answer(request, pod, container, file)
        return await self.resources.handle(request, where, where.kind)

    def _user(self, request: web.Request, record: Audit) -> User:
        """Who the request counts as; checks the right to impersonate."""
        user = self.authenticator.user(request)
        record.user = user.name
        wanted = identity.impersonation(request)
        if wanted is None:
            return user
        if wanted.user.startswith("system:serviceaccount:"):
            parts = wanted.user.split(":")
            self.rbac.check(user, Ask("impersonate", "", "serviceaccounts", "", parts[2], parts[3]))
        else:
            self.rbac.check(user, Ask("impersonate", "", "users", name=wanted.user))
        for group in wanted.groups:
            self.rbac.check(user, Ask("impersonate", "", "groups", name=group))
        if wanted.uid:
            self.rbac.check(user, Ask("impersonate", "authentication.k8s.io", "uids", name=wanted.uid))
        for key, values in wanted.extra.items():
            for value in values:
                ask = Ask("impersonate", "authentication.k8s.io", "userextras", key, name=value)
                self.rbac.check(user, ask)
        return User(wanted.user, wanted.groups, wanted.uid, wanted.extra)


_WORDS = {
    401: "Unauthorized",
    403: "forbidden: the lab was asked to refuse",
    410: "too old resource version: 1 (1000)",
    429: "the server has received too many requests and has asked us to try again later",
    500: "Internal error occurred: the lab was asked to fail",
    503: "the server is currently unable to handle the request",
}


def _quiet(loop: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
    """Connections that break are the daily bread of this server; anything else is shown."""
    if not isinstance(context.get("exception"), ConnectionError | ssl.SSLError | OSError | None):
        loop.default_exception_handler(context)

"""HTTP to the API server: one connection pool, typed errors, JSON straight into structs.

Nothing is retried behind the caller's back but these: once after a 401 with renewed credentials, once when a
kept connection turns out dead, and briefly after 429 when the server says when to come back.
"""

from __future__ import annotations

import os
import socket
import ssl
import threading
import weakref
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any
from urllib.parse import quote, urlencode, urlsplit

import msgspec
import urllib3
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.connectionpool import HTTPConnectionPool, HTTPSConnectionPool
from urllib3.exceptions import (
    ConnectTimeoutError,
    HTTPError,
    InsecureRequestWarning,
    NewConnectionError,
    ProtocolError,
    ReadTimeoutError,
)
from urllib3.exceptions import SSLError as PoolSSLError

from ko_tui import __version__
from ko_tui.backend.errors import KoError
from ko_tui.backend.source.abort import Abort
from ko_tui.backend.source.credentials import Credentials, Identity
from ko_tui.backend.source.dial import PORTS, Dialler, proxy_for
from ko_tui.backend.source.interface import ApiUnavailable, Cancel
from ko_tui.backend.source.kubeconfig import Target
from ko_tui.backend.source.refusals import Interrupted, refusal
from ko_tui.backend.source.tls import tls_context

USER_AGENT = f"ko-tui/{__version__}"
CONNECT_S = 10.0
READ_S = 60.0
POOL_SIZE = 16
BUSY_TRIES = 3
BUSY_WAIT_MAX_S = 5.0


class Rest:
    """Requests to one API server as one user."""

    def __init__(
        self,
        target: Target,
        credentials: Credentials,
        *,
        connect_timeout: float = CONNECT_S,
        read_timeout: float = READ_S,
        environment: Mapping[str, str] | None = None,
    ) -> None:
        parts = urlsplit(target.server if "://" in target.server else f"https://{target.server}")
        self.target = target
        self.credentials = credentials
        self.scheme = parts.scheme
        self.host = parts.hostname or ""
        self.port = parts.port or PORTS[parts.scheme]
        self.prefix = parts.path.rstrip("/")
        self.connect_timeout = connect_timeout
        self.read_timeout = read_timeout
        env = os.environ if environment is None else environment
        url = f"{self.scheme}://{f'[{self.host}]' if ':' in self.host else self.host}:{self.port}"
        self.dialler = Dialler(self.host, self.port, proxy_for(url, target.proxy_url, env))
        self.live: weakref.WeakSet[Abort] = weakref.WeakSet()
        self.closed = False
        self._lock = threading.Lock()
        self._pool: HTTPConnectionPool | None = None
        self._context: ssl.SSLContext | None = None
        self._certificate: tuple[bytes, bytes] | None = None
        if target.insecure:
            urllib3.disable_warnings(InsecureRequestWarning)

    # -- who we are ---------------------------------------------------------------------------------------

    def headers(self, identity: Identity) -> list[tuple[str, str]]:
        """The headers that say who asks, the same for REST, watch and exec."""
        found = [("User-Agent", USER_AGENT)]
        if identity.authorization:
            found.append(("Authorization", identity.authorization))
        if (person := self.target.impersonate) is not None:
            found.append(("Impersonate-User", person.user))
            found += [("Impersonate-Group", group) for group in person.groups]
            if person.uid:
                found.append(("Impersonate-Uid", person.uid))
            for key, values in person.extra.items():
                name = f"Impersonate-Extra-{quote(key, safe='')}"
                found += [(name, value) for value in values]
        return found

    def context(self, identity: Identity) -> ssl.SSLContext | None:
        """The TLS context for ``identity``; None over plain HTTP. Made anew when the certificate changes."""
        if self.scheme != "https":
            return None
        with self._lock:
            wanted = (identity.certificate, identity.key)
            if self._context is None or self._certificate != wanted:
                self._context = tls_context(self.target, identity)
                self._certificate = wanted
                self._pool = None
            return self._context

    # -- requests -----------------------------------------------------------------------------------------

    def abort(self, cancel: Cancel | None = None) -> Abort:
        """A handle for one call, ended by ``cancel`` and by :meth:`close`."""
        handle = Abort(cancel, self.live)
        if self.closed:
            handle.trigger()
        return handle

    def call(
        self,
        method: str,
        path: str,
        query: Mapping[str, Any] | Sequence[tuple[str, Any]] = (),
        *,
        body: Any = None,
        content_type: str = "application/json",
        accept: str = "application/json",
        what: str = "",
        cancel: Cancel | None = None,
    ) -> bytes:
        """The body of a good answer. Raises the typed errors of the interface."""
        with self.abort(cancel) as abort:
            for attempt in range(BUSY_TRIES):
                response = self.open(
                    method, path, query, body=body, content_type=content_type, accept=accept, abort=abort
                )
                try:
                    content: bytes = response.data
                except (HTTPError, OSError) as error:
                    raise self.failure(error, abort) from None
                if response.status != 429 or attempt == BUSY_TRIES - 1:
                    break
                if abort.wait(_retry_after(response)):
                    break
        if response.status >= 300:
            raise refusal(response.status, content, what or f"{method} {path}")
        return content

    def open(
        self,
        method: str,
        path: str,
        query: Mapping[str, Any] | Sequence[tuple[str, Any]] = (),
        *,
        body: Any = None,
        content_type: str = "application/json",
        accept: str = "application/json",
        read_timeout: float | None = None,
        abort: Abort,
    ) -> urllib3.BaseHTTPResponse:
        """The answer with its body unread. Renews the credentials once on 401."""
        payload = msgspec.json.encode(body) if body is not None else None
        url = self.prefix + path + (f"?{urlencode(query)}" if query else "")
        for last in (False, True):
            identity = self.credentials.identity()
            pool = self._pool_for(identity)
            headers = urllib3.HTTPHeaderDict(self.headers(identity))
            headers["Accept"] = accept
            if self.target.compression:
                headers["Accept-Encoding"] = "gzip"
            if payload is not None:
                headers["Content-Type"] = content_type
            response = self._send(pool, method, url, payload, headers, read_timeout, abort)
            if response.status != 401:
                return response
            if last or not self.credentials.renew(identity):
                return response
            response.drain_conn()
        raise AssertionError("unreachable")

    def _send(
        self,
        pool: HTTPConnectionPool,
        method: str,
        url: str,
        payload: bytes | None,
        headers: urllib3.HTTPHeaderDict,
        read_timeout: float | None,
        abort: Abort,
    ) -> urllib3.BaseHTTPResponse:
        timeout = urllib3.Timeout(connect=self.connect_timeout, read=read_timeout or self.read_timeout)
        for last in (method != "GET", True):
            if abort.triggered:
                raise Interrupted("The request was ended before its answer.")
            try:
                with _current(abort):
                    return pool.urlopen(
                        method,
                        url,
                        body=payload,
                        headers=headers,
                        retries=False,
                        redirect=False,
                        timeout=timeout,
                        preload_content=False,
                    )
            except ProtocolError as error:
                # A kept connection that the server has closed meanwhile: reading again does no harm.
                if last or abort.triggered:
                    raise self.failure(error, abort) from None
            except (HTTPError, OSError) as error:
                if last or abort.triggered or not _cut_off(error):
                    raise self.failure(error, abort) from None
        raise AssertionError("unreachable")

    def _pool_for(self, identity: Identity) -> HTTPConnectionPool:
        context = self.context(identity)
        with self._lock:
            if self._pool is None:
                kind = _secure_pool if context is not None else _plain_pool
                self._pool = kind(self, context)
            return self._pool

    def failure(self, error: Exception, abort: Abort) -> KoError:
        """The typed error for a network failure."""
        if abort.triggered:
            return Interrupted("The request was ended before its answer.")
        server = f"{self.scheme}://{self.host}:{self.port}"
        cause = error.__cause__ or error.__context__ or error
        if isinstance(error, (PoolSSLError, ssl.SSLError)) and not _cut_off(error):
            return ApiUnavailable(
                f"The TLS connection to {server} failed: {error}.",
                "Check certificate-authority and tls-server-name of this cluster in the kubeconfig.",
                title="The API server's certificate is not accepted",
            )
        if isinstance(error, NewConnectionError):  # first: urllib3 counts it among the timeouts
            what = f"{server} cannot be reached: {_plain(cause)}."
        elif isinstance(error, (ConnectTimeoutError, ReadTimeoutError, TimeoutError)):
            what = f"{server} did not answer in time."
        elif _cut_off(error):
            what = f"{server} ended the connection while TLS was agreed on."
        else:
            what = f"The connection to {server} failed: {_plain(error)}."
        return ApiUnavailable(what, "Check the network, the VPN and the address of the server.")

    def close(self) -> None:
        """End everything under way, at once."""
        self.closed = True
        for abort in list(self.live):
            abort.trigger()
        with self._lock:
            if self._pool is not None:
                self._pool.close()


def _retry_after(response: urllib3.BaseHTTPResponse) -> float:
    text = response.headers.get("Retry-After", "1")
    return min(BUSY_WAIT_MAX_S, float(text) if text.isdigit() else 1.0)


def _cut_off(error: BaseException) -> bool:
    """Whether the other end hung up amid the handshake, as a server that starts or is busy does: no word on trust."""
    inner = error.args[0] if isinstance(error, PoolSSLError) and error.args else error
    return isinstance(inner, (ssl.SSLEOFError, ssl.SSLZeroReturnError))


def _plain(error: BaseException) -> str:
    if isinstance(error, OSError) and error.strerror:
        return error.strerror
    if error.args and isinstance(error.args[-1], BaseException):
        return _plain(error.args[-1])
    return str(error)


# -- connections that use our dialler and can be ended from another thread --------------------------------

_thread = threading.local()


@contextmanager
def _current(abort: Abort) -> Iterator[None]:
    _thread.abort = abort
    try:
        yield
    finally:
        _thread.abort = None


def _dial(connection: HTTPConnection, dialler: Dialler) -> socket.socket:
    abort: Abort | None = getattr(_thread, "abort", None)
    try:
        seconds = connection.timeout if isinstance(connection.timeout, (int, float)) else CONNECT_S
        sock = dialler.dial(seconds, abort)
    except TimeoutError as error:
        raise ConnectTimeoutError(connection, str(error)) from error
    except OSError as error:
        raise NewConnectionError(connection, str(error)) from error
    if abort is not None:
        abort.attach(sock)
    return sock


def _attach(connection: HTTPConnection) -> None:
    abort: Abort | None = getattr(_thread, "abort", None)
    if abort is not None:
        abort.attach(connection.sock)


def _plain_pool(rest: Rest, context: ssl.SSLContext | None) -> HTTPConnectionPool:
    class Connection(HTTPConnection):
        def _new_conn(self) -> socket.socket:
            return _dial(self, rest.dialler)

        def request(self, *args: Any, **kwargs: Any) -> None:
            _attach(self)
            super().request(*args, **kwargs)

    pool = HTTPConnectionPool(rest.host, rest.port, maxsize=POOL_SIZE)
    pool.ConnectionCls = Connection
    return pool


def _secure_pool(rest: Rest, context: ssl.SSLContext | None) -> HTTPConnectionPool:
    class Connection(HTTPSConnection):
        def _new_conn(self) -> socket.socket:
            return _dial(self, rest.dialler)

        def request(self, *args: Any, **kwargs: Any) -> None:
            _attach(self)
            super().request(*args, **kwargs)

    pool = HTTPSConnectionPool(
        rest.host,
        rest.port,
        maxsize=POOL_SIZE,
        ssl_context=context,
        server_hostname=rest.target.tls_server_name or None,
        assert_hostname=False if rest.target.insecure else None,
    )
    pool.ConnectionCls = Connection
    return pool

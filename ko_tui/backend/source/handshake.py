"""From an exec request to an open stream: connect, TLS, WebSocket handshake (by websocket-client)."""

from __future__ import annotations

import contextlib
import socket
import ssl
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote, urlencode

from ko_tui.backend.source import outcome
from ko_tui.backend.source.abort import Abort
from ko_tui.backend.source.credentials import Identity
from ko_tui.backend.source.interface import ApiUnavailable, ExecCancelled, ExecTimeout, OnBytes, PodRef
from ko_tui.backend.source.rest import Rest

V5, V4 = "v5.channel.k8s.io", "v4.channel.k8s.io"


@dataclass(frozen=True, slots=True)
class Timing:
    """Seconds. ``silence`` counts only after a first pong: a server that is busy writing may never answer pings."""

    handshake: float = 15.0
    ping: float = 5.0
    silence: float = 61.0
    close_grace: float = 1.0


@dataclass(slots=True)
class Request:
    """One exec as the caller asked for it."""

    pod: PodRef
    argv: Sequence[str]
    stdin: bytes
    timeout: float
    on_stdout: OnBytes | None
    on_stderr: OnBytes | None
    max_output: int


def exec_path(request: Request) -> str:
    """The URL path and query of an exec."""
    pod = request.pod
    query: list[tuple[str, str]] = [("command", word) for word in request.argv]
    if pod.container:
        query.append(("container", pod.container))
    query += [("stdin", "true" if request.stdin else "false"), ("stdout", "true"), ("stderr", "true")]
    return (
        f"/api/v1/namespaces/{quote(pod.namespace, safe='')}/pods/{quote(pod.name, safe='')}/exec?"
        + urlencode([*query, ("tty", "false")])
    )


def open_stream(
    rest: Rest, request: Request, abort: Abort, timing: Timing, deadline: float
) -> tuple[socket.socket, str]:
    """A socket after the handshake, and the protocol agreed on. Renews the credentials once on 401."""
    import websocket

    for last in (False, True):
        identity = rest.credentials.identity()
        try:
            return _handshake(
                rest, identity, request, abort, min(timing.handshake, deadline - time.monotonic())
            )
        except websocket.WebSocketBadStatusException as error:
            if error.status_code == 401 and not last and rest.credentials.renew(identity):
                continue
            what = f"exec in {request.pod}"
            raise outcome.handshake_refused(error.status_code, error.resp_body or b"", what) from None
    raise AssertionError("unreachable")


def _handshake(
    rest: Rest, identity: Identity, request: Request, abort: Abort, seconds: float
) -> tuple[socket.socket, str]:
    import websocket

    context = rest.context(identity)
    began = time.monotonic()
    sock: socket.socket | None = None
    late = threading.Event()

    def overdue() -> None:
        late.set()
        abort.shut()

    # A socket's own time-out starts again with every byte; this one ends a handshake that drips.
    timer = threading.Timer(max(0.05, seconds), overdue)
    timer.daemon = True
    timer.start()
    try:
        sock = rest.dialler.dial(max(0.05, min(seconds, rest.connect_timeout)), abort)
        abort.attach(sock)
        sock.settimeout(max(0.05, seconds - (time.monotonic() - began)))
        if context is not None:
            name = rest.target.tls_server_name or rest.host
            secure = context.wrap_socket(sock, server_hostname=name, do_handshake_on_connect=False)
            sock = secure
            abort.attach(secure)
            secure.do_handshake()
        web = websocket.WebSocket(skip_utf8_validation=True)
        scheme = "wss" if context is not None else "ws"
        host = f"[{rest.host}]" if ":" in rest.host else rest.host
        web.connect(  # type: ignore[no-untyped-call]
            f"{scheme}://{host}:{rest.port}{rest.prefix}{exec_path(request)}",
            socket=sock,
            header=[f"{key}: {value}" for key, value in rest.headers(identity)],
            subprotocols=[V5, V4],
            suppress_origin=True,
            redirect_limit=0,
            timeout=sock.gettimeout(),
        )
        response: Any = web.handshake_response
        if late.is_set() or abort.triggered:
            raise OSError("ended")
        return sock, str(response.subprotocol or V4)
    except websocket.WebSocketBadStatusException:
        _close(sock)
        raise
    except (OSError, websocket.WebSocketException) as error:
        _close(sock)
        if abort.triggered:
            raise ExecCancelled("It was cancelled before it began.") from None
        timed_out = isinstance(error, (TimeoutError, websocket.WebSocketTimeoutException))
        if late.is_set() or timed_out:
            what = f"The API server did not begin the command in {request.pod} within {seconds:.2g} s."
            raise not_begun(what) from None
        if isinstance(error, (ssl.SSLError, OSError)) and not isinstance(error, websocket.WebSocketException):
            raise rest.failure(error, abort) from None
        raise ApiUnavailable(
            f"The API server broke off the handshake of an exec in {request.pod}: {error}.",
            "A proxy on the way may not let WebSocket through.",
        ) from None
    except BaseException:
        _close(sock)
        raise
    finally:
        timer.cancel()


def not_begun(what: str) -> ExecTimeout:
    """The error for a command that never began."""
    error = ExecTimeout(what, "The node's kubelet may not answer; see the node's state.")
    error.begun = False
    return error


def _close(sock: socket.socket | None) -> None:
    if sock is not None:
        with contextlib.suppress(OSError):
            sock.close()

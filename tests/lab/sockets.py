"""Sockets of this process inside a lab's network namespaces, and the servers that its pods run.

A socket belongs to the namespace in which it was made, whatever thread uses it later: so one thread here serves all
pods, and a test may hold both ends of a connection between two nodes.
"""

from __future__ import annotations

import contextlib
import ctypes
import functools
import os
import selectors
import socket
import threading
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from tests.lab.places import NETNS
from tests.lab.topology import LISTENERS, Listener

if TYPE_CHECKING:
    from tests.lab.cluster import Lab

CLONE_NEWNET = 0x40000000
_KINDS = {"TCP": socket.SOCK_STREAM, "UDP": socket.SOCK_DGRAM}


def inside(namespace: Path, make: Callable[[], socket.socket]) -> socket.socket:
    """Make a socket in a network namespace, through a thread that goes there and ends."""
    made: list[socket.socket] = []
    failed: list[BaseException] = []

    def go() -> None:
        try:
            libc = ctypes.CDLL(None, use_errno=True)
            descriptor = os.open(namespace, os.O_RDONLY)
            try:
                if libc.setns(descriptor, CLONE_NEWNET) != 0:
                    raise OSError(ctypes.get_errno(), f"setns to {namespace}")
            finally:
                os.close(descriptor)
            made.append(make())
        except BaseException as error:
            failed.append(error)

    thread = threading.Thread(target=go, name="setns")
    thread.start()
    thread.join()
    if failed:
        raise failed[0]
    return made[0]


def ask(lab: Lab, source: str, address: str, port: int, protocol: str = "TCP", seconds: float = 2.0) -> str:
    """Ask a server from a pod (``ns/name``) over TCP or UDP; what it said, "" when nothing came back in time."""
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    namespace = NETNS / lab.netns(source)
    with inside(namespace, lambda: socket.socket(family, _KINDS[protocol])) as own:
        own.settimeout(seconds)
        try:
            own.connect((address, port))
            own.sendall(b"GET / HTTP/1.0\r\n\r\n")
            return own.recv(4096).decode(errors="replace")
        except OSError:
            return ""


class Servers:
    """What the lab's pods serve: HTTP over TCP that says which pod answered, and the same words over UDP."""

    def __init__(self, lab: Lab) -> None:
        self._lab = lab
        self._selector = selectors.DefaultSelector()
        self._wake, self._waker = socket.socketpair()
        self._thread: threading.Thread | None = None

    def start(self) -> None:
        self._selector.register(self._wake, selectors.EVENT_READ, None)
        for listener in LISTENERS:
            made = inside(NETNS / self._lab.netns(listener.pod), functools.partial(_listening, listener))
            self._selector.register(made, selectors.EVENT_READ, listener)
        self._thread = threading.Thread(target=self._serve, name="lab-servers", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        if self._thread is not None:
            self._waker.send(b"x")
            self._thread.join()
            self._thread = None
        for key in list((self._selector.get_map() or {}).values()):
            with contextlib.suppress(OSError):
                key.fileobj.close()  # type: ignore[union-attr]
        self._selector.close()
        self._waker.close()
        self._wake.close()

    def _serve(self) -> None:
        while True:
            for key, _ in self._selector.select():
                if key.fileobj is self._wake:
                    return
                with contextlib.suppress(OSError):
                    self._answer(key.fileobj, key.data)  # type: ignore[arg-type]

    def _answer(self, own: socket.socket, listener: Listener) -> None:
        words = f"{listener.pod} {listener.protocol} {listener.port}\n"
        if listener.protocol == "UDP":
            _, peer = own.recvfrom(4096)
            own.sendto(words.encode(), peer)
        elif own.getsockopt(socket.SOL_SOCKET, socket.SO_ACCEPTCONN):
            accepted, _ = own.accept()
            accepted.setblocking(False)
            self._selector.register(accepted, selectors.EVENT_READ, listener)
        else:
            try:
                if own.recv(4096):
                    head = (
                        f"HTTP/1.0 200 OK\r\nContent-Type: text/plain\r\nContent-Length: {len(words)}\r\n\r\n"
                    )
                    own.sendall((head + words).encode())
            finally:
                self._selector.unregister(own)
                own.close()


def _listening(listener: Listener) -> socket.socket:
    made = socket.socket(socket.AF_INET6, _KINDS[listener.protocol])
    made.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 0)
    made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    made.bind(("::", listener.port))
    if listener.protocol == "TCP":
        made.listen()
    made.setblocking(False)
    return made

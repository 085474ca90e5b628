"""A plain socket for a TLS connection: for proxies that are spoken to over TLS, with TLS to the server inside.

Python's TLS sockets cannot be stacked. A thread carries the bytes between the proxy's TLS socket and one end of a pair;
the other end behaves like any connected socket, and closing it ends the thread.
"""

from __future__ import annotations

import selectors
import socket
import ssl
import threading

_SIZE = 64 * 1024
_BLOCKED = (ssl.SSLWantReadError, ssl.SSLWantWriteError, BlockingIOError)


def plain_end(secure: ssl.SSLSocket) -> socket.socket:
    """A socket whose bytes travel through ``secure``, which it owns from here on."""
    ours, theirs = socket.socketpair()
    threading.Thread(target=_carry, args=(secure, theirs), name="tls-relay", daemon=True).start()
    return ours


def _carry(secure: ssl.SSLSocket, plain: socket.socket) -> None:
    secure.setblocking(False)
    plain.setblocking(False)
    outward, inward = b"", b""  # read from one side and not yet written to the other
    with secure, plain, selectors.DefaultSelector() as selector:
        try:
            while True:
                # Each side is read only when the other has taken what came before.
                if not inward and (got := _receive(secure)) is not None:
                    if not got:
                        return
                    inward = got
                if not outward and (got := _receive(plain)) is not None:
                    if not got:
                        return
                    outward = got
                moved = bool(inward) and (sent := _send(plain, inward)) > 0
                if moved:
                    inward = inward[sent:]
                if outward and (sent := _send(secure, outward)) > 0:
                    outward, moved = outward[sent:], True
                if moved:
                    continue
                _watch(selector, secure, reading=not inward, writing=bool(outward))
                _watch(selector, plain, reading=not outward, writing=bool(inward))
                selector.select()
        except OSError:
            return


def _watch(selector: selectors.BaseSelector, sock: socket.socket, *, reading: bool, writing: bool) -> None:
    """Wait for what can be used now, and for nothing else: a full side would wake us over and over."""
    events = (selectors.EVENT_READ if reading else 0) | (selectors.EVENT_WRITE if writing else 0)
    watched = sock in selector.get_map()
    if not events:
        if watched:
            selector.unregister(sock)
    elif watched:
        selector.modify(sock, events)
    else:
        selector.register(sock, events)


def _receive(sock: socket.socket) -> bytes | None:
    """None when nothing is there yet, empty at the end."""
    try:
        return sock.recv(_SIZE)
    except _BLOCKED:
        return None


def _send(sock: socket.socket, data: bytes) -> int:
    try:
        return sock.send(data)
    except _BLOCKED:
        return 0

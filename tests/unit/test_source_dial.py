"""Dialling: straight, through an HTTP proxy, through SOCKS 5; deadlines and aborts. The proxies here are small but
real."""

from __future__ import annotations

import contextlib
import ipaddress
import socket
import struct
import threading
from collections.abc import Callable, Iterator

import pytest

from ko_tui.backend.source.abort import Abort, Gate
from ko_tui.backend.source.dial import Dialler, Proxy, bypassed, proxy_for
from ko_tui.backend.source.interface import ApiUnavailable, Cancel

Handler = Callable[[socket.socket], None]


@contextlib.contextmanager
def server(handler: Handler) -> Iterator[int]:
    """A TCP server on loopback; ``handler`` gets each connection in a thread."""
    listener = socket.create_server(("127.0.0.1", 0))

    def accept() -> None:
        while True:
            try:
                connection, _ = listener.accept()
            except OSError:
                return
            threading.Thread(target=handler, args=(connection,), daemon=True).start()

    threading.Thread(target=accept, daemon=True).start()
    try:
        yield listener.getsockname()[1]
    finally:
        listener.shutdown(socket.SHUT_RDWR)
        listener.close()


def echo(connection: socket.socket) -> None:
    with connection:
        while data := connection.recv(1000):
            connection.sendall(data)


def exactly(connection: socket.socket, count: int) -> bytes:
    got = b""
    while len(got) < count:
        got += connection.recv(count - len(got))
    return got


def relay(one: socket.socket, other: socket.socket) -> None:
    def copy() -> None:
        with contextlib.suppress(OSError):
            while data := other.recv(1000):
                one.sendall(data)

    threading.Thread(target=copy, daemon=True).start()
    with contextlib.suppress(OSError):
        while data := one.recv(1000):
            other.sendall(data)
    other.close()


def http_proxy(seen: list[str], answer: str = "HTTP/1.1 200 OK\r\nX: y\r\n\r\n") -> Handler:
    def handle(connection: socket.socket) -> None:
        request = b""
        while not request.endswith(b"\r\n\r\n"):
            request += connection.recv(1)
        seen.append(request.decode())
        host, _, port = request.split()[1].decode().rpartition(":")
        connection.sendall(answer.encode())
        if "200" in answer:
            relay(connection, socket.create_connection((host, int(port))))
        connection.close()

    return handle


def socks_proxy(seen: list[object], *, user: str = "", code: int = 0) -> Handler:
    def handle(connection: socket.socket) -> None:
        methods = exactly(connection, exactly(connection, 2)[1])
        if user:
            if 2 not in methods:
                connection.sendall(b"\x05\xff")
                return
            connection.sendall(b"\x05\x02")
            name = exactly(connection, exactly(connection, 2)[1])
            secret = exactly(connection, exactly(connection, 1)[0])
            seen.append((name, secret))
            connection.sendall(b"\x01\x00" if name.decode() == user else b"\x01\x01")
        else:
            connection.sendall(b"\x05\x00")
        kind = exactly(connection, 4)[3]
        host = (
            exactly(connection, exactly(connection, 1)[0]).decode()
            if kind == 3
            else str(ipaddress.ip_address(exactly(connection, 4 if kind == 1 else 16)))
        )
        (port,) = struct.unpack("!H", exactly(connection, 2))
        seen.append((kind, host))
        connection.sendall(bytes([5, code, 0, 1]) + b"\x00" * 6)
        if not code:
            relay(connection, socket.create_connection((host, port)))
        connection.close()

    return handle


def talks(dialler: Dialler) -> bool:
    with dialler.dial(5) as connection:
        connection.sendall(b"hello")
        return exactly(connection, 5) == b"hello"


def test_straight_and_through_each_kind_of_proxy() -> None:
    said: list[str] = []
    asked: list[object] = []
    with server(echo) as port, server(http_proxy(said)) as http, server(socks_proxy(asked)) as socks:
        assert talks(Dialler("127.0.0.1", port))
        assert talks(Dialler("127.0.0.1", port, Proxy("http", "127.0.0.1", http, "me", "secret")))
        assert talks(Dialler("127.0.0.1", port, Proxy("socks5", "127.0.0.1", socks)))
        assert talks(Dialler("localhost", port, Proxy("socks5h", "127.0.0.1", socks)))
    assert f"CONNECT 127.0.0.1:{port} HTTP/1.1" in said[0]
    assert "Proxy-Authorization: Basic bWU6c2VjcmV0" in said[0]
    assert asked == [(1, "127.0.0.1"), (3, "localhost")]


def test_socks_with_a_password() -> None:
    asked: list[object] = []
    with server(echo) as port, server(socks_proxy(asked, user="me")) as socks:
        assert talks(Dialler("127.0.0.1", port, Proxy("socks5", "127.0.0.1", socks, "me", "secret")))
        with pytest.raises(ConnectionError, match="does not accept this user"):
            Dialler("127.0.0.1", port, Proxy("socks5", "127.0.0.1", socks, "you", "x")).dial(5)
        with pytest.raises(ConnectionError, match="none of our ways"):
            Dialler("127.0.0.1", port, Proxy("socks5", "127.0.0.1", socks)).dial(5)
    assert asked[0] == (b"me", b"secret")


def test_a_proxy_that_refuses_says_why() -> None:
    refusing = http_proxy([], "HTTP/1.1 407 Proxy Authentication Required\r\n\r\n")
    with server(refusing) as http, pytest.raises(ConnectionError, match="407 Proxy Authentication"):
        Dialler("127.0.0.1", 1, Proxy("http", "127.0.0.1", http)).dial(5)
    with (
        server(socks_proxy([], code=2)) as socks,
        pytest.raises(ConnectionError, match="not allowed by its rules"),
    ):
        Dialler("127.0.0.1", 1, Proxy("socks5", "127.0.0.1", socks)).dial(5)


def test_a_silent_proxy_does_not_hold_us() -> None:
    with server(lambda c: threading.Event().wait(60) and None) as http, pytest.raises(TimeoutError):
        Dialler("127.0.0.1", 1, Proxy("http", "127.0.0.1", http)).dial(0.2)


def test_nobody_listens() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    with pytest.raises(ConnectionRefusedError):
        Dialler("127.0.0.1", port).dial(2)


def test_an_abort_ends_a_connection_attempt() -> None:
    # A listener whose queue is full leaves further attempts unanswered.
    with contextlib.ExitStack() as stack:
        full = stack.enter_context(socket.create_server(("127.0.0.1", 0), backlog=0))
        for _ in range(4):
            waiting = stack.enter_context(socket.socket())
            waiting.setblocking(False)
            waiting.connect_ex(full.getsockname())
        abort = stack.enter_context(Abort())
        timer = threading.Timer(0.1, abort.trigger)
        timer.start()
        with pytest.raises(ConnectionAbortedError):
            Dialler(*full.getsockname()).dial(30, abort)
        timer.join()


@pytest.mark.parametrize(
    ("host", "no_proxy", "exempt"),
    [
        ("127.0.0.5", "", True),
        ("localhost", "", True),
        ("::1", "", True),
        ("10.1.2.3", "10.0.0.0/8", True),
        ("10.1.2.3", "10.1.2.3", True),
        ("11.1.2.3", "10.0.0.0/8", False),
        ("api.example.com", "example.com", True),
        ("example.com", "example.com", True),
        ("example.com", ".example.com", False),
        ("api.example.com", ".example.com", True),
        ("badexample.com", "example.com", False),
        ("api.example.com", "example.com:6443", True),
        ("api.example.com", "example.com:443", False),
        ("x", "*", True),
        ("x", "", False),
    ],
)
def test_no_proxy(host: str, no_proxy: str, exempt: bool) -> None:
    assert bypassed(host, 6443, no_proxy) is exempt


def test_which_proxy_is_used() -> None:
    env = {"HTTPS_PROXY": "http://10.0.0.1:3128", "NO_PROXY": "10.9.0.0/16"}
    assert proxy_for("https://10.1.1.1:6443", "", env) == Proxy("http", "10.0.0.1", 3128)
    assert proxy_for("https://10.9.1.1:6443", "", env) is None
    assert proxy_for("http://10.1.1.1:8080", "", env) is None
    assert proxy_for("https://10.1.1.1:6443", "", {"https_proxy": "proxy:80"}) == Proxy("http", "proxy", 80)
    named = proxy_for("https://10.9.1.1:6443", "socks5://u:p%40@10.0.0.2", env)
    assert named == Proxy("socks5", "10.0.0.2", 1080, "u", "p@")
    with pytest.raises(ApiUnavailable):
        Proxy.parse("ftp://10.0.0.1")


def test_an_abort_follows_its_cancel_and_shuts_the_socket() -> None:
    cancel = Cancel()
    ours, theirs = socket.socketpair()
    with ours, theirs, Abort(cancel) as abort:
        abort.attach(ours)
        cancel.cancel()
        assert abort.triggered and abort.wait(0)
        assert theirs.recv(1) == b"" and abort.wake.recv(1) == b"x"
    later = Abort(cancel)
    assert later.triggered
    later.close()
    later.trigger()  # after its end: nothing to do, nothing to break


def test_the_gate_lets_through_so_many_and_no_more() -> None:
    gate = Gate(total=3, per_key=2)
    entered: list[str] = []

    def wait_for(key: str) -> threading.Thread:
        def work() -> None:
            with Abort() as abort:
                assert gate.enter(key, abort)
            entered.append(key)

        thread = threading.Thread(target=work)
        thread.start()
        return thread

    with Abort() as abort:
        assert gate.enter("a", abort) and gate.enter("a", abort)
        third = wait_for("a")  # its key is full, though the gate is not
        assert gate.enter("b", abort)
        other = wait_for("c")  # the gate is full, though its key is not
        assert entered == []
        gate.leave("b")
        other.join(10)
        assert entered == ["c"]
        gate.leave("a")
        third.join(10)
        assert entered == ["c", "a"]


def test_a_waiting_call_that_is_aborted_takes_no_place() -> None:
    gate = Gate(total=1, per_key=1)
    with Abort() as first, Abort() as second:
        assert gate.enter("a", first)
        second.trigger()
        assert not gate.enter("b", second)
        gate.leave("a")
        with Abort() as third:
            assert gate.enter("b", third)

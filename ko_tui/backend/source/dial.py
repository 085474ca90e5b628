"""TCP to the API server, straight or through a proxy (CONNECT over HTTP or HTTPS, SOCKS5).

With a deadline and an abort. One dialler serves REST, watch and exec alike, so that a proxy works for all of
them or for none.
"""

from __future__ import annotations

import base64
import errno
import ipaddress
import os
import selectors
import socket
import ssl
import struct
import time
from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import unquote, urlsplit

from ko_tui.backend.source.abort import Abort
from ko_tui.backend.source.interface import ApiUnavailable
from ko_tui.backend.source.relay import plain_end

PORTS = {"http": 80, "https": 443, "socks5": 1080, "socks5h": 1080}


@dataclass(frozen=True, slots=True)
class Proxy:
    """Where to ask for the tunnel. ``scheme`` is http, https, socks5 or socks5h (names resolved by the proxy)."""

    scheme: str
    host: str
    port: int
    user: str = ""
    password: str = ""

    @classmethod
    def parse(cls, url: str) -> Proxy:
        """A proxy from its URL. Raises ApiUnavailable for a kind that ko-tui cannot speak."""
        parts = urlsplit(url if "://" in url else f"http://{url}")
        if parts.scheme not in PORTS:
            raise ApiUnavailable(
                f"The proxy {parts.scheme}://{parts.hostname} is of a kind that ko-tui cannot use.",
                "Use an http://, https:// or socks5:// proxy, or reach the API server through a port forward.",
            )
        return cls(
            parts.scheme,
            parts.hostname or "",
            parts.port or PORTS[parts.scheme],
            unquote(parts.username or ""),
            unquote(parts.password or ""),
        )


def proxy_for(url: str, configured: str, environment: Mapping[str, str]) -> Proxy | None:
    """The proxy for the server at ``url``: the kubeconfig's ``proxy-url``, else the environment's, as Go does."""
    if configured:
        return Proxy.parse(configured)
    parts = urlsplit(url)
    name = f"{parts.scheme}_proxy"
    found = environment.get(name.upper()) or environment.get(name) or ""
    no_proxy = environment.get("NO_PROXY") or environment.get("no_proxy") or ""
    if not found or bypassed(parts.hostname or "", parts.port or PORTS[parts.scheme], no_proxy):
        return None
    return Proxy.parse(found)


def bypassed(host: str, port: int, no_proxy: str) -> bool:
    """Is ``host`` exempt? Loopback always is; then names with their subdomains, addresses and networks, ``*``."""
    try:
        address: ipaddress.IPv4Address | ipaddress.IPv6Address | None = ipaddress.ip_address(host)
    except ValueError:
        address = None
    if host == "localhost" or (address is not None and address.is_loopback):
        return True
    for entry in (e.strip().lower() for e in no_proxy.split(",")):
        if entry == "*":
            return True
        if not entry:
            continue
        try:
            network = ipaddress.ip_network(entry, strict=False)
        except ValueError:
            name, colon, wanted = entry.rpartition(":")
            if colon and wanted.isdigit():
                if int(wanted) != port:
                    continue
                entry = name
            bare = entry.removeprefix("*").removeprefix(".")
            if (host.lower() == bare and not entry.startswith(".")) or host.lower().endswith("." + bare):
                return True
        else:
            if address is not None and address in network:
                return True
    return False


class Dialler:
    """Opens connected TCP sockets to one server."""

    def __init__(self, host: str, port: int, proxy: Proxy | None = None) -> None:
        self.host = host
        self.port = port
        self.proxy = proxy

    def dial(self, timeout: float, abort: Abort | None = None) -> socket.socket:
        """A connected socket, in blocking mode with the time that is left. Raises OSError kinds."""
        deadline = time.monotonic() + timeout
        if self.proxy is None:
            return _connect(self.host, self.port, deadline, abort)
        sock = _connect(self.proxy.host, self.proxy.port, deadline, abort)
        try:
            if abort is not None:
                abort.attach(sock)
            sock.settimeout(max(0.05, deadline - time.monotonic()))
            if self.proxy.scheme == "https":
                secure = ssl.create_default_context().wrap_socket(sock, server_hostname=self.proxy.host)
                _http_tunnel(secure, self.proxy, self.host, self.port)
                return plain_end(secure)
            if self.proxy.scheme == "http":
                _http_tunnel(sock, self.proxy, self.host, self.port)
            else:
                _socks_tunnel(sock, self.proxy, self.host, self.port)
        except BaseException:
            sock.close()
            raise
        return sock


def _connect(host: str, port: int, deadline: float, abort: Abort | None) -> socket.socket:
    last: OSError = OSError(f"{host} has no address")
    addresses = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    for index, (family, kind, protocol, _, address) in enumerate(addresses):
        # Share what is left among the addresses still to try, so that a dead one does not eat it all.
        share = (deadline - time.monotonic()) / (len(addresses) - index)
        sock = socket.socket(family, kind, protocol)
        try:
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
            _wait_connected(sock, address, max(0.05, share), abort)
            sock.settimeout(max(0.05, deadline - time.monotonic()))
            return sock
        except OSError as error:
            sock.close()
            last = error
            if abort is not None and abort.triggered:
                break
    raise last


def _wait_connected(
    sock: socket.socket, address: tuple[object, ...], seconds: float, abort: Abort | None
) -> None:
    sock.setblocking(False)
    code = sock.connect_ex(address)
    if code == errno.EINPROGRESS:
        with selectors.DefaultSelector() as selector:
            selector.register(sock, selectors.EVENT_WRITE)
            if abort is not None:
                selector.register(abort.wake, selectors.EVENT_READ)
            ready = {key.fileobj for key, _ in selector.select(seconds)}
        if abort is not None and abort.wake in ready:
            raise ConnectionAbortedError(errno.ECONNABORTED, "cancelled")
        if not ready:
            raise TimeoutError(errno.ETIMEDOUT, "no answer to the connection request")
        code = sock.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
    if code:
        raise OSError(code, os.strerror(code))


def _http_tunnel(sock: socket.socket, proxy: Proxy, host: str, port: int) -> None:
    target = f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
    lines = [f"CONNECT {target} HTTP/1.1", f"Host: {target}"]
    if proxy.user:
        secret = base64.b64encode(f"{proxy.user}:{proxy.password}".encode()).decode()
        lines.append(f"Proxy-Authorization: Basic {secret}")
    sock.sendall(("\r\n".join(lines) + "\r\n\r\n").encode())
    answer = b""
    while not answer.endswith(b"\r\n\r\n"):
        # Byte by byte: what follows the header belongs to the TLS session.
        byte = sock.recv(1)
        if not byte or len(answer) > 65536:
            raise ConnectionError(f"the proxy {proxy.host}:{proxy.port} gave no proper answer to CONNECT")
        answer += byte
    words = answer.split(b"\r\n", 1)[0].decode("latin-1").split(" ", 2)
    if len(words) < 2 or words[1] != "200":
        raise ConnectionError(f"the proxy {proxy.host}:{proxy.port} refused: {' '.join(words[1:])}")


SOCKS_REFUSALS = {
    1: "general failure",
    2: "not allowed by its rules",
    3: "network unreachable",
    4: "host unreachable",
    5: "connection refused",
    6: "time to live exceeded",
    7: "command not supported",
    8: "address type not supported",
}


def _socks_tunnel(sock: socket.socket, proxy: Proxy, host: str, port: int) -> None:
    """SOCKS 5 (RFC 1928), with user and password (RFC 1929) when the proxy asks for them."""
    sock.sendall(b"\x05\x02\x00\x02" if proxy.user else b"\x05\x01\x00")
    version, method = _exactly(sock, 2)
    if version != 5 or method == 0xFF:
        raise ConnectionError(f"the SOCKS proxy {proxy.host}:{proxy.port} accepts none of our ways to log in")
    if method == 2:
        user, password = proxy.user.encode(), proxy.password.encode()
        sock.sendall(bytes([1, len(user)]) + user + bytes([len(password)]) + password)
        if _exactly(sock, 2)[1] != 0:
            raise ConnectionError(f"the SOCKS proxy {proxy.host}:{proxy.port} does not accept this user")
    if proxy.scheme == "socks5" and not _is_address(host):
        host = str(socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0][4][0])
    if _is_address(host):
        packed = ipaddress.ip_address(host).packed
        address = bytes([1 if len(packed) == 4 else 4]) + packed
    else:
        name = host.encode("idna")
        address = bytes([3, len(name)]) + name
    sock.sendall(b"\x05\x01\x00" + address + struct.pack("!H", port))
    _, code, _, kind = _exactly(sock, 4)
    if code != 0:
        reason = SOCKS_REFUSALS.get(code, f"code {code}")
        raise ConnectionError(f"the SOCKS proxy {proxy.host}:{proxy.port} could not connect: {reason}")
    length = {1: 4, 4: 16}.get(kind) or _exactly(sock, 1)[0]
    _exactly(sock, length + 2)


def _is_address(host: str) -> bool:
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return False
    return True


def _exactly(sock: socket.socket, count: int) -> bytes:
    got = b""
    while len(got) < count:
        more = sock.recv(count - len(got))
        if not more:
            raise ConnectionError("the proxy closed the connection")
        got += more
    return got

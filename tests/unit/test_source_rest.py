"""Objects over HTTPS against the lab's API: lists in pages, typed errors, credentials, impersonation, TLS."""

from __future__ import annotations

import contextlib
import json
import os
import socket
import ssl
import sys
import threading
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from ko_tui.backend.cluster.inventory import take_inventory
from ko_tui.backend.source.interface import (
    ApiUnavailable,
    Cancel,
    ExecCancelled,
    Forbidden,
    NotAuthorised,
    NotFound,
    PodRef,
    Resource,
)
from ko_tui.backend.source.kinds import CRDS, DEPLOYMENTS, NODES, PODS, SERVICES, SUBNETS
from ko_tui.backend.source.kubeconfig import Impersonation
from ko_tui.backend.source.live import LiveSource
from ko_tui.backend.source.objects import KubeObject
from ko_tui.backend.source.refusals import BadRequest, Conflict, Interrupted
from ko_tui.backend.source.relay import plain_end
from tests.lab.api.identity import MASTERS, User
from tests.lab.handle import ApiOnlyLab
from tests.lab.places import until
from tests.unit.source_lab import changed_config, lab, module_lab, opened, source

__all__ = ["lab", "module_lab", "source"]


def test_lists_and_objects(source: LiveSource) -> None:
    pods = source.list(PODS)
    assert pods.complete and pods.resource_version
    by_key = {p.key: p for p in pods.items}
    client = by_key["default/client"]
    assert client.status["phase"] == "Running" and client.spec["containers"][0]["name"] == "client"
    assert client.annotations and "env" not in client.spec["containers"][0]
    assert {p.namespace for p in source.list(PODS, namespace="default").items} == {"default"}
    central = source.list(PODS, label_selector="app=ovn-central").items
    assert len(central) == 3 and all(p.labels["app"] == "ovn-central" for p in central)
    there = source.list(PODS, field_selector="metadata.name=client,metadata.namespace=default").items
    assert [p.key for p in there] == ["default/client"]
    assert source.get(PODS, "default", "client").kind == "Pod"
    assert source.list(NODES).items and source.list(SUBNETS).items and source.list(SERVICES).items
    assert source.list(CRDS).items


def test_what_is_not_there(source: LiveSource) -> None:
    with pytest.raises(NotFound, match='pods "nobody" not found'):
        source.get(PODS, "default", "nobody")
    with pytest.raises(NotFound, match=r"does not have widgets of example\.com/v1"):
        source.list(Resource("example.com", "v1", "widgets"))


def test_create_patch_and_delete(source: LiveSource) -> None:
    body = {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": {"name": "made", "labels": {"a": "1"}},
        "spec": {"ports": [{"port": 80}]},
    }
    made = source.create(SERVICES, "default", body)
    assert made.key == "default/made" and made.metadata.uid
    with pytest.raises(Conflict):
        source.create(SERVICES, "default", body)
    patched = source.patch(SERVICES, "default", "made", {"metadata": {"labels": {"a": None, "b": "2"}}})
    assert patched.labels == {"b": "2"}
    with pytest.raises(BadRequest):
        source.create(SERVICES, "default", {"kind": "Pod", "apiVersion": "v1", "metadata": {}})
    source.delete(SERVICES, "default", "made")
    with pytest.raises(NotFound):
        source.get(SERVICES, "default", "made")


def test_scale_is_a_subresource(source: LiveSource) -> None:
    before = source.get(DEPLOYMENTS, "kube-system", "ovn-central").spec["replicas"]
    source.patch(
        DEPLOYMENTS, "kube-system", "ovn-central", {"spec": {"replicas": before}}, subresource="scale"
    )
    assert source.get(DEPLOYMENTS, "kube-system", "ovn-central").spec["replicas"] == before


def test_logs(lab: ApiOnlyLab, source: LiveSource) -> None:
    path = lab.directory / "logs" / "default" / "client.client.log"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(b"".join(b"line %d \xff\n" % n for n in range(500)))
    said = source.logs(PodRef("default", "client", "client"), tail=2)
    assert said == b"line 498 \xff\nline 499 \xff\n"
    with pytest.raises((NotFound, BadRequest)):
        source.logs(PodRef("default", "client", "nobody"))


# -- pages ---------------------------------------------------------------------------------------------------------


def fill(lab: ApiOnlyLab, count: int) -> None:
    kind = lab.server.catalogue.of("Pod")
    lab.server.store.load(
        kind,
        (
            {
                "apiVersion": "v1",
                "kind": "Pod",
                "metadata": {"name": f"p{n:06}", "namespace": "many", "labels": {"app": "many"}},
                "spec": {
                    "nodeName": "n1",
                    "containers": [{"name": "c", "env": [{"name": "A", "value": "x" * 50}]}],
                },
                "status": {"phase": "Running", "podIP": f"10.{n >> 16}.{n >> 8 & 255}.{n & 255}"},
            }
            for n in range(count)
        ),
    )


@pytest.fixture(scope="module")
def many() -> Iterator[ApiOnlyLab]:
    with ApiOnlyLab(populate=False) as crowded:
        fill(crowded, 50_000)
        yield crowded


def test_fifty_thousand_pods_come_in_pages(many: ApiOnlyLab) -> None:
    pages: list[int] = []
    with opened(many) as source:
        listed = source.list(PODS, on_page=lambda page: pages.append(len(page)))
    assert len(listed.items) == 50_000 and listed.complete
    assert pages == [500] * 100
    assert [p.name for p in listed.items] == sorted(p.name for p in listed.items)
    asked = [a.query for a in many.audit if a.verb == "list"]
    assert len(asked) == 100 and all("limit=500" in q for q in asked)


def test_an_expired_page_starts_the_list_again(many: ApiOnlyLab) -> None:
    many.faults.add("expired_continue", times=1)
    seen: list[Sequence[KubeObject]] = []
    with opened(many) as source:
        listed = source.list(PODS, on_page=seen.append)
    assert len(listed.items) == 50_000 and listed.complete
    assert len(seen) == 102 and not seen[1]  # one page more than needed, and the word that it began again


def test_an_inventory_is_made_page_by_page_and_begun_again(many: ApiOnlyLab) -> None:
    many.faults.add("expired_continue", times=1)
    counts: list[int] = []
    with opened(many) as source, ThreadPoolExecutor(2) as pool:
        assert source.list(PODS, on_page=lambda _: None, whole=False).items == []
        many.faults.add("expired_continue", times=1)
        found = take_inventory(source, pool, on_progress=lambda rows: counts.append(len(rows)))
    pods = [e.key for e in found.endpoints if e.kind == "pod"]
    assert len(pods) == len(set(pods)) == 50_000
    assert counts[:3] == [500, 0, 500] and counts[-1] == 50_000


def test_a_list_that_keeps_expiring_is_not_passed_off_as_whole(many: ApiOnlyLab) -> None:
    fault = many.faults.add("expired_continue")
    with opened(many) as source:
        listed = source.list(PODS)
    many.faults.remove(fault)
    assert not listed.complete and listed.reason and len(listed.items) == 500


def test_a_list_can_be_cancelled(many: ApiOnlyLab) -> None:
    cancel = Cancel()
    with opened(many) as source, pytest.raises(Interrupted):
        source.list(PODS, cancel=cancel, on_page=lambda page: cancel.cancel())


# -- errors --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("code", "kind"),
    [(401, NotAuthorised), (403, Forbidden), (404, NotFound), (500, ApiUnavailable), (503, ApiUnavailable),
     (400, BadRequest), (409, Conflict)],
)  # fmt: skip
def test_errors_have_kinds_and_the_server_s_words(
    lab: ApiOnlyLab, source: LiveSource, code: int, kind: type[Exception]
) -> None:
    lab.faults.add("http_status", code=code, message="the reason in words")
    with pytest.raises(kind, match="the reason in words"):
        source.get(PODS, "default", "client")


def test_a_busy_server_is_asked_again(lab: ApiOnlyLab, source: LiveSource) -> None:
    lab.faults.add("http_status", code=429, times=1)
    assert source.get(PODS, "default", "client").name == "client"


def test_a_server_that_never_answers(lab: ApiOnlyLab, source: LiveSource) -> None:
    fault = lab.faults.add("hang")
    cancel = Cancel()
    errors: list[Exception] = []

    def ask() -> None:
        try:
            source.list(PODS, cancel=cancel)
        except Interrupted as error:
            errors.append(error)

    thread = threading.Thread(target=ask)
    thread.start()
    until(lambda: fault.hits, "the request to arrive")
    cancel.cancel()
    thread.join(10)
    assert len(errors) == 1


def test_a_read_time_out(lab: ApiOnlyLab, source: LiveSource) -> None:
    lab.faults.add("hang")
    source._rest.read_timeout = 0.3
    with pytest.raises(ApiUnavailable, match="did not answer in time"):
        source.list(PODS)


def test_close_ends_a_request_under_way(lab: ApiOnlyLab, source: LiveSource) -> None:
    fault = lab.faults.add("hang")
    errors: list[Exception] = []

    def ask() -> None:
        try:
            source.list(PODS)
        except Interrupted as error:
            errors.append(error)

    thread = threading.Thread(target=ask)
    thread.start()
    until(lambda: fault.hits, "the request to arrive")
    source.close()
    thread.join(10)
    assert len(errors) == 1
    with pytest.raises(Interrupted):
        source.list(PODS)


def test_nobody_there(lab: ApiOnlyLab) -> None:
    config = changed_config(lab, "gone", {"token": "t"}, server="https://127.0.0.1:9")
    with (
        opened(lab, "x", kubeconfig=config) as source,
        pytest.raises(ApiUnavailable, match="cannot be reached"),
    ):
        source.list(PODS)


def test_something_else_answers(lab: ApiOnlyLab) -> None:
    """A login page in front of the API, say: no traceback, and a word on what it may be."""
    from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

    class Page(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.end_headers()
            self.wfile.write(b"<html>please log in</html>")

        def log_message(self, format: str, *args: object) -> None:
            pass

    web = ThreadingHTTPServer(("127.0.0.1", 0), Page)
    threading.Thread(target=web.serve_forever, daemon=True).start()
    config = changed_config(lab, "page", {"token": "t"}, server=f"http://127.0.0.1:{web.server_port}")
    try:
        with (
            opened(lab, "x", kubeconfig=config) as source,
            pytest.raises(ApiUnavailable, match="cannot be read"),
        ):
            source.list(PODS)
    finally:
        web.shutdown()
        web.server_close()


def test_a_kept_connection_that_has_died_is_replaced(lab: ApiOnlyLab, source: LiveSource) -> None:
    source.get(PODS, "default", "client")
    pool = source._rest._pool
    assert pool is not None
    connection = pool._get_conn()
    connection.sock.shutdown(2)  # type: ignore[union-attr]
    pool._put_conn(connection)
    assert source.get(PODS, "default", "client").name == "client"


# -- who asks ------------------------------------------------------------------------------------------------------


def test_certificates_leave_no_files(
    lab: ApiOnlyLab, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    import tempfile

    monkeypatch.setattr(tempfile, "tempdir", None)
    with opened(lab, "admin") as source:
        assert source.list(NODES).items
    assert list(tmp_path.iterdir()) == []
    monkeypatch.delattr("os.memfd_create")
    with opened(lab, "admin") as source:
        assert source.list(NODES).items
    assert list(tmp_path.iterdir()) == []
    assert lab.audit[-1].user == "admin"


def test_the_rights_of_the_user_count(lab: ApiOnlyLab) -> None:
    with opened(lab, "reader") as source:
        assert source.list(PODS).items
        with pytest.raises(Forbidden):
            source.delete(PODS, "default", "client")


def test_impersonation_on_every_request(lab: ApiOnlyLab) -> None:
    with opened(lab, impersonate=Impersonation("reader")) as source:
        assert source.info.user == "reader" and source.info.extra["real-user"] == "admin"
        assert source.list(PODS).items
        with pytest.raises(Forbidden, match='User "reader"'):
            source.delete(PODS, "default", "client")
    assert (lab.audit[-1].user, lab.audit[-1].impersonated) == ("admin", "reader")


def test_impersonation_of_the_kubeconfig(lab: ApiOnlyLab) -> None:
    user = {"token": "admin-token-of-the-lab", "as": "reader", "as-groups": ["g1", "g2"], "as-uid": "7",
            "as-user-extra": {"scopes/x": ["a", "b"]}}  # fmt: skip
    config = changed_config(lab, "as", user)
    with opened(lab, "x", kubeconfig=config) as source:
        source.list(PODS)
    assert lab.audit[-1].impersonated == "reader"


def test_may_asks_and_remembers(lab: ApiOnlyLab) -> None:
    with opened(lab, "noexec") as source:
        assert not source.may("get", PODS, namespace="kube-system", subresource="exec")
        assert source.may("list", PODS)
        before = len([a for a in lab.audit if "selfsubjectaccessreviews" in a.path])
        assert source.may("list", PODS)
        assert len([a for a in lab.audit if "selfsubjectaccessreviews" in a.path]) == before
    with opened(lab, "admin") as source:
        assert source.may("create", PODS, namespace="kube-system", subresource="exec")


def test_a_refused_token_is_read_again_once(lab: ApiOnlyLab) -> None:
    token = lab.directory / "token"
    token.write_text("admin-token-of-the-lab")
    config = changed_config(lab, "file", {"tokenFile": str(token)})
    with opened(lab, "x", kubeconfig=config) as source:
        assert source.list(NODES).items
        lab.server.authenticator.tokens["next-token"] = User("admin", (MASTERS,))
        expired = lab.server.authenticator.tokens.pop("admin-token-of-the-lab")
        try:
            token.write_text("next-token")
            assert source.list(NODES).items
            token.write_text("wrong")
            source._rest.credentials._read_at = -1000.0  # type: ignore[attr-defined]
            with pytest.raises(NotAuthorised):
                source.list(NODES)
        finally:
            lab.server.authenticator.tokens["admin-token-of-the-lab"] = expired


def test_a_plugin_is_run_again_when_its_token_is_refused(lab: ApiOnlyLab) -> None:
    """Many threads, one expired token: one run of the plugin, and every request succeeds."""
    plugin = lab.directory / "plugin"
    runs = lab.directory / "runs"
    runs.write_text("")
    answer = {"kind": "ExecCredential", "apiVersion": "client.authentication.k8s.io/v1", "status": {}}
    plugin.write_text(
        f"#!{sys.executable}\nimport json\n"
        f"open({str(runs)!r}, 'a').write('x')\n"
        f"first = len(open({str(runs)!r}).read()) == 1\n"
        f"answer = {json.dumps(answer)}\n"
        "answer['status']['token'] = 'expired' if first else 'admin-token-of-the-lab'\n"
        "print(json.dumps(answer))\n"
    )
    plugin.chmod(0o700)
    spec = {"apiVersion": answer["apiVersion"], "command": str(plugin), "interactiveMode": "Never"}
    config = changed_config(lab, "plugin-config", {"exec": spec})
    found: list[int] = []
    with opened(lab, "x", kubeconfig=config) as source:
        threads = [
            threading.Thread(target=lambda: found.append(len(source.list(NODES).items))) for _ in range(6)
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert source.exec(PodRef("default", "client"), ["echo", "x"]).stdout == b"x\n"
    assert len(found) == 6 and min(found) > 0
    assert runs.read_text() == "xx"


# -- TLS -----------------------------------------------------------------------------------------------------------


def test_a_server_under_another_name(lab: ApiOnlyLab) -> None:
    token = {"token": "admin-token-of-the-lab"}
    wrong = changed_config(lab, "wrong", token, server=lab.url, **{"tls-server-name": "other"})
    right = changed_config(lab, "right", token, server=lab.url, **{"tls-server-name": "kubernetes.default"})
    with opened(lab, "x", kubeconfig=right) as source:
        assert source.list(NODES).items
        assert source.exec(PodRef("default", "client"), ["echo", "x"]).stdout == b"x\n"
    with opened(lab, "x", kubeconfig=wrong) as source:
        for call in (lambda: source.list(NODES), lambda: source.exec(PodRef("default", "client"), ["true"])):
            with pytest.raises(ApiUnavailable) as caught:
                call()
            assert "certificate" in caught.value.title


def test_insecure_only_when_told(lab: ApiOnlyLab, recwarn: pytest.WarningsRecorder) -> None:
    token = {"token": "admin-token-of-the-lab"}
    none = {"certificate-authority-data": None}
    config = changed_config(lab, "no-ca", token, **none)
    with opened(lab, "x", kubeconfig=config) as source, pytest.raises(ApiUnavailable):
        source.list(NODES)
    config = changed_config(lab, "insecure", token, **none, **{"insecure-skip-tls-verify": True})
    with opened(lab, "x", kubeconfig=config) as source:
        assert source.list(NODES).items
        assert source.exec(PodRef("default", "client"), ["echo", "x"]).stdout == b"x\n"
    assert [w for w in recwarn if "Unverified" in str(w.message)] == []


def test_through_a_proxy_all_three_ways(lab: ApiOnlyLab) -> None:
    from tests.unit.test_source_dial import http_proxy, server, socks_proxy

    said: list[str] = []
    asked: list[object] = []
    token = {"token": "admin-token-of-the-lab"}
    with server(http_proxy(said)) as http, server(socks_proxy(asked)) as socks:
        for name, url, log in (
            ("http", f"http://127.0.0.1:{http}", said),
            ("socks", f"socks5://127.0.0.1:{socks}", asked),
        ):
            config = changed_config(lab, name, token, **{"proxy-url": url})
            with opened(lab, "x", kubeconfig=config) as source:
                listed = source.list(NODES)
                assert listed.items
                assert source.exec(PodRef("default", "client"), ["echo", "x"]).stdout == b"x\n"
                assert next(source.watch(NODES)).type == "ADDED"
            assert len(log) == 2  # one kept for requests and the watch, one for the exec


def test_through_a_proxy_that_speaks_tls(
    lab: ApiOnlyLab, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """TLS to the proxy, TLS to the server inside it, and megabytes both ways."""
    from tests.unit.test_source_dial import http_proxy, server

    certificate, key = lab.server.authority.server()
    (tmp_path / "proxy.pem").write_bytes(certificate + key)
    (tmp_path / "ca.pem").write_bytes(lab.server.authority.certificate)
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "ca.pem"))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(tmp_path / "proxy.pem")
    said: list[str] = []
    inner = http_proxy(said)

    def handle(connection: socket.socket) -> None:
        # The proxy's own plain end: the same relay, seen from the other side.
        with contextlib.suppress(ssl.SSLError):
            inner(plain_end(context.wrap_socket(connection, server_side=True)))

    token = {"token": "admin-token-of-the-lab"}
    blob = os.urandom(3_000_000)
    with server(handle) as port:
        config = changed_config(lab, "https-proxy", token, **{"proxy-url": f"https://127.0.0.1:{port}"})
        with opened(lab, "x", kubeconfig=config) as source:
            assert source.list(NODES).items
            assert source.exec(PodRef("default", "client"), ["cat"], stdin=blob).stdout == blob
            cancel = Cancel()
            with pytest.raises(ExecCancelled):
                source.exec(
                    PodRef("default", "client"),
                    ["sh", "-c", "echo x; exec sleep 60"],
                    cancel=cancel,
                    on_stdout=lambda part: cancel.cancel(),
                )
    assert len(said) == 3
    monkeypatch.delenv("SSL_CERT_FILE")
    with server(handle) as port:
        config = changed_config(lab, "https-proxy", token, **{"proxy-url": f"https://127.0.0.1:{port}"})
        with opened(lab, "x", kubeconfig=config) as source, pytest.raises(ApiUnavailable):
            source.list(NODES)


def test_a_server_that_hangs_up_amid_the_handshake(lab: ApiOnlyLab) -> None:
    """As one does that starts, or is too busy: asked once more, and never told as a certificate that is bad."""
    from tests.unit.test_source_dial import relay, server

    hang_up = [True]
    address = urlsplit(lab.url)

    def handle(connection: socket.socket) -> None:
        connection.recv(1000)
        with connection:
            if hang_up and hang_up.pop(0):
                return

    def handle_or_relay(connection: socket.socket) -> None:
        if hang_up:
            handle(connection)
            return
        with connection, socket.create_connection((address.hostname, address.port)) as inner:
            relay(connection, inner)

    token = {"token": "admin-token-of-the-lab"}
    with server(handle_or_relay) as port:
        config = changed_config(lab, "hang-up", token, server=f"https://127.0.0.1:{port}")
        with opened(lab, "x", kubeconfig=config) as source:
            assert source.list(NODES).items and hang_up == []
            hang_up += [True] * 9
        with opened(lab, "x", kubeconfig=config) as source, pytest.raises(ApiUnavailable) as caught:
            source.list(NODES)
    assert "while TLS was agreed on" in caught.value.what and "certificate" not in caught.value.title

"""Credentials: tokens, token files, and credential plugins that are real programs here."""

from __future__ import annotations

import base64
import json
import os
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from ko_tui.backend.source.credentials import (
    StaticCredentials,
    TokenFileCredentials,
    bearer,
    credentials_for,
)
from ko_tui.backend.source.interface import NotAuthorised
from ko_tui.backend.source.kubeconfig import Section, Target
from ko_tui.backend.source.plugin import PluginCredentials

V1 = "client.authentication.k8s.io/v1"
# Counts its runs, keeps what it was told, and answers with what its ANSWER says.
PLUGIN = f"""#!{sys.executable}
import os, sys
here = os.path.dirname(os.path.abspath(__file__))
with open(os.path.join(here, "runs"), "a") as f: f.write("x")
with open(os.path.join(here, "info"), "w") as f: f.write(os.environ["KUBERNETES_EXEC_INFO"])
with open(os.path.join(here, "stdin"), "w") as f: f.write(sys.stdin.read() if not sys.stdin.isatty() else "TTY")
with open(os.path.join(here, "args"), "w") as f: f.write(" ".join(sys.argv[1:]) + os.environ.get("EXTRA", ""))
sys.stderr.write(os.environ.get("COMPLAINT", ""))
sys.stdout.write(os.environ.get("ANSWER", ""))
sys.exit(int(os.environ.get("STATUS", "0")))
"""


def answer(token: str = "t1", version: str = V1, **status: Any) -> str:
    return json.dumps({"kind": "ExecCredential", "apiVersion": version, "status": {"token": token, **status}})


def target_with(directory: Path, cluster: dict[str, Any] | None = None, **spec: Any) -> Target:
    path = directory / "plugin"
    path.write_text(PLUGIN)
    path.chmod(0o700)
    described = {"apiVersion": V1, "command": "./plugin", "interactiveMode": "Never", **spec}
    return Target(
        "ctx", "cl", "me", "https://127.0.0.1:1", "default",
        Section(cluster or {"server": "https://127.0.0.1:1"}, directory),
        Section({"exec": described}, directory),
    )  # fmt: skip


def env(**values: str) -> list[dict[str, str]]:
    return [{"name": k, "value": v} for k, v in values.items()]


def test_a_plugin_gives_a_token_and_no_terminal(tmp_path: Path) -> None:
    spec = {"args": ["get", "token"], "env": env(ANSWER=answer(), EXTRA="!")}
    credentials = credentials_for(target_with(tmp_path, **spec))
    assert credentials.identity().authorization == "Bearer t1"
    assert (tmp_path / "stdin").read_text() == ""
    assert (tmp_path / "args").read_text() == "get token!"
    info = json.loads((tmp_path / "info").read_text())
    assert info == {"apiVersion": V1, "kind": "ExecCredential", "spec": {"interactive": False}}


def test_the_plugin_is_told_of_the_cluster_when_it_asks(tmp_path: Path) -> None:
    cluster = {
        "server": "https://127.0.0.1:1",
        "tls-server-name": "name",
        "certificate-authority-data": "Q0E=",
        "extensions": [{"name": "client.authentication.k8s.io/exec", "extension": {"audience": "x"}}],
    }
    spec = {"provideClusterInfo": True, "env": env(ANSWER=answer())}
    credentials_for(target_with(tmp_path, cluster, **spec)).identity()
    assert json.loads((tmp_path / "info").read_text())["spec"]["cluster"] == {
        "server": "https://127.0.0.1:1",
        "tls-server-name": "name",
        "certificate-authority-data": "Q0E=",
        "config": {"audience": "x"},
    }


def test_the_answer_is_kept_until_ten_seconds_before_it_expires(tmp_path: Path) -> None:
    now = [1_000_000.0]
    stamp = answer(expirationTimestamp="1970-01-12T13:47:40Z")  # 1,000,060
    plugin = PluginCredentials(target_with(tmp_path, env=env(ANSWER=stamp)), clock=lambda: now[0])
    for at, runs in ((0, 1), (49, 1), (50, 2)):
        now[0] = 1_000_000.0 + at
        plugin.identity()
        assert (tmp_path / "runs").read_text() == "x" * runs


def test_many_threads_share_one_run_and_one_renewal(tmp_path: Path) -> None:
    plugin = PluginCredentials(target_with(tmp_path, env=env(ANSWER=answer())))
    barrier = threading.Barrier(8)

    def ask() -> None:
        barrier.wait()
        plugin.identity()

    threads = [threading.Thread(target=ask) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert (tmp_path / "runs").read_text() == "x"
    stale = plugin.identity()
    assert plugin.renew(stale)
    assert (tmp_path / "runs").read_text() == "xx"


def test_a_client_certificate_from_a_plugin(tmp_path: Path) -> None:
    status = answer("", clientCertificateData="CERT", clientKeyData="KEY")
    identity = credentials_for(target_with(tmp_path, env=env(ANSWER=status))).identity()
    assert (identity.authorization, identity.certificate, identity.key) == ("", b"CERT", b"KEY")


@pytest.mark.parametrize(
    ("spec", "what"),
    [
        ({"env": env(STATUS="3", COMPLAINT="please log in")}, "status 3: please log in"),
        ({"env": env(ANSWER="hello")}, "did not print an ExecCredential"),
        ({"env": env(ANSWER="[]")}, "did not print an ExecCredential"),
        (
            {"env": env(ANSWER=answer(version="client.authentication.k8s.io/v1beta1"))},
            "where ExecCredential of",
        ),
        ({"env": env(ANSWER=answer(""))}, "neither a token nor a certificate"),
        ({"env": env(ANSWER=answer(expirationTimestamp="soon"))}, "no time"),
        ({"apiVersion": "client.authentication.k8s.io/v1alpha1"}, "asks for apiVersion"),
        ({"interactiveMode": "Sometimes"}, "none of Never"),
        ({"interactiveMode": "Always"}, "needs a terminal"),
        ({"command": "./missing", "installHint": "install it from the shop"}, "install it from the shop"),
        ({"command": ""}, "names no command"),
    ],
)
def test_a_plugin_that_fails_is_an_error_that_says_why(
    tmp_path: Path, spec: dict[str, Any], what: str
) -> None:
    with pytest.raises(NotAuthorised) as caught:
        credentials_for(target_with(tmp_path, **spec)).identity()
    assert what in str(caught.value)
    assert caught.value.title == "The credential plugin failed"


def test_a_plugin_that_hangs_is_ended_with_its_children(tmp_path: Path) -> None:
    target = target_with(tmp_path)
    script = "#!/bin/sh\nsleep 1000 &\necho $! > child\nwait\n".replace("child", str(tmp_path / "child"))
    (tmp_path / "plugin").write_text(script)
    with pytest.raises(NotAuthorised, match=r"within 0\.5 s"):
        PluginCredentials(target, timeout=0.5).identity()
    child = int((tmp_path / "child").read_text())
    state = Path(f"/proc/{child}/stat")
    assert not state.exists() or state.read_text().rsplit(")", 1)[1].split()[0] == "Z"


def test_a_plugin_that_insists_gets_a_lent_terminal(tmp_path: Path) -> None:
    lent = []

    def lend(run: Callable[[], None]) -> None:
        lent.append(True)
        run()

    spec = {"interactiveMode": "Always", "env": env(ANSWER=answer("from-terminal"))}
    target = target_with(tmp_path, **spec)
    # The test's own standard input stands for the terminal: an empty file.
    read_end, write_end = os.pipe()
    os.close(write_end)
    saved = os.dup(0)
    os.dup2(read_end, 0)
    try:
        identity = credentials_for(target, lend).identity()
    finally:
        os.dup2(saved, 0)
        os.close(saved)
        os.close(read_end)
    assert identity.authorization == "Bearer from-terminal" and lent == [True]
    assert json.loads((tmp_path / "info").read_text())["spec"]["interactive"] is True


def test_a_token_file_is_read_again_after_a_minute_and_when_refused(tmp_path: Path) -> None:
    path = tmp_path / "token"
    path.write_text("one\n")
    now = [0.0]
    credentials = TokenFileCredentials(Section({"tokenFile": "token"}, tmp_path), clock=lambda: now[0])
    first = credentials.identity()
    assert first.authorization == "Bearer one"
    path.write_text("two")
    assert credentials.identity() == first
    now[0] = 61
    second = credentials.identity()
    assert second.authorization == "Bearer two"
    path.write_text("three")
    assert credentials.renew(second) and credentials.identity().authorization == "Bearer three"
    assert not credentials.renew(credentials.identity())
    path.unlink()
    now[0] = 200
    with pytest.raises(NotAuthorised, match="cannot be read"):
        credentials.identity()


def test_static_credentials(tmp_path: Path) -> None:
    def identity(**values: str) -> str:
        return StaticCredentials(Section(values, tmp_path)).identity().authorization

    assert identity(token="abc") == "Bearer abc"
    assert identity(username="u", password="p") == "Basic dTpw"
    assert identity() == ""
    with pytest.raises(NotAuthorised):
        bearer("a\r\nX: y")


def test_rotated_certificate_files_are_seen_when_refused(tmp_path: Path) -> None:
    (tmp_path / "crt").write_text("OLD")
    credentials = StaticCredentials(Section({"client-certificate": "crt"}, tmp_path))
    old = credentials.identity()
    assert not credentials.renew(old)
    (tmp_path / "crt").write_text("NEW")
    assert credentials.renew(old) and credentials.identity().certificate == b"NEW"


def test_a_legacy_auth_provider_is_read_by_the_official_client(tmp_path: Path) -> None:
    """In a process of its own: the client's models must stay unloaded even then."""
    claims = base64.urlsafe_b64encode(json.dumps({"exp": 4_000_000_000}).encode()).decode().rstrip("=")
    token = f"e30.{claims}.c2ln"
    user = {"auth-provider": {"name": "oidc", "config": {"id-token": token}}}
    code = (
        "import sys, json\n"
        "from pathlib import Path\n"
        "from ko_tui.backend.source.credentials import credentials_for\n"
        "from ko_tui.backend.source.kubeconfig import Section, Target\n"
        f"user = Section({user!r}, Path({str(tmp_path)!r}))\n"
        "cluster = Section({'server': 'https://127.0.0.1:1'}, user.base)\n"
        "target = Target('c', 'c', 'u', 'https://127.0.0.1:1', 'default', cluster, user)\n"
        "assert 'kubernetes' not in sys.modules\n"
        "print(credentials_for(target).identity().authorization)\n"
        "models = ('kubernetes.client.api.', 'kubernetes.client.models.v1_pod')\n"
        "print([m for m in sys.modules if m.startswith(models)])\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines() == [f"Bearer {token}", "[]"]


def test_a_legacy_auth_provider_that_fails(tmp_path: Path) -> None:
    user = Section({"auth-provider": {"name": "oidc", "config": {"id-token": "not-a-token"}}}, tmp_path)
    cluster = Section({"server": "https://127.0.0.1:1"}, tmp_path)
    target = Target("c", "c", "u", "https://127.0.0.1:1", "default", cluster, user)
    with pytest.raises(NotAuthorised, match="gave no token"):
        credentials_for(target).identity()

"""Kubeconfig as kubectl reads it: order of files, merging, paths, contexts, impersonation."""

from __future__ import annotations

import base64
from pathlib import Path
from typing import Any

import pytest
import yaml

from ko_tui.backend.source.interface import ApiUnavailable
from ko_tui.backend.source.kubeconfig import Impersonation, KubeconfigError, in_cluster, load
from ko_tui.backend.source.live import contexts, open_live


def config(name: str, *, server: str = "https://127.0.0.1:6443", **user: Any) -> dict[str, Any]:
    return {
        "current-context": name,
        "contexts": [{"name": name, "context": {"cluster": name, "user": name, "namespace": f"ns-{name}"}}],
        "clusters": [{"name": name, "cluster": {"server": server}}],
        "users": [{"name": name, "user": user or {"token": f"token-{name}"}}],
    }


def write(path: Path, content: Any) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(content if isinstance(content, str) else yaml.safe_dump(content))
    return path


def test_the_named_file_wins_over_the_environment_and_home(tmp_path: Path) -> None:
    home = write(tmp_path / "home" / ".kube" / "config", config("home"))
    by_variable = write(tmp_path / "variable", config("variable"))
    named = write(tmp_path / "named", config("named"))
    env = {"HOME": str(tmp_path / "home"), "KUBECONFIG": str(by_variable)}
    assert load(str(named), env).current == "named"
    assert load(None, env).current == "variable"
    assert load(None, {"HOME": str(tmp_path / "home")}).current == "home"
    assert home.exists()


def test_several_files_merge_and_the_first_to_name_something_wins(tmp_path: Path) -> None:
    first = config("a")
    del first["current-context"]
    second = config("a", server="https://127.0.0.2:6443")
    third = config("b")
    paths = [write(tmp_path / str(i), c) for i, c in enumerate((first, second, third))]
    env = {"KUBECONFIG": ":".join(["", str(tmp_path / "missing"), *map(str, paths), ""])}
    merged = load(None, env)
    assert merged.current == "a"  # of the second file: the first names none
    assert merged.clusters["a"].text("server") == "https://127.0.0.1:6443"
    assert [(c.name, c.current, c.namespace) for c in merged.list_contexts()] == [
        ("a", True, "ns-a"),
        ("b", False, "ns-b"),
    ]
    assert contexts(None, env) == merged.list_contexts()


def test_relative_paths_belong_to_the_file_that_holds_them(tmp_path: Path) -> None:
    content = config("a", **{"client-certificate": "crt.pem", "tokenFile": "token"})
    content["clusters"][0]["cluster"]["certificate-authority"] = "pki/ca.pem"
    path = write(tmp_path / "deep" / "config", content)
    write(tmp_path / "deep" / "crt.pem", "CERT")
    write(tmp_path / "deep" / "pki" / "ca.pem", "CA")
    other = write(tmp_path / "other", config("b"))
    target = load(None, {"KUBECONFIG": f"{other}:{path}"}).target("a")
    assert target.cluster.content("certificate-authority") == b"CA"
    assert target.user.content("client-certificate") == b"CERT"
    assert target.user.path("tokenFile") == tmp_path / "deep" / "token"


def test_inline_content_wins_over_the_file(tmp_path: Path) -> None:
    data = base64.b64encode(b"INLINE").decode()
    user = {"client-certificate": "missing.pem", "client-certificate-data": data}
    target = load(str(write(tmp_path / "c", config("a", **user))), {}).target()
    assert target.user.content("client-certificate") == b"INLINE"


@pytest.mark.parametrize(
    ("content", "what"),
    [
        ("a: [", "not valid YAML"),
        ("- a", "no mapping"),
        ("clusters: 5", "not a list"),
        ("users: [{user: {token: hunter2}}]", "no name"),
        ("contexts: [{name: a, context: x}]", "not a mapping"),
        ("", "missing or empty"),
    ],
)
def test_a_file_that_is_no_kubeconfig_is_a_clear_error(tmp_path: Path, content: str, what: str) -> None:
    path = write(tmp_path / "c", content)
    with pytest.raises(KubeconfigError, match=what) as caught:
        load(str(path), {})
    assert "hunter2" not in str(caught.value)


def test_yaml_errors_do_not_quote_secrets(tmp_path: Path) -> None:
    path = write(tmp_path / "c", "users:\n- name: a\n  user: {token: hunter2\n")
    with pytest.raises(KubeconfigError) as caught:
        load(str(path), {})
    assert "hunter2" not in str(caught.value) and "line" in str(caught.value)


def test_missing_things_are_named(tmp_path: Path) -> None:
    with pytest.raises(KubeconfigError, match="does not exist"):
        load(str(tmp_path / "missing"), {})
    with pytest.raises(KubeconfigError, match="No cluster is configured"):
        load(None, {"HOME": str(tmp_path)})
    loaded = load(str(write(tmp_path / "c", config("a"))), {})
    with pytest.raises(KubeconfigError, match="no context 'zzz'"):
        loaded.target("zzz")
    broken = config("a")
    broken["clusters"] = []
    with pytest.raises(KubeconfigError, match="has no server"):
        load(str(write(tmp_path / "d", broken)), {}).target()


def test_in_cluster_is_the_last_resort(tmp_path: Path) -> None:
    account = tmp_path / "account"
    write(account / "token", "t")
    write(account / "ca.crt", "CA")
    write(account / "namespace", "kube-system\n")
    env = {"KUBERNETES_SERVICE_HOST": "fd00::1", "KUBERNETES_SERVICE_PORT": "443"}
    found = in_cluster(env, account)
    assert found is not None
    target = found.target()
    assert (target.server, target.namespace) == ("https://[fd00::1]:443", "kube-system")
    assert target.cluster.content("certificate-authority") == b"CA"
    assert in_cluster({}, account) is None
    assert in_cluster(env, tmp_path / "nowhere") is None


def test_impersonation_merges_field_by_field(tmp_path: Path) -> None:
    user = {
        "token": "t",
        "as": "alice",
        "as-groups": ["g1", "g2"],
        "as-uid": "7",
        "as-user-extra": {"k": ["v"]},
    }
    loaded = load(str(write(tmp_path / "c", config("a", **user))), {})
    assert loaded.target().impersonate == Impersonation("alice", ("g1", "g2"), "7", {"k": ("v",)})
    asked = loaded.target(None, Impersonation("bob", ("ops",)))
    assert asked.impersonate == Impersonation("bob", ("ops",), "7", {"k": ("v",)})
    assert load(str(write(tmp_path / "d", config("a"))), {}).target().impersonate is None


@pytest.mark.parametrize("user", [{"as-groups": ["g"]}, {"as": "a\r\nAuthorization: x"}])
def test_impersonation_that_cannot_be_sent_is_an_error(tmp_path: Path, user: dict[str, Any]) -> None:
    with pytest.raises(KubeconfigError):
        load(str(write(tmp_path / "c", config("a", **user))), {}).target()


def test_opening_connects_to_nothing_and_says_who_we_are(tmp_path: Path) -> None:
    path = write(tmp_path / "c", config("a"))
    source = open_live(str(path), None, Impersonation("alice"), environment={})
    assert (source.info.label, source.info.cluster, source.info.server) == (
        "a",
        "a",
        "https://127.0.0.1:6443",
    )
    assert (source.info.user, source.info.namespace, source.info.kind) == ("alice", "ns-a", "live")
    source.close()


def test_a_proxy_of_an_unknown_kind_is_a_clear_error(tmp_path: Path) -> None:
    content = config("a")
    content["clusters"][0]["cluster"]["proxy-url"] = "ftp://user:secret@127.0.0.1:1"
    source = open_live(str(write(tmp_path / "c", content)), environment={})
    from ko_tui.backend.source.kinds import PODS

    with pytest.raises(ApiUnavailable, match="of a kind that ko-tui cannot use") as caught:
        source.list(PODS)
    assert "secret" not in str(caught.value)

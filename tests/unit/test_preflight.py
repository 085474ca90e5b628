"""The printed RBAC, applied to an API server that enforces it: what ko-tui reads works under it, the rest does not."""

from __future__ import annotations

import json
from collections.abc import Iterator

import pytest

from ko_tui.backend.command.preflight import PERMISSIONS, preflight
from ko_tui.backend.command.rbac import KUBE_OVN, PROFILES, objects
from ko_tui.backend.source import kinds
from ko_tui.backend.source.interface import ApiUnavailable, Forbidden, PodRef, Resource
from ko_tui.backend.source.live import LiveSource
from ko_tui.cli import main
from tests.lab.api.identity import User
from tests.lab.handle import ApiOnlyLab
from tests.unit.source_lab import changed_config, lab, module_lab, opened

__all__ = ["lab", "module_lab"]
RBAC = {
    kind: Resource("rbac.authorization.k8s.io", "v1", kind.lower() + "s", "Cluster" not in kind)
    for kind in ("Role", "RoleBinding", "ClusterRole", "ClusterRoleBinding")
}
CENTRAL = "ovn-central-5f7b8d9c6d-2kx7p"


@pytest.fixture(scope="module")
def granted(module_lab: ApiOnlyLab) -> ApiOnlyLab:
    """All profiles applied; a token for a member of each group."""
    with opened(module_lab, "admin") as admin:
        for profile in PROFILES:
            for item in objects(profile):
                if item["kind"] in RBAC:
                    admin.create(RBAC[item["kind"]], item["metadata"].get("namespace", ""), item)
            member = User(f"member-{profile}", (f"ko-tui:{profile}",))
            module_lab.server.authenticator.tokens[f"token-{profile}"] = member
    return module_lab


@pytest.fixture(params=PROFILES)
def member(request: pytest.FixtureRequest, granted: ApiOnlyLab) -> Iterator[tuple[str, LiveSource]]:
    granted.faults.clear()
    config = changed_config(granted, f"config-{request.param}", {"token": f"token-{request.param}"})
    with opened(granted, "x", kubeconfig=config) as source:
        yield request.param, source


def test_everything_that_is_read_can_be_read(member: tuple[str, LiveSource], granted: ApiOnlyLab) -> None:
    _, source = member
    core = (kinds.PODS, kinds.NODES, kinds.NAMESPACES, kinds.SERVICES, kinds.EVENTS, kinds.DEPLOYMENTS,
            kinds.DAEMONSETS, kinds.STATEFULSETS, kinds.ENDPOINT_SLICES, kinds.NETWORK_POLICIES, kinds.CRDS,
            kinds.NET_ATTACH_DEFS, kinds.VMIS)  # fmt: skip
    for resource in (*core, *kinds.KUBE_OVN_KINDS):
        source.list(resource)
    assert {r.plural for r in kinds.KUBE_OVN_KINDS} <= set(KUBE_OVN)
    assert next(source.watch(kinds.PODS)).type == "ADDED"
    assert source.list(kinds.LEASES, namespace="kube-system").complete
    granted.faults.exec_needs_create = True  # as Kubernetes 1.35 does
    done = source.exec(PodRef("kube-system", CENTRAL), ["echo", "x"])
    assert done.stdout == b"x\n"


def test_nothing_else_can_be_done(member: tuple[str, LiveSource]) -> None:
    profile, source = member
    with pytest.raises(Forbidden):
        source.exec(PodRef("default", "client"), ["true"])
    with pytest.raises(Forbidden):
        source.list(Resource("", "v1", "secrets"))
    with pytest.raises(Forbidden):
        source.delete(kinds.NODES, "", "worker")
    with pytest.raises(Forbidden):
        source.delete(kinds.PODS, "default", "client")
    with pytest.raises(Forbidden):
        source.patch(kinds.SUBNETS, "", "ovn-default", {"spec": {"private": True}})
    assert source.may("delete", kinds.PODS, namespace="kube-system") is (profile == "operator")
    assert source.may("patch", kinds.DAEMONSETS, namespace="kube-system") is (profile == "operator")


def test_preflight_tells_what_will_work(member: tuple[str, LiveSource]) -> None:
    profile, source = member
    answers = preflight(source, "kube-system")
    assert [a.permission for a in answers] == list(PERMISSIONS)
    assert all(a.allowed for a in answers if a.permission.needed)
    writing = {a.allowed for a in answers if not a.permission.needed}
    assert writing == {profile == "operator"}


def test_preflight_says_when_it_could_not_ask(lab: ApiOnlyLab) -> None:
    lab.faults.add("http_status", code=503, message="away")
    with opened(lab) as source:
        answers = preflight(source, "kube-system")
    assert all(a.allowed is None and "away" in a.problem for a in answers)
    assert ApiUnavailable.title in answers[0].problem


def test_preflight_on_the_command_line(
    lab: ApiOnlyLab, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", str(lab.directory))
    assert main(["--kubeconfig", str(lab.kubeconfig), "--context", "admin", "preflight", "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert told["audit_log"] == str(lab.directory / "ko-tui" / "audit.jsonl")
    assert told["context"] == "admin" and all(p["allowed"] for p in told["permissions"])
    assert main(["--kubeconfig", str(lab.kubeconfig), "--context", "noexec", "preflight"]) == 1
    shown = capsys.readouterr().out
    assert "no   get pods/exec in kube-system" in shown and "yes  list pods" in shown

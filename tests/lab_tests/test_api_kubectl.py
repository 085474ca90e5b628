"""The lab's API held to the real kubectl, without a cluster: what kubectl prints and how it ends."""

from __future__ import annotations

import json
import os
import pty
import shutil
import signal
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.lab.handle import ApiOnlyLab
from tests.lab.places import until

pytestmark = pytest.mark.skipif(shutil.which("kubectl") is None, reason="kubectl is not installed")

Kubectl = Callable[..., "subprocess.CompletedProcess[str]"]


def caller(lab: ApiOnlyLab) -> Kubectl:
    def kubectl(*words: str, stdin: str = "", **more: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            ["kubectl", *words],
            env=lab.environment(**more),
            input=stdin,
            capture_output=True,
            text=True,
            timeout=40,
        )

    return kubectl


@pytest.fixture
def kubectl(api_lab: ApiOnlyLab) -> Kubectl:
    """kubectl on the shared API, for what only looks."""
    return caller(api_lab)


@pytest.fixture
def own_kubectl(own_api: ApiOnlyLab) -> Kubectl:
    """kubectl on an API of the test's own."""
    return caller(own_api)


# -- looking --------------------------------------------------------------------------------------------------


def test_get_prints_the_columns_of_a_real_server(kubectl: Kubectl) -> None:
    said = kubectl("get", "pods", "-n", "default", "-o", "wide").stdout.splitlines()
    head = "NAME READY STATUS RESTARTS AGE IP NODE NOMINATED NODE READINESS GATES"
    assert said[0].split() == head.split()
    rows = {line.split()[0]: line.split() for line in said[1:]}
    assert rows["client"][1:4] == ["1/1", "Running", "0"]
    assert rows["client"][5:7] == ["10.16.0.10", "kube-ovn-worker"]
    assert rows["completed"][1:3] == ["0/1", "Completed"]
    assert rows["pending"][1:3] == ["0/1", "Pending"]
    assert rows["multi"][1] == "2/2"


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (("-n", "kube-system", "-l", "app=ovs"), 3),
        (("-n", "kube-system", "-l", "app in (ovs,ovn-central)"), 6),
        (("-n", "kube-system", "-l", "app=ovn-central,ovn-nb-leader=true"), 1),
        (("-n", "kube-system", "-l", "app=ovn-central,ovn-nb-leader!=true"), 2),
        (("-A", "-l", "!app,!k8s-app,!kubevirt.io"), 10),
        (("-A", "--field-selector", "status.phase=Pending"), 1),
        (("-n", "default", "--field-selector", "metadata.name=client"), 1),
    ],
)
def test_selectors(kubectl: Kubectl, words: tuple[str, ...], expected: int) -> None:
    done = kubectl("get", "pods", *words, "-o", "name")
    assert len(done.stdout.split()) == expected, done.stderr


def test_pages_add_up_to_the_whole(kubectl: Kubectl, api_lab: ApiOnlyLab) -> None:
    whole = kubectl("get", "pods", "-A", "-o", "name", "--chunk-size=0").stdout
    before = len(api_lab.audit)
    assert kubectl("get", "pods", "-A", "-o", "name", "--chunk-size=7").stdout == whole
    pages = [r for r in api_lab.audit[before:] if r.path == "/api/v1/pods"]
    assert len(pages) == -(-len(whole.split()) // 7)


def test_unknown_field_selector_is_refused(kubectl: Kubectl) -> None:
    done = kubectl("get", "pods", "--field-selector", "spec.nonsense=1")
    assert done.returncode == 1
    assert "field label not supported: spec.nonsense" in done.stderr


def test_output_forms(kubectl: Kubectl) -> None:
    item = json.loads(kubectl("get", "pod", "virt-launcher-vm1-x7k2p", "-o", "json").stdout)
    assert item["metadata"]["annotations"]["ovn.kubernetes.io/virtualmachine"] == "vm1"
    assert item["metadata"]["ownerReferences"][0]["kind"] == "VirtualMachineInstance"
    path = r"jsonpath={.metadata.annotations.net1\.default\.ovn\.kubernetes\.io/ip_address}"
    assert kubectl("get", "pod", "multi", "-o", path).stdout == "10.20.0.5"
    assert (
        "\x1b"
        in json.loads(kubectl("get", "pod", "hostile", "-o", "json").stdout)["metadata"]["annotations"][
            "example.com/note"
        ]
    )


@pytest.mark.parametrize(
    ("kind", "name"),
    [
        ("subnets", "ovn-default"), ("vpc", "ovn-cluster"), ("ips", "client.default"), ("vlan", "vlan100"),
        ("sg", "sg1"), ("pn", "provider"), ("ovn-fips", "fip1"), ("vmi", "vm1"), ("net-attach-def", "net1"),
        ("crd", "subnets.kubeovn.io"), ("nodes", "kube-ovn-worker"), ("clusterrole", "lab-look"),
    ],
)  # fmt: skip
def test_kinds_are_discovered(kubectl: Kubectl, kind: str, name: str) -> None:
    done = kubectl("get", kind, name)
    assert done.returncode == 0, done.stderr
    assert name in done.stdout


def test_what_is_not_there(kubectl: Kubectl) -> None:
    done = kubectl("get", "pod", "nobody")
    assert (done.returncode, done.stderr) == (1, 'Error from server (NotFound): pods "nobody" not found\n')
    assert "the server doesn't have a resource type" in kubectl("get", "nonsense").stderr


def test_watch_tells_of_changes(own_api: ApiOnlyLab, own_kubectl: Kubectl) -> None:
    words = ["kubectl", "get", "vlans", "--watch", "--output-watch-events", "--no-headers"]
    with subprocess.Popen(
        words, env=own_api.environment(), stdout=subprocess.PIPE, text=True, start_new_session=True
    ) as watching:
        assert watching.stdout is not None
        try:
            lines = iter(watching.stdout.readline, "")
            first = {tuple(next(lines).split()[:2]) for _ in range(2)}
            assert first == {("ADDED", "vlan0"), ("ADDED", "vlan100")}
            own_kubectl("patch", "vlan", "vlan100", "--type=merge", "-p", '{"spec":{"id":7}}')
            assert next(lines).split()[:2] == ["MODIFIED", "vlan100"]
            own_kubectl("delete", "vlan", "vlan100", "--wait=false")
            assert next(lines).split()[:2] == ["DELETED", "vlan100"]
        finally:
            # kubectl may be a wrapper around another process: both belong to the session.
            os.killpg(watching.pid, signal.SIGKILL)


# -- rights ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("context", "words", "says"),
    [
        ("reader", "get pods -A", ""),
        ("reader", "get secrets", 'User "reader" cannot list resource "secrets"'),
        ("reader", "delete pod client", 'User "reader" cannot delete resource "pods"'),
        ("reader", "exec client -- true", 'cannot create resource "pods/exec" in API group ""'),
        ("noexec", "get subnets", ""),
        ("noexec", "exec -n kube-system ovs-ovn-b7k2m -- true", 'User "noexec" cannot'),
        ("reader", "exec -n kube-system ovs-ovn-b7k2m -- true", ""),
        ("admin-token", "get secrets", ""),
        ("reader", "get pods --as admin", 'User "reader" cannot impersonate resource "users"'),
        ("admin", "get pods --as nobody", 'User "nobody" cannot list resource "pods"'),
        ("admin", "get pods --as reader", ""),
        ("admin", "get pods --token wrong", "You must be logged in to the server (Unauthorized)"),
    ],
)  # fmt: skip
def test_rights_of_users(kubectl: Kubectl, context: str, words: str, says: str) -> None:
    done = kubectl("--context", context, *words.split())
    if says:
        assert done.returncode == 1
        assert says in done.stderr
    else:
        assert done.returncode == 0, done.stderr


def test_can_i(kubectl: Kubectl) -> None:
    ask = ("auth", "can-i", "create", "pods", "--subresource=exec")
    assert kubectl(*ask, "-n", "kube-system", "--context", "reader").stdout == "yes\n"
    assert kubectl(*ask, "-n", "default", "--context", "reader").stdout == "no\n"
    listed = kubectl("auth", "can-i", "--list", "-n", "kube-system", "--context", "reader").stdout
    assert "pods/exec" in listed


def test_applied_roles_count_at_once(own_kubectl: Kubectl, tmp_path: Path) -> None:
    role = {
        "apiVersion": "rbac.authorization.k8s.io/v1", "kind": "Role",
        "metadata": {"name": "look", "namespace": "prod"},
        "rules": [{"apiGroups": [""], "resources": ["pods"], "verbs": ["get", "list"], "resourceNames": []}],
    }  # fmt: skip
    binding = {
        "apiVersion": "rbac.authorization.k8s.io/v1", "kind": "RoleBinding",
        "metadata": {"name": "look", "namespace": "prod"},
        "subjects": [{"kind": "ServiceAccount", "name": "bot", "namespace": "ci"}],
        "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "Role", "name": "look"},
    }  # fmt: skip
    file = tmp_path / "rbac.json"
    file.write_text(json.dumps({"apiVersion": "v1", "kind": "List", "items": [role, binding]}))
    bot = ("--as", "system:serviceaccount:ci:bot")
    assert own_kubectl("get", "pods", "-n", "prod", *bot).returncode == 1
    done = own_kubectl("apply", "--validate=false", "-f", str(file))
    assert done.stdout.count("created") == 2, done.stderr
    assert own_kubectl("get", "pods", "-n", "prod", *bot).returncode == 0
    assert own_kubectl("get", "pods", "-n", "default", *bot).returncode == 1
    assert own_kubectl("delete", "-f", str(file)).returncode == 0
    assert own_kubectl("get", "pods", "-n", "prod", *bot).returncode == 1


# -- changing -------------------------------------------------------------------------------------------------


def test_apply_patch_delete(own_kubectl: Kubectl) -> None:
    item = {"apiVersion": "kubeovn.io/v1", "kind": "Vlan", "metadata": {"name": "v9"}, "spec": {"id": 9}}

    def apply() -> str:
        return own_kubectl("apply", "-f", "-", stdin=json.dumps(item)).stdout

    assert apply() == "vlan.kubeovn.io/v9 created\n"
    assert apply() == "vlan.kubeovn.io/v9 unchanged\n"
    item["spec"] = {"provider": "provider"}
    assert apply() == "vlan.kubeovn.io/v9 configured\n"
    assert own_kubectl("get", "vlan", "v9", "-o", "jsonpath={.spec}").stdout == '{"provider":"provider"}'
    own_kubectl("patch", "vlan", "v9", "--type=json", "-p", '[{"op":"add","path":"/spec/id","value":3}]')
    assert own_kubectl("get", "vlan", "v9", "-o", "jsonpath={.spec.id}").stdout == "3"
    assert own_kubectl("label", "vlan", "v9", "a=b").returncode == 0
    assert own_kubectl("get", "vlan", "-l", "a=b", "-o", "name").stdout == "vlan.kubeovn.io/v9\n"
    assert own_kubectl("delete", "vlan", "v9").stdout == 'vlan.kubeovn.io "v9" deleted\n'
    assert own_kubectl("get", "vlan", "v9").returncode == 1


def test_custom_definitions_are_served(own_kubectl: Kubectl) -> None:
    names = {
        "kind": "Thing",
        "plural": "things",
        "singular": "thing",
        "listKind": "ThingList",
        "shortNames": ["th"],
    }
    version = {
        "name": "v1", "served": True, "storage": True, "schema": {"openAPIV3Schema": {"type": "object"}},
        "additionalPrinterColumns": [{"name": "Size", "type": "integer", "jsonPath": ".spec.size"}],
    }  # fmt: skip
    crd = {
        "apiVersion": "apiextensions.k8s.io/v1", "kind": "CustomResourceDefinition",
        "metadata": {"name": "things.lab.io"},
        "spec": {"group": "lab.io", "names": names, "scope": "Cluster", "versions": [version]},
    }  # fmt: skip
    assert own_kubectl("apply", "-f", "-", stdin=json.dumps(crd)).returncode == 0
    thing = {"apiVersion": "lab.io/v1", "kind": "Thing", "metadata": {"name": "one"}, "spec": {"size": 4}}
    assert own_kubectl("apply", "-f", "-", stdin=json.dumps(thing)).stdout == "thing.lab.io/one created\n"
    assert own_kubectl("get", "th").stdout.split()[:5] == ["NAME", "SIZE", "AGE", "one", "4"]


@pytest.mark.parametrize(
    ("workload", "label"), [("deploy/ovn-central", "ovn-central"), ("ds/ovs-ovn", "ovs")]
)
def test_rollout_restart_replaces_every_pod(own_kubectl: Kubectl, workload: str, label: str) -> None:
    scope = ("-n", "kube-system")
    listing = ("get", "pods", *scope, "-l", f"app={label}", "-o", "jsonpath={.items[*].metadata.name}")
    before = set(own_kubectl(*listing).stdout.split())
    assert own_kubectl("rollout", "restart", workload, *scope).returncode == 0
    done = own_kubectl("rollout", "status", workload, *scope, "--timeout=30s")
    assert done.returncode == 0, done.stdout + done.stderr
    assert "successfully rolled out" in done.stdout
    until(lambda: len(own_kubectl(*listing).stdout.split()) == 3, "three pods")
    after = set(own_kubectl(*listing).stdout.split())
    assert not before & after


def test_scale_down_and_up_gives_pods_the_same_places(own_api: ApiOnlyLab, own_kubectl: Kubectl) -> None:
    scope = ("-n", "kube-system")
    nodes = ("get", "pods", *scope, "-l", "app=ovn-central", "-o", "jsonpath={.items[*].spec.nodeName}")
    before = sorted(own_kubectl(*nodes).stdout.split())
    assert own_kubectl("scale", "deploy/ovn-central", *scope, "--replicas=0").returncode == 0
    waited = own_kubectl("wait", "--for=delete", "pod", "-l", "app=ovn-central", *scope, "--timeout=20s")
    assert waited.returncode == 0, waited.stderr
    assert len(own_api.runtime.stopped) == 3  # type: ignore[attr-defined]
    own_kubectl("scale", "deploy/ovn-central", *scope, "--replicas=3")
    assert own_kubectl("rollout", "status", "deploy/ovn-central", *scope, "--timeout=20s").returncode == 0
    assert sorted(own_kubectl(*nodes).stdout.split()) == before


def test_a_deleted_daemon_pod_is_replaced_on_its_node(own_kubectl: Kubectl) -> None:
    scope = ("-n", "kube-system")
    node = own_kubectl("get", "pod", "kube-ovn-cni-h8rjk", *scope, "-o", "jsonpath={.spec.nodeName}").stdout
    assert own_kubectl("delete", "pod", "kube-ovn-cni-h8rjk", *scope).returncode == 0
    assert own_kubectl("rollout", "status", "ds/kube-ovn-cni", *scope, "--timeout=20s").returncode == 0
    chosen = ("-l", "app=kube-ovn-cni", "--field-selector", f"spec.nodeName={node}")
    name = own_kubectl("get", "pods", *scope, *chosen, "-o", "name").stdout.strip()
    assert name.startswith("pod/kube-ovn-cni-") and not name.endswith("h8rjk")
    assert own_kubectl("exec", *scope, name, "--", "true").returncode == 0


# -- exec, cp, logs -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("code", [0, 1, 7, 126, 255])
def test_exec_exit_codes(kubectl: Kubectl, code: int) -> None:
    done = kubectl("exec", "client", "--", "sh", "-c", f"echo out; echo err >&2; exit {code}")
    assert done.returncode == code
    assert done.stdout == "out\n"
    assert done.stderr.startswith("err\n")


def test_exec_of_a_killed_program(kubectl: Kubectl) -> None:
    assert kubectl("exec", "client", "--", "sh", "-c", "kill -9 $$").returncode == 137


@pytest.mark.parametrize(
    ("words", "says"),
    [
        ("client -- no-such-program", 'exec: "no-such-program": executable file not found in $PATH'),
        ("client -c other -- true", "container other is not valid for pod client"),
        ("nobody -- true", 'pods "nobody" not found'),
        ("pending -- true", "does not have a host assigned"),
        ("completed -- true", "cannot exec into a container in a completed pod"),
    ],
)
def test_exec_that_cannot_start(kubectl: Kubectl, words: str, says: str) -> None:
    done = kubectl("exec", *words.split())
    assert done.returncode == 1
    assert says in done.stderr


def test_exec_passes_input_to_its_end(kubectl: Kubectl) -> None:
    text = "".join(f"line {number} äöü\n" for number in range(20_000))
    assert kubectl("exec", "-i", "client", "--", "cat", stdin=text).stdout == text


def test_exec_has_the_environment_of_the_container(kubectl: Kubectl) -> None:
    pod = "ovn-central-5f7b8d9c6d-8hq4z"
    said = kubectl("exec", "-n", "kube-system", pod, "-c", "ovn-central", "--", "env").stdout.splitlines()
    assert {"ENABLE_SSL=false", "POD_IP=172.18.0.3", "NODE_IPS=172.18.0.2,172.18.0.3,172.18.0.4"} <= set(said)


def test_exec_on_a_terminal(api_lab: ApiOnlyLab) -> None:
    ours, theirs = pty.openpty()
    words = [
        "kubectl",
        "exec",
        "-it",
        "client",
        "--",
        "sh",
        "-c",
        "tty >/dev/null && read word && echo got:$word; exit 3",
    ]
    with subprocess.Popen(
        words, env=api_lab.environment(), stdin=theirs, stdout=theirs, stderr=theirs
    ) as running:
        os.close(theirs)
        os.write(ours, b"hello\n")
        seen = b""
        while b"got:hello" not in seen:
            seen += os.read(ours, 4096)
        assert running.wait(20) == 3
    os.close(ours)


def test_cp_both_ways(kubectl: Kubectl, tmp_path: Path) -> None:
    content = os.urandom(3_000_000)
    (tmp_path / "here").write_bytes(content)
    there = tmp_path / "in-the-pod"
    assert kubectl("cp", str(tmp_path / "here"), f"default/client:{there}").returncode == 0
    assert there.read_bytes() == content
    done = kubectl("cp", f"default/client:{there}", str(tmp_path / "back"))
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "back").read_bytes() == content


def test_logs(kubectl: Kubectl) -> None:
    lines = kubectl("logs", "client", "--tail=3").stdout.splitlines()
    assert [line.rsplit(" ", 1)[1] for line in lines] == ["17", "18", "19"]
    assert kubectl("logs", "multi", "-c", "sidecar").returncode == 0
    assert "is not valid for pod" in kubectl("logs", "client", "-c", "other").stderr

"""``env-check``, ``diagnose`` and ``tuning``: what is wrong on the real cluster is found, and named where it is."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from ko_tui.backend.operations import env_check
from ko_tui.cli import main
from tests.lab.handle import ApiOnlyLab
from tests.lab.running import RunningLab
from tests.lab.topology import CONTROL, NAMESPACE, NODES, WORKER, WORKER2
from tests.lab_tests.command_line import CommandLine

pytestmark = pytest.mark.lab
NAMES = {n.name for n in NODES}
Object = dict[str, Any]


def checks(line: CommandLine, lab: ApiOnlyLab, *words: str) -> tuple[int, list[Object]]:
    """The exit status, and all checks that are not well."""
    done = line(lab, *words, "--json")
    found = json.loads(done.out)["checks"]
    return done.status, [c for c in found if c["level"] not in ("ok", "info")]


def cni_pod(lab: ApiOnlyLab, node: str) -> str:
    pods = lab.server.store.all(lab.server.controllers.pods, NAMESPACE)[0]
    return next(
        p.name
        for p in pods
        if p.labels.get("app") == "kube-ovn-cni" and p.fields.get("spec.nodeName") == node
    )


@contextmanager
def not_ready(lab: ApiOnlyLab, kind: str, name: str, namespace: str) -> Iterator[None]:
    def set_to(state: str) -> None:
        def change(item: Object) -> None:
            for condition in item["status"]["conditions"]:
                if condition["type"] == "Ready":
                    condition["status"] = state

        lab.patch(kind, name, namespace, change)

    set_to("False")
    try:
        yield
    finally:
        set_to("True")


# -- env-check --------------------------------------------------------------------------------------------------


def test_six_groups_of_every_node(running_lab: RunningLab, line: CommandLine) -> None:
    done = line(running_lab, "env-check", "--json")
    assert done.status == 0
    found = json.loads(done.out)["checks"]
    for name in NAMES:
        groups = [c["group"] for c in found if c["place"] == name]
        assert list(dict.fromkeys(groups)) == ["cni", "ipv4", "checksum", "dns", "firewall", "geneve"]
    assert {c["detail"] for c in found if c["group"] == "geneve"} == {"Open vSwitch listens"}


def test_another_plugin_on_one_node(running_lab: RunningLab, line: CommandLine) -> None:
    directory = running_lab.cluster.node_place(WORKER).directory / "etc-layer" / "cni" / "net.d"
    other = directory / "00-other.conflist"
    other.write_text("{}\n")
    try:
        seen = running_lab.cluster.node_place(WORKER).run("ls", "/etc/cni/net.d").stdout.split()
        if other.name not in seen:
            pytest.skip("this machine has no overlay file systems")
        status, bad = checks(line, running_lab, "env-check")
        (warned,) = [c for c in bad if c["group"] == "cni"]
        assert status == 0 and warned["place"] == WORKER and other.name in warned["detail"]
    finally:
        other.unlink()


def test_nodes_that_cannot_be_asked(
    running_lab: RunningLab, line: CommandLine, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One says nothing, one has a pod that is not ready: named, and the third is checked all the same."""
    monkeypatch.setattr(env_check, "SECONDS", 1.0)
    with (
        not_ready(running_lab, "Pod", cni_pod(running_lab, WORKER), NAMESPACE),
        running_lab.faults.active("silent_peer", pod=cni_pod(running_lab, WORKER2)) as fault,
    ):
        status, bad = checks(line, running_lab, "env-check")
        assert status == 3 and fault.hits
        assert {c["place"] for c in bad if c["level"] == "unknown"} == {WORKER, WORKER2}
        assert {c["place"] for c in bad if c["group"] == "ipv4"} <= {CONTROL}
        shown = line(running_lab, "env-check").out
        assert f"not the whole truth: {WORKER}: kube-ovn-cni-" in shown


@pytest.mark.parametrize("words", [("env-check",), ("tuning", "check")])
def test_a_node_without_its_pod(words: tuple[str, ...], running_lab: RunningLab, line: CommandLine) -> None:
    kind = running_lab.server.catalogue.of("Node")
    node = running_lab.get("Node", WORKER)
    node["metadata"] = {"name": "forgotten", "labels": {}}
    running_lab.server.store.create(kind, node)
    try:
        status, bad = checks(line, running_lab, *words)
        assert status == 3 and ("forgotten", "no kube-ovn-cni pod runs there") in {
            (c["place"], c["detail"]) for c in bad
        }
    finally:
        running_lab.server.store.delete(kind, "", "forgotten")


# -- diagnose ---------------------------------------------------------------------------------------------------


def test_a_well_cluster(running_lab: RunningLab, line: CommandLine) -> None:
    for words in (("all",), ("node", WORKER), ("subnet", "ovn-default")):
        status, bad = checks(line, running_lab, "diagnose", *words, "--no-probes")
        assert status == 0 and not [c for c in bad if c["level"] in ("fail", "unknown")], bad
        assert [c["detail"] for c in bad if c["group"] == "pinger"] == ["no packets are sent in this mode"]


def test_dns_and_who_serves_services(
    own_api: ApiOnlyLab, line: CommandLine, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As kubectl ko looks at them: CoreDNS, kube-proxy, and WITHOUT_KUBE_PROXY."""

    def found() -> dict[str, str]:
        report = json.loads(line(own_api, "diagnose", "--no-probes", "--json").out)["checks"]
        return {c["name"]: f"{c['level']} {c['detail']}" for c in report if c["group"] == "services"}

    assert found() == {"coredns": "ok 2 of 2 available", "kube-proxy": "ok 3 of 3 available"}
    pods = own_api.server.store.all(own_api.server.controllers.pods, "kube-system")[0]
    proxy = next(p.name for p in pods if p.name.startswith("kube-proxy-"))
    with not_ready(own_api, "Pod", proxy, "kube-system"):
        assert found()["kube-proxy"] == "fail 2 of 3 available"
    monkeypatch.setenv("WITHOUT_KUBE_PROXY", "true")
    assert found()["kube-proxy"].startswith("skipped")
    monkeypatch.delenv("WITHOUT_KUBE_PROXY")
    own_api.server.store.delete(own_api.server.catalogue.of("DaemonSet"), "kube-system", "kube-proxy")
    assert found()["kube-proxy"].startswith("info no DaemonSet")


def test_pingers_that_are_not_there_are_no_success(running_lab: RunningLab, line: CommandLine) -> None:
    status, bad = checks(line, running_lab, "diagnose", "IPPorts", "tcp-10.16.0.12-8080")
    assert status == 3 and {c["level"] for c in bad} == {"unknown"} and len(bad) == 3


def test_strict_sends_nothing(running_lab: RunningLab, line: CommandLine) -> None:
    before = len(running_lab.audit)
    done = line(running_lab, "--read-only-strict", "diagnose", "IPPorts", "tcp-10.16.0.12-8080")
    assert done.status == 0 and "no packets are sent in this mode" in done.out
    assert not [r for r in running_lab.audit[before:] if r.path.endswith("/exec")]


def test_what_is_wrong_is_found(running_lab: RunningLab, line: CommandLine) -> None:
    cluster = running_lab.cluster
    words = ("diagnose", "node", WORKER, "--no-probes")
    with not_ready(running_lab, "Node", WORKER, ""):
        status, bad = checks(line, running_lab, *words)
        assert status == 1 and ("nodes", "NotReady") in {(c["group"], c["detail"]) for c in bad}
    running_lab.labels.missing("sb")
    try:
        status, bad = checks(line, running_lab, *words)
        assert status == 1 and "ovn-sb" in {c["name"] for c in bad if c["group"] == "leaders"}
    finally:
        running_lab.labels.follow()
    place = cluster.node_place(WORKER)
    place.run("ovs-vsctl", "add-port", "br-int", "left-over")
    try:
        status, bad = checks(line, running_lab, *words)
        (broken,) = [c for c in bad if c["name"] == "interfaces"]
        assert status == 0 and "left-over" in broken["detail"] and broken["level"] == "warn"
    finally:
        place.run("ovs-vsctl", "del-port", "br-int", "left-over")


def test_a_dead_controller_of_a_node(running_lab: RunningLab, line: CommandLine) -> None:
    running_lab.cluster.stop_controller(WORKER)
    try:
        status, bad = checks(line, running_lab, "diagnose", "all", "--no-probes")
        (dead,) = [c for c in bad if c["level"] == "fail"]
        assert status == 1 and (dead["place"], dead["name"]) == (WORKER, "ovn-controller")
    finally:
        running_lab.cluster.start_controller(WORKER)


def test_a_full_subnet(own_api: ApiOnlyLab, line: CommandLine) -> None:
    def full(subnet: Object) -> None:
        subnet.setdefault("status", {})["v4availableIPs"] = 0

    own_api.patch("Subnet", "ovn-default", "", full)
    status, bad = checks(line, own_api, "diagnose", "subnet", "ovn-default", "--no-probes")
    assert status == 1 and "none is free" in {c["detail"] for c in bad if c["group"] == "subnet"}


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("node",), "needs a target"),
        (("node", "none"), "There is no node 'none'"),
        (("subnet", "none"), "There is no Subnet 'none'"),
        (("IPPorts", "icmp-10.16.0.12"), "is not a target"),
        (("IPPorts", "tcp-10.16.0.12-70000"), "is not a target"),
        (("IPPorts", "tcp-10.16.0.12-80;reboot"), "is not a target"),
    ],
)
def test_targets(words: tuple[str, ...], said: str, running_lab: RunningLab, line: CommandLine) -> None:
    done = line(running_lab, "diagnose", *words)
    assert done.status == 2 and said in done.err


# -- tuning -----------------------------------------------------------------------------------------------------


def test_settings_of_every_node(running_lab: RunningLab, line: CommandLine) -> None:
    done = line(running_lab, "tuning", "check", "--json")
    assert done.status == 0
    found = json.loads(done.out)["checks"]
    for name in NAMES:
        told = {c["group"]: c for c in found if c["place"] == name}
        assert set(told) == {"cpu", "nic", "mtu", "ovs"}
        assert told["mtu"]["detail"] == "1400 over br-phys with 1500" and told["mtu"]["level"] == "ok"


def test_modules_of_old_releases_only(own_api: ApiOnlyLab, line: CommandLine) -> None:
    install = ("tuning", "install-fastpath", "centos7", "--allow-write")
    done = line(own_api, *install)
    assert done.status == 2 and "centos7-compile:v1.12.22" in done.out and "nothing was done" in done.err
    copies = [text.strip() for text in done.out.splitlines() if "kubectl cp" in text]
    assert len(copies) == 3 and all("-n kube-system -c cni-server" in text for text in copies), done.out
    for text in copies:  # a shell would take them as they are
        bash = subprocess.run(["bash", "-n", "-c", text], capture_output=True)
        assert bash.returncode == 0, bash.stderr
    wrong = line(own_api, "tuning", "install-stt", "debian", "--allow-write")
    assert wrong.status == 2 and "Use centos7 or centos8" in wrong.err
    for entry in own_api.server.store.all(own_api.server.controllers.pods, NAMESPACE)[0]:
        if entry.labels.get("app") == "kube-ovn-cni":

            def newer(pod: Object) -> None:
                pod["spec"]["containers"][0]["image"] = "docker.io/kubeovn/kube-ovn:v1.13.0"

            own_api.patch("Pod", entry.name, NAMESPACE, newer)
    for action in ("install-fastpath", "local-install-stt", "remove-fastpath", "remove-stt"):
        done = line(own_api, "tuning", action, "centos7", "--allow-write", "--yes", action)
        assert done.status == 2 and "existed from 1.10 to 1.12" in done.err, done


def test_the_module_is_removed(running_lab: RunningLab, line: CommandLine) -> None:
    def files(name: str) -> list[Path]:
        return [running_lab.cluster.node_place(n).path("/tmp") / name for n in sorted(NAMES)]

    for action, name in (
        ("remove-fastpath", "kube_ovn_fastpath.ko"),
        ("remove-stt", "openvswitch-kmod-2.15.rpm"),
    ):
        for file in [*files(name), *files("other.rpm")]:
            file.write_text("x\n")
        words = ("tuning", action, "centos", "--allow-write")
        assert line(running_lab, *words, "--yes", "no").status == 2 and all(f.exists() for f in files(name))
        done = line(running_lab, *words, "--yes", action)
        assert done.status == 0, done
        assert not any(f.exists() for f in files(name)) and all(f.exists() for f in files("other.rpm"))
    for file in files("other.rpm"):
        file.unlink()


@pytest.mark.parametrize("more", [[], ["--allow-write", "--read-only-strict"]])
def test_read_only_needs_no_cluster(more: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--kubeconfig", "no-such-file", "tuning", "remove-stt", "centos", *more]) == 2
    assert "read-only" in capsys.readouterr().err

"""Under the printed RBAC, as a member of its group: everything that reads works on the real cluster, and every
command that was run for it is one that the printed admission policy admits."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import parse_qsl

import pytest
import yaml

from ko_tui.backend.command.policy_regex import SEPARATOR, read_only_lines
from ko_tui.backend.command.rbac import objects
from ko_tui.backend.errors import PolicyRefusal
from ko_tui.backend.health.collect import collect as collect_health
from ko_tui.backend.operations.diagnose import diagnose
from ko_tui.backend.operations.env_check import env_check
from ko_tui.backend.operations.logs import collect as collect_logs
from ko_tui.backend.operations.tuning import tuning_check
from ko_tui.backend.saving.save import save_snapshot
from ko_tui.backend.session import Session, SessionOptions, open_session
from ko_tui.backend.source.interface import Forbidden, PodRef, Resource
from ko_tui.backend.source.kinds import PODS
from ko_tui.backend.source.live import open_live
from ko_tui.backend.tracing.oneline import parse_line
from tests.lab.api.identity import User
from tests.lab.running import RunningLab
from tests.unit.test_preflight import RBAC

pytestmark = pytest.mark.lab
POLICY = ("admissionregistration.k8s.io", "v1")
KINDS = RBAC | {
    "ValidatingAdmissionPolicy": Resource(*POLICY, "validatingadmissionpolicies", False),
    "ValidatingAdmissionPolicyBinding": Resource(*POLICY, "validatingadmissionpolicybindings", False),
}


@pytest.fixture(scope="module")
def member(running_lab: RunningLab, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Session]:
    admin = open_live(str(running_lab.kubeconfig), "admin")
    for item in objects("read-only"):
        admin.create(KINDS[item["kind"]], item["metadata"].get("namespace", ""), item)
    admin.close()
    running_lab.server.authenticator.tokens["on-call"] = User("on-call", ("ko-tui:read-only",))
    content = yaml.safe_load(running_lab.kubeconfig.read_text())
    content["users"] = [{"name": "admin", "user": {"token": "on-call"}}]
    path = tmp_path_factory.mktemp("member") / "kubeconfig"
    path.write_text(yaml.safe_dump(content))
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_STATE_HOME", str(path.parent))
        session = open_session(SessionOptions(kubeconfig=str(path), context="admin"))
        yield session
        session.close()


def test_reading_works_and_stays_within_the_admission_policy(
    running_lab: RunningLab, member: Session, tmp_path: Path
) -> None:
    assert member.namespace == "kube-system"
    assert collect_health(member)
    for line in ("default/client default/server icmp", "default/client svc/kube-system/kube-dns udp 53"):
        assert member.trace(member.plan(parse_line(line))).explained
    assert env_check(member).checks and tuning_check(member).checks
    assert diagnose(member, "all").checks
    collected = collect_logs(member, "all", tmp_path / "logs.tar.gz")
    assert collected.files
    saved = save_snapshot(member, tmp_path / "saved.ko")
    assert not saved.failed, saved.failed
    ran = [
        [value for key, value in parse_qsl(request.query, keep_blank_values=True) if key == "command"]
        for request in running_lab.audit
        if request.user == "on-call" and request.path.endswith("/exec")
    ]
    assert len(ran) > 30 and len({words[0] for words in ran}) > 8
    lines = [re.compile(line.expression) for line in read_only_lines()]
    assert [w for w in ran if not any(e.search(SEPARATOR.join(w)) for e in lines)] == []
    forbidden = [r for r in running_lab.audit if r.user == "on-call" and r.code == 403]
    assert [(r.verb, r.path) for r in forbidden] == []


def test_writing_is_refused_here_and_there(member: Session) -> None:
    leader = member.leader("nb")
    with pytest.raises(PolicyRefusal, match="read-only"):
        member.run(leader.pod, ("ovn-nbctl", "ls-add", "evil"))
    with pytest.raises(Forbidden):
        member.source.delete(PODS, "kube-system", leader.pod.name)
    with pytest.raises(Forbidden):
        member.source.exec(PodRef("default", "client"), ["true"])


@pytest.mark.parametrize(
    "line",
    [
        "ovn-nbctl ls-add evil",
        "ovn-nbctl --no-leader-only lsp-del server.default",
        "ovn-nbctl show -- ls-add evil",
        "ovs-vsctl add-br evil",
        "ovs-ofctl del-flows br-int",
        "ovs-appctl -t ovs-vswitchd exit",
        "sh -c true",
        "timeout -k 2 5 sh",
        "cat /etc/shadow",
    ],
)
def test_the_server_refuses_what_a_changed_client_would_run(member: Session, line: str) -> None:
    """Past the client's own guard: RBAC lets this group exec, the admission policy lets it only read."""
    pod = member.leader("nb").pod if "nbctl" in line else member.ovs("kube-ovn-worker")
    with pytest.raises(Forbidden, match="denied request: ko-tui"):
        member.source.exec(pod, line.split(), timeout=10)
    with pytest.raises(Forbidden, match="denied request: ko-tui"):
        member.source.exec(pod, ["ovs-vsctl", "show"], stdin=b"x", timeout=10)

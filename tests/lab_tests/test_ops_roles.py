"""Each printed role on the real cluster, by the command line: what it is for works, and nothing beyond it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml

from ko_tui.backend.command.rbac import PROFILES, objects
from ko_tui.backend.source.live import open_live
from tests.lab.api.identity import User
from tests.lab.running import RunningLab
from tests.lab_tests.command_line import CommandLine
from tests.unit.test_preflight import RBAC

pytestmark = pytest.mark.lab
ROLES = PROFILES


@pytest.fixture(scope="module")
def lab(changed_lab: RunningLab) -> Iterator[RunningLab]:
    """With a context for a member of each role's group."""
    admin = open_live(str(changed_lab.kubeconfig), "admin")
    made = []
    for role in ROLES:
        for item in objects(role):
            if item["kind"] in RBAC:
                where = (RBAC[item["kind"]], item["metadata"].get("namespace", ""))
                admin.create(*where, item)
                made.append((*where, item["metadata"]["name"]))
        changed_lab.server.authenticator.tokens[f"a-{role}"] = User(f"a-{role}", (f"ko-tui:{role}",))
    before = changed_lab.kubeconfig.read_text()
    content = yaml.safe_load(before)
    cluster = content["contexts"][0]["context"]["cluster"]
    for role in ROLES:
        content["users"].append({"name": role, "user": {"token": f"a-{role}"}})
        content["contexts"].append({"name": role, "context": {"cluster": cluster, "user": role}})
    changed_lab.kubeconfig.write_text(yaml.safe_dump(content))
    yield changed_lab
    changed_lab.kubeconfig.write_text(before)
    for each in made:
        admin.delete(*each)
    admin.close()


@pytest.mark.parametrize("role", ROLES)
def test_reading(role: str, lab: RunningLab, line: CommandLine, tmp_path: Path) -> None:
    for words in (
        ("nb", "status"),
        ("sb", "dbstatus"),
        ("nbctl", "ls-list"),
        ("vsctl", "kube-ovn-worker", "list-br"),
        ("nb", "backup", str(tmp_path / "nb.db")),
        ("log", "ovn", "-o", str(tmp_path / "logs.tar.gz")),
        ("diagnose", "all", "--no-probes"),
        ("env-check",),
        ("tuning", "check"),
    ):
        done = line(lab, *words, context=role)
        assert done.status == 0, (words, done)


def test_a_capture(lab: RunningLab, line: CommandLine) -> None:
    words = ("tcpdump", "default/client", "tcp", "port", "9", "--seconds", "1")
    for role in ("capture", "operator"):
        assert line(lab, *words, context=role).status == 0


def test_changes_need_the_operator(lab: RunningLab, line: CommandLine) -> None:
    reload = ("reload", "--allow-write", "--yes", "kube-ovn")
    before = len(lab.audit)
    refused = line(lab, *reload, context="read-only")
    assert refused.status == 3 and refused.out.startswith("failed       ovn-central"), refused
    assert refused.out.count("not reached") == 5
    denied = [r for r in lab.audit[before:] if r.code == 403]
    assert [r.verb for r in denied] == ["delete"]
    done = line(lab, *reload, context="operator")
    assert done.status == 0 and done.out.count("done ") == 6, done

"""A northbound database that is really broken, restored for real; ko-tui killed in every step; and all of it undone."""

from __future__ import annotations

import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import nullcontext
from pathlib import Path

import pytest

from ko_tui.backend.command.rbac import objects
from ko_tui.backend.health.collect import collect
from ko_tui.backend.operations.backup import backup
from ko_tui.backend.operations.created import find_leftovers
from ko_tui.backend.operations.journal import STEPS, RestoreJournal, load
from ko_tui.backend.session import Session, SessionOptions, open_session
from ko_tui.backend.source.live import open_live
from ko_tui.cli import main
from tests.lab.api import execution
from tests.lab.api.store import Entry
from tests.lab.places import end, until
from tests.lab.running import RunningLab
from tests.lab.topology import NAMESPACE, NODES
from tests.lab_tests.conftest import need_lab
from tests.unit.test_preflight import RBAC

pytestmark = pytest.mark.lab
NB = "/etc/ovn/ovnnb_db.db"
JUNK = b"inconsistent data\n" * 100
CLIENT, SERVER = "default/client", "10.16.0.12"


@pytest.fixture(scope="module")
def lab() -> Iterator[RunningLab]:
    """A lab of its own, broken and restored by one test after the other."""
    need_lab()
    with RunningLab() as running:
        yield running


@pytest.fixture
def state(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    return tmp_path / "state"


def words(lab: RunningLab, *more: str) -> list[str]:
    base = ["nb", "restore", "--kubeconfig", str(lab.kubeconfig), "--context", "admin", "--allow-write"]
    return [*base, "--yes", "admin", *more]


def journal(state: Path) -> RestoreJournal:
    (path,) = (state / "ko-tui" / "restore").glob("*.json")
    found = load(path)
    assert found is not None
    return found


def opened(lab: RunningLab) -> Session:
    return open_session(SessionOptions(kubeconfig=str(lab.kubeconfig), context="admin"))


def saved(lab: RunningLab, path: Path) -> Path:
    session = opened(lab)
    try:
        return backup(session, "nb", path).path
    finally:
        session.close()


def switches(lab: RunningLab) -> list[str]:
    return sorted(lab.cluster.nbctl("--bare", "--columns=name", "list", "Logical_Switch").split())


def break_member(lab: RunningLab, index: int) -> None:
    end([pid for pid in (lab.cluster.member_pid(index, "nb"),) if pid])
    lab.cluster.central_place(index).path(NB).write_bytes(JUNK)


def works(lab: RunningLab, port: str) -> None:
    """Three members, one leads; what is written reaches every node, and packets go."""
    until(
        lambda: (
            sorted(lab.cluster.role(i, "nb") for i in range(3)) == ["follower", "follower", "leader"]
            and sorted(lab.cluster.role(i, "sb") for i in range(3)) == ["follower", "follower", "leader"]
        ),
        "both databases to be whole",
    )
    lab.cluster.nbctl("--wait=hv", "lsp-add", "ovn-default", port, seconds=40)
    assert port in lab.cluster.sbctl("--bare", "--columns=logical_port", "list", "Port_Binding").split()
    assert sorted(lab.cluster.northd(i) for i in range(3)) == ["active", "standby", "standby"]
    until(lambda: lab.cluster.ping(CLIENT, SERVER), "a ping between pods", 20)


def pods(lab: RunningLab, app: str) -> list[Entry]:
    found = lab.server.store.all(lab.server.controllers.pods, NAMESPACE)[0]
    return [p for p in found if p.labels.get("app") == app]


def own_pods(lab: RunningLab) -> list[Entry]:
    return pods(lab, "ko-tui-restore")


def kill_in(lab: RunningLab, step: str, *more: str) -> str:
    """Run the command as a process and SIGKILL it as soon as it says that it is at ``step``."""
    argv = [sys.executable, "-m", "ko_tui", *words(lab, *more)]
    said = ""
    with subprocess.Popen(argv, stderr=subprocess.PIPE, stdout=subprocess.DEVNULL, text=True) as process:
        assert process.stderr is not None
        for line in process.stderr:
            said += line
            if line.rstrip().endswith(f" {step} ...") or line.rstrip() == f"{step} ...":
                process.send_signal(signal.SIGKILL)
                break
    assert process.returncode == -signal.SIGKILL, said
    return said


def test_a_broken_database_is_restored_from_a_backup(
    lab: RunningLab, state: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = saved(lab, tmp_path / "nb.backup")
    before = switches(lab)
    for index in range(3):
        break_member(lab, index)
    assert not any(lab.cluster.role(index, "nb") for index in range(3))
    # Without a file there is nothing to restore from, and that is said before anything is touched.
    assert main(words(lab)) == 2
    assert "No member's file can be used" in capsys.readouterr().err
    assert lab.get("Deployment", "ovn-central", NAMESPACE)["spec"]["replicas"] == 3

    # With the rights that ko-tui rbac --operator prints, and no others.
    admin = open_live(str(lab.kubeconfig), "admin")
    for item in objects("operator"):
        admin.create(RBAC[item["kind"]], item["metadata"].get("namespace", ""), item)
    admin.close()
    operator = ("--as", "ops", "--as-group", "ko-tui:operator")
    assert main(words(lab, *operator, str(file))) == 0, capsys.readouterr().err
    said = capsys.readouterr()
    assert switches(lab) == before
    works(lab, "after-the-restore")
    done = journal(state)
    assert done.ended == "restored" and done.done == list(STEPS)
    for index, node in enumerate(NODES):
        # What was broken is kept twice: here, and beside it on the node. Both are named.
        assert (done.kept / f"{node.name}-ovnnb_db.db").read_bytes() == JUNK
        place = lab.cluster.central_place(index)
        assert place.path(f"{NB}.ko-{done.stamp}").read_bytes() == JUNK
        assert not list(place.path("/etc/ovn").glob("ko-restore-*"))
    assert str(done.kept) in said.out and f"*.ko-{done.stamp}" in said.out
    until(lambda: not own_pods(lab), "ko-tui's pods to go")
    assert main(words(lab, "--status")) == 0
    assert main(words(lab, "--resume")) == 2


def test_it_goes_on_after_sigkill_in_every_step(
    lab: RunningLab, state: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """From the one member that is left; on an API server that cannot say that input has ended."""
    monkeypatch.setattr(execution, "PROTOCOLS", ("v4.channel.k8s.io",))
    lab.cluster.nbctl("ls-add", "only-the-members-know")
    # As older releases have it: ovs pods are only replaced when somebody deletes them.
    lab.patch(
        "DaemonSet",
        "ovs-ovn",
        NAMESPACE,
        lambda item: item["spec"].update(updateStrategy={"type": "OnDelete"}),
    )
    old = {p.name for p in pods(lab, "ovs")}
    before = switches(lab)
    end([lab.cluster.member_pid(2, "nb")])  # it stays whole, but nobody asks it
    for index in (0, 1):
        break_member(lab, index)
    for number, step in enumerate(STEPS):
        # While ovn-central is waited for, the API server is away for a moment.
        away = lab.faults.active("http_status", code=503, path="deployments/ovn-central", verb="get", times=2)
        with away if step == "verify" else nullcontext() as fault:
            kill_in(lab, step, *(["--resume"] if number else []))
        assert fault is None or fault.hits == 2
        now = journal(state)
        assert not now.ended and now.begun(step)
        assert set(now.done) >= set(STEPS[:number])
        assert main(words(lab, "--status")) == 1
        assert "--resume" in capsys.readouterr().out
        if step == "prepare":
            session = opened(lab)
            first, second = collect(session, deep=False).findings[:2]
            assert (first.key, second.key) == ("restore.stopped", "central.stopped")
            assert "'prepare'" in first.title and "--resume" in first.next_step
            with monkeypatch.context() as elsewhere:
                elsewhere.setenv("XDG_STATE_HOME", str(state / "of-another-machine"))
                assert "restore.under_way" in [f.key for f in collect(session, deep=False).findings]
            assert main(["explain", "--match", "ip4", "--check"]) == 0
            assert "stopped at 'prepare'" in capsys.readouterr().err, "every command tells of it"
            left = [found for found in find_leftovers(session) if found.operation == "restore"]
            session.close()
            assert len(left) == 1 and len(left[0].things) == 3, (
                "what a killed one leaves is found like all else"
            )
        if number == 3:
            assert main(words(lab)) == 2, "a second one is not begun over it"
            assert "under way" in capsys.readouterr().err
    assert main(words(lab, "--resume")) == 0, capsys.readouterr().err
    assert journal(state).source == NODES[2].name
    assert switches(lab) == before
    works(lab, "after-the-kills")
    assert len(pods(lab, "ovs")) == 3 and not old & {p.name for p in pods(lab, "ovs")}
    until(lambda: not own_pods(lab), "ko-tui's pods to go")


@pytest.mark.parametrize("step", ["stop", "verify"])
def test_it_is_undone_after_sigkill(lab: RunningLab, state: Path, tmp_path: Path, step: str) -> None:
    file = saved(lab, tmp_path / "nb.backup")
    lab.cluster.nbctl("ls-add", f"after-the-backup-{step}")
    before = switches(lab)
    kill_in(lab, step, str(file))
    if step == "verify":
        kill_in(lab, "put back", "--abort")  # the undoing itself, too
    assert main(words(lab, "--abort")) == 0
    assert journal(state).ended == "put back"
    until(lambda: "leader" in [lab.cluster.role(i, "nb") for i in range(3)], "a leader")
    assert switches(lab) == before
    until(lambda: not own_pods(lab), "ko-tui's pods to go")
    if step == "verify":
        works(lab, "after-undoing")


def test_what_cannot_be_done_is_refused_before_anything_is_touched(
    lab: RunningLab, state: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = saved(lab, tmp_path / "nb.backup")
    junk = tmp_path / "junk"
    junk.write_bytes(JUNK)
    assert main(words(lab, str(junk))) == 2
    assert "no northbound database" in capsys.readouterr().err
    cut = tmp_path / "cut"
    cut.write_bytes(file.read_bytes()[:-10])
    assert main(words(lab, str(cut))) == 2
    other = [w if w != "admin" else "another" for w in words(lab, str(file))]
    other[other.index("--context") + 1] = "admin"
    assert main(other) == 2
    assert "Nothing was changed" in capsys.readouterr().err
    reader = [w if w != "admin" else "reader" for w in words(lab, str(file))]
    assert main(reader) == 2
    assert "may not: patch deployments/scale" in capsys.readouterr().err
    assert not (state / "ko-tui" / "restore").exists() or not list(
        (state / "ko-tui" / "restore").glob("*.json")
    )
    until(lambda: not own_pods(lab), "ko-tui's pods to go")
    assert lab.get("Deployment", "ovn-central", NAMESPACE)["spec"]["replicas"] == 3

"""A northbound database that is really broken, restored for real."""

from __future__ import annotations

from pathlib import Path

import pytest

from ko_tui.backend.operations.backup import backup
from ko_tui.backend.session import SessionOptions, open_session
from ko_tui.cli import main
from tests.lab.places import end, until
from tests.lab.running import RunningLab

pytestmark = pytest.mark.lab


@pytest.fixture(autouse=True)
def _state(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))


def words(lab: RunningLab, *more: str) -> list[str]:
    base = ["nb", "restore", "--kubeconfig", str(lab.kubeconfig), "--context", "admin", "--allow-write"]
    return [*base, "--yes", "admin", *more]


def test_a_broken_northbound_database_is_restored(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with RunningLab() as lab:
        session = open_session(SessionOptions(kubeconfig=str(lab.kubeconfig), context="admin"))
        kept = backup(session, "nb", tmp_path / "nb.backup")
        session.close()
        switches = lab.cluster.nbctl("--bare", "--columns=name", "list", "Logical_Switch")
        for index in range(3):
            place = lab.cluster.central_place(index)
            end([lab.cluster.member_pid(index, "nb")])
            place.path("/etc/ovn/ovnnb_db.db").write_bytes(b"inconsistent data\n" * 100)
        assert not any(lab.cluster.role(index, "nb") for index in range(3))
        status = main(words(lab, str(kept.path)))
        said = capsys.readouterr()
        print(said.out, said.err)
        assert status == 0, said.err
        until(lambda: [lab.cluster.role(i, "nb") for i in range(3)].count("leader") == 1, "one leader")
        found = lab.cluster.nbctl("--bare", "--columns=name", "list", "Logical_Switch")
        assert sorted(found.split()) == sorted(switches.split())

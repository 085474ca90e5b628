"""Saving a snapshot runs its commands through the same door as all others: guarded, and written down."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from ko_tui.backend.command import runner
from ko_tui.backend.command.guard import guard_for
from ko_tui.backend.command.run import CommandRun
from ko_tui.backend.errors import PolicyRefusal
from ko_tui.backend.operations.backup import backup
from ko_tui.backend.saving.save import save_snapshot
from ko_tui.backend.session import Session, SessionOptions
from ko_tui.backend.source.interface import ExecOutputLimit
from tests.lab.running import RunningLab
from tests.lab_tests.command_line import CommandLine
from tests.lab_tests.test_ops_tool_places import audited
from tests.unit.source_lab import opened

pytestmark = pytest.mark.lab


def execs(lab: RunningLab) -> int:
    return sum(record.path.endswith("/exec") for record in lab.audit)


def test_every_exec_is_in_the_audit_log(running_lab: RunningLab, line: CommandLine, tmp_path: Path) -> None:
    before = execs(running_lab)
    assert line(running_lab, "snapshot", "save", str(tmp_path / "lab.kosnap")).status == 0
    written = audited(line)
    assert len(written) == execs(running_lab) - before > 20
    assert {entry["decision"] for entry in written} == {"allowed"}
    ran = [" ".join(entry["argv"]) for entry in written]
    for words in ("ovsdb-client -t 120 backup", "ovn-nbctl --timeout=", "ovs-vsctl --version", "dump-flows"):
        assert any(words in argv for argv in ran), words


def test_the_guard_is_asked(running_lab: RunningLab, tmp_path: Path) -> None:
    """What it refuses is not run, and the snapshot says that it lacks it."""
    written: list[tuple[CommandRun, bool]] = []
    allowed = guard_for("read-only")

    def guard(argv: object) -> None:
        words = list(argv)  # type: ignore[call-overload]
        if "backup" in words:
            raise PolicyRefusal("no backups today")
        allowed(words)

    with opened(running_lab) as source:
        session = Session(
            source, SessionOptions(), guard=guard, audit=lambda run, fine, _why: written.append((run, fine))
        )
        manifest = save_snapshot(session, tmp_path / "lab.kosnap")
        session.close()
    assert {f.what for f in manifest.failed} == {"db/nb.db", "db/sb.db"}
    assert all("no backups today" in f.reason for f in manifest.failed)
    refused = [run for run, fine in written if not fine]
    assert len(refused) == 2 and all("backup" in run.argv for run in refused)


def test_what_goes_to_the_disk_may_be_large(
    running_lab: RunningLab, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The bound on a command's output is for what is kept in memory."""
    monkeypatch.setattr(runner, "MAX_OUTPUT", 10_000)
    with opened(running_lab) as source:
        session = Session(source, SessionOptions(namespace="kube-system"))
        assert backup(session, "sb", tmp_path / "sb.db").size > 100_000
        with pytest.raises(ExecOutputLimit):
            session.rows("sb", "Logical_Flow")
        session.close()
    assert json.loads((tmp_path / "sb.db").read_bytes().splitlines()[1])["name"] == "OVN_Southbound"

"""The audit log: one line a command, for its owner alone, rotated by size."""

from __future__ import annotations

import json
import stat
import threading
from datetime import UTC, datetime
from pathlib import Path

import pytest

from ko_tui.backend.command.audit import AuditLog, audit_path
from ko_tui.backend.command.run import CommandRun
from ko_tui.backend.source.interface import PodRef, SourceInfo

INFO = SourceInfo("live", "prod", "cluster", "https://127.0.0.1:6443", "alice")
POD = PodRef("kube-system", "ovn-central-0", "ovn-central")
RUN = CommandRun(("ovn-nbctl", "show"), POD, exit_code=0, duration_ms=12.34)


def log(path: Path, **options: int) -> AuditLog:
    return AuditLog(INFO, path, clock=lambda: datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC), **options)


def test_a_line_says_who_what_where_and_how_it_ended(tmp_path: Path) -> None:
    path = tmp_path / "state" / "audit.jsonl"
    audit = log(path)
    audit.note(RUN, True, "")
    audit.note(CommandRun(("ovn-nbctl", "init"), POD), False, "it writes")
    audit.note(CommandRun(("x", "\x1b[31m"), POD, error="Cancelled: y"), True, "")
    first, second, third = (json.loads(line) for line in path.read_text().splitlines())
    assert first == {
        "time": "2026-01-02T03:04:05.000+00:00",
        "context": "prod",
        "server": "https://127.0.0.1:6443",
        "user": "alice",
        "namespace": "kube-system",
        "pod": "ovn-central-0",
        "container": "ovn-central",
        "argv": ["ovn-nbctl", "show"],
        "exit_code": 0,
        "duration_ms": 12.3,
        "decision": "allowed",
    }
    assert (second["decision"], second["reason"], second["exit_code"]) == ("refused", "it writes", None)
    assert third["error"] == "Cancelled: y"
    assert "\x1b" not in path.read_text()


def test_only_its_owner_may_read_it(tmp_path: Path) -> None:
    path = tmp_path / "state" / "audit.jsonl"
    path.parent.mkdir()
    path.touch(mode=0o644)
    log(path).note(RUN, True, "")
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_it_rotates_and_keeps_a_few(tmp_path: Path) -> None:
    path = tmp_path / "audit.jsonl"
    audit = log(path, max_bytes=1000, kept=2)
    for number in range(20):
        audit.note(CommandRun((str(number),), POD), True, "")
    files = sorted(p.name for p in tmp_path.iterdir())
    assert files == ["audit.jsonl", "audit.jsonl.1", "audit.jsonl.2"]
    assert all(p.stat().st_size <= 1000 for p in tmp_path.iterdir())
    newest = json.loads(path.read_text().splitlines()[-1])
    assert newest["argv"] == ["19"]


def test_lines_of_many_threads_stay_whole(tmp_path: Path) -> None:
    path = tmp_path / "audit.jsonl"
    audits = [log(path) for _ in range(4)]
    threads = [
        threading.Thread(target=lambda a=a: [a.note(RUN, True, "") for _ in range(50)]) for a in audits
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len([json.loads(line) for line in path.read_text().splitlines()]) == 200


def test_a_log_that_cannot_be_written_does_not_stop_the_work(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    audit = log(tmp_path / "file" / "audit.jsonl")
    audit.note(RUN, True, "")
    assert "cannot be written" in audit.problem


def test_a_planted_link_is_not_followed(tmp_path: Path) -> None:
    (tmp_path / "audit.jsonl").symlink_to(tmp_path / "elsewhere")
    audit = log(tmp_path / "audit.jsonl")
    audit.note(RUN, True, "")
    assert audit.problem and not (tmp_path / "elsewhere").exists()


def test_it_lies_in_the_state_directory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
    assert audit_path() == tmp_path / "ko-tui" / "audit.jsonl"

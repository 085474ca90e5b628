"""``nb backup`` and ``sb backup``: files that a real ovsdb-server serves, or no file at all."""

from __future__ import annotations

import json
import os
import re
import resource
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from ko_tui.cli import main
from tests.lab.places import end, run, until
from tests.lab.running import RunningLab
from tests.lab_tests.command_line import CommandLine

pytestmark = pytest.mark.lab
SCHEMA = {"nb": "OVN_Northbound", "sb": "OVN_Southbound"}


@contextmanager
def served(file: Path) -> Iterator[str]:
    """A real ovsdb-server on a file; gives the remote that clients use."""
    directory = file.parent
    remote, pid = f"unix:{directory}/db.sock", directory / "server.pid"
    words = (f"--remote=p{remote}", f"--pidfile={pid}", f"--unixctl={directory}/server.ctl")
    run("ovsdb-server", "--detach", "--no-chdir", f"--log-file={directory}/server.log", *words, str(file))
    try:
        yield remote
    finally:
        end([int(pid.read_text())])


def rows(remote: str, schema: str, *prefix: str) -> dict[str, int]:
    """How many rows each table holds, by a transaction of one moment."""
    known = json.loads(run(*prefix, "ovsdb-client", "get-schema", remote, schema).stdout)
    tables = sorted(known["tables"])
    asked = [
        schema,
        *({"op": "select", "table": t, "where": [], "columns": ["_uuid"]} for t in tables),
    ]
    said = json.loads(run(*prefix, "ovsdb-client", "transact", remote, json.dumps(asked)).stdout)
    return {t: len(result["rows"]) for t, result in zip(tables, said, strict=True) if result["rows"]}


@pytest.mark.parametrize("database", ["nb", "sb"])
def test_a_server_opens_it(database: str, running_lab: RunningLab, line: CommandLine, tmp_path: Path) -> None:
    file = tmp_path / "saved.db"
    done = line(running_lab, database, "backup", str(file))
    assert done.status == 0, done.err
    with served(file) as remote:
        found = rows(remote, SCHEMA[database])
    place = running_lab.cluster.central_place(running_lab.cluster.leader(database))  # type: ignore[arg-type]
    socket = f"unix:/var/run/ovn/ovn{database}_db.sock"
    assert found == rows(socket, SCHEMA[database], *place.prefix()) and len(found) > 10
    assert f"{sum(found.values())} rows in {len(found)} tables, verified" in done.out
    assert f"sha256 {run('sha256sum', str(file)).stdout.split()[0]}" in done.out


def test_a_file_that_is_there_stays(running_lab: RunningLab, line: CommandLine, tmp_path: Path) -> None:
    file = tmp_path / "saved.db"
    file.write_text("mine\n")
    refused = line(running_lab, "nb", "backup", str(file))
    assert refused.status == 2 and "exists already" in refused.err and file.read_text() == "mine\n"
    assert line(running_lab, "nb", "backup", "--force", str(file)).status == 0
    assert file.read_bytes().startswith(b"OVSDB JSON ")


def test_a_name_is_found_for_it(
    running_lab: RunningLab, line: CommandLine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    where = tmp_path / "here"
    where.mkdir()
    monkeypatch.chdir(where)
    assert line(running_lab, "sb", "backup").status == 0
    (file,) = where.iterdir()
    assert re.fullmatch(r"ovnsb_db\.\d{8}-\d{6}\.backup", file.name)


def test_a_directory_is_where_it_goes(running_lab: RunningLab, line: CommandLine, tmp_path: Path) -> None:
    where = tmp_path / "here"
    where.mkdir()
    assert line(running_lab, "nb", "backup", str(where)).status == 0
    for words in ("nb backup", "log all -o"):  # a slash at the end means a directory
        absent = line(running_lab, *words.split(), f"{tmp_path}/absent/")
        assert absent.status == 2 and not (tmp_path / "absent").exists(), absent
    (file,) = where.iterdir()
    assert file.name.startswith("ovnnb_db.") and file.name.endswith(".backup")


def test_words_that_mean_nothing(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["nb", "status", "extra"]) == 2
    assert "takes no argument" in capsys.readouterr().err


def test_a_cut_leaves_nothing(running_lab: RunningLab, line: CommandLine, tmp_path: Path) -> None:
    where = tmp_path / "here"
    where.mkdir()
    file = where / "saved.db"
    with running_lab.faults.active("cut_stream", command="ovsdb-client", after=20_000):
        done = line(running_lab, "nb", "backup", str(file))
    assert done.status == 3 and done.err.startswith("ko-tui: ") and list(where.iterdir()) == []
    file.write_text("mine\n")
    with running_lab.faults.active("cut_stream", command="ovsdb-client", after=20_000):
        assert line(running_lab, "nb", "backup", "--force", str(file)).status == 3
    assert [f.name for f in where.iterdir()] == ["saved.db"] and file.read_text() == "mine\n"


def test_no_room(running_lab: RunningLab, line: CommandLine, tmp_path: Path) -> None:
    where = tmp_path / "here"
    where.mkdir()

    def little_room() -> None:
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (30_000, 30_000))

    process = line.start(running_lab, "nb", "backup", str(where / "saved.db"), before=little_room)
    _, said = process.communicate(timeout=60)
    assert process.returncode == 2 and "cannot be written: File too large" in said, said
    assert "Traceback" not in said and list(where.iterdir()) == []


def test_a_full_disk(running_lab: RunningLab, line: CommandLine, tmp_path: Path) -> None:
    where = tmp_path / "disk"
    where.mkdir()
    run("mount", "-t", "tmpfs", "-o", "size=32k", "tmpfs", str(where))
    try:
        done = line(running_lab, "nb", "backup", str(where / "saved.db"))
        assert done.status == 2 and "No space left on device" in done.err and "Free some room" in done.err
        assert list(where.iterdir()) == []
    finally:
        run("umount", str(where))


def test_no_such_directory(running_lab: RunningLab, line: CommandLine, tmp_path: Path) -> None:
    done = line(running_lab, "nb", "backup", str(tmp_path / "none" / "saved.db"))
    assert done.status == 2 and "No such file or directory" in done.err


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_told_to_stop(
    number: signal.Signals, running_lab: RunningLab, line: CommandLine, tmp_path: Path
) -> None:
    where = tmp_path / "here"
    where.mkdir()
    with running_lab.faults.active("silent_peer", command="ovsdb-client", after=20_000):
        process = line.start(running_lab, "nb", "backup", str(where / "saved.db"))
        until(lambda: any(f.stat().st_size > 0 for f in where.iterdir()), "the backup to begin")
        os.kill(process.pid, number)
        _, said = process.communicate(timeout=30)
    assert process.returncode != 0 and "Traceback" not in said, said
    assert list(where.iterdir()) == []

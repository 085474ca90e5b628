"""``ko-tui trace`` on saved databases, as a person runs it."""

from __future__ import annotations

import io
import json
from pathlib import Path
from typing import Any

import pytest

from ko_tui.cli import main
from tests.unit.test_simulate_recorded import asked, member

VERSION = "25.03.3"


@pytest.fixture(scope="module")
def backup(tmp_path_factory: pytest.TempPathFactory) -> Path:
    file = tmp_path_factory.mktemp("db") / "ovnsb.db"
    file.write_bytes(member(VERSION, "ovnsb.db"))
    return file


def recorded(name: str) -> dict[str, Any]:
    runs = map(json.loads, member(VERSION, "traces.jsonl").splitlines())
    return next(run for run in runs if run["id"] == name)


def arguments(backup: Path, run: dict[str, Any]) -> list[str]:
    datapath, microflow, options = asked(run["argv"])
    words = ["trace", "--snapshot", str(backup), "--microflow", microflow]
    words += ["--datapath", datapath] if datapath else []
    return words + [word for state in options.ct for word in ("--ct", state)]


def test_the_exact_text_and_a_delivered_packet_gives_0(
    backup: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    run = recorded("trace-pod-pod-same-node-icmp")
    assert main([*arguments(backup, run), "--format", "ovn-trace"]) == 0
    assert capsys.readouterr().out == run["stdout"]


def test_a_drop_gives_1_and_says_why(backup: Path, capsys: pytest.CaptureFixture[str]) -> None:
    run = recorded("trace-acl-np-ingress-drop")
    assert main([*arguments(backup, run), "--why-not"]) == 1
    out = capsys.readouterr().out
    assert "it asks for tcp.dst == 8080, and the packet has 9090" in out
    assert "NO  tcp.dst == 8080" in out


def test_json_holds_the_near_misses(backup: Path, capsys: pytest.CaptureFixture[str]) -> None:
    run = recorded("trace-acl-np-ingress-drop")
    assert main([*arguments(backup, run), "--why-not", "--json"]) == 1
    drops = json.loads(capsys.readouterr().out)["why_not"]["drops"]
    assert any(c["value"] is False for near in drops[0]["nearest"] for c in near["clauses"])


def test_a_wrong_microflow_is_a_usage_error(backup: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["trace", "--snapshot", str(backup), "--microflow", "nonsense", "--format", "explained"]) == 2
    assert "Syntax error at `nonsense' expecting field name." in capsys.readouterr().err


def test_a_wrong_file_is_told(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "x.db"
    file.write_bytes(b"OVSDB JSON 10 0000000000000000000000000000000000000000\n12345")
    assert main(["trace", "--snapshot", str(file), "--microflow", "ip4"]) == 2
    assert "cut short" in capsys.readouterr().err


def test_a_batch_goes_on_after_errors(
    backup: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    good, dropped = recorded("trace-pod-pod-same-node-icmp"), recorded("trace-acl-np-ingress-drop")
    requests: list[Any] = []
    for run in (good, dropped):
        datapath, microflow, options = asked(run["argv"])
        requests.append({"datapath": datapath, "microflow": microflow, "ct": list(options.ct)})
    requests += [
        {"datapath": "nowhere", "microflow": "ip4"},
        {"microflow": 5},
        {**requests[0], "ct": ["bad"]},
        {**requests[0], "select_id": "x"},
        [],
    ]
    lines = [json.dumps(r) for r in requests] + ["{", "", json.dumps(requests[0])]
    monkeypatch.setattr("sys.stdin", io.StringIO("\n".join(lines) + "\n"))
    assert main(["trace", "--snapshot", str(backup), "--batch", "-"]) == 1
    answers = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [a.get("verdict", "error") for a in answers] == [
        "delivered",
        "dropped",
        *["error"] * 6,
        "delivered",
    ]
    assert answers[0]["text"] == good["stdout"] == answers[-1]["text"]
    assert answers[0]["ms"] > 0
    assert answers[2]["error"] == 'unknown datapath "nowhere"'


def test_a_snapshot_is_shown(backup: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["snapshot", "show", str(backup)]) == 0
    assert "Logical_Flow" in capsys.readouterr().out

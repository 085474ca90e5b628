"""The command line around its words: help, mistakes, no terminal, and a reader that has enough."""

from __future__ import annotations

import shlex
import subprocess
import sys
from pathlib import Path

import pytest

from ko_tui.cli import MOST_CRASHES, main, unexpected
from ko_tui.cli.words import WORDS

KO_TUI = (sys.executable, "-m", "ko_tui")


def ended(*words: str) -> int:
    """The exit status, whichever way it ends."""
    try:
        return main(list(words))
    except SystemExit as end:
        return int(end.code or 0)


@pytest.mark.parametrize("word", WORDS)
def test_help_of_each_word_begins_with_what_is_its_own(word: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert ended("help", word) == 0
    usage, _, rest = capsys.readouterr().out.partition("\n\n")
    assert usage.startswith(f"usage: ko-tui {word}") and "--kubeconfig" not in usage
    assert "--kubeconfig" in rest and "--allow-write" in rest


def test_help_without_a_word_lists_them(capsys: pytest.CaptureFixture[str]) -> None:
    assert ended("help") == 0
    said = capsys.readouterr().out
    assert all(word in said for word in WORDS)
    assert ended("help", "nosuch") == 2


@pytest.mark.parametrize(
    ("words", "told"),
    [
        ("nb", "action is one of status, kick, backup, dbstatus, restore"),
        ("tuning", "missing: action\n"),
        ("log", "what is one of kube-ovn, ovn, ovs, linux, all"),
        ("tcpdump", "endpoint: NS/POD"),
        ("nb nosuch", "'nosuch'"),
        ("env-check x", "unrecognized arguments: x"),
    ],
)
def test_a_mistake_is_told_in_few_lines(words: str, told: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert ended(*words.split()) == 2
    said = capsys.readouterr().err
    assert told in said and said.count("\n") <= 3 and f"See ko-tui {words.split()[0]} --help." in said


def test_the_screen_does_not_paint_into_a_pipe() -> None:
    done = subprocess.run(
        [*KO_TUI, "--demo"], stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=30
    )
    assert (
        done.returncode == 2 and "needs a terminal" in done.stderr and "\x1b" not in done.stdout + done.stderr
    )


@pytest.mark.parametrize("words", ["trace default/client default/server icmp", "status", "config"])
def test_a_reader_that_has_enough(words: str) -> None:
    """Not 1, which would say that the packet is dropped, and not a word about it."""
    with subprocess.Popen(
        [*KO_TUI, "--demo", *words.split()], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None and process.stderr is not None
        process.stdout.close()
        assert process.stderr.read() == ""
        assert process.wait(30) == 141


@pytest.mark.parametrize("words", ["tcpdump default/client", "env-check", "log all", "tuning check"])
def test_what_strict_leaves_nothing_of_is_refused_before_any_cluster(
    words: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert ended("--kubeconfig", "/nowhere", "--read-only-strict", *words.split()) == 2
    said = capsys.readouterr().err
    assert "read-only" in said and "Start it without --read-only-strict." in said


@pytest.mark.parametrize(
    "words",
    [
        "tcpdump default/client",
        "env-check",
        "log all",
        "tuning check",
        "nb backup",
        "--allow-write reload",
        "--allow-write nb kick abcd",
    ],
)
def test_what_a_saved_cluster_cannot_answer(words: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert ended("--demo", *words.split()) == 2
    assert "asks a running cluster, and this one is saved" in capsys.readouterr().err


@pytest.mark.parametrize("closed", ["<&-", ">&-", "2>&-", "<&- >&- 2>&-"])
def test_a_closed_stream_is_no_defect(closed: str) -> None:
    line = shlex.join([*KO_TUI, "--demo", "nb", "status"])
    done = subprocess.run(["sh", "-c", f"{line} {closed}"], capture_output=True, text=True, timeout=30)
    assert (done.returncode, done.stderr) == (0, "")
    assert (">&-" in closed.split()) != ("OVN_Northbound" in done.stdout)


def test_what_is_kept_of_defects_stays_small(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
    for number in range(3):
        assert unexpected(ValueError(f"{number}" * MOST_CRASHES)) == 70
    kept = sorted(path.name for path in tmp_path.rglob("crash.log*"))
    assert kept == ["crash.log", "crash.log.1"]
    assert "2" * 100 in next(tmp_path.rglob("crash.log")).read_text()
    assert "1" * 100 in next(tmp_path.rglob("crash.log.1")).read_text()

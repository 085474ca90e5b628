"""A word of the command line imports what it needs, and no more: it is to answer at once."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from ko_tui import cli

PROGRAM = """
import json, sys
from ko_tui.cli import main
try:
    status = main(sys.argv[1:])
except SystemExit as end:
    status = end.code
print(json.dumps([status, sorted(sys.modules)]), file=sys.stderr)
"""
SCREEN = {"textual", "ko_tui.app"}
CLUSTER = {
    "kubernetes",
    "yaml",
    "urllib3",
    "msgspec",
    "ko_tui.backend.session",
    "ko_tui.backend.source.objects",
}
PRINTING = {"rich", "pygments"}
LANGUAGE = {"ko_tui.backend.ovn.actions", "ko_tui.backend.ovn.expression"}


def imported(directory: Path, *words: str) -> tuple[int, set[str]]:
    env = {k: v for k, v in os.environ.items() if not k.startswith(("KUBE", "XDG_", "KO_TUI"))}
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM, *words],
        capture_output=True,
        text=True,
        timeout=60,
        env={**env, "HOME": str(directory), "KUBECONFIG": str(directory / "none")},
    )
    status, modules = json.loads(done.stderr.splitlines()[-1])
    return status, set(modules)


@pytest.mark.parametrize(
    ("words", "status", "needless"),
    [
        (["--help"], 0, SCREEN | CLUSTER | PRINTING | LANGUAGE),
        (["--version"], 0, SCREEN | CLUSTER | PRINTING | LANGUAGE),
        (["nosuchword"], 2, SCREEN | CLUSTER | PRINTING | LANGUAGE),
        (["trace", "--help"], 0, SCREEN | CLUSTER | PRINTING | LANGUAGE),
        (["explain", "--help"], 0, SCREEN | CLUSTER | PRINTING | LANGUAGE),
        (["config", "--defaults"], 0, SCREEN | CLUSTER | PRINTING | LANGUAGE),
        (["nbctl", "destroy", "x"], 2, SCREEN | CLUSTER | PRINTING | LANGUAGE),
        (["vsctl", "node", "del-br", "br-int"], 2, SCREEN | CLUSTER | PRINTING | LANGUAGE),
        (["nbctl", "show"], 2, SCREEN | PRINTING | LANGUAGE | {"kubernetes"}),
        (["trace", "default/a", "10.0.0.1"], 2, SCREEN | PRINTING | LANGUAGE | {"kubernetes"}),
        (
            ["explain", "--match", "ip4", "--check"],
            0,
            SCREEN | PRINTING | {"kubernetes", "ko_tui.backend.session"},
        ),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)
def test_nothing_needless_is_imported(
    words: list[str], status: int, needless: set[str], tmp_path: Path
) -> None:
    ended, modules = imported(tmp_path, *words)
    assert ended == status
    assert not needless & modules


def test_no_arguments_mean_what_the_parser_makes_of_them() -> None:
    assert vars(cli.UNASKED) == vars(cli._screen_options([]))

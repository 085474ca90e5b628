"""``list``, ``find``, ``get`` and ``show`` on a saved database say what the real tools say of the live one."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from ko_tui.backend.command.tools import prepare, run_tool
from ko_tui.backend.errors import KoError
from ko_tui.backend.operations.backup import backup
from ko_tui.backend.session import Session, SessionOptions, open_session
from tests.lab.running import RunningLab

pytestmark = pytest.mark.lab

CALLS = [
    "nbctl list Logical_Switch",
    "nbctl list Logical_Switch_Port client.default",
    "nbctl list ACL",
    "nbctl list Load_Balancer",
    "nbctl list Port_Group",
    "nbctl --columns=name,external_ids find Address_Set",
    "nbctl find NAT type=snat",
    "nbctl get Logical_Switch_Port client.default addresses name options",
]


@pytest.fixture(scope="module")
def live_and_saved(
    running_lab: RunningLab, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[Session, Session]]:
    live = open_session(SessionOptions(kubeconfig=str(running_lab.kubeconfig), context="admin"))
    file: Path = tmp_path_factory.mktemp("backup") / "nb.db"
    backup(live, "nb", file)
    saved = open_session(SessionOptions(snapshot=str(file)))
    yield live, saved
    saved.close()
    live.close()


@pytest.mark.parametrize("line", CALLS)
def test_a_backup_says_what_the_tool_says(live_and_saved: tuple[Session, Session], line: str) -> None:
    live, saved = (run_tool(s, prepare(line.split())).stdout for s in live_and_saved)
    assert live.strip()
    # The tools' order of rows is that of their memory.
    assert sorted(saved.split("\n")) == sorted(live.split("\n"))


def outline(text: str) -> list[object]:
    """Lines with what is indented below them, in whatever order: the tools print in that of their memory."""
    made: list[tuple[str, list[str]]] = []
    for line in text.splitlines():
        if line.startswith("    ") and made:
            made[-1][1].append(line[4:])
        else:
            made.append((line, []))
    return sorted(([line, outline("\n".join(below))] for line, below in made), key=str)


@pytest.mark.parametrize(
    "line",
    ["nbctl show", "nbctl show ovn-default", "nbctl show ovn-cluster", "nbctl --timeout=9 show vpc2", "sbctl show"],
)  # fmt: skip
def test_show_on_a_backup_is_the_tool_s(
    live_and_saved: tuple[Session, Session], line: str, tmp_path: Path
) -> None:
    live, saved = live_and_saved
    said = run_tool(live, prepare(line.split())).stdout
    if line.startswith("sbctl"):
        backup(live, "sb", tmp_path / "sb.db")
        saved = open_session(SessionOptions(snapshot=str(tmp_path / "sb.db")))
    text = run_tool(saved, prepare(line.split())).stdout
    assert outline(text) == outline(said) and said.strip()
    named = [row for row in text.splitlines() if row.startswith("switch ")]
    assert named == sorted(named, key=lambda row: row.split("(")[1])


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("nbctl list Nonsense", "Nonsense"),
        ("nbctl --columns=nonsense list ACL", "nonsense"),
        ("nbctl get ACL nonsense name", "no row 'nonsense'"),
        ("sbctl list Chassis", "not the southbound database"),
        ("nbctl acl-list ovn-default", "list, find, get and show"),
    ],
)
def test_what_is_not_there_is_told(live_and_saved: tuple[Session, Session], line: str, words: str) -> None:
    with pytest.raises(KoError) as told:
        run_tool(live_and_saved[1], prepare(line.split()))
    assert words in f"{told.value.what} {told.value.next_step}"

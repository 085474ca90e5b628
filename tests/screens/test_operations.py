"""Operations: every command, looking on the real cluster, and changes that are refused, given up and confirmed."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from ko_tui.backend.session import Session, SessionOptions, open_session
from ko_tui.config import Settings
from ko_tui.screens.asking import Answered, Failed, Heard
from ko_tui.screens.dialogs import ErrorDialog, TypedConfirmation
from ko_tui.screens.operation_list import OPERATIONS
from tests.lab.running import RunningLab
from tests.screens.conftest import Driven, Running, open_demo
from tests.screens.driving import drives

STARTS = Settings(start="operations")


def on(lab: RunningLab, mode: Any = "read-only") -> Callable[[], Session]:
    return lambda: open_session(SessionOptions(kubeconfig=str(lab.kubeconfig), context="admin", mode=mode))


async def begin(driven: Driven, name: str) -> None:
    """Start an operation by the name that the list shows."""
    await driven.command(f"operations {name}")


@pytest.mark.parametrize("name", [o.name for o in OPERATIONS if o.propose])
@drives("go.operations")
async def test_what_changes_the_cluster_is_refused_with_the_reason(running: Running, name: str) -> None:
    async with running(open_session=open_demo, settings=STARTS, settle=False) as driven:
        await driven.until(lambda: driven.app.door.opened)
        await begin(driven, name)
        await driven.until(lambda: isinstance(driven.app.screen, ErrorDialog))
        shown = driven.text()
        assert f"{name} changes the cluster, and ko-tui is read-only" in shown
        assert "Start ko-tui with --allow-write" in shown
        await driven.press("escape")
        await driven.sees("OPERATION")
        assert not [m for m in driven.heard(Answered) if m.topic == "operation"]


@drives("operations.filter", "operations.pane", "list.choose", "app.back")
async def test_the_list_is_filtered_and_a_saved_cluster_says_what_it_cannot(running: Running) -> None:
    async with running(open_session=open_demo, settings=STARTS, settle=False) as driven:
        await driven.until(lambda: driven.app.door.opened)
        await driven.press("slash")
        await driven.paste("env")
        await driven.press("enter")
        await driven.until(lambda: [o.name for o in driven.app.screen.table.shown()] == ["env-check"])
        await driven.press("enter")
        await driven.until(lambda: [m for m in driven.messages if isinstance(m, (Answered, Failed))
                                    and m.topic == "operation"])  # fmt: skip
        await driven.settled()
        assert "Traceback" not in driven.text()
        assert "1 of " not in driven.text()  # what an operation came to is not a count of the list
        if len(driven.app.screen_stack) > 1:
            await driven.press("escape")
        await driven.press("tab")
        await driven.press("escape")
        assert driven.app.focused is driven.app.screen.table


@pytest.mark.lab
@drives("operations.well", "app.save", "app.refresh")
async def test_a_diagnosis_of_the_real_cluster(
    running: Running, running_lab: RunningLab, tmp_path: Path
) -> None:
    async with running((120, 40), open_session=on(running_lab), settings=STARTS, settle=False) as driven:
        await driven.until(lambda: driven.app.door.opened)
        await begin(driven, "diagnose subnet")
        await driven.sees("subnet:")
        await driven.paste("ovn-default")
        await driven.press("enter")
        await driven.sees("Diagnosis: ", "diagnose subnet ovn-default", " checks")
        assert driven.heard(Heard) or [m for m in driven.heard(Answered) if m.topic == "operation"]
        await driven.sees("are well (v shows them)")
        await driven.press("v")
        await driven.until(lambda: "are well" not in driven.text())
        assert any(" ok " in text for text in driven.app.screen.results.texts)
        await driven.command(f"save {tmp_path}/report.txt")
        await driven.sees("Saved to")
        assert "Diagnosis: " in (tmp_path / "report.txt").read_text()
        answered = len([m for m in driven.heard(Answered) if m.topic == "operation"])
        await driven.press("r")
        await driven.until(
            lambda: len([m for m in driven.heard(Answered) if m.topic == "operation"]) > answered
        )


@pytest.mark.lab
async def test_what_is_read_has_most_of_a_small_screen(running: Running, running_lab: RunningLab) -> None:
    async with running((80, 24), open_session=on(running_lab), settings=STARTS, settle=False) as driven:
        await driven.until(lambda: driven.app.door.opened)
        screen = driven.app.screen
        await driven.press("G")
        await driven.sees(f" {screen.table.current.summary}")  # whole, in the message line
        await begin(driven, "env-check")
        await driven.sees("Environment of the nodes: ")
        assert screen.table.current.name == "env-check", "the cursor is where one is"
        await driven.until(lambda: screen.results.size.height > 13)
        assert screen.table.current.summary in driven.text()
        await driven.press("escape")
        await driven.until(lambda: screen.table.size.height > 8)


@pytest.mark.lab
async def test_a_backup_of_the_real_database(
    running: Running, running_lab: RunningLab, tmp_path: Path
) -> None:
    async with running((120, 40), open_session=on(running_lab), settings=STARTS, settle=False) as driven:
        await driven.until(lambda: driven.app.door.opened)
        await begin(driven, "backup nb")
        await driven.sees("file:")
        await driven.paste(str(tmp_path / "nb.db"))
        await driven.press("enter")
        await driven.sees("verified; sha256")
        assert (tmp_path / "nb.db").read_bytes().startswith(b"OVSDB ")


@pytest.mark.lab
async def test_a_member_is_removed_only_after_checking_and_typing(
    running: Running, running_lab: RunningLab
) -> None:
    write = on(running_lab, "allow-write")
    async with running((120, 40), open_session=write, settings=STARTS, settle=False) as driven:
        await driven.until(lambda: driven.app.door.opened)
        await driven.sees("may write")
        await begin(driven, "kick sb")
        await driven.sees("member:")
        await driven.paste("ffff")
        await driven.press("enter")
        await driven.sees("OVN_Southbound has no server 'ffff'", "Its servers:")
        await driven.press("escape")
        session = driven.app.door.session()
        from ko_tui.backend.operations.members import ask_members

        members = ask_members(session, "sb")
        leader = next(m for m in members if m.status.is_leader).status.nick
        follower = next(m for m in members if not m.status.is_leader).status.nick
        await begin(driven, "kick sb")
        await driven.sees("member:", f"{leader}  leader ovn-central-", f"{follower}  follower ovn-central-")
        await driven.paste(leader)
        await driven.press("enter")
        await driven.sees("is the leader of OVN_Southbound")
        await driven.press("escape")
        await begin(driven, "kick sb")
        await driven.sees("member:")
        await driven.paste(follower)
        await driven.press("enter")
        await driven.until(lambda: isinstance(driven.app.screen, TypedConfirmation))
        shown = driven.text()
        assert f"Remove server {follower}" in shown and "2 servers remain" in shown
        await driven.paste("yes")
        await driven.press("enter")
        await driven.sees(f"not that: type {follower}")
        await driven.press("escape")
        await driven.sees("Nothing was changed.")
        assert len(ask_members(session, "sb")[0].status.servers) == 3


@pytest.mark.lab
async def test_what_was_typed_is_done(running: Running) -> None:
    """On a cluster of its own: a follower really leaves."""
    with RunningLab() as lab:
        write = on(lab, "allow-write")
        async with running((120, 40), open_session=write, settings=STARTS, settle=False) as driven:
            await driven.until(lambda: driven.app.door.opened)
            from ko_tui.backend.operations.members import ask_members

            session = driven.app.door.session()
            follower = next(m for m in ask_members(session, "nb") if not m.status.is_leader).status.nick
            await begin(driven, "kick nb")
            await driven.sees("member:")
            await driven.paste(follower)
            await driven.press("enter")
            await driven.until(lambda: isinstance(driven.app.screen, TypedConfirmation))
            await driven.paste(follower)
            await driven.press("enter")
            await driven.sees(": leader")
            assert re.search(  # the other follower may not have heard of it yet
                rf"Server {follower} is removed; OVN_Northbound has 2 servers|removal of server {follower} has begun",
                driven.text(),
            )
            leader = next(m for m in ask_members(session, "nb") if m.status.is_leader)
            assert follower not in [server.nick for server in leader.status.servers]


@pytest.mark.lab
async def test_what_is_stopped_is_listened_to_until_it_has_undone_what_it_made(running: Running) -> None:
    with RunningLab() as lab:
        write = on(lab, "allow-write")
        async with running((120, 40), open_session=write, settings=STARTS, settle=False) as driven:
            await driven.until(lambda: driven.app.door.opened)
            await begin(driven, "perf")
            await driven.sees("image:")
            await driven.press("enter")
            await driven.until(lambda: isinstance(driven.app.screen, TypedConfirmation))
            await driven.paste("perf")
            await driven.press("enter")
            await driven.sees("creating pods", "is ready at")
            await begin(driven, "diagnose")
            await driven.sees("perf is still at work in the cluster; ctrl+c stops it.")
            await driven.press("ctrl+c")
            await driven.sees("Stopping perf: what it began is put in order first.")
            await driven.sees(
                "removing what was made", "Not finished: Cancelled", " › perf ", "stopped · ", "Stopped."
            )
            await driven.settled()
            left = [name for kind in ("Pod", "Service") for name in lab_names(lab, kind) if "perf" in name]
            assert not left


def lab_names(lab: RunningLab, kind: str) -> list[str]:
    controllers = lab.server.controllers
    return [entry.name for entry in controllers.store.all(controllers.catalogue.of(kind))[0]]


@drives("go.operations")
async def test_an_operation_named_elsewhere_is_asked_for_its_argument(running: Running) -> None:
    """The prompt has the keys though the list has only just come up."""
    async with running(open_session=open_demo, settings=Settings(start="pods"), settle=False) as driven:
        await driven.until(lambda: driven.app.door.opened)
        await begin(driven, "diagnose node")
        await driven.sees("node:")
        await driven.settled()
        assert driven.app.focused is not driven.app.screen.table


async def test_what_is_behind_a_window_is_drawn_though_the_window_came_first(running: Running) -> None:
    async with running((160, 48), open_session=open_demo) as driven:
        driven.app.screen.run_line("lflow ovn-default ls_in_lb")
        await driven.until(lambda: type(driven.app.screen).__name__ == "FlowsScreen", "flows")
        await driven.press("question_mark")
        await driven.press("escape", "f8")
        await driven.until(lambda: driven.app.current_mode == "operations")
        driven.app.screen.run_line("operations reload")
        await driven.sees("read-only", "Next:", "WHAT IT DOES")

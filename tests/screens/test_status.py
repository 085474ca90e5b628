"""The status: every command of the place, what is in sight at each size, and the dashboard, which only shows."""

from __future__ import annotations

import time
from dataclasses import replace
from typing import Any

import pytest

from ko_tui.backend.errors import KoError
from ko_tui.backend.health.model import (
    ChassisHealth,
    ComponentHealth,
    Finding,
    Health,
    NorthdHealth,
    Severity,
)
from ko_tui.backend.operations.members import Member
from ko_tui.backend.ovn.raft import RaftStatus
from ko_tui.backend.source.interface import ApiUnavailable
from ko_tui.config import Settings
from ko_tui.screens.asking import Answered
from ko_tui.screens.status import StatusScreen
from ko_tui.widgets.health_lines import health_lines, sparkline
from ko_tui.widgets.prompt import PromptLine
from ko_tui.widgets.tones import plain
from tests.screens.conftest import Driven, Running
from tests.screens.driving import drives
from tests.screens.recorded import open_recorded

PODS = ("ovn-central-5f7b8d9c6d-2kx7p", "ovn-central-5f7b8d9c6d-8hq4z", "ovn-central-5f7b8d9c6d-vt5wn")


def member(pod: str, role: str = "follower", leader: str = "aaaa", **more: Any) -> Member:
    status = RaftStatus(
        "clustered",
        "",
        role=role,
        term=1234,
        leader=leader,
        nick=pod[-4:],
        election_won_ms=7_300_000,
        **more,
    )
    return Member(pod, "node", True, status, "ok")


def health(findings: int = 0, active: int = 2) -> Health:
    """Three members; northd is active in the last pod unless said."""
    found = Health(time.time())
    for database in ("nb", "sb"):
        found.members[database] = [  # type: ignore[index]
            member(PODS[0], "leader", "self"),
            member(PODS[1]),
            member(PODS[2]),
        ]
    states = ["standby", "standby", "standby"]
    states[active] = "active"
    found.northd = [NorthdHealth(pod, "node", state, "") for pod, state in zip(PODS, states, strict=True)]
    found.components = [ComponentHealth("ovs-ovn", "DaemonSet", 3, 2, 3, 0, ("kube-ovn:v1.12.22",))]
    found.chassis = [ChassisHealth("kube-ovn-worker", True, "172.18.0.3", 0, "connected", 1434)]
    found.findings = [
        Finding(
            Severity.WARNING, f"f{n}", f"Something is wrong, number {n}", "seen so", "it may hurt", "mend it"
        )
        for n in range(findings)
    ]
    found.series = {"logical_flows": (10.0, 20.0, 15.0)}
    found.logical_flows = 15
    return found


def lines(found: Health, width: int) -> list[str]:
    return [plain(line) for line in health_lines(found, width)]


@pytest.mark.parametrize("width", [80, 120, 160, 200])
@pytest.mark.parametrize("active", [0, 1, 2])
def test_who_leads_and_which_northd_is_active_is_in_sight(width: int, active: int) -> None:
    shown = lines(health(active=active), width)
    for number, pod in enumerate(PODS):
        line = next(
            text for text in shown if text.rstrip().endswith(("active", "standby")) and pod[-4:] in text
        )
        assert len(line) <= width, line
        assert line.endswith("active" if number == active else "standby")
        assert ("leader" in line) == (number == 0)


def test_however_much_is_wrong_all_is_summed_up_on_top() -> None:
    shown = lines(health(findings=20), 80)
    assert shown[0].startswith(" ! ") or "Something is wrong, number 0" in shown[0]
    for words in ("NB 3/3", "SB 3/3", "northd 1 active", "components 0/1", "nodes 1/1"):
        assert words in shown[1]


def test_two_leaders_and_a_silent_northd_are_told() -> None:
    found = health()
    found.members["nb"][1] = member(PODS[1], "leader", "self")
    found.northd[2] = NorthdHealth(PODS[2], "node", "", "no answer within 5 s")
    shown = lines(found, 160)
    assert "NB 3/3, 2 leaders" in shown[1] and "northd 0 active" in shown[1]
    assert any("northd: no answer within 5 s" in line for line in shown)
    assert any("2 h ago" in line for line in shown)


def test_a_wide_screen_says_whom_each_member_follows() -> None:
    shown = lines(health(), 160)
    head = next(line for line in shown if "DATABASES" in line)
    assert head.count("LEADER") == 2 and head.count("STORAGE") == 2
    assert all(len(line) <= 160 for line in shown if PODS[0][-4:] in line)


def test_a_narrow_screen_says_it_below_and_what_the_columns_mean() -> None:
    found = health()
    found.members["sb"][1] = replace(found.members["sb"][1], storage="inconsistent data")
    shown = lines(found, 80)
    start = next(number for number, line in enumerate(shown) if "NB LEADER" in line)
    table = shown[start : start + 4]
    assert all(len(line) <= 80 for line in table)
    assert table[0].count("ELECTED") == 2 and table[0].count("STORAGE") == 2
    assert table[1].count("2 h ago") == 2 and table[2].count("aaaa") == 2 and "inconsi" not in table[1]
    assert table[2].rstrip().endswith("incons…")
    assert any("DISC" in line and "broke" in line for line in shown)


@pytest.mark.parametrize(
    ("values", "bars"), [((), 0), ((1.0,), 0), ((3.0, 3.0), 2), (tuple(map(float, range(100))), 30)]
)
def test_sparklines(values: tuple[float, ...], bars: int) -> None:
    assert len(sparkline(values)) == bars


# -- the screen ------------------------------------------------------------------------------------------------


class Looked:
    """A session whose health is what a test says."""

    def __init__(self) -> None:
        self.health = health(findings=3)
        self.error: KoError | None = None
        self.looks = 0

    def open(self) -> Any:
        session = open_recorded()

        def answer(**_: Any) -> Health:
            self.looks += 1
            if self.error is not None:
                raise self.error
            self.health.taken_at = time.time()
            return self.health

        session.health = answer  # type: ignore[method-assign]
        return session


async def at_status(driven: Driven) -> StatusScreen:
    await driven.press("1")
    await driven.until(lambda: isinstance(driven.app.screen, StatusScreen) and driven.app.screen.taken_at)
    assert isinstance(driven.app.screen, StatusScreen)
    return driven.app.screen


@drives("status.next-finding", "status.filter", "status.pause")
async def test_findings_are_walked_found_and_the_looking_paused(running: Running) -> None:
    looked = Looked()
    async with running((100, 30), open_session=looked.open) as driven:
        screen = await at_status(driven)
        assert [m for m in driven.heard(Answered) if m.topic == "health"]
        places = []
        for _ in range(4):
            await driven.press("f")
            places.append(screen.view.texts[screen.view.cursor])
        assert [text.split()[-1] for text in places] == ["0", "1", "2", "0"]
        await driven.press("slash")
        await driven.type("ovs")
        await driven.press("enter")
        await driven.sees(" match")
        assert driven.heard(PromptLine.Submitted)
        await driven.press("P")
        await driven.sees("paused")
        await driven.press("P")
        await driven.until(lambda: "paused" not in driven.text().splitlines()[1])


async def test_y_copies_the_finding_whole_elsewhere_the_line(running: Running) -> None:
    looked = Looked()
    command = "kubectl exec -n kube-system ovn-central-5f7b8d9c6d-2kx7p -- ovn-appctl -t ovn-northd resume"
    looked.health.findings[1] = replace(looked.health.findings[1], next_step=command)
    async with running((80, 24), open_session=looked.open) as driven:
        screen = await at_status(driven)
        await driven.press("f", "f", "j", "j", "j")
        assert f"next: {command}\n" in screen.copy_text() and "number 1" in screen.copy_text()
        screen.view.move_to(screen.view.texts.index(next(t for t in screen.view.texts if "DATABASES" in t)))
        assert screen.copy_text().startswith(" DATABASES")


async def test_a_new_look_leaves_the_cursor_and_a_failed_one_all_that_is_there(running: Running) -> None:
    looked = Looked()
    async with running((100, 30), open_session=looked.open) as driven:
        screen = await at_status(driven)
        await driven.press("j", "j", "j")
        looks = looked.looks
        await driven.press("r")
        await driven.until(lambda: looked.looks > looks)
        await driven.settled()
        assert screen.view.cursor == 3
        looked.error = ApiUnavailable("The connection was refused.")
        await driven.press("r")
        await driven.sees("The connection was refused", "Something is wrong, number 0", "DATABASES")


@drives("app.raw", "app.exact", "app.save")
async def test_what_is_behind_it(running: Running) -> None:
    async with running((100, 30), open_session=Looked().open) as driven:
        await at_status(driven)
        await driven.press("e")
        await driven.sees("ko-tui status --json")
        await driven.press("escape", "R")
        await driven.sees('"severity": "warning"')
        await driven.press("escape", "s")
        await driven.sees("Saved to")


async def test_a_dashboard_takes_no_keys_that_act(running: Running) -> None:
    looked = Looked()
    settings = Settings(status_seconds=5)
    async with running((100, 30), open_session=looked.open, settings=settings, dashboard=True) as driven:
        assert isinstance(driven.app.screen, StatusScreen)
        await driven.press("2", "f3", "6", "colon", "s", "y")
        assert driven.app.current_mode == "status" and isinstance(driven.app.screen, StatusScreen)
        assert "Saved" not in driven.text() and "opied" not in driven.text()
        assert "Something is wrong, number 0" in driven.text()
        assert "dashboard" in driven.text()
        await driven.press("ctrl+p")
        await driven.type("Go to Pods")
        await driven.press("enter")
        await driven.until(lambda: isinstance(driven.app.screen, StatusScreen))
        assert driven.app.current_mode == "status"


async def test_counts_have_their_history(running: Running) -> None:
    async with running((100, 60), open_session=Looked().open) as driven:
        await at_status(driven)
        shown = await driven.sees("logical flows")
        line = next(text for text in shown.splitlines() if "logical flows" in text)
        assert sparkline((10.0, 20.0, 15.0)) in line

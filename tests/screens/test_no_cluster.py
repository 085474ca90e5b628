"""What a person reads who has no cluster at hand: all of it, with the way on."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from ko_tui.app import KoTuiApp
from ko_tui.backend.session import Session, SessionOptions, open_session
from tests.screens.conftest import Driven, open_demo


def nothing() -> Session:
    return open_session(SessionOptions())


@pytest.mark.parametrize("size", [(80, 24), (60, 15)])
async def test_the_whole_reason_is_on_the_screen(
    size: tuple[int, int], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("KUBECONFIG", "/nonexistent/" + "config" * 12)
    app = KoTuiApp(nothing)
    async with app.run_test(size=size) as pilot:
        driven = Driven(app, pilot, [])

        def shown() -> str:
            return " ".join(driven.text().split())

        def told() -> bool:
            return "look at a saved cluster with --demo." in shown()

        await driven.until(lambda: "No cluster is configured" in shown(), "the reason")
        ends = time.monotonic() + 20
        while size[1] < 20 and not told() and time.monotonic() < ends:
            await driven.press("G")  # where there is little room, it is scrolled to
            await driven.handled()
        await driven.until(told, "the next step")
        if size[1] > 20:
            await driven.until(lambda: "r asks again." in shown(), "what asks again")


async def test_every_place_says_why_there_is_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KUBECONFIG", "/nonexistent/kubeconfig")
    app = KoTuiApp(nothing)
    async with app.run_test(size=(80, 24)) as pilot:
        driven = Driven(app, pilot, [])
        for place in "123457":
            await driven.press("escape", place)
            shown = await driven.sees("--demo", "no cluster")
            assert "connecting" not in shown
            assert "Asking the cluster" not in shown


async def test_a_cluster_that_answers_after_all_gets_its_name() -> None:
    answers = iter((nothing, open_demo))
    app = KoTuiApp(lambda: next(answers)())
    async with app.run_test(size=(80, 24)) as pilot:
        driven = Driven(app, pilot, [])
        await driven.sees("no cluster")
        await driven.press("r")
        await driven.settled()
        await driven.until(lambda: "no cluster" not in driven.text(), "the cluster's name")


async def test_a_server_that_refuses_is_not_called_late(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "kubeconfig"
    path.write_text(
        "{apiVersion: v1, kind: Config, current-context: c,"
        " clusters: [{name: k, cluster: {server: 'https://127.0.0.1:1'}}],"
        " users: [{name: u, user: {token: t}}], contexts: [{name: c, context: {cluster: k, user: u}}]}"
    )
    monkeypatch.setenv("KUBECONFIG", str(path))
    async with KoTuiApp(nothing).run_test(size=(100, 30)) as pilot:
        driven = Driven(pilot.app, pilot, [])  # type: ignore[arg-type]
        await driven.sees("The API server cannot be reached", "Connection refused")
        assert "in time" not in driven.text()

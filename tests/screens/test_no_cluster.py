"""What a person reads who has no cluster at hand: all of it, with the way on."""

from __future__ import annotations

import pytest

from ko_tui.app import KoTuiApp
from ko_tui.backend.session import Session, SessionOptions, open_session
from tests.screens.conftest import Driven


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
        await driven.until(lambda: "--demo" in driven.text(), "the next step")
        shown = " ".join(driven.text().split())
        assert "look at a saved cluster with --demo." in shown
        if size[1] > 20:
            assert "r asks again." in shown

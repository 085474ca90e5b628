"""The restore on the screen: what it will do is said, and without its typed name nothing is touched."""

from __future__ import annotations

from pathlib import Path

import pytest

from ko_tui.backend.operations.journal import load, path_of
from ko_tui.backend.session import Session, SessionOptions, open_session
from ko_tui.config import Settings
from ko_tui.screens.dialogs import TypedConfirmation
from tests.lab.running import RunningLab
from tests.screens.conftest import Running

STARTS = Settings(start="operations")


@pytest.mark.lab
async def test_a_restore_is_explained_and_given_up(
    running: Running, running_lab: RunningLab, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))

    def opened() -> Session:
        kubeconfig = str(running_lab.kubeconfig)
        return open_session(SessionOptions(kubeconfig=kubeconfig, context="admin", mode="allow-write"))

    async with running((120, 40), open_session=opened, settings=STARTS, settle=False) as driven:
        await driven.until(lambda: driven.app.door.opened)
        await driven.sees("may write")
        await driven.command("operations restore undo")
        await driven.sees("No restore of this cluster is under way")
        await driven.press("escape")
        await driven.command("operations restore nb")
        await driven.sees("file:")
        await driven.press("enter")
        await driven.until(lambda: isinstance(driven.app.screen, TypedConfirmation))
        await driven.sees("Restore the northbound database of admin", "needed?", "aside")
        await driven.paste("yes")
        await driven.press("enter")
        await driven.sees("not that: type admin")
        await driven.press("escape")
        await driven.sees("Nothing was changed.")
        assert load(path_of(driven.app.door.session().info)) is None
    assert running_lab.get("Deployment", "ovn-central", "kube-system")["spec"]["replicas"] == 3

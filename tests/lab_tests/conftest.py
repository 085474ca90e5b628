"""A cluster for the tests that only ask it things; those that break things start their own."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.lab.cluster import Lab, why_unavailable
from tests.lab_tests.command_line import CommandLine

if TYPE_CHECKING:
    from tests.lab.running import RunningLab


def need_lab() -> None:
    """Skip where no lab can run; in CI that is a failure."""
    reason = why_unavailable()
    if reason and os.environ.get("CI") == "true":
        pytest.fail(f"the lab must run in CI: {reason}")
    if reason:
        pytest.skip(reason)


@pytest.fixture(scope="session")
def lab_cluster(running_lab: RunningLab) -> Lab:
    """The cluster behind the API that the run shares."""
    return running_lab.cluster


@pytest.fixture(scope="session")
def changed_lab() -> Iterator[RunningLab]:
    """A lab for operations that change the cluster and leave it whole: its members and pods are not the first ones."""
    from tests.lab.running import RunningLab

    need_lab()
    with RunningLab() as lab:
        yield lab


@pytest.fixture
def line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> CommandLine:
    """The command line, with a state directory of the test's own."""
    state = tmp_path / "state"
    monkeypatch.setenv("XDG_STATE_HOME", str(state))
    return CommandLine(capsys, state)

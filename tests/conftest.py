"""Labs for tests: one with a real cluster and one with the API alone, each started once per run and only if used.

Tests that break things start a lab of their own; those that share one leave it as they found it.
"""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.lab.handle import ApiOnlyLab
    from tests.lab.running import RunningLab


def pytest_configure() -> None:
    """What these tests start obeys signals, even where the tests were started by something that ignores them (``&``,
    nohup): a handler of ours is not inherited, to ignore a signal is."""
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)
    if signal.getsignal(signal.SIGHUP) is signal.SIG_IGN:
        signal.signal(signal.SIGHUP, lambda _number, _frame: None)


@pytest.fixture(scope="session")
def running_lab() -> Iterator[RunningLab]:
    """A real OVN cluster with the API in front. Skips where none can run; in CI that is a failure."""
    from tests.lab.cluster import why_unavailable
    from tests.lab.running import RunningLab

    reason = why_unavailable()
    if reason and os.environ.get("CI") == "true":
        pytest.fail(f"the lab must run in CI: {reason}")
    if reason:
        pytest.skip(reason)
    with RunningLab() as lab:
        yield lab


@pytest.fixture(scope="session")
def shared_api() -> Iterator[ApiOnlyLab]:
    """The API without a cluster, shared; ``api_lab`` is the way to it."""
    from tests.lab.handle import ApiOnlyLab

    with ApiOnlyLab() as lab:
        yield lab


@pytest.fixture
def api_lab(shared_api: ApiOnlyLab) -> Iterator[ApiOnlyLab]:
    """The API without a cluster: exec runs programs of this machine. Faults end with the test."""
    yield shared_api
    shared_api.faults.clear()
    shared_api.labels.follow()


@pytest.fixture
def own_api() -> Iterator[ApiOnlyLab]:
    """An API of the test's own, for tests that change objects; it starts in under half a second."""
    from tests.lab.handle import ApiOnlyLab

    with ApiOnlyLab() as lab:
        yield lab

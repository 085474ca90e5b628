"""A cluster for the tests that only ask it things; those that break things start their own."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest

from tests.lab.cluster import Lab, why_unavailable

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

"""A cluster for the tests that only ask it things; those that break things start their own."""

from __future__ import annotations

import os
from collections.abc import Iterator

import pytest

from tests.lab.cluster import Lab, clean_stale, why_unavailable


def need_lab() -> None:
    """Skip where no lab can run; in CI that is a failure."""
    reason = why_unavailable()
    if reason and os.environ.get("CI") == "true":
        pytest.fail(f"the lab must run in CI: {reason}")
    if reason:
        pytest.skip(reason)


@pytest.fixture(scope="session")
def lab_cluster() -> Iterator[Lab]:
    need_lab()
    clean_stale()
    with Lab() as lab:
        yield lab

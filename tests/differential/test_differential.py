"""A fixed handful of random clusters: the simulator gives the real ovn-trace's text for every packet."""

from __future__ import annotations

import shutil

import pytest

from tests.differential.runs import run

SEED = 20260
PACKETS = 360
SECONDS = 40  # a slow machine compares fewer packets, not for longer

pytestmark = pytest.mark.skipif(shutil.which("ovn-trace") is None, reason="OVN is not installed here")


@pytest.mark.slow
def test_random_clusters_give_the_text_of_ovn_trace() -> None:
    tally = run(PACKETS, SEED, per_cluster=30, seconds=SECONDS)
    assert not tally.differences, "\n\n".join(map(str, tally.differences[:3]))
    assert tally.compared >= 30
    assert len(tally.visited) > 30

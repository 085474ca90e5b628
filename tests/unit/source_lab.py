"""What the tests of the live source share: a lab with the API alone, and sources for its users."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import Any

import pytest
import yaml

from ko_tui.backend.source.handshake import Timing
from ko_tui.backend.source.interface import PodRef
from ko_tui.backend.source.kubeconfig import Impersonation, load
from ko_tui.backend.source.live import LiveSource
from ko_tui.backend.source.watch import Pace
from tests.lab.handle import ApiOnlyLab

CLIENT = PodRef("default", "client", "client")


@pytest.fixture(scope="module")
def module_lab() -> Iterator[ApiOnlyLab]:
    with ApiOnlyLab() as lab:
        yield lab


@pytest.fixture
def lab(module_lab: ApiOnlyLab) -> Iterator[ApiOnlyLab]:
    """The module's lab, without the faults of the test before."""
    module_lab.faults.clear()
    yield module_lab
    module_lab.faults.clear()


@contextlib.contextmanager
def opened(
    lab: ApiOnlyLab,
    context: str = "admin",
    *,
    impersonate: Impersonation | None = None,
    timing: Timing | None = None,
    pace: Pace | None = None,
    kubeconfig: str = "",
) -> Iterator[LiveSource]:
    """A source for a context of the lab; the proxies of this machine's environment do not count."""
    target = load(kubeconfig or str(lab.kubeconfig), {}).target(context, impersonate)
    source = LiveSource(target, environment={}, timing=timing, pace=pace)
    try:
        yield source
    finally:
        source.close()


@pytest.fixture
def source(lab: ApiOnlyLab) -> Iterator[LiveSource]:
    with opened(lab) as live:
        yield live


def changed_config(lab: ApiOnlyLab, name: str, user: dict[str, Any], **cluster: Any) -> str:
    """A kubeconfig like the lab's with one context ``x``: ``user`` as given, ``cluster`` changed."""
    content = yaml.safe_load(lab.kubeconfig.read_text())
    described = content["clusters"][0]["cluster"] | cluster
    content["clusters"] = [{"name": "x", "cluster": {k: v for k, v in described.items() if v is not None}}]
    content["users"] = [{"name": "x", "user": user}]
    content["contexts"] = [{"name": "x", "context": {"cluster": "x", "user": "x"}}]
    path = lab.directory / name
    path.write_text(yaml.safe_dump(content))
    return str(path)

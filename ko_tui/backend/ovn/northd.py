"""``ovn-appctl -t ovn-northd status`` (ovn-northd(8))."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Literal

from ko_tui.backend.ovs.silence import why_silent

NorthdState = Literal["active", "standby", "paused", ""]
_STATUS = re.compile(r"^Status: (active|standby|paused)$", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class NorthdStatus:
    """``state`` is "" when it did not answer or said something unknown; then ``problem`` says why."""

    state: NorthdState
    problem: str = ""


def parse_northd(stdout: str, stderr: str = "") -> NorthdStatus:
    """The status, of whatever text; never raises."""
    found = _STATUS.search(stdout)
    if found is not None:
        return NorthdStatus(found[1])  # type: ignore[arg-type]  # the pattern allows no other words
    return NorthdStatus("", why_silent(stdout, stderr))

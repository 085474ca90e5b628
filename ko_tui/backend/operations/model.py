"""Results of checks and of operations, as data: screens, command line and JSON show the same."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import asdict, dataclass, field
from enum import StrEnum
from typing import Any


class Level(StrEnum):
    OK = "ok"
    INFO = "info"
    WARN = "warn"
    FAIL = "fail"
    SKIPPED = "skipped"  # not asked, with the reason
    UNKNOWN = "unknown"  # asked, but no answer came


RANK = {Level.FAIL: 0, Level.UNKNOWN: 1, Level.WARN: 2, Level.SKIPPED: 3, Level.INFO: 4, Level.OK: 5}


@dataclass(frozen=True, slots=True)
class Check:
    """One thing that was looked at. ``place`` is a node, pod or ""; ``advice`` what to do when it is not ok."""

    group: str
    name: str
    level: Level
    detail: str = ""
    place: str = ""
    advice: str = ""


@dataclass(slots=True)
class Report:
    """All checks of a run. ``partial`` names what did not answer: then the report is not the whole truth."""

    title: str
    checks: list[Check] = field(default_factory=list)
    partial: list[str] = field(default_factory=list)

    def add(self, checks: Iterable[Check]) -> None:
        self.checks.extend(checks)

    @property
    def worst(self) -> Level:
        """The most serious level among the checks; UNKNOWN when nothing was looked at."""
        return min((c.level for c in self.checks), key=RANK.__getitem__, default=Level.UNKNOWN)

    @property
    def summary(self) -> str:
        """``12 ok, 1 fail``, the most serious first."""
        counts = Counter(c.level for c in self.checks)
        return ", ".join(f"{counts[level]} {level}" for level in sorted(counts, key=RANK.__getitem__))

    def to_json(self) -> dict[str, Any]:
        return {
            "title": self.title,
            "worst": str(self.worst),
            "summary": self.summary,
            "partial": self.partial,
            "checks": [asdict(c) for c in self.checks],
        }


OnChecks = Callable[[list[Check]], None]
OnText = Callable[[str], None]


def quiet(_: object) -> None:
    """For callers that want no progress."""

"""What the control plane counted at the last looks: for sparklines, and to see what grows."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass

from ko_tui.backend.health.model import Health

SAMPLES = 60


@dataclass(frozen=True, slots=True)
class Change:
    """A value at the first look that is remembered and at the last one, ``seconds`` apart."""

    first: float
    last: float
    seconds: float


class History:
    """The last looks, oldest first. Names: ``mac_bindings``, ``logical_flows``, ``findings``, ``nb_term``, ``sb_term``,
    ``disconnections``, and ``openflow/NODE``."""

    def __init__(self, samples: int = SAMPLES) -> None:
        self._looks: deque[tuple[float, dict[str, float]]] = deque(maxlen=samples)

    def __len__(self) -> int:
        return len(self._looks)

    def note(self, health: Health) -> None:
        """Remember a look."""
        self._looks.append((health.taken_at, _values(health)))

    def note_findings(self, count: int) -> None:
        """Of the look that was noted last; it must be noted before, since findings are drawn from it too."""
        self._looks[-1][1]["findings"] = count

    def series(self, name: str) -> tuple[float, ...]:
        """The values that are known, oldest first."""
        return tuple(values[name] for _, values in list(self._looks) if name in values)

    def change(self, name: str) -> Change | None:
        """From the first look to the last; None with fewer than two."""
        known = [(at, values[name]) for at, values in list(self._looks) if name in values]
        if len(known) < 2:
            return None
        return Change(known[0][1], known[-1][1], known[-1][0] - known[0][0])

    def all_series(self) -> dict[str, tuple[float, ...]]:
        """Every name with its values."""
        names = dict.fromkeys(name for _, values in list(self._looks) for name in values)
        return {name: self.series(name) for name in names}


def _values(health: Health) -> dict[str, float]:
    found: dict[str, float] = {}
    if health.mac_bindings is not None:
        found["mac_bindings"] = health.mac_bindings
    if health.logical_flows is not None:
        found["logical_flows"] = health.logical_flows
    for database, members in health.members.items():
        terms = [m.status.term for m in members if m.status.kind == "clustered"]
        if terms:
            found[f"{database}_term"] = max(terms)
    told = [
        m.status.disconnections for of in health.members.values() for m in of if m.status.kind == "clustered"
    ]
    if told:
        found["disconnections"] = sum(told)
    for chassis in health.chassis:
        if chassis.flows is not None:
            found[f"openflow/{chassis.node}"] = chassis.flows
    return found

"""The state of the network's control plane, as data."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from enum import StrEnum
from typing import Any, Literal

from ko_tui.backend.cluster.leader import Database
from ko_tui.backend.operations.members import Member


class Severity(StrEnum):
    CRITICAL = "critical"
    WARNING = "warning"
    INFO = "info"


RANK = {Severity.CRITICAL: 0, Severity.WARNING: 1, Severity.INFO: 2}
# The status of a monitoring plugin, as Nagios and its kin read it.
EXIT = {Severity.CRITICAL: 2, Severity.WARNING: 1, Severity.INFO: 0}


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that is wrong: what was seen, what it does to people, and what to do next."""

    severity: Severity
    key: str
    title: str
    evidence: str
    effect: str
    next_step: str


@dataclass(frozen=True, slots=True)
class NorthdHealth:
    """``state``: active, standby, paused, or "" when it did not answer (then ``problem`` says why)."""

    pod: str
    node: str
    state: str
    problem: str = ""


@dataclass(frozen=True, slots=True)
class ComponentHealth:
    """A workload of Kube-OVN's. ``kind`` is its kind in Kubernetes; ``images`` what its pods run."""

    name: str
    kind: str
    wanted: int
    available: int
    updated: int
    restarts: int
    images: tuple[str, ...] = ()

    @property
    def short(self) -> bool:
        """Are fewer there than should be? No cluster is without these two, whatever their Deployments ask for."""
        return self.available < (self.wanted or int(self.name in ("ovn-central", "kube-ovn-controller")))


@dataclass(frozen=True, slots=True)
class LeaseHealth:
    """A leader election of a controller; ``age`` in seconds since it was renewed, None when unknown."""

    name: str
    holder: str
    age: float | None
    duration: int = 15


@dataclass(frozen=True, slots=True)
class ChassisHealth:
    """A node as OVN sees it. ``lag`` is how many configurations it is behind; ``controller`` is ovn-controller's own
    word (connected), ``flows`` the number of flows in br-int; None or "" when it was not asked."""

    node: str
    registered: bool
    tunnel_ip: str = ""
    lag: int | None = None
    controller: str = ""
    flows: int | None = None
    problem: str = ""


@dataclass(frozen=True, slots=True)
class LeaderEndpoint:
    service: str
    addresses: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class WaitingPod:
    """A pod that is on a node and has no address yet; ``seconds`` since it was put there."""

    pod: str
    node: str
    seconds: float


@dataclass(frozen=True, slots=True)
class RestoreHealth:
    """A restore of the northbound database that has not ended.

    ``state``: "here" (a ko-tui of this machine is at it), "stopped" (it was begun on this machine, and nothing is at
    it) or "elsewhere" (only its ``pods`` in the cluster are seen). ``way`` is how to go on.
    """

    state: Literal["here", "stopped", "elsewhere"]
    way: str
    step: str = ""
    began: str = ""
    progress: str = ""
    central_stopped: bool = False
    pods: tuple[str, ...] = ()


@dataclass(slots=True)
class Health:
    """Everything at one moment (time.time() seconds). ``partial`` names what could not be asked."""

    taken_at: float
    namespace: str = "kube-system"  # Kube-OVN's own
    members: dict[Database, list[Member]] = field(default_factory=dict)
    labels: dict[str, list[tuple[str, bool]]] = field(default_factory=dict)  # label -> (pod, ready)
    northd: list[NorthdHealth] = field(default_factory=list)
    components: list[ComponentHealth] = field(default_factory=list)
    leases: list[LeaseHealth] = field(default_factory=list)
    chassis: list[ChassisHealth] = field(default_factory=list)
    endpoints: list[LeaderEndpoint] = field(default_factory=list)
    waiting: list[WaitingPod] = field(default_factory=list)
    strays: list[str] = field(
        default_factory=list
    )  # host names of chassis that belong to no node, or doubled
    restore: RestoreHealth | None = None
    mac_bindings: int | None = None
    logical_flows: int | None = None
    findings: list[Finding] = field(default_factory=list)
    partial: list[str] = field(default_factory=list)
    blind: bool = False  # this user may ask none of the databases' servers
    series: dict[str, tuple[float, ...]] = field(default_factory=dict)  # what was counted at the last looks
    commands: list[str] = field(default_factory=list)  # what was run for it, as lines for a shell

    @property
    def severity(self) -> Severity | None:
        """The worst of the findings; None when there are none."""
        return min((f.severity for f in self.findings), key=RANK.__getitem__, default=None)

    @property
    def exit_code(self) -> int:
        """0 well, 1 warning, 2 critical, 3 unknown: nothing bad is seen, by one who may not look."""
        if self.blind and self.severity is not Severity.CRITICAL:
            return 3
        return EXIT[self.severity] if self.severity else 0

    @property
    def headline(self) -> str:
        """One line: is it well, and if not, what is wrong first."""
        if self.findings:
            worst = self.findings[0]
            more = len(self.findings) - 1
            return f"{worst.severity}: {worst.title}" + (f" (and {more} more)" if more else "")
        if self.blind:
            return "unknown: the databases' servers could not be asked"
        return "well, as far as it could be asked" if self.partial else "well"

    def to_json(self) -> dict[str, Any]:
        plain = {
            name: [asdict(item) for item in getattr(self, name)]
            for name in ("northd", "components", "leases", "chassis", "endpoints", "waiting", "findings")
        }
        return {
            "taken_at": self.taken_at,
            "severity": str(self.severity or ("unknown" if self.blind else "ok")),
            "headline": self.headline,
            "members": {name: [m.facts() for m in members] for name, members in self.members.items()},
            "mac_bindings": self.mac_bindings,
            "logical_flows": self.logical_flows,
            "strays": self.strays,
            "restore": asdict(self.restore) if self.restore else None,
            "partial": self.partial,
            **plain,
        }

"""What a node's own switch does with a traced packet, and whether that is what the logical trace says."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

from ko_tui.backend.command.run import CommandRun
from ko_tui.backend.ovs.ofproto_trace import OfRule, OfVerdict

End = Literal["delivered", "dropped", "tunnel", "controller", "chosen", "unfinished", "unknown"]
Fit = Literal["same", "quiet", "other-flow", "follows", "parts", ""]


@dataclass(slots=True)
class Step:
    """One table lookup. ``stage`` is the logical stage or the table's own purpose (``phy_to_log``).

    ``logical`` says that a row of Logical_Flow is behind it; ``at`` is then the stage of the logical trace that it
    stands for (-1: none), and ``fit`` how well it does. ``match`` is the logical one.
    """

    rule: OfRule
    bridge: str
    block: int  # the pass through the switch, from 0: conntrack begins another
    depth: int
    stage: str = ""
    title: str = ""
    match: str = ""
    logical: bool = False
    at: int = -1
    fit: Fit = ""
    why: str = ""
    tracking: frozenset[str] = frozenset()  # the conntrack state at the lookup; empty: not tracked

    @property
    def uuid(self) -> str:
        """The beginning of the southbound row's UUID, or ""."""
        return self.rule.cookie if self.rule.cookie.strip("0") else ""


@dataclass(slots=True)
class NodePass:
    """One ofproto/trace on one node. ``why`` is there when it goes on from another; ``text`` is what was printed."""

    node: str
    in_port: int
    port: str  # the name behind in_port
    flow: str
    text: str
    why: str = ""
    steps: list[Step] = field(default_factory=list)
    actions: list[str] = field(default_factory=list)  # of the datapath, in words
    end: End = "unknown"
    ends: str = ""  # the same as a sentence
    verdict: OfVerdict = OfVerdict.UNKNOWN
    slow_path: list[str] = field(default_factory=list)
    assumed: bool = False  # it goes on with what the logical trace chose, not with what the switch did


@dataclass(frozen=True, slots=True)
class Finding:
    """Where the node differs: what, and what to do about it. ``at`` is the stage of the logical trace, or -1."""

    title: str
    what: str
    next_step: str
    at: int = -1


@dataclass(slots=True)
class DatapathTrace:
    """All passes in order. ``agrees`` is None when too little could be compared; ``summary`` is one sentence."""

    passes: list[NodePass]
    summary: str = ""
    agrees: bool | None = None
    compared: int = 0  # stages of the logical trace that were met
    stages: int = 0  # how many it has
    findings: list[Finding] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    commands: list[CommandRun] = field(default_factory=list)

    @property
    def text(self) -> str:
        """What ovs-appctl printed, the passes one after the other."""
        return "\n".join(part.text.rstrip("\n") for part in self.passes) + "\n"

"""A trace with its meaning beside it: what screens and the command line show.

Every text is plain (no markup) and may hold names from the cluster.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from ko_tui.backend.ovn.trace_model import Block, Outcome, Stage, Trace, Verdict


@dataclass(slots=True)
class RegisterValue:
    """A register, bit, flag or field that a stage set. ``shown`` is the value as a person would say it."""

    name: str  # reg0[7], reg9[16..31], flags.loopback, ct_mark.blocked, ip4.dst
    title: str  # short name, e.g. "ACL hint: allow new"
    meaning: str
    value: str  # as OVN spells it
    shown: str


@dataclass(slots=True)
class Sentence:
    """One clause or action in words, with what it is made of below it."""

    text: str
    source: str = ""  # the OVN text that it explains
    children: list[Sentence] = field(default_factory=list)


@dataclass(slots=True)
class ObjectRef:
    """The object behind a flow: first the NB row, then what Kube-OVN made it from."""

    kind: str  # ACL, Load_Balancer, NetworkPolicy, Service, Pod, ...
    name: str
    uuid: str = ""
    namespace: str = ""
    detail: str = ""
    owner: ObjectRef | None = None


@dataclass(slots=True)
class ExplainedStage:
    """A stage of a trace, explained. ``packet`` is name -> value *after* the stage, ``changed`` its changed names."""

    stage: Stage
    block: Block | None
    depth: int  # nesting of branches: 0 for the main way
    datapath: str
    pipeline: str
    title: str  # one line: what the table decides
    purpose: str  # a paragraph
    known: bool  # False: a stage that this ko-tui does not know; shown as itself
    match: Sentence | None = None
    actions: list[Sentence] = field(default_factory=list)
    registers: list[RegisterValue] = field(default_factory=list)
    packet: dict[str, str] = field(default_factory=dict)
    changed: list[str] = field(default_factory=list)
    assumptions: list[str] = field(default_factory=list)  # sentences: what ovn-trace assumed or guessed here
    objects: list[ObjectRef] = field(default_factory=list)
    quiet: bool = False  # nothing happens here but "next": may be folded
    use: str = ""  # what Kube-OVN uses the flow's priority for


@dataclass(slots=True)
class Hop:
    """One step of the picture: a port, switch or router, and how the packet left it."""

    kind: str  # port, switch, router, drop, reply, controller
    name: str
    note: str = ""  # "dst 10.96.0.10:53 -> 10.16.0.5:53", "dropped by ls_in_acl"


@dataclass(slots=True)
class ExplainedTrace:
    trace: Trace
    verdict: Verdict
    headline: str  # one sentence: what became of the packet, and which flow decided
    stages: list[ExplainedStage] = field(default_factory=list)
    hops: list[Hop] = field(default_factory=list)
    outcomes: list[Outcome] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)  # warnings: random choice, other backend, partial, ...
    next_steps: list[str] = field(default_factory=list)  # where to look now, by the packet's request
    version: str = ""  # the OVN release whose meanings were used
    lang: str = "en"


@dataclass(slots=True)
class ExplainedFlow:
    """One logical flow in words, without a packet. ``registers`` are those that it names."""

    stage: str
    title: str
    purpose: str
    known: bool
    priority: int | None
    use: str  # what Kube-OVN uses the priority for, or ""
    match: Sentence
    actions: list[Sentence] = field(default_factory=list)
    registers: list[RegisterValue] = field(default_factory=list)
    objects: list[ObjectRef] = field(default_factory=list)
    datapath: str = ""
    pipeline: str = ""
    table: int | None = None
    uuid: str = ""

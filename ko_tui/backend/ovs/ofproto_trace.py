"""``ofproto/trace`` output (ovs-vswitchd(8)) as a tree that loses nothing, with a verdict.

The verdict comes from datapath actions only, a drop from those of the last block: "drop" under a sub-lookup, or in a
table behind a tunnel output, is no drop of the packet.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from enum import StrEnum

from ko_tui.backend.ovs.datapath import carried_out, output_ports

_RULE = re.compile(
    r"^(?P<indent> *)(?P<table>\d+)\. (?P<match>.*?),? ?priority (?P<priority>\d+)"
    r"(?:, cookie (?P<cookie>0x[0-9a-f]+))?$"
)
_NO_MATCH = re.compile(r"^(?P<indent> *)(?P<table>\d+)\. No match\.$")
_BRIDGE = re.compile(r'^bridge\("(?P<name>.*)"\)$')
_RECIRC = re.compile(r"^recirc\((?P<id>0x[0-9a-f]+)\)(?: - (?P<why>.*))?$")
_PART = re.compile(r"^(?P<name>Flow|Final flow|Megaflow|Datapath actions): ?(?P<value>.*)$")
_FAILED = re.compile(r"^Translation failed \(.*\), packet is dropped\.$", re.MULTILINE)


class OfVerdict(StrEnum):
    OUTPUT = "output"  # to local ports
    TUNNEL = "tunnel"  # to another node
    CONTROLLER = "controller"
    DROPPED = "dropped"
    UNFINISHED = "unfinished"  # it goes on in a recirculation that was not traced
    UNKNOWN = "unknown"


@dataclass(slots=True)
class OfLine:
    """A line below a rule: an action, or a note about it (``-> ...``)."""

    text: str
    raw: str


@dataclass(slots=True)
class OfRule:
    """A table lookup. ``depth`` counts nested lookups: 0 for the pipeline itself; ``cookie`` has eight digits."""

    table: int
    match: str
    raw: str
    priority: int | None = None
    cookie: str = ""
    depth: int = 0
    no_match: bool = False
    lines: list[OfLine] = field(default_factory=list)

    @property
    def actions(self) -> list[str]:
        return [line.text for line in self.lines if line.text and not line.text.startswith("->")]


@dataclass(slots=True)
class OfBlock:
    """One pass through the switch: from ``Flow:`` to ``Datapath actions:``. A recirculation begins another."""

    flow: str = ""
    bridge: str = ""
    recirculation: str = ""  # its id, when this block resumes one
    resumed_because: str = ""
    final_flow: str = ""
    megaflow: str = ""
    datapath_actions: str = ""
    nodes: list[OfRule | OfLine] = field(
        default_factory=list
    )  # in printed order; every line is in one of them

    def rules(self) -> Iterator[OfRule]:
        for node in self.nodes:
            if isinstance(node, OfRule):
                yield node


@dataclass(slots=True)
class OfTrace:
    blocks: list[OfBlock] = field(default_factory=list)
    verdict: OfVerdict = OfVerdict.UNKNOWN
    outputs: list[str] = field(default_factory=list)
    problem: str = ""
    slow_path: list[str] = field(default_factory=list)  # why the packet is handled in userspace


def parse(text: str) -> OfTrace:
    """The tree of an ofproto/trace; never raises. ``render`` of it gives ``text`` again."""
    trace = OfTrace()
    builder = _Builder(trace)
    for raw in re.findall(r"[^\n]*\n|[^\n]+$", text):
        builder.take(raw)
    _judge(trace, text)
    return trace


def render(trace: OfTrace) -> str:
    """The text of a tree, made from its nodes."""
    out = []
    for block in trace.blocks:
        for node in block.nodes:
            out.append(node.raw)
            if isinstance(node, OfRule):
                out += [line.raw for line in node.lines]
    return "".join(out)


class _Builder:
    def __init__(self, trace: OfTrace) -> None:
        self._trace = trace
        self._rule: OfRule | None = None
        self._block: OfBlock | None = None
        self._slow = False

    def take(self, raw: str) -> None:
        line = raw.rstrip("\n")
        if (part := _PART.match(line)) is not None:
            self._part(part["name"], part["value"], raw)
            return
        rule = _RULE.match(line) or _NO_MATCH.match(line)
        if rule is not None:
            self._place(rule, raw)
            return
        stripped = line.strip()
        if (bridge := _BRIDGE.match(stripped)) is not None:
            self._now().bridge = self._now().bridge or bridge["name"]
        elif (recirc := _RECIRC.match(stripped)) is not None:
            block = self._fresh()
            block.recirculation, block.resumed_because = recirc["id"], recirc["why"] or ""
        elif stripped.startswith("This flow is handled by the userspace slow path"):
            self._slow = True
        elif self._slow and stripped.startswith("- "):
            self._trace.slow_path.append(stripped[2:])
        self._add(OfLine(stripped, raw), plain=not line.startswith(" "))

    def _now(self) -> OfBlock:
        if self._block is None:
            self._block = OfBlock()
            self._trace.blocks.append(self._block)
        return self._block

    def _fresh(self) -> OfBlock:
        """A block that has no flow of its own yet; a finished one is followed by a new one."""
        if self._block is None or self._block.flow:
            # The rule of "=" above a recirculation belongs to it.
            moved: list[OfRule | OfLine] = []
            if self._block is not None and self._block.nodes:
                last = self._block.nodes[-1]
                if isinstance(last, OfLine) and last.text and set(last.text) == {"="}:
                    moved = [self._block.nodes.pop()]
            self._block = OfBlock(nodes=moved)
            self._trace.blocks.append(self._block)
            self._rule = None
        return self._block

    def _part(self, name: str, value: str, raw: str) -> None:
        if name == "Flow":
            block = self._now()
            if block.flow:
                block = self._fresh()
            block.flow = value
        block = self._now()
        if name == "Final flow":
            block.final_flow = value
        elif name == "Megaflow":
            block.megaflow = value
        elif name == "Datapath actions":
            block.datapath_actions = value
        self._rule = None
        block.nodes.append(OfLine(raw.strip(), raw))

    def _place(self, found: re.Match[str], raw: str) -> None:
        groups = found.groupdict()
        indent = len(groups["indent"])
        wide = indent + len(groups["table"])
        depth = max(0, (wide - 2 + 3) // 4) if wide > 2 else 0
        rule = OfRule(int(groups["table"]), groups.get("match") or "", raw, depth=depth)
        if groups.get("priority") is None:
            rule.no_match = True
        else:
            rule.priority = int(groups["priority"])
            rule.cookie = (groups.get("cookie") or "0x0")[2:].zfill(8)
        self._rule = rule
        self._now().nodes.append(rule)

    def _add(self, line: OfLine, *, plain: bool) -> None:
        if self._rule is not None and not (plain and line.text):
            self._rule.lines.append(line)
        else:
            self._rule = None
            self._now().nodes.append(line)


def _judge(trace: OfTrace, text: str) -> None:
    blocks = [b for b in trace.blocks if b.datapath_actions]
    if not blocks:
        trace.problem = text.strip().splitlines()[0] if text.strip() else "it printed nothing"
        return
    if (failed := _FAILED.search(text)) is not None:
        trace.problem, trace.verdict = failed[0], OfVerdict.DROPPED
        return
    words = [word for block in blocks for word in carried_out(block.datapath_actions)]
    trace.outputs = output_ports(",".join(words))
    last = list(carried_out(blocks[-1].datapath_actions))
    if "Trace reached the recirculation limit" in text:
        trace.verdict = OfVerdict.UNFINISHED
    elif any(word.startswith(("tnl_push(", "set(tunnel(")) for word in words):
        trace.verdict = OfVerdict.TUNNEL
    elif trace.outputs:
        trace.verdict = OfVerdict.OUTPUT
    elif any(word.startswith("userspace(") and "controller(" in word for word in last):
        trace.verdict = OfVerdict.CONTROLLER
    elif any(word.startswith("recirc(") for word in last):
        trace.verdict = OfVerdict.UNFINISHED
    elif any(word.startswith("userspace(") for word in last):
        trace.verdict = OfVerdict.CONTROLLER
    else:
        trace.verdict = OfVerdict.DROPPED

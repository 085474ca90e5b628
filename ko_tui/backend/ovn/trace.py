"""What ovn-trace(8) prints in its detailed form, as a tree that loses nothing.

The forms of OVN 22.03 to 26.03: blocks with a header underlined by dashes, table lines, indented actions, comments,
``LOG:`` lines, OpenFlow lines of ``--ovs``. What is not understood is kept as kind ``other``, and so is what was pasted
together with a trace: the shell's own lines, and the ofproto/trace that ``kubectl ko trace`` prints after it.
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterator

from ko_tui.backend.ovn.trace_model import Block, Line, Node, Output, Stage, Trace

_STAGE = re.compile(
    r"^ *(?P<table>\d+)\. (?P<name>[A-Za-z0-9_]+|\(no name\)|\S+)(?: \((?P<source>[^()]*)\))?: "
    r"(?P<match>.*), priority (?P<priority>\d+), uuid (?P<uuid>[0-9a-f]{8})$"
)
_NO_MATCH = re.compile(r"^ *(?P<table>\d+)\. (?P<name>\S+): no match \(implicit drop\)$")
_OUTPUT = re.compile(r'^/\* output to "(?P<port>.*)", type "(?P<type>[^"]*)" \*/$')
_PIPELINE = re.compile(r"^(?P<kind>ingress|egress|multicast)\((?P<arguments>.*)\)$")
_ARGUMENT = re.compile(r'(?P<name>dp|inport|outport|mcgroup)="(?P<value>.*?)"(?=, \w+="|$)')
_HEADER = re.compile(r"^(?P<kind>[a-z]\w*)(?:\((?P<arguments>.*)\))?(?P<rest>(?:: .*)?(?: /\*.*\*/)?)$")
# What ends a trace at the left margin: the shell's echo of a command, an ofproto/trace, or the other forms of --all.
_OVER = re.compile(r"^(?:\+ |Flow: |bridge\(\"|# Summary trace\.|# Minimal trace\.)")
DEEPEST = 40
"""Blocks within blocks that are kept as such (ovn-trace nests a few); what is deeper stays on this level, in order."""
LONGEST_HEADER = 4096
"""Characters: a longer line is no header, but made to be slow to read."""
_ERROR = re.compile(
    r"^(error parsing flow: .*|unknown datapath .*|microflow does not specify ingress port.*|.*: unknown port.*"
    r"|ovn-trace: .*|.*\|(?:WARN|ERR|EMER)\|.*|.*syntax error.*|.*Syntax error.*)$"
)


def parse(text: str) -> Trace:
    """The tree of a trace; never raises. ``render`` of it gives ``text`` again, byte for byte."""
    from ko_tui.backend.ovn.trace_verdict import judge

    trace = Trace(text)
    _Builder(trace).build(text)
    judge(trace)
    return trace


def render(trace: Trace) -> str:
    """The text of a tree, made from its nodes."""
    return "".join(_lines(trace.children))


def _lines(nodes: list[Node]) -> Iterator[str]:
    for node in nodes:
        yield node.raw
        if isinstance(node, Stage):
            for line in node.lines:
                yield line.raw
        elif isinstance(node, Block):
            yield from _lines(node.children)


def is_underline(line: str) -> bool:
    """A line of dashes only."""
    stripped = line.strip()
    return len(stripped) > 1 and set(stripped) == {"-"}


class _Builder:
    """Puts each line into the innermost block and stage that it belongs to."""

    def __init__(self, trace: Trace) -> None:
        self._trace = trace
        self._open: list[Block] = []
        self._stage: Stage | None = None
        self._over = False

    def build(self, text: str) -> None:
        # Not splitlines: it also splits at characters that ovn-trace never ends a line with.
        lines = re.findall(r"[^\n]*\n|[^\n]+$", text)
        for raw, after in itertools.zip_longest(lines, lines[1:], fillvalue=""):
            line, following = raw.rstrip("\r\n"), after.rstrip("\r\n")
            if self._over and not _PIPELINE.match(line):
                self._trace.children.append(Line("other" if line.strip() else "blank", line.strip(), raw))
            elif _OVER.match(line) and self._open:
                self._over, self._stage = True, None
                self._open.clear()
                self._trace.children.append(Line("other", line.strip(), raw))
            else:
                self._over = False
                self._take(raw, line, following)

    def _take(self, raw: str, line: str, following: str) -> None:
        stripped = line.strip()
        if not stripped:
            self._add(Line("blank", "", raw))
        elif is_underline(line):
            self._add(Line("underline", stripped, raw))
        elif stripped.startswith("LOG:"):
            self._add(Line("log", stripped, raw))
        elif _is_header(line, following):
            self._begin(raw, line, stripped)
        elif (found := _STAGE.match(line)) is not None:
            self._place_stage(_indent_of_stage(line), _stage(found, raw))
        elif (missing := _NO_MATCH.match(line)) is not None:
            stage = Stage(int(missing["table"]), missing["name"], raw, no_match=True)
            self._place_stage(_indent_of_stage(line), stage)
        elif stripped.startswith("# ") and self._stage is None and not self._open:
            self._trace.flow = self._trace.flow or stripped[2:]
            self._add(Line("flow", stripped, raw))
        else:
            self._add(self._line(raw, stripped))

    def _line(self, raw: str, stripped: str) -> Line:
        if stripped == "*** no OpenFlow flows":
            return Line("openflow", stripped, raw)
        if stripped.startswith("***"):
            self._trace.errors.append(stripped.lstrip("* "))
            return Line("error", stripped, raw)
        if stripped.startswith("/*") and stripped.endswith("*/"):
            output = _OUTPUT.match(stripped)
            if output is None:
                return Line("comment", stripped, raw)
            datapath = self._open[-1].datapath if self._open else ""
            return Line("comment", stripped, raw, Output(output["port"], output["type"], datapath))
        if stripped.startswith("cookie=") or (" actions=" in stripped and "table=" in stripped):
            return Line("openflow", stripped, raw)
        if not self._open and _ERROR.match(stripped):
            self._trace.errors.append(stripped)
            return Line("error", stripped, raw)
        if (stripped.endswith((";", "*/", "};")) and self._stage is not None) or (
            self._open and stripped.endswith(";")
        ):
            return Line("action", stripped, raw)
        return Line("other", stripped, raw)

    def _begin(self, raw: str, line: str, header: str) -> None:
        indent = len(line) - len(line.lstrip(" "))
        block = Block("", header, indent=indent, raw=raw)
        while self._open and self._open[-1].indent >= indent:
            before = self._open.pop()
            if before.indent == indent:
                _inherit(block, before)
        del self._open[DEEPEST - 1 :]
        if self._open and not block.datapath:
            _inherit(block, self._open[-1])
        _describe(block, header)
        self._children().append(block)
        self._open.append(block)
        self._stage = None

    def _place_stage(self, indent: int, stage: Stage) -> None:
        """A table line further left than its block ends that block: it goes on where the block was begun."""
        while len(self._open) > 1 and indent < self._open[-1].indent:
            self._open.pop()
        self._children().append(stage)
        self._stage = stage

    def _children(self) -> list[Node]:
        return self._open[-1].children if self._open else self._trace.children

    def _add(self, line: Line) -> None:
        if self._stage is not None:
            self._stage.lines.append(line)
        else:
            self._children().append(line)


def _is_header(line: str, following: str) -> bool:
    indent = len(line) - len(line.lstrip(" "))
    return (
        len(line) <= LONGEST_HEADER
        and is_underline(following)
        and len(following) == len(line)
        and following[indent:] == "-" * (len(line) - indent)
        and _HEADER.match(line[indent:]) is not None
        and not line.startswith("bridge(")
    )


def _indent_of_stage(line: str) -> int:
    """The number is printed two wide, so the line of table 7 begins with a space of its own."""
    return len(line[: line.index(".")]) - 2


def _stage(found: re.Match[str], raw: str) -> Stage:
    return Stage(
        table=int(found["table"]),
        name=found["name"],
        raw=raw,
        source=found["source"] or "",
        match=found["match"],
        priority=int(found["priority"]),
        uuid=found["uuid"],
    )


def _inherit(block: Block, before: Block) -> None:
    block.datapath, block.pipeline = before.datapath, before.pipeline
    block.inport, block.outport = before.inport, before.outport


def _describe(block: Block, header: str) -> None:
    pipeline = _PIPELINE.match(header)
    if pipeline is None:
        other = _HEADER.match(header)
        block.kind = other["kind"] if other else header
        block.arguments = (other["arguments"] or other["rest"].strip()) if other else ""
        return
    block.kind, block.arguments = pipeline["kind"], pipeline["arguments"]
    named = {m["name"]: m["value"] for m in _ARGUMENT.finditer(pipeline["arguments"])}
    block.datapath = named.get("dp", block.datapath)
    block.inport = named.get("inport", "")
    block.outport = named.get("outport", "")
    block.mcgroup = named.get("mcgroup", "")
    if block.kind == "ingress":
        block.pipeline = "ingress"
    elif block.kind == "egress":
        block.pipeline = "egress"

"""The way through a trace: every stage in printed order, with the branch that it belongs to.

ovn-trace forks at multicast groups, ``clone`` and the like; it indents a branch, and goes on unindented where a
tail call does. A branch starts as a copy of what it was forked from.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from ko_tui.backend.explain.model import Hop
from ko_tui.backend.explain.running_packet import RunningPacket
from ko_tui.backend.ovn.trace_model import Block, Node, Stage, Trace


@dataclass(slots=True)
class Branch:
    """What is carried along one way: the packet and the hops so far. ``indent`` is the column of its blocks."""

    packet: RunningPacket = field(default_factory=RunningPacket)
    hops: list[Hop] = field(default_factory=list)
    indent: int = 0
    entered: Block | None = None  # the pipeline block that the branch is in
    parent: Branch | None = None  # what it is still to be copied from

    def begin(self) -> None:
        """Take over packet and hops from the branch that it was forked from, once, at its first node."""
        if self.parent is not None:
            self.packet = self.parent.packet.copy()
            self.hops = [Hop(hop.kind, hop.name, hop.note) for hop in self.parent.hops]
            self.parent = None

    def fork(self, indent: int) -> Branch:
        """A branch of its own that starts here; it is copied when it begins."""
        return Branch(indent=indent, entered=self.entered, parent=self)


@dataclass(slots=True)
class Step:
    """A node in printed order with its branch. ``block`` is the pipeline block a stage belongs to."""

    node: Node
    branch: Branch
    block: Block | None


def steps(trace: Trace, packet: RunningPacket) -> Iterator[Step]:
    """Every stage, block and loose line with its branch, in printed order. The first branch begins with ``packet``.

    Branches are to be begun by the caller as he reaches their first node, so that they copy what he made of them.
    """
    open_branches = [Branch(packet)]
    floods: dict[int, tuple[Block, Branch]] = {}  # column of a multicast block -> the block and the way there
    for parent, node in _nodes(None, trace.children):
        if isinstance(node, Block):
            branch = _enter(node, open_branches, floods)
            yield Step(node, branch, branch.entered)
            if node.kind in ("ingress", "egress"):
                branch.entered = node
            elif node.kind == "multicast":
                floods[node.indent] = (node, branch)
        else:
            column = parent.indent if parent is not None else 0
            while len(open_branches) > 1 and open_branches[-1].indent > column:
                open_branches.pop()
            branch = open_branches[-1]
            yield Step(node, branch, branch.entered)


def _enter(block: Block, open_branches: list[Branch], floods: dict[int, tuple[Block, Branch]]) -> Branch:
    while len(open_branches) > 1 and open_branches[-1].indent > block.indent:
        open_branches.pop()
    for column in [column for column in floods if column >= block.indent]:
        del floods[column]
    copy_of = floods.get(max((column for column in floods if column < block.indent), default=-1))
    top = open_branches[-1]
    if copy_of is not None and block.kind == "egress":
        group, way = copy_of
        came = top.entered if top.indent == block.indent else None
        again = came is not None and came.pipeline == "ingress" and came.datapath == block.datapath
        if block.datapath == group.datapath and not again:
            if top.indent == block.indent:
                open_branches.pop()
            open_branches.append(way.fork(block.indent))
            return open_branches[-1]
    if block.indent > top.indent:
        open_branches.append(top.fork(block.indent))
    return open_branches[-1]


def _nodes(parent: Block | None, nodes: list[Node]) -> Iterator[tuple[Block | None, Node]]:
    for node in nodes:
        yield parent, node
        if isinstance(node, Block):
            yield from _nodes(node, node.children)


def following(all_steps: list[Step], at: int) -> Iterator[tuple[Stage, bool]]:
    """The stages after step ``at`` in its branch and those forked from it; whether each is in the same pipeline."""
    start = all_steps[at]
    same = True
    for later in range(at + 1, len(all_steps)):
        step = all_steps[later]
        if step.branch.indent < start.branch.indent:
            return
        if isinstance(step.node, Block) and step.node.kind in ("ingress", "egress"):
            same = False
        elif isinstance(step.node, Stage):
            yield step.node, same and step.branch is start.branch

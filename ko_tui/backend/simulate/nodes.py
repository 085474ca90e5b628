"""The tree that a trace builds, and its printing exactly as ``ovn-trace`` prints it.

Facts: utilities/ovn-trace.c (ovntrace_node_print_details and its kin).
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import Enum

DROP = "drop;"


class Kind(Enum):
    """What a node is; the first four never open a level of their own."""

    OUTPUT = 1
    MODIFY = 2
    ACTION = 3
    ERROR = 4
    PIPELINE = 5
    TABLE = 6
    TRANSFORM = 7


_TERMINAL = frozenset({Kind.OUTPUT, Kind.MODIFY, Kind.ACTION, Kind.ERROR})
_TITLED = frozenset({Kind.PIPELINE, Kind.TRANSFORM})


@dataclass(slots=True, eq=False)
class TraceNode:
    """A line of the trace and what follows from it."""

    kind: Kind
    text: str
    always_indent: bool = False
    children: list[TraceNode] = field(default_factory=list)

    def add(self, kind: Kind, text: str) -> TraceNode:
        """A new last child."""
        child = TraceNode(kind, text)
        self.children.append(child)
        return child


def detailed(root: TraceNode) -> str:
    """The children of ``root`` as ``--detailed`` prints them. A last child that is no leaf stays at its level."""
    out: list[str] = []
    stack: list[tuple[list[TraceNode], int, int]] = [(root.children, 0, 0)]
    while stack:
        nodes, at, level = stack.pop()
        if at >= len(nodes):
            continue
        stack.append((nodes, at + 1, level))
        node = nodes[at]
        if node.kind is Kind.MODIFY:
            continue
        more = at + 1 < len(nodes) or node.always_indent or node.kind in _TERMINAL
        indent = " " * (4 * (level + more))
        if node.kind in _TITLED:
            dashes = "-" * len(node.text.encode("utf-8", "surrogatepass"))
            out.append(f"\n{indent}{node.text}\n{indent}{dashes}\n")
        else:
            out.append(f"{indent}{node.text}\n")
        stack.append((node.children, 0, level + 2 * more))
    return "".join(out)

"""The trace of a packet through logical pipelines: what ``ovn-trace`` prints, as a tree.

Both the parser of ovn-trace's output and the simulator make this model. The tree loses nothing: ``str(trace)``
is the text it was made from, byte for byte.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Literal


class Verdict(StrEnum):
    """What became of the packet, for one branch or for the whole trace."""

    DELIVERED = "delivered"  # output to a port
    REPLIED = "replied"  # OVN itself answered (ARP, ND, ICMP echo of a router, DHCP, TCP reset, ICMP error)
    DROPPED = "dropped"
    CONTROLLER = "controller"  # handed to ovn-controller, end unknown to the trace
    UNKNOWN = "unknown"  # nothing could be concluded (unparsable, ovn-trace failed)


@dataclass(slots=True)
class Output:
    """``/* output to "port", type "patch" */``: where a branch left a datapath."""

    port: str
    type: str = ""  # Port_Binding.type: "", patch, localnet, l3gateway, chassisredirect, vtep, ...
    datapath: str = ""


@dataclass(slots=True)
class Line:
    """A line that is not a stage or a header: an action, a comment, an error, OpenFlow, or blank.

    ``text`` is stripped; ``raw`` is as printed. Kinds: ``action`` ends with ``;``; ``comment`` is ``/* ... */``;
    ``error`` starts with ``***``; ``log`` is ovn-trace's ``LOG:`` line; ``openflow`` is printed by --ovs;
    ``flow`` is the ``# ...`` first line; ``other`` is not understood and is shown raw with a mark.
    """

    kind: Literal["action", "comment", "error", "log", "openflow", "flow", "blank", "underline", "other"]
    text: str
    raw: str
    output: Output | None = None  # for a comment or action that says where the packet went


@dataclass(slots=True)
class Stage:
    """One table the packet visited: ``NN. stage (source): match, priority P, uuid U`` and what follows it.

    ``no_match`` is the table without a matching flow, an implicit drop; then match, source and uuid are empty.
    ``lines`` are the actions and comments in printed order. ``table`` is the logical table number.
    """

    table: int
    name: str
    raw: str
    source: str = ""
    match: str = ""
    priority: int | None = None
    uuid: str = ""  # first 8 hexadecimal digits of the Logical_Flow row
    no_match: bool = False
    lines: list[Line] = field(default_factory=list)

    @property
    def actions(self) -> list[str]:
        """The action statements in order, as text (``reg0[0] = 1;``)."""
        return [line.text for line in self.lines if line.kind == "action"]


@dataclass(slots=True)
class Block:
    """A header with its dashes and what it holds: a pipeline, or a transformation of the packet.

    ``kind`` is ``ingress``, ``egress``, ``multicast``, or the first word of any other header (``ct_next``,
    ``ct_lb_mark``, ``ct_snat``, ``clone``, ``arp``, ``icmp4``, ``tcp_reset``, ...). ``arguments`` is the text
    within its parentheses. ``datapath`` is inherited where the header names none.
    """

    kind: str
    header: str
    datapath: str = ""
    pipeline: Literal["ingress", "egress", ""] = ""
    inport: str = ""
    outport: str = ""
    mcgroup: str = ""
    arguments: str = ""
    indent: int = 0
    raw: str = ""  # the header line as printed, without its end of line
    children: list[Node] = field(default_factory=list)

    def walk(self) -> Iterator[Node]:
        """This block's nodes, depth first, in printed order."""
        for child in self.children:
            yield child
            if isinstance(child, Block):
                yield from child.walk()


Node = Stage | Block | Line


@dataclass(slots=True)
class Outcome:
    """How one branch ended. ``stage`` is the last stage of the branch, when there is one."""

    verdict: Verdict
    datapath: str = ""
    pipeline: str = ""
    port: str = ""
    port_type: str = ""
    stage: Stage | None = None
    reason: str = ""  # a key: "implicit", "explicit", "acl", "port_security", "reject", "output", "arp", ...


@dataclass(slots=True)
class Trace:
    """A whole trace. ``children`` in printed order; ``text`` is the exact input."""

    text: str
    children: list[Node] = field(default_factory=list)
    flow: str = ""  # OpenFlow spelling of the packet, without "# "
    outcomes: list[Outcome] = field(default_factory=list)
    verdict: Verdict = Verdict.UNKNOWN
    errors: list[str] = field(default_factory=list)  # messages of ovn-trace (unknown datapath, ***)
    assumptions: list[str] = field(default_factory=list)  # keys of what was assumed or guessed

    def walk(self) -> Iterator[Node]:
        """All nodes, depth first, in printed order."""
        for child in self.children:
            yield child
            if isinstance(child, Block):
                yield from child.walk()

    def stages(self) -> Iterator[tuple[Block | None, Stage]]:
        """Every stage in printed order with the block that holds it."""
        yield from _stages(None, self.children)

    @property
    def outputs(self) -> list[str]:
        """Names of the final ports the packet was output to (patch ports, which lead on, left out)."""
        return [o.port for o in self.outcomes if o.verdict is Verdict.DELIVERED]


def _stages(block: Block | None, nodes: list[Node]) -> Iterator[tuple[Block | None, Stage]]:
    for node in nodes:
        if isinstance(node, Stage):
            yield block, node
        elif isinstance(node, Block):
            yield from _stages(node, node.children)

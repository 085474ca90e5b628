"""What became of the packet, branch by branch and for the whole trace.

A branch goes on from block to block at the same indent; deeper blocks are forks of it (flooding, clone). It ends in an
output, a drop, an answer that OVN makes itself, or silently: since 24.03 an ACL's drop prints no ``drop;`` at all.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace

from ko_tui.backend.ovn.trace_model import Block, Line, Node, Outcome, Stage, Trace, Verdict

LEADS_ON = frozenset({"patch", "l3gateway"})  # ports with a peer: the trace goes on behind them
ANSWERS = frozenset({"nd_na", "nd_na_router"})
# Blocks in which OVN makes another packet because this one cannot go on.
REFUSALS = frozenset({"tcp_reset", "sctp_abort", "reject", "icmp4", "icmp6", "icmp4_error", "icmp6_error"})
RESOLVERS = frozenset({"arp", "nd_ns"})  # the packet waits in ovn-controller until its next hop is known
_REPLY_STAGES = {
    "ls_in_dhcp_response": "dhcp",
    "ls_in_dns_response": "dns",
    "lr_in_nd_ra_response": "nd_ra",
}
_REPLY_ACTIONS = {"arp.op = 2;": "arp", "icmp4.type = 0;": "icmp", "icmp6.type = 129;": "icmp"}
_REFUSED = frozenset(
    {"reject", "ttl", *REFUSALS}
)  # reasons of what OVN sends because the packet cannot go on
_TO_CONTROLLER = re.compile(
    r"^(?:trigger_event|dhcp6_reply|handle_dhcpv6_reply|igmp|handle_svc_check|handle_bfd_msg|bfd)\b"
)
# After these a packet goes on in a block of its own; a text that ends with one was cut off there. What a group of
# ports does with a packet ovn-trace does not follow.
_GOES_ON = re.compile(r"^(?:next|ct_next|ct_lb|ct_[ds]nat|ct_commit_nat|select\(|fwd_group\()")
_MIRROR_LOST = "/* omitting output because no ta"  # 25.09 and later; the word after it is misspelt there


@dataclass
class _Branch:
    """A packet on its way."""

    block: Block | None = None
    stage: Stage | None = None
    ended: bool = False
    replied: str = ""  # what OVN answers with: arp, nd, icmp, dhcp, dns, nd_ra
    refused: str = ""  # the reason why this is another packet than the one that was asked about
    resolving: bool = False
    reached_controller: bool = False
    began: bool = False


def judge(trace: Trace) -> None:
    """Fill ``outcomes`` and ``verdict`` of a parsed trace."""
    judge = _Judge(trace)
    judge.walk(trace.children, _Branch(), fork=None)
    trace.outcomes = judge.outcomes
    trace.verdict = whole(trace)


def whole(trace: Trace) -> Verdict:
    """One verdict from those of the branches."""
    outcomes = trace.outcomes
    if not outcomes:
        return Verdict.UNKNOWN
    found = {o.verdict for o in outcomes}
    asks = trace.flow.startswith(("arp", "icmp6")) and Verdict.REPLIED in found
    if asks and not any(o.reason in _REFUSED for o in outcomes):
        return Verdict.REPLIED
    order = (Verdict.DELIVERED, Verdict.CONTROLLER, Verdict.DROPPED, Verdict.REPLIED)
    if any(o.verdict is Verdict.REPLIED and o.reason not in _REFUSED for o in outcomes):
        order = (Verdict.DELIVERED, Verdict.REPLIED, Verdict.CONTROLLER, Verdict.DROPPED)
    return next((v for v in order if v in found), Verdict.UNKNOWN)


class _Judge:
    def __init__(self, trace: Trace) -> None:
        self.outcomes: list[Outcome] = []
        self._leads_on = _leading_outputs(trace)

    def walk(self, nodes: list[Node], branch: _Branch, fork: Block | None) -> None:
        """Follow ``nodes`` in order; ``fork`` is the block whose indented children they are, if any."""
        at_start = replace(branch)
        for node in nodes:
            if isinstance(node, Stage):
                branch.stage, branch.began = node, True
                self._stage(node, branch)
            elif isinstance(node, Line):
                self._line(node, branch)
            else:
                if fork is not None and self._is_new_fork(branch, node, fork):
                    self._close(branch)
                    branch = replace(at_start, ended=False, began=False)
                self._block(node, branch)
        self._close(branch)

    def _is_new_fork(self, branch: _Branch, node: Block, fork: Block) -> bool:
        if not branch.began:
            return False
        if fork.kind == "multicast":
            previous = branch.block
            same = node.kind == "egress" and node.datapath == fork.datapath
            return same and (branch.ended or previous is None or previous.pipeline == "egress")
        # What was made instead of the packet (an ARP request, an ICMP error) goes on to its own end.
        return branch.ended and node.kind != "ingress" and not (branch.resolving or branch.refused)

    def _block(self, block: Block, branch: _Branch) -> None:
        if block.kind in ANSWERS:
            branch.replied = "nd"
        elif block.kind in REFUSALS and not branch.refused:
            self._refuse(branch, block)
        elif block.kind in RESOLVERS and not branch.resolving:
            branch.resolving = True
            self._end(branch, Verdict.CONTROLLER, "resolve")
        if block.kind == "multicast":
            # Each child is a packet of its own; the group itself is no end.
            branch.ended = True
            copy = replace(branch, ended=False, began=False, block=block)
            self.walk(block.children, copy, fork=block)
            return
        branch.ended, branch.began, branch.block = False, True, block
        self._follow(block.children, branch)

    def _follow(self, nodes: list[Node], branch: _Branch) -> None:
        """The nodes within a block: stages go on with the branch, indented blocks are forks of it."""
        run: list[Block] = []
        for node in nodes:
            if isinstance(node, Stage):
                self._fork(run, branch)
                run = []
                branch.stage = node
                self._stage(node, branch)
            elif isinstance(node, Line):
                self._line(node, branch)
            else:
                run.append(node)
        self._fork(run, branch)

    def _fork(self, run: list[Block], branch: _Branch) -> None:
        if run:
            copy = replace(branch, ended=False, began=False)
            self.walk(list(run), copy, fork=branch.block)
            branch.ended = branch.ended or run[-1].kind in REFUSALS
            # A packet whose next hop is not known is of no use to anybody, wherever else it goes.
            branch.resolving = branch.resolving or run[0].kind in RESOLVERS

    def _refuse(self, branch: _Branch, block: Block) -> None:
        stage = branch.stage
        reason = block.kind
        if stage is not None and any(a.startswith("reject") for a in stage.actions):
            reason = "reject"
        elif stage is not None and "ip.ttl == {0, 1}" in stage.match:
            reason = "ttl"
        branch.refused = reason
        self._end(branch, Verdict.DROPPED, reason)

    def _stage(self, stage: Stage, branch: _Branch) -> None:
        branch.ended = False
        if stage.no_match:
            self._end(branch, Verdict.DROPPED, "implicit")
            return
        if stage.name in _REPLY_STAGES and "output;" in stage.actions:
            branch.replied = _REPLY_STAGES[stage.name]
        for action in stage.actions:
            branch.replied = _REPLY_ACTIONS.get(action, branch.replied)
        for line in stage.lines:
            self._line(line, branch)

    def _line(self, line: Line, branch: _Branch) -> None:
        if line.output is not None:
            if id(line) in self._leads_on:
                branch.ended = True  # here; the peer's ingress goes on with it
            else:
                self._output(line, branch)
        elif line.kind == "comment" and line.text.startswith(_MIRROR_LOST):
            branch.ended = True  # a mirror's copy, not the packet
        elif line.kind == "comment" and line.text.startswith("/* omitting output"):
            self._end(branch, Verdict.DROPPED, "loopback")
        elif line.kind == "action":
            if line.text == "drop;":
                self._end(branch, Verdict.DROPPED, drop_reason(branch.stage))
            elif _TO_CONTROLLER.match(line.text):
                branch.reached_controller = True

    def _output(self, line: Line, branch: _Branch) -> None:
        assert line.output is not None
        if branch.resolving:
            branch.ended = True
            return
        port, kind = line.output.port, line.output.type
        if branch.refused:
            self._end(branch, Verdict.REPLIED, branch.refused, port, kind)
        elif branch.replied:
            self._end(branch, Verdict.REPLIED, branch.replied, port, kind)
        else:
            self._end(branch, Verdict.DELIVERED, "output", port, kind)

    def _close(self, branch: _Branch) -> None:
        """The branch's text is over: what does it mean when nothing was said?"""
        if branch.ended or not branch.began:
            return
        stage = branch.stage
        if stage is None or branch.resolving or branch.refused:
            return
        if branch.reached_controller:
            self._end(branch, Verdict.CONTROLLER, "controller")
        elif is_acl_drop(stage):
            self._end(branch, Verdict.DROPPED, "acl")
        elif stage.actions and stage.actions[-1] == "output;":
            self._end(branch, Verdict.DROPPED, "no_output")
        elif not stage.actions or not any(_GOES_ON.match(a) for a in stage.actions):
            self._end(branch, Verdict.DROPPED, drop_reason(stage) if stage.actions else "silent")
        else:
            self._end(branch, Verdict.UNKNOWN, "unfinished")

    def _end(self, branch: _Branch, verdict: Verdict, reason: str, port: str = "", kind: str = "") -> None:
        branch.ended = True
        block = branch.block
        self.outcomes.append(
            Outcome(
                verdict,
                datapath=block.datapath if block else "",
                pipeline=block.pipeline if block else "",
                port=port,
                port_type=kind,
                stage=branch.stage,
                reason=reason,
            )
        )


def _leading_outputs(trace: Trace) -> set[int]:
    """``id`` of each output to a port with a peer, where the packet goes on: the next block is the peer's ingress."""
    found: set[int] = set()
    last: Line | None = None
    for node in trace.walk():
        lines = node.lines if isinstance(node, Stage) else [node] if isinstance(node, Line) else []
        for line in lines:
            if line.output is not None:
                last = line if line.output.type in LEADS_ON else None
        if isinstance(node, Block):
            if last is not None and node.kind == "ingress":
                found.add(id(last))
            last = None
    return found


def is_acl_drop(stage: Stage) -> bool:
    """An ACL's drop without a ``drop;``: the verdict bit reg8[17] of 24.03 and later, or a logged drop before."""
    if "acl" not in stage.name:
        return False
    if stage.name.endswith("_action") and "reg8[17] == 1" in stage.match:
        return True
    return any(a.startswith("log(") and "verdict=drop" in a for a in stage.actions)


def drop_reason(stage: Stage | None) -> str:
    """The kind of an explicit drop, by the stage that it happened in."""
    name = stage.name if stage else ""
    if "acl" in name:
        return "acl"
    if "port_sec" in name:
        return "port_security"
    if name in ("lr_in_ip_routing", "lr_in_ip_routing_pre", "lr_in_ip_routing_ecmp"):
        # Below all routes, those that discard too, stands what matches everything.
        return "no_route" if stage is not None and stage.priority == 0 else "route"
    if name.startswith("lr_in_policy"):
        return "policy"
    if name == "lr_in_arp_resolve":
        return "next_hop"
    if name.endswith("lb_aff_learn"):
        return "affinity"
    if name in ("ls_in_lb", "lr_in_dnat"):
        return "no_backend"
    if name.endswith("l2_unknown"):
        return "unknown_mac"
    return "explicit"

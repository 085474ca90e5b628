"""The way back: the reply of a traced packet, with its own port, MACs and conntrack state."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from ko_tui.backend.errors import UsageError
from ko_tui.backend.ovn.trace_model import Verdict
from ko_tui.backend.packet import PORT_PROTOCOLS, Protocol
from ko_tui.backend.tracing.model import TracePlan, TraceRequest, TraceResult

if TYPE_CHECKING:
    from ko_tui.backend.session import Session

REPLY_STATE = ("est,rpl",) * 4
TCP_SYN_ACK = 18


def reply_request(session: Session, result: TraceResult) -> TraceRequest:
    """What to trace for the reply. Raises UsageError when the packet was not delivered to a known endpoint."""
    delivered = [
        o for o in result.explained.outcomes if o.verdict is Verdict.DELIVERED and o.port and not o.port_type
    ]
    if not delivered:
        raise UsageError(
            "The packet was not delivered to a port of this cluster, so there is no reply to trace.",
            "Trace a packet that arrives first.",
        )
    plan = result.plan
    if plan.packet.protocol not in PORT_PROTOCOLS | {Protocol.ICMP}:
        raise UsageError(
            "ARP and neighbour solicitations have no conntrack reply.", "Trace the other way instead."
        )
    port = delivered[0].port
    if port == plan.packet.inport:
        raise UsageError(
            "The packet came back to its own sender, as one of the Service's endpoints. How the answer is turned "
            "round is learned by each node while packets flow, which a logical trace does not see.",
            "Trace the same Service from another pod; on the node, ofproto/trace shows the learned flow.",
        )
    known = [e for e in session.inventory().endpoints if e.lsp == port]
    if not known:
        raise UsageError(f"No pod, VM or node with the port {port} is known.", "Refresh the pod list.")
    responder = known[0]
    last = result.explained.stages[-1].packet if result.explained.stages else {}
    protocol = plan.packet.protocol
    sent_to = last.get(f"{protocol}.dst", "")
    arrived_from = last.get(f"ip{plan.packet.family}.src", plan.packet.ip_src)
    return TraceRequest(
        source=responder.key,
        destination=arrived_from,
        protocol=protocol,
        src_port=_answering_port(plan, sent_to),
        dst_port=plan.packet.src_port,
        family=plan.packet.family,
        tcp_flags=TCP_SYN_ACK if protocol is Protocol.TCP else plan.packet.tcp_flags,
        ct=REPLY_STATE,
        namespace=plan.request.namespace,
        engine=plan.request.engine,
    )


def _answering_port(plan: TracePlan, sent_to: str) -> int:
    """The port that the responder answers from: where the packet had got to, a chosen backend's, or the Service's
    target port."""
    if sent_to.isdigit() and int(sent_to) != plan.packet.dst_port:
        return int(sent_to)
    chosen = plan.lb_dst.rpartition(":")[2] if plan.lb_dst and not plan.lb_dst.endswith("]") else ""
    if chosen.isdigit() and ":" in plan.lb_dst:
        return int(chosen)
    for port in plan.destination.ports:
        served = re.match(rf"^{plan.packet.dst_port}/{plan.packet.protocol.upper()} -> (\d+)", port)
        if served:
            return int(served[1])
    return plan.packet.dst_port

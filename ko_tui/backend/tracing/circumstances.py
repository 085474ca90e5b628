"""What the request and the trace tell only together: the packet that came elsewhere, or that a sender never sends."""

from __future__ import annotations

from ko_tui.backend.explain.catalogue import Catalogue
from ko_tui.backend.explain.model import ExplainedTrace
from ko_tui.backend.ovn.trace_model import Verdict
from ko_tui.backend.tracing.model import TracePlan

_BALANCERS = ("ls_in_lb", "lr_in_dnat")


def circumstances(plan: TracePlan, explained: ExplainedTrace, words: Catalogue) -> list[str]:
    """Notes in the catalogue's language, for above all others; none where the packet is what it was meant to be."""
    packet, source, wanted = plan.packet, plan.source, plan.destination
    if wanted.phase in ("Succeeded", "Failed"):
        return [words.say("note.ended", end=wanted.key, phase=wanted.phase)]
    apart = bool(wanted.lsp and source.vpc and wanted.vpc and source.vpc != wanted.vpc)
    ports = explained.trace.outputs
    if "rpl" in "".join(packet.ct[:1]):
        return [words.say("note.answer", end=source.key, address=packet.ip_dst)]
    if wanted.kind == "service":
        return _service(plan, explained, words)
    if apart and wanted.lsp not in ports:
        return [
            words.say(
                "note.other_vpc", end=wanted.key, address=packet.ip_dst, vpc=wanted.vpc, here=source.vpc
            )
        ]
    if packet.ip_src == packet.ip_dst and explained.verdict is Verdict.DROPPED:
        return [words.say("note.to_itself", end=source.key)]
    if wanted.kind not in ("pod", "vm", "attachment") or not wanted.lsp or not ports or wanted.lsp in ports:
        return []
    if all(port.startswith("node-") for port in ports):
        blanks = {"end": wanted.key, "address": packet.ip_dst, "switch": wanted.switch, "vpc": source.vpc}
        return [words.say("note.leaves_ovn", **blanks)]
    return [words.say("note.other_port", end=wanted.key, address=packet.ip_dst)]


def _service(plan: TracePlan, explained: ExplainedTrace, words: Catalogue) -> list[str]:
    wanted = plan.destination
    if plan.source.kind == "node":
        return [words.say("note.node_service", end=wanted.key)]
    if "new" not in (plan.packet.ct or ("new",))[0]:
        return [words.say("note.known_connection", end=wanted.key)]
    port = f"{plan.packet.dst_port}/{plan.packet.protocol.upper()}"
    served = any(text.split(" ")[0] == port for text in wanted.ports)  # else the plan warns already
    balanced = any(made.stage.name in _BALANCERS and made.stage.priority for made in explained.stages)
    if not served or balanced:
        return []
    if plan.lb_dst:
        return [words.say("note.backend", backend=plan.lb_dst)]
    return [words.say("note.not_balanced", end=wanted.key, address=plan.packet.ip_dst, vpc=plan.source.vpc)]

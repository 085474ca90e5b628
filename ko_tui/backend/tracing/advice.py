"""What to do next: where the trace ends, the place that knows more, with a command that can be pasted."""

from __future__ import annotations

from ko_tui.backend.explain.catalogue import Catalogue
from ko_tui.backend.explain.headline import deciding_stage, main_outcome
from ko_tui.backend.explain.model import ExplainedTrace
from ko_tui.backend.explain.names import Names, acl_purpose
from ko_tui.backend.explain.reasons import reason_key
from ko_tui.backend.ovn.trace_model import Outcome, Verdict
from ko_tui.backend.tracing.model import Endpoint, TracePlan


def next_steps(plan: TracePlan, explained: ExplainedTrace, names: Names, words: Catalogue) -> list[str]:
    """Sentences in the catalogue's language, the most useful first; none where the trace says it all."""
    outcome = main_outcome(explained.trace)
    if outcome is None:
        return []
    if outcome.verdict is Verdict.DELIVERED:
        return _delivered(plan, explained, outcome, names, words)
    if outcome.verdict is Verdict.DROPPED:
        return _dropped(plan, explained, outcome, words)
    return []


def _delivered(
    plan: TracePlan, explained: ExplainedTrace, outcome: Outcome, names: Names, words: Catalogue
) -> list[str]:
    outputs = list(dict.fromkeys(explained.trace.outputs))
    port = outputs[0] if len(outputs) == 1 else ""
    found = names.port(port) if port else None
    target = plan.packet.ip_dst
    if port.startswith("localnet.") or outcome.port_type == "localnet":
        return [words.say("next.physical", target=target, node=plan.source.node or "NODE")]
    if found is not None and found.kind == "Node":
        if plan.destination.kind == "node" and plan.destination.name == found.name:
            return [words.say("next.node_itself", node=found.name)]
        subnet = plan.source.switch
        return [words.say("next.node_decides", node=found.name, target=target, subnet=subnet)]
    if found is not None and found.kind == "Pod":
        return [words.say("next.delivered", pod=f"{found.namespace}/{found.name}")]
    return []


def _dropped(plan: TracePlan, explained: ExplainedTrace, outcome: Outcome, words: Catalogue) -> list[str]:
    reason, datapath = reason_key(outcome, explained.trace.flow), outcome.datapath
    incoming = outcome.pipeline != "egress"
    match reason:
        case "port_security":
            return _port_security(plan.source if incoming else plan.destination, incoming, words)
        case "acl":
            return _acl(plan, explained, outcome, words)
        case "no_route" | "route":
            return [words.say("next.route", router=datapath, target=plan.packet.ip_dst)]
        case "policy":
            return [words.say("next.policy", router=datapath)]
        case "unknown_mac":
            return [words.say("next.unknown_mac", switch=datapath)]
        case "no_backend" if plan.destination.kind == "service":
            there = plan.destination
            return [words.say("next.no_backend", namespace=there.namespace, service=there.name)]
    return []


def _port_security(end: Endpoint, incoming: bool, words: Catalogue) -> list[str]:
    if not end.ips:
        return []
    own = words.say("join.list").join((*end.ips, end.mac) if end.mac else end.ips)
    steps = [words.say("next.port_security" if incoming else "next.port_security_out", port=end.key, own=own)]
    if end.kind in ("pod", "vm", "attachment"):
        key = f"{end.provider}.kubernetes.io/port_vips"
        steps.append(
            words.say(
                "next.port_vips", annotation="ovn.kubernetes.io/port_vips" if end.provider == "ovn" else key
            )
        )
    return steps


def _acl(plan: TracePlan, explained: ExplainedTrace, outcome: Outcome, words: Catalogue) -> list[str]:
    """By what Kube-OVN uses the flow's priority for (kube-ovn pkg/util/const.go), else for any rule."""
    stage = deciding_stage(outcome, explained.stages)
    end = plan.source if outcome.pipeline != "egress" else plan.destination
    purpose = acl_purpose(stage.priority - 1000) if stage is not None and stage.priority else ""
    if purpose == "acl_np_drop" and end.namespace:
        steps = [words.say("next.network_policy", namespace=end.namespace)]
    elif purpose in ("acl_sg_deny_all", "acl_sg_rule") and stage is not None and "@ovn.sg." in stage.match:
        steps = [words.say("next.security_group")]
    elif purpose == "acl_private_subnet":
        steps = [words.say("next.private_subnet", subnet=outcome.datapath)]
    else:
        steps = [words.say("next.acl", switch=outcome.datapath)]
    return [*steps, words.say("next.why_not")]

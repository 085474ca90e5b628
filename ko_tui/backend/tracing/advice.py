"""What to do next: where the trace ends, the place that knows more, with a command that can be pasted."""

from __future__ import annotations

import re
from collections.abc import Callable

from ko_tui.backend.explain.catalogue import Catalogue
from ko_tui.backend.explain.headline import deciding_stage, main_outcome
from ko_tui.backend.explain.model import ExplainedTrace
from ko_tui.backend.explain.names import Names, acl_purpose, policy_purpose
from ko_tui.backend.explain.reasons import next_hop, packet_at, reason_key
from ko_tui.backend.ovn.trace_model import Outcome, Verdict
from ko_tui.backend.packet import Protocol
from ko_tui.backend.tracing.dhcp import dhcp_client
from ko_tui.backend.tracing.model import Endpoint, TracePlan

_PORT_GROUP = re.compile(r"\b(in|out)port == @([A-Za-z0-9._]+)")
_ASKS = (Protocol.ARP_REQUEST, Protocol.ND_NS)


def next_steps(
    plan: TracePlan,
    explained: ExplainedTrace,
    names: Names,
    words: Catalogue,
    masquerades: Callable[[str], bool | None] = lambda subnet: None,
) -> list[str]:
    """Sentences in the catalogue's language, the most useful first; none where the trace says it all.

    ``masquerades`` tells of a subnet whether it has natOutgoing; None when that is not known. It is asked only where
    the answer matters.
    """
    outcome = main_outcome(explained.trace)
    if outcome is None:
        return []
    if outcome.verdict is not Verdict.REPLIED and dhcp_client(plan.request, plan.source, plan.destination):
        blanks = {"port": plan.source.lsp, "subnet": plan.source.switch, "family": plan.packet.family}
        return [words.say("next.no_dhcp", **blanks)]
    if outcome.verdict is Verdict.DELIVERED:
        return _delivered(plan, explained, outcome, names, words, masquerades)
    if outcome.verdict is Verdict.DROPPED:
        return _dropped(plan, explained, outcome, names, words)
    if outcome.reason == "resolve":
        return _resolve(plan, explained, outcome, words)
    return []


def _delivered(
    plan: TracePlan,
    explained: ExplainedTrace,
    outcome: Outcome,
    names: Names,
    words: Catalogue,
    masquerades: Callable[[str], bool | None],
) -> list[str]:
    outputs = list(dict.fromkeys(explained.trace.outputs))
    port = outputs[0] if len(outputs) == 1 else ""
    found = names.port(port) if port else None
    target = plan.packet.ip_dst
    if port.startswith("localnet.") or outcome.port_type == "localnet":
        return [words.say("next.physical", target=target, node=plan.source.node or "NODE")]
    if len(outputs) > 1 and plan.packet.protocol in _ASKS:
        return [words.say("next.nobody", target=target)]
    if found is not None and found.kind == "Node":
        there = plan.destination
        named = (there.kind == "node" or there.host_network) and there.node == found.name
        if named or _to_a_node(explained):
            return [words.say("next.node_itself", node=found.name)]
        return [_onward(plan, found.name, words, masquerades)]
    if found is not None and found.kind in ("Pod", "VirtualMachine"):
        nic = f"@{found.detail}" if found.detail else ""
        key = "next.answered" if "rpl" in "".join(plan.packet.ct[:1]) else "next.delivered"
        return [words.say(key, pod=f"{found.namespace}/{found.name}{nic}")]
    return []


def _to_a_node(explained: ExplainedTrace) -> bool:
    """A policy of Kube-OVN's for a node's own address decided the next hop."""
    return any(
        made.stage.name == "lr_in_policy" and policy_purpose(made.stage.priority or 0) == "policy_node"
        for made in explained.stages
    )


def _onward(plan: TracePlan, node: str, words: Catalogue, masquerades: Callable[[str], bool | None]) -> str:
    """What a node does with a packet that OVN hands to it, by the sender's subnet."""
    subnet = plan.source.switch
    found = masquerades(subnet) if plan.source.kind != "node" else None
    if found is None:
        key = "next.node_decides"
    else:
        key = "next.node_masquerades" if found else "next.node_routes"
    return words.say(
        key,
        node=node,
        target=plan.packet.ip_dst,
        subnet=subnet,
        source=plan.packet.ip_src,
        iptables="iptables" if plan.packet.family == 4 else "ip6tables",
    )


def _resolve(plan: TracePlan, explained: ExplainedTrace, outcome: Outcome, words: Catalogue) -> list[str]:
    packet, hop = packet_at(outcome, explained.stages), next_hop(outcome, explained.stages)
    if not hop:
        return []
    if hop in (packet.get("reg1"), packet.get("xxreg1")):  # the router would ask for its own address
        return [
            words.say("next.own_hop", ip=hop, target=plan.packet.ip_dst, router=_router(explained, outcome))
        ]
    lines = (line for stage in explained.trace.stages() for line in stage[1].lines)
    if not any(line.output is not None and line.output.type == "localnet" for line in lines):
        return [words.say("next.nobody", target=hop)]  # all that could answer is within OVN
    return [words.say("next.resolve", ip=hop)]


def _router(explained: ExplainedTrace, outcome: Outcome) -> str:
    return next((made.datapath for made in explained.stages if made.stage is outcome.stage), outcome.datapath)


def _dropped(
    plan: TracePlan, explained: ExplainedTrace, outcome: Outcome, names: Names, words: Catalogue
) -> list[str]:
    reason, datapath = reason_key(outcome, explained.trace.flow), outcome.datapath
    incoming = outcome.pipeline != "egress"
    match reason:
        case "port_security":
            return _port_security(plan.source if incoming else plan.destination, incoming, words)
        case "acl":
            return _acl(plan, explained, outcome, names, words)
        case "no_route" | "route":
            return [words.say("next.route", router=datapath, target=plan.packet.ip_dst)]
        case "policy":
            return [words.say("next.policy", router=datapath)]
        case "unknown_mac":
            return [words.say("next.unknown_mac", switch=datapath)]
        case "affinity":
            packet = packet_at(outcome, explained.stages)
            ip, port = (packet.get(name, "") for name in _endpoint_fields(plan))
            blanks = {"ip": ip, "protocol": plan.packet.protocol, "port": port}
            return [words.say("next.affinity", source=plan.source.key, **blanks)] if ip and port else []
        case "no_backend" if plan.destination.kind == "service":
            there = plan.destination
            return [words.say("next.no_backend", namespace=there.namespace, service=there.name)]
    return []


def _endpoint_fields(plan: TracePlan) -> tuple[str, str]:
    return f"ip{plan.packet.family}.dst", f"{plan.packet.protocol}.dst"


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


def _acl(
    plan: TracePlan, explained: ExplainedTrace, outcome: Outcome, names: Names, words: Catalogue
) -> list[str]:
    """By what Kube-OVN uses the flow's priority for (kube-ovn pkg/util/const.go), else for any rule."""
    stage = deciding_stage(outcome, explained.stages)
    end = plan.source if outcome.pipeline != "egress" else plan.destination
    purpose = acl_purpose(stage.priority - 1000) if stage is not None and stage.priority else ""
    block = next((made.block for made in explained.stages if made.stage is outcome.stage), None)
    port = names.port(block.outport if outcome.pipeline == "egress" else block.inport) if block else None
    namespace = (
        port.namespace if port else end.namespace
    )  # of a Service's endpoint the pod's, not the Service's
    if purpose == "acl_np_drop" and namespace:
        steps = [_network_policy(namespace, stage.match if stage else "", names, words)]
    elif purpose in ("acl_sg_deny_all", "acl_sg_rule") and stage is not None and "@ovn.sg." in stage.match:
        there = not port or (port.namespace, port.name) == (end.namespace, end.vm or end.name)
        steps = [_security_groups(end.key, end.security_groups if there else (), words)]
    elif purpose == "acl_private_subnet":
        steps = [words.say("next.private_subnet", subnet=outcome.datapath)]
    else:
        steps = [words.say("next.acl", switch=outcome.datapath)]
    return [*steps, words.say("next.why_not")]


def _security_groups(end: str, groups: tuple[str, ...], words: Catalogue) -> str:
    if not groups:
        return words.say("next.security_group")
    listed, typed = words.say("join.list").join(groups), " ".join(groups)
    return words.say("next.security_groups_named", end=end, groups=listed, typed=typed)


def _network_policy(namespace: str, match: str, names: Names, words: Catalogue) -> str:
    """With the policy's name where its port group tells it: of a name with a hyphen Kube-OVN makes dots."""
    group = _PORT_GROUP.search(match)
    found = names.port_group(group[2]) if group else None
    if group is None or found is None or found.kind != "NetworkPolicy" or found.namespace != namespace:
        return words.say("next.network_policy", namespace=namespace)
    direction = "ingress" if group[1] == "out" else "egress"
    return words.say("next.policy_named", namespace=found.namespace, name=found.name, direction=direction)

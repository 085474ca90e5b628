"""The verdict in words: one sentence with the flow that decided, the picture of the way, and the warnings."""

from __future__ import annotations

import re

from ko_tui.backend.explain.catalogue import Catalogue
from ko_tui.backend.explain.model import ExplainedStage
from ko_tui.backend.explain.names import Names, acl_purpose, policy_purpose, said
from ko_tui.backend.explain.reasons import reason_text
from ko_tui.backend.ovn.trace_model import Outcome, Stage, Trace, Verdict

SHOWN_PORTS = 5
"""Ports that a flooded packet's headline names; of more their number."""


def main_outcome(trace: Trace) -> Outcome | None:
    """The outcome that the verdict of the whole trace rests on: the first one with that verdict."""
    return next((outcome for outcome in trace.outcomes if outcome.verdict is trace.verdict), None)


def deciding_stage(outcome: Outcome, stages: list[ExplainedStage]) -> Stage | None:
    """The flow that decided: for an ACL that is carried out later, the evaluation that set the verdict."""
    last = outcome.stage
    if last is None or not last.name.endswith("_action"):
        return last
    wanted = last.name.removesuffix("_action") + "_eval"
    found: Stage | None = None
    for stage in stages:
        if stage.stage is last:
            break
        sets = any(text.startswith(("reg8[17] = 1", "reg8[18] = 1")) for text in stage.stage.actions)
        if stage.stage.name == wanted and sets:
            found = stage.stage
    return found or last


def headline(trace: Trace, stages: list[ExplainedStage], words: Catalogue, names: Names) -> str:
    """One sentence: what became of the packet, and which flow decided."""
    outcome = main_outcome(trace)
    if outcome is None:
        if trace.errors:
            return words.say("headline.error", message=trace.errors[0])
        return words.say("headline.unknown")
    reason = reason_text(outcome, stages, trace.flow, words)
    match outcome.verdict:
        case Verdict.DELIVERED:
            ports = [_port(port, names, words) for port in dict.fromkeys(trace.outputs)]
            shown = ports[:SHOWN_PORTS]
            if len(ports) > SHOWN_PORTS:
                shown.append(words.say("more", count=len(ports) - SHOWN_PORTS))
            listed = words.say("join.list").join(shown)
            if len(ports) == 1:
                return words.say("headline.delivered", ports=listed)
            return words.say("headline.delivered_many", count=len(ports), ports=listed)
        case Verdict.REPLIED:
            if outcome.port:
                return words.say("headline.replied_to", port=_port(outcome.port, names, words), reason=reason)
            return words.say("headline.replied", reason=reason)
        case Verdict.CONTROLLER:
            return words.say("headline.controller", reason=reason)
        case Verdict.DROPPED:
            return _dropped(outcome, stages, reason, words)
    if trace.errors:
        return words.say("headline.error", message=trace.errors[0])
    return words.say("headline.unknown")


def _dropped(outcome: Outcome, stages: list[ExplainedStage], reason: str, words: Catalogue) -> str:
    stage = deciding_stage(outcome, stages)
    if stage is None:
        return words.say("headline.dropped_bare", reason=reason)
    if stage.no_match or stage.priority is None:
        return words.say(
            "headline.dropped_no_flow", datapath=outcome.datapath, stage=stage.name, reason=reason
        )
    text = words.say(
        "headline.rejected" if outcome.reason == "reject" else "headline.dropped",
        datapath=outcome.datapath,
        stage=stage.name,
        reason=reason,
        match=stage.match,
        priority=stage.priority,
        uuid=stage.uuid,
    )
    purpose = purpose_of(stage, words)
    return words.say("headline.purpose", text=text, purpose=purpose) if purpose else text


def purpose_of(stage: Stage, words: Catalogue) -> str:
    """What Kube-OVN uses the flow's priority for; empty when it has no fixed use there."""
    if stage.priority is None or stage.no_match:
        return ""
    key = None
    if "_acl" in stage.name and 2000 <= stage.priority < 32768:
        # A security group rule says its port group; the node's 3000 lies within its range.
        key = acl_purpose(stage.priority - 1000)
        if key == "acl_node_allow" and "@ovn.sg." in stage.match:
            key = "acl_sg_rule"
        if key == "acl_sg_rule" and "@ovn.sg." not in stage.match:
            key = None
        if key == "acl_np_allow" and "port == @" not in stage.match:
            key = _always_allowed(stage.match)
    elif stage.name == "lr_in_policy":
        key = policy_purpose(stage.priority)
    return (words.text("purposes", key) or "") if key else ""


def _always_allowed(match: str) -> str:
    """Rules of the priority of NetworkPolicies that Kube-OVN adds for all pods (pkg/ovs/ovn-nb-acl.go)."""
    if match.startswith("nd ||"):
        return "acl_nd"
    return "acl_gateway" if re.fullmatch(r"ip[46]\.(?:src|dst) == \S+", match) else "acl_np_allow"


def _port(name: str, names: Names, words: Catalogue) -> str:
    found = names.port(name)
    return name + (words.say("known", what=said(found)) if found else "")

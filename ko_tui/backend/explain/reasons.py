"""Why a branch of a trace ended as it did, with the addresses that it was about."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from ko_tui.backend.explain.catalogue import Catalogue
from ko_tui.backend.explain.model import ExplainedStage
from ko_tui.backend.explain.running_packet import UNKNOWN
from ko_tui.backend.ovn.trace_model import Outcome, Verdict

_STAGE_REASONS = {
    "ls_in_l2_unknown": "unknown_mac",
    "ls_in_l2_lkup": "unknown_mac",
    "ls_in_lb": "no_backend",
    "ls_in_lb_aff_learn": "affinity",
    "lr_in_lb_aff_learn": "affinity",
    "lr_in_policy": "policy",
    "lr_in_policy_ecmp": "policy",
    "ls_in_apply_port_sec": "port_security",
    "ls_out_apply_port_sec": "port_security",
    "ls_in_port_sec_l2": "port_security",
    "ls_in_port_sec_ip": "port_security",
    "ls_in_port_sec_nd": "port_security",
    "ls_out_port_sec_ip": "port_security",
    "ls_out_port_sec_l2": "port_security",
}
# How the match of northd's drops in lr_in_ip_input begins (build_ip_routing_pre and its neighbours, northd.c).
_ROUTER_DROPS = (
    ("arp || nd", "not_asked"),
    ("eth.bcast", "broadcast"),
    ("ip4.mcast", "multicast"),
    ("ip6.mcast_rsvd", "multicast"),
    ("ip.ttl == {0, 1}", "ttl_silent"),
    ("ip4.src_mcast", "bad_source"),
    ("ip4.dst == {", "router_itself"),
    ("ip6.dst == {", "router_itself"),
)
_GENERAL = ("", "implicit", "explicit", "drop", "silent", "unknown_destination")
# Phrase ``reason.<key>`` -> its blanks, each from the first field of the packet that is known.
_BLANKS: Mapping[str, Mapping[str, tuple[str, ...]]] = {
    "port_security_in": {"ip": ("ip4.src", "ip6.src", "arp.spa"), "mac": ("eth.src",)},
    "port_security_out": {"ip": ("ip4.dst", "ip6.dst"), "mac": ("eth.dst",)},
    "arp": {"ip": ("arp.spa",), "mac": ("arp.sha",)},
    "nd": {"ip": ("nd.target",), "mac": ("nd.tll",)},
    "resolve": {"ip": ("reg0", "xxreg0")},
    "loopback_ip": {"ip": ("ip4.dst", "ip6.dst")},
}


def reason_key(outcome: Outcome, flow: str = "") -> str:
    """A key of ``outcomes``: the outcome's own reason, made more exact by the stage where it ended.

    ``flow`` is the packet in OpenFlow's spelling; it tells what an answer answers.
    """
    if outcome.reason == "answer":
        if flow.startswith(("arp", "rarp")):
            return "arp"
        if "nd_target=" in flow:
            return "nd"
        if flow.startswith("icmp"):
            return "icmp"
        return "dhcp" if "tp_dst=67" in flow or "tp_dst=547" in flow else "answer"
    if outcome.verdict is not Verdict.DROPPED or outcome.reason not in _GENERAL or outcome.stage is None:
        return outcome.reason
    name = outcome.stage.name
    if "_acl" in name:
        return "acl"
    if name in ("lr_in_ip_routing", "lr_in_ip_routing_ecmp"):
        return "no_route" if outcome.stage.no_match else "route"
    if name == "lr_in_ip_input":
        found = next((key for part, key in _ROUTER_DROPS if outcome.stage.match.startswith(part)), "")
        return found or outcome.reason or "explicit"
    return _STAGE_REASONS.get(name, outcome.reason or "explicit")


def reason_text(outcome: Outcome, stages: Sequence[ExplainedStage], flow: str, words: Catalogue) -> str:
    """The reason in words, with the addresses where the packet is known; ``flow`` as in :func:`reason_key`."""
    key = reason_key(outcome, flow)
    packet = packet_at(outcome, stages)
    exact = key
    if key == "port_security":
        exact = "port_security_out" if outcome.pipeline == "egress" else "port_security_in"
    elif key == "loopback" and _to_itself(packet):
        exact = "loopback_ip"
    if exact in _BLANKS:
        values = {blank: _known(packet, fields) for blank, fields in _BLANKS[exact].items()}
        if all(values.values()):
            return words.say(f"reason.{exact}", **values)
    return words.text("outcomes", key) or outcome.reason


def next_hop(outcome: Outcome, stages: Sequence[ExplainedStage]) -> str:
    """The router's next hop where the branch ended, or "" when the trace does not tell."""
    return _known(packet_at(outcome, stages), _BLANKS["resolve"]["ip"])


def packet_at(outcome: Outcome, stages: Sequence[ExplainedStage]) -> Mapping[str, str]:
    """The packet's known fields where the branch ended."""
    return next((made.packet for made in stages if made.stage is outcome.stage), {})


def _to_itself(packet: Mapping[str, str]) -> bool:
    """A packet whose destination is its own sender."""
    return any(
        packet.get(f"{field}.dst", UNKNOWN) not in (UNKNOWN, "")
        and packet.get(f"{field}.dst") == packet.get(f"{field}.src")
        for field in ("ip4", "ip6")
    )


def _known(packet: Mapping[str, str], fields: Sequence[str]) -> str:
    return next((packet[name] for name in fields if packet.get(name, UNKNOWN) != UNKNOWN), "")

"""Which actions each OVN release has, and what parses each.

Source: ovn-sb(5) and the releases 22.03.8, 22.12.2, 23.03.1, 24.03.9, 25.03.3 and 26.03.2.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import cache, partial
from types import MappingProxyType
from typing import TypeVar

from ko_tui.backend.ovn.actions import connections, options, simple
from ko_tui.backend.ovn.actions.reader import ActionReader, Target, decrement_ttl
from ko_tui.backend.ovn.actions.tree import Action, Pipeline
from ko_tui.backend.ovn.versions import KNOWN, OvnVersion

Statement = Callable[[ActionReader], Action]
ResultParser = Callable[[ActionReader, Target], Action]
T = TypeVar("T")


def _block(name: str) -> Statement:
    # clone begins anew: what a surrounding ct_commit allows does not hold within it.
    scope = "anywhere" if name == "clone" else None
    return lambda reader: reader.nested(name, scope)


_BLOCKS = (
    *("clone", "reject", "arp", "nd_na", "nd_na_router", "nd_ns", "tcp_reset", "sctp_abort"),
    *("icmp4", "icmp4_error", "icmp6", "icmp6_error"),
)
_WORDS = ("ct_clear", "igmp", "handle_dhcpv6_reply", "ct_snat_to_vip")
_FIRST: dict[str, Statement] = {
    "next": simple.next_table,
    "output": simple.output,
    "ip.ttl": decrement_ttl,
    "push": partial(simple.stack, "push"),
    "pop": partial(simple.stack, "pop"),
    "ct_next": connections.ct_next,
    "ct_commit": connections.ct_commit,
    "ct_commit_nat": connections.ct_commit_nat,
    "ct_dnat": partial(connections.ct_nat, "ct_dnat"),
    "ct_snat": partial(connections.ct_nat, "ct_snat"),
    "ct_dnat_in_czone": partial(connections.ct_nat, "ct_dnat_in_czone"),
    "ct_snat_in_czone": partial(connections.ct_nat, "ct_snat_in_czone"),
    "ct_lb": partial(connections.ct_lb, "ct_lb"),
    "ct_lb_mark": partial(connections.ct_lb, "ct_lb_mark"),
    "get_arp": simple.call("get_arp", 0, 32),
    "put_arp": simple.call("put_arp", 0, 32, 48),
    "get_nd": simple.call("get_nd", 0, 128),
    "put_nd": simple.call("put_nd", 0, 128, 48),
    "put_fdb": simple.call("put_fdb", 0, 48),
    "handle_svc_check": simple.call("handle_svc_check", 0),
    "handle_bfd_msg": simple.call("handle_bfd_msg"),
    "bind_vport": simple.bind_vport,
    "set_queue": simple.set_queue,
    "set_meter": simple.set_meter,
    "log": simple.log,
    "trigger_event": options.trigger_event,
    "fwd_group": connections.fwd_group,
}
_STATEMENTS: dict[OvnVersion, dict[str, Statement]] = {
    "22.03": _FIRST | {name: simple.word(name) for name in _WORDS} | {name: _block(name) for name in _BLOCKS},
    "22.12": {
        "commit_ecmp_nh": connections.commit_ecmp_nh,
        "commit_lb_aff": connections.commit_lb_aff,
        "sample": simple.sample,
    },
    "24.03": {
        "ct_commit_to_zone": connections.ct_commit_to_zone,
        "mac_cache_use": simple.word("mac_cache_use"),
    },
    "25.03": {"flood_remote": simple.word("flood_remote")},
    "26.03": {
        "ct_lb_mark_local": partial(connections.ct_lb, "ct_lb_mark_local"),
        "mirror": simple.mirror,
    },
}

_RESULTS: dict[OvnVersion, dict[str, ResultParser]] = {
    "22.03": {
        "select": connections.select,
        "put_dhcp_opts": options.put_dhcp_opts,
        "put_dhcpv6_opts": options.put_dhcpv6_opts,
        "put_nd_ra_opts": options.put_nd_ra_opts,
        "check_pkt_larger": simple.check_pkt_larger,
        "dns_lookup": simple.result("dns_lookup", 1),
        "lookup_arp": simple.result("lookup_arp", 1, 0, 32, 48),
        "lookup_nd": simple.result("lookup_nd", 1, 0, 128, 48),
        "lookup_arp_ip": simple.result("lookup_arp_ip", 1, 0, 32),
        "lookup_nd_ip": simple.result("lookup_nd_ip", 1, 0, 128),
        "chk_lb_hairpin": simple.result("chk_lb_hairpin", 1),
        "chk_lb_hairpin_reply": simple.result("chk_lb_hairpin_reply", 1),
        "get_fdb": simple.result("get_fdb", 32, 48),
        "lookup_fdb": simple.result("lookup_fdb", 1, 0, 48),
    },
    "22.12": {
        name: simple.result(name, 1)
        for name in (
            "check_in_port_sec",
            "check_out_port_sec",
            "chk_ecmp_nh_mac",
            "chk_ecmp_nh",
            "chk_lb_aff",
        )
    },
    "24.03": {
        "ct_nw_dst": simple.result("ct_nw_dst", 32),
        "ct_ip6_dst": simple.result("ct_ip6_dst", 128),
        "ct_tp_dst": simple.result("ct_tp_dst", 16),
        "ct_state_save": simple.result("ct_state_save", 8),
    },
    "25.03": {
        "dhcp_relay_req_chk": partial(options.dhcp_relay, "dhcp_relay_req_chk"),
        "dhcp_relay_resp_chk": partial(options.dhcp_relay, "dhcp_relay_resp_chk"),
    },
    "26.03": {
        "ct_proto": simple.result("ct_proto", 8),
        "get_remote_fdb": simple.result("get_remote_fdb", 32, 48),
    },
}


@cache
def statements(version: OvnVersion) -> Mapping[str, Statement]:
    """Actions that begin with their name."""
    return MappingProxyType(_until(_STATEMENTS, version))


@cache
def results(version: OvnVersion) -> Mapping[str, ResultParser]:
    """Functions whose answer is assigned to a field."""
    return MappingProxyType(_until(_RESULTS, version))


def _until(rows: Mapping[OvnVersion, dict[str, T]], version: OvnVersion) -> dict[str, T]:
    made: dict[str, T] = {}
    for release in KNOWN[: KNOWN.index(version) + 1]:
        made.update(rows.get(release, {}))
    return made


def pipeline_lengths(version: OvnVersion) -> dict[Pipeline, int]:
    """How many logical tables each pipeline has room for."""
    if version == "26.03":
        return {"ingress": 34, "egress": 16}
    length = 30 if version == "25.03" else 29
    return {"ingress": length, "egress": length}

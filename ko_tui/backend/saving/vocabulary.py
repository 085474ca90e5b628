"""Words that a snapshot is written in: the columns, fields, actions and states of OVN, Open vSwitch and Kubernetes.

An object that is called like one of them keeps its name when a snapshot is redacted: such a word tells nothing about
whose cluster it is, and with it replaced everywhere no database and no command's output could be read any more.
Sources: ovn-nb(5), ovn-sb(5), ovs-fields(7), ovs-actions(7), the Kubernetes API.
"""

from __future__ import annotations

import re
from functools import cache

_WORDS = """
acl acls action actions active additional address addresses admin_down alert all allow allow-related allow-stateless
allowed amd64 annotations any app applied arm64 arp associated authorization available backoff balancer balancers
bands bandwidth bfd bool both bridge burst bytes candidate cert certificate cfg chain chassis chassisredirect check
child cidr clone cluster clustered code collectors commit committed conditions config configs conjunction connected
connections containers control-plane controller cookie copp cronjob daemonset datapath datapaths debug dec_ttl default
delete deny deployment desc detect dhcp dhcpv4 dhcpv6 direction disabled disc disconnections dnat dnat_and_snat dns
domain domains down drop dscp dst duration dynamic egress election enabled encap encaps entries error est eth event
except exclude exec exempted ext external fair false fields filter flood flow follower force forwarding from-lport
gateway geneve goto_table gre group groups grpc hard_age health heard host hostname http https icmp icmp6 idle
idle_age ids image inactivity index info infra ingress init insert interface interfaces interval ip4 ip6 ips ipsec
ipv4 ipv6 items job joining jump kernel key kind kube kube-ovn kubeovn kubernetes l2gateway l3gateway label labels
last leader learn linux liveness load loadbalancer local localnet localport log logical mac mappings mark master match
match_index max member message metadata meter meter_id meters min mirror mod_dl_dst mod_dl_src move mult name
namespace nat network networks new next_index nexthop nexthops node node-port none normal note notice null num offline
online only options other output overlay override ovn ovs packets parent part-of pass patch path pause peer
permissions phase pipeline pod policies policy pop_vlan port ports prefix priority private probability protocol
protocols provider push_vlan qos querier query range rarp rate read ready reason records ref region reject relay
remote replicas replicaset request requested reroute resp resubmit role route router router-port routes rule rules
running sample sctp security selection selector self seq servers service sess session sessions set set_field severity
sg sink size snat source spec src ssl stage-hint stage-name standalone standby statefulset static status storage str
strip_vlan stt subnet subnets switch switches table tag tags target tcp term tier timeout timer timestamp to-lport
tracked transport true tunnel type udp uid unit unknown update userid variables vendor version vip vips virtual vmac
volumes vote vpc vtep vxlan warning write_metadata zone zones
"""
_PARTS = re.compile(r"[^A-Za-z0-9]+")


@cache
def vocabulary() -> frozenset[str]:
    """The words, with the fields, actions and stages of every OVN release that the catalogue knows."""
    from ko_tui.backend.explain.catalogue import section_of
    from ko_tui.backend.ovn.symbols import table

    known = [*table(), *section_of("en", "actions"), *section_of("en", "stages")]
    return frozenset(
        {*_WORDS.split(), *known, *(part for name in known for part in _PARTS.split(name))} - {""}
    )


@cache
def tool_words() -> frozenset[str]:
    """The tools' own commands: ``ovsdb-server/get-db-storage-status`` names no pod ``server``."""
    from ko_tui.backend.command import policy_tables as tools

    ctl = (word for commands in tools.CTL.values() for word in commands)
    daemons = (word for commands in tools.APPCTL.values() for word in commands)
    return frozenset({*ctl, *daemons, *tools.APPCTL, *tools.OFCTL, *tools.DPCTL})


def parts(name: str) -> list[str]:
    """The words of a composed name: ``np1.prod.ingress.allow.IPv4.0``, ``cluster-tcp-loadbalancer``."""
    return [part for part in _PARTS.split(name) if part]

"""What each release's symbol table holds, as rows: the facts behind ``symbols.table``.

Source: ovn-sb(5) and the symbol tables of OVN 22.03.8, 22.12.2, 23.03.1, 24.03.9, 25.03.3 and 26.03.2.
A row is ``name | definition | prerequisites | releases | description``. Definitions:

- ``field N`` a field of N bits, ordinal (any bits can be matched), writable; ``field N nominal`` can only be tested
  for equality as a whole; ``read`` cannot be assigned; ``commit`` can be assigned within ct_commit only;
- ``string`` holds a port's name;
- ``bits PARENT[..]`` a subfield; ``commit`` as above;
- ``is EXPRESSION`` a predicate;
- ``own N`` a field of OVN's own that only an action can set.

Releases: empty for all, ``22.12-`` from, ``-24.03`` until, ``22.03-24.03``, several with commas.
"""

# ruff: noqa: E501

from __future__ import annotations

ROWS = """
inport | string | | | the logical port the packet came in by
outport | string | | | the logical port or multicast group the packet goes out by
remote_outport | string | | 26.03- | the port on another chassis that a remote FDB lookup found
__inport | field 32 | | 26.03- | the number behind inport, for tests of single bits
__outport | field 32 | | 26.03- | the number behind outport, for tests of single bits
from_evpn_vtep | is __inport[31] | | 26.03- | the packet came from a remote EVPN VTEP
to_evpn_vtep | is __outport[31] | | 26.03- | the packet goes to a remote EVPN VTEP
flags | field 32 | | | flag bits that stages leave for later stages
flags.loopback | bits flags[0] | | | the packet may leave by the port it came in by
flags.force_snat_for_dnat | bits flags[2] | | | source NAT is forced for a packet that was DNATed
flags.force_snat_for_lb | bits flags[3] | | | source NAT is forced for a load-balanced packet
flags.skip_snat_for_lb | bits flags[9] | | | source NAT is skipped for a load-balanced packet
flags.use_snat_zone | bits flags[11] | | | the router's SNAT zone is used for the reply
flags.from_ctrl | bits flags[12] | | 22.03 | the packet was injected by ovn-controller
flags.from_ctrl | bits flags[19] | | 24.03- | the packet was injected by ovn-controller
flags.localnet | bits flags[15] | | 24.03- | the packet came in by a localnet port
flags.tunnel_rx | bits flags[16] | | 24.03- | the packet was received from a tunnel
flags.icmp_snat | bits flags[17] | | 24.03- | an ICMP error of a SNATed connection
flags.unsnat_new | bits flags[20] | | 25.03- | after unSNAT the connection is new
flags.unsnat_not_tracked | bits flags[21] | | 25.03- | after unSNAT the packet is not tracked
flags.igmp_loopback | bits flags[22] | | 26.03- | an IGMP packet that was injected again
flags.pkt_sampled | bits flags[23] | | 26.03- | the packet was sampled already
flags.network_id | bits flags[28..31] | | 24.03- | which of the router port's networks the route uses
ct_mark | field 32 commit | | | mark of the packet's tracked connection
ct_mark.blocked | bits ct_mark[0] commit | | | an ACL no longer allows the connection
ct_mark.natted | bits ct_mark[1] commit | | | a load balancer changed the connection's destination
ct_mark.skip_snat | bits ct_mark[2] commit | | | the connection's load balancer asks to skip SNAT
ct_mark.force_snat | bits ct_mark[3] commit | | | the connection's load balancer asks for SNAT
ct_mark.obs_stage | bits ct_mark[4..5] commit | | 25.03- | the ACL stage that samples the connection
ct_mark.allow_established | bits ct_mark[6] commit | | 25.03- | the connection stays allowed once it is established
ct_mark.ecmp_reply_port | bits ct_mark[16..31] commit | | | the port by which replies go back (ECMP)
ct_mark.obs_collector_id | bits ct_mark[16..23] commit | | 25.03- | the collector that gets the connection's samples
ct_label | field 128 commit | | | label of the packet's tracked connection
ct_label.blocked | bits ct_label[0] commit | | -24.03 | an ACL no longer allows the connection
ct_label.natted | bits ct_label[1] commit | | -24.03 | a load balancer changed the connection's destination
ct_label.skip_snat | bits ct_label[2] commit | | -24.03 | the connection's load balancer asks to skip SNAT
ct_label.force_snat | bits ct_label[3] commit | | -24.03 | the connection's load balancer asks for SNAT
ct_label.nf | bits ct_label[7] commit | | 26.03- | the connection passes a network function
ct_label.tun_if | bits ct_label[8] commit | | 26.03- | the connection came in by a tunnel
ct_label.nf_id | bits ct_label[17..24] commit | | 26.03- | the network function the connection passes
ct_label.ecmp_reply_eth | bits ct_label[32..79] commit | | | the MAC address replies go back to (ECMP)
ct_label.ecmp_reply_port | bits ct_label[80..95] commit | | -24.03 | the port by which replies go back (ECMP)
ct_label.tun_if_id | bits ct_label[80..95] commit | | 26.03- | the tunnel the connection came in by
ct_label.acl_id | bits ct_label[80..95] commit | | 25.03- | the ACL that allowed the connection
ct_label.label | bits ct_label[96..127] commit | | | the ACL's label
ct_label.obs_point_id | bits ct_label[96..127] commit | | 25.03- | observation point of the connection's samples
ct_label.obs_unused | bits ct_label[0..95] commit | | 25.03- | label bits that sampling leaves alone
ct_state | field 32 read | | | connection tracking state bits
ct.new | bits ct_state[0] | ct.trk | | the packet begins a connection
ct.est | bits ct_state[1] | ct.trk | | the packet belongs to an established connection
ct.rel | bits ct_state[2] | ct.trk | | the packet is related to an existing connection (ICMP error, FTP data)
ct.rpl | bits ct_state[3] | ct.trk | | the packet flows in the reply direction
ct.inv | bits ct_state[4] | ct.trk | | connection tracking calls the packet invalid
ct.trk | bits ct_state[5] | | | the packet went through connection tracking
ct.snat | bits ct_state[6] | ct.trk | | the connection's source was translated
ct.dnat | bits ct_state[7] | ct.trk | | the connection's destination was translated
eth.src | field 48 | | | source MAC address
eth.dst | field 48 | | | destination MAC address
eth.type | field 16 nominal read | | | Ethernet type
eth.bcast | is eth.dst == ff:ff:ff:ff:ff:ff | | | to the broadcast MAC address
eth.mcast | bits eth.dst[40] | | | to a multicast or broadcast MAC address
eth.mcastv6 | is eth.dst[32..47] == 0x3333 | | | to a MAC address of IPv6 multicast
vlan.tci | field 16 | | | VLAN tag: priority, presence and id
vlan.present | is vlan.tci[12] | | | the packet has a VLAN tag
vlan.pcp | bits vlan.tci[13..15] | vlan.present | | VLAN priority
vlan.vid | bits vlan.tci[0..11] | vlan.present | | VLAN id
ip4 | is eth.type == 0x800 | | | IPv4
ip6 | is eth.type == 0x86dd | | | IPv6
ip | is ip4 || ip6 | | | IPv4 or IPv6
ip.proto | field 8 nominal read | ip | | IP protocol number
ip.dscp | field 6 nominal | ip | | differentiated services code point
ip.ecn | field 2 nominal | ip | | explicit congestion notification
ip.ttl | field 8 nominal | ip | | time to live, or hop limit of IPv6
ip.frag | field 2 read | ip | | fragment state
ip.is_frag | is ip.frag[0] | | | the packet is a fragment
ip.later_frag | is ip.frag[1] | | | the packet is a fragment but not the first
ip.first_frag | is ip.is_frag && !ip.later_frag | | | the packet is a first fragment
ip4.src | field 32 | ip4 | | IPv4 source address
ip4.dst | field 32 | ip4 | | IPv4 destination address
ip4.src_mcast | is ip4.src[28..31] == 0xe | | | from an IPv4 multicast address
ip4.mcast | is eth.mcast && ip4.dst[28..31] == 0xe | | | to an IPv4 multicast address
icmp4 | is ip4 && ip.proto == 1 | | | ICMP of IPv4
icmp4.type | field 8 nominal | icmp4 | | ICMP type
icmp4.code | field 8 nominal | icmp4 | | ICMP code
igmp | is ip4 && ip.proto == 2 | | -23.03 | IGMP
igmp | is ip4.mcast && ip.proto == 2 | | 24.03- | IGMP to a multicast address
ip6.src | field 128 | ip6 | | IPv6 source address
ip6.dst | field 128 | ip6 | | IPv6 destination address
ip6.label | field 20 | ip6 | | IPv6 flow label
ip6.mcast_rsvd | is ip6.dst[116..127] == 0xff0 && ip6.dst[0..111] == 0x0 | | -23.03 | to a reserved IPv6 multicast address
ip6.mcast_rsvd | is ip6.dst == {ff00::, ff01::, ff02::, ff03::, ff04::, ff05::, ff06::, ff07::, ff08::, ff09::, ff0a::, ff0b::, ff0c::, ff0d::, ff0e::, ff0f::} | | 24.03- | to a reserved IPv6 multicast address
ip6.mcast_all_nodes | is ip6.dst == ff01::1 || ip6.dst == ff02::1 | | | to all IPv6 nodes
ip6.mcast_all_rtrs | is ip6.dst == ff01::2 || ip6.dst == ff02::2 || ip6.dst == ff05::2 | | | to all IPv6 routers
ip6.mcast_sol_node | is ip6.dst == ff02::1:ff00:0/104 | | | to a solicited-node multicast address
ip6.mcast_flood | is eth.mcastv6 && (ip6.mcast_rsvd || ip6.mcast_all_nodes || ip6.mcast_all_rtrs || ip6.mcast_sol_node) | | | IPv6 multicast that is flooded
ip6.mcast | is eth.mcastv6 && ip6.dst[120..127] == 0xff | | | to an IPv6 multicast address
icmp6 | is ip6 && ip.proto == 58 | | | ICMPv6
icmp6.type | field 8 nominal | icmp6 | | ICMPv6 type
icmp6.code | field 8 nominal | icmp6 | | ICMPv6 code
icmp | is icmp4 || icmp6 | | | ICMP of either family
arp | is eth.type == 0x806 | | | ARP
arp.op | field 16 nominal | arp | | ARP operation: 1 request, 2 reply
arp.spa | field 32 | arp | | sender's IPv4 address in ARP
arp.sha | field 48 | arp | | sender's MAC address in ARP
arp.tpa | field 32 | arp | | IPv4 address that ARP asks for or answers to
arp.tha | field 48 | arp | | target's MAC address in ARP
rarp | is eth.type == 0x8035 | | 22.12- | reverse ARP
rarp.op | field 16 nominal | rarp | 22.12- | RARP operation
rarp.spa | field 32 | rarp | 22.12- | sender's IPv4 address in RARP
rarp.sha | field 48 | rarp | 22.12- | sender's MAC address in RARP
rarp.tpa | field 32 | rarp | 22.12- | target's IPv4 address in RARP
rarp.tha | field 48 | rarp | 22.12- | target's MAC address in RARP
nd | is icmp6.type == {135, 136} && icmp6.code == 0 && ip.ttl == 255 | | | IPv6 neighbour discovery
nd_ns | is icmp6.type == 135 && icmp6.code == 0 && ip.ttl == 255 | | | neighbour solicitation
nd_ns_mcast | is ip6.mcast && icmp6.type == 135 && icmp6.code == 0 && ip.ttl == 255 | | 24.03- | neighbour solicitation to a multicast address
nd_na | is icmp6.type == 136 && icmp6.code == 0 && ip.ttl == 255 | | | neighbour advertisement
nd_rs | is icmp6.type == 133 && icmp6.code == 0 && ip.ttl == 255 | | | router solicitation
nd_ra | is icmp6.type == 134 && icmp6.code == 0 && ip.ttl == 255 | | | router advertisement
nd.target | field 128 | nd | | address that neighbour discovery asks for or answers
nd.sll | field 48 | nd_ns | | source link-layer address of a neighbour solicitation
nd.tll | field 48 | nd_na | | target link-layer address of a neighbour advertisement
mldv1 | is ip6.src == fe80::/10 && icmp6.type == {130, 131, 132} | | -23.03 | multicast listener discovery, version 1
mldv1 | is eth.mcastv6 && ip6.src == fe80::/10 && icmp6.type == {130, 131, 132} | | 24.03- | multicast listener discovery, version 1
mldv2 | is ip6.dst == ff02::16 && icmp6.type == 143 | | -23.03 | multicast listener discovery, version 2
mldv2 | is eth.mcastv6 && ip6.dst == ff02::16 && icmp6.type == 143 | | 24.03- | multicast listener discovery, version 2
tcp | is ip.proto == 6 | | | TCP
tcp.src | field 16 | tcp | | TCP source port
tcp.dst | field 16 | tcp | | TCP destination port
tcp.flags | field 12 read | tcp | | TCP flags
udp | is ip.proto == 17 | | | UDP
udp.src | field 16 | udp | | UDP source port
udp.dst | field 16 | udp | | UDP destination port
sctp | is ip.proto == 132 | | | SCTP
sctp.src | field 16 | sctp | | SCTP source port
sctp.dst | field 16 | sctp | | SCTP destination port
pkt.mark | field 32 | | | mark that the host's network stack sees
icmp4.frag_mtu | own 16 | | | MTU told in an ICMP fragmentation-needed error
icmp6.frag_mtu | own 32 | | | MTU told in an ICMPv6 packet-too-big error
"""

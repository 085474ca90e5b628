"""The words, arguments and action templates that the generators choose from."""

# ruff: noqa: E501, SIM905

from __future__ import annotations

NOISE = (
    "&& || ! == != < <= > >= ( ) { } [ ] , ; = <-> -- .. : - 0 1 2 31 32 47 48 127 128 255 256 65535 65536 99999 0x0 0x1"
    " 0xffff 0x10000 01 0x 0xg 4294967296 18446744073709551615 18446744073709551616 1.2.3.4 1.2.3 256.1.1.1 10.0.0.0/8"
    " 10.0.0.0/33 10.0.0.1/255.0.255.0 ::1 fe80::1 fd00::/64 ::/129 fe80::/10 ::ffff:1.2.3.4 00:00:00:00:00:01"
    " 01:00:00:00:00:00/01:00:00:00:00:00 1/3 0/0x1 1/0x1 5/ $addresses4 $addresses6 $nothing @ports @none"
    ' "port" "a\\"b" "\\u0041" "\\q" "unfinished is_chassis_resident ip4 ip6 ip tcp arp nd ct.trk ct.est inport outport'
    " reg0 reg9 reg10 xreg0 xxreg1 eth.src eth.type ip.proto tcp.dst tcp.flags vlan.vid ct_mark ct_label.blocked flags.loopback"
    " icmp4.frag_mtu bogus next drop output clone ct_commit ct_next table pipeline ingress egress backends hash_fields select"
    " /**/ // /* . & | % ~ é"
).split()

LIKELY = {
    "bit": ("reg0[0]", "reg9[31]", "xxreg0[127]", "flags.loopback"),
    "reg": ("reg0", "reg8[16..31]", "xreg0", "reg1[0..15]"),
    "string": ("inport", "outport"),
    "ip4": ("ip4.src", "arp.spa", "reg0", "xxreg0[0..31]"),
    "ip6": ("ip6.src", "nd.target", "xxreg0"),
    "mac": ("eth.src", "arp.sha", "nd.sll", "xreg0[0..47]"),
    "address": ("1.2.3.4", "fd00::1"),
    "backend": ("1.2.3.4:80", "[fd00::1]:80", "10.0.0.1"),
    "endpoint": ("1.2.3.4:80", "10.0.0.2:8080"),
    "number": ("1", "7", "12", "17"),
    "text": ('"port"', '"eth_src,ip_dst"'),
}

BLOCKS = ("clone", "arp", "nd_na", "nd_na_router", "nd_ns", "icmp4", "icmp4_error", "icmp6", "icmp6_error", "tcp_reset",
          "sctp_abort", "reject", "ct_commit", "ct_commit")  # fmt: skip

OPTIONS = (
    "offerip = 1.2.3.4", "router = 10.0.0.1", "dns_server = {8.8.8.8, 7.7.7.7}", 'hostname = "h"', "hostname = 5", "mtu = 1400",
    "lease_time = 3600", "T1 = 5", "ip_forward_enable = 1", 'domain_search_list = "a.b,c"', "ia_addr = aef0::4",
    "server_id = 00:00:00:00:10:02", 'domain_search = "ovn.org"', 'addr_mode = "slaac"', 'addr_mode = "dhcpv6_stateful"',
    "slla = ae:01:02:03:04:05", "prefix = aef0::/64", "prefix = aef0::1", 'router_preference = "MEDIUM"', "rdnss = fd00::1",
    'dnssl = "a"', 'route_info = "x"', "bogus = 1", "offerip = {1.2.3.4}", 'vip = "10.0.0.1:80"', 'protocol = "tcp"',
    'protocol = "icmp"', 'load_balancer = "12345678-abcd-9876-fedc-11119f8e7d6c"', 'load_balancer = "x"', 'fqdn = "a"',
    "classless_static_route = {30.0.0.0/24, 10.0.0.4, 0.0.0.0/0, 10.0.0.1}", "tftp_server = 10.0.0.10", 'tftp_server = "t"',
)  # fmt: skip

TEMPLATES = (
    "next;", "next(<number>);", "next(pipeline=ingress, table=<number>);", "next(table=1,pipeline=egress);", "next(pipeline=egress);",
    "output;", "drop;", "ip.ttl--;", "push(<reg>);", "pop(<reg>);", "ct_next;", "ct_next(<word>);", "ct_clear;", "ct_commit;",
    "ct_commit();", "ct_commit(ct_mark=<number>);", "ct_commit(ct_mark=1/0xf, ct_label=0x5);", "ct_commit(ct_label=<address>);",
    "ct_commit_nat;", "ct_commit_nat(<word>);", "ct_commit_to_zone(<word>);", "ct_dnat;", "ct_dnat();", "ct_dnat(<address>);",
    "ct_snat(<address>);", "ct_dnat(<address>, <number>-<number>);", "ct_snat_in_czone(<address>,<number>);", "ct_dnat_in_czone;",
    "ct_snat(1.2.3.4, 1-3000);", "ct_lb;", "ct_lb();", "ct_lb(backends=<backend>);", "ct_lb_mark(backends=<backend>,<backend>);",
    "ct_lb_mark(backends=<backend> <backend>,; hash_fields=<text>);", "ct_lb_mark(backends=<backend>; skip_snat);",
    "ct_lb(backends=<backend>; hash_fields=<text>; force_snat);", "ct_lb_mark_local(backends=<text>:<backend>);", "ct_lb_mark(backends=);",
    "<reg> = select(<number>, <number>);", "<reg> = select(1=50, 2=100, 3, );", "<reg> = select(<number>=<number>, 3);",
    "<reg> = select(1);", "<reg> = select(values=(1=50, 2=100); hash_fields=<text>);",
    "get_arp(<string>, <ip4>);", "put_arp(<string>, <ip4>, <mac>);", "get_nd(<string>, <ip6>);", "put_nd(<string>, <ip6>, <mac>);",
    "<bit> = lookup_arp(<string>, <ip4>, <mac>);", "<bit> = lookup_nd(<string>, <ip6>, <mac>);", "<bit> = lookup_arp_ip(<string>, <ip4>);",
    "<bit> = lookup_nd_ip(<string>, <ip6>);", "put_fdb(<string>, <mac>);", "<reg> = get_fdb(<mac>);", "<bit> = lookup_fdb(<string>, <mac>);",
    "<bit> = put_dhcp_opts(<option>, <option>);", "<bit> = put_dhcp_opts(offerip = 1.2.3.4, <option>, <option>);",
    "<bit> = put_dhcpv6_opts(<option>);", "<bit> = put_dhcpv6_opts(ia_addr = aef0::4, server_id = 00:00:00:00:10:02);",
    "<bit> = put_nd_ra_opts(<option>, <option>, <option>);", "<bit> = put_nd_ra_opts(slla = ae:01:02:03:04:05, prefix = aef0::/64, <option>);",
    "<bit> = dns_lookup();", "<bit> = dns_lookup(<number>);", "<bit> = check_pkt_larger(<number>);", "<bit> = chk_lb_hairpin();",
    "<bit> = chk_lb_hairpin_reply();", "<bit> = check_in_port_sec();", "<bit> = check_out_port_sec();", "<bit> = chk_ecmp_nh();",
    "<bit> = chk_ecmp_nh_mac();", "<bit> = chk_lb_aff();", "<bit> = dhcp_relay_req_chk(<address>, <address>);", "<reg> = ct_nw_dst();",
    "<reg> = ct_tp_dst();", "<reg> = ct_state_save();", "log(verdict=<word>, severity=<word>);", "log(name=<text>, verdict=<word>);",
    "log(verdict=allow severity=info meter=<text>);", "log();", "log;", "set_queue(<number>);", "set_meter(<number>);",
    "set_meter(<number>, <number>);", "trigger_event(event = \"empty_lb_backends\", <option>, <option>);", "trigger_event(event = \"x\");",
    "trigger_event(event = \"empty_lb_backends\");", "bind_vport(<text>, <string>);", "handle_svc_check(<string>);", "handle_bfd_msg();",
    "handle_bfd_msg;", "handle_dhcpv6_reply;", "ct_snat_to_vip;", "igmp;", "mac_cache_use;", "flood_remote;", "mirror(<text>);",
    "fwd_group;", "fwd_group();", "fwd_group(liveness=<word>, childports=<text>, <text>);", "fwd_group(childports=<text>);",
    "fwd_group(liveness=true,childports=);", "commit_ecmp_nh(ipv6=<word>, proto=<word>);", "commit_ecmp_nh(ipv6 = false, proto = tcp);",
    'commit_lb_aff(vip = "<endpoint>", backend = "<endpoint>", proto = tcp, timeout = <number>);',
    'commit_lb_aff(vip = "<endpoint>", backend = "<endpoint>", timeout = <number>);',
    "sample(probability=<number>,collector_set=<number>,obs_domain=<number>,obs_point=$cookie);",
    "sample(probability=100 obs_point=<number>);", "sample(probability=<number>,obs_point=<reg>);", "sample();",
    "icmp4.frag_mtu = <number>;", "outport = <text>;", "reg0 = <address>;",
)  # fmt: skip

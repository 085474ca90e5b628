"""What the action language takes and refuses, with the place of the error, release by release."""

# ruff: noqa: E501

from __future__ import annotations

import pytest

from ko_tui.backend.ovn.actions import (
    Action,
    ActionError,
    Assign,
    Call,
    CheckPktLarger,
    CommitEcmpNh,
    CommitLbAff,
    CtCommit,
    CtCommitNat,
    CtCommitToZone,
    CtLb,
    CtNat,
    CtNext,
    DecrementTtl,
    DhcpRelay,
    Drop,
    Endpoint,
    Exchange,
    FwdGroup,
    Log,
    Member,
    Nested,
    Next,
    Option,
    Output,
    PutOptions,
    Result,
    Sample,
    Select,
    SetMeter,
    SetQueue,
    Stack,
    TriggerEvent,
    UnknownAction,
    parse,
    to_text,
    walk,
)
from ko_tui.backend.ovn.expression import Constant, ConstantSet, FieldRef, Format, StringConstant
from ko_tui.backend.ovn.versions import OvnVersion

BIT = FieldRef("reg0", 0, 0)
IP4 = Constant(0x01020304, Format.IPV4)
IP6 = Constant(0xFD << 120 | 1, Format.IPV6)
DEC = Format.DECIMAL
SLLA = "ae:01:02:03:04:05"

ACTIONS: list[tuple[OvnVersion, str, str, Action]] = [
    ("22.03", "drop;", "drop;", Drop()),
    ("22.03", "", "drop;", Drop()),
    ("22.03", "output;", "output;", Output()),
    ("22.03", "next;", "next;", Next()),
    ("22.03", "next(11);", "next(11);", Next(None, 11)),
    ("22.03", "next(table=3,pipeline=egress);", "next(pipeline=egress, table=3);", Next("egress", 3)),
    ("22.03", "next(pipeline=egress);", "next(pipeline=egress);", Next("egress")),
    ("22.03", "tcp.dst=80;", "tcp.dst = 80;", Assign(FieldRef("tcp.dst"), Constant(80))),
    ("22.03", 'outport = "a b";', 'outport = "a b";', Assign(FieldRef("outport"), StringConstant("a b"))),
    ("22.03", "reg0[10] = vlan.pcp[1];", "reg0[10] = vlan.pcp[1];", Assign(FieldRef("reg0", 10, 10), FieldRef("vlan.pcp", 1, 1))),
    ("22.03", "outport <-> inport;", "outport <-> inport;", Exchange(FieldRef("outport"), FieldRef("inport"))),
    ("22.03", "ip.ttl--;", "ip.ttl--;", DecrementTtl()),
    ("22.03", "icmp4.frag_mtu = 1500;", "icmp4.frag_mtu = 1500;", Assign(FieldRef("icmp4.frag_mtu"), Constant(1500))),
    ("22.03", "push(xxreg0);", "push(xxreg0);", Stack("push", FieldRef("xxreg0"))),
    ("22.03", "pop(eth.dst);", "pop(eth.dst);", Stack("pop", FieldRef("eth.dst"))),
    ("22.03", "ct_next;", "ct_next;", CtNext()),
    ("24.03", "ct_next(snat);", "ct_next(snat);", CtNext("snat")),
    ("22.03", "ct_commit { };", "ct_commit;", CtCommit()),
    ("22.03", "ct_commit { ct_mark.blocked = 1; };", "ct_commit { ct_mark.blocked = 1; };", CtCommit((Assign(FieldRef("ct_mark.blocked"), Constant(1)),))),
    ("24.03", "ct_commit(ct_label=0/0x1 ct_mark=1);", "ct_commit(ct_mark=1, ct_label=0x0/0x1);", CtCommit((), Constant(1), Constant(0, Format.HEXADECIMAL, 1))),
    ("22.03", "ct_commit_nat;", "ct_commit_nat;", CtCommitNat()),
    ("25.03", "ct_commit_nat(dnat);", "ct_commit_nat(dnat);", CtCommitNat("dnat")),
    ("24.03", "ct_commit_to_zone(snat);", "ct_commit_to_zone(snat);", CtCommitToZone("snat")),
    ("22.03", "ct_dnat(1.2.3.4);", "ct_dnat(1.2.3.4);", CtNat("ct_dnat", IP4)),
    ("22.03", "ct_snat_in_czone(fd00::1, 1 - 3000);", "ct_snat_in_czone(fd00::1,1-3000);", CtNat("ct_snat_in_czone", IP6, (1, 3000))),
    ("22.03", "ct_snat;", "ct_snat;", CtNat("ct_snat")),
    ("22.03", "ct_lb();", "ct_lb;", CtLb("ct_lb")),
    ("22.03", "ct_lb_mark(backends=1.2.3.4:80 [fd00::1]:80,fd00::1,);", "ct_lb_mark(backends=1.2.3.4:80,[fd00::1]:80,fd00::1);", CtLb("ct_lb_mark", (Endpoint(IP4, 80), Endpoint(IP6, 80), Endpoint(IP6)))),
    ("22.03", 'ct_lb(backends=1.2.3.4; hash_fields="ip_src,ip_dst"; skip_snat);', 'ct_lb(backends=1.2.3.4; hash_fields="ip_src,ip_dst"; skip_snat);', CtLb("ct_lb", (Endpoint(IP4),), "ip_src,ip_dst", "skip_snat")),
    ("26.03", 'ct_lb_mark_local(backends="lsp":1.2.3.4:80; force_snat);', 'ct_lb_mark_local(backends="lsp":1.2.3.4:80; force_snat);', CtLb("ct_lb_mark_local", (Endpoint(IP4, 80, "lsp"),), None, "force_snat")),
    ("22.03", "reg9[16..31] = select(1=50, 2=100, 3, );", "reg9[16..31] = select(1=50, 2=100, 3);", Select(FieldRef("reg9", 16, 31), (Member(1, 50), Member(2, 100), Member(3)))),
    ("25.03", 'reg0 = select(values=(1, 2); hash_fields="ip_src");', 'reg0 = select(values=(1, 2); hash_fields="ip_src");', Select(FieldRef("reg0"), (Member(1), Member(2)), "ip_src")),
    ("22.03", "clone { ip.ttl--; output; };", "clone { ip.ttl--; output; };", Nested("clone", (DecrementTtl(), Output()))),
    ("22.03", "arp { };", "arp { drop; };", Nested("arp", (Drop(),))),
    ("22.03", "get_arp(outport, ip4.dst);", "get_arp(outport, ip4.dst);", Call("get_arp", (FieldRef("outport"), FieldRef("ip4.dst")))),
    ("22.03", "put_nd(inport, nd.target, nd.tll);", "put_nd(inport, nd.target, nd.tll);", Call("put_nd", (FieldRef("inport"), FieldRef("nd.target"), FieldRef("nd.tll")))),
    ("22.03", "reg0[0] = lookup_arp_ip(inport, arp.spa);", "reg0[0] = lookup_arp_ip(inport, arp.spa);", Result(BIT, "lookup_arp_ip", (FieldRef("inport"), FieldRef("arp.spa")))),
    ("22.03", "outport = get_fdb(eth.dst);", "outport = get_fdb(eth.dst);", Result(FieldRef("outport"), "get_fdb", (FieldRef("eth.dst"),))),
    ("22.12", "reg0[0] = check_in_port_sec();", "reg0[0] = check_in_port_sec();", Result(BIT, "check_in_port_sec")),
    ("24.03", "reg1 = ct_nw_dst();", "reg1 = ct_nw_dst();", Result(FieldRef("reg1"), "ct_nw_dst")),
    ("26.03", "reg0[0..7] = ct_proto();", "reg0[0..7] = ct_proto();", Result(FieldRef("reg0", 0, 7), "ct_proto")),
    ("22.03", "reg0[0] = check_pkt_larger(1500);", "reg0[0] = check_pkt_larger(1500);", CheckPktLarger(BIT, 1500)),
    ("22.03", 'reg0[0] = put_dhcp_opts(offerip = 1.2.3.4,dns_server={1.2.3.4} hostname="h");', 'reg0[0] = put_dhcp_opts(offerip = 1.2.3.4, dns_server = {1.2.3.4}, hostname = "h");', PutOptions("put_dhcp_opts", BIT, (Option("offerip", IP4), Option("dns_server", ConstantSet((IP4,))), Option("hostname", StringConstant("h"))))),
    ("22.03", "reg0[0] = put_dhcpv6_opts();", "reg0[0] = put_dhcpv6_opts();", PutOptions("put_dhcpv6_opts", BIT, ())),
    ("22.03", f'reg0[0] = put_nd_ra_opts(addr_mode = "dhcpv6_stateful", slla = {SLLA});', f'reg0[0] = put_nd_ra_opts(addr_mode = "dhcpv6_stateful", slla = {SLLA});', PutOptions("put_nd_ra_opts", BIT, (Option("addr_mode", StringConstant("dhcpv6_stateful")), Option("slla", Constant(0xAE0102030405, Format.ETHERNET))))),
    ("25.03", "reg0[0] = dhcp_relay_req_chk(1.2.3.4, 1.2.3.4);", "reg0[0] = dhcp_relay_req_chk(1.2.3.4, 1.2.3.4);", DhcpRelay(BIT, "dhcp_relay_req_chk", IP4, IP4)),
    ("22.03", 'trigger_event(event = "empty_lb_backends", vip = "1.2.3.4:80", protocol = "tcp");', 'trigger_event(event = "empty_lb_backends", vip = "1.2.3.4:80", protocol = "tcp");', TriggerEvent("empty_lb_backends", (Option("vip", StringConstant("1.2.3.4:80")), Option("protocol", StringConstant("tcp"))))),
    ("22.03", 'log(severity=alert verdict=drop, name="a");', 'log(name="a", verdict=drop, severity=alert);', Log("drop", "alert", "a")),
    ("24.03", 'log(verdict=pass, meter="m");', 'log(verdict=pass, severity=info, meter="m");', Log("pass", meter="m")),
    ("22.12", "sample(probability=100,collector_set=2,obs_domain=3,obs_point=$cookie);", "sample(probability=100,collector_set=2,obs_domain=3,obs_point=$cookie);", Sample(100, 2, 3, "$cookie")),
    ("25.03", "sample(probability=65535,obs_point=ct_label.obs_point_id);", "sample(probability=65535,collector_set=0,obs_domain=0,obs_point=ct_label.obs_point_id);", Sample(65535, point=FieldRef("ct_label.obs_point_id"))),
    ("22.03", "set_queue(61440);", "set_queue(61440);", SetQueue(61440)),
    ("22.03", "set_meter(100, 10);", "set_meter(100, 10);", SetMeter(100, 10)),
    ("22.03", 'fwd_group(liveness=true, childports="a" "b");', 'fwd_group(liveness="true", childports="a", "b");', FwdGroup(("a", "b"), True)),
    ("22.12", "commit_ecmp_nh(ipv6=true, proto=sctp);", "commit_ecmp_nh(ipv6 = true, proto = sctp);", CommitEcmpNh(True, "sctp")),
    ("22.12", 'commit_lb_aff(vip = "[fd00::1]:80", backend = "[fd00::1]", proto = tcp, timeout = 30);', 'commit_lb_aff(vip = "[fd00::1]:80", backend = "[fd00::1]", proto = tcp, timeout = 30);', CommitLbAff(Endpoint(IP6, 80), Endpoint(IP6), 30, "tcp")),
    ("22.03", 'bind_vport("v", inport);', 'bind_vport("v", inport);', Call("bind_vport", (StringConstant("v"), FieldRef("inport")))),
    ("22.03", "handle_bfd_msg();", "handle_bfd_msg();", Call("handle_bfd_msg", ())),
    ("22.03", "ct_clear;", "ct_clear;", Call("ct_clear")),
    ("25.03", "flood_remote;", "flood_remote;", Call("flood_remote")),
    ("26.03", 'mirror("m");', 'mirror("m");', Call("mirror", (StringConstant("m"),))),
]  # fmt: skip


@pytest.mark.parametrize(("version", "text", "canonical", "action"), ACTIONS, ids=[a[1] for a in ACTIONS])
def test_action_and_text(version: OvnVersion, text: str, canonical: str, action: Action) -> None:
    assert parse(text, version=version) == [action]
    assert to_text([action]) == canonical
    assert parse(canonical, version=version) == [action]
    assert parse(text, version=version, strict=False) == [action]


REFUSED: list[tuple[OvnVersion, str, int]] = [
    ("25.03", "drop; next;", 6),
    ("25.03", "next; drop;", 6),
    ("25.03", "next();", 5),
    ("25.03", "next(10;", 7),
    ("25.03", "next(30);", 0),
    ("25.03", "next(pipeline=both);", 14),
    ("25.03", "output", 6),
    ("25.03", "inport[1] = 1;", 0),
    ("25.03", "ip.proto[1] = 1;", 0),
    ("25.03", "eth.dst[40] == 1;", 12),
    ("25.03", "ip = 1;", 0),
    ("25.03", "ip.proto = 6;", 0),
    ("25.03", 'inport = {"a", "b"};', 9),
    ("25.03", "reg0[0] = vlan.present;", 10),
    ("25.03", "reg0 = reg1[0..10];", 7),
    ("25.03", "inport = reg0;", 9),
    ("25.03", "reg0[0..7] <-> ip.proto;", 15),
    ("25.03", "ip.ttl", 6),
    ("25.03", "pkt.mark = foo;", 11),
    ("25.03", 'pkt.mark = "foo";', 11),
    ("25.03", "reg0 = $set;", 7),
    ("25.03", "ct_mark = 1;", 0),
    ("25.03", "ct_commit { reg0 = 1; };", 12),
    ("25.03", "ct_commit { clone { ct_mark = 1; }; };", 20),
    ("25.03", "ct_commit(ct_mark=1);", 9),
    ("23.03", "ct_next(dnat);", 7),
    ("25.03", "ct_next(both);", 8),
    ("25.03", "ct_lb(192.168.1.2:80);", 6),
    ("25.03", "ct_lb(backends=192.168.1.2:123456);", 27),
    ("25.03", "ct_lb(backends=[192.168.1.2]);", 16),
    ("25.03", "ct_lb(backends=fd00::1/64);", 15),
    ("25.03", "ct_lb(backends=1.2.3.4; hash_fields=ip_src);", 36),
    ("25.03", "ct_dnat(1.2.3.0/24);", 8),
    ("25.03", "ct_dnat(1.2.3.4, 0);", 17),
    ("25.03", "ct_dnat(1.2.3.4, 9-9);", 19),
    ("25.03", "reg0 = select(1);", 16),
    ("25.03", "reg0 = select(1=0, 2);", 17),
    ("25.03", "reg0[0..14] = select(1, 2);", 21),
    ("24.03", 'reg0 = select(values=(1, 2); hash_fields="a");', 14),
    ("25.03", "clone { drop; next; };", 14),
    ("25.03", "clone { next; ", 14),
    ("25.03", "get_arp(reg0, ip4.dst);", 8),
    ("25.03", "get_arp(inport, eth.dst);", 16),
    ("25.03", "reg0 = lookup_arp(inport, arp.spa, arp.sha);", 18),
    ("25.03", "reg0[0] = dns_lookup(5);", 21),
    ("25.03", "reg0[0] = put_dhcp_opts(router = 1.2.3.4);", 24),
    ("25.03", "reg0[0] = put_dhcp_opts(offerip = 1.2.3.4, bogus = 1);", 43),
    ("25.03", 'reg0[0] = put_dhcp_opts(offerip = "x");', 34),
    ("23.03", 'reg0[0] = put_dhcpv6_opts(fqdn = "x");', 26),
    ("25.03", "reg0[0] = put_nd_ra_opts(slla = ae:01:02:03:04:05);", 25),
    ("25.03", 'trigger_event(event = "other");', 22),
    ("25.03", 'trigger_event(event = "empty_lb_backends", vip = "x");', 43),
    ("25.03", "log(severity=info);", 18),
    ("25.03", "log(verdict=maybe);", 12),
    ("23.03", "log(verdict=pass);", 12),
    ("25.03", f'log(verdict=drop, name="{"n" * 64}");', 23),
    ("25.03", "sample(probability=0);", 0),
    ("25.03", "sample(probability=1,obs_domain=256);", 32),
    ("24.03", "sample(probability=1,obs_point=reg0);", 31),
    ("25.03", "set_queue(61441);", 10),
    ("25.03", "set_meter(0);", 10),
    ("25.03", "fwd_group();", 10),
    ("25.03", "commit_ecmp_nh(ipv6=maybe, proto=tcp);", 20),
    ("25.03", 'commit_lb_aff(vip="1.2.3.4", backend="[::1]", timeout=3);', 37),
    ("25.03", "ct_lb_mark_local;", 0),
    ("22.03", "mac_cache_use;", 0),
    ("25.03", "nonsense;", 0),
    ("25.03", "outport = ^var;", 10),
    ("25.03", "^var;", 0),
    ("25.03", "set_queue(;", 10),
]


@pytest.mark.parametrize(("version", "text", "offset"), REFUSED, ids=[r[1] for r in REFUSED])
def test_refused_with_its_place(version: OvnVersion, text: str, offset: int) -> None:
    with pytest.raises(ActionError) as caught:
        parse(text, version=version)
    assert caught.value.offset == offset
    assert caught.value.message
    assert any(isinstance(a, UnknownAction) for a in walk(parse(text, version="25.03", strict=False))) or (
        # Not strict: another release's actions are read, and lengths of pipelines do not matter.
        version != "25.03" or text in ("next(30);", "ct_commit(ct_mark=1);", "ct_lb_mark_local;")
    )


def test_the_pipelines_length_bounds_next() -> None:
    parse("next;", table=28)
    with pytest.raises(ActionError):
        parse("next;", table=29)
    parse("next;", table=5, tables=7)
    with pytest.raises(ActionError):
        parse("next;", table=6, tables=7)
    with pytest.raises(ActionError):
        parse("next;", tables=0)
    parse("next(pipeline=ingress, table=33);", version="26.03", pipeline="egress")
    with pytest.raises(ActionError):
        parse("next(pipeline=egress, table=16);", version="26.03")
    assert Next().target("egress", 4) == ("egress", 5)
    assert Next("ingress", 9).target("egress", 4) == ("ingress", 9)


def test_nesting_has_a_limit() -> None:
    deepest = "clone { " * 31 + "}; " * 31
    assert to_text(parse(deepest)).count("clone") == 31
    with pytest.raises(ActionError):
        parse("clone { " * 32 + "}; " * 32)
    assert parse("clone { " * 5000 + "}; " * 5000, strict=False)


def test_unknown_actions_are_kept() -> None:
    text = 'next; fly_away(to = "the; moon"); clone { ct_sparkle { a; }; output; }; drop'
    made = parse(text, strict=False)
    unknown = [a for a in walk(made) if isinstance(a, UnknownAction)]
    assert [a.text for a in unknown] == ['fly_away(to = "the; moon");', "ct_sparkle { a; };", "drop"]
    assert unknown[0].offset == 6 and unknown[0].message
    assert made[0] == Next()
    assert isinstance(made[2], Nested) and made[2].actions[1] == Output()
    assert to_text(made) == text.replace("{ ct", "{ ct")


def test_a_broken_token_ends_what_can_be_read() -> None:
    made = parse('output; clone { next; "oh', strict=False)
    assert made[0] == Output()
    assert [a.text for a in walk(made) if isinstance(a, UnknownAction)] == ['clone { next; "oh']

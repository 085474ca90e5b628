"""Why a packet was dropped: on flows that the real northd wrote, the sentence that names the cause."""

from __future__ import annotations

import re
import shutil
from collections.abc import Iterator

import pytest

from ko_tui.backend.explain.catalogue import Catalogue, catalogue
from ko_tui.backend.simulate import Options, Simulator
from ko_tui.backend.simulate.dropped import Drop, why_dropped
from ko_tui.backend.simulate.mismatch import near_misses
from ko_tui.backend.simulate.owners import FlowNames, saved_rows
from ko_tui.backend.source.ovsdb_file import Database, load, loads
from tests.differential.ovn import ScratchOvn

pytestmark = pytest.mark.skipif(shutil.which("ovn-northd") is None, reason="OVN is not installed here")

CLIENT, SERVER, FAR, DOWN = "0a:00:00:00:00:01", "0a:00:00:00:00:02", "0a:00:00:00:00:03", "0a:00:00:00:00:04"
LOOSE, ROUTER, ROUTER2 = "0a:00:00:00:00:05", "0e:00:00:00:00:01", "0e:00:00:00:00:02"

COMMANDS = f"""
ls-add sw
lsp-add sw client -- lsp-set-addresses client "{CLIENT} 10.0.0.10 fd00::10" -- lsp-set-port-security client "{CLIENT} 10.0.0.10 fd00::10"
lsp-add sw server -- lsp-set-addresses server "{SERVER} 10.0.0.20 fd00::20"
lsp-add sw down -- lsp-set-addresses down "{DOWN} 10.0.0.40" -- lsp-set-enabled down disabled
lsp-add sw loose -- lsp-set-addresses loose "{LOOSE} 10.0.0.50" -- lsp-set-port-security loose "{LOOSE}"
ls-add sw2
lsp-add sw2 far -- lsp-set-addresses far "{FAR} 10.0.1.10"
lr-add lr
lrp-add lr lr-sw {ROUTER} 10.0.0.1/24 fd00::1/64
lrp-add lr lr-sw2 {ROUTER2} 10.0.1.1/24
lsp-add sw sw-lr -- lsp-set-type sw-lr router -- lsp-set-addresses sw-lr router -- lsp-set-options sw-lr router-port=lr-sw
lsp-add sw2 sw2-lr -- lsp-set-type sw2-lr router -- lsp-set-addresses sw2-lr router -- lsp-set-options sw2-lr router-port=lr-sw2
lr-route-add lr 192.0.2.0/24 discard
lr-policy-add lr 100 "ip4.dst == 198.51.100.0/24" drop
lr-policy-add lr 90 "ip4.src == 10.0.0.50 && tcp" drop
pg-add prod server
create Address_Set name=clients addresses=10.0.0.10
create Address_Set name=empty
--name=np1 --type=port-group acl-add prod to-lport 1001 "outport == @prod && ip4 && ip4.src == $clients && tcp.dst == 8080" allow-related
--type=port-group acl-add prod to-lport 1002 "outport == @prod && ip4 && ip4.src == $empty && tcp.dst == 9090" allow-related
--type=port-group acl-add prod to-lport 1000 "outport == @prod && ip" drop
acl-add sw from-lport 900 "inport == \\"client\\" && icmp4 && ip4.dst == 10.0.1.0/24" drop
acl-add sw2 to-lport 900 "ip4.src == 10.0.0.10 && udp" reject
lb-add nobody 10.96.0.1:80 "" tcp -- ls-lb-add sw nobody
"""


@pytest.fixture(scope="module")
def databases(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Database, Database]]:
    import shlex

    with ScratchOvn() as ovn:
        for line in COMMANDS.strip().splitlines():
            assert ovn.nbctl(*shlex.split(line)) is not None, line
        ovn.settle()
        northbound = load(ovn.directory / "nb.db")
        yield loads(ovn.southbound(), "southbound"), northbound


def tcp(port: int, *, src: str = "10.0.0.10", dst: str = "10.0.0.20", to: str = SERVER, ttl: int = 64) -> str:
    return (
        f'inport == "client" && eth.src == {CLIENT} && eth.dst == {to} && ip4.src == {src} && ip4.dst == {dst} && '
        f"ip.ttl == {ttl} && tcp && tcp.src == 4000 && tcp.dst == {port} && tcp.flags == 2"
    )


def loose(rest: str, *, to: str = SERVER, src: str = "10.0.0.50", dst: str = "10.0.0.20") -> str:
    return (
        f'inport == "loose" && eth.src == {LOOSE} && eth.dst == {to} && ip4.src == {src} && ip4.dst == {dst} && '
        f"ip.ttl == 64 && {rest}"
    )


# ruff: noqa: E501
CASES: dict[str, tuple[str, tuple[str, ...], tuple[str, ...]]] = {
    "wrong port": (tcp(80), ("new",) * 4, ("TCP 80 from 10.0.0.10 to 10.0.0.20 is denied by ACL", "outport == @prod && ip",
                   "nearest that allows", "it asks for tcp.dst == 8080, and the packet has 80")),
    "wrong protocol": (loose("udp && udp.dst == 8080"), ("new",) * 4, ("UDP 8080", "is denied", "nearest that allows")),
    "wrong family": (
        f'inport == "client" && eth.src == {CLIENT} && eth.dst == {SERVER} && ip6.src == fd00::10 && '
        "ip6.dst == fd00::20 && ip.ttl == 64 && tcp && tcp.dst == 8080", ("new",) * 4,
        ("TCP 8080 from fd00::10 to fd00::20 is denied", "the packet is IPv6 TCP")),
    "stale address set": (loose("tcp && tcp.dst == 8080"), ("new",) * 4, ("10.0.0.50 is not in $clients, which has 1 member",)),
    "empty address set": (loose("tcp && tcp.dst == 9090"), ("new",) * 4, ("10.0.0.50 is not in $empty, which is empty",)),
    "spoofed MAC": (tcp(8080).replace(f"eth.src == {CLIENT}", "eth.src == 0a:00:00:00:00:99"), (),
                    ("Port security of client does not allow the source MAC 0a:00:00:00:00:99",
                     f"it allows {CLIENT} with 10.0.0.10, fd00::10")),
    "spoofed address": (tcp(8080, src="10.0.0.11"), (),
                        ("Port security of client does not allow the source address 10.0.0.11",)),
    "spoofed IPv6 address": (
        f'inport == "client" && eth.src == {CLIENT} && eth.dst == {SERVER} && ip6.src == fd00::66 && ip6.dst == fd00::20',
        (), ("does not allow the source address fd00::66",)),
    "spoofed ARP": (
        f'inport == "client" && eth.src == {CLIENT} && eth.dst == ff:ff:ff:ff:ff:ff && arp.op == 1 && '
        f"arp.sha == {CLIENT} && arp.spa == 10.0.0.11 && arp.tpa == 10.0.0.20", (),
        ("Port security of client does not allow the source address 10.0.0.11",)),
    "VLAN tag": (loose("vlan.tci == 0x100a && udp"), (), ("frames with a VLAN tag", "VLAN 10")),
    "multicast source MAC": (
        f'inport == "server" && eth.src == 01:00:5e:00:00:01 && eth.dst == {CLIENT} && ip4', (), ("01:00:5e:00:00:01 is a multicast address",)),
    "unknown MAC": (loose("udp", to="0a:00:00:00:00:77"), ("est",) * 4,
                    ("Switch sw has no port with MAC 0a:00:00:00:00:77, and none of its ports takes",)),
    "no route": (tcp(80, dst="203.0.113.9", to=ROUTER), ("est",) * 4,
                 ("Router lr has no route to 203.0.113.9", "nearest is priority")),
    "discard route": (tcp(80, dst="192.0.2.9", to=ROUTER), ("est",) * 4,
                      ("Router lr discards TCP 80 from 10.0.0.10 to 192.0.2.9", "ip4.dst == 192.0.2.0/24")),
    "router policy": (tcp(80, dst="198.51.100.9", to=ROUTER), ("est",) * 4, ("Router lr",)),
    "policy for a source": (loose("tcp && tcp.dst == 1", to=ROUTER, dst="10.0.1.10"), ("est",) * 4,
                            ("Router lr drops TCP 1 from 10.0.0.50 to 10.0.1.10 by policy",
                             "ip4.src == 10.0.0.50 && tcp")),
    "TTL 1": (tcp(80, dst="10.0.1.10", to=ROUTER, ttl=1), ("est",) * 4, ("its TTL is 1 and cannot go down further",)),
    "TTL 0": (tcp(80, dst="10.0.1.10", to=ROUTER, ttl=0), ("est",) * 4, ("its TTL is 0",)),
    "load balancer without backends": (tcp(80, dst="10.96.0.1", to=ROUTER), ("new",) * 4,
                                       ("TCP 80 from 10.0.0.10 to 10.96.0.1 is dropped by a load balancer without",)),
    "port that is disabled": (loose("udp", to=DOWN, dst="10.0.0.40"), ("est",) * 4, ("Port down is disabled",)),
    "from a port that is disabled": (f'inport == "down" && eth.src == {DOWN} && eth.dst == {SERVER} && ip4', (),
                                     ("Port down is disabled",)),
    "invalid for conntrack": (loose("udp"), ("inv",) * 4, ("conntrack calls it invalid",)),
    "the router's own address": (loose("tcp && tcp.dst == 22", to=ROUTER, dst="10.0.0.1"), ("est",) * 4,
                                 ("Router lr", "10.0.0.1")),
    "router's address as source": (loose("udp", to=ROUTER, src="10.0.0.1", dst="10.0.1.10"), ("est",) * 4,
                                   ("Router lr drops UDP 0 from 10.0.0.1",)),
    "loopback source": (loose("udp", to=ROUTER, src="127.0.0.1", dst="10.0.1.10"), ("est",) * 4,
                        ("Router lr", "127.0.0.0/8")),
    "not for the router's MAC": (
        f'inport == "lr-sw" && eth.src == {CLIENT} && eth.dst == {SERVER} && ip4.src == 10.0.0.10 && ip4.dst == 10.0.1.10',
        (), (f"Router lr does not take frames for MAC {SERVER} on port lr-sw",)),
    "denied on the way out": (
        f'inport == "client" && eth.src == {CLIENT} && eth.dst == {ROUTER} && ip4.src == 10.0.0.10 && '
        "ip4.dst == 10.0.1.10 && ip.ttl == 64 && icmp4.type == 8", ("new",) * 6,
        ("ICMP from 10.0.0.10 to 10.0.1.10 is denied by ACL", "icmp4 && ip4.dst == 10.0.1.0/24")),
}  # fmt: skip


@pytest.mark.parametrize("name", CASES)
def test_the_sentence_names_the_cause(name: str, databases: tuple[Database, Database]) -> None:
    microflow, ct, words = CASES[name]
    drop = dropped(databases[0], microflow, ct)
    for part in words:
        assert part in drop.sentence, drop.sentence


ENGLISH = re.compile(
    r"\b(?:the|is|are|has|have|of|to|from|for|in|on|no|not|and|but|it|its|which|that|by|with|nearest)\b"
)


@pytest.mark.parametrize("name", CASES)
def test_in_chinese_it_is_chinese(name: str, databases: tuple[Database, Database]) -> None:
    microflow, ct, _ = CASES[name]
    words = catalogue("zh")
    drop = dropped(databases[0], microflow, ct, words)
    assert re.search("[\u4e00-\u9fff]", drop.sentence) and drop.sentence.endswith("。")
    said = [drop.sentence, *(miss.sentence(words) for miss in drop.nearest)]
    said += [clause.sentence(words) for miss in drop.nearest for clause in miss.clauses]
    for sentence in said:
        bare = sentence
        for miss in drop.nearest:  # matches stay as OVN writes them
            for clause in miss.clauses:
                bare = bare.replace(clause.text, "")
        assert not ENGLISH.search(re.sub(r"is_chassis_resident|[（(][^（）()]*:.*[）)]", "", bare)), sentence


def dropped(database: Database, microflow: str, ct: tuple[str, ...], words: Catalogue | None = None) -> Drop:
    simulator = Simulator(database)
    made = simulator.run(None, microflow, Options(ct))
    assert not made.failed, made.text
    drop = why_dropped(simulator, made, words=words)
    assert drop is not None, made.text
    return drop


def test_enough_causes_are_checked() -> None:
    assert len(CASES) >= 25


def test_the_object_behind_is_named(databases: tuple[Database, Database]) -> None:
    southbound, northbound = databases
    simulator = Simulator(southbound)
    made = simulator.run("sw", tcp(80), Options(("new",) * 4))
    drop = why_dropped(simulator, made, name_of=FlowNames(saved_rows(northbound)))
    assert drop is not None
    near = next(m for m in drop.nearest if "8080" in m.flow.match)
    found = FlowNames(saved_rows(northbound)).owner(near.flow)
    assert found is not None
    assert (found.kind, found.name) == ("ACL", "np1")


def test_every_clause_of_a_near_miss_is_judged(databases: tuple[Database, Database]) -> None:
    drop = dropped(databases[0], tcp(80), ("new",) * 4)
    near = next(m for m in drop.nearest if "8080" in m.flow.match and not m.flow.match.startswith("reg0[8]"))
    judged = {c.text: (c.value, c.packet) for c in near.clauses}
    assert judged["tcp.dst == 8080"] == (False, "80")
    assert judged["ip4.src == $clients"] == (True, "10.0.0.10")
    assert judged["outport == @prod"] == (True, "server")
    assert next(c for c in near.clauses if "$clients" in c.text).members == ("10.0.0.10",)


def test_a_flow_that_came_second_says_so(databases: tuple[Database, Database]) -> None:
    simulator = Simulator(databases[0])
    made = simulator.run("sw", tcp(8080), Options(("new",) * 4))
    step = next(s for s in made.steps if s.flow is not None and "8080" in s.flow.match)
    outranked = [m for m in near_misses(simulator, step, limit=100) if m.outranked]
    assert any(m.flow.priority == 2000 and "@prod" in m.flow.match for m in outranked)

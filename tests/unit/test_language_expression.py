"""What the match language takes and refuses, with the place of the error."""

from __future__ import annotations

import pytest

from ko_tui.backend.ovn.expression import (
    AddressSet,
    And,
    Boolean,
    ChassisResident,
    Compare,
    Constant,
    ConstantSet,
    Expression,
    ExpressionError,
    FieldRef,
    Format,
    Not,
    Or,
    PortGroup,
    Range,
    StringConstant,
    cached,
    fields,
    parse,
    parse_cached,
)
from ko_tui.backend.ovn.symbols import table
from ko_tui.backend.ovn.versions import KNOWN, OvnVersion

DEC, HEX = Format.DECIMAL, Format.HEXADECIMAL
PCP = FieldRef("vlan.pcp")


def pcp(value: int) -> Compare:
    return Compare(PCP, "==", Constant(value))


TREES: list[tuple[str, str, Expression]] = [
    ("1", "1", Boolean(True)),
    ("!0", "!0", Not(Boolean(False))),
    ("ip4", "ip4", FieldRef("ip4")),
    ("((ip4))", "ip4", FieldRef("ip4")),
    ("!ct.trk", "!ct.trk", Not(FieldRef("ct.trk"))),
    ("eth.src[40]", "eth.src[40]", FieldRef("eth.src", 40, 40)),
    (
        "eth.type[0..15]==0x800",
        "eth.type == 0x800",
        Compare(FieldRef("eth.type"), "==", Constant(0x800, HEX)),
    ),
    ("0x4 < vlan.pcp", "vlan.pcp > 0x4", Compare(PCP, ">", Constant(4, HEX))),
    (
        "0 < tcp.dst <= 1024",
        "0 < tcp.dst <= 1024",
        Range(Constant(0), "<", FieldRef("tcp.dst"), "<=", Constant(1024)),
    ),
    ("4 >= vlan.pcp > 1", "1 < vlan.pcp <= 4", Range(Constant(1), "<", PCP, "<=", Constant(4))),
    (
        "vlan.pcp == {1 2,3,}",
        "vlan.pcp == {1, 2, 3}",
        Compare(PCP, "==", ConstantSet((Constant(1), Constant(2), Constant(3)))),
    ),
    ("vlan.pcp=={1}", "vlan.pcp == {1}", Compare(PCP, "==", ConstantSet((Constant(1),)))),
    (
        "vlan.pcp == 1 || ((vlan.pcp == 2 || vlan.pcp == 3) || vlan.pcp == 4)",
        "vlan.pcp == 1 || vlan.pcp == 2 || vlan.pcp == 3 || vlan.pcp == 4",
        Or((pcp(1), pcp(2), pcp(3), pcp(4))),
    ),
    (
        "vlan.pcp == 1 && !(vlan.pcp == 2 && vlan.pcp == 3)",
        "vlan.pcp == 1 && !(vlan.pcp == 2 && vlan.pcp == 3)",
        And((pcp(1), Not(And((pcp(2), pcp(3)))))),
    ),
    (
        "ip4.src == {10.1.2.3/8, 1.2.3.4}",
        "ip4.src == {10.0.0.0/8, 1.2.3.4}",
        Compare(
            FieldRef("ip4.src"),
            "==",
            ConstantSet((Constant(0x0A000000, Format.IPV4, 0xFF000000), Constant(0x01020304, Format.IPV4))),
        ),
    ),
    (
        "ip4.src == 192.168.0.0/255.255.0.255",
        "ip4.src == 192.168.0.0/255.255.0.255",
        Compare(FieldRef("ip4.src"), "==", Constant(0xC0A80000, Format.IPV4, 0xFFFF00FF)),
    ),
    (
        "ip6.dst == FF00:0::/8",
        "ip6.dst == ff00::/8",
        Compare(FieldRef("ip6.dst"), "==", Constant(0xFF << 120, Format.IPV6, 0xFF << 120)),
    ),
    (
        "eth.dst == 01:00:00:00:00:FF/01:00:00:00:00:00",
        "eth.dst == 01:00:00:00:00:00/01:00:00:00:00:00",
        Compare(FieldRef("eth.dst"), "==", Constant(1 << 40, Format.ETHERNET, 1 << 40)),
    ),
    ("reg0 == 0/0x12", "reg0 == 0x0/0x12", Compare(FieldRef("reg0"), "==", Constant(0, HEX, 0x12))),
    (
        'inport == "a\\"b\\u0041\\n"',
        'inport == "a\\"bA\\n"',
        Compare(FieldRef("inport"), "==", StringConstant('a"bA\n')),
    ),
    ("ip4.src == $as_ip4", "ip4.src == $as_ip4", Compare(FieldRef("ip4.src"), "==", AddressSet("as_ip4"))),
    ("inport == @pg", "inport == @pg", Compare(FieldRef("inport"), "==", PortGroup("pg"))),
    (
        '!is_chassis_resident("cr-lrp")',
        '!is_chassis_resident("cr-lrp")',
        Not(ChassisResident("cr-lrp")),
    ),
    ("ip4 /* why */ && tcp // end", "ip4 && tcp", And((FieldRef("ip4"), FieldRef("tcp")))),
    ("!(vlan.pcp)", "!vlan.pcp", Not(PCP)),
    ("!ip.ttl", "!ip.ttl", Not(FieldRef("ip.ttl"))),
    (
        '!(inport != "eth0")',
        '!(inport != "eth0")',
        Not(Compare(FieldRef("inport"), "!=", StringConstant("eth0"))),
    ),
]


@pytest.mark.parametrize(("text", "canonical", "tree"), TREES, ids=[t[0] for t in TREES])
def test_tree_and_text(text: str, canonical: str, tree: Expression) -> None:
    assert parse(text) == tree
    assert parse_cached(text) == tree
    assert str(tree) == canonical
    assert parse(canonical) == tree
    assert hash(parse(canonical)) == hash(tree)


REFUSED = [
    # Types and widths.
    ('ip4.src == "eth0"', 11),
    ("inport == 1", 10),
    ("ip4.src == ::1", 11),
    ("tcp.dst == 65536", 11),
    ("flags.loopback == 2", 18),
    ("tcp.dst == 1.2.3.4", 11),
    ('vlan.pcp == {1, "x"}', 16),
    # Levels.
    ("ip4.src > {1, 2}", 10),
    ("eth.type > 0x800", 0),
    ("vlan.present > 0", 0),
    ("eth.type != 0x800", 0),
    ("!(eth.type == 0x800)", 2),
    ('inport != "eth0"', 0),
    ("!ip4", 1),
    ("ip4 == 0", 0),
    ("eth.src > 00:00:00:00:11:11/00:00:00:00:ff:ff", 10),
    ("eth.type", 0),
    ("!(!(vlan.pcp))", 4),
    # Shape.
    ("", 0),
    ("ip4 &&", 6),
    ("ip4.src = 1.2.3.4", 8),
    ('inport = "eth0"', 7),
    ("123 == 123", 7),
    ("123", 3),
    ("123 x", 4),
    ("0x1", 3),
    ("(ip4", 4),
    ("ip4)", 3),
    ("(1 x)", 3),
    ("!0x800 != eth.type", 0),
    ("!!ip", 1),
    ("ip4 || ip6 && udp", 11),
    ("1 == eth.type == 2", 0),
    ("1 < vlan.pcp > 2", 0),
    ("eth.dst[40] x", 12),
    ("eth.dst == {}", 12),
    ("eth.dst == {00:00:00:00:00:01,,00:00:00:00:00:02}", 30),
    ("ip4 (tcp)", 0),
    ("is_chassis_resident(port)", 20),
    # Names.
    ("xyzzy == 1", 0),
    ("ip4 && xyzzy", 7),
    ("eth.type == xyzzy", 12),
    ("123 == xyzzy", 7),
    ("reg10 == 1", 0),
    # Bits.
    ("inport[1] == 1", 0),
    ("eth.type[] == 1", 9),
    ("eth.src[::1] == 1", 8),
    ("eth.src[5!]", 9),
    ("eth.src[5..1]", 0),
    ("eth.src[40..48] == 1", 0),
    ("eth.type[10] == 1", 0),
    # Constants.
    ("reg0 == 01", 8),
    ("reg0 == 0x", 8),
    ("reg0 == 0xg", 8),
    ("xxreg0 == 0x100000000000000000000000000000000", 10),
    ("xxreg0 == 18446744073709551616", 10),
    ("ip4.src == 256.1.1.1", 11),
    ("ip4.src == 1.2.3.4/33", 11),
    ("ip4.src == 1.2.3.4/", 11),
    ("ip6.src == ::1/129", 11),
    ("reg0 == 1/0x1", 8),
    ("ip4.src == 1.2.3.4 / 8", 19),
    ("eth.src == fe:x", 11),
    ('inport == "port', 10),
    ('inport == "\\q"', 10),
    ('inport == "\\u0000"', 10),
    ("ip4.src == $1", 11),
    ("ip4.src == ^var", 11),
    ("ip4 & tcp", 4),
    ("ip4 \x00", 4),
    ("ip4 é", 4),
    ("ip4 /* no end", 4),
]


@pytest.mark.parametrize(("text", "offset"), REFUSED, ids=[repr(r[0]) for r in REFUSED])
def test_refused_with_its_place(text: str, offset: int) -> None:
    with pytest.raises(ExpressionError) as caught:
        parse(text)
    assert caught.value.offset == offset
    assert caught.value.message
    with pytest.raises(ExpressionError) as again:
        parse_cached(text)
    assert (again.value.message, again.value.offset) == (caught.value.message, offset)


def test_parentheses_nest_to_one_hundred() -> None:
    assert parse("(" * 100 + "0" + ")" * 100) == Boolean(False)
    for read in (parse, parse_cached):
        with pytest.raises(ExpressionError) as caught:
            read("(" * 101 + "0" + ")" * 101)
        assert caught.value.offset == 100


def test_sets_may_be_named() -> None:
    sets = {"a": ["10.0.0.1"], "b": ["fd00::1"]}
    parse("ip4.src == $a", address_sets=sets)
    with pytest.raises(ExpressionError):
        parse("ip4.src == $c", address_sets=sets)
    with pytest.raises(ExpressionError):
        parse("ip4.src == {1.2.3.4, $b}", address_sets=sets)
    with pytest.raises(ExpressionError):
        parse("inport == @pg", port_groups=["other"])
    assert AddressSet("ns.web_ip4").port_group == ("ns.web", 4)
    assert AddressSet("web").port_group is None


def test_releases_differ() -> None:
    for text, first in (("rarp", "22.12"), ("flags.localnet", "24.03"), ("from_evpn_vtep", "26.03")):
        parse(text, version=first)  # type: ignore[arg-type]
        with pytest.raises(ExpressionError):
            parse(text, version="22.03")
    parse("ct_label.blocked", version="24.03")
    with pytest.raises(ExpressionError):
        parse("ct_label.blocked", version="25.03")


def test_fields_are_listed() -> None:
    tree = parse("ip4 && (tcp.dst == 80 || 1 < udp.dst < 9) && !ct.trk")
    assert [str(field) for field in fields(tree)] == ["ip4", "tcp.dst", "udp.dst", "ct.trk"]


def test_cached_trees_share_their_parts() -> None:
    first = parse_cached('inport == "pod-a" && ip4.src == 10.0.0.1')
    second = parse_cached('inport == "pod-a" && ip4.src == 10.0.0.2')
    assert isinstance(first, And) and isinstance(second, And)
    assert first.terms[0] is second.terms[0]
    assert first != second


CACHED = [
    'inport == "a && b"',
    'inport == "a && b" && ip4',
    'inport == "(" && (ip4 || ip6)',
    'is_chassis_resident("a") && (is_chassis_resident("b") || ip4)',
    "ip4.src == 10.0.0.1 // && tcp",
    "(ip4 && tcp) && (udp.dst == 5 || udp.dst == 6)",
    "((ip4 && ip4.src == 1.2.3.4) || ip6) && tcp",
    "(ip4)&&(ip6) && tcp",
    "(ip4) || (ip6)",
    "ip4.src == {1.2.3.4, 5.6.7.8} && ip4.dst != $set",
    "ip.ttl == 255 && ip.ttl == {1, 0}",
    "tcp.dst == 80 && tcp.dst == 65535",
    "ip4 || (tcp && tcp.dst == 80) ||(udp && udp.dst == 53)",
    "ip4 ||ip6 || arp",
    "(((ip4 && ip4.src == 10.0.0.1) || (ip6 && ip6.src == fd00::1)) && tcp) || arp",
    'inport == "x) || (y" && (ip4 || ip6)',
    'inport == "x && (y" && is_chassis_resident("x || y)")',
    "!(ip4.src == 10.0.0.1) && (ip.ttl == 1 || ip.ttl == 2)",
    "ip4.src == 10.0.0.77/8 && ip4.dst == 10.0.0.0/255.255.0.255",
    "ip4 /* && (tcp || udp) */ && (arp || udp)",
]
CACHED_REFUSED = [
    "ip4 && ip6 || tcp",
    "(ip4 && ip6 || tcp) && udp",
    "ip4.src == 10.0.0.1 && ip4.src == ::1",
    "tcp.dst == 80 && tcp.dst == 65536",
    "tcp.dst == 80 && tcp.dst == {80, 65536}",
    'tcp.dst == 80 && tcp.dst == "80"',
    "tcp.dst == 80 && tcp.dst == @group",
    'inport == "a" && inport == $set',
    'inport == "a" && inport == "a" "',
    "ip.ttl == 64 && ip.ttl != 64",
    "ip4 && (ip6 && tcp",
    "ip4 && ip6) && tcp",
    "ip4 && ()",
    "ip4 &&  && tcp",
    "tcp.dst == 80 && tcp.dst == \uff11",
    "ip4 |||| ip6",
    "ip4 && ||ip6",
    "|| ip4",
    "(ip4 && tcp",
    "ip4) || (tcp",
    "!(eth.type == 0x800) && (ip4 || ip6)",
    "tcp.dst == ",
    "tcp.dst == ) && (ip4",
    "ip4.src == 10.0.0.1/33 && tcp",
    "ip4.src == 10.0.0.1 && ip4.src == 10.0.0.2\0",
    "ip6.src == fd00::1 && ip6.src == fd00::2\0",
    "eth.src == 0a:00:00:00:00:01 && eth.src == 0a:00:00:00:00:0g",
    "ip4.src == 10.0.0.1 && ip4.src == 10.0.0.256",
]


@pytest.mark.parametrize("text", CACHED)
def test_cached_is_equal(text: str) -> None:
    for _ in range(2):
        assert parse_cached(text) == parse(text)


@pytest.mark.parametrize("text", CACHED_REFUSED)
def test_cached_refuses_too(text: str) -> None:
    for _ in range(2):
        with pytest.raises(ExpressionError) as theirs:
            parse(text)
        with pytest.raises(ExpressionError) as caught:
            parse_cached(text)
        assert str(caught.value) == str(theirs.value)


def test_cached_is_equal_when_tables_begin_anew(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cached, "LIMIT", 3)
    parser = cached.CachedParser(table("25.03"))
    for number in range(200):
        port = number % 7
        text = f"(ip4 && ip4.src == 10.0.0.{number}) || (tcp && (tcp.dst == {port} || udp.dst == {port}))"
        assert parser.parse(text) == parse(text)


@pytest.mark.parametrize("version", KNOWN)
def test_cached_refuses_constants_that_do_not_fit_a_seen_shape(version: OvnVersion) -> None:
    parser = cached.CachedParser(table(version))
    for constant in ("80", "65535", "0x50", "{1, 2}", "0/0x1", "$set"):
        text = f"(ip4 && tcp.dst == {constant}) || udp"
        assert parser.parse(text) == parse(text, version=version)
    for constant in ("65536", "0x10000", "{1, 65536}", "1.2.3.4", '"80"', "@group", "", "80 80", "080"):
        with pytest.raises(ExpressionError):
            parser.parse(f"(ip4 && tcp.dst == {constant}) || udp")

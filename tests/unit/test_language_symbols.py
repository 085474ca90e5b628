"""The symbol tables agree with themselves and with what the releases define."""

from __future__ import annotations

import pytest

from ko_tui.backend.ovn import expression
from ko_tui.backend.ovn.symbols import table
from ko_tui.backend.ovn.versions import KNOWN, OvnVersion

REGISTERS = """
reg0 xxreg0[96..127]
reg1 xxreg0[64..95]
reg3 xxreg0[0..31]
reg4 xxreg1[96..127]
reg8 xreg4[32..63]
reg9 xreg4[0..31]
xreg0 xxreg0[64..127]
xreg1 xxreg0[0..63]
xreg3 xxreg1[0..63]
"""


@pytest.mark.parametrize("version", KNOWN)
def test_each_definition_parses_in_its_own_release(version: OvnVersion) -> None:
    symbols = table(version)
    for name, symbol in symbols.items():
        assert symbol.name == name
        assert symbol.description
        if symbol.prerequisites:
            expression.parse(symbol.prerequisites, version=version)
        if symbol.kind == "predicate":
            tree = expression.parse(symbol.expansion, version=version)
            nominal = any(symbols[field.name].level == "nominal" for field in expression.fields(tree))
            assert symbol.level == ("nominal" if nominal else "boolean")
            assert symbol.width == 1 and not symbol.writable
        if symbol.kind == "subfield":
            parent = symbols[symbol.parent]
            assert symbol.low + symbol.width <= parent.width
            field = expression.parse(f"{symbol.expansion} == 0", version=version)
            assert isinstance(field, expression.Compare) and field.field.name == parent.name


@pytest.mark.parametrize("line", REGISTERS.strip().splitlines())
def test_registers_overlap(line: str) -> None:
    name, expansion = line.split()
    assert table("25.03")[name].expansion == expansion


def test_what_came_and_went() -> None:
    counts = {version: len(table(version)) for version in KNOWN}
    assert counts["22.12"] == counts["23.03"]
    assert "rarp.op" in table("22.12") and "rarp.op" not in table("22.03")
    assert table("22.03")["flags.from_ctrl"].expansion == "flags[12]"
    assert "flags.from_ctrl" not in table("23.03")
    assert table("24.03")["flags.from_ctrl"].expansion == "flags[19]"
    assert table("23.03")["igmp"].expansion != table("24.03")["igmp"].expansion
    assert "ct_label.blocked" in table("24.03") and "ct_label.blocked" not in table("25.03")
    assert set(table("26.03")) - set(table("25.03")) >= {"remote_outport", "to_evpn_vtep", "ct_label.nf_id"}


def test_levels_and_scopes() -> None:
    symbols = table()
    assert symbols["tcp.dst"].level == "ordinal"
    assert symbols["icmp6.type"].level == "nominal"
    assert symbols["ip4"].level == "nominal"
    assert symbols["ct.new"].scope == "read-only" and symbols["ct.new"].prerequisites == "ct.trk"
    assert symbols["ct_mark.natted"].scope == "ct_commit"
    assert symbols["eth.src"].writable and not symbols["eth.type"].writable
    assert symbols["inport"].width == 0

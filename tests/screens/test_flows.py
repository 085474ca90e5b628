"""Pipeline and OpenFlow: from a switch to a flow in words."""

from __future__ import annotations

import pytest

from ko_tui.screens.flow_words import keep
from ko_tui.screens.flows import FlowsScreen
from ko_tui.screens.pipeline import StagesScreen, field_filter
from tests.screens.conftest import Running
from tests.screens.recorded import open_recorded


async def test_from_a_datapath_to_a_flow_explained(running: Running) -> None:
    async with running((160, 48), open_session=lambda: open_recorded(kind="snapshot")) as driven:
        assert "saved cluster" in driven.text()
        driven.app.screen.run_line("lflow ovn-default ls_in_lb")
        await driven.until(lambda: isinstance(driven.app.screen, FlowsScreen))
        await driven.settled()
        driven.app.screen.filter_changed("ip4.dst=10.96.0.10")
        await driven.until(lambda: "10.16.0.4:53" in driven.text())
        shown = driven.text()
        assert "10.96.99.10" not in shown
        assert "Load balance" in shown and "rewrite the destination" in shown
        await driven.press("escape", "escape")
        await driven.until(lambda: isinstance(driven.app.screen, StagesScreen))
        assert "ls_in_acl_eval" in driven.text() and "324 flows" in driven.text()


@pytest.mark.parametrize(
    ("typed", "match", "fits"),
    [
        ("ip4.dst=10.96.0.10", "ct.new && ip4.dst == 10.96.0.10 && udp.dst == 53", True),
        ("ip4.dst=10.96.0.1", "ip4.dst == 10.96.0.10", False),
        ("ip4.dst=10.0.0.2", "ip4.dst == {10.0.0.1, 10.0.0.2}", True),
        ("udp.dst=53", "udp.dst == 53", True),
        ("reg0[1]=1", "reg0[1] == 1", True),
        ("!tcp.dst=80", "udp.dst == 53", True),
    ],
)
def test_filter_by_field(typed: str, match: str, fits: bool) -> None:
    from ko_tui.widgets.patterns import read_filter

    assert bool(read_filter(field_filter(typed)).keep([match])) is fits


@pytest.mark.parametrize(
    ("words", "tables"),
    [("table=8", [8]), ("n_packets>0", [0]), ("table=0 and n_packets>0", [0]), ("drop", [8]), ("!drop", [0]),
     ("priority>=100", [0]), ("cookie=0xb054cd99", [0]), ("rate>1", [0]), ("stage=lb", [8]), ("", [0, 8]),
     ("n_packets > 0", [0]), ("table = 8 or table = 0", [0, 8]), ("not drop", [0]), ("drop || in_port=2", [0, 8]),
     ("n_packets>0 or", [0]), ("in_port=20", []), ("in_port=0x2", [0]), ("metadata=7", [8]), ("metadata!=7", []),
     ("nw_src~=10.16.0.0/24", [8]), ("nw_src~=10.17.0.9", []), ("nw_src=10.16.0.10", [8]), ("reg10~=0x3", [8]),
     ("!metadata=7", [0]), ("resubmit(,8)", [0]), ("table=0 drop || table=8 drop", [8])],
)  # fmt: skip
def test_flow_words(words: str, tables: list[int]) -> None:
    from ko_tui.backend.ovs.openflow import Rate, parse_line

    lines = (
        " cookie=0xb054cd99, table=0, n_packets=57, n_bytes=90, priority=100,in_port=2 actions=resubmit(,8)",
        " cookie=0x1, duration=3.2s, table=8, n_packets=0, n_bytes=0, priority=50,ip,reg10=0x1/0x1,metadata=0x7,"
        "nw_src=10.16.0.10 actions=drop",
    )
    rates = [Rate(parse_line(lines[0]), 2.0), Rate(parse_line(lines[1]), None)]
    found = keep(rates, words, lambda r: "ls_in_lb" if r.flow.table == 8 else "")
    assert [r.flow.table for r in found] == tables

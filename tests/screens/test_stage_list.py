"""Where a trace is looked at first: at the stage that decided."""

from __future__ import annotations

import pytest
from textual.app import App, ComposeResult

from ko_tui.backend.explain.trace import explain_trace
from ko_tui.backend.ovn.trace import parse
from ko_tui.widgets.glyphs import glyphs
from ko_tui.widgets.stage_detail import stage_lines
from ko_tui.widgets.stage_list import StageList
from ko_tui.widgets.tones import plain
from tests.unit.explain_fixtures import traces


class Alone(App[None]):
    def compose(self) -> ComposeResult:
        yield StageList(id="stages", open_quiet=False)


@pytest.mark.parametrize(
    ("name", "stage"),
    [
        ("trace-pod-pod-same-node-icmp", "ls_in_check_port_sec"),
        ("trace-svc-empty-backend", "ls_in_lb"),
        ("trace-pod-unknown-dst-ip-via-gw", "lr_in_arp_request"),
        ("trace-pod-router-ip-ping", "ls_in_check_port_sec"),
    ],
)
async def test_the_cursor_begins_where_it_was_decided(name: str, stage: str) -> None:
    explained = explain_trace(parse(traces("25.03.3")[name]))
    app = Alone()
    async with app.run_test(size=(100, 30)):
        stages = app.query_one(StageList)
        stages.show(explained)
        assert stages.current is not None and stages.current.stage.name == stage, str(explained.verdict)


@pytest.mark.parametrize(
    ("name", "sign"),
    [
        ("trace-svc-empty-backend", "bad"),
        ("trace-pod-unknown-dst-ip-via-gw", "unknown"),
        ("trace-pod-pod-same-node-icmp", "ok"),
    ],
)
def test_the_sign_at_the_end_is_that_of_the_verdict(name: str, sign: str) -> None:
    explained = explain_trace(parse(traces("25.03.3")[name]))
    number = next(
        i
        for i, stage in enumerate(explained.stages)
        if any(o.stage is stage.stage for o in explained.outcomes)
    )
    told = [plain(line) for line in stage_lines(explained, number)]
    assert f"{getattr(glyphs(), sign)} {str(explained.verdict).upper()}" in " ".join(told[:4])

"""Why not: of a drop and of any stage, whole at every width, and hostile names kept text."""

from __future__ import annotations

import pytest
from rich.cells import cell_len

from ko_tui.backend.explain.catalogue import catalogue
from ko_tui.backend.simulate.clauses import Clause
from ko_tui.backend.simulate.mismatch import NearMiss
from ko_tui.screens.asking import Answered
from ko_tui.screens.texts import TextScreen
from ko_tui.screens.trace import TraceScreen
from ko_tui.screens.why_not import _miss
from ko_tui.widgets.line_view import LineView
from ko_tui.widgets.text_view import TextView
from ko_tui.widgets.tones import content, plain
from tests.screens.conftest import Driven, Running, open_demo
from tests.screens.driving import drives

DROPPED = "trace default/server prod/api-6b9f7 tcp 80"
SIZES = [(60, 15), (80, 24), (160, 48)]


async def traced(driven: Driven, line: str) -> TraceScreen:
    await driven.command(line)
    await driven.until(lambda: isinstance(driven.app.screen, TraceScreen))
    await driven.settled()
    screen = driven.app.screen
    assert isinstance(screen, TraceScreen)
    return screen


async def asked(driven: Driven) -> str:
    """Press w; gives all that is said, as one text."""
    await driven.press("w")
    await driven.until(lambda: isinstance(driven.app.screen, TextScreen))
    await driven.settled()
    view = driven.app.screen.query_one(TextView)
    await driven.until(lambda: view.line_count())
    return " ".join(" ".join(view.texts).split())


@pytest.mark.parametrize("size", SIZES, ids=lambda s: f"{s[0]}x{s[1]}")
@drives("trace.why-not", "app.back")
async def test_a_drop_says_whose_it_is_and_what_came_near(running: Running, size: tuple[int, int]) -> None:
    async with running(size, open_session=open_demo) as driven:
        await traced(driven, DROPPED)
        said = await asked(driven)
        assert "No rule of NetworkPolicy prod/np1 allows TCP 80 from 10.16.0.11 (server.default)" in said
        headline = said.partition(" priority ")[0]
        assert "nearest" in headline and "is not in" in headline, "the headline is there to its end"
        assert "✖ ip4.src == $np1.prod.ingress.allow.IPv4.0 10.16.0.11 is not in" in said
        assert "the packet is IPv4 TCP" in said and "nd = " not in said and "has IPv4" not in said
        assert [m for m in driven.heard(Answered) if m.topic == "why-not"]
        view = driven.app.screen.query_one(TextView)
        assert all(cell_len(text) <= size[0] for text in view.texts), "nothing is cut at the right"
        await driven.press("escape")
        await driven.until(lambda: isinstance(driven.app.screen, TraceScreen))


@drives("text.filter", "list.next", "list.bottom", "list.top")
async def test_it_is_searched_and_walked_through(running: Running) -> None:
    async with running((80, 24), open_session=open_demo) as driven:
        await traced(driven, DROPPED)
        await asked(driven)
        await driven.press("slash")
        await driven.paste("priority 65532")
        await driven.press("enter")
        await driven.sees("match")
        view = driven.app.screen.query_one(TextView)
        assert "priority 65532" in view.plain(view.cursor)
        await driven.press("n", "G")
        assert driven.heard(LineView.Moved)[-1].index == view.line_count() - 1
        await driven.press("g")
        assert view.cursor == 0


async def test_a_width_that_changes_folds_it_anew(running: Running) -> None:
    async with running((160, 48), open_session=open_demo) as driven:
        await traced(driven, DROPPED)
        wide = await asked(driven)
        view = driven.app.screen.query_one(TextView)
        rows = view.line_count()
        await driven.pilot.resize_terminal(70, 20)
        await driven.until(lambda: view.line_count() > rows)
        assert all(cell_len(text) <= 70 for text in view.texts)
        assert " ".join(" ".join(view.texts).split()) == wide


@drives("trace.why-not")
async def test_any_stage_says_which_flows_did_not_decide(running: Running) -> None:
    async with running((120, 40), open_session=open_demo) as driven:
        screen = await traced(driven, "trace default/client default/server tcp 80")
        said = await asked(driven)
        stage = screen.result.explained.stages[screen.list_view().current_number].stage.name  # type: ignore[union-attr]
        assert f"Flows of {stage} that did not decide, nearest first" in said or "the nearest" in said


def test_hostile_names_stay_text() -> None:
    class Flow:
        priority, uuid, match = 1, "[red]0123", "ip4 && [/foo]\x1b[31m"

    clause = Clause("a\x1b[31m == [red]", False, "[/x]‮" + "y" * 300)
    miss = NearMiss(Flow(), (clause,), 1.0)  # type: ignore[arg-type]
    lines = _miss(miss, "数据\x07[/b]", ("+", "X", "?"), catalogue())
    shown = content(lines).plain
    assert "\x1b" not in shown and "\x07" not in shown and "[/foo]" in shown and "数据" in shown
    assert "\u202e" not in shown, "nothing turns the direction of what follows"
    assert any("[red]" in plain(line) for line in lines)

"""From a pod to an explained trace, by keys alone."""

from __future__ import annotations

import json
import threading
from pathlib import Path

import pytest

from ko_tui.backend.session import Session, SessionOptions, open_session
from ko_tui.backend.source.interface import ApiUnavailable
from ko_tui.backend.source.snapshot import demo_path
from ko_tui.screens.asking import Answered
from ko_tui.screens.builder import BuilderScreen
from ko_tui.screens.trace import TraceScreen
from ko_tui.widgets.glyphs import glyphs
from ko_tui.widgets.stage_list import StageList
from tests.screens.conftest import Driven, Running
from tests.screens.recorded import CLIENT, Recorded, open_recorded


async def traced(driven: Driven, line: str = f"{CLIENT} svc/kube-system/kube-dns udp 53") -> TraceScreen:
    driven.app.screen.run_line(f"trace {line}")
    await driven.until(lambda: isinstance(driven.app.screen, TraceScreen), "a result")
    await driven.settled()
    screen = driven.app.screen
    assert isinstance(screen, TraceScreen)
    return screen


async def test_the_commonest_trace_takes_less_than_ten_keys(running: Running) -> None:
    async with running() as driven:
        screen = driven.app.screen
        screen.table.move_to([e.key for e in screen.table.shown()].index(CLIENT))
        keys = ["t", "d", "n", "s", "enter", "enter"]
        await driven.press("t")
        await driven.until(lambda: isinstance(driven.app.screen, BuilderScreen))
        await driven.settled()
        await driven.press("d", "n", "s")
        await driven.until(lambda: "svc/kube-system/kube-dns" in driven.text())
        await driven.press("enter")
        assert "udp" in driven.text() and "53" in driven.text()
        await driven.press("enter")
        await driven.until(lambda: isinstance(driven.app.screen, TraceScreen))
        assert "Delivered to coredns" in driven.text()
        assert len(keys) < 10
        assert [m for m in driven.heard(Answered) if m.topic == "trace"]


async def test_a_service_that_was_typed_brings_its_port(running: Running) -> None:
    async with running() as driven:
        await driven.press("3")
        await driven.until(lambda: isinstance(driven.app.screen, BuilderScreen))
        await driven.settled()
        screen = driven.app.screen
        screen.field("destination").input.focus()
        await driven.type("svc/kube-system/kube-dns")
        await driven.press("tab")
        assert (screen.field("protocol").value, screen.field("port").value) == ("udp", "53")


async def test_the_builder_shows_the_resolved_packet_and_the_command(running: Running) -> None:
    async with running((160, 48)) as driven:
        await driven.press("3")
        await driven.until(lambda: isinstance(driven.app.screen, BuilderScreen))
        await driven.settled()
        driven.app.screen.field("source").value = CLIENT
        driven.app.screen.field("destination").value = "10.96.0.10"
        driven.app.screen.field("port").value = "53"
        # The last is why it has this MAC.
        await driven.sees("Ready", "ea:1c:e1:14:28:c8", "ovn-trace", "Another subnet")


async def test_what_is_missing_is_said_while_one_types(running: Running) -> None:
    async with running() as driven:
        await driven.press("3")
        await driven.until(lambda: isinstance(driven.app.screen, BuilderScreen))
        await driven.settled()
        driven.app.screen.field("source").value = CLIENT
        await driven.sees("To: nothing is named yet", "A pod, Service, node or address.")
        await driven.press("enter")
        field = driven.app.screen.field("destination")
        await driven.until(lambda: driven.app.focused is field.input)


async def in_builder(driven: Driven) -> BuilderScreen:
    await driven.press("3")
    await driven.until(lambda: isinstance(driven.app.screen, BuilderScreen))
    screen = driven.app.screen
    assert isinstance(screen, BuilderScreen)
    await driven.until(lambda: screen.matcher.endpoints, "the names that there are")
    return screen


async def test_a_part_of_a_name_that_fits_one_alone_is_that_one(running: Running) -> None:
    async with running() as driven:
        screen = await in_builder(driven)
        await driven.type("clie")
        await driven.press("tab")
        assert screen.field("source").value == CLIENT
        await driven.type("kube-dns")
        screen.field("port").input.focus()
        await driven.press("enter")
        await driven.until(lambda: isinstance(driven.app.screen, TraceScreen), "traced at once")
        assert "Delivered to coredns" in driven.text()


async def test_a_part_of_a_name_that_fits_several_is_told_and_asked_for(running: Running) -> None:
    async with running() as driven:
        screen = await in_builder(driven)
        await driven.type("e")
        await driven.sees("From: nothing is called 'e'.", "fit: ↑ ↓ choose")
        await driven.press("tab")
        assert screen.field("source").value == "e"
        await driven.type("10.96.0.10")
        screen.field("port").value = "53"
        screen.field("port").input.focus()
        await driven.press("enter")
        assert driven.app.focused is screen.field("source").input
        await driven.until(lambda: screen.choices.marked, "the matches")
        assert driven.app.screen is screen and "trace" not in screen.questions


async def test_a_pod_is_found_by_its_address_too(running: Running) -> None:
    async with running() as driven:
        screen = await in_builder(driven)
        address = next(e.ips[0] for e in screen.matcher.endpoints if e.key == CLIENT)
        await driven.type(address)
        await driven.press("tab")
        assert screen.field("source").value == CLIENT


async def test_the_whole_trace_may_be_typed_into_the_first_field(running: Running) -> None:
    async with running() as driven:
        await in_builder(driven)
        await driven.paste(f"{CLIENT} -> svc/kube-system/kube-dns:53 udp")
        await driven.sees("A whole trace in one line: Enter traces it.")
        await driven.press("enter")
        await driven.until(lambda: isinstance(driven.app.screen, TraceScreen), "traced")


async def test_the_result_explains_the_stage_under_the_cursor(running: Running) -> None:
    async with running((160, 48)) as driven:
        screen = await traced(driven)
        shown = driven.text()
        assert "┌" in shown and "├──▶" in shown, "the picture"
        assert "10.96.0.10:53" in shown
        stages = screen.query_one(StageList)
        await driven.press("slash")
        await driven.type("ls_in_lb ")
        await driven.press("enter")
        await driven.until(lambda: stages.current.stage.name == "ls_in_lb")
        shown = driven.text()
        assert "Load balance: pick a backend" in shown
        assert "10.96.0.10 → 10.16.0.4" in shown, "the packet then and now"
        assert "chosen at random" in shown, "what the trace assumed"


async def test_quiet_stages_are_folded_and_open_on_enter(running: Running) -> None:
    async with running((120, 40)) as driven:
        screen = await traced(driven)
        stages = screen.query_one(StageList)
        fold = next(i for i, r in enumerate(stages.rows) if r.kind == "fold")
        before = len(stages.rows)
        stages.move_to(fold)
        await driven.press("enter")
        assert len(stages.rows) > before
        await driven.press("x")
        assert all(r.kind != "fold" for r in stages.rows)
        assert all(
            stages.facts[r.stage].header_changed or stages.facts[r.stage].ends
            for r in stages.rows
            if r.kind == "stage"
        )
        await driven.press("x")
        assert any(r.kind == "fold" for r in stages.rows)


async def test_raw_and_exact_commands_are_one_key_away(running: Running) -> None:
    async with running((100, 40)) as driven:
        await traced(driven)
        await driven.press("R")
        await driven.until(lambda: "raw" in driven.text().splitlines()[1])
        assert "ingress(dp=" in driven.text()
        await driven.press("escape", "e")
        await driven.until(lambda: "commands" in driven.text().splitlines()[1])
        assert "kubectl exec" in driven.text() and "ovn-trace" in driven.text()


async def test_a_drop_is_said_in_words_and_the_cursor_is_on_it(running: Running) -> None:
    async with running((160, 48)) as driven:
        screen = await traced(driven, f"{CLIENT} prod/api-6b9f7c5d4-zt8wq tcp 9090")
        stages = screen.query_one(StageList)
        assert str(screen.result.explained.verdict) == "dropped"
        assert "DROPPED" in driven.text()
        assert stages.facts[stages.current_number].ends == "dropped"


async def test_it_is_saved_in_every_form(running: Running, tmp_path: Path) -> None:
    async with running() as driven:
        await traced(driven)
        for suffix in ("txt", "md", "json", "html"):
            path = tmp_path / f"kept.{suffix}"
            driven.app.screen.take_save(str(path))
            text = path.read_text()
            assert "10.16.0.4" in text, suffix
        facts = json.loads((tmp_path / "kept.json").read_text())
        assert facts["verdict"] == "delivered" and facts["stages"]
        page = (tmp_path / "kept.html").read_text()
        assert page.startswith("<!doctype html>") and "<script" not in page and "<img" not in page
        driven.app.screen.take_save(str(tmp_path / "kept.txt"))
        await driven.until(lambda: "exists already" in driven.text())


async def test_what_was_traced_is_offered_again(running: Running) -> None:
    async with running() as driven:
        await traced(driven)
        driven.app.screen.take_name("dns from client")
        await driven.press("escape")
        await driven.until(lambda: isinstance(driven.app.screen, BuilderScreen))
        await driven.press("f12")
        await driven.until(lambda: "dns from client" in driven.text())


async def test_a_late_answer_to_an_old_question_is_dropped(running: Running) -> None:
    async with running() as driven:
        gate, answers = threading.Event(), []
        screen = driven.app.screen
        screen.ask("x", lambda _session, _cancel: gate.wait(10) and "old", answers.append)
        newer = screen.ask("x", lambda _session, _cancel: "new", answers.append)
        await driven.until(lambda: answers == ["new"])
        gate.set()
        await driven.until(lambda: len({m.request for m in driven.heard(Answered) if m.topic == "x"}) == 2)
        assert answers == ["new"]
        assert newer == max(m.request for m in driven.heard(Answered) if m.topic == "x")


async def test_what_is_running_is_shown_and_can_be_stopped(running: Running) -> None:
    async with running() as driven:
        screen = driven.app.screen
        screen.ask(
            "x", lambda _session, cancel: cancel.wait(20), lambda _answer: None, label="counting sheep"
        )
        await driven.until(lambda: "counting sheep" in driven.text())
        await driven.press("ctrl+c")
        await driven.until(lambda: "Stopped: counting sheep" in driven.text())
        assert not screen.questions


async def test_a_lost_connection_is_a_banner_with_a_countdown(running: Running) -> None:
    session = open_recorded()
    source = session.source
    assert isinstance(source, Recorded)
    async with running(open_session=lambda: session) as driven:
        source.broken = ApiUnavailable("127.0.0.1:6443 refused the connection.", "Is the VPN up?")
        await driven.press("r")
        await driven.until(lambda: "cannot be reached" in driven.text())
        shown = driven.text()
        assert "Again in" in shown and "client-7c6f9d5b8" in shown, "what was there stays"
        assert len(driven.app.screen_stack) == 1, "no dialog"
        source.broken = None
        await driven.press("r")
        await driven.until(lambda: "cannot be reached" not in driven.text())


async def test_an_error_of_a_trace_is_told_with_its_way_out(running: Running) -> None:
    async with running() as driven:
        driven.app.screen.run_line("trace default/nobody 10.96.0.10 udp 53")
        await driven.until(lambda: "Not found" in driven.text())
        assert "no pod" in driven.text() and "Next:" in driven.text()
        await driven.press("escape")
        await driven.until(lambda: len(driven.app.screen_stack) == 1)


async def test_enter_gives_the_explanation_the_whole_screen_and_esc_takes_it_back(running: Running) -> None:
    async with running() as driven:
        screen = await traced(driven)
        pane = screen.query_one("#explanation")
        await driven.press("j", "enter")
        await driven.until(lambda: pane.size.height > 12, "room for the explanation")
        assert pane.display and not screen.stages.display and driven.app.focused is pane
        title = screen.stages.current.title
        await driven.sees(title, "back to the list")
        await driven.press("escape")
        await driven.until(lambda: driven.app.focused is screen.stages)
        assert pane.display and screen.stages.display
        await driven.press("z")
        await driven.until(lambda: not pane.display)
        await driven.press("enter")
        await driven.until(lambda: pane.display and not screen.stages.display and driven.app.focused is pane)


@pytest.mark.parametrize(
    ("field", "word", "said"),
    [
        ("port", "httpx", "'httpx' is not a port."),
        ("port", "99999", "99999 is not a port number."),
        ("src_port", "server", "Source port: 'server' is not a number."),
        ("ttl", "300", "A TTL of 300 is not possible."),
        ("dst_mac", "00:11", "MAC"),
        ("tcp_flags", "sin", "sin"),
        ("ct", "old", "old"),
    ],
)
async def test_what_is_typed_wrong_is_told_where_one_types(
    running: Running, field: str, word: str, said: str
) -> None:
    async with running((80, 24)) as driven:
        screen = await in_builder(driven)
        screen.field("destination").value = "10.96.0.10"  # From is still missing, and is not what is told
        await driven.press("f9")
        screen.field(field).input.focus()
        await driven.press("ctrl+u")
        await driven.paste(word)
        await driven.sees(f"{glyphs().warn} ")
        assert said in driven.text() and "From: nothing" not in driven.text()
        await driven.press("ctrl+u")
        await driven.sees("From: nothing is named yet")


async def test_all_fields_leave_room_for_the_matches(running: Running) -> None:
    async with running((80, 24)) as driven:
        screen = await in_builder(driven)
        await driven.press("f9")
        await driven.sees("Source port 3")
        screen.field("source").input.focus()
        await driven.type("clie")
        await driven.sees(f"  {CLIENT}")
        assert "From: nothing is called 'clie'" in driven.text()


async def test_a_stopped_trace_leaves_one_in_its_fields(running: Running) -> None:
    async with running() as driven:
        screen = await in_builder(driven)
        screen.ko.traces_made.add("default/somebody -> 10.0.0.1 tcp 1", verdict="dropped")
        session = screen.ko.door.opened
        session.trace = lambda _plan, cancel: cancel.wait(20)
        driven.app.screen.run_line(f"trace {CLIENT} 10.96.0.10 tcp 53")
        await driven.sees("tracing")
        await driven.press("ctrl+c")
        await driven.sees("Stopped: tracing")
        assert driven.app.focused is screen.field("source").input, "where one was"
        assert screen.field("destination").value == "10.96.0.10"
        await driven.press("enter")
        await driven.sees("tracing")
        bar = driven.text().splitlines()[-1]
        assert "\u23ce trace" in bar and "enter trace" not in bar
        await driven.press("ctrl+c")
        assert driven.app.focused is screen.field("source").input


async def test_a_stage_is_explained_in_one_language(running: Running) -> None:
    def chinese() -> Session:
        return open_session(SessionOptions(snapshot=demo_path(), lang="zh"))

    async with running((100, 40), open_session=chinese) as driven:
        await driven.command("trace default/server prod/api-6b9f7 tcp 80")
        shown = await driven.sees("条件", "动作", "被丢弃", "表 4，ovn-default 的 egress")
        assert not any(word in shown for word in (" When", " Then", "table 4"))

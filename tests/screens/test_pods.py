"""The pods: every command of the place, columns that are kept, rows that change, and details part by part."""

from __future__ import annotations

import re
import threading
from collections.abc import Iterator
from typing import Any

import pytest

from ko_tui.backend.cluster.annotations import pod_endpoints
from ko_tui.backend.cluster.touching import selects
from ko_tui.backend.session import Session, SessionOptions
from ko_tui.backend.source.interface import ApiUnavailable, Cancel, Listing, Resource, WatchEvent
from ko_tui.backend.source.objects import KubeObject
from ko_tui.screens.asking import Answered
from ko_tui.screens.columns import ColumnChoice, ColumnList
from ko_tui.screens.pods import PodsScreen
from ko_tui.screens.pods_live import Happened
from ko_tui.widgets.line_view import LineView
from ko_tui.widgets.live_table import LiveTable
from ko_tui.widgets.prompt import PromptLine
from tests.screens.conftest import Driven, Running
from tests.screens.driving import drives
from tests.screens.recorded import Recorded, kube


def screen_of(driven: Driven) -> PodsScreen:
    assert isinstance(driven.app.screen, PodsScreen)
    return driven.app.screen


def titles(driven: Driven) -> list[str]:
    return [column.title for column in screen_of(driven).table.columns]


class Slow(Recorded):
    """Pods come in pages of 150, each when it is let through; ``breaks`` ends the list after as many of them."""

    def __init__(self, pods: int) -> None:
        super().__init__()
        self.objects = {**self.objects, "pods": [a_pod(f"p-{n:04}") for n in range(pods)]}
        self.through = threading.Semaphore(0)
        self.breaks = 0

    def list(self, resource: Resource, *, on_page: Any = None, whole: bool = True, **wanted: Any) -> Listing:
        if resource.plural != "pods" or on_page is None:
            return super().list(resource, on_page=on_page, whole=whole, **wanted)
        pods = self.objects["pods"]
        for page, start in enumerate(range(0, len(pods), 150)):
            assert self.through.acquire(timeout=30)
            if self.breaks and page == self.breaks:
                raise ApiUnavailable("It went away.")
            on_page(pods[start : start + 150])
        return Listing([], "7")


async def test_a_long_list_is_there_from_its_first_page_on(running: Running) -> None:
    source = Slow(400)
    async with running(open_session=opened(source), settle=False) as driven:
        source.through.release()
        await driven.sees("150 so far", "p-0001", "listing pods")
        assert "connecting" not in driven.text() and screen_of(driven).table.count == 150
        await driven.press("j", "j")
        source.through.release()
        await driven.sees("300 so far")
        source.through.release()
        await driven.until(lambda: screen_of(driven).inventory, "all of it")
        chosen = screen_of(driven).table.current
        assert chosen is not None and chosen.name == "p-0002"
        assert "so far" not in driven.text()


async def test_a_list_that_breaks_off_keeps_what_came(running: Running) -> None:
    source = Slow(400)
    source.breaks = 1
    async with running(open_session=opened(source), settle=False) as driven:
        source.through.release(2)
        await driven.sees("150 so far", "p-0001", "The API server cannot be reached")
        source.breaks = 0
        source.through.release(3)
        await driven.press("r")
        await driven.until(lambda: screen_of(driven).inventory, "all of it")
        assert "so far" not in driven.text()


# -- every command ---------------------------------------------------------------------------------------------


@drives("pods.trace-from", "pods.trace-to", "pods.capture")
async def test_a_pod_is_traced_from_and_to_and_captured(running: Running) -> None:
    async with running((120, 40)) as driven:
        chosen = screen_of(driven).table.current
        assert chosen is not None
        await driven.press("t")
        await driven.until(lambda: driven.app.current_mode == "trace")
        await driven.sees(chosen.key)
        await driven.press("escape", "escape", "2")
        await driven.until(lambda: driven.app.current_mode == "pods")
        await driven.press("j", "T")
        await driven.until(lambda: driven.app.current_mode == "trace")
        await driven.press("escape", "escape", "2")
        await driven.until(lambda: driven.app.current_mode == "pods")
        await driven.press("c")
        await driven.until(lambda: driven.app.current_mode == "capture")


@drives("pods.trace-from")
async def test_a_service_sends_nothing(running: Running) -> None:
    async with running() as driven:
        screen_of(driven).filter_changed("^svc ")
        await driven.press("t")
        await driven.sees("A Service cannot send a packet")
        assert driven.app.current_mode == "pods"


@drives("pods.details", "pods.pane")
async def test_details_come_part_by_part_and_errors_stand_in_their_place(running: Running) -> None:
    source = Recorded()
    async with running((120, 60), open_session=opened(source)) as driven:
        await driven.press("d")
        await driven.sees("Logical switch port", "Port binding", "Policies", "Services")
        await driven.until(lambda: "asking" not in driven.text(), "every part has come")
        topics = {m.topic for m in driven.heard(Answered)}
        assert {"detail-services", "detail-policies", "detail-annotations"} <= topics
        shown = driven.text()
        assert "allocated" in shown and "No interface on" in shown
        source.broken = ApiUnavailable("It is away.")
        await driven.press("j")
        shown = await driven.sees("It is away.", "allocated")  # lists fail, single objects and rows do not
        await driven.press("tab")
        assert driven.app.focused is driven.app.screen.query_one("#details")
        await driven.press("tab", "d")
        await driven.until(lambda: not driven.app.screen.query_one("#details").display)


@drives("pods.filter")
async def test_the_filter_looks_into_all_columns_and_takes_words_in_any_order(running: Running) -> None:
    async with running() as driven:
        await driven.press("slash")
        await driven.type("plane prod")
        await driven.until(lambda: driven.heard(PromptLine.Changed))
        screen = screen_of(driven)
        await driven.until(lambda: screen.table.closest or len(screen.table.kept) == 0)
        await driven.settled()
        await driven.until(lambda: screen.table.closest)
        assert screen.table.shown()
        for endpoint in screen.table.shown():
            assert "plane" in endpoint.node and endpoint.namespace == "prod"


@drives("pods.kind")
async def test_one_kind_alone(running: Running) -> None:
    async with running() as driven:
        kinds = []
        for _ in range(6):
            await driven.press("K")
            kinds.append({e.kind for e in screen_of(driven).table.shown()})
        assert kinds[0] == {"pod"} and kinds[3] == {"node"} and kinds[4] == {"service"}
        assert len(kinds[5]) > 2
        assert driven.heard(LiveTable.Filtered)


@drives("pods.columns")
async def test_columns_are_chosen_moved_sorted_by_and_kept(running: Running) -> None:
    async with running((100, 30)) as driven:
        await driven.press("C")
        await driven.until(lambda: isinstance(driven.app.screen, ColumnChoice))
        columns = driven.app.screen.query_one(ColumnList)
        await driven.press("space", "j", "j", "J")
        assert columns.current == "NAME" and columns.titles[:4] == ["KIND", "NAMESPACE", "IP", "NAME"]
        await driven.press("enter")
        await driven.until(lambda: isinstance(driven.app.screen, PodsScreen))
        assert titles(driven)[:3] == ["NAMESPACE", "IP", "NAME"]
        assert driven.text().splitlines()[2].split()[:3] == ["NAMESPACE", "IP", "NAME"]
    async with running((100, 30)) as driven:
        assert titles(driven)[:3] == ["NAMESPACE", "IP", "NAME"]
        await driven.command("columns auto")
        await driven.until(lambda: titles(driven)[0] == "KIND")


@drives("pods.columns", "pods.sort-by")
async def test_columns_and_order_by_name(running: Running) -> None:
    async with running((100, 30)) as driven:
        await driven.command("columns name,ip,lsp")
        await driven.until(lambda: titles(driven) == ["NAME", "IP", "LSP"])
        await driven.command("sort name down")
        names = [e.name for e in screen_of(driven).table.shown()]
        await driven.until(lambda: screen_of(driven).table.sorted_by == 0)
        names = [e.vm or e.name for e in screen_of(driven).table.shown()]
        assert names[0] > names[-1]
        await driven.command("sort colour")
        await driven.sees("There is no column COLOUR")
        await driven.command("columns name,colour")
        await driven.sees("There is no column COLOUR")


async def test_sorting_in_the_window(running: Running) -> None:
    async with running((100, 30)) as driven:
        await driven.press("C", "j", "j", "s")
        await driven.until(lambda: isinstance(driven.app.screen, PodsScreen))
        table = screen_of(driven).table
        assert table.columns[table.sorted_by].title == "NAME"


# -- rows that change ------------------------------------------------------------------------------------------


class Changing(Recorded):
    """A source whose watch of pods gives what a test puts in."""

    def __init__(self) -> None:
        super().__init__()
        self.events: list[WatchEvent] = []
        self.more = threading.Condition()

    def happen(self, *events: WatchEvent) -> None:
        with self.more:
            self.events += events
            self.more.notify_all()

    def watch(self, resource: Resource, *, cancel: Cancel | None = None, **_: Any) -> Iterator[WatchEvent]:
        assert cancel is not None
        cancel.on_cancel(lambda: self.happen())
        seen = 0
        while not cancel.cancelled:
            with self.more:
                self.more.wait_for(lambda at=seen: cancel.cancelled or len(self.events) > at, timeout=30)
                found = self.events[seen:]
                seen += len(found)
            if resource.plural == "pods":
                yield from found


def a_pod(name: str, phase: str = "Running", namespace: str = "default") -> KubeObject:
    notes = {"ovn.kubernetes.io/ip_address": "10.16.7.7", "ovn.kubernetes.io/logical_switch": "ovn-default"}
    metadata = {"name": name, "namespace": namespace, "uid": f"uid-{name}", "annotations": notes}
    return kube(metadata=metadata, spec={"nodeName": "n"}, status={"phase": phase})


@pytest.fixture
def changing() -> Changing:
    return Changing()


def opened(source: Recorded) -> Any:
    return lambda: Session(source, SessionOptions(namespace="kube-system"))  # type: ignore[arg-type]


async def test_news_move_neither_cursor_nor_lines(running: Running, changing: Changing) -> None:
    async with running((80, 16), open_session=opened(changing)) as driven:
        screen = screen_of(driven)
        await driven.press("G", "k", "k")
        chosen, top = screen.table.current, round(screen.table.scroll_y)
        assert chosen is not None and top
        line = screen.table.cursor - top
        changing.happen(*(WatchEvent("ADDED", a_pod(f"aaa-{n}")) for n in range(3)))
        await driven.until(
            lambda: driven.heard(Happened) and len(screen.table.kept) == len(screen.table.order)
        )
        await driven.until(lambda: any(e.name == "aaa-2" for e in screen.table.shown()))
        assert screen.table.current == chosen
        assert screen.table.cursor - round(screen.table.scroll_y) == line
        assert not driven.heard(LineView.Chosen)


async def test_many_changes_are_painted_in_batches(running: Running, changing: Changing) -> None:
    async with running(open_session=opened(changing)) as driven:
        screen = screen_of(driven)
        count = screen.table.count
        changing.happen(*(WatchEvent("ADDED", a_pod(f"load-{n:04d}")) for n in range(1500)))
        changing.happen(*(WatchEvent("DELETED", a_pod(f"load-{n:04d}")) for n in range(1400)))
        await driven.until(lambda: screen.table.count == count + 100, "all changes taken in")
        assert len(driven.heard(Happened)) < 20
        assert {e.name for e in screen.table.shown() if e.name.startswith("load")} == {
            f"load-{n:04d}" for n in range(1400, 1500)
        }


async def test_a_lost_watch_counts_down_and_its_end_takes_the_banner_away(
    running: Running, changing: Changing
) -> None:
    async with running((120, 24), open_session=opened(changing)) as driven:
        gone = ApiUnavailable("The connection was refused.")
        lost = WatchEvent("LOST", None, error=gone, retry=600.0)
        changing.happen(lost)
        changing.happen(lost)
        await driven.sees("The news of the cluster stopped", "Again in ", "connection was refused")

        def left() -> int:
            found = re.search(r"Again in (\d+) s", driven.text())
            return int(found[1]) if found else 0

        first = left()
        await driven.until(lambda: 0 < left() < first, "the seconds to go down")
        assert not screen_of(driven).live and "client" in driven.text()
        changing.happen(WatchEvent("BACK", None))
        await driven.until(lambda: screen_of(driven).live)
        assert "stopped" not in driven.text()


async def test_one_may_leave_while_the_watch_is_lost(running: Running, changing: Changing) -> None:
    async with running((120, 24), open_session=opened(changing)) as driven:
        for _ in range(2):
            changing.happen(WatchEvent("LOST", None, error=ApiUnavailable("It is away."), retry=600.0))
        await driven.sees("The news of the cluster stopped")


async def test_a_saved_cluster_is_as_old_as_it_is(running: Running) -> None:
    from tests.screens.recorded import open_recorded

    async with running(open_session=lambda: open_recorded(kind="snapshot")) as driven:
        assert not screen_of(driven).live
        assert "live" not in driven.text().splitlines()[1]


# -- the table by itself ---------------------------------------------------------------------------------------


async def test_a_table_of_changes_is_the_table_of_the_result(running: Running, changing: Changing) -> None:
    """Whatever comes, sorted and filtered as it may be: the rows are those of a list made anew."""
    import random

    dice = random.Random(7)
    async with running(open_session=opened(changing)) as driven:
        table = screen_of(driven).table
        there: dict[str, Any] = {}
        table.show(())
        for step in range(400):
            if step % 40 == 13:
                table.sort_by(dice.choice((-1, 2, 5)))
            if step % 50 == 17:
                table.set_filter(dice.choice(("", "pod-1", "!pod-2", "^pod .*Running")))
            name = f"pod-{dice.randrange(60)}"
            rows = (
                ()
                if dice.random() < 0.4
                else tuple(pod_endpoints(a_pod(name, dice.choice(("Running", "Pending")))))
            )
            if rows:
                there[f"uid-{name}"] = rows
            else:
                there.pop(f"uid-{name}", None)
            table.apply({f"uid-{name}": rows})
            wanted = [row for rows in there.values() for row in rows]
            texts = [" ".join(c.text(row) for c in table.all_columns) for row in wanted]
            let_through = [wanted[i] for i in table.filter.keep(texts)]
            assert sorted(e.key for e in table.shown()) == sorted(e.key for e in let_through)
            if table.sorted_by >= 0:
                of = table.columns[table.sorted_by].text
                keys = [of(row) for row in table.shown()]
                assert keys == sorted(keys, reverse=table.reversed)


@pytest.mark.parametrize(
    ("selector", "fits"),
    [
        ({}, True),
        (None, False),
        ({"matchLabels": {"app": "web"}}, True),
        ({"matchLabels": {"app": "db"}}, False),
        ({"matchExpressions": [{"key": "app", "operator": "In", "values": ["web", "db"]}]}, True),
        ({"matchExpressions": [{"key": "app", "operator": "NotIn", "values": ["web"]}]}, False),
        ({"matchExpressions": [{"key": "old", "operator": "NotIn", "values": ["x"]}]}, True),
        ({"matchExpressions": [{"key": "app", "operator": "Exists"}]}, True),
        ({"matchExpressions": [{"key": "app", "operator": "DoesNotExist"}]}, False),
        ({"matchLabels": {"app": "web"}, "matchExpressions": [{"key": "x", "operator": "Exists"}]}, False),
    ],
)
def test_selectors(selector: Any, fits: bool) -> None:
    assert selects(selector, {"app": "web"}) is fits

"""The pods screen on an API that changes: pods come and go on the screen, and a lost connection is told and mended."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from ko_tui.app import KoTuiApp
from ko_tui.backend.session import Session, SessionOptions
from ko_tui.backend.source.kinds import PODS
from ko_tui.backend.source.kubeconfig import load
from ko_tui.backend.source.live import LiveSource
from ko_tui.backend.source.watch import Pace
from ko_tui.screens.pods import PodsScreen
from ko_tui.screens.pods_live import Happened
from tests.lab.handle import ApiOnlyLab
from tests.lab.places import until
from tests.screens.conftest import Driven, own_files

__all__ = ["own_files"]
QUICK = Pace(first=0.1, most=0.3, healthy=0.05, read=10)


@asynccontextmanager
async def pods_screen(
    lab: ApiOnlyLab, kubeconfig: str = "", context: str = "admin"
) -> AsyncIterator[tuple[Driven, LiveSource, PodsScreen]]:
    """The program on the API, when its list has arrived and is followed."""
    target = load(kubeconfig or str(lab.kubeconfig), {}).target(context, None)
    source = LiveSource(target, environment={}, pace=QUICK)
    messages: list[Any] = []
    app = KoTuiApp(lambda: Session(source, SessionOptions(namespace="kube-system")))
    async with app.run_test(size=(120, 30), message_hook=messages.append) as pilot:
        driven = Driven(app, pilot, messages)
        await driven.sees("live", "client")
        screen = app.screen
        assert isinstance(screen, PodsScreen)
        yield driven, source, screen


def pod(name: str, ip: str = "10.16.3.3", phase: str = "Running") -> dict[str, Any]:
    notes = {"allocated": "true", "ip_address": ip, "logical_switch": "ovn-default"}
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {
            "name": name,
            "namespace": "default",
            "annotations": {f"ovn.kubernetes.io/{key}": value for key, value in notes.items()},
        },
        "spec": {"containers": [{"name": "c", "image": "i"}], "nodeName": "kube-ovn-worker"},
        "status": {"phase": phase},
    }


async def ask(call: Any, *arguments: Any) -> Any:
    return await asyncio.to_thread(call, *arguments)


async def test_pods_come_change_and_go_without_asking_again(own_api: ApiOnlyLab) -> None:
    async with pods_screen(own_api) as (driven, source, screen):
        lists = len([a for a in own_api.audit if a.verb == "list"])
        await driven.press("j", "j")
        chosen, count = screen.table.current, screen.table.count
        assert chosen is not None
        await ask(source.create, PODS, "default", pod("a-new-one"))
        await driven.sees("a-new-one", "10.16.3.3", f"{count + 1} endpoints")
        assert screen.table.current == chosen
        note = {"metadata": {"annotations": {"ovn.kubernetes.io/ip_address": "10.16.9.77"}}}
        await ask(source.patch, PODS, "default", "a-new-one", note)
        await driven.sees("10.16.9.77")
        await ask(source.delete, PODS, "default", "a-new-one")
        await driven.until(lambda: "a-new-one" not in driven.text(), "the pod is off the screen")
        assert screen.table.current == chosen and screen.table.count == count
        assert len([a for a in own_api.audit if a.verb == "list"]) == lists
        assert driven.heard(Happened)


async def test_a_filter_holds_for_what_comes(own_api: ApiOnlyLab) -> None:
    async with pods_screen(own_api) as (driven, source, screen):
        await driven.press("slash")
        await driven.type("fresh")
        await driven.press("enter")
        await ask(source.create, PODS, "default", pod("other"))
        await ask(source.create, PODS, "default", pod("fresh-1"))
        await driven.sees("fresh-1")
        assert [e.name for e in screen.table.shown()] == ["fresh-1"]


async def test_a_new_pod_can_be_traced_from_at_once(own_api: ApiOnlyLab) -> None:
    async with pods_screen(own_api) as (driven, source, _):
        await ask(source.create, PODS, "default", pod("newborn"))
        await driven.sees("newborn")
        session = driven.app.door.opened
        assert session is not None
        assert "default/newborn" in {e.key for e in session.inventory().endpoints}


async def test_history_that_is_gone_is_mended_by_a_list(own_api: ApiOnlyLab) -> None:
    async with pods_screen(own_api) as (driven, source, screen):
        own_api.faults.add("gone_watch", path="/pods", after=0, times=1)
        await ask(source.create, PODS, "default", pod("wake"))
        await ask(source.delete, PODS, "default", "multi")
        await driven.until(
            lambda: {"wake"} <= (names := {e.name for e in screen.table.shown()}) and "multi" not in names,
            "both changes",
        )
        assert screen.live


async def test_a_lost_connection_is_a_banner_and_nothing_goes_blank(own_api: ApiOnlyLab) -> None:
    async with pods_screen(own_api) as (driven, source, screen):
        count = screen.table.count
        fault = own_api.faults.add("http_status", verb="watch", code=503)
        cut = own_api.faults.add("drop_watch", after=0)
        await ask(source.create, PODS, "default", pod("wake"))
        await driven.sees("The news of the cluster stopped")
        assert not screen.live and screen.table.count >= count and "client" in driven.text()
        own_api.faults.remove(fault)
        own_api.faults.remove(cut)
        await driven.until(lambda: screen.live, "the news come again")
        await ask(source.create, PODS, "default", pod("after"))
        await driven.sees("after", "wake")
        assert "stopped" not in driven.text()


async def test_who_may_not_watch_is_told_and_keeps_the_list(own_api: ApiOnlyLab) -> None:
    fault = own_api.faults.add("http_status", verb="watch", path="/nodes", code=403)
    async with pods_screen(own_api) as (driven, source, screen):
        await driven.sees("Changes of nodes are not shown")
        await ask(source.create, PODS, "default", pod("seen"))
        await driven.sees("seen", "live")
        assert fault.hits and list(screen.unwatched) == ["nodes"]


async def test_asking_again_does_not_end_the_news(own_api: ApiOnlyLab) -> None:
    async with pods_screen(own_api) as (driven, source, screen):
        for fresh in (False, True):
            taken = screen.inventory
            screen.load(fresh=fresh)
            await driven.until(lambda taken=taken: screen.inventory is not taken, "the list came again")
            await ask(source.create, PODS, "default", pod(f"after-{fresh}".lower()))
            await driven.sees(f"after-{fresh}".lower())
        assert screen.live


async def test_leaving_ends_the_watches(own_api: ApiOnlyLab) -> None:
    async with pods_screen(own_api):
        assert watchers()
    await asyncio.to_thread(until, lambda: not watchers(), "no watch goes on")


def watchers() -> list[str]:
    return [thread.name for thread in threading.enumerate() if thread.name.startswith("watch-")]

"""Watches against the lab's API: they resume, back off, and say when history is gone."""

from __future__ import annotations

import threading
import time

import pytest

from ko_tui.backend.source.interface import (
    ApiUnavailable,
    Cancel,
    Forbidden,
    NotAuthorised,
    NotFound,
    Resource,
    WatchEvent,
)
from ko_tui.backend.source.kinds import NODES, SERVICES
from ko_tui.backend.source.kubeconfig import Impersonation
from ko_tui.backend.source.live import LiveSource
from ko_tui.backend.source.watch import Pace
from tests.lab.handle import ApiOnlyLab
from tests.lab.places import until
from tests.unit.source_lab import lab, module_lab, opened

__all__ = ["lab", "module_lab"]
QUICK = Pace(first=0.02, most=0.1, healthy=0.05, read=10)


class Watcher:
    """A watch in a thread of its own, with what it has seen."""

    def __init__(self, source: LiveSource, resource: Resource = SERVICES, version: str = "") -> None:
        self.events: list[WatchEvent] = []
        self.error: Exception | None = None
        self.cancel = Cancel()
        self._arguments = (source, resource, version)
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def _run(self) -> None:
        source, resource, version = self._arguments
        try:
            for event in source.watch(resource, resource_version=version, cancel=self.cancel):
                self.events.append(event)
        except Exception as error:
            self.error = error

    def seen(self) -> list[tuple[str, str]]:
        return [(e.type, e.object.name) for e in self.events if e.object is not None]

    def stop(self) -> None:
        self.cancel.cancel()
        self._thread.join(10)
        assert not self._thread.is_alive()


def label(lab: ApiOnlyLab, value: str) -> None:
    def change(item: dict[str, dict[str, dict[str, str]]]) -> None:
        item["metadata"].setdefault("labels", {})["step"] = value

    lab.patch("Service", "kubernetes", "default", change)


def steps(watcher: Watcher) -> list[str]:
    return [
        e.object.labels["step"] for e in watcher.events if e.object is not None and "step" in e.object.labels
    ]


def test_changes_come_from_the_version_of_the_list_on(lab: ApiOnlyLab) -> None:
    with opened(lab, pace=QUICK) as source:
        listed = source.list(SERVICES)
        watcher = Watcher(source, version=listed.resource_version)
        body = {
            "apiVersion": "v1",
            "kind": "Service",
            "metadata": {"name": "w"},
            "spec": {"ports": [{"port": 1}]},
        }
        source.create(SERVICES, "default", body)
        source.patch(SERVICES, "default", "w", {"metadata": {"labels": {"a": "b"}}})
        source.delete(SERVICES, "default", "w")
        until(lambda: len(watcher.seen()) >= 3, "three events")
        assert watcher.seen() == [("ADDED", "w"), ("MODIFIED", "w"), ("DELETED", "w")]
        watcher.stop()


def test_a_cut_connection_is_resumed_without_loss_or_repetition(lab: ApiOnlyLab) -> None:
    with opened(lab, pace=QUICK) as source:
        watcher = Watcher(source, version=source.list(SERVICES).resource_version)
        fault = lab.faults.add("drop_watch", after=2, times=3)
        for number in range(10):
            label(lab, f"cut{number}")
        until(lambda: len(steps(watcher)) >= 10, "all the changes")
        assert steps(watcher) == [f"cut{n}" for n in range(10)]
        assert fault.hits > 0
        watcher.stop()


def test_history_that_is_gone_asks_for_a_new_list(lab: ApiOnlyLab) -> None:
    with opened(lab, pace=QUICK) as source:
        watcher = Watcher(source, version=source.list(SERVICES).resource_version)
        label(lab, "before")
        until(lambda: steps(watcher), "the first change")
        lab.faults.add("gone_watch", after=0, times=1)
        label(lab, "wake")
        until(lambda: any(e.type == "RESYNC" for e in watcher.events), "RESYNC")
        label(lab, "after")
        until(lambda: "after" in steps(watcher), "the change after it")
        watcher.stop()


def test_a_compacted_version_is_the_same(lab: ApiOnlyLab) -> None:
    with opened(lab, pace=QUICK) as source:
        old = source.list(SERVICES).resource_version
        label(lab, "compacted")
        lab.server.store.compact()
        watcher = Watcher(source, version=old)
        until(lambda: any(e.type == "ADDED" for e in watcher.events), "everything anew")
        assert watcher.events[0].type == "RESYNC"
        watcher.stop()


def test_a_server_that_ends_at_once_is_not_hammered(lab: ApiOnlyLab) -> None:
    with opened(lab, pace=Pace(first=0.1, most=0.4, read=5)) as source:
        fault = lab.faults.add("drop_watch", after=0)
        version = source.list(SERVICES).resource_version
        began = time.monotonic()
        watcher = Watcher(source, version=version)
        until(lambda: fault.hits >= 4, "four connections")
        spent = time.monotonic() - began
        watcher.stop()
        # 0.1 + 0.2 + 0.4 s of pauses, each at least three quarters of it
        assert fault.hits <= 6 and spent >= 0.5


@pytest.mark.parametrize(("code", "kind"), [(403, Forbidden), (404, NotFound), (401, NotAuthorised)])
def test_what_waiting_does_not_mend_ends_the_watch(lab: ApiOnlyLab, code: int, kind: type[Exception]) -> None:
    with opened(lab, pace=QUICK) as source:
        fault = lab.faults.add("http_status", verb="watch", code=code)
        watcher = Watcher(source)
        until(lambda: watcher.error, "the error")
        assert isinstance(watcher.error, kind) and fault.hits <= 2


def test_a_server_that_is_away_is_waited_for(lab: ApiOnlyLab) -> None:
    with opened(lab, pace=QUICK) as source:
        version = source.list(SERVICES).resource_version
        fault = lab.faults.add("http_status", verb="watch", code=503, times=3)
        watcher = Watcher(source, version=version)
        until(lambda: fault.hits >= 3, "three refusals")
        label(lab, "back")
        until(lambda: "back" in steps(watcher), "the change")
        watcher.stop()


def test_a_silent_connection_is_given_up(lab: ApiOnlyLab) -> None:
    with opened(lab, pace=Pace(first=0.02, most=0.1, read=0.2)) as source:
        watcher = Watcher(source, NODES, source.list(NODES).resource_version)
        count = lambda: len([a for a in lab.audit if a.verb == "watch" and a.path.endswith("nodes")])  # noqa: E731
        before = count()
        until(lambda: count() >= before + 2, "connections anew")
        watcher.stop()
        assert watcher.error is None


def test_cancel_ends_a_quiet_watch_at_once(lab: ApiOnlyLab) -> None:
    with opened(lab) as source:
        watcher = Watcher(source, NODES)
        until(lambda: watcher.events, "the first event")
        watcher.stop()
        assert watcher.error is None


def test_close_ends_a_quiet_watch_at_once(lab: ApiOnlyLab) -> None:
    with opened(lab) as source:
        watcher = Watcher(source, NODES)
        until(lambda: watcher.events, "the first event")
        source.close()
        watcher._thread.join(10)
        assert not watcher._thread.is_alive() and watcher.error is None


def test_impersonation_reaches_the_watch(lab: ApiOnlyLab) -> None:
    with opened(lab, impersonate=Impersonation("reader"), pace=QUICK) as source:
        watcher = Watcher(source, NODES)
        until(lambda: watcher.events, "the first event")
        watcher.stop()
    watches = [a for a in lab.audit if a.verb == "watch"]
    assert (watches[-1].user, watches[-1].impersonated) == ("admin", "reader")
    assert "allowWatchBookmarks=true" in watches[-1].query


def test_lines_that_are_no_events_do_not_end_in_a_traceback() -> None:
    from ko_tui.backend.source.listing import object_decoder
    from ko_tui.backend.source.watch import _event

    mark = b'{"type":"BOOKMARK","object":{"metadata":{"resourceVersion":"9","creationTimestamp":null},"spec":null}}'
    assert _event(mark, object_decoder(NODES), "w") == WatchEvent("BOOKMARK", None, "9")
    with pytest.raises(ApiUnavailable):
        _event(b'{"type":"SURPRISE","object":{}}', object_decoder(NODES), "w")

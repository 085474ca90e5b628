"""Programs to compare with: ko-tui on pods that are made up, and Textual's DataTable with as many rows."""

from __future__ import annotations

import signal
import sys
import threading
from collections.abc import Iterator
from typing import Any

from textual.app import App, ComposeResult
from textual.widgets import DataTable, Input


class Rows(App[None]):
    """A DataTable whose filter is what its documentation offers: clear and add the rows that match."""

    def __init__(self, count: int) -> None:
        super().__init__()
        self.rows = [
            (
                "pod", f"team-{n % 40:02d}", f"load-{n % 97:02d}-{n:05d}",
                f"10.{64 + n // 65536}.{n // 256 % 256}.{n % 256}", f"node-{n % 500}", "Running",
                "ovn-default", "ovn-cluster",
            )
            for n in range(count)
        ]  # fmt: skip

    def compose(self) -> ComposeResult:
        yield Input(id="filter")
        yield DataTable(cursor_type="row")

    def on_mount(self) -> None:
        table = self.query_one(DataTable)
        table.add_columns("KIND", "NAMESPACE", "NAME", "IP", "NODE", "STATE", "SWITCH", "VPC")
        table.add_rows(self.rows)
        table.focus()

    def on_input_changed(self, event: Input.Changed) -> None:
        table = self.query_one(DataTable)
        table.clear()
        table.add_rows([row for row in self.rows if any(event.value in cell for cell in row)])


class Pods:
    """A source of pods that are made while they are listed, page by page, as the API's are.

    Each SIGUSR1 changes one pod in sight, each SIGUSR2 makes a new one.
    """

    capabilities = frozenset({"exec", "watch"})

    def __init__(self, count: int) -> None:
        from ko_tui.backend.source.interface import SourceInfo

        self.count = count
        self.info = SourceInfo("live", "bench", namespace="default")
        self.changed = threading.Semaphore(0)
        self.news: list[dict[str, Any]] = []
        for sign in (signal.SIGUSR1, signal.SIGUSR2):
            signal.signal(sign, self._happen)

    def _happen(self, sign: int, _: object) -> None:
        number = len(self.news)
        pod = made(number % 8) if sign == signal.SIGUSR1 else made(self.count + number)
        pod["status"]["phase"] = ("Pending", "Running", "Failed")[number % 3]
        self.news.append(pod)
        self.changed.release()

    def watch(self, resource: Any, *, cancel: Any, **_: Any) -> Iterator[Any]:
        import msgspec

        from ko_tui.backend.source.interface import WatchEvent
        from ko_tui.backend.source.objects import KubeObject

        if resource.plural != "pods":
            cancel.wait(3600)
            return
        cancel.on_cancel(self.changed.release)
        seen = 0
        while self.changed.acquire() and not cancel.cancelled:
            yield WatchEvent("MODIFIED", msgspec.convert(self.news[seen], KubeObject))
            seen += 1

    def list(self, resource: Any, **_: Any) -> Any:
        from ko_tui.backend.source.interface import Listing

        return Listing(Made(self.count if resource.plural == "pods" else 0))

    def close(self) -> None:
        return


class Made:
    """A sequence that holds nothing."""

    def __init__(self, count: int) -> None:
        self.count = count

    def __len__(self) -> int:
        return self.count

    def __iter__(self) -> Iterator[Any]:
        import msgspec

        from ko_tui.backend.source.objects import KubeObject

        for n in range(self.count):
            yield msgspec.convert(made(n), KubeObject)


def made(n: int) -> dict[str, Any]:
    """Pod number ``n`` as the API gives it."""
    ip = f"10.{64 + n // 65536}.{n // 256 % 256}.{n % 256}"
    notes = {
        "ip_address": ip, "mac_address": f"00:00:00:{n >> 16:02x}:{n >> 8 & 255:02x}:{n & 255:02x}",
        "logical_switch": "ovn-default", "allocated": "true", "cidr": "10.64.0.0/10", "gateway": "10.64.0.1",
    }  # fmt: skip
    return {
        "metadata": {
            "name": f"load-{n % 97:02d}-{n:05d}",
            "namespace": f"team-{n % 40:02d}",
            "uid": f"00000000-0000-4000-8000-{n:012d}",
            "annotations": {f"ovn.kubernetes.io/{k}": v for k, v in notes.items()},
        },
        "spec": {"nodeName": f"node-{n % 500}"},
        "status": {"phase": "Running"},
    }


def run_pods(count: int) -> None:
    """ko-tui itself on that source."""
    from ko_tui.app import KoTuiApp

    source = Pods(count)  # here, for signals are the main thread's

    def opened() -> Any:
        from ko_tui.backend.session import Session, SessionOptions

        return Session(source, SessionOptions(namespace="kube-system"))  # type: ignore[arg-type]

    KoTuiApp(opened).run()


if __name__ == "__main__":
    if sys.argv[1] == "pods":
        run_pods(int(sys.argv[2]))
    else:
        Rows(int(sys.argv[2])).run()

"""Datapaths, stages and flows of a cluster, fetched no further than they are looked at."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

from ko_tui.backend.cluster.leader import Leader
from ko_tui.backend.cluster.leading import run_on_leader
from ko_tui.backend.cluster.rows import check
from ko_tui.backend.ovn.flows import FlowStore
from ko_tui.backend.source.interface import Cancel

if TYPE_CHECKING:
    from ko_tui.backend.session import Session

SECONDS = 120
_COUNT = re.compile(r"^\s+table=(?P<table>\d+) *\((?P<stage>[^)]*?) *\) lflows=(?P<count>\d+)$")
_HEADER = re.compile(r'^Datapath: "(?P<name>.*)" \((?P<uuid>[0-9a-f-]{36})\)  Pipeline: (?P<pipeline>\w+)$')


@dataclass(frozen=True, slots=True)
class Datapath:
    """A logical switch or router as the southbound database has it. ``flows`` is None until they were counted."""

    name: str
    uuid: str
    kind: Literal["switch", "router"]
    tunnel_key: int
    flows: int | None = None
    kubernetes: str = ""  # "Subnet ovn-default", "Vpc ovn-cluster"


def datapaths(session: Session) -> list[Datapath]:
    """Every datapath, switches first, each with what it is in Kubernetes."""
    rows = session.rows("sb", "Datapath_Binding", ("_uuid", "external_ids", "tunnel_key"), max_age=30.0).value
    found = []
    for row in rows:
        ids = row["external_ids"] or {}
        router = "logical-router" in ids
        name = str(ids.get("name", row["_uuid"]))
        kind: Literal["switch", "router"] = "router" if router else "switch"
        words = f"{'Vpc' if router else 'Subnet'} {name}"
        found.append(Datapath(name, str(row["_uuid"]), kind, int(row["tunnel_key"] or 0), None, words))
    return sorted(found, key=lambda d: (d.kind == "router", _counted(d.name)))


def _counted(name: str) -> list[str | int]:
    """A key that puts subnet-10 behind subnet-9."""
    return [int(part) if part.isdecimal() else part for part in re.split(r"(\d+)", name)]


def flow_counts(session: Session) -> dict[str, int]:
    """Datapath UUID -> number of flows, by one ``count-flows`` (which sends counts, not flows)."""
    if not session.live:
        from ko_tui.backend.pipeline.saved import count_saved

        return count_saved(session)
    if session.leader("sb").cut_off:
        from ko_tui.backend.pipeline.saved import count_in

        return count_in(contents_of_cut_off(session))
    run, _ = run_on_leader(session, "sb", lambda leader: _sbctl(leader, "count-flows"), timeout=SECONDS)
    counts: dict[str, int] = {}
    current = ""
    for line in check(run).stdout.splitlines():
        if (header := _HEADER.match(line)) is not None:
            current = header["uuid"]
        elif (count := _COUNT.match(line)) is not None and current:
            counts[current] = counts.get(current, 0) + int(count["count"])
    return counts


def load_flows(
    session: Session,
    datapath: str,
    *,
    cancel: Cancel | None = None,
    on_progress: Callable[[int], None] = lambda _: None,
) -> FlowStore:
    """All flows of one datapath (name or UUID), streamed into a store; ``on_progress`` gets bytes so far."""
    if not session.live:
        from ko_tui.backend.pipeline.saved import load_saved

        return load_saved(session, datapath)
    if session.leader("sb").cut_off:
        from ko_tui.backend.pipeline.saved import load_from

        return load_from(contents_of_cut_off(session, cancel), datapath)
    store, size = FlowStore(), 0

    def begin() -> None:
        nonlocal store, size
        store, size = FlowStore(), 0

    def take(part: bytes) -> None:
        nonlocal size
        size += len(part)
        store.feed(part)
        on_progress(size)

    run, _ = run_on_leader(
        session,
        "sb",
        lambda leader: _sbctl(leader, "--uuid", "lflow-list", datapath),
        timeout=SECONDS + 5,
        cancel=cancel,
        on_stdout=take,
        begin=begin,
    )
    check(run)
    store.finish()
    return store


def contents_of_cut_off(session: Session, cancel: Cancel | None = None) -> Any:
    """What a member holds that has lost its cluster, whole: it answers no tool that could ask for less."""
    from ko_tui.backend.simulate.live import fetch_southbound

    return session.answers.get(
        "cut-off", lambda: fetch_southbound(session, cancel=cancel), max_age=60.0
    ).value


def _sbctl(leader: Leader, *words: str) -> tuple[str, ...]:
    belt = () if leader.certain else ("--no-leader-only",)
    return ("ovn-sbctl", f"--timeout={SECONDS}", *belt, *words)

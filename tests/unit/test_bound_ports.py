"""A southbound database alone: its ports are found, and a trace is the one that the whole snapshot gives."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from ko_tui.backend.errors import KoError
from ko_tui.backend.session import Session, SessionOptions, open_session
from ko_tui.backend.source.interface import NotInSnapshot
from ko_tui.backend.source.snapshot import demo_path, open_snapshot
from ko_tui.backend.tracing.lookup import find_endpoint
from ko_tui.backend.tracing.oneline import parse_line

# What only Kubernetes knows: a node's own addresses, and the gateway of a subnet that no router serves.
LEFT_OUT = {"node": {"ips"}, "underlay": {"vpc", "gateway", "cidr"}}
COMPARED = ("ips", "mac", "switch", "vpc", "node", "lsp", "provider", "gateway", "cidr", "traceable")


def archive_member(name: str) -> bytes:
    archive = open_snapshot(demo_path()).archive
    assert archive is not None
    return archive.read(name)


@pytest.fixture(scope="module")
def whole() -> Iterator[Session]:
    opened = open_session(SessionOptions(snapshot=demo_path()))
    yield opened
    opened.close()


@pytest.fixture(scope="module")
def alone(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Session]:
    file = tmp_path_factory.mktemp("southbound") / "ovnsb.db"
    file.write_bytes(archive_member("db/sb.db"))
    opened = open_session(SessionOptions(snapshot=file))
    yield opened
    opened.close()


def test_the_ports_are_those_that_kubernetes_names(whole: Session, alone: Session) -> None:
    theirs = {e.key: e for e in whole.inventory().endpoints if e.lsp}
    found = alone.inventory()
    assert not found.complete and "no Kubernetes objects" in found.problems[0]
    ours = {e.key: e for e in found.endpoints}
    assert set(ours) == {key for key, e in theirs.items() if not e.traceable} and len(ours) > 15
    for key, mine in ours.items():
        left_out = LEFT_OUT.get(mine.kind, set()) | LEFT_OUT.get(mine.name, set())
        for name in set(COMPARED) - left_out:
            assert getattr(mine, name) == getattr(theirs[key], name), (key, name)


@pytest.mark.parametrize(
    "line",
    [
        "default/client default/server tcp 80",
        "default/server prod/api-6b9f7 tcp 80",
        "default/client 8.8.8.8 icmp",
        "default/client 10.96.0.10 udp 53",
        "vpc2/tenant-a vpc2/tenant-b tcp 80",
        "default/multi@net1.default.ovn default/multi-peer@net1.default.ovn icmp",
        "default/client node//kube-ovn-worker icmp",
        "prod/db-0 default/web-0 tcp 5432",
    ],
)
def test_a_trace_is_the_same(whole: Session, alone: Session, line: str) -> None:
    made = [session.trace(session.plan(parse_line(line))) for session in (whole, alone)]
    if "node//" in line:  # a node has other addresses here: those of its port
        assert {m.explained.verdict for m in made} == {made[0].explained.verdict}
        return
    packets = [m.plan.packet for m in made]
    assert packets[0] == packets[1]
    assert made[0].explained.verdict == made[1].explained.verdict
    stages = [[stage.name for _, stage in m.explained.trace.stages()] for m in made]
    assert stages[0] == stages[1]


def test_a_port_goes_by_its_own_name_too(alone: Session) -> None:
    assert find_endpoint(alone, "server.default", "default").key == "default/server"
    assert find_endpoint(alone, "client", "default").key == "default/client"


def test_what_is_not_there_is_said(alone: Session, tmp_path: Path) -> None:
    with pytest.raises(KoError, match="No port of this database belongs to 'default/nobody'"):
        alone.plan(parse_line("default/nobody 8.8.8.8 icmp"))
    with pytest.raises(NotInSnapshot) as met:
        alone.plan(parse_line("default/client svc/kube-system/kube-dns udp 53"))
    assert "address and port" in met.value.next_step
    northbound = tmp_path / "ovnnb.db"
    northbound.write_bytes(archive_member("db/nb.db"))
    opened = open_session(SessionOptions(snapshot=northbound))
    with pytest.raises(NotInSnapshot):
        opened.inventory()
    opened.close()

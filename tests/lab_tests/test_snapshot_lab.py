"""A snapshot of the real cluster: saved through the API, opened, and the same traces as live."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

from ko_tui.backend.ovn.trace_model import Verdict
from ko_tui.backend.saving.save import save_snapshot
from ko_tui.backend.session import Session, SessionOptions, open_session
from ko_tui.backend.simulate.dice import without_flow
from ko_tui.backend.source.kinds import PODS
from ko_tui.backend.source.snapshot import open_snapshot
from ko_tui.backend.tracing.oneline import parse_line
from tests.lab.running import RunningLab

pytestmark = pytest.mark.lab

REQUESTS = [
    "default/client default/server icmp",
    "default/client prod/api-6b9f7 tcp 80",
    "default/server prod/api-6b9f7 tcp 80",
    "default/client 10.16.0.1 arp request",
    "default/vm1 default/client icmp",
    "vpc2/tenant-a vpc2/tenant-b icmp",
]


@pytest.fixture(scope="module")
def sessions(
    running_lab: RunningLab, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[Session, Session]]:
    """The live cluster, and a snapshot of it."""
    live = open_session(SessionOptions(kubeconfig=str(running_lab.kubeconfig), context="admin"))
    file = tmp_path_factory.mktemp("snapshot") / "lab.kosnap"
    manifest = save_snapshot(live, file)
    assert not manifest.failed
    saved = Session(open_snapshot(file))
    yield live, saved
    saved.close()
    live.close()


@pytest.mark.parametrize("line", REQUESTS)
def test_a_saved_cluster_gives_the_live_clusters_trace(sessions: tuple[Session, Session], line: str) -> None:
    request = parse_line(line)
    live, saved = (session.trace(session.plan(request)).explained for session in sessions)
    assert live.verdict is not Verdict.UNKNOWN
    assert saved.verdict is live.verdict
    assert without_flow(saved.trace.text) == without_flow(live.trace.text)
    assert [s.title for s in saved.stages] == [s.title for s in live.stages]


def test_the_inventory_is_the_same(sessions: tuple[Session, Session]) -> None:
    live, saved = (session.inventory().endpoints for session in sessions)
    assert {e.key for e in saved} == {e.key for e in live}


def test_a_redacted_snapshot_is_still_a_kube_ovn_cluster(
    sessions: tuple[Session, Session], tmp_path: Path
) -> None:
    """Its own words stand: its parts are found, attachment NICs too, and everything works as on a plain one."""
    plain = sessions[1]
    save_snapshot(sessions[0], tmp_path / "redacted.kosnap", redact=True)
    redacted = Session(open_snapshot(tmp_path / "redacted.kosnap"))
    try:
        one, other = (Counter(e.kind for e in s.inventory().endpoints) for s in (plain, redacted))
        assert one == other and len(one) > 3
        one_health, other_health = plain.health(), redacted.health()
        assert [f.key for f in other_health.findings] == [f.key for f in one_health.findings]
        assert [c.name for c in other_health.components] == [c.name for c in one_health.components]
        assert other_health.partial == one_health.partial
        roles, other_roles = (
            {d: sorted(m.status.role for m in members) for d, members in h.members.items()}
            for h in (one_health, other_health)
        )
        assert roles == other_roles and len(roles["nb"]) == 3
        flows = redacted.openflow("kube-ovn-worker")
        assert len(flows.flows) > 1000 and set(flows.stages.values()) == set(
            plain.openflow("kube-ovn-worker").stages.values()
        )
    finally:
        redacted.close()


def test_a_redacted_snapshot_holds_no_name_of_a_pod(
    sessions: tuple[Session, Session], tmp_path: Path
) -> None:
    live = sessions[0]
    file = tmp_path / "redacted.kosnap"
    save_snapshot(live, file, redact=True)
    source = open_snapshot(file)
    assert source.archive is not None
    content = b"".join(source.archive.read(name) for name in source.archive.manifest.members)
    names = {
        p.name for p in live.source.list(PODS).items if p.namespace not in ("kube-system", live.namespace)
    }
    assert len(names) > 5
    # A name that is a word too ("client") may stand within a longer word, such as clientIP.
    standing = re.compile(
        rb"(?<![A-Za-z0-9])(" + b"|".join(map(re.escape, (n.encode() for n in names))) + rb")(?![A-Za-z0-9])"
    )
    assert not set(standing.findall(content))

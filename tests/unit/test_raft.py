"""Recorded cluster/status of every kind."""

from __future__ import annotations

import json
import lzma
from collections import Counter
from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from ko_tui.backend.ovn.raft import RaftStatus, parse_status, quorum

FIXTURE = Path(__file__).parent.parent / "fixtures" / "raft" / "cluster-status.jsonl.xz"


def statuses() -> dict[str, RaftStatus]:
    with lzma.open(FIXTURE, "rt") as lines:
        rows = [json.loads(line) for line in lines]
    return {row["name"]: parse_status(row["stdout"], row["stderr"]) for row in rows}


def test_every_recorded_status_is_understood() -> None:
    kinds = Counter(s.kind for s in statuses().values())
    assert not kinds["unreadable"]
    assert (
        kinds["clustered"] > 30 and kinds["silent"] > 5 and kinds["standalone"] and kinds["unknown cluster"]
    )


def test_a_leader() -> None:
    status = statuses()["cluster-status-nb-node1-healthy"]
    assert (status.role, status.term, status.leader_nick) == ("leader", status.term, status.nick)
    assert len(status.servers) == 3 and len(status.peers) == 2
    assert all(p.match_index is not None and p.last_message_ms is not None for p in status.peers)
    assert all(status.connected(p.nick) for p in status.peers)
    assert status.election_timer_ms == 1000 and status.disconnections == 0


def test_members_in_trouble() -> None:
    found = statuses()
    assert found["raftedge-cluster-status-storage-full"].status == "failed"
    joining = found["raftedge-cluster-status-joining-unreachable"]
    assert joining.status == "joining cluster" and joining.notes and joining.leader_nick == ""
    assert not any(up for _, _, up in joining.connections)


def test_quorum() -> None:
    assert [quorum(n) for n in (1, 2, 3, 4, 5)] == [1, 2, 2, 3, 3]


@given(st.text(max_size=200), st.text(max_size=60))
def test_any_text_is_borne(text: str, stderr: str) -> None:
    parse_status(text, stderr)

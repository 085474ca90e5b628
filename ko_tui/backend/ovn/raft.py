"""``cluster/status`` of an OVSDB server in a raft cluster (ovsdb-server(1); ovsdb/raft.c prints it)."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Literal

from ko_tui.backend.ovs.silence import why_silent

Kind = Literal["clustered", "standalone", "unknown cluster", "silent", "unreadable"]

_SERVER = re.compile(r"^\s+(?P<nick>\S+) \((?P<nick2>\S+) at (?P<address>[^)]*)\)(?P<rest>.*)$")
_ID = re.compile(r"^(?P<nick>\S+) \((?P<uuid>[0-9a-f-]{36})\)$")
_AGE = re.compile(r"(\d+) ms ago")


@dataclass(frozen=True, slots=True)
class RaftServer:
    """One row of ``Servers:``. Indexes are known on the leader only; ``last_message_ms`` is since its last message."""

    nick: str
    address: str
    is_self: bool = False
    next_index: int | None = None
    match_index: int | None = None
    last_message_ms: int | None = None
    phase: str = ""
    voted_for: str = ""


@dataclass(frozen=True, slots=True)
class RaftStatus:
    """What one member says of itself and of the others. ``raw`` is the text; times are in ms.

    ``connections`` are the peers by nickname: True for ``<-`` (from) or ``->`` (to) that is up.
    """

    kind: Kind
    raw: str
    name: str = ""
    cluster_id: str = ""
    server_id: str = ""
    nick: str = ""
    address: str = ""
    status: str = ""
    role: str = ""
    term: int = 0
    leader: str = ""
    vote: str = ""
    election_started_ms: int | None = None
    election_won_ms: int | None = None
    election_reason: str = ""
    election_timer_ms: int = 0
    log_first: int = 0
    log_next: int = 0
    not_committed: int = 0
    not_applied: int = 0
    connections: tuple[tuple[str, str, bool], ...] = ()  # (direction, nickname, up)
    disconnections: int = 0
    servers: tuple[RaftServer, ...] = ()
    notes: tuple[str, ...] = field(default=())  # Adding server, Removing server, Remotes for joining
    problem: str = ""

    @property
    def is_leader(self) -> bool:
        return self.role == "leader"

    @property
    def leader_nick(self) -> str:
        """The nickname of the leader that this member follows; its own when it leads; "" when it knows none."""
        return self.nick if self.leader == "self" else "" if self.leader == "unknown" else self.leader

    @property
    def peers(self) -> tuple[RaftServer, ...]:
        return tuple(s for s in self.servers if not s.is_self)

    def connected(self, nick: str) -> bool:
        """Is a connection to or from this peer up?"""
        return any(up for _, peer, up in self.connections if peer == nick)


def parse_status(text: str, stderr: str = "") -> RaftStatus:
    """The status, of whatever kind; never raises. ``stderr`` tells a standalone database and a silent server."""
    if "not a valid command" in stderr or "not a valid command" in text:
        return RaftStatus("standalone", text, problem=stderr.strip())
    if "unknown cluster" in stderr or "unknown cluster" in text:
        return RaftStatus("unknown cluster", text, problem=stderr.strip())
    if not text.strip():
        return RaftStatus("silent", text, problem=why_silent(text, stderr))
    facts: dict[str, str] = {}
    servers: list[RaftServer] = []
    notes: list[str] = []
    in_servers = False
    for line in text.splitlines():
        if in_servers and (row := _SERVER.match(line)):
            servers.append(_server(row))
            continue
        key, colon, value = line.partition(":")
        if not colon:
            # "Adding server 1234 (1234 at tcp:...)" carries a colon only in its address.
            continue
        if key == "Servers":
            in_servers = True
        elif key.startswith(("Adding server", "Removing server")) or key == "Remotes for joining":
            notes.append(line.strip())
        elif not key.startswith(" "):
            facts[key] = value.strip()
    if "Role" not in facts and "Server ID" not in facts:
        return RaftStatus("unreadable", text, problem=stderr.strip())
    return _status(text, facts, servers, notes)


def _status(text: str, facts: dict[str, str], servers: list[RaftServer], notes: list[str]) -> RaftStatus:
    server = _ID.match(facts.get("Server ID", ""))
    cluster = _ID.match(facts.get("Cluster ID", ""))
    log = re.match(r"\[(\d+), (\d+)\]", facts.get("Log", ""))
    started = facts.get("Last Election started", "")
    reason = re.search(r"reason: (.+)", started)
    return RaftStatus(
        kind="clustered",
        raw=text,
        name=facts.get("Name", ""),
        cluster_id=cluster["uuid"] if cluster else "",
        server_id=server["uuid"] if server else "",
        nick=server["nick"] if server else "",
        address=facts.get("Address", ""),
        status=facts.get("Status", ""),
        role=facts.get("Role", ""),
        term=_number(facts.get("Term", "")),
        leader=facts.get("Leader", ""),
        vote=facts.get("Vote", ""),
        election_started_ms=_age(started),
        election_won_ms=_age(facts.get("Last Election won", "")),
        election_reason=reason[1] if reason else "",
        election_timer_ms=_number(facts.get("Election timer", "")),
        log_first=int(log[1]) if log else 0,
        log_next=int(log[2]) if log else 0,
        not_committed=_number(facts.get("Entries not yet committed", "")),
        not_applied=_number(facts.get("Entries not yet applied", "")),
        connections=_connections(facts.get("Connections", "")),
        disconnections=_number(facts.get("Disconnections", "")),
        servers=tuple(servers),
        notes=tuple(notes),
    )


def _server(row: re.Match[str]) -> RaftServer:
    rest = row["rest"]
    follows = {name: re.search(rf"{name}=(\d+)", rest) for name in ("next_index", "match_index")}
    last = re.search(r"last msg (\d+) ms ago", rest)
    voted = re.search(r"\(voted for (\S+)\)", rest)
    words = [w for w in re.findall(r"\(([^)]*)\)", rest) if w != "self" and not w.startswith("voted for")]
    return RaftServer(
        nick=row["nick"],
        address=row["address"],
        is_self="(self)" in rest,
        next_index=int(follows["next_index"][1]) if follows["next_index"] else None,
        match_index=int(follows["match_index"][1]) if follows["match_index"] else None,
        last_message_ms=int(last[1]) if last else None,
        phase=words[0] if words else "",
        voted_for=voted[1] if voted else "",
    )


def _connections(text: str) -> tuple[tuple[str, str, bool], ...]:
    """``<-72be ->72be (->03cb)``: parentheses mean down."""
    found = []
    for word in text.split():
        down = word.startswith("(")
        arrow = re.match(r"(<-|->)(\S+)", word.strip("()"))
        if arrow:
            found.append((arrow[1], arrow[2], not down))
    return tuple(found)


def _number(text: str) -> int:
    found = re.match(r"\d+", text)
    return int(found[0]) if found else 0


def _age(text: str) -> int | None:
    found = _AGE.search(text)
    return int(found[1]) if found else None


def quorum(members: int) -> int:
    """How many of ``members`` must be alive for a raft cluster to work."""
    return members // 2 + 1

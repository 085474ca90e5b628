"""What stands below the tables of the status: what they had no room for, and what their columns mean."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ko_tui.visible import one_line
from ko_tui.widgets.line_table import cut
from ko_tui.widgets.tones import Line, Piece

if TYPE_CHECKING:
    from ko_tui.backend.health.model import Finding, Health
    from ko_tui.backend.operations.members import Member

BLANK: Line = [("", "")]
ROOM = 30  # columns of what is said of a member
COLUMNS = (
    ("LAG", "of a member: entries that it has not committed or applied yet"),
    ("", "of a node: configurations (nb_cfg) that it has not taken over yet"),
    ("DISC", "how often its connections to the other members broke"),
    ("TERM", "the number of the last election"),
    ("CONTROLLER", "ovn-controller's connection to the southbound database"),
    ("FLOWS", "OpenFlow flows in the node's br-int"),
)


def finding_text(finding: Finding) -> str:
    """A finding as text for somebody else, nothing folded: a command in it can be pasted."""
    parts = (("seen", finding.evidence), ("effect", finding.effect), ("next", finding.next_step))
    told = [f"{name}: {one_line(text)}" for name, text in parts if text]
    return "\n".join([f"{str(finding.severity).upper()} {one_line(finding.title)}", *told]) + "\n"


def legend() -> list[Line]:
    """What the columns mean."""
    lines: list[Line] = [BLANK, [(" COLUMNS", "head")]]
    for name, what in COLUMNS:
        lines.append([(f" {name:<12}", ""), (what, "dim")])
    return lines


def agreement(health: Health, width: int) -> list[Line]:
    """Whom each member takes for the leader, when it was elected, and how its storage is: for narrow terminals."""
    pods: dict[str, dict[str, Member]] = {}
    for database, members in health.members.items():
        for member in members:
            if member.status.kind == "clustered":
                pods.setdefault(member.pod, {})[database] = member
    if not pods:
        return []
    name = max(12, min(max(map(len, pods)) + 1, width - 2 * ROOM - 1))
    head = f" {'MEMBERS':<{name}}" + "".join(
        f"{db.upper() + ' LEADER':<11}{'ELECTED':<11}{'STORAGE':<8}" for db in ("nb", "sb")
    )
    lines: list[Line] = [BLANK, [(head.rstrip(), "head")]]
    for pod, of in sorted(pods.items()):
        pieces: list[Piece] = [(f" {cut(one_line(pod), name - 1, middle=True):<{name}}", "")]
        for database in ("nb", "sb"):
            pieces += _said(of.get(database))
        lines.append(pieces)
    return lines


def _said(member: Member | None) -> list[Piece]:
    if member is None:
        return [(" " * ROOM, "")]
    status = member.status
    won = since(status.election_won_ms) if status.is_leader else ""
    return [
        (f"{one_line(status.leader_nick) or 'nobody':<11}", "" if status.leader_nick else "bad"),
        (f"{won:<11}", "dim"),
        (f"{cut(one_line(member.storage), 7):<8}", "dim" if member.storage == "ok" else "warn"),
    ]


def since(milliseconds: int | None) -> str:
    """``33 min ago``; "" when it is not known."""
    if milliseconds is None:
        return ""
    seconds = milliseconds // 1000
    for size, word in ((86400, "d"), (3600, "h"), (60, "min")):
        if seconds >= size:
            return f"{seconds // size} {word} ago"
    return f"{seconds} s ago"

"""The control plane's state as lines: what is wrong first, then what it was drawn from."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from ko_tui.visible import one_line, visible
from ko_tui.widgets.glyphs import glyphs
from ko_tui.widgets.health_words import BLANK, agreement, legend, since
from ko_tui.widgets.line_table import cut
from ko_tui.widgets.tones import Line, Piece, Tone

if TYPE_CHECKING:
    from ko_tui.backend.health.model import Finding, Health
    from ko_tui.backend.operations.members import Member

WIDE = 140  # columns from which each member says whom it follows, since when, and how its storage is
MEMBER, MEMBER_WIDE, NORTHD = 26, 54, 8  # columns of a member and of northd
_TONES: dict[str, Tone] = {"critical": "bad", "warning": "warn", "info": "accent"}
_ROLES: dict[str, Tone] = {"leader": "good", "follower": "", "candidate": "warn"}


def headline(health: Health) -> Line:
    """One line: well, or what is wrong first."""
    g = glyphs()
    severity = str(health.severity or "")
    sign, tone = {"critical": (g.bad, "bad"), "warning": (g.warn, "warn")}.get(severity, (g.ok, "good"))
    text = visible(health.headline)
    return [(f" {sign} ", tone), (text[:1].upper() + text[1:], tone)]  # type: ignore[list-item]


def health_lines(health: Health, width: int) -> list[Line]:
    """All of it, for a list that scrolls."""
    lines: list[Line] = [headline(health), _summary(health)]
    for finding in health.findings:
        lines += _finding(finding, width)
    for words in health.partial:
        rows = _wrapped(f"not asked: {words}", max(20, width - 5))
        lines += [
            [(f" {' ' if number else glyphs().unknown} {row}", "warn")] for number, row in enumerate(rows)
        ]
    lines += _members(health, width)
    lines += _components(health)
    lines += _chassis(health, width)
    lines += _leases(health)
    lines += _counts(health)
    if width < WIDE:
        lines += agreement(health, width)
    return lines + legend()


def _finding(finding: Finding, width: int) -> list[Line]:
    tone = _TONES.get(str(finding.severity), "warn")
    lines: list[Line] = [
        BLANK,
        [(f" {str(finding.severity).upper():<9}", tone), (one_line(finding.title), "strong")],
    ]
    for name, text in (("seen", finding.evidence), ("effect", finding.effect), ("next", finding.next_step)):
        if text:
            for number, row in enumerate(_wrapped(text, max(20, width - 20))):
                label = name if number == 0 else ""
                lines.append([(f"          {label:<7} ", "head" if name == "next" else "dim"), (row, "")])
    return lines


def _wrapped(text: str, width: int) -> list[str]:
    import textwrap

    return textwrap.wrap(one_line(text), width, break_on_hyphens=False) or [""]


def _members(health: Health, width: int) -> list[Line]:
    """NB, SB and northd of each pod side by side: they fail together when a node fails."""
    pods: dict[str, dict[str, Member]] = {}
    for database, members in health.members.items():
        for member in members:
            pods.setdefault(member.pod, {})[database] = member
    northd = {one.pod: one for one in health.northd}
    for pod in northd:
        pods.setdefault(pod, {})
    if not pods:
        return []
    wide = width >= WIDE
    room = MEMBER_WIDE if wide else MEMBER
    name = min(max(len(p) for p in pods) + 1, max(16, width - 2 * room - NORTHD - 1))
    more = f"{'LEADER':<8}{'ELECTED':<11}{'STORAGE':<9}" if wide else ""
    head = f" {'DATABASES':<{name}}" + "".join(
        f"{db.upper() + ' ROLE':<11}{'TERM':<5}{'LAG':<5}{'DISC':<5}{more}" for db in ("nb", "sb")
    )
    lines: list[Line] = [BLANK, [(head + "NORTHD", "head")]]
    for pod, of in sorted(pods.items()):
        pieces: list[Piece] = [(f" {cut(one_line(pod), name - 1, middle=True):<{name}}", "")]
        for database in ("nb", "sb"):
            pieces += _member(of.get(database), room, _leaders(health, database) if wide else None)
        state = northd[pod].state if pod in northd else ""
        tone: Tone = {"active": "good", "standby": "", "paused": "bad"}.get(state, "bad")  # type: ignore[assignment]
        pieces.append((state or ("silent" if pod in northd else "-"), tone if pod in northd else "dim"))
        lines.append(pieces)
        troubles = [
            (database.upper(), m.problem or (m.storage if m.storage not in ("", "ok") else ""))
            for database, m in sorted(of.items())
        ]
        if pod in northd:
            troubles.append(("northd", northd[pod].problem))
        for who, words in troubles:
            if words:
                lines += [[(f"   {row}", "warn")] for row in _wrapped(f"{who}: {words}", max(20, width - 5))]
    return lines


def _leaders(health: Health, database: str) -> frozenset[str]:
    """Whom the members of a database name as their leader."""
    members = health.members.get(database, ())  # type: ignore[call-overload]
    return frozenset(m.status.leader_nick for m in members if m.status.kind == "clustered")


def _member(member: Member | None, room: int, leaders: frozenset[str] | None) -> list[Piece]:
    """``leaders`` when there is room to say whom it names and when that was elected."""
    if member is None or member.problem:
        return [(f"{'silent' if member else '-':<{room}}", "bad" if member else "dim")]
    status = member.status
    role = status.role or status.kind
    lag = status.not_committed + status.not_applied
    pieces: list[Piece] = [
        (f"{role:<10} ", _ROLES.get(role, "warn")),
        (f"{status.term:<4} ", "dim"),
        (f"{lag:<4} ", "warn" if lag > 100 else ""),
        (f"{status.disconnections:<4} ", "dim"),
    ]
    if leaders is not None:
        won = status.election_won_ms if status.is_leader else None
        pieces += [
            (f"{one_line(status.leader_nick) or 'nobody':<8}", "" if len(leaders) == 1 else "bad"),
            (f"{since(won):<11}", "dim"),
            (f"{cut(one_line(member.storage), 8):<9}", "dim" if member.storage == "ok" else "warn"),
        ]
    return pieces


def _summary(health: Health) -> Line:
    """Everything in a line, so that it is in sight however many findings there are."""
    pieces: list[Piece] = []

    def add(name: str, words: str, well: bool) -> None:
        pieces.append((f"{'   ' if pieces else ' '}{name} ", "dim"))
        pieces.append((words, "" if well else "bad"))

    for database, members in health.members.items():
        alive = sum(not m.problem for m in members)
        leads = sum(m.status.is_leader for m in members)
        clustered = any(m.status.kind == "clustered" for m in members)
        well = 0 < alive == len(members) and (leads == 1 or not clustered)
        note = "" if leads == 1 or not clustered else f", {leads or 'no'} leader{'s' if leads > 1 else ''}"
        add(database.upper(), f"{alive}/{len(members)}{note}", well)
    if health.northd:
        active = sum(one.state == "active" for one in health.northd)
        paused = sum(one.state == "paused" for one in health.northd)
        add(
            "northd",
            f"{active} active" + (f", {paused} paused" if paused else ""),
            active == 1 and not paused,
        )
    if health.components:
        full = sum(not one.short for one in health.components)
        add("components", f"{full}/{len(health.components)}", full == len(health.components))
    if health.chassis:
        well_nodes = sum(c.registered and not c.problem for c in health.chassis)
        add("nodes", f"{well_nodes}/{len(health.chassis)}", well_nodes == len(health.chassis))
    return pieces


def _components(health: Health) -> list[Line]:
    if not health.components:
        return []
    lines: list[Line] = [BLANK, [(f" {'COMPONENTS':<24}{'READY':<9}{'RESTARTS':<10}VERSION", "head")]]
    for one in health.components:
        sign = glyphs().bad if one.short else glyphs().ok
        version = ", ".join(image.rpartition(":")[2] for image in one.images)
        lines.append(
            [
                (f" {sign} ", "bad" if one.short else "good"),
                (f"{one_line(one.name):<22}", ""),
                (f"{one.available}/{one.wanted}".ljust(9), "bad" if one.short else ""),
                (f"{one.restarts:<10}", "warn" if one.restarts else "dim"),
                (one_line(version), "dim"),
            ]
        )
    return lines


def _chassis(health: Health, width: int) -> list[Line]:
    if not health.chassis:
        return []
    name = min(max(len(c.node) for c in health.chassis) + 2, 32)
    lines: list[Line] = [
        BLANK,
        [(f" {'NODES':<{name + 2}}{'TUNNEL':<17}{'LAG':<6}{'CONTROLLER':<13}{'FLOWS':>9}", "head")],
    ]
    for one in health.chassis:
        well = one.registered and not one.problem
        state = one.controller or ("" if well else "?")
        lines.append(
            [
                (f" {glyphs().ok if well else glyphs().bad} ", "good" if well else "bad"),
                (f"{cut(one_line(one.node), name - 1, middle=True):<{name}}", ""),
                (f"{one_line(one.tunnel_ip) or 'no chassis':<17}", "" if one.registered else "bad"),
                (f"{'' if one.lag is None else one.lag!s:<6}", "warn" if (one.lag or 0) > 1 else "dim"),
                (f"{one_line(state):<13}", "" if state in ("connected", "") else "bad"),
                ("" if one.flows is None else f"{one.flows:>9,}", "dim"),
                (
                    f"  {sparkline(health.series.get(f'openflow/{one.node}', ()), width - name - 52)}",
                    "accent",
                ),
            ]
        )
        if one.problem:
            lines += [[(f"     {row}", "warn")] for row in _wrapped(one.problem, max(20, width - 7))]
    return lines


def _leases(health: Health) -> list[Line]:
    lines: list[Line] = []
    for one in health.leases:
        age = "age unknown" if one.age is None else f"renewed {one.age:.0f} s ago"
        late = one.age is not None and one.age > one.duration * 2
        lines.append(
            [
                (f" {one_line(one.name):<24}", ""),
                (f"{one_line(one.holder)}  ", "dim"),
                (age, "bad" if late else "dim"),
            ]
        )
    for endpoint in health.endpoints:
        addresses = ", ".join(map(one_line, endpoint.addresses))
        lines.append(
            [
                (f" Service {one_line(endpoint.service):<16}", ""),
                (addresses or "no endpoint", "dim" if addresses else "bad"),
            ]
        )
    return [BLANK, [(" LEADERS", "head")], *lines] if lines else []


def _counts(health: Health) -> list[Line]:
    lines: list[Line] = []
    for words, name, value in (
        ("logical flows", "logical_flows", health.logical_flows),
        ("MAC bindings", "mac_bindings", health.mac_bindings),
        ("disconnections", "disconnections", None),
        ("findings", "findings", None),
    ):
        known = health.series.get(name, ())
        if value is None and len(known) > 1:
            value = int(known[-1])
        if value is not None:
            lines.append([(f" {words:<15}", ""), (f"{value:>9,}  ", "strong"), (sparkline(known), "accent")])
    return [BLANK, [(" COUNTS", "head")], *lines] if lines else []


def sparkline(values: Sequence[float], most: int = 30) -> str:
    """The last ``most`` values as little bars, the lowest first; flat when all are the same."""
    steps = glyphs().spark
    recent = list(values)[-min(most, 30) :] if most > 1 else []
    if len(recent) < 2:
        return ""
    low, high = min(recent), max(recent)
    if high == low:
        return steps[0] * len(recent)
    return "".join(steps[round((v - low) / (high - low) * (len(steps) - 1))] for v in recent)

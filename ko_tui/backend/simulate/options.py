"""What a simulated trace is told beyond the packet: the options of ovn-trace(8)."""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from ko_tui.backend.errors import UsageError
from ko_tui.backend.simulate.packet_state import CT_EST, CT_TRK
from ko_tui.backend.simulate.southbound import V4_MAPPED, parse_vip

_CT_BITS = {"new": 1, "est": 2, "rel": 4, "rpl": 8, "inv": 16, "trk": 32, "snat": 64, "dnat": 128}
DEFAULT_CT = CT_EST | CT_TRK


@dataclass(frozen=True, slots=True)
class Options:
    """``ct`` are the states of each pass through the tracker, in order, as ``--ct`` takes them; ``lb_dst`` is
    ``ADDRESS[:PORT]``; ``select_id`` 0 means none; ``version`` overrides the OVN release found in the database.
    Where ovn-trace throws dice, ``picks`` says which of the alternatives to take, in turn; the first otherwise."""

    ct: tuple[str, ...] = ()
    lb_dst: str = ""
    select_id: int = 0
    friendly_names: bool = True
    version: str = ""
    picks: tuple[int, ...] = ()


@dataclass(slots=True)
class Choices:
    """The options as the engine uses them up."""

    states: list[int]
    lb_family: int = 0  # 4 or 6; 0 once the destination was used
    lb_address: int = 0
    lb_port: int = 0
    select_id: int = 0
    picks: list[int] = field(default_factory=list)
    alternatives: list[int] = field(default_factory=list)  # how many there were at each throw of dice
    assumptions: list[str] = field(default_factory=list)

    def pick(self, count: int, why: str) -> int:
        """Which of ``count`` equal alternatives to take; noted as an assumption ``why`` when there are several."""
        if count > 1:
            self.assume(why)
        self.alternatives.append(count)
        return min(self.picks.pop(0), count - 1) if self.picks else 0

    def next_state(self) -> tuple[int, str]:
        """The next conntrack state, and the comment that ovn-trace puts beside the one that it assumes."""
        if self.states:
            return self.states.pop(0), ""
        self.assume("default_ct")
        return DEFAULT_CT, " /* default (use --ct to customize) */"

    def assume(self, key: str) -> None:
        """Note that something was assumed, once."""
        if key not in self.assumptions:
            self.assumptions.append(key)


def choices(options: Options) -> Choices:
    """Check the options. Raises UsageError with ovn-trace's own words."""
    states = [ct_state(text) for text in options.ct]
    made = Choices(states, select_id=options.select_id, picks=list(options.picks))
    if options.lb_dst:
        vip = parse_vip(options.lb_dst)
        if vip is None:
            raise UsageError(f"{options.lb_dst}: bad address", "Write 10.0.0.1:80 or [fd00::1]:80.")
        made.lb_family, made.lb_port = vip.family, vip.port
        made.lb_address = vip.address ^ V4_MAPPED if vip.family == 4 else vip.address
    return made


def ct_state(text: str) -> int:
    """``new``, ``est,rpl`` ... as bits; ``trk`` is always set. Raises UsageError."""
    state = CT_TRK
    for word in filter(None, re.split("[, ]+", text)):
        if word not in _CT_BITS:
            raise UsageError(f"{word}: unknown connection tracking state flag", f"Use {', '.join(_CT_BITS)}.")
        state |= _CT_BITS[word]
    return state

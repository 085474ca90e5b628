"""The picture of the way: port -> switch -> router -> switch -> port, with what happened on each."""

from __future__ import annotations

from ko_tui.backend.explain.catalogue import Catalogue
from ko_tui.backend.explain.model import Hop
from ko_tui.backend.explain.running_packet import UNKNOWN, RunningPacket
from ko_tui.backend.ovn.trace_model import Block, Outcome, Stage, Verdict

_TRANSLATING = ("_lb", "nat", "defrag", "pre_stateful", "hairpin")


def enter_block(hops: list[Hop], block: Block, words: Catalogue) -> None:
    """Add what entering a pipeline tells: the first port, and the switch or router itself."""
    if block.kind == "ingress":
        if not hops and block.inport:
            hops.append(Hop("port", block.inport))
        hops.append(Hop("switch", block.datapath))
    elif block.kind == "multicast" and _copies(block) > 1:
        _note(hops, words.say("hop.flood", count=_copies(block)))


def _copies(block: Block) -> int:
    return sum(1 for child in block.children if isinstance(child, Block) and child.kind == "egress")


def note_change(
    hops: list[Hop], before: RunningPacket, after: RunningPacket, stage: Stage, words: Catalogue
) -> None:
    """Say on the present hop what a stage did to the addresses; a ``lr_`` stage makes the hop a router."""
    if not hops:
        return
    if stage.name.startswith("lr_"):
        hops[-1].kind = "router"
    translates = any(part in stage.name for part in _TRANSLATING)
    for side, plain in (("dst", "hop.dnat"), ("src", "hop.snat")) if translates else ():
        old, new = before.endpoint(side), after.endpoint(side)
        if old and new and old != new:
            key = "hop.lb" if stage.name.startswith(("ls_in_lb", "ls_in_pre_stateful")) else plain
            _note(hops, words.say(key, before=old, after=new.replace(UNKNOWN, "…")))
    if stage.name in ("lr_in_ip_routing", "lr_in_policy", "lr_in_ip_routing_ecmp", "lr_in_policy_ecmp"):
        for register in ("reg0", "xxreg0"):
            if register in after.registers and before.registers.get(register) != after.registers[register]:
                key = "hop.policy" if stage.name.startswith("lr_in_policy") else "hop.route"
                if key == "hop.policy":
                    _forget(hops, words.say("hop.route", address=before.registers.get(register, "")))
                _note(hops, words.say(key, address=after.registers[register]))
    if stage.name == "ls_in_hairpin":
        _note(hops, words.say("hop.hairpin"))
    if stage.name == "lr_in_gw_redirect" and before.read("outport") != after.read("outport"):
        _note(hops, words.say("hop.gateway"))


def leave_trail(
    hops: list[Hop],
    outcome: Outcome | None,
    decided: Stage | None,
    reason: str,
    words: Catalogue,
    *,
    others: int = 0,
) -> list[Hop]:
    """The hops with their end: the port, the drop (by the stage that decided it), the reply or the controller.

    ``others`` is the number of further ports that copies of the packet reached.
    """
    if outcome is None:
        return hops
    stage = decided.name if decided else ""
    match outcome.verdict:
        case Verdict.DELIVERED:
            notes = [outcome.port_type] if outcome.port_type else []
            notes += [words.say("hop.others", count=others)] if others else []
            hops.append(Hop("port", outcome.port, "; ".join(notes)))
        case Verdict.DROPPED:
            hops.append(Hop("drop", outcome.datapath, words.say("hop.drop", stage=stage, reason=reason)))
        case Verdict.REPLIED:
            hops.append(Hop("reply", outcome.port, words.say("hop.reply", reason=reason)))
        case Verdict.CONTROLLER:
            hops.append(Hop("controller", outcome.datapath, reason))
    return hops


def _forget(hops: list[Hop], text: str) -> None:
    """Take back what a later stage overruled."""
    parts = [part for part in hops[-1].note.split("; ") if part and part != text]
    hops[-1].note = "; ".join(parts)


def _note(hops: list[Hop], text: str) -> None:
    if hops and text not in hops[-1].note:
        hops[-1].note = f"{hops[-1].note}; {text}" if hops[-1].note else text

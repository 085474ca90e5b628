"""The lookups of an ``ofproto/trace`` as steps: on which bridge, and by which name each table goes."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

from ko_tui.backend.explain.catalogue import catalogue
from ko_tui.backend.explain.language import Language
from ko_tui.backend.explain.openflow import openflow_table
from ko_tui.backend.ovn.versions import DEFAULT, KNOWN
from ko_tui.backend.ovs.ofproto_trace import OfTrace
from ko_tui.backend.tracing.datapath_model import Step

_BRIDGE = re.compile(r'^bridge\("(.*)"\)$')
_STATE = re.compile(r"\bct_state=([a-z|]+)")
INTEGRATION = "br-int"


def read_steps(traced: OfTrace) -> list[Step]:
    """Every lookup in printed order. Deeper ones behind an output are another bridge's."""
    found = []
    for number, block in enumerate(traced.blocks):
        state = _STATE.search(block.flow)
        tracking = frozenset(state[1].split("|")) if state is not None else frozenset()
        within: list[tuple[int, str]] = []  # bridges entered, with the depth of the lookup that led there
        for rule in block.rules():
            while within and rule.depth <= within[-1][0]:
                within.pop()
            bridge = within[-1][1] if within else block.bridge or INTEGRATION
            found.append(Step(rule, bridge, number, rule.depth, tracking=tracking))
            if any(action.startswith(("ct(", "ct_clear")) for action in rule.actions):
                tracking = frozenset()  # a switch forgets the state when it sends the packet to conntrack
            for line in rule.lines:
                entered = _BRIDGE.match(line.text)
                if entered is not None:
                    within.append((rule.depth, entered[1]))
    return found


def name_steps(
    steps: Sequence[Step], known: Mapping[str, tuple[str, str]], version: str, lang: Language = "en"
) -> None:
    """Fill stage, title and match; ``known`` is cookie -> (stage, logical match)."""
    release = next((one for one in KNOWN if one == version), DEFAULT)
    words = catalogue(lang)
    for step in steps:
        if step.bridge != INTEGRATION:
            continue
        row = known.get(step.uuid) if step.uuid else None
        if row is not None:
            step.stage, step.match = row
            step.logical = True
            text = words.stage(step.stage)
            step.title = text.title if text else ""
            continue
        table = openflow_table(step.rule.table, release, lang)
        step.stage = table.key or " / ".join(table.stages)
        step.title = table.title

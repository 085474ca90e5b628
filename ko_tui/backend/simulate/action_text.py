"""An action's text as ovn-trace prints it: OVN's spelling, with ``next`` as short as its place allows."""

from __future__ import annotations

from dataclasses import replace

from ko_tui.backend.ovn.actions import Action, CtCommit, Nested, Next, Select
from ko_tui.backend.ovn.actions.tree import Pipeline

DEFAULT_WEIGHT = 100


def action_text(action: Action, pipeline: Pipeline, table: int) -> str:
    """The text of ``action`` in a flow of ``table`` of ``pipeline``."""
    return str(_canonical(action, pipeline, table))


def _canonical(action: Action, pipeline: Pipeline, table: int) -> Action:
    if isinstance(action, Next):
        to_pipeline, to_table = action.target(pipeline, table)
        if to_pipeline != pipeline:
            return Next(to_pipeline, to_table)
        return Next() if to_table == table + 1 else Next(None, to_table)
    if isinstance(action, Select):
        # OVN writes the weight that it assumes.
        members = tuple(replace(m, weight=m.weight or DEFAULT_WEIGHT) for m in action.members)
        return replace(action, members=members)
    if isinstance(action, Nested | CtCommit) and any(
        isinstance(inner, Next | Nested) for inner in action.actions
    ):
        return replace(action, actions=tuple(_canonical(a, pipeline, table) for a in action.actions))
    return action

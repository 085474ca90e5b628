"""What ovn-trace assumed or guessed, as sentences. Source: ovn-trace(8) and the behaviour of ovn-trace."""

from __future__ import annotations

from ko_tui.backend.explain.catalogue import Catalogue
from ko_tui.backend.ovn.actions import Action, Assign, CtLb, CtNat, Exchange, Nested, Next, Output, Select
from ko_tui.backend.ovn.expression import ChassisResident, Expression, walk

_COMMENTS = (
    ("default (use --ct", "default_ct"),
    ("not implemented", "not_implemented"),
    ('Replacing type "chassisredirect"', "chassisredirect"),
    ("No MAC binding", "no_mac_binding"),
    ("Randomly selected", "random_choice"),
)
_SILENT = (Assign, Exchange, Next, Output, Nested)


def action_assumptions(action: Action, words: Catalogue) -> list[str]:
    """What a trace leaves out or guesses for one action; empty for what it really does."""
    if isinstance(action, _SILENT):
        return []
    if isinstance(action, CtLb):
        keys = ["random_backend"] if len(action.backends) > 1 else []
        keys += ["ct_lb_mark_local"] if action.kind == "ct_lb_mark_local" else []
    elif isinstance(action, Select):
        keys = ["random_choice"] if len(action.members) > 1 else []
    elif isinstance(action, CtNat):
        keys = [] if action.address is not None else [action.kind.removesuffix("_in_czone")]
    else:
        head = str(action).partition("(")[0].partition("{")[0]
        keys = [head.rpartition(" = ")[2].rstrip("; ")]
    return [text for key in keys if (text := words.text("assumptions", key))]


def line_assumption(text: str, words: Catalogue) -> list[str]:
    """What a comment, an error or a header says was assumed."""
    return [said for part, key in _COMMENTS if part in text and (said := words.text("assumptions", key))]


def match_assumption(match: Expression, words: Catalogue) -> str | None:
    """A match that depends on the node: a trace takes every port as resident."""
    if any(isinstance(term, ChassisResident) for term in walk(match)):
        return words.text("assumptions", "chassis")
    return None

"""What explanations are told beyond the trace: the language, and the names that the session knows."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ko_tui.backend.explain.inventory import names_of
from ko_tui.backend.explain.language import Language
from ko_tui.backend.explain.names import Names
from ko_tui.backend.tracing.model import Inventory, TracePlan

if TYPE_CHECKING:
    from ko_tui.backend.session import Session


def language(session: Session) -> Language:
    """The language of this session's explanations."""
    return "zh" if session.options.lang == "zh" else "en"


def names(session: Session, plan: TracePlan) -> Names:
    """Names of everything in the inventory when the session has one already, else of the two ends."""
    kept = session.answers.peek("inventory")
    endpoints = kept.value.endpoints if kept is not None and isinstance(kept.value, Inventory) else ()
    return names_of([*endpoints, plan.source, plan.destination], vpc=plan.source.vpc)

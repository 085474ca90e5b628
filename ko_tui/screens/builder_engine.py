"""By what the builder's packet is traced: the engine that suits the cluster's size, or the one that was chosen."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ko_tui.commands import Command
from ko_tui.screens.trace_form import BY_NAME
from ko_tui.widgets.plan_view import engine_lines, plan_lines

if TYPE_CHECKING:
    from ko_tui.backend.session import Session
    from ko_tui.backend.source.interface import Cancel
    from ko_tui.backend.tracing.engine import Proposal
    from ko_tui.backend.tracing.model import Engine, TracePlan

ENGINE: tuple[Command, ...] = (
    Command(
        "builder.engine", "alt+e", "Trace with the next engine: auto, ovn-trace, local, both", "engine",
        action="engine", colon=("engine",), usage="auto|ovn-trace|local|both", priority=True,
    ),
)  # fmt: skip


class EngineChoice:
    """For the builder's screen."""

    proposal: Proposal | None = None  # the engine that suits the cluster, once its size is known

    def propose(self: Any) -> None:
        """Ask how big the cluster is."""
        threshold = self.ko.settings.local_trace_flows

        def size(session: Session, _cancel: Cancel) -> Proposal:
            from ko_tui.backend.tracing.engine import propose_engine

            return propose_engine(session, threshold)

        self.ask("engine", size, self.proposed, failed=lambda _error: None)

    def proposed(self: Any, proposal: Proposal) -> None:
        """The size is known: a resolved packet says it, or is resolved anew when this means another engine."""
        before, self.proposal = self.auto(), proposal
        if before != proposal.engine:
            self._changed()
        elif self.plan is not None:
            self.show_plan(self.plan)

    def auto(self) -> Engine:
        """What "auto" stands for."""
        return self.proposal.engine if self.proposal is not None else "ovn-trace"

    def show_plan(self: Any, plan: TracePlan) -> None:
        """The resolved packet beside the form, and by what it will be traced."""
        chosen = self.field("engine").value not in ("", "auto")
        known = {b.binding.id: self.app.get_key_display(b.binding) for b in self.active_bindings.values()}
        key = known.get("builder.engine", ":engine")
        words = engine_lines(plan.request.engine, self.proposal, key, chosen=chosen)
        self._show_packet(plan_lines(plan, words))

    def action_engine(self: Any) -> None:
        names = BY_NAME["engine"].choices
        value = self.field("engine").value
        self.take_engine(names[(names.index(value) + 1) % len(names)] if value in names else names[0])

    def take_engine(self: Any, words: str) -> None:
        """``:engine NAME``."""
        names = BY_NAME["engine"].choices
        if words not in names:
            self.tell(f"There is no engine {words!r}. Engines: {', '.join(names)}", "warn")
            return
        self.field("engine").value = words
        self._changed()
        auto = f": {self.auto()}" if words == "auto" else ""
        self.tell(f"Traced by {words}{auto}.")

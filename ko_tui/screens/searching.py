"""What is typed behind ``/``: tables let through what matches; other lists mark it, and n goes there."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

from ko_tui.widgets.bars import counted
from ko_tui.widgets.prompt import PromptLine

if TYPE_CHECKING:
    from ko_tui.widgets.finding import Finding
    from ko_tui.widgets.line_view import LineView


class Searching:
    """The filter of a place's list; mixed into every place."""

    def filter_text(self: Any) -> str:
        """The filter in use."""
        view = self.list_view()
        return "" if view is None else view.filter.text

    def filter_changed(self: Any, text: str) -> None:
        """Put another filter to the list. A table shows what is left at once; a text is looked through in slices."""
        view = self.list_view()
        if view is None:
            return
        understood = view.set_filter(text)
        self.query_one(PromptLine).understood(understood.problem)
        if understood.problem:
            self.tell(understood.problem, "warn")
        self.show_place()
        if view.finding is not None:
            self.look(view, view.finding)

    def look(self: Any, view: LineView, finding: Finding) -> None:
        """Go to the first line that is found and say how many there are; what takes long goes on between the keys."""
        jumped = False

        def looked_at_all() -> bool:
            nonlocal jumped
            done = finding.look()
            first = next(filter(view.selectable, finding.from_start()), None)
            if first is not None and not jumped:
                jumped = True
                view.move_to(first)
            self.tell_found(len(finding.hits), done)
            return done

        async def go_on() -> None:
            while view.finding is finding and not looked_at_all():
                await asyncio.sleep(0)

        if not looked_at_all():
            self.run_worker(go_on(), group="finding", exclusive=True)

    def tell_found(self: Any, hits: int, done: bool) -> None:
        found = f"{counted(hits, 'line')} match{'es' if hits == 1 else ''}" + ("" if done else " so far")
        prompt = self.query_one(PromptLine)
        prompt.understood(prompt.problem, found)
        self.tell(f"{found}; n next, N previous" if hits else f"{found}.", "" if hits else "warn")

"""The builder's list for From and To: what fits what is typed, what was traced before, how one is taken."""

from __future__ import annotations

from typing import Any

from textual.containers import Grid
from textual.widgets import Input

from ko_tui.screens.trace_form import BY_NAME, FieldError, first_port, is_address
from ko_tui.widgets.bars import KeyBar, age_words
from ko_tui.widgets.choice_list import ChoiceItem, ChoiceList
from ko_tui.widgets.field import Field, FieldInput
from ko_tui.widgets.line_view import LineView

ENDS = ("source", "destination")


class Matches:
    """For the builder's screen."""

    # -- what is typed and what is there ------------------------------------------------------------------------

    def named(self: Any, name: str) -> bool:
        """The field says something that the cluster can be asked about: a known endpoint or a whole address."""
        text = self.field(name).value
        if is_address(text) and name == "destination":
            return True
        return self.matcher.find(text, self._namespace()) is not None

    def unknown_end(self: Any) -> FieldError | None:
        """The first of From and To that names nothing known, with what could be meant."""
        if not self.matcher.endpoints:
            return None
        for name in ENDS:
            text = self.field(name).value
            if not text or self.named(name):
                continue
            fit = self.matcher.fitting(text, sources=name == "source")
            if len(fit) == 1:
                way = f"Only {fit[0].key} fits: Tab takes it."
            elif fit:
                way = f"{len(fit):,} fit: \u2191 \u2193 choose, Enter takes."
            else:
                way = "Enter asks the cluster all the same."
            return FieldError(name, f"{BY_NAME[name].label}: nothing is called {text!r}.", way)
        return None

    def could_be(self: Any, name: str) -> bool:
        """Several that are listed fit the field."""
        return bool(self.matcher.fitting(self.field(name).value, sources=name == "source"))

    def settle(self: Any, field: Field) -> None:
        """What was typed of a name is that name, when it fits one alone."""
        name = field.field_name
        if name not in ENDS or not field.value or self.named(name):
            return
        fit = self.matcher.fitting(field.value, sources=name == "source")
        if len(fit) == 1:
            field.value = fit[0].key
            if name == "destination" and not self.field("port").value:
                self._take_service_port(fit[0].key)

    # -- the list -----------------------------------------------------------------------------------------------

    def _offer(self: Any) -> None:
        """Matches for the field in use, or what was traced before."""
        focused = self.focused
        name = focused.query_ancestor(Field).field_name if isinstance(focused, FieldInput) else ""
        if name in ENDS:
            typed = self.field(name).value
            items = [] if self.named(name) else self.matcher.items(typed, sources=name == "source")
            if items and (typed or not self._recent()):
                self.choices.offer(f"{len(items)} that fit" if typed else "known", items, marked=bool(typed))
                self.query_one(KeyBar).lay_out()
                return
        if isinstance(focused, ChoiceList):
            return
        self.choices.offer("traced before" if self._recent() else "", self._recent())
        self.query_one(KeyBar).lay_out()

    def _recent(self: Any) -> list[ChoiceItem]:
        entries = self.ko.traces_made.entries()
        entries.sort(key=lambda e: (bool(e.get("name")), e.get("at", 0)), reverse=True)
        return [
            ChoiceItem(
                str(e["line"]),
                str(e.get("name") or e["line"]),
                f"{e.get('verdict', '')} {age_words(float(e.get('at', 0)))}"
                + (f"  {e['line']}" if e.get("name") else ""),
                "accent" if e.get("name") else "name",
            )
            for e in entries[:100]
        ]

    # -- keys of the fields -----------------------------------------------------------------------------------

    def on_field_input_stepped(self: Any, event: FieldInput.Stepped) -> None:
        event.stop()
        choices = self.choices
        if event.key != "tab" and choices.marked:
            choices.move_to(choices.cursor + event.step, step=event.step)
            return
        if event.key == "down" and event.field.field_name in ENDS and choices.items and not event.field.value:
            choices.focus()
            return
        self.settle(event.field)
        self._service_typed(event.field)
        inputs = [f.input for f in self.query(Field) if f.query_ancestor(Grid).display]
        at = inputs.index(event.field.input) + event.step
        if at >= len(inputs):
            choices.focus()
        else:
            inputs[at].focus()

    def on_input_submitted(self: Any, event: Input.Submitted) -> None:
        event.stop()
        item = self.choices.current
        field = event.input.query_ancestor(Field)
        if self.choices.marked and item is not None and field.field_name in ENDS:
            self._take(field, item.value)
        elif field.field_name == "source" and "->" in field.value:  # the whole trace in one line
            self.arrive(field.value)
        else:
            self._service_typed(field)
            self.action_run_trace()

    def _service_typed(self: Any, field: Field) -> None:
        """A Service that was typed whole brings its first port, as one that was chosen does."""
        if field.field_name == "destination" and not self.field("port").value:
            self._take_service_port(field.value)

    def _take(self: Any, field: Field, key: str) -> None:
        field.value = key
        if field.field_name == "destination":
            self._take_service_port(key)
        following = next((n for n in ("source", "destination") if not self.field(n).value), "")
        self.field(following or "port").input.focus()
        self._offer()

    def _take_service_port(self: Any, key: str) -> None:
        endpoint = self.matcher.find(key, self._namespace())
        protocol, port = first_port(endpoint) if endpoint is not None else ("", "")
        if protocol and endpoint is not None and endpoint.key.startswith("svc/"):
            self.field("protocol").value = protocol
            self.field("port").value = port

    def on_line_view_chosen(self: Any, event: LineView.Chosen) -> None:
        """Enter on something traced before runs it; on a match it takes it."""
        event.stop()
        item = self.choices.current
        if item is None:
            return
        if self.matcher.find(item.value, self._namespace()) is not None:
            free = next((n for n in ENDS if not self.field(n).value), "destination")
            self._take(self.field(free), item.value)
        else:
            self.arrive(item.value)

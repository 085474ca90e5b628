"""A field of a form on one line: its name, what is typed, and a hint while it is empty."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding
from textual.containers import Horizontal
from textual.message import Message
from textual.widgets import Input, Static

from ko_tui.commands import Command
from ko_tui.visible import one_line

FIELD_KEYS: tuple[Command, ...] = (
    Command("form.next", "tab,down", "Next field, or next match", action="step(1)"),
    Command("form.previous", "shift+tab,up", "Previous field, or previous match", action="step(-1)"),
)


class FieldInput(Input):
    """Hands up, down and tab to its form; with ``choices`` left and right go through them."""

    commands: ClassVar[tuple[Command, ...]] = FIELD_KEYS
    BINDINGS: ClassVar[list[Binding]] = [  # type: ignore[assignment]
        Binding("down", "step(1, 'down')", show=False),
        Binding("up", "step(-1, 'up')", show=False),
        Binding("tab", "step(1, 'tab')", show=False),
        Binding("shift+tab", "step(-1, 'tab')", show=False),
    ]

    def validate_value(self, value: str) -> str:
        """Names come from the cluster too: control characters are shown, never written to the terminal."""
        return one_line(value)

    @dataclass
    class Stepped(Message):
        """Up, down or tab in a field."""

        field: Field
        step: int
        key: str

    def action_step(self, step: int, key: str = "tab") -> None:
        self.post_message(self.Stepped(self.query_ancestor(Field), step, key))

    def action_cursor_right(self, select: bool = False) -> None:
        if not self._turn(1):
            super().action_cursor_right(select)

    def action_cursor_left(self, select: bool = False) -> None:
        if not self._turn(-1):
            super().action_cursor_left(select)

    def _turn(self, step: int) -> bool:
        choices = self.query_ancestor(Field).choices
        if not choices or (self.value and self.value not in choices):
            return False
        at = choices.index(self.value) if self.value in choices else (-1 if step > 0 else 0)
        self.value = choices[(at + step) % len(choices)]
        return True


class Field(Horizontal):
    """``name`` is what the form calls it; ``choices`` are the only values it takes."""

    def __init__(
        self,
        name: str,
        label: str,
        *,
        value: str = "",
        hint: str = "",
        choices: Sequence[str] = (),
        narrow: bool = False,
    ) -> None:
        super().__init__(id=f"field-{name}", classes="-short" if narrow else "")
        self.field_name = name
        self.label = label
        self.choices = tuple(choices)
        self._value = value
        self._hint = hint

    def compose(self) -> ComposeResult:
        yield Static(self.label, markup=False)
        yield FieldInput(
            self._value, placeholder=self._hint, compact=True, select_on_focus=bool(self.choices)
        )

    @property
    def input(self) -> FieldInput:
        return self.query_one(FieldInput)

    @property
    def value(self) -> str:
        made = self.query(FieldInput)
        return made.first().value.strip() if made else self._value

    @value.setter
    def value(self, text: str) -> None:
        # A person may arrive with values before the field is composed.
        self._value = text
        for made in self.query(FieldInput):
            made.value = text
            made.cursor_position = len(text)

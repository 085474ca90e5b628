"""A transaction of ovn-nbctl: commands collected, then one command line."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence

Value = str | int | bool | Sequence[str] | Mapping[str, str]


def kube_ovn(**ids: str) -> dict[str, str]:
    """external_ids of a row that Kube-OVN made."""
    return {**ids, "vendor": "kube-ovn"}


class Transaction:
    """Collects commands; rows made by ``create`` can be referred to by what it returns."""

    def __init__(self) -> None:
        self._commands: list[list[str]] = []
        self._rows = 0

    def do(self, *words: str) -> None:
        self._commands.append(list(words))

    def set(self, table: str, row: str, **columns: Value) -> None:
        """Set columns of a row: text, numbers, sets as sequences, maps as mappings (whose keys are added)."""
        self.do("set", table, row, *_columns(columns))

    def create(self, table: str, owner: tuple[str, str, str] | None = None, **columns: Value) -> str:
        """Make a row, and add it to the ``owner`` (table, row, column) when it is given. Gives a reference."""
        self._rows += 1
        reference = f"@row{self._rows}"
        self.do(f"--id={reference}", "create", table, *_columns(columns))
        if owner is not None:
            self.do("add", *owner, reference)
        return reference

    def argv(self) -> list[str]:
        """The words after ``ovn-nbctl`` and its options."""
        return [word for command in self._commands for word in ("--", *command)][1:]


def _columns(columns: Mapping[str, Value]) -> list[str]:
    words = []
    for column, value in columns.items():
        if isinstance(value, Mapping):
            words += [f"{column}:{json.dumps(key)}={json.dumps(each)}" for key, each in value.items()]
        else:
            words.append(f"{column}={_plain(value)}")
    return words


def _plain(value: str | int | bool | Sequence[str]) -> str:
    if isinstance(value, str | bool | int):
        return json.dumps(value)
    return ",".join(json.dumps(each) for each in value) if value else "[]"

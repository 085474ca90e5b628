"""Keys that the configuration changes: how Textual calls them, and what is wrong with them."""

from __future__ import annotations

import difflib
import unicodedata
from collections.abc import Iterable, Iterator, Mapping

from textual.keys import KEY_TO_UNICODE_NAME, REPLACED_KEYS, Keys, _character_to_key

from ko_tui.commands import Command

TAKEN = {
    "ctrl+a": "screen and readline",
    "ctrl+b": "tmux",
    "ctrl+s": "the terminal's flow control",
    "ctrl+q": "the terminal's flow control",
    "ctrl+c": "stopping what runs",
}
EVERYWHERE, LISTS = "everywhere", "lists"
_NAMED = {key.value for key in Keys} | set(KEY_TO_UNICODE_NAME) | set(REPLACED_KEYS)
Placed = tuple[str, Command]  # a place and a command of it


def normalized(keys: Mapping[str, str]) -> dict[str, str]:
    """The same with every key as Textual names it: ``?`` is question_mark."""
    return {name: ",".join(split(text)) for name, text in keys.items()}


def split(text: str) -> list[str]:
    """The keys of a comma-separated list."""
    return [
        _character_to_key(k) if len(k) == 1 else k for k in (part.strip() for part in text.split(",")) if k
    ]


def troubles(keys: Mapping[str, str], commands: Iterable[Placed]) -> list[str]:
    """What is wrong with changed keys, a sentence each: ids and keys that are not there, and clashes."""
    placed = list(commands)
    known = {command.id: command for _, command in placed}
    told: list[str] = []
    for name, text in keys.items():
        if name not in known:
            near = difflib.get_close_matches(name, known, 1)
            hint = f" Is it {near[0]}?" if near else " ko-tui config --keys lists them."
            told.append(f"[keys] names {name!r}, which is no command.{hint}")
        for key in split(text):
            if not _is_key(key):
                told.append(f"[keys] gives {name} the key {key!r}, which no keyboard sends.")
            elif key in TAKEN:
                told.append(f"[keys] gives {name} the key {key}, which belongs to {TAKEN[key]}.")
    moved = {name: split(text) for name, text in keys.items() if name in known}
    return [*told, *dict.fromkeys(_clashes(moved, placed))]


def _is_key(key: str) -> bool:
    base = key.rpartition("+")[2] or "+"
    if len(base) == 1 or base in _NAMED or (base[0] == "f" and base[1:].isdigit()):
        return True
    try:
        return bool(unicodedata.lookup(base.replace("_", " ").upper()))
    except KeyError:
        return False


def _clashes(moved: Mapping[str, list[str]], placed: list[Placed]) -> Iterator[str]:
    for place, command in placed:
        for key in moved.get(command.id, ()):
            for other_place, other in placed:
                if other.id == command.id or not _meet(place, other_place):
                    continue
                if key in moved.get(other.id, split(other.key)):
                    yield _said(key, command, place, other, other_place, both=other.id in moved)


def _meet(place: str, other: str) -> bool:
    return place == other or EVERYWHERE in (place, other) or LISTS in (place, other)


def _said(key: str, command: Command, place: str, other: Command, other_place: str, *, both: bool) -> str:
    first, second = sorted((command.id, other.id))
    if other_place == LISTS and place != LISTS:
        return f"The key {key} moves in lists ({other.id}): there {command.id} is not reached by it."
    if place == LISTS and other_place != LISTS:
        return f"The key {key} is {command.id} in lists now: there {other.id} is not reached by it."
    if both:
        return f"The key {key} was given to {first} and to {second}: only one of them is obeyed."
    return f"The key {key} is {command.id} now; {other.id} gave way. See [keys] in the configuration file."

"""Esc and a key that follows at once are two keys.

A terminal sends Alt with a key as Esc and that key, and tmux waits half a second for it: whoever types Esc and goes on
would be taken to hold Alt. Textual then gives Alt with a letter, a macOS sign for a digit, and drops the Esc before
other keys. Here all of them become ``alt+KEY``, and what nobody has bound is Esc and that key.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from textual._xterm_parser import XTermParser
from textual.events import Key
from textual.screen import Screen
from textual.widgets import Input

ESC = "\x1b"
# Two characters that Textual's table makes another key of; Alt with tab and backspace stay what they are there.
READ_AGAIN = frozenset(ESC + second for second in "0123456789-=bf")
WORDS = {"alt+b": "ctrl+left", "alt+f": "ctrl+right"}  # in a field, as readline has them
_read = XTermParser._sequence_to_key_events


def _keys(parser: XTermParser, sequence: str, alt: bool = False) -> Iterable[Key]:
    if sequence in READ_AGAIN:
        alt, sequence = True, sequence[1]
    for key in _read(parser, sequence):
        yield Key(f"alt+{key.key}", key.character) if alt and key.key != "escape" else key


def install() -> None:
    """From now on terminals are read so."""
    XTermParser._sequence_to_key_events = _keys  # type: ignore[assignment, method-assign]


def meant(event: Key, screen: Screen[object]) -> Iterator[Key]:
    """The keys that a person pressed on this screen when the terminal gave ``event``."""
    if not event.key.startswith("alt+") or event.key in screen.active_bindings:
        yield event
        return
    in_field = isinstance(screen.focused, Input)
    if in_field and event.key in WORDS:
        keys = [Key(WORDS[event.key], None)]
    else:
        keys = [Key("escape", ESC), Key(event.key.removeprefix("alt+"), event.character)]
    for key in keys:
        key.set_sender(screen.app)
        yield key

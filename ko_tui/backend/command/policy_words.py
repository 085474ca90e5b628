"""Reading an argv as getopt(3) would, but accepting only exact spellings."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

MAX_WORDS = 512
MAX_LENGTH = 64 * 1024
COMMAND = re.compile(r"[a-z][a-z0-9_-]*(/[a-z0-9_-]+)*")


class Refused(Exception):
    """``unlock``: would ``--allow-write`` let it through?"""

    def __init__(self, reason: str, *, unlock: bool = True) -> None:
        super().__init__(reason)
        self.reason = reason
        self.unlock = unlock


@dataclass(frozen=True, slots=True)
class Parsed:
    """An argv that may run: with belts injected, and the commands found in it."""

    argv: tuple[str, ...]
    commands: tuple[str, ...]


def check_words(words: Sequence[str]) -> None:
    """What no argv may hold, whatever the tool."""
    if len(words) > MAX_WORDS or sum(len(w) for w in words) > MAX_LENGTH:
        raise Refused("The command line is too long.", unlock=False)
    for word in words:
        if not word:
            raise Refused("An argument is empty.", unlock=False)
        if any(not c.isprintable() for c in word):
            raise Refused(f"The argument {word!a} holds a control character.", unlock=False)


def options_first(
    words: Sequence[str], table: Mapping[str, str | None]
) -> tuple[list[tuple[str, str | None]], list[str]]:
    """The options up to the first other word, as (name, value), and what follows them."""
    found: list[tuple[str, str | None]] = []
    index = 0
    while index < len(words) and words[index].startswith("-"):
        name, value, used = _option(words, index, table)
        found.append((name, value))
        index += used
    return found, list(words[index:])


def options_anywhere(
    words: Sequence[str], table: Mapping[str, str | None]
) -> tuple[list[tuple[str, str | None]], list[str]]:
    """The options wherever they stand, and the other words in order."""
    found: list[tuple[str, str | None]] = []
    others: list[str] = []
    index = 0
    while index < len(words):
        if words[index].startswith("-"):
            name, value, used = _option(words, index, table)
            found.append((name, value))
            index += used
        else:
            others.append(words[index])
            index += 1
    return found, others


def _option(words: Sequence[str], index: int, table: Mapping[str, str | None]) -> tuple[str, str | None, int]:
    word = words[index]
    name, equals, value = word.partition("=") if word.startswith("--") else (word, "", "")
    if name not in table:
        whole = sorted(n for n in table if name.startswith("--") and len(name) > 3 and n.startswith(name))
        hint = f" Options are written out: {' or '.join(whole)}." if whole else ""
        raise Refused(f"The option {name} is not on the list.{hint}")
    pattern = table[name]
    if pattern is None:
        if equals:
            raise Refused(f"The option {name} may not have a value.")
        return name, None, 1
    if equals:
        used = 1
    elif pattern.startswith("|"):  # the value may be left out, and is never the next word
        return name, None, 1
    elif index + 1 < len(words):
        value, used = words[index + 1], 2
    else:
        raise Refused(f"The option {name} needs a value.", unlock=False)
    if re.fullmatch(pattern, value) is None:
        raise Refused(f"The value {value!r} of {name} is not allowed.")
    return name, value, used


def operands(words: Sequence[str], what: str) -> None:
    """No operand may look like an option."""
    for word in words:
        if word.startswith("-"):
            raise Refused(f"The argument {word!r} of {what} looks like an option.")


def operand(word: str, pattern: str, what: str, *, unlock: bool = False) -> None:
    """An operand must be a name of the given kind: anything else could be a remote, a path or an option."""
    if re.fullmatch(pattern, word) is None:
        raise Refused(f"{word!r} is not {what}.", unlock=unlock)

"""The options of tcpdump(8) as people type them after ``kubectl ko tcpdump POD``, put into ko-tui's own words.

They are read as getopt(3) reads them: clustered (``-nne``), glued to their value (``-c5``), before or after the filter.
What only changes how tcpdump prints has no effect here, or a counterpart; what reads or writes files, runs programs
or never ends is refused with the reason.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from ko_tui.backend.errors import PolicyRefusal, UsageError

# Always so here, or about tcpdump's own way of printing and buffering.
_ALREADY = frozenset("nlUpKNObfuHq#vS")
_ALREADY_LONG = frozenset(
    {
        "--packet-buffered",
        "--immediate-mode",
        "--no-promiscuous-mode",
        "--number",
        "--no-optimize",
        "--dont-verify-checksums",
        "--absolute-tcp-sequence-numbers",
    }
)
_FLAGS = {"e": "--macs", "x": "--hex", "X": "--hex", "A": "--hex", "h": "--help"}
_VALUES = {"c": "--count", "s": "--snaplen", "w": "--write", "i": "--interface", "Q": "--direction"}
TIMES = ("clock", "none", "epoch", "delta", "date", "since")
"""By how often ``-t`` is given, as tcpdump(8) counts them."""
_NEVER = {
    "z": "runs a program",
    "Z": "changes the user",
    "r": "reads a file there",
    "F": "reads a file there",
    "V": "reads a file there",
    "G": "writes files there",
    "C": "writes files there",
    "W": "writes files there",
}


@dataclass(frozen=True, slots=True)
class Read:
    """``words`` for ko-tui's own parser; ``own_way`` are options that tcpdump would print by, and ko-tui does not."""

    words: tuple[str, ...]
    own_way: tuple[str, ...] = ()


def read_words(given: Sequence[str]) -> Read:
    """Raises PolicyRefusal or UsageError for what cannot be."""
    words: list[str] = []
    own_way: list[str] = []
    stamps = 0
    index = 0
    while index < len(given):
        word = given[index]
        index += 1
        if word == "--":
            words += [word, *given[index:]]
            break
        if word in _ALREADY_LONG:
            continue
        if not word.startswith("-") or word.startswith("--") or word == "-":
            words.append(word)
            continue
        letters = word[1:]
        while letters:
            letter, letters = letters[0], letters[1:]
            if letter == "t":
                stamps += 1
            elif letter in _VALUES:
                if not letters:
                    if index == len(given):
                        raise UsageError(f"-{letter} needs a value.", "See ko-tui tcpdump --help.")
                    letters, index = given[index], index + 1
                words.append(f"{_VALUES[letter]}={letters}")
                break
            elif letter in _FLAGS:
                words.append(_FLAGS[letter])
            elif letter in _NEVER:
                raise PolicyRefusal(
                    f"tcpdump -{letter} {_NEVER[letter]}; ko-tui is read-only and passes it on in no mode.",
                    "-w FILE writes a file here, -w - to a pipe.",
                )
            elif letter not in _ALREADY:
                raise UsageError(
                    f"tcpdump's option -{letter} is not taken here.",
                    "See ko-tui tcpdump --help; -w - gives the packets to a tcpdump of your own.",
                )
            if letter in "vS" and f"-{letter}" not in own_way:
                own_way.append(f"-{letter}")
    if stamps >= len(TIMES):
        raise UsageError("-t may be given five times at most.", "See ko-tui tcpdump --help.")
    if stamps:
        words.insert(0, f"--time={TIMES[stamps]}")
    return Read(tuple(words), tuple(own_way))

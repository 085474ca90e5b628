"""What a person types behind ``/``: a regular expression, ``!`` in front to turn it round."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass

_SPECIAL = frozenset("\\.^$*+?{}[]|()")


@dataclass(frozen=True, slots=True)
class Filter:
    """``text`` as typed. Lower case matches both cases; a capital letter makes it exact.

    What is no valid expression is taken literally (``problem`` says so).
    """

    text: str
    inverted: bool = False
    words: str = ""
    literal: bool = True
    problem: str = ""

    @property
    def pattern(self) -> re.Pattern[str] | None:
        """For showing where it matches; None when empty or inverted."""
        if not self.words or self.inverted:
            return None
        return self._compiled()

    def _compiled(self) -> re.Pattern[str]:
        flags = re.IGNORECASE if self.words == self.words.lower() else re.NOFLAG
        return re.compile(re.escape(self.words) if self.literal else self.words, flags)

    @property
    def test(self) -> Callable[[str], object] | None:
        """Whether it lets a text through; None when it is empty."""
        if not self.words:
            return None
        search = self._compiled().search
        return (lambda text: not search(text)) if self.inverted else search

    def keep(self, haystack: Sequence[str], among: Sequence[int] | None = None) -> list[int]:
        """The indexes of the texts that it lets through, looking only at ``among`` when given."""
        indexes = range(len(haystack)) if among is None else among
        if not self.words:
            return list(indexes)
        if self.literal and self.words == self.words.lower():
            needle = self.words
            if self.inverted:
                return [i for i in indexes if needle not in haystack[i].lower()]
            return [i for i in indexes if needle in haystack[i].lower()]
        search = self._compiled().search
        if self.inverted:
            return [i for i in indexes if not search(haystack[i])]
        return [i for i in indexes if search(haystack[i])]

    def narrows(self, older: Filter) -> bool:
        """True when whatever this lets through, ``older`` let through too."""
        return (
            self.literal
            and older.literal
            and not self.inverted
            and not older.inverted
            and bool(older.words)
            and self.words.startswith(older.words)
            and (self.words == self.words.lower()) == (older.words == older.words.lower())
        )


def read_filter(text: str) -> Filter:
    """What was typed, without the slash."""
    inverted = text.startswith("!")
    words = text[1:] if inverted else text
    literal = _SPECIAL.isdisjoint(words)
    problem = ""
    if not literal:
        try:
            re.compile(words)
        except re.error as error:
            literal, problem = True, f"{error}; taken as plain text"
    return Filter(text, inverted, words, literal, problem)


ALL = Filter("")

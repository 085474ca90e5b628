"""The lines that match what was typed behind ``/``, looked for a slice at a time: keys are answered meanwhile."""

from __future__ import annotations

import time
from bisect import bisect_left, bisect_right
from collections.abc import Callable, Iterator
from itertools import chain

SLICE_SECONDS = 0.02
_BETWEEN_LOOKS_AT_THE_CLOCK = 1024


class Finding:
    """Looks through ``count`` lines, from the line ``start`` on and round the end.

    ``plain`` gives the text of a line, ``test`` whether it is one of those that are looked for.
    """

    def __init__(
        self, test: Callable[[str], object], plain: Callable[[int], str], count: int, start: int = 0
    ) -> None:
        self.test = test
        self.plain = plain
        self.count = count
        self.start = max(0, min(start, count - 1))
        self.looked = 0  # lines so far
        self.hits: list[int] = []  # in the order they were found; in their own once all were looked at

    @property
    def done(self) -> bool:
        return self.looked >= self.count

    def look(self, seconds: float = SLICE_SECONDS) -> bool:
        """Go on for about ``seconds``; True when every line was looked at."""
        end = time.perf_counter() + seconds
        test, plain, hits = self.test, self.plain, self.hits
        while not self.done:
            first = self.looked
            last = min(first + _BETWEEN_LOOKS_AT_THE_CLOCK, self.count)
            for step in range(first, last):
                index = (self.start + step) % self.count
                if test(plain(index)):
                    hits.append(index)
            self.looked = last
            if last == self.count:
                hits.sort()
            elif time.perf_counter() >= end:
                break
        return self.done

    def beside(self, index: int, step: int) -> Iterator[int]:
        """The hits in the order in which ``step`` (1 or -1) meets them from ``index``, which comes last. When done."""
        cut = bisect_right(self.hits, index) if step > 0 else bisect_left(self.hits, index)
        after, before = range(cut, len(self.hits)), range(cut)
        order = chain(after, before) if step > 0 else chain(reversed(before), reversed(after))
        return (self.hits[i] for i in order)

    def from_start(self) -> Iterator[int]:
        """The hits so far, in the order in which they are met from the line where it started."""
        return self.beside(self.start - 1, 1) if self.done else iter(self.hits)

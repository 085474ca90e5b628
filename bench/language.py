"""Matches and actions parsed per second: at first sight, and when their like was seen before.

The matches are those of a recorded cluster, repeated for many clusters with names and addresses of their own; half of
them hold none, as in a real cluster, and stay the same. Processor time, so that a busy machine does not change the
ratios.

A match seen before costs a look-up. For one with new constants the goal of 20 is out of reach of Python, not of the
shape: the 16 us of a first parse would leave 0.8 us. To cut such a match into its three to five pieces, find each
in a table and make the outer And takes 0.7 us; each new constant is then cut out, decoded, checked against the width of
its field and kept, at 0.8 to 1.2 us, and there is nearly one in each match. To put either off until somebody looks
would save little, since a constant that does not fit must be refused at once, and would make every later look dearer.
"""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Sequence
from pathlib import Path

from ko_tui.backend.ovn import actions, expression
from ko_tui.backend.ovn.expression.cached import CachedParser
from ko_tui.backend.ovn.symbols import table

FLOWS = Path(__file__).parent.parent / "tests" / "fixtures" / "language" / "flows-25.03.tsv"
CLUSTERS = 60
SPEEDUP = 20.0


def _rows() -> list[tuple[str, str]]:
    rows = (line.split("\t") for line in FLOWS.read_text().splitlines())
    return [(match, action) for _, _, match, action in rows]


def _renamed(match: str, cluster: int) -> str:
    match = re.sub(r'"[^"]*"', lambda found: f'{found[0][:-1]}-{cluster}"', match)
    return re.sub(
        r"\b(\d+)\.\d+\.(\d+\.\d+)\b", lambda found: f"{found[1]}.{cluster % 256}.{found[2]}", match
    )


def _per_second(read: Callable[[str], object], texts: Sequence[str]) -> float:
    start = time.process_time()
    for text in texts:
        read(text)
    return len(texts) / max(time.process_time() - start, 1e-9)


def _report(name: str, value: float, goal: float | None = None) -> None:
    verdict = "ok" if goal is None or value >= goal else "short"
    print(f"{name} {value:.1f} {'-' if goal is None else f'>={goal:g}'} {verdict}", flush=True)


def main() -> None:
    """Print every figure of the language: ``name value goal ok|short``."""
    rows = _rows()
    recorded = sorted({match for match, _ in rows})
    symbols = table("25.03")
    others = [_renamed(match, cluster) for cluster in range(1, CLUSTERS) for match in recorded]
    parser = CachedParser(symbols)
    for match in recorded:
        parser.parse(match)
    first = _per_second(expression.parse, others)
    seen = _per_second(parser.parse, others)
    _report("matches_first_per_second", first)
    _report("matches_seen_shape_per_second", seen)
    _report("matches_seen_shape_speedup", seen / first, SPEEDUP)

    known = set(recorded)
    fresh = [match for match in dict.fromkeys(others) if match not in known]
    parser = CachedParser(symbols)
    for match in recorded:
        parser.parse(match)
    first_fresh = _per_second(expression.parse, fresh)
    _report("matches_new_constants_speedup", _per_second(parser.parse, fresh) / first_fresh)

    again = CachedParser(symbols)
    for match in recorded * 3:
        again.parse(match)
    repeated = recorded * CLUSTERS
    _report("matches_seen_text_speedup", _per_second(again.parse, repeated) / first, SPEEDUP)

    lists = sorted({action for _, action in rows}) * 10
    _report("action_lists_per_second", _per_second(lambda text: actions.parse(text, strict=False), lists))


if __name__ == "__main__":
    main()

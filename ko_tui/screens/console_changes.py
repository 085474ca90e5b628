"""What is different between two outputs of the same command: the words, not the whole lines around them."""

from __future__ import annotations

import re
from collections import defaultdict, deque
from collections.abc import Iterator, Sequence

from ko_tui.widgets.glyphs import glyphs
from ko_tui.widgets.tones import Line, Piece

# Clocks run in every line of a dump; they are no news (ovs-ofctl(8), ovs-dpctl(8)).
_CLOCK = re.compile(
    r"\b(?:duration|idle_age|hard_age|used|timeout|xid)[=:]\s?[\w.]+|last \w+ [\d.]+ ?m?s ago|Elections? .* ago"
)
_NUMBER = re.compile(r"\d[\d.:a-fx]*")
_BETWEEN = " ,;{}()[]"
_LABEL = re.compile(r"^\s*[\w-]+\s+: ")
_WORD = re.compile(r"[ ,;{}()\[\]]+|[^ ,;{}()\[\]]+")


def differences(before: Sequence[str], now: Sequence[str]) -> tuple[list[Line], int, int]:
    """``now`` as lines whose changed words are marked, how many lines are new or changed, and how many are gone."""
    g = glyphs()
    exact: dict[str, int] = defaultdict(int)
    for text in before:
        exact[_quiet(text)] += 1
    # Lines that are as they were answer for themselves; only the others are compared with each other.
    same = []
    for text in now:
        quiet = _quiet(text)
        same.append(exact[quiet] > 0)
        exact[quiet] -= exact[quiet] > 0
    left: dict[str, deque[str]] = defaultdict(deque)
    labelled: dict[str, deque[str]] = defaultdict(deque)
    for text in before:
        quiet = _quiet(text)
        if exact[quiet] > 0:
            exact[quiet] -= 1
            left[_shape(text)].append(text)
            labelled[_label(text)].append(text)
    lines: list[Line] = []
    changed = 0
    for text, kept in zip(now, same, strict=True):
        if kept:
            lines.append([("  ", ""), (text, "")])
            continue
        changed += 1
        older = _taken(left[_shape(text)], labelled, left) or (
            _taken(labelled[_label(text)], labelled, left) if _label(text) else ""
        )
        if older:
            lines.append([(f"{g.changed} ", "change"), *_marked(older, text)])
        else:
            lines.append([("+ ", "change"), (text, "change")])
    return lines, changed, sum(len(rest) for rest in left.values())


def _taken(candidates: deque[str], *pools: dict[str, deque[str]]) -> str:
    """The first of the candidates, which nobody else may have then; "" when there is none."""
    if not candidates:
        return ""
    text = candidates[0]
    for pool, key in zip(pools, (_label(text), _shape(text)), strict=True):
        pool[key].remove(text)
    return text


def _label(text: str) -> str:
    """``options : ...``: a row of a table is known by its column."""
    found = _LABEL.match(text)
    return found[0] if found is not None else ""


def _quiet(text: str) -> str:
    return _CLOCK.sub("", text)


def _shape(text: str) -> str:
    """Lines of the same shape differ in numbers alone."""
    return _NUMBER.sub("#", _quiet(text))


def _marked(before: str, now: str) -> Iterator[Piece]:
    older = _WORD.findall(before)
    newer = _WORD.findall(now)
    for number, word in enumerate(newer):
        changed = word[0] not in _BETWEEN and (number >= len(older) or older[number] != word)
        yield word, "change" if changed and not _CLOCK.fullmatch(word) else ""

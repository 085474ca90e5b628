"""Label and field selectors as the API server takes them, applied to objects at hand.

Facts: Kubernetes documentation, "Labels and Selectors" and "Field Selectors".
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any

import msgspec

from ko_tui.backend.errors import UsageError
from ko_tui.backend.source.objects import KubeObject

_SET = re.compile(r"(\S+)\s+(in|notin)\s+\(([^)]*)\)")
_EQUALITY = re.compile(r"(\S+?)\s*(==|=|!=)\s*(\S*)")

Test = Callable[[KubeObject], bool]


def label_test(selector: str) -> Test:
    """A test for ``app=x,tier in (a,b),!old``. Raises UsageError when the selector cannot be read."""
    tests = [_label_requirement(part) for part in _parts(selector)]
    return lambda item: all(test(item.labels) for test in tests)


def field_test(selector: str) -> Test:
    """A test for ``spec.nodeName=n1,status.phase!=Running``. Raises UsageError likewise."""
    wanted: list[tuple[list[str], str, str]] = []
    for part in _parts(selector):
        found = _EQUALITY.fullmatch(part)
        if found is None:
            raise UsageError(f"{part!r} is no field selector.")
        wanted.append((found[1].split("."), found[2], found[3]))

    def test(item: KubeObject) -> bool:
        if not wanted:
            return True
        tree = msgspec.to_builtins(item)
        return all((_field(tree, path) == value) is (op != "!=") for path, op, value in wanted)

    return test


def _field(tree: Any, path: list[str]) -> str:
    for name in path:
        tree = tree.get(name) if isinstance(tree, dict) else None
    return "" if tree is None else str(tree)


def _parts(selector: str) -> list[str]:
    """The requirements: commas within parentheses do not part them."""
    return [p.strip() for p in re.split(r",(?![^(]*\))", selector) if p.strip()]


def _label_requirement(text: str) -> Callable[[Mapping[str, str]], bool]:
    found = _SET.fullmatch(text)
    if found:
        name, inside = found[1], found[2] == "in"
        values = {v.strip() for v in found[3].split(",")}
        if inside:
            return lambda labels: labels.get(name) in values
        return lambda labels: labels.get(name) not in values
    found = _EQUALITY.fullmatch(text)
    if found:
        name, equal, value = found[1], found[2] != "!=", found[3]
        return lambda labels: (labels.get(name) == value) is equal
    if re.fullmatch(r"!?[\w./-]+", text):
        name, present = text.lstrip("!"), not text.startswith("!")
        return lambda labels: (name in labels) is present
    raise UsageError(f"{text!r} is no label selector.")

"""Label and field selectors (k8s.io/apimachinery labels and fields packages)."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping

from tests.lab.api.kinds import Kind
from tests.lab.api.status import ApiError

Test = Callable[[Mapping[str, str]], bool]
_SET = re.compile(r"^\s*([^\s!=,()]+)\s+(in|notin)\s*\(([^)]*)\)\s*$")
_EQUAL = re.compile(r"^\s*([^\s!=,()]+)\s*(==|=|!=)\s*([^\s,()]*)\s*$")
_EXISTS = re.compile(r"^\s*(!?)\s*([^\s!=,()]+)\s*$")


def _split(text: str) -> list[str]:
    """By commas that stand outside parentheses."""
    return [part for part in re.split(r",(?![^(]*\))", text) if part.strip()]


def labels(text: str) -> Test:
    """The test that a label selector stands for; ApiError 400 when it cannot be read."""
    return _all([_label(part) for part in _split(text)])


def _label(part: str) -> Test:
    if found := _SET.match(part):
        key, how, listed = found.groups()
        values = {v.strip() for v in listed.split(",")}
        if how == "in":
            return lambda have: have.get(key) in values
        return lambda have: have.get(key) not in values
    if found := _EQUAL.match(part):
        key, how, value = found.groups()
        if how == "!=":
            return lambda have: have.get(key) != value
        return lambda have: have.get(key) == value
    if found := _EXISTS.match(part):
        absent, key = found.groups()
        return (lambda have: key not in have) if absent else (lambda have: key in have)
    raise ApiError(400, f"unable to parse requirement: found '{part}', expected: a label selector")


def fields(text: str, kind: Kind) -> Test:
    """The test that a field selector stands for; fields that the kind does not offer are refused as 400."""
    tests: list[Test] = []
    for part in _split(text):
        found = _EQUAL.match(part)
        if not found:
            raise ApiError(400, f"invalid selector: '{part}'; can't understand '{part}'")
        key, how, value = found.groups()
        if key not in kind.fields:
            raise ApiError(
                400,
                f'Unable to find "{kind.api_version}, Resource={kind.plural}" that match label selector "", '
                f'field selector "{text}": field label not supported: {key}',
            )
        tests.append(_field(key, how == "!=", value))
    return _all(tests)


def _field(key: str, unequal: bool, value: str) -> Test:
    return lambda have: (have.get(key, "") == value) is not unequal


def _all(tests: list[Test]) -> Test:
    if not tests:
        return lambda have: True
    return lambda have: all(test(have) for test in tests)

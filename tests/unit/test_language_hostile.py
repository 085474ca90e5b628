"""No text makes the parsers raise anything but their own errors, and no text is too long for them."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ko_tui.backend.ovn import actions, expression
from ko_tui.backend.ovn.lexer import tokenize
from ko_tui.backend.ovn.symbols import table
from ko_tui.backend.ovn.versions import KNOWN, OvnVersion
from tests.differential_language.generate import Generator
from tests.differential_language.samples import NOISE, TEMPLATES

MEGABYTE = 1 << 20
words = st.sampled_from([*NOISE, *table("26.03"), *TEMPLATES])
noisy = st.one_of(
    st.text(),
    st.lists(words, max_size=25).map(" ".join),
    st.lists(words, max_size=25).map("".join),
    st.lists(st.one_of(words, st.text(max_size=3)), max_size=20).map(" ".join),
)
versions = st.sampled_from(KNOWN)


@given(noisy, versions)
@settings(deadline=None, max_examples=400)
def test_matches_raise_only_their_own_error(text: str, version: OvnVersion) -> None:
    try:
        tree = expression.parse(text, version=version)
    except expression.ExpressionError as error:
        assert 0 <= error.offset <= len(text)
        with pytest.raises(expression.ExpressionError) as caught:
            expression.parse_cached(text, version=version)
        assert str(caught.value) == str(error)
        return
    assert expression.parse(str(tree), version=version) == tree
    assert expression.parse_cached(text, version=version) == tree


@given(noisy, versions, st.integers(0, 40), st.sampled_from(["ingress", "egress"]))
@settings(deadline=None, max_examples=400)
def test_actions_raise_only_their_own_error(
    text: str, version: OvnVersion, at: int, pipeline: actions.Pipeline
) -> None:
    lenient = actions.parse(text, version=version, pipeline=pipeline, table=at, strict=False)
    assert lenient
    actions.to_text(lenient)
    try:
        made = actions.parse(text, version=version, pipeline=pipeline, table=at)
    except actions.ActionError as error:
        assert 0 <= error.offset <= len(text)
        return
    assert lenient == made
    assert actions.parse(actions.to_text(made), version=version, pipeline=pipeline, table=at) == made


@pytest.mark.parametrize("seed", range(3))
def test_generated_texts_come_back(seed: int) -> None:
    generator = Generator(seed + 100, "25.03")
    good = 0
    for _ in range(1500):
        match, action = generator.match(), generator.actions()
        try:
            tree = expression.parse(match)
        except expression.ExpressionError:
            with pytest.raises(expression.ExpressionError):
                expression.parse_cached(match)
        else:
            good += 1
            assert expression.parse(str(tree)) == tree
            assert expression.parse_cached(match) == tree
        try:
            made = actions.parse(action)
        except actions.ActionError:
            assert actions.parse(action, strict=False)
        else:
            assert actions.parse(actions.to_text(made)) == made
            assert actions.parse(action, strict=False) == made
    assert good > 300


LONG = {
    "spaces": " ",
    "parentheses": "(",
    "bangs": "!",
    "braces": "{",
    "terms": "ip4 && ",
    "or": "reg0[0] || ",
    "set": "reg0 == {1, ",
    "quotes": '"',
    "escapes": '"\\u0041',
    "backslashes": "\\",
    "hex": "a",
    "digits": "9",
    "colons": ":",
    "dots": "1.",
    "slashes": "1/",
    "comments": "/*",
    "line": "//",
    "clone": "clone { ",
    "closed": "clone { }; ",
    "log": 'log(name="x",',
    "backends": "ct_lb(backends=1.2.3.4,",
    "semicolons": ";",
    "unknown": "what(ever); ",
    "assignments": "reg0 = 1; ",
    "groups": "(ip4 || ip6) && ",
    "mixed": "(ip4 && ",
    "nul": "\0",
    "wide": "汉",
}


@pytest.mark.parametrize("name", LONG)
def test_a_megabyte_is_read(name: str) -> None:
    piece = LONG[name]
    text = piece * (MEGABYTE // len(piece))
    tokenize(text)
    for read in (expression.parse, expression.parse_cached):
        try:
            read(text)
        except expression.ExpressionError as error:
            assert 0 <= error.offset <= len(text)
    try:
        actions.parse(text)
    except actions.ActionError as error:
        assert 0 <= error.offset <= len(text)
    assert actions.parse(text, strict=False)


def test_a_megabyte_is_parsed() -> None:
    ands = " && ".join(["reg0[0]"] * (MEGABYTE // 11))
    tree = expression.parse(ands)
    assert isinstance(tree, expression.And) and expression.parse_cached(ands) == tree
    assert str(tree) == ands
    listed = (
        "ip4.src == {"
        + ", ".join(f"10.{i >> 16}.{i >> 8 & 255}.{i & 255}" for i in range(MEGABYTE // 14))
        + "}"
    )
    assert str(expression.parse(listed)) == listed
    assert expression.parse_cached(listed) == expression.parse(listed)
    made = actions.parse("reg0 = 1; " * (MEGABYTE // 10))
    assert len(made) == MEGABYTE // 10

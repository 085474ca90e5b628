"""The Pygments lexers: every recorded text is coloured whole, without an error token."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pygments.lexers import get_lexer_by_name
from pygments.token import Error, Generic, Keyword, Name, Token

from ko_tui.lexers import OpenFlowLexer, OvnActionLexer, OvnFlowLexer, OvnMatchLexer, OvnTraceLexer
from tests.unit.explain_fixtures import FIXTURES, VERSIONS, lflow_lists, openflow, traces

LEXERS = [OvnMatchLexer, OvnActionLexer, OvnFlowLexer, OvnTraceLexer, OpenFlowLexer]


def coloured(lexer, text):
    tokens = list(lexer().get_tokens(text))
    assert not [value for kind, value in tokens if kind is Error]
    assert "".join(value for _, value in tokens).strip("\n") == text.strip("\n")
    return tokens


def share_of_text(tokens):
    plain = sum(len(value.strip()) for kind, value in tokens if kind in (Token.Text, Token.Error))
    return plain / max(1, sum(len(value.strip()) for _, value in tokens))


@pytest.mark.parametrize("version", ["22.03", "25.03"])
def test_matches_and_actions(version):
    for line in (FIXTURES / "language" / f"flows-{version}.tsv").read_text().splitlines():
        _, _, match, actions = line.split("\t")
        assert share_of_text(coloured(OvnMatchLexer, match)) == 0, match
        assert share_of_text(coloured(OvnActionLexer, actions)) < 0.05, actions


@pytest.mark.parametrize("version", VERSIONS)
def test_traces(version):
    for name in sorted(traces(version))[::8]:
        tokens = coloured(OvnTraceLexer, traces(version)[name])
        assert share_of_text(tokens) < 0.1, name


@pytest.mark.parametrize("name", sorted(lflow_lists()))
def test_flows(name):
    text = "\n".join(lflow_lists()[name].splitlines()[:200])
    assert share_of_text(coloured(OvnFlowLexer, text)) < 0.1


@pytest.mark.parametrize("name", sorted(openflow()))
def test_openflow(name):
    assert share_of_text(coloured(OpenFlowLexer, openflow()[name][:20000])) < 0.05


def test_parts_have_their_kinds():
    kinds = {
        value: kind
        for kind, value in coloured(OvnMatchLexer, 'ip4 && reg0[3] == 1 && inport == "a" && ct.new')
    }
    assert kinds["ip4"] in Keyword.Type
    assert kinds["reg0"] in Name.Attribute
    assert kinds["ct.new"] in Name.Decorator
    assert kinds["inport"] in Name.Builtin
    actions = {
        value: kind for kind, value in coloured(OvnActionLexer, "ct_lb_mark(backends=10.0.0.1:80); drop;")
    }
    assert actions["drop"] in Generic.Deleted
    assert actions["ct_lb_mark"] in Name.Function


@pytest.mark.parametrize("lexer", LEXERS)
def test_each_is_found_by_its_name(lexer):
    assert isinstance(get_lexer_by_name(lexer.aliases[0]), lexer)


@settings(max_examples=100, deadline=None)
@given(st.sampled_from(LEXERS), st.text(max_size=200))
def test_any_text_is_coloured(lexer, text):
    assert not [value for kind, value in lexer().get_tokens(text) if kind is Error]

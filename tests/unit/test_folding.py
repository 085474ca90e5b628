"""Folded lines lose nothing, keep their tones, and fit."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len

from ko_tui.widgets.folding import fold, folded
from ko_tui.widgets.tones import Line, plain

WORDS = st.text(alphabet="ab [/]中文ש=…", max_size=60)
LINES = st.lists(st.tuples(WORDS, st.sampled_from(["", "bad", "dim"])), max_size=6)


@given(LINES, st.integers(min_value=4, max_value=90))
def test_rows_fit_and_no_letter_is_lost(line: Line, width: int) -> None:
    rows = fold(line, width)
    assert all(cell_len(plain(row)) <= width for row in rows)
    assert "".join(plain(row) for row in rows).replace(" ", "") == plain(line).replace(" ", "")


def test_words_stay_whole_and_rows_stand_below_their_column() -> None:
    line: Line = [("  nbctl show  ", "name"), ("the northbound database at its leader", "")]
    assert [plain(row).rstrip() for row in fold(line, 36)] == [
        "  nbctl show  the northbound",
        "              database at its leader",
    ]


def test_a_word_of_several_tones_is_not_parted() -> None:
    line: Line = [("it was ", ""), ("refused", "bad"), (". Why", "")]
    assert [plain(row).rstrip() for row in fold(line, 14)] == ["it was", "  refused. Why"]


@pytest.mark.parametrize("width", [10, 25, 60])
def test_a_long_name_is_cut_hard_instead_of_lost(width: int) -> None:
    rows = fold([("x" * 300, "bad")], width)
    assert "".join(plain(row) for row in rows).replace(" ", "") == "x" * 300
    assert len(rows) <= 300 // (width - 2) + 2


def test_without_a_width_nothing_changes() -> None:
    lines: list[Line] = [[("a" * 50, "")]]
    assert folded(lines, 0) == lines

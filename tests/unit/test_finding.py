"""Looking for lines in slices finds what looking at all of them finds, in the order in which n and N go."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from ko_tui.widgets.finding import Finding
from ko_tui.widgets.patterns import read_filter

LINES = st.lists(st.text("ab[*", max_size=3), min_size=1, max_size=60)


def _finding(lines: list[str], text: str, start: int = 0) -> Finding:
    test = read_filter(text).test
    assert test is not None
    return Finding(test, lines.__getitem__, len(lines), start)


@given(lines=LINES, text=st.sampled_from(["a", "!a", "a.", "[", "!["]), data=st.data())
def test_the_next_and_the_one_before(lines: list[str], text: str, data: st.DataObject) -> None:
    start = data.draw(st.integers(0, len(lines) - 1))
    finding = _finding(lines, text, start)
    assert finding.look()
    wanted = read_filter(text).keep(lines)
    assert finding.hits == wanted
    for step in (1, -1):
        around = [(start + step * distance) % len(lines) for distance in range(1, len(lines) + 1)]
        assert list(finding.beside(start, step)) == [i for i in around if i in wanted]
    round_the_end = [*range(start, len(lines)), *range(start)]
    assert list(finding.from_start()) == [i for i in round_the_end if i in wanted]


def test_a_slice_is_a_part_and_says_so() -> None:
    lines = ["one", "two"] * 5000
    finding = _finding(lines, "two", 9000)
    slices = 0
    while not finding.look(seconds=0):
        slices += 1
        assert next(finding.from_start()) == 9001
        assert 0 < len(finding.hits) < 5000
    assert slices > 5
    assert finding.hits == list(range(1, 10000, 2))

"""Checking matches and actions from the command line."""

from __future__ import annotations

import io
import json

from ko_tui.cli.language_check import check_action_lines, check_match_lines, check_one


def test_one_object_a_line() -> None:
    out = io.StringIO()
    good = check_match_lines(io.StringIO("ip4&&tcp\n\nip4.src == 1.2.3\nct.trk"), out, "25.03")
    answers = [json.loads(line) for line in out.getvalue().splitlines()]
    assert not good
    assert [set(answer) for answer in answers] == [{"ok", "canonical", "error", "offset"}] * 4
    assert [answer["ok"] for answer in answers] == [True, False, False, True]
    assert answers[0] == {"ok": True, "canonical": "ip4 && tcp", "error": None, "offset": None}
    assert answers[2]["offset"] == 11 and answers[2]["error"]


def test_actions_by_line() -> None:
    out = io.StringIO()
    assert check_action_lines(["next;\n", "\n", "reg0=1;output;\r\n"], out, "25.03")
    assert [json.loads(line)["canonical"] for line in out.getvalue().splitlines()] == [
        "next;",
        "drop;",
        "reg0 = 1; output;",
    ]
    out = io.StringIO()
    assert not check_action_lines(["mac_cache_use;"], out, "22.03")
    assert json.loads(out.getvalue())["offset"] == 0


def test_each_line_is_answered_before_the_next_is_read() -> None:
    out = io.StringIO()
    seen = []

    def lines() -> object:
        for text in ("ip4", "ip6"):
            seen.append(out.getvalue().count("\n"))
            yield text + "\n"

    check_match_lines(lines(), out)  # type: ignore[arg-type]
    assert seen == [0, 1]


def test_one_text() -> None:
    out, errors = io.StringIO(), io.StringIO()
    assert check_one("match", "eth.src[40]", out, errors) == 0
    assert (out.getvalue(), errors.getvalue()) == ("eth.src[40]\n", "")
    assert check_one("match", "ip4 && tcp.dst == 70000", out, errors) == 2
    message, text, mark = errors.getvalue().splitlines()
    assert message.startswith("offset 18:")
    assert text[mark.index("^") :] == "70000"


def test_the_text_is_shown_harmlessly() -> None:
    out, errors = io.StringIO(), io.StringIO()
    assert check_one("action", "next; \x1b[31m" + "x" * 500, out, errors) == 2
    assert "\x1b" not in errors.getvalue()
    assert max(map(len, errors.getvalue().splitlines())) < 200


def test_json_for_one() -> None:
    out, errors = io.StringIO(), io.StringIO()
    assert check_one("action", "next(99);", out, errors, as_json=True) == 2
    assert json.loads(out.getvalue())["ok"] is False
    assert not errors.getvalue()

"""``ko-tui explain --match X --check`` and ``--action X --check``: is this text OVN's language, and if not, where.

For a person: one text, its canonical spelling or the place of the error. For programs: one text a line in, one
JSON object a line out, for any number of lines, each answered at once.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from typing import Literal, TextIO

from ko_tui.backend.ovn import actions, expression
from ko_tui.backend.ovn.lexer import LanguageError
from ko_tui.backend.ovn.versions import DEFAULT, OvnVersion
from ko_tui.cli.visible import visible

Kind = Literal["match", "action"]

_AROUND = 60
"""Characters shown before and after the place of an error."""


def check_match_lines(stream: Iterable[str], out: TextIO, version: OvnVersion = DEFAULT) -> bool:
    """Read one match a line, write ``{"ok", "canonical", "error", "offset"}`` a line; True when all were valid.

    ``offset`` counts characters from the line's start. A blank line is answered too: it is no valid match.
    """
    return _lines(stream, out, lambda text: str(expression.parse_cached(text, version=version)))


def check_action_lines(
    stream: Iterable[str],
    out: TextIO,
    version: OvnVersion = DEFAULT,
    *,
    pipeline: actions.Pipeline = "ingress",
    table: int = 0,
    tables: int | None = None,
) -> bool:
    """As ``check_match_lines`` for action lists. A blank line is a valid list: it drops the packet."""

    def canonical(text: str) -> str:
        return actions.to_text(
            actions.parse(text, version=version, pipeline=pipeline, table=table, tables=tables)
        )

    return _lines(stream, out, canonical)


def _lines(stream: Iterable[str], out: TextIO, canonical: Callable[[str], str]) -> bool:
    good = True
    for line in stream:
        answer = _answer(line.rstrip("\r\n"), canonical)
        good = good and answer["ok"] is True
        out.write(json.dumps(answer) + "\n")
        out.flush()
    return good


def _answer(text: str, canonical: Callable[[str], str]) -> dict[str, object]:
    try:
        return {"ok": True, "canonical": canonical(text), "error": None, "offset": None}
    except LanguageError as error:
        return {"ok": False, "canonical": None, "error": error.message, "offset": error.offset}


def check_one(
    kind: Kind,
    text: str,
    out: TextIO,
    errors: TextIO,
    version: OvnVersion = DEFAULT,
    *,
    as_json: bool = False,
    pipeline: actions.Pipeline = "ingress",
    table: int = 0,
    tables: int | None = None,
) -> int:
    """Check one text: its canonical spelling on ``out`` and 0, or what is wrong and where on ``errors`` and 2.

    With ``as_json`` the same object as for lines goes to ``out`` in both cases.
    """

    def canonical(given: str) -> str:
        if kind == "match":
            return str(expression.parse(given, version=version))
        return actions.to_text(
            actions.parse(given, version=version, pipeline=pipeline, table=table, tables=tables)
        )

    answer = _answer(text, canonical)
    if as_json:
        out.write(json.dumps(answer) + "\n")
    elif answer["ok"]:
        out.write(visible(str(answer["canonical"])) + "\n")
    else:
        errors.write(_place(text, str(answer["error"]), int(str(answer["offset"]))))
    return 0 if answer["ok"] else 2


def _place(text: str, message: str, offset: int) -> str:
    """The message, the text around the error, and a mark under the place."""
    start = max(0, offset - _AROUND)
    before = ("..." if start else "") + visible(text[start:offset])
    after = visible(text[offset : offset + _AROUND]) + ("..." if offset + _AROUND < len(text) else "")
    return f"offset {offset}: {visible(message)}\n  {before}{after}\n  {' ' * len(before)}^\n"

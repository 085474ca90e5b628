"""Signs and lines drawn on the screen, with an ASCII form for terminals that have no others."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import NamedTuple


class Glyphs(NamedTuple):
    """One-cell signs (``arrow`` and ``ellipsis`` may be wider in ASCII)."""

    ok: str = "✔"
    bad: str = "✖"
    warn: str = "▲"
    unknown: str = "?"
    changed: str = "∆"
    dot: str = "·"
    arrow: str = "→"
    crumb: str = "›"
    open: str = "▾"
    closed: str = "▸"
    bullet: str = "•"
    line: str = "─"
    down: str = "│"
    joint: str = "┬"
    corner: str = "└"
    tee: str = "├"
    box_tl: str = "┌"
    box_tr: str = "┐"
    box_bl: str = "└"
    box_br: str = "┘"
    heavy: str = "━"
    head: str = "▶"
    ellipsis: str = "…"
    spark: str = "▁▂▃▄▅▆▇█"


UNICODE = Glyphs()
ASCII = Glyphs(
    ok="+", bad="X", warn="!", unknown="?", changed="*", dot="-", arrow="->", crumb=">", open="v", closed=">",
    bullet="*", line="-", down="|", joint="+", corner="`", tee="|", box_tl="+", box_tr="+", box_bl="+", box_br="+",
    heavy="=", head=">", ellipsis="..", spark="_.-=+*#@",
)  # fmt: skip

_in_use = UNICODE


def glyphs() -> Glyphs:
    """The set in use."""
    return _in_use


def use_glyphs(wanted: str, environment: Mapping[str, str] | None = None) -> Glyphs:
    """Choose ``unicode``, ``ascii`` or ``auto``: by TERM and the locale."""
    global _in_use
    env = os.environ if environment is None else environment
    if wanted == "auto":
        wanted = "ascii" if _plain_terminal(env) else "unicode"
    _in_use = ASCII if wanted == "ascii" else UNICODE
    return _in_use


def _plain_terminal(env: Mapping[str, str]) -> bool:
    if env.get("TERM", "") in ("linux", "vt100", "vt102", "vt220", "dumb", "ansi"):
        return True
    locale = env.get("LC_ALL") or env.get("LC_CTYPE") or env.get("LANG") or ""
    return "utf" not in locale.lower()

"""Copying over SSH: the terminal is asked by OSC 52, and a file is written in any case.

No terminal says whether it obeyed, so what was done is told, never that it worked. Inside tmux the sequence is
wrapped (tmux(1), allow-passthrough) and also sent plain, which tmux takes itself when set-clipboard is on.
"""

from __future__ import annotations

import base64
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from ko_tui.backend.whole_file import replace_file
from ko_tui.history import state_path

OSC52_MOST = 74_994  # bytes of text: what common terminals take in one sequence once it is base64


@dataclass(frozen=True, slots=True)
class Copied:
    """``sequence`` is to be written to the terminal ("" for none); ``words`` tell the person what was done."""

    sequence: str
    words: str


def osc52(text: str, environment: Mapping[str, str] | None = None) -> str:
    """The sequence that asks the terminal to take ``text``, wrapped as tmux or screen need it."""
    env = os.environ if environment is None else environment
    encoded = base64.b64encode(text.encode("utf-8", "replace")).decode("ascii")
    plain = f"\x1b]52;c;{encoded}\x07"
    if env.get("TMUX"):
        return plain + "\x1bPtmux;" + plain.replace("\x1b", "\x1b\x1b") + "\x1b\\"
    if env.get("STY"):
        # screen takes short strings only: the sequence goes through in pieces.
        pieces = [plain[i : i + 250] for i in range(0, len(plain), 250)]
        return "".join(f"\x1bP{piece}\x1b\\" for piece in pieces)
    return plain


def copy(text: str, how: str = "auto", environment: Mapping[str, str] | None = None) -> Copied:
    """Keep ``text`` in the clip file and make the sequence for the terminal."""
    env = os.environ if environment is None else environment
    size = len(text.encode("utf-8", "replace"))
    kept = _keep(text)
    where = f"in {kept}" if kept else "in no file (the state directory cannot be written)"
    lines = text.count("\n") + (0 if text.endswith("\n") else 1)
    amount = f"{lines} lines" if lines > 1 else f"{len(text)} characters"
    if how == "file":
        return Copied("", f"Copied {amount}: {where}.")
    if size > OSC52_MOST:
        return Copied("", f"{amount} are too many for the terminal's clipboard; they are {where}.")
    route = "through tmux" if env.get("TMUX") else "through screen" if env.get("STY") else "by OSC 52"
    return Copied(osc52(text, env), f"Offered {amount} {route}; also {where}.")


def _keep(text: str) -> str:
    path = state_path() / "clip.txt"
    try:
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        replace_file(path, text.encode("utf-8", "replace"))
    except OSError:
        return ""
    return _short(path)


def _short(path: Path) -> str:
    home = Path.home()
    return f"~/{path.relative_to(home)}" if path.is_relative_to(home) else str(path)

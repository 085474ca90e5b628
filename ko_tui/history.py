"""What was typed before: traces and commands, one JSON object a line in the XDG state directory."""

from __future__ import annotations

import os
import time
from pathlib import Path
from typing import Any

from ko_tui.backend.whole_file import replace_file


def state_path() -> Path:
    """The directory of ko-tui's own state (KO_TUI_STATE, else XDG). It may not exist yet."""
    if named := os.environ.get("KO_TUI_STATE"):
        return Path(named)
    from platformdirs import user_state_path

    return user_state_path("ko-tui")


class History:
    """Lines of one kind, newest last, each once. A file that cannot be read or written is not an error:
    history is a comfort."""

    def __init__(self, name: str, *, most: int = 500, directory: Path | None = None) -> None:
        self._path = (directory or state_path()) / f"{name}.jsonl"
        self._most = most
        self._entries: list[dict[str, Any]] | None = None

    def lines(self) -> list[str]:
        """Oldest first."""
        return [str(entry["line"]) for entry in self._load()]

    def entries(self) -> list[dict[str, Any]]:
        """Whole entries (``line``, ``at`` in seconds, and what was added), oldest first."""
        return list(self._load())

    def add(self, line: str, **more: Any) -> None:
        """Remember a line; an older entry of the same line goes, but keeps its ``name``."""
        if not line.strip() or self._most <= 0:
            return
        entries = self._load()
        older = next((e for e in entries if e["line"] == line), {})
        if "name" in older:
            more.setdefault("name", older["name"])
        self._entries = [e for e in entries if e["line"] != line]
        self._entries.append({"line": line, "at": int(time.time()), **more})
        self._trim()
        self._write()

    def _trim(self) -> None:
        assert self._entries is not None
        named = [e for e in self._entries if e.get("name")]
        others = [e for e in self._entries if not e.get("name")]
        kept = {id(e) for e in (*named, *others[-self._most :])}
        self._entries = [e for e in self._entries if id(e) in kept]

    def _load(self) -> list[dict[str, Any]]:
        if self._entries is None:
            self._entries = []
            try:
                text = self._path.read_text(encoding="utf-8", errors="replace")
            except OSError:
                text = ""
            import json

            for line in text.splitlines():
                try:
                    entry = json.loads(line)
                except ValueError:
                    continue
                if isinstance(entry, dict) and isinstance(entry.get("line"), str):
                    self._entries.append(entry)
        return self._entries

    def _write(self) -> None:
        import json

        assert self._entries is not None
        try:
            self._path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            text = "".join(json.dumps(entry, ensure_ascii=False) + "\n" for entry in self._entries)
            replace_file(self._path, text.encode("utf-8", "replace"))
        except OSError:
            return


class Walk:
    """Up and down through older lines while one types, keeping what was typed."""

    def __init__(self, lines: list[str], typed: str) -> None:
        self._lines = [line for line in lines if line.startswith(typed)]
        self._typed = typed
        self._at = len(self._lines)

    def older(self) -> str:
        self._at = max(0, self._at - 1)
        return self._lines[self._at] if self._lines else self._typed

    def newer(self) -> str:
        self._at = min(len(self._lines), self._at + 1)
        return self._lines[self._at] if self._at < len(self._lines) else self._typed

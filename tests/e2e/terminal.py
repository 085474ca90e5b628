"""A real terminal: ko-tui in tmux, driven by keys, read from the screen."""

from __future__ import annotations

import os
import secrets
import shlex
import shutil
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

from tests.lab.places import until

PROGRAM = (sys.executable, "-m", "ko_tui")
ROOT = Path(__file__).parent.parent.parent


def why_unavailable() -> str:
    return "" if shutil.which("tmux") else "tmux is not installed"


class Terminal:
    """A tmux server of its own with one window; ends with everything in it."""

    def __init__(
        self,
        command: Sequence[str],
        directory: Path,
        *,
        width: int = 80,
        height: int = 24,
        environment: Mapping[str, str] | None = None,
    ) -> None:
        self._socket = f"ko-{secrets.token_hex(4)}"
        env = {
            **{k: v for k, v in os.environ.items() if not k.startswith(("TMUX", "KUBE", "XDG_"))},
            "TERM": "xterm-256color",
            "LANG": "C.UTF-8",
            "PYTHONPATH": str(ROOT),
            "XDG_STATE_HOME": str(directory / "state"),
            "XDG_CONFIG_HOME": str(directory / "config"),
            **(environment or {}),
        }
        # What the program leaves behind stays on the screen until the test has read it.
        line = f"{shlex.join(command)}; echo ended with status $?; exec sleep 600"
        subprocess.run(
            [
                *("tmux", "-L", self._socket, "-f", "/dev/null", "new-session", "-d"),
                *("-x", str(width), "-y", str(height), line),
            ],
            env=env,
            cwd=directory,
            check=True,
        )

    def __enter__(self) -> Terminal:
        return self

    def __exit__(self, *_: object) -> None:
        self._tmux("kill-server")

    def _tmux(self, *words: str) -> str:
        return subprocess.run(["tmux", "-L", self._socket, *words], capture_output=True, text=True).stdout

    def screen(self, *, colours: bool = False) -> str:
        """What is on the screen now."""
        return self._tmux("capture-pane", "-p", *(["-e"] if colours else []))

    def keys(self, *keys: str) -> None:
        """Press keys by tmux's names (``Enter``, ``Escape``, ``C-p``, ``t``)."""
        self._tmux("send-keys", *keys)

    def type(self, text: str) -> None:
        """Type text as it is."""
        self._tmux("send-keys", "-l", text)

    def resize(self, width: int, height: int) -> None:
        self._tmux("resize-window", "-x", str(width), "-y", str(height))

    def flag(self, name: str) -> str:
        """What tmux knows of the window, by the name of its format (``mouse_any_flag``)."""
        return self._tmux("display-message", "-p", f"#{{{name}}}").strip()

    def wait(self, *words: str, seconds: float = 30.0) -> str:
        """Wait until all ``words`` are on the screen together; gives the screen."""
        seen = ""

        def there() -> bool:
            nonlocal seen
            seen = self.screen()
            return all(word in seen for word in words)

        try:
            until(there, f"{words} on the screen", seconds, 0.05)
        except Exception as error:
            raise AssertionError(f"{words} did not come:\n{seen}") from error
        return seen

"""The command line's name for :mod:`ko_tui.visible`."""

from __future__ import annotations

from ko_tui.visible import visible

__all__ = ["visible"]

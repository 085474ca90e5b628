"""ko-tui's own colours: quiet greys, one accent, and the three colours of a verdict."""

from __future__ import annotations

from textual.theme import Theme

NIGHT = Theme(
    name="ko-night",
    primary="#7aa2d6",
    secondary="#8fbcbb",
    accent="#b3a1e0",
    success="#8fbf7f",
    warning="#e0b46c",
    error="#ec7a7a",
    foreground="#d6dae2",
    background="#14171d",
    surface="#191d24",
    panel="#222833",
    dark=True,
    variables={
        "ko-code": "#b9c4d6",
        "ko-bar": "#222833",
        "block-cursor-background": "#33475f",
        "block-cursor-foreground": "#ffffff",
        "block-cursor-text-style": "none",
        "border": "#3a4352",
        "border-blurred": "#2a3039",
        "input-selection-background": "#33475f",
        "scrollbar": "#3a4352",
        "scrollbar-background": "#191d24",
    },
)
DAY = Theme(
    name="ko-day",
    primary="#1f5f99",
    secondary="#1d6e6e",
    accent="#6a4fb0",
    success="#2e7d32",
    warning="#9a6200",
    error="#b3261e",
    foreground="#1c2025",
    background="#fbfbf9",
    surface="#f4f4f1",
    panel="#e7e7e2",
    dark=False,
    variables={
        "ko-code": "#33404f",
        "ko-bar": "#e7e7e2",
        "block-cursor-background": "#c9dcf0",
        "block-cursor-foreground": "#000000",
        "block-cursor-text-style": "none",
        "border": "#b9b9b2",
        "border-blurred": "#d2d2cb",
    },
)
THEMES = (NIGHT, DAY)

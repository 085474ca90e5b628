"""Which language the explanations are in."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal, get_args

Language = Literal["en", "zh"]
LANGUAGES: tuple[Language, ...] = get_args(Language)


def pick_language(flag: str | None, config: str | None, environ: Mapping[str, str]) -> Language:
    """The language to speak: the flag, else the configuration, else the locale, else English.

    A locale such as ``zh_CN.UTF-8`` counts by its first two letters; ``C`` and anything unknown is English.
    """
    candidates = [flag, config]
    candidates += [environ.get(name) for name in ("LC_ALL", "LC_MESSAGES", "LANG")]
    for text in candidates:
        if text:
            prefix = text.strip().lower()[:2]
            return next((language for language in LANGUAGES if language == prefix), "en")
    return "en"

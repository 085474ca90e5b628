"""The catalogue: what every stage, register, field, action and outcome means, as data in each language.

The texts are TOML files beside this module, one directory per language, read when first asked for. English is
complete; what another language lacks falls back to it. Keys are OVN's own names, so they are safe to look up
with text from a cluster: an unknown name yields None, never an error.
"""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any

from ko_tui.backend.explain.language import Language

SECTIONS = (
    "stages",
    "registers",
    "fields",
    "actions",
    "outcomes",
    "assumptions",
    "purposes",
    "oftables",
    "phrases",
    "why",
)


@dataclass(frozen=True, slots=True)
class StageText:
    """A stage in words; each part is a sentence or two."""

    name: str
    title: str
    decides: str
    reads: str
    sets: str
    kube_ovn: str
    trouble: str


@dataclass(frozen=True, slots=True)
class RegisterText:
    """A register field in words."""

    key: str
    title: str
    meaning: str
    set_by: str
    read_by: str


@dataclass(frozen=True, slots=True)
class FieldText:
    """A field or predicate. ``yes`` and ``no`` say that a one-bit field holds or not; empty for others."""

    name: str
    title: str
    meaning: str
    yes: str = ""
    no: str = ""


@dataclass(frozen=True, slots=True)
class ActionText:
    """An action by keyword."""

    name: str
    title: str
    meaning: str


class Catalogue:
    """All texts of one language. Get one by :func:`catalogue`."""

    def __init__(self, language: Language) -> None:
        self.language: Language = language

    def stage(self, name: str) -> StageText | None:
        """The stage ``name`` (``ls_in_acl_eval``), or None when no release has it."""
        entry = self._entry("stages", name)
        return StageText(name, **entry) if entry else None

    def purpose(self, stage: StageText) -> str:
        """A stage's texts as one paragraph, each part with its label."""
        parts = [stage.decides]
        for key in ("reads", "sets", "kube_ovn", "trouble"):
            parts.append(self.say(f"label.{key}", text=getattr(stage, key)))
        return self.say("join.sentence").join(parts)

    def register(self, key: str) -> RegisterText | None:
        """The register field by its key in ``registers.toml``."""
        entry = self._entry("registers", key)
        return RegisterText(key, **entry) if entry else None

    def field(self, name: str) -> FieldText | None:
        """A field, subfield or predicate by its exact name; numbered registers by their family."""
        entry = self._entry("fields", name)
        if entry is None and name.rstrip("0123456789") in ("reg", "xreg", "xxreg"):
            entry = self._entry("fields", name.rstrip("0123456789"))
        return FieldText(name, **entry) if entry else None

    def action(self, keyword: str) -> ActionText | None:
        """An action by its keyword (``ct_lb_mark``; ``assignment``, ``exchange`` and ``ip.ttl--`` for those)."""
        entry = self._entry("actions", keyword)
        return ActionText(keyword, **entry) if entry else None

    def text(self, section: str, key: str) -> str | None:
        """A plain text of ``outcomes``, ``assumptions``, ``purposes``, ``phrases`` or ``why``; None when unknown."""
        found = section_of(self.language, section).get(key)
        if found is None:
            found = section_of("en", section).get(key)
        return found if isinstance(found, str) else None

    def say(self, key: str, **values: object) -> str:
        """The phrase ``key`` with its blanks filled in. Values are inserted as they are, never interpreted."""
        return self._filled("phrases", key, values)

    def why(self, key: str, **values: object) -> str:
        """As ``say``, of the phrases about what did not match and what dropped a packet."""
        return self._filled("why", key, values)

    def _filled(self, section: str, key: str, values: dict[str, object]) -> str:
        template = self.text(section, key)
        if template is None:
            return key
        return template.format(**values) if values else template

    def _entry(self, section: str, key: str) -> dict[str, str] | None:
        found = section_of(self.language, section).get(key)
        if found is None and self.language != "en":
            found = section_of("en", section).get(key)
        return found if isinstance(found, dict) else None


@cache
def catalogue(language: Language = "en") -> Catalogue:
    """The catalogue in ``language``."""
    return Catalogue(language)


@cache
def section_of(language: str, section: str) -> dict[str, Any]:
    """One data file as it is: key to entry. An empty one when the language has no such file."""
    path = files(__package__).joinpath(language, f"{section}.toml")
    return tomllib.loads(path.read_text(encoding="utf-8")) if path.is_file() else {}


@cache
def shared(section: str) -> dict[str, Any]:
    """A data file that is the same in every language (``registers``, ``kinds``)."""
    path = files(__package__).joinpath(f"{section}.toml")
    return tomllib.loads(path.read_text(encoding="utf-8"))

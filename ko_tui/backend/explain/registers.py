"""Which register field a name means: by release, kind of datapath and stage.

``reg9[6]`` is a different note on a switch and on a router, and northd moves notes between releases; the table is
``catalogue/registers.toml`` (from the register definitions of northd in each release).
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cache
from typing import Literal

from ko_tui.backend.explain.catalogue import shared
from ko_tui.backend.ovn.versions import KNOWN, OvnVersion

Scope = Literal["switch", "router", "both"]


@dataclass(frozen=True, slots=True)
class RegisterField:
    """One place of one field. ``since`` and ``until`` are inclusive releases; None means no bound."""

    key: str
    location: str
    scope: Scope
    kind: str
    since: str | None = None
    until: str | None = None
    stages: tuple[str, ...] = ()

    def holds_in(self, version: OvnVersion) -> bool:
        """Whether ``version`` uses the field at this place."""
        number = KNOWN.index(version)
        first = KNOWN.index(self.since) if self.since in KNOWN else 0
        last = KNOWN.index(self.until) if self.until in KNOWN else len(KNOWN) - 1
        return first <= number <= last


def scope_of_stage(stage: str) -> Scope:
    """``switch`` for ``ls_*``, ``router`` for ``lr_*``, ``both`` when the name does not tell."""
    if stage.startswith("ls_"):
        return "switch"
    return "router" if stage.startswith("lr_") else "both"


def find_register(
    name: str, *, version: OvnVersion, scope: Scope = "both", stage: str = ""
) -> RegisterField | None:
    """The field that ``name`` (``reg0[7]``, ``xxreg1``, ``reg9[16..31]``, ``reg10[4]``) means, or None.

    A field that is limited to certain stages counts before a general one, and only in those stages.
    """
    if scope == "both" and stage:
        scope = scope_of_stage(stage)
    general: RegisterField | None = None
    for field in _by_location().get(canonical(name), ()):
        if not field.holds_in(version) or ("both" not in (scope, field.scope) and scope != field.scope):
            continue
        if field.stages:
            if stage.startswith(field.stages) and stage:
                return field
        elif general is None:
            general = field
    return general


def canonical(name: str) -> str:
    """One spelling for one place: ``reg10[4]`` is ``flags[4]``, ``reg2[0 .. 15]`` is ``reg2[0..15]``."""
    name = re.sub(r"\s+", "", name)
    if name.startswith("reg10["):
        name = "flags" + name[5:]
    return re.sub(r"\[(\d+)\.\.\1\]", r"[\1]", name)


@cache
def all_fields() -> tuple[RegisterField, ...]:
    """Every field at every place, in the order of the data file."""
    found = []
    for key, entry in shared("registers").items():
        for text in entry["at"]:
            location, _, span = text.partition("@")
            since, _, until = span.partition("-")
            stages = tuple(entry.get("stages", ()))
            found.append(
                RegisterField(
                    key, location, entry["scope"], entry["kind"], since or None, until or None, stages
                )
            )
    return tuple(found)


@cache
def _by_location() -> dict[str, tuple[RegisterField, ...]]:
    places: dict[str, list[RegisterField]] = {}
    for field in all_fields():
        places.setdefault(canonical(field.location), []).append(field)
    return {place: tuple(fields) for place, fields in places.items()}

"""Which table has which number in which release, and which release a set of tables belongs to."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache

from ko_tui.backend.explain.catalogue import shared
from ko_tui.backend.ovn.versions import DEFAULT, KNOWN, OvnVersion


@dataclass(frozen=True, slots=True)
class Release:
    """One build: its release, and stage names by ``switch_ingress`` and so on, in order of the tables."""

    version: OvnVersion
    build: str
    tables: dict[str, tuple[str, ...]]

    def numbers(self) -> dict[str, int]:
        """Table number by stage name."""
        return {name: at for names in self.tables.values() for at, name in enumerate(names)}


@cache
def releases() -> tuple[Release, ...]:
    """Every build that is known, in the order of the data file: later builds of a release come later."""
    made = []
    for entry in shared("tables")["release"]:
        tables = {key: tuple(value) for key, value in entry.items() if isinstance(value, list)}
        version = next(known for known in KNOWN if known == entry["version"])
        made.append(Release(version, entry["build"], tables))
    return tuple(made)


@cache
def stage_names() -> frozenset[str]:
    """The name of every stage of every release."""
    return frozenset(name for release in releases() for name in release.numbers())


def pipeline_of(stage: str) -> str:
    """``switch_ingress`` and so on for a stage name; empty when the name does not tell."""
    kinds = {"ls_in_": "switch_ingress", "ls_out_": "switch_egress", "lr_in_": "router_ingress"}
    kinds["lr_out_"] = "router_egress"
    return next((kind for prefix, kind in kinds.items() if stage.startswith(prefix)), "")


def stage_at(version: OvnVersion, pipeline: str, table: int) -> str:
    """The stage that has number ``table`` in a pipeline (``switch_ingress``) of the release; empty when none has."""
    for release in reversed(releases()):
        if release.version == version and release.build[:2].isdigit() and "-ko" not in release.build:
            names = release.tables.get(pipeline, ())
            return names[table] if 0 <= table < len(names) else ""
    return ""


def infer_version(seen: Iterable[tuple[str, int]]) -> OvnVersion | None:
    """The release whose tables fit best what was seen (stage name and table number), or None when nothing fits.

    Of releases that fit equally the one that Kube-OVN ships today counts, else the newest.
    """
    pairs = set(seen)
    best: tuple[int, bool, int] | None = None
    found: OvnVersion | None = None
    for release in releases():
        numbers = release.numbers()
        hits = sum(1 for name, table in pairs if numbers.get(name) == table)
        score = (hits, release.version == DEFAULT, KNOWN.index(release.version))
        if hits and (best is None or score >= best):
            best, found = score, release.version
    return found

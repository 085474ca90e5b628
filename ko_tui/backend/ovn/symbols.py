"""The symbol table of each OVN release: what a name in a match or action stands for.

Source of facts: ovn-sb(5) and the releases named in ``symbol_rows``.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from types import MappingProxyType
from typing import Literal

from ko_tui.backend.ovn.symbol_rows import ROWS
from ko_tui.backend.ovn.versions import DEFAULT, KNOWN, OvnVersion

Kind = Literal["field", "subfield", "predicate", "string", "ovn_field"]
Level = Literal["nominal", "boolean", "ordinal"]
Scope = Literal["read-only", "anywhere", "ct_commit", "any"]

N_REGISTERS = 10
"""General registers of 32 bits that logical flows may use."""


@dataclass(frozen=True, slots=True)
class Symbol:
    """One name of the language.

    ``width`` is in bits, 0 for a string. ``prerequisites`` is the expression that a use of the symbol implies, or
    empty. ``expansion`` is a predicate's expression or a subfield's field and bits. ``parent``, ``low`` place
    a subfield: bit 0 of the symbol is bit ``low`` of the parent. ``scope`` says where it can be assigned.
    """

    name: str
    kind: Kind
    width: int
    level: Level
    prerequisites: str = ""
    expansion: str = ""
    parent: str = ""
    low: int = 0
    scope: Scope = "read-only"
    description: str = ""

    @property
    def writable(self) -> bool:
        """Whether some action can assign it."""
        return self.scope != "read-only"


SymbolTable = Mapping[str, Symbol]

_SUBFIELD = re.compile(r"([\w.]+)\[(\d+)(?:\.\.(\d+))?\]")
_NAME = re.compile(r"[A-Za-z_][\w.]*")


@cache
def table(version: OvnVersion = DEFAULT) -> SymbolTable:
    """The symbols of ``version`` by name."""
    symbols: dict[str, Symbol] = {}
    for symbol in _registers():
        symbols[symbol.name] = symbol
    for line in ROWS.strip().splitlines():
        name, definition, prerequisites, releases, description = (
            p.strip() for p in re.split(r" \|(?= |$)", line)
        )
        if _covers(releases, version):
            symbols[name] = _symbol(name, definition, prerequisites, description, symbols)
    return MappingProxyType(symbols)


def _registers() -> list[Symbol]:
    made = []
    for index in range(N_REGISTERS // 4):
        made.append(_field(f"xxreg{index}", 128, "128-bit register"))
    for index in range(N_REGISTERS // 2):
        name = f"xreg{index}"
        if index // 2 < N_REGISTERS // 4:
            made.append(_part(name, f"xxreg{index // 2}", 64 * (1 - index % 2), 64, "64-bit register"))
        else:
            made.append(_field(name, 64, "64-bit register"))
    for index in range(N_REGISTERS):
        name = f"reg{index}"
        if index // 4 < N_REGISTERS // 4:
            made.append(_part(name, f"xxreg{index // 4}", 32 * (3 - index % 4), 32, "32-bit register"))
        else:
            made.append(_part(name, f"xreg{index // 2}", 32 * (1 - index % 2), 32, "32-bit register"))
    return made


def _field(name: str, width: int, description: str) -> Symbol:
    return Symbol(name, "field", width, "ordinal", scope="anywhere", description=description)


def _part(name: str, parent: str, low: int, width: int, description: str) -> Symbol:
    bits = f"{parent}[{low}..{low + width - 1}]"
    return Symbol(name, "subfield", width, "ordinal", "", bits, parent, low, "anywhere", description)


def _covers(releases: str, version: OvnVersion) -> bool:
    if not releases:
        return True
    at = KNOWN.index(version)
    first, dash, last = releases.partition("-")
    low = KNOWN.index(first) if first else 0
    if not dash:
        return at == low
    high = KNOWN.index(last) if last else len(KNOWN) - 1
    return low <= at <= high


def _symbol(
    name: str, definition: str, prerequisites: str, description: str, known: Mapping[str, Symbol]
) -> Symbol:
    kind, _, rest = definition.partition(" ")
    if kind == "is":
        used = [known[word] for word in _NAME.findall(rest) if word in known]
        level: Level = "nominal" if any(symbol.level == "nominal" for symbol in used) else "boolean"
        return Symbol(name, "predicate", 1, level, "", rest, description=description)
    if kind == "string":
        return Symbol(name, "string", 0, "nominal", prerequisites, scope="anywhere", description=description)
    if kind == "own":
        return Symbol(name, "ovn_field", int(rest), "nominal", scope="any", description=description)
    words = rest.split()
    scope: Scope = "ct_commit" if "commit" in words else "read-only" if "read" in words else "anywhere"
    if kind == "field":
        level = "nominal" if "nominal" in words else "ordinal"
        return Symbol(
            name, "field", int(words[0]), level, prerequisites, scope=scope, description=description
        )
    found = _SUBFIELD.match(words[0])
    assert found is not None, definition
    low, high = int(found[2]), int(found[3] or found[2])
    parent = known[found[1]]
    if parent.scope == "read-only":
        scope = "read-only"
    return Symbol(
        name,
        "subfield",
        high - low + 1,
        parent.level,
        prerequisites,
        words[0],
        parent.name,
        low,
        scope,
        description,
    )

"""OVN's match language: text to typed tree and back.

``parse(text)`` gives the tree or raises ``ExpressionError``; ``str(tree)`` gives OVN's own spelling, and parsing
that gives an equal tree. Source of facts: ovn-sb(5), Logical_Flow.
"""

from __future__ import annotations

from collections.abc import Collection

from ko_tui.backend.ovn import symbols as symbol_tables
from ko_tui.backend.ovn.expression.cached import parse_cached
from ko_tui.backend.ovn.expression.parser import MAX_PARENTHESES, ExpressionError, ExpressionReader
from ko_tui.backend.ovn.expression.tree import (
    AddressSet,
    And,
    Boolean,
    ChassisResident,
    Compare,
    Constant,
    ConstantSet,
    Expression,
    FieldRef,
    Not,
    Operator,
    Or,
    PortGroup,
    Range,
    StringConstant,
    Value,
    fields,
    walk,
)
from ko_tui.backend.ovn.lexer import Format
from ko_tui.backend.ovn.symbols import SymbolTable
from ko_tui.backend.ovn.versions import DEFAULT, OvnVersion

__all__ = [
    "MAX_PARENTHESES",
    "AddressSet",
    "And",
    "Boolean",
    "ChassisResident",
    "Compare",
    "Constant",
    "ConstantSet",
    "Expression",
    "ExpressionError",
    "FieldRef",
    "Format",
    "Not",
    "Operator",
    "Or",
    "PortGroup",
    "Range",
    "StringConstant",
    "Value",
    "fields",
    "parse",
    "parse_cached",
    "walk",
]


def parse(
    text: str,
    *,
    version: OvnVersion = DEFAULT,
    symbols: SymbolTable | None = None,
    address_sets: Collection[str] | None = None,
    port_groups: Collection[str] | None = None,
) -> Expression:
    """The tree of a match.

    ``symbols`` overrides the table of ``version``. With ``address_sets`` or ``port_groups``, a name that is not
    among them is refused, and when ``address_sets`` is a mapping to the sets' addresses, these must fit the field;
    without, every name is taken. Raises ``ExpressionError``, nothing else.
    """
    reader = ExpressionReader(text, symbol_tables.table(version) if symbols is None else symbols)
    reader.address_sets = address_sets
    reader.port_groups = port_groups
    return reader.whole()

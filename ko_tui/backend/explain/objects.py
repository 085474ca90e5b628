"""The objects that a flow's match names: port groups, address sets, and known addresses (a Service's, a pod's)."""

from __future__ import annotations

from ko_tui.backend.explain.model import ObjectRef
from ko_tui.backend.explain.names import Names, address_set_object
from ko_tui.backend.ovn.expression import AddressSet, Compare, Constant, Expression, PortGroup, walk


def match_objects(match: Expression, names: Names) -> list[ObjectRef]:
    """What the names in a match stand for, each once, in written order."""
    found: list[ObjectRef] = []
    for term in walk(match):
        if not isinstance(term, Compare):
            continue
        for value in term.values:
            reference = None
            if isinstance(value, PortGroup):
                reference = names.port_group(value.name)
            elif isinstance(value, AddressSet):
                behind = value.port_group
                reference = names.port_group(behind[0]) if behind else address_set_object(value.name)
            elif isinstance(value, Constant):
                reference = names.addresses.get(str(value))
            if reference is not None and reference not in found:
                found.append(reference)
    return found

"""From a flow to the object behind it: stage hint -> northbound row -> Kubernetes object. Pure on given rows.

A Logical_Flow's ``external_ids:stage-hint`` is the first eight hexadecimal digits of the UUID of the NB row that
the flow was made from. It does not say the table, so tables are tried in order. Several equal flows of different
rows are merged by northd and keep one hint only: the answer is then one of the owners.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

from ko_tui.backend.explain.model import ObjectRef
from ko_tui.backend.explain.names import acl_name_object, load_balancer_object, port_group_object, port_object

HINT_TABLES = (
    "ACL",
    "Load_Balancer",
    "NAT",
    "Logical_Router_Policy",
    "Logical_Router_Static_Route",
    "Logical_Switch_Port",
    "Logical_Router_Port",
    "QoS",
    "DHCP_Options",
    "Forwarding_Group",
    "Logical_Switch",
    "Logical_Router",
    "Port_Group",
    "Load_Balancer_Group",
)


@dataclass(frozen=True, slots=True)
class NbRow:
    """A row of the northbound database. Maps are dicts, sets are lists, UUIDs and other atoms are plain values."""

    table: str
    uuid: str
    columns: Mapping[str, Any]

    def text(self, column: str) -> str:
        """A column as text; empty when it is absent or an empty set."""
        value = self.columns.get(column, "")
        return "" if value in ([], None) else str(value)

    def mapping(self, column: str) -> Mapping[str, str]:
        """A map column; empty when it is absent."""
        value = self.columns.get(column)
        return value if isinstance(value, Mapping) else {}

    def references(self, column: str) -> Sequence[str]:
        """The UUIDs in a reference column, one or many."""
        value = self.columns.get(column, [])
        if isinstance(value, str):
            return [value] if value else []
        return [str(item) for item in value] if isinstance(value, list | tuple) else []


class NbRows(Protocol):
    """Access to northbound rows, live or saved. Answers come from memory or a cache; no method may block for long."""

    def by_prefix(self, table: str, prefix: str) -> Sequence[NbRow]:
        """The rows of ``table`` whose UUID begins with ``prefix`` (hexadecimal, lower case)."""
        ...

    def by_name(self, table: str, name: str) -> Sequence[NbRow]:
        """The rows of ``table`` whose ``name`` column is ``name``."""
        ...

    def referring(self, table: str, column: str, uuid: str) -> Sequence[NbRow]:
        """The rows of ``table`` whose reference ``column`` holds ``uuid``."""
        ...


@dataclass(slots=True)
class NbTables:
    """Rows in memory, by table: the simplest :class:`NbRows`."""

    tables: dict[str, list[NbRow]] = field(default_factory=dict)

    def add(self, table: str, headings: Sequence[str], data: Iterable[Sequence[Any]]) -> None:
        """Add what ``--format=json list`` gave: its headings and data, with ``_uuid`` among the headings."""
        rows = self.tables.setdefault(table, [])
        for values in data:
            columns = {name: plain(value) for name, value in zip(headings, values, strict=False)}
            rows.append(NbRow(table, str(columns.get("_uuid", "")), columns))

    def by_prefix(self, table: str, prefix: str) -> Sequence[NbRow]:
        return [row for row in self.tables.get(table, []) if row.uuid.startswith(prefix)]

    def by_name(self, table: str, name: str) -> Sequence[NbRow]:
        return [row for row in self.tables.get(table, []) if row.columns.get("name") == name]

    def referring(self, table: str, column: str, uuid: str) -> Sequence[NbRow]:
        return [row for row in self.tables.get(table, []) if uuid in row.references(column)]


def plain(value: Any) -> Any:
    """OVSDB's JSON notation as plain values: ``["map", ...]`` a dict, ``["set", ...]`` a list, ``["uuid", x]`` x."""
    if isinstance(value, list) and len(value) == 2 and isinstance(value[0], str):
        kind, inner = value
        if kind == "map" and isinstance(inner, list):
            return {str(plain(k)): plain(v) for k, v in inner}
        if kind == "set" and isinstance(inner, list):
            return [plain(item) for item in inner]
        if kind in ("uuid", "named-uuid"):
            return str(inner)
    return value


def find_owner(hint: str, rows: NbRows) -> ObjectRef | None:
    """The NB row behind a stage hint (or a whole or short UUID), its Kubernetes object as ``owner``.

    None when no row begins with the hint. When rows of several tables do, the first table of ``HINT_TABLES`` wins.
    """
    prefix = hint.strip().lower().removeprefix("0x")
    if not prefix or any(character not in "0123456789abcdef-" for character in prefix):
        return None
    for table in HINT_TABLES:
        for row in rows.by_prefix(table, prefix):
            return describe(row, rows)
    return None


def describe(row: NbRow, rows: NbRows) -> ObjectRef:
    """A northbound row as a reference, with the object that Kube-OVN made it from as its owner."""
    reference = ObjectRef(row.table, row.text("name"), uuid=row.uuid)
    ids = row.mapping("external_ids")
    match row.table:
        case "ACL":
            reference.detail = (
                f"{row.text('direction')} {row.text('priority')} {row.text('action')}: {row.text('match')}"
            )
            reference.owner = _acl_owner(row, ids, rows)
        case "Load_Balancer":
            reference.detail = row.text("protocol")
            reference.owner = load_balancer_object(reference.name)
        case "NAT":
            reference.name = reference.name or row.text("external_ip")
            reference.detail = f"{row.text('type')} {row.text('external_ip')} <-> {row.text('logical_ip')}"
            reference.owner = _router_of(row, "nat", rows)
            if port := row.text("logical_port"):
                reference.owner = port_object(port) or reference.owner
        case "Logical_Router_Policy":
            reference.name = row.text("priority")
            hops = ", ".join(row.references("nexthops")) or row.text("nexthop")
            reference.detail = f"{row.text('match')} -> {row.text('action')} {hops}".rstrip()
            reference.owner = _by_ids(ids) or _router_of(row, "policies", rows)
        case "Logical_Router_Static_Route":
            reference.name = row.text("ip_prefix")
            reference.detail = f"{row.text('ip_prefix')} via {row.text('nexthop')}"
            reference.owner = _router_of(row, "static_routes", rows)
        case "Logical_Switch_Port":
            reference.owner = _port_owner(reference.name, ids)
        case "Logical_Switch":
            reference.owner = ObjectRef("Subnet", reference.name)
        case "Logical_Router":
            reference.owner = ObjectRef("Vpc", reference.name)
        case "Logical_Router_Port":
            reference.owner = _router_of(row, "ports", rows)
        case "Port_Group":
            reference.owner = port_group_object(reference.name, ids)
        case "DHCP_Options":
            reference.name = row.text("cidr")
            reference.owner = _by_ids(ids) or _named(ids.get("ls"), "Subnet")
        case "QoS":
            reference.name = row.text("priority")
            reference.detail = row.text("match")
            for switch in rows.referring("Logical_Switch", "qos_rules", row.uuid):
                reference.owner = ObjectRef("Subnet", switch.text("name"))
    return reference


def _acl_owner(row: NbRow, ids: Mapping[str, str], rows: NbRows) -> ObjectRef | None:
    groups = list(rows.referring("Port_Group", "acls", row.uuid))
    if not groups and (parent := ids.get("parent")):
        groups = list(rows.by_name("Port_Group", parent))
    for group in groups:
        found = port_group_object(group.text("name"), group.mapping("external_ids"))
        if found is not None:
            return found
    for switch in rows.referring("Logical_Switch", "acls", row.uuid):
        return ObjectRef("Subnet", switch.text("name"))
    return acl_name_object(row.text("name")) or _named(ids.get("subnet"), "Subnet")


def _port_owner(name: str, ids: Mapping[str, str]) -> ObjectRef | None:
    if pod := ids.get("pod"):
        namespace, _, pod_name = pod.rpartition("/")
        return ObjectRef("Pod", pod_name, namespace=namespace)
    return port_object(name)


def _router_of(row: NbRow, column: str, rows: NbRows) -> ObjectRef | None:
    for router in rows.referring("Logical_Router", column, row.uuid):
        return ObjectRef("Vpc", router.text("name"))
    return None


def _by_ids(ids: Mapping[str, str]) -> ObjectRef | None:
    for key, kind in (("subnet", "Subnet"), ("node", "Node"), ("vpc", "Vpc")):
        if value := ids.get(key):
            return ObjectRef(kind, value)
    return None


def _named(name: str | None, kind: str) -> ObjectRef | None:
    return ObjectRef(kind, name) if name else None

"""``show`` of ovn-nbctl and ovn-sbctl on a saved database: switches and routers with their ports, chassis with theirs.

Facts: ovn-nbctl(8) and ovn-sbctl(8), ``show``. The tools print rows in the order of their memory; here they stand by
name.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Mapping
from typing import Any, Literal

Row = Mapping[str, Any]
Rows = Callable[[str], Iterable[Row]]
"""Table -> its rows; of a set with one member only that, None for an empty one."""

_BARE = re.compile(r"[A-Za-z_][A-Za-z0-9_.-]*")
_UUID = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}")


def show(place: Literal["nb", "sb"], rows: Rows, name: str = "") -> str:
    """What ``show`` prints; of the northbound database only the switch or router of that name or UUID, if given."""
    if place == "sb":
        return _chassis(rows)
    blocks: list[str] = []
    gateways = {row["_uuid"]: row for row in rows("Gateway_Chassis")}
    nats = {row["_uuid"]: row for row in rows("NAT")}
    for table, word, ports, block in (
        ("Logical_Switch", "switch", "Logical_Switch_Port", _switch_port),
        ("Logical_Router", "router", "Logical_Router_Port", _router_port),
    ):
        known = {row["_uuid"]: row for row in rows(ports)}
        for row in sorted(rows(table), key=lambda row: str(row["name"])):
            if name and name not in (row["name"], row["_uuid"]):
                continue
            alias = _alias(row, "neutron:network_name" if word == "switch" else "neutron:router_name")
            lines = [f"{word} {row['_uuid']} ({row['name']}){alias}"]
            mine = [known[uuid] for uuid in _many(row["ports"]) if uuid in known]
            for port in sorted(mine, key=lambda port: str(port["name"])):
                lines += block(port, gateways)
            lines += [line for uuid in _many(row.get("nat")) if uuid in nats for line in _nat(nats[uuid])]
            blocks += lines
    return "".join(f"{line}\n" for line in blocks)


def _switch_port(port: Row, _gateways: Mapping[str, Row]) -> list[str]:
    lines = [f"    port {port['name']}{_alias(port, 'neutron:port_name')}"]
    for column, word in (("type", "type"), ("parent_name", "parent"), ("tag", "tag")):
        if port.get(column) not in (None, ""):
            lines.append(f"        {word}: {port[column]}")
    addresses = _many(port["addresses"])
    if addresses and addresses != ("router",):
        lines.append(f"        addresses: [{_listed(addresses)}]")
    if router_port := port["options"].get("router-port"):
        lines.append(f"        router-port: {router_port}")
    return lines


def _router_port(port: Row, gateways: Mapping[str, Row]) -> list[str]:
    lines = [f"    port {port['name']}", f'        mac: "{port["mac"]}"']
    if networks := _many(port["networks"]):
        lines.append(f"        networks: [{_listed(networks)}]")
    if route_table := port["options"].get("route_table"):
        lines.append(f"        route-table: {route_table}")
    chassis = [gateways[uuid] for uuid in _many(port.get("gateway_chassis")) if uuid in gateways]
    if chassis:
        chassis.sort(key=lambda row: (-row["priority"], str(row["name"])))
        lines.append(f"        gateway chassis: [{' '.join(str(row['chassis_name']) for row in chassis)}]")
    return lines


def _nat(nat: Row) -> list[str]:
    lines = [f"    nat {nat['_uuid']}", f'        external ip: "{nat["external_ip"]}"']
    if nat.get("external_port_range"):
        lines.append(f'        external port(s): "{nat["external_port_range"]}"')
    return [*lines, f'        logical ip: "{nat["logical_ip"]}"', f'        type: "{nat["type"]}"']


def _chassis(rows: Rows) -> str:
    encaps = {row["_uuid"]: row for row in rows("Encap")}
    bound: dict[str, list[str]] = {}
    for binding in rows("Port_Binding"):
        for uuid in _many(binding["chassis"]):
            bound.setdefault(uuid, []).append(str(binding["logical_port"]))
    lines: list[str] = []
    for chassis in sorted(rows("Chassis"), key=lambda row: (str(row["hostname"]), str(row["name"]))):
        lines.append(f"Chassis {_string(chassis['name'])}")
        if chassis["hostname"]:
            lines.append(f"    hostname: {_string(chassis['hostname'])}")
        for encap in (encaps[uuid] for uuid in _many(chassis["encaps"]) if uuid in encaps):
            lines.append(f"    Encap {_string(encap['type'])}")
            lines.append(f"        ip: {_string(encap['ip'])}")
            if encap["options"]:
                pairs = sorted(encap["options"].items())
                lines.append(
                    "        options: {" + ", ".join(f"{_string(k)}={_string(v)}" for k, v in pairs) + "}"
                )
        lines += [f"    Port_Binding {_string(port)}" for port in sorted(bound.get(chassis["_uuid"], []))]
    return "".join(f"{line}\n" for line in lines)


def _alias(row: Row, key: str) -> str:
    """The name that OpenStack gave it, as the tools add it."""
    name = row["external_ids"].get(key)
    return f" (aka {name})" if name else ""


def _many(cell: Any) -> tuple[Any, ...]:
    if cell is None:
        return ()
    return cell if isinstance(cell, tuple) else (cell,)


def _listed(values: Iterable[Any]) -> str:
    return ", ".join(f'"{value}"' for value in values)


def _string(text: str) -> str:
    """Bare when it is an identifier and reads as nothing else (ovs-vsctl(8), "Database Values")."""
    bare = _BARE.fullmatch(text) and text not in ("true", "false") and not _UUID.fullmatch(text)
    return text if bare else json.dumps(text, ensure_ascii=False)

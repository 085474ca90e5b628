"""What ovn-trace reads of the southbound database, except the logical flows: datapaths, ports, groups, bindings.

Facts: ovn-sb(5) and utilities/ovn-trace.c. Where that depends on the order in which the IDL hands out rows, the
order of ``ovn_hash`` is used.
"""

from __future__ import annotations

import re
import socket
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import msgspec

from ko_tui.backend.ovn.versions import OvnVersion, nearest
from ko_tui.backend.simulate.ovn_hash import row_order, string_order
from ko_tui.backend.source.ovsdb_file import Database, Row

_UUID = re.compile(r"[0-9a-fA-F]{8}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{12}")
_MAC = re.compile(r"\s*([0-9a-fA-F]{1,2}(?::[0-9a-fA-F]{1,2}){5})")
V4_MAPPED = 0xFFFF << 32
READ = frozenset(
    {
        "Address_Set", "Datapath_Binding", "FDB", "Load_Balancer", "Logical_DP_Group", "Logical_Flow",
        "MAC_Binding", "Multicast_Group", "Port_Binding", "Port_Group",
    }
)  # fmt: skip
"""The tables that a trace depends on, but for the release in SB_Global, which changes with all flows."""


class AllowedAddresses(NamedTuple):
    """One entry of a port's port security: a MAC and the addresses allowed with it (none: all)."""

    mac: int
    ipv4: frozenset[int]
    ipv6: frozenset[int]


class Vip(NamedTuple):
    """An address of a load balancer; ``address`` is mapped into IPv6 when it is IPv4, ``port`` 0 when it has none."""

    text: str
    address: int
    port: int
    family: int


@dataclass(eq=False, slots=True)
class Datapath:
    """A logical switch or router."""

    uuid: str
    nb_uuid: str
    name: str
    name2: str
    tunnel_key: int
    friendly: str
    kind: str  # "switch" or "router"
    ports: dict[int, Port] = field(default_factory=dict)  # by tunnel key
    groups: list[MulticastGroup] = field(default_factory=list)
    neighbours: dict[tuple[int, int], list[int]] = field(default_factory=dict)  # (port key, address) -> MACs
    stations: dict[int, int] = field(default_factory=dict)  # FDB: MAC -> port key
    has_l3gateway: bool = False


@dataclass(eq=False, slots=True)
class Port:
    """A logical port (Port_Binding)."""

    uuid: str
    name: str
    name2: str
    friendly: str
    type: str
    tunnel_key: int
    datapath: Datapath
    peer: Port | None = None
    distributed: Port | None = None
    security: tuple[AllowedAddresses, ...] = ()


@dataclass(eq=False, slots=True)
class MulticastGroup:
    name: str
    tunnel_key: int
    ports: list[Port]


class _PortRow(msgspec.Struct, gc=False):
    """A Port_Binding as the file spells it, as far as it is needed: large clusters have many."""

    logical_port: str = ""
    type: str = ""
    tunnel_key: int = 0
    datapath: list[Any] = []
    options: list[Any] = []
    external_ids: list[Any] = []
    port_security: Any = None


def _map(json: list[Any]) -> dict[str, str]:
    return dict(json[1]) if len(json) == 2 else {}


def _set(json: Any) -> list[str]:
    if isinstance(json, list) and len(json) == 2 and json[0] == "set":
        return list(json[1])
    return [json] if isinstance(json, str) else []


class Southbound:
    """The database as ovn-trace sees it."""

    def __init__(self, database: Database, *, friendly_names: bool = True, version: str = "") -> None:
        self.database = database
        self.friendly_names = friendly_names
        self.release = version or release_of(database)
        self.version: OvnVersion = nearest(self.release)
        self.datapaths: dict[str, Datapath] = {}
        self.ports: dict[str, Port] = {}
        self.warnings: list[str] = []
        self._read_datapaths()
        self._read_ports()
        self._read_groups()
        self._read_bindings()
        self.address_sets = {
            row["name"]: tuple(row["addresses"]) for row in database.table("Address_Set").rows()
        }
        self.port_groups = {row["name"]: tuple(row["ports"]) for row in database.table("Port_Group").rows()}
        self._vips: list[Vip] | None = None

    def before(self, release: str) -> bool:
        """Whether the database was written by a northd older than ``release`` (``22.12``)."""
        return _release_key(self.release) < _release_key(release)

    # -- reading --------------------------------------------------------------------------------------------

    def _friendly(self, name: str) -> str:
        """A name whose UUID at the end is cut to six characters, as ovn-trace prints it."""
        if len(name) >= 36 and _UUID.fullmatch(name[-36:]):
            return name[:-30]
        return name

    def _read_datapaths(self) -> None:
        for row in ordered(self.database, "Datapath_Binding"):
            ids: Mapping[str, str] = row["external_ids"]
            switch, router = ids.get("logical-switch", ""), ids.get("logical-router", "")
            nb_uuid = next((u for u in (switch, router) if _UUID.fullmatch(u)), row["_uuid"])
            name, name2 = ids.get("name", nb_uuid), ids.get("name2", "")
            friendly = self._friendly(name2 or name) if self.friendly_names else nb_uuid
            kind = "router" if router and not switch else "switch"
            self.datapaths[row["_uuid"]] = Datapath(
                row["_uuid"], nb_uuid, name, name2, row["tunnel_key"], friendly, kind
            )

    def _read_ports(self) -> None:
        redirects: list[tuple[Port, str]] = []
        self._port_of: dict[str, Port] = {}  # by the row's UUID
        for uuid, row in self.database.table("Port_Binding").structs(_PortRow):
            name = row.logical_port
            datapath = self.datapaths.get(row.datapath[1]) if len(row.datapath) == 2 else None
            if datapath is None or name in self.ports:
                self.warnings.append(f"port {name} has no datapath, or there are two of that name")
                continue
            ids, options = _map(row.external_ids), _map(row.options)
            # An empty name is a name too: ovn-trace then shows none.
            friendly = self._friendly(ids.get("name", name)) if self.friendly_names else name
            port = Port(
                uuid, name, ids.get("name", ""), friendly, row.type, row.tunnel_key & 0xFFFF, datapath
            )
            self.ports[name] = self._port_of[uuid] = port
            datapath.ports.setdefault(port.tunnel_key, port)
            if port.type in ("patch", "l3gateway"):
                datapath.has_l3gateway |= port.type == "l3gateway"
                peer = self.ports.get(options.get("peer", ""))
                if peer is not None:
                    port.peer, peer.peer = peer, port
            elif port.type == "chassisredirect":
                redirects.append((port, options.get("distributed-port", "")))
            if row.port_security:
                port.security = tuple(a for text in _set(row.port_security) if (a := parse_allowed(text)))
        for port, target in redirects:
            distributed = self.ports.get(target)
            if distributed is not None and distributed.datapath is port.datapath:
                port.distributed = distributed

    def _read_groups(self) -> None:
        for row in ordered(self.database, "Multicast_Group"):
            datapath = self.datapaths.get(row["datapath"])
            if datapath is None:
                continue
            ports = [p for u in row["ports"] if (p := self._port_of.get(u)) and p.datapath is datapath]
            ports.sort(key=lambda p: p.name.encode())
            datapath.groups.append(MulticastGroup(row["name"], row["tunnel_key"] & 0xFFFF, ports))

    def _read_bindings(self) -> None:
        for row in ordered(self.database, "MAC_Binding"):
            port = self.ports.get(row["logical_port"])
            address, mac = parse_address(row["ip"]), parse_mac(row["mac"])
            if port and address is not None and mac is not None and port.datapath.uuid == row["datapath"]:
                # The newest of equal keys is found first.
                port.datapath.neighbours.setdefault((port.tunnel_key, address), []).insert(0, mac)
        by_key = {d.tunnel_key: d for d in reversed(self.datapaths.values())}
        for row in ordered(self.database, "FDB"):
            found, mac = by_key.get(row["dp_key"]), parse_mac(row["mac"])
            if found is not None and mac is not None:
                found.stations[mac] = row["port_key"] & 0xFFFF

    # -- looking up -----------------------------------------------------------------------------------------

    def vips(self) -> list[Vip]:
        """Every load balancer's addresses, in the order in which ovn-trace meets them."""
        if self._vips is None:
            rows = ordered(self.database, "Load_Balancer")
            self._vips = [
                v for row in rows for key in string_order(sorted(row["vips"])) if (v := parse_vip(key))
            ]
        return self._vips

    def datapath(self, name: str) -> Datapath | None:
        """By name, else by at least four characters of the row's or the NB object's UUID, if that is clear."""
        for datapath in self.datapaths.values():
            if name in (datapath.name, datapath.name2) and name:
                return datapath
        if len(name) < 4:
            return None
        found = [d for d in self.datapaths.values() if d.uuid.startswith(name) or d.nb_uuid.startswith(name)]
        return found[0] if len(found) == 1 else None

    def port(self, name: str) -> Port | None:
        """By name, by the name that the CMS gave it, or by four characters of its UUID, if that is clear."""
        exact = self.ports.get(name)
        if exact is not None:
            return exact
        found = [p for p in self.ports.values() if p.name2 == name and name]
        if len(found) > 1:
            return None
        if len(name) >= 4 and re.fullmatch(r"[0-9a-fA-F-]{4,36}", name):
            for port in self.ports.values():
                by_name = _UUID.fullmatch(port.name) and port.name.lower().startswith(name)
                if port.uuid.startswith(name) or by_name:
                    if found and found[0] is not port:
                        return None
                    found = [port]
        return found[0] if found else None

    def port_number(self, datapath: Datapath, name: str) -> int | None:
        """The key of a port or multicast group as a match of ``datapath`` means it; None when it has none."""
        if name in ("", "none"):
            return 0
        port = self.port(name)
        if port is not None:
            return port.tunnel_key if port.datapath is datapath else None
        for group in datapath.groups:
            if group.name == name:
                return group.tunnel_key
        return None

    def resident(self, name: str) -> bool:
        """``is_chassis_resident``: ovn-trace takes every port that exists to be where the packet is."""
        return name == "" or name in self.ports

    def group_ports(self, datapath: Datapath, group: str) -> tuple[str, ...] | None:
        """The members of a port group in a datapath; None when the database has no such group there."""
        return self.port_groups.get(f"{datapath.tunnel_key}_{group}")


def ordered(database: Database, table: str) -> list[Row]:
    """The rows of a small table in the IDL's own order."""
    return row_order(list(database.table(table).rows()), lambda row: str(row["_uuid"]))


def release_of(database: Database) -> str:
    """The OVN release that wrote the database (``22.03.8``), from northd's own word; "" when it left none."""
    for row in database.table("SB_Global").rows():
        internal = row.get("options", {}).get("northd_internal_version", "")
        return str(internal).split("-", 1)[0]
    return ""


def _release_key(text: str) -> tuple[int, int]:
    found = re.match(r"(\d+)\.(\d+)", text)
    return (int(found[1]), int(found[2])) if found else (99, 0)


def parse_mac(text: str) -> int | None:
    found = _MAC.match(text)
    return int("".join(p.zfill(2) for p in found[1].split(":")), 16) if found else None


def parse_address(text: str) -> int | None:
    """An address as a number of 128 bits, IPv4 mapped; None when it is none."""
    try:
        return V4_MAPPED | int.from_bytes(socket.inet_pton(socket.AF_INET, text), "big")
    except OSError:
        try:
            return int.from_bytes(socket.inet_pton(socket.AF_INET6, text), "big")
        except (OSError, ValueError):
            return None


def parse_allowed(text: str) -> AllowedAddresses | None:
    """One string of Port_Binding.port_security; what follows an address that makes no sense is left out."""
    found = _MAC.match(text)
    if not found:
        return None
    mac = parse_mac(found[1])
    assert mac is not None
    ipv4: set[int] = set()
    ipv6: set[int] = set()
    for word in text[found.end() :].split():
        number = parse_address(word.split("/", 1)[0])
        if number is None:
            break
        if number >> 32 == 0xFFFF and ":" not in word:
            ipv4.add(number & 0xFFFFFFFF)
        else:
            ipv6.add(number)
    return AllowedAddresses(mac, frozenset(ipv4), frozenset(ipv6))


def parse_vip(key: str) -> Vip | None:
    """``10.96.0.10:53``, ``[fd00::a]:53`` or a bare address."""
    found = re.fullmatch(r"\[([^\]]+)\](?::(\d+))?", key) or re.fullmatch(r"([0-9.]+)(?::(\d+))?", key)
    host, port = (found[1], int(found[2] or 0)) if found else (key, 0)
    address = parse_address(host)
    if address is None:
        return None
    return Vip(host, address, port, 6 if ":" in host else 4)

"""Where a packet can start by the southbound database alone: its Port_Bindings, named as Kube-OVN names ports.

A database file holds no Kubernetes objects, but northd copies what a trace needs from the northbound ports: addresses,
``external_ids`` (``pod=NAMESPACE/NAME``) and, by the patch ports, which router serves a switch (ovn-sb(5),
Port_Binding; kube-ovn pkg/ovs/ovn-nb-logical_switch_port.go).
"""

from __future__ import annotations

import ipaddress
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from ko_tui.backend.source.ovsdb_file import Database
from ko_tui.backend.tracing.model import Endpoint, EndpointKind, Inventory

NODE_PORT = "node-"
NOT_HERE = "The file holds no Kubernetes objects; these are the ports in its Port_Bindings."


@dataclass(frozen=True, slots=True)
class RouterPort:
    """A router's port on a switch: its MAC address and networks (``10.16.0.1/16``)."""

    name: str
    router: str
    mac: str
    networks: tuple[str, ...]


def bound_inventory(database: Database) -> Inventory:
    """All ports of the southbound ``database`` that a pod, VM or node may have."""
    found = sorted(_endpoints(database), key=lambda e: (e.kind == "node", e.namespace, e.name))
    return Inventory(tuple(found), time.time(), complete=False, problems=(NOT_HERE,))


def router_ports(database: Database) -> dict[str, list[RouterPort]]:
    """Switch -> the router ports that it is connected to."""
    return _router_ports(database, _datapaths(database))


def _datapaths(database: Database) -> dict[str, str]:
    names = {}
    for row in database.table("Datapath_Binding").rows():
        names[row["_uuid"]] = str(row["external_ids"].get("name", row["_uuid"]))
    return names


def _router_ports(database: Database, datapaths: Mapping[str, str]) -> dict[str, list[RouterPort]]:
    patches = {
        row["logical_port"]: row
        for row in database.table("Port_Binding").rows()
        if row["type"] in ("patch", "l3gateway")
    }
    found: dict[str, list[RouterPort]] = {}
    for row in patches.values():
        peer = patches.get(row["options"].get("peer", ""))
        mac, *networks = _words(peer)
        # Of the two only the router's has networks: a switch's patch port says "router", or addresses without length.
        if peer is not None and networks and all("/" in network for network in networks):
            switch, router = datapaths.get(row["datapath"], ""), datapaths.get(peer["datapath"], "")
            port = RouterPort(str(peer["logical_port"]), router, mac, tuple(networks))
            found.setdefault(switch, []).append(port)
    return found


def _words(row: Mapping[str, Any] | None) -> list[str]:
    texts = [] if row is None else _many(row["mac"])
    return str(texts[0]).split() if texts and str(texts[0]).split() else [""]


def _many(value: Any) -> list[Any]:
    return list(value) if isinstance(value, (list, tuple, set, frozenset)) else [value] if value else []


def _endpoints(database: Database) -> Iterator[Endpoint]:
    datapaths = _datapaths(database)
    routers = _router_ports(database, datapaths)
    hosts = {row["_uuid"]: str(row["hostname"] or row["name"]) for row in database.table("Chassis").rows()}
    for row in database.table("Port_Binding").rows():
        if row["type"] != "":
            continue
        mac, *ips = _words(row)
        switch = datapaths.get(row["datapath"], "")
        served = routers.get(switch, [])
        kind, namespace, name, provider = _owner(str(row["logical_port"]), row["external_ids"])
        networks = [network for port in served for network in port.networks]
        usable = mac.count(":") == 5 and ips
        yield Endpoint(
            kind,
            name,
            namespace,
            ips=tuple(ips) if usable else (),
            mac=mac if usable else "",
            switch=switch,
            vpc=served[0].router if served else "",
            node=hosts.get((_many(row["chassis"]) or [""])[0], ""),
            lsp=str(row["logical_port"]),
            provider=provider,
            gateway=",".join(network.partition("/")[0] for network in networks),
            cidr=",".join(str(ipaddress.ip_interface(network).network) for network in networks),
            traceable="" if usable else "Its port has no addresses in the southbound database.",
        )


def _owner(port: str, ids: Mapping[str, str]) -> tuple[EndpointKind, str, str, str]:
    """Kind, namespace, name and provider of a port: by its own word, else by its name (``POD.NAMESPACE``)."""
    if port.startswith(NODE_PORT) and "pod" not in ids:
        return "node", "", port.removeprefix(NODE_PORT), "ovn"
    pod = str(ids.get("pod", ""))
    namespace, _, name = pod.partition("/")
    if not name:
        name, _, namespace = port.rpartition(".")
        return ("pod", namespace, name, "ovn") if name else ("pod", "", port, "ovn")
    usual = f"{name}.{namespace}"
    if port.startswith(f"{usual}."):
        return "attachment", namespace, name, port.removeprefix(f"{usual}.")
    return "pod", namespace, name, "ovn"

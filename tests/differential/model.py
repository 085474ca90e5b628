"""What a random cluster holds, for those who choose packets."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass
class Nic:
    """A logical port with its addresses; ``v6`` may be empty."""

    name: str
    switch: str
    mac: str
    v4: str
    v6: str


@dataclass
class Cluster:
    """What was made, for those who choose packets."""

    nics: list[Nic] = field(default_factory=list)
    router_macs: dict[str, list[str]] = field(default_factory=dict)  # switch -> MACs of router ports on it
    vips: list[tuple[str, int, str]] = field(default_factory=list)  # address, port, protocol
    backends: list[str] = field(default_factory=list)
    addresses: list[str] = field(default_factory=list)  # others: NAT, gateways, routes
    sets: list[str] = field(default_factory=list)
    groups: list[str] = field(default_factory=list)
    localnets: list[str] = field(default_factory=list)
    router_ports: list[tuple[str, str]] = field(default_factory=list)  # router port, router
    switches: list[str] = field(default_factory=list)
    routers: list[str] = field(default_factory=list)


def mac(number: int) -> str:
    return f"0a:00:00:{number >> 16 & 255:02x}:{number >> 8 & 255:02x}:{number & 255:02x}"

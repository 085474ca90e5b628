"""The columns of an endpoint: pods, NICs, VMs, nodes and Services in one list."""

from __future__ import annotations

import ipaddress
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from ko_tui.widgets.line_table import Column
from ko_tui.widgets.live_table import LiveTable
from ko_tui.widgets.tones import Tone

if TYPE_CHECKING:
    from ko_tui.backend.tracing.model import Endpoint

_KIND = {"pod": "pod", "attachment": "nic", "vm": "vm", "node": "node", "service": "svc", "address": "ip"}
_WELL = frozenset({"Running", "Ready", "Succeeded", "Completed", ""})


def _phase(endpoint: Endpoint) -> str:
    if endpoint.kind == "service":
        return ""
    if endpoint.kind in ("pod", "vm") and endpoint.phase == "Running" and not endpoint.ready:
        return "NotReady"
    return endpoint.phase


def _phase_tone(endpoint: Endpoint) -> Tone:
    return "dim" if _phase(endpoint) in _WELL else "warn"


def _address_key(endpoint: Endpoint) -> tuple[int, int]:
    try:
        address = ipaddress.ip_address(endpoint.ips[0])
    except (IndexError, ValueError):
        return (9, 0)
    return (address.version, int(address))


def _name(endpoint: Endpoint) -> str:
    if endpoint.kind == "attachment":
        return f"{endpoint.name}@{endpoint.provider.split('.')[0]}"
    return endpoint.vm if endpoint.kind == "vm" else endpoint.name


def _name_tone(endpoint: Endpoint) -> Tone:
    return "dim" if endpoint.traceable and endpoint.kind != "service" else ""


def columns() -> list[Column[Endpoint]]:
    return [
        Column("KIND", lambda e: _KIND.get(e.kind, e.kind), "accent", 4, 4),
        Column("NAMESPACE", lambda e: e.namespace, "dim", 10, 24),
        Column("NAME", _name, _name_tone, 26, 52, middle=True),
        Column(
            "IP",
            lambda e: ", ".join(e.ips),
            "name",
            15,
            39,
            key=_address_key,
            shown=lambda e: e.ips[0] if e.ips else "",
        ),
        Column("NODE", lambda e: e.node, "", 12, 26, rank=2, middle=True),
        Column("STATE", _phase, _phase_tone, 7, 12, rank=1),
        Column("SWITCH", lambda e: e.switch, "", 11, 24, rank=4),
        Column("VPC", lambda e: e.vpc, "", 11, 20, rank=5),
        Column("MAC", lambda e: e.mac, "dim", 17, 17, rank=6),
        Column("PORTS", lambda e: ", ".join(e.ports), "dim", 8, 40, rank=7),
    ]


def more_columns() -> list[Column[Endpoint]]:
    """Shown only when they are chosen."""
    return [
        Column("LSP", lambda e: e.lsp, "dim", 12, 40, middle=True),
        Column("CIDR", lambda e: e.cidr, "dim", 12, 40),
        Column("GATEWAY", lambda e: e.gateway, "dim", 12, 40),
        Column("VLAN", lambda e: e.vlan, "dim", 4, 6),
        Column("RESTARTS", lambda e: str(e.restarts or ""), "warn", 8, 8, key=lambda e: e.restarts),
        Column("UID", lambda e: e.uid, "dim", 8, 36),
    ]


_LISTED = {"node": 1, "service": 2}


def _natural(endpoint: Endpoint) -> tuple[int, str]:
    """Pods, then nodes, then Services, each in the API server's own order."""
    return _LISTED.get(endpoint.kind, 0), f"{endpoint.namespace}/{endpoint.name}"


def endpoint_table(group: Callable[[Any], str]) -> LiveTable[Any]:
    """``group`` names the object that a row belongs to, as changes do."""
    return LiveTable[Any](
        columns(),
        identity=lambda e: (e.kind, e.key),
        group=group,
        natural=_natural,
        more=more_columns(),
        empty="Waiting for the cluster's pods.",
        id="endpoints",
    )

"""One endpoint in words: what Kube-OVN gave it and which rows stand for it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from ko_tui.visible import one_line
from ko_tui.widgets.glyphs import glyphs
from ko_tui.widgets.tones import Line

if TYPE_CHECKING:
    from ko_tui.backend.tracing.model import Endpoint

_TITLES = {
    "pod": "Pod", "attachment": "Attachment NIC", "vm": "KubeVirt VM", "node": "Node", "service": "Service",
    "address": "Address",
}  # fmt: skip


def endpoint_lines(endpoint: Endpoint) -> list[Line]:
    """Its own facts, as the annotations say them."""
    lines: list[Line] = [
        [(f"{_TITLES.get(endpoint.kind, endpoint.kind)} ", "dim"), (one_line(endpoint.key), "strong")]
    ]
    if endpoint.traceable:
        lines.append([(f"{glyphs().warn} {one_line(endpoint.traceable)}", "warn")])
    lines.append([("", "")])
    facts = {
        "VM": endpoint.vm if endpoint.vm != endpoint.name else "",
        "addresses": ", ".join(endpoint.ips),
        "MAC": endpoint.mac,
        "logical port": endpoint.lsp,
        "switch": endpoint.switch,
        "VPC (router)": endpoint.vpc,
        "gateway": endpoint.gateway,
        "subnet": endpoint.cidr,
        "VLAN": endpoint.vlan,
        "provider": endpoint.provider if endpoint.kind == "attachment" else "",
        "node": endpoint.node,
        "network": "the node's own (host network)" if endpoint.host_network else "",
        "state": endpoint.phase + ("" if endpoint.ready or endpoint.kind == "service" else ", not ready"),
        "restarts": str(endpoint.restarts) if endpoint.restarts else "",
        "UID": endpoint.uid,
    }
    for name, value in facts.items():
        if value.strip(", "):
            lines.append([(f"{name:<13} ", "dim"), (one_line(value), "")])
    for number, port in enumerate(endpoint.ports):
        lines.append([(f"{'' if number else 'ports':<13} ", "dim"), (one_line(port), "")])
    return lines


def row_lines(title: str, row: Mapping[str, Any]) -> list[Line]:
    """A database row: columns that hold something."""
    lines: list[Line] = [[("", "")], [(title, "head")]]
    for column, value in sorted(row.items()):
        if value in (None, "", (), {}, []):
            continue
        if isinstance(value, Mapping):
            shown = ", ".join(f"{k}={v}" for k, v in value.items())
        elif isinstance(value, tuple):
            shown = ", ".join(map(str, value))
        else:
            shown = str(value).lower() if isinstance(value, bool) else str(value)
        lines.append([(f"{column:<16} ", "dim"), (one_line(shown), "")])
    return lines

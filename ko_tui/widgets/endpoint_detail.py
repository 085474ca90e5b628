"""One endpoint in words: what Kube-OVN gave it and which rows stand for it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from ko_tui.visible import one_line
from ko_tui.widgets.glyphs import glyphs
from ko_tui.widgets.tones import Line

if TYPE_CHECKING:
    from ko_tui.backend.cluster.touching import Touch
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
        "gateway": ", ".join(endpoint.gateway.split(",")),
        "subnet": ", ".join(endpoint.cidr.split(",")),
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
    lines: list[Line] = [[(title, "dim")]] if title else []
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


def touch_lines(touches: Sequence[Touch], none: str) -> list[Line]:
    """Policies or Services, one a line; ``none`` when there are none."""
    if not touches:
        return [[(none, "dim")]]
    return [
        [(f"{touch.kind} ", "dim"), (one_line(touch.name), "name"), (f"  {one_line(touch.words)}", "")]
        for touch in touches
    ]


def annotation_lines(notes: Sequence[tuple[str, str]]) -> list[Line]:
    """Annotations with what they mean."""
    if not notes:
        return [[("Kube-OVN wrote no more than the facts above.", "dim")]]
    return [[(f"{one_line(key):<16} ", "dim"), (one_line(words), "")] for key, words in notes]


def interface_lines(rows: Sequence[Mapping[str, Any]], node: str) -> list[Line]:
    """The interface on the node: what says whether packets can pass, then its counters."""
    if not rows:
        return [[(f"No interface on {one_line(node)} carries this port: packets cannot reach it.", "bad")]]
    lines: list[Line] = []
    for row in rows:
        ofport = row.get("ofport")
        error = str(row.get("error") or "")
        link = str(row.get("link_state") or "unknown")
        well = not error and isinstance(ofport, int) and ofport > 0
        state = f"ofport {ofport if ofport is not None else 'none'}, link {link}"
        lines.append(
            [
                (f"{glyphs().ok if well else glyphs().bad} ", "good" if well else "bad"),
                (one_line(str(row.get("name", ""))), "strong"),
                (f"  {one_line(state)}", "" if link == "up" and well else "warn"),
                (f"  {one_line(str(row.get('type') or 'system'))}", "dim"),
                (f"  MTU {row['mtu']}" if row.get("mtu") else "", "dim"),
            ]
        )
        if error:
            lines.append([(f"  {one_line(error)}", "bad")])
        counters = row.get("statistics") or {}
        for way, title in (("rx", "from it"), ("tx", "to it")):
            packets, octets = counters.get(f"{way}_packets"), counters.get(f"{way}_bytes")
            if packets is None:
                continue
            lost = {
                word: counters.get(f"{way}_{word}", 0)
                for word in ("dropped", "errors")
                if counters.get(f"{way}_{word}", 0)
            }
            words = "".join(f", {count:,} {word}" for word, count in lost.items())
            lines.append(
                [
                    (f"  {title:<8} ", "dim"),
                    (f"{packets:,} packets, {octets or 0:,} bytes", ""),
                    (words, "warn"),
                ]
            )
    return lines

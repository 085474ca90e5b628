"""The southbound row behind a cookie that names no logical flow: a port, a learned address, a multicast group.

ovn-controller gives every flow that it makes from a row the first 32 bits of the row's UUID as cookie
(ovn-architecture(7); ovn controller/physical.c and controller/lflow.c).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from ko_tui.backend.ovn.table import Row

if TYPE_CHECKING:
    from ko_tui.backend.session import Session

# Table -> the columns that name a row of it to a person.
NAMED_BY: dict[str, tuple[str, ...]] = {
    "Port_Binding": ("logical_port",),
    "Multicast_Group": ("name", "datapath"),
    "MAC_Binding": ("logical_port", "ip", "mac"),
    "FDB": ("mac", "dp_key", "port_key"),
    "Load_Balancer": ("name",),
    "Chassis": ("hostname",),
}
MAX_AGE = 120.0  # seconds


def southbound_rows(session: Session) -> dict[str, str]:
    """Cookie (eight digits) -> the row in words, ``Port_Binding client.default``, of all tables but Logical_Flow."""
    names = {d.uuid: d.name for d in session.datapaths().value}
    found: dict[str, str] = {}
    for table, columns in NAMED_BY.items():
        for row in session.rows("sb", table, ("_uuid", *columns), max_age=MAX_AGE).value:
            found[str(row["_uuid"])[:8]] = f"{table} {_words(row, columns, names)}".rstrip()
    return found


def _words(row: Row, columns: tuple[str, ...], datapaths: dict[str, str]) -> str:
    said = []
    for column in columns:
        value = str(row.get(column) or "")
        if column == "datapath":
            value = f"of {datapaths[value]}" if value in datapaths else ""
        elif column in ("dp_key", "port_key"):
            value = f"{column} {value}"
        said.append(value)
    return " ".join(word for word in said if word)

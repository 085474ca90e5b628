"""The names in OVN's own databases, for redaction: some were given by hand and no Kubernetes object has them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal

from ko_tui.backend.errors import KoError

if TYPE_CHECKING:
    from ko_tui.backend.session import Session

COLUMNS: tuple[tuple[Literal["nb", "sb"], str, tuple[str, ...]], ...] = (
    *(
        ("nb", table, ("name",))
        for table in (
            "Logical_Switch", "Logical_Switch_Port", "Logical_Router", "Logical_Router_Port", "Load_Balancer",
            "Load_Balancer_Group", "Port_Group", "Address_Set", "ACL", "Meter", "Mirror", "Copp", "HA_Chassis_Group",
            "Forwarding_Group",
        )
    ),
    ("nb", "DNS", ("records",)),
    ("nb", "DHCP_Options", ("options",)),
    ("sb", "Chassis", ("name", "hostname")),
)  # fmt: skip
"""Where names stand (ovn-nb(5), ovn-sb(5)); of maps, the keys of ``records`` and the values of ``options``."""


def ovn_names(session: Session) -> list[str]:
    """Every name; tables that a release does not have are left out. What cannot be read raises ClusterError."""
    found: dict[str, None] = {}
    for database, table, columns in COLUMNS:
        try:
            rows = session.rows(database, table, columns).value
        except KoError:
            if table in ("Logical_Switch", "Logical_Switch_Port"):
                raise  # these every release has: without them nothing may be said to be redacted
            continue
        for row in rows:
            for column in columns:
                found.update(dict.fromkeys(_texts(column, row[column])))
    return list(found)


def _texts(column: str, value: Any) -> list[str]:
    if isinstance(value, dict):
        texts = [str(k) for k in value] if column == "records" else [str(v) for v in value.values()]
        return [text.strip("\"'{} ") for text in texts if not text.strip("\"'").isdigit()]
    if isinstance(value, list | tuple):
        return [str(item) for item in value]
    return [str(value)] if value else []

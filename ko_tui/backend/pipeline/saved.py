"""Logical flows of a saved southbound database, in the form that lflow-list gives them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from ko_tui.backend.ovn.flows import FlowStore
from ko_tui.backend.ovn.table import many

if TYPE_CHECKING:
    from ko_tui.backend.session import Session


def count_saved(session: Session) -> dict[str, int]:
    """Datapath UUID -> number of flows."""
    return count_in(_database(session))


def count_in(database: Any) -> dict[str, int]:
    """The same of contents that were fetched."""
    counts: Counter[str] = Counter()
    groups = _groups(database)
    for row in database.table("Logical_Flow").rows():
        counts.update(_datapaths(row, groups))
    return dict(counts)


def load_saved(session: Session, datapath: str) -> FlowStore:
    """The flows of one datapath (name or UUID)."""
    return load_from(_database(session), datapath)


def load_from(database: Any, datapath: str) -> FlowStore:
    """The same of contents that were fetched."""
    names = {
        str(row["_uuid"]): str((row["external_ids"] or {}).get("name", row["_uuid"]))
        for row in database.table("Datapath_Binding").rows()
    }
    wanted = {uuid for uuid, name in names.items() if datapath in (uuid, name)}
    groups = _groups(database)
    found: list[tuple[str, str, int, str, int, dict[str, Any]]] = []
    for row in database.table("Logical_Flow").rows():
        for uuid in wanted.intersection(_datapaths(row, groups)):
            stage = str((row["external_ids"] or {}).get("stage-name", ""))
            order = (uuid, "0" if row["pipeline"] == "ingress" else "1", int(row["table_id"]), stage)
            found.append((*order, -int(row["priority"]), row))
    found.sort(key=lambda item: (*item[:5], str(item[5]["match"])))
    store = FlowStore()
    store.feed("".join(_lines(found, names)).encode())
    store.finish()
    return store


def _lines(
    found: list[tuple[str, str, int, str, int, dict[str, Any]]], names: dict[str, str]
) -> Iterator[str]:
    place = ("", "")
    for uuid, pipeline, table, stage, priority, row in found:
        if (uuid, pipeline) != place:
            place = (uuid, pipeline)
            yield f'Datapath: "{names[uuid]}" ({uuid})  Pipeline: {"egress" if pipeline == "1" else "ingress"}\n'
        head = f"  uuid=0x{str(row['_uuid'])[:8]}, table={table:<2}({stage:<19}), priority={-priority:<5}"
        yield f"{head}, match=({row['match']}), action=({row['actions']})\n"


def _groups(database: Any) -> dict[str, tuple[str, ...]]:
    if "Logical_DP_Group" not in database.tables:
        return {}
    return {
        str(row["_uuid"]): tuple(str(u) for u in many(_plain(row["datapaths"])))
        for row in database.table("Logical_DP_Group").rows()
    }


def _datapaths(row: dict[str, Any], groups: dict[str, tuple[str, ...]]) -> Iterator[str]:
    for uuid in many(_plain(row["logical_datapath"])):
        yield str(uuid)
    for group in many(_plain(row.get("logical_dp_group"))):
        yield from groups.get(str(group), ())


def _plain(cell: Any) -> Any:
    return tuple(cell) if isinstance(cell, (list, set, frozenset)) else cell


def _database(session: Session) -> Any:
    return session.saved_southbound()

"""Ways from a flow to what is behind it: its logical flow in Pipeline, and the Kubernetes object as YAML."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ko_tui.backend.explain.model import ObjectRef
    from ko_tui.backend.session import Session
    from ko_tui.backend.source.interface import Cancel
    from ko_tui.screens.place import PlaceScreen

_METADATA = re.compile(r"\bmetadata=(0x[0-9a-f]+|\d+)")


def visit_logical(screen: PlaceScreen, match: str, stage: str, uuid: str) -> None:
    """Go to the logical flow ``uuid`` of ``stage``; the OpenFlow ``match`` tells the datapath by its metadata."""
    found = _METADATA.search(match)
    key = int(found[1], 0) if found is not None else -1

    def question(session: Session, _cancel: Cancel) -> str:
        kind = "router" if stage.startswith("lr_") else "switch"
        known = [d for d in session.datapaths().value if d.kind == kind]
        fits = [d.name for d in known if d.tunnel_key == key] or [d.name for d in known[:1]]
        return fits[0] if fits else ""

    def arrived(datapath: str) -> None:
        if not datapath:
            screen.tell("The datapath of this flow is not known.", "warn")
            return
        screen.app.run_worker(screen.visit("pipeline", f"{datapath} {stage} /{uuid}"), group="visit")

    screen.ask("jump", question, arrived, label="looking for its datapath")


def show_object(
    screen: PlaceScreen, find: Callable[[Session], ObjectRef | None], *, label: str = "finding the object"
) -> None:
    """Show the Kubernetes object behind what ``find`` finds as YAML; a northbound row alone is shown as that."""

    def question(session: Session, _cancel: Cancel) -> tuple[str, str] | None:
        from ko_tui.backend.cluster.manifest import manifest

        thing = find(session)
        return manifest(session, thing) if thing is not None else None

    def arrived(answer: tuple[str, str] | None) -> None:
        from ko_tui.screens.texts import TextScreen

        if answer is None:
            screen.tell("No object is named behind this flow: it is one that every datapath has.", "warn")
            return
        screen.app.push_screen(TextScreen(screen.mode, *answer))

    screen.ask("object-yaml", question, arrived, label=label)


def behind_flow(session: Session, uuid: str) -> ObjectRef | None:
    """The northbound row behind a logical flow, with its owners; None when OVN names none."""
    from ko_tui.backend.explain.owner import find_owner
    from ko_tui.backend.tracing.objects import SessionRows, stage_hints

    hint = stage_hints(session, [uuid]).get(uuid, "")
    return find_owner(hint, SessionRows(session)) if hint else None

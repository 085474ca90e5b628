"""The guide of the demo: a word at each place on the way to a first trace, in the message line."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from ko_tui.screens.place import PlaceScreen

Step = Literal["pods", "builder", "result"]
_WORDS: dict[Step, str] = {
    "pods": "Your first trace: the cursor is on default/client. Press t.",
    "builder": "Type dns, press Enter to take kube-dns, and Enter again to trace.",
    "result": "j and k walk the stages. Next, :trace default/server prod/api-6b9f7:80 and w",
}


def guide(place: PlaceScreen, step: Step) -> None:
    """Say what to do here, when this is the demo; each word is said until something else is."""
    session = place.ko.door.opened
    if session is not None and session.options.demo:
        place.tell(_WORDS[step], "accent")

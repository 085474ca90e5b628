"""From what is typed to the endpoint that is meant."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from ko_tui.widgets.choice_list import ChoiceItem

if TYPE_CHECKING:
    from ko_tui.backend.tracing.model import Endpoint

MOST = 60
LIKENESS = 70


class Matcher:
    """Endpoints by their key, and by parts of their name, address or node. Made in a thread: it reads them all."""

    def __init__(self, endpoints: Sequence[Endpoint] = ()) -> None:
        self.endpoints = endpoints
        self._by_key = {e.key: e for e in endpoints}
        self._hay = [f"{e.key} {' '.join(e.ips)} {e.node} {e.vm}".lower() for e in endpoints]

    def find(self, text: str, namespace: str = "default") -> Endpoint | None:
        """The endpoint that ``text`` names exactly, with or without its namespace."""
        text = text.strip()
        found = self._by_key.get(text) or self._by_key.get(f"{namespace}/{text}")
        if found is None and text.startswith("svc/") and text.count("/") == 1:
            found = self._by_key.get(f"svc/{namespace}/{text[4:]}")
        return found

    def items(self, typed: str, *, sources: bool) -> list[ChoiceItem]:
        """What could be meant, best first. ``sources``: only where a packet can start."""
        words = typed.lower().split()
        wanted = [i for i, hay in enumerate(self._hay) if all(w in hay for w in words)]
        if not wanted and words:
            from rapidfuzz import fuzz, process

            found = process.extract(
                " ".join(words), self._hay, scorer=fuzz.partial_ratio, limit=MOST, score_cutoff=LIKENESS
            )
            wanted = [index for _, _, index in found]
        chosen = []
        for index in wanted:
            endpoint = self.endpoints[index]
            if endpoint.kind == "service" and (sources or not endpoint.ips):
                continue
            if endpoint.traceable and endpoint.kind != "service":
                continue
            chosen.append(endpoint)
            if len(chosen) >= 2000:
                break
        if words:
            chosen.sort(key=lambda e: _rank(e, words[0]))
        return [_item(e) for e in chosen[:MOST]]


def _rank(endpoint: Endpoint, word: str) -> tuple[int, int]:
    name = endpoint.name.lower()
    if name == word or endpoint.key.lower() == word or word in endpoint.ips:
        return (0, len(name))
    if name.startswith(word) or endpoint.key.lower().startswith(word):
        return (1, len(name))
    return (2 if word in name else 3, len(name))


def _item(endpoint: Endpoint) -> ChoiceItem:
    kind = {"service": "Service", "node": "node", "vm": "VM", "attachment": "NIC"}.get(endpoint.kind, "")
    about = "  ".join(
        filter(None, [kind, ", ".join(endpoint.ips), endpoint.node if endpoint.kind != "node" else ""])
    )
    if endpoint.ports:
        about += "  " + ", ".join(p.split(" ")[0] for p in endpoint.ports)
    return ChoiceItem(endpoint.key, endpoint.key, about)

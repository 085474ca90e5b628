"""From what is typed to the endpoint that is meant."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from ko_tui.screens.trace_form import is_address
from ko_tui.widgets.choice_list import ChoiceItem

if TYPE_CHECKING:
    from ko_tui.backend.tracing.model import Endpoint

MOST = 60
MOST_RANKED = 2000
LIKENESS = 70


class Matcher:
    """Endpoints by their key, and by parts of their name, address or node. Made in a thread: it reads them all."""

    def __init__(self, endpoints: Sequence[Endpoint] = ()) -> None:
        self.endpoints = endpoints
        self._by_key = {e.key: e for e in endpoints}
        self._by_vm = {f"{e.namespace}/{e.vm}": e for e in endpoints if e.kind == "vm"}
        self._asked: tuple[str, bool] | None = None
        self._fit: list[Endpoint] = []  # the answer to what was asked last
        self._hay = [f"{e.key} {' '.join(e.ips)} {e.node} {e.vm}".lower() for e in endpoints]

    def find(self, text: str, namespace: str = "default") -> Endpoint | None:
        """The endpoint that ``text`` names exactly, with or without its namespace."""
        text = text.strip().removeprefix("pod/")
        if text.startswith(("svc/", "service/")):
            name = text.partition("/")[2]
            return self._by_key.get(f"svc/{name}" if "/" in name else f"svc/{namespace}/{name}")
        whole = text if "/" in text else f"{namespace}/{text}"
        return self._by_key.get(text) or self._by_key.get(whole) or self._by_vm.get(whole)

    def _may(self, index: int, sources: bool) -> bool:
        """A packet can start there (``sources``), or go there."""
        endpoint = self.endpoints[index]
        if endpoint.kind == "service":
            return not sources and bool(endpoint.ips)
        return not endpoint.traceable

    def fitting(self, typed: str, *, sources: bool) -> list[Endpoint]:
        """The endpoints that hold every word that was typed; a whole address means those that have it."""
        if self._asked == (typed, sources):
            return self._fit
        words = typed.lower().split()
        if len(words) == 1 and is_address(words[0]):
            found = [i for i, e in enumerate(self.endpoints) if words[0] in e.ips]
        else:
            found = [i for i, hay in enumerate(self._hay) if all(w in hay for w in words)]
        self._asked, self._fit = (typed, sources), [self.endpoints[i] for i in found if self._may(i, sources)]
        return self._fit

    def items(self, typed: str, *, sources: bool) -> list[ChoiceItem]:
        """What could be meant, best first. ``sources``: only where a packet can start."""
        words = typed.lower().split()
        chosen = self.fitting(typed, sources=sources)
        if not chosen and words:
            from rapidfuzz import fuzz, process

            found = process.extract(
                " ".join(words), self._hay, scorer=fuzz.partial_ratio, limit=MOST, score_cutoff=LIKENESS
            )
            chosen = [self.endpoints[i] for _, _, i in found if self._may(i, sources)]
        if words:
            chosen = sorted(chosen[:MOST_RANKED], key=lambda e: _rank(e, words[0]))
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

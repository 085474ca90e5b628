"""Names for completion, asked once a session: endpoints, nodes, switches, routers, contexts."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from ko_tui.backend.session import Session
    from ko_tui.backend.source.interface import Cancel


def node_names(session: Session, cancel: Cancel) -> list[str]:
    """The nodes of the cluster."""
    return [e.name for e in session.inventory(cancel=cancel).endpoints if e.kind == "node"]


def context_names(session: Session, _cancel: Cancel) -> list[str]:
    """The contexts of the kubeconfig that the session was opened with."""
    from ko_tui.backend.source.live import contexts

    return [c.name for c in contexts(session.options.kubeconfig or None)]


def datapath_names(session: Session, _cancel: Cancel) -> list[str]:
    """Its logical switches and routers."""
    return [d.name for d in session.datapaths().value]


def endpoint_names(session: Session, cancel: Cancel) -> list[str]:
    """Pods, NICs, VMs, nodes and Services, as one types them."""
    return [e.key for e in session.inventory(cancel=cancel).endpoints]


QUESTIONS: dict[str, Callable[[Session, Cancel], list[str]]] = {
    "endpoint": endpoint_names,
    "trace": endpoint_names,
    "node": node_names,
    "datapath": datapath_names,
    "context": context_names,
}


def learn(screen: Any, kind: str) -> None:
    """Have the names of a kind that a line is about to be completed with, unless they are known or were asked for.

    What cannot be had is not asked again: without it nothing is offered, and the places say what is wrong.
    """
    known: dict[str, list[str]] = screen.ko.known
    name = "endpoint" if kind == "trace" else kind
    asked: set[str] = screen.ko.names_asked
    if kind not in QUESTIONS or name in known or name in asked:
        return
    if kind == "context" and screen.ko.reopen is None:  # without a kubeconfig there is nothing to offer
        return
    asked.add(name)

    def arrived(names: list[str]) -> None:
        from ko_tui.widgets.prompt import PromptLine

        known[name] = names
        screen.query_one(PromptLine).offer_again()

    screen.ask(f"names-{name}", QUESTIONS[kind], arrived, failed=lambda _error: None)

"""Names for completion, asked once a session: nodes, switches, routers, contexts. For :meth:`Asking.ask`."""

from __future__ import annotations

from typing import TYPE_CHECKING

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

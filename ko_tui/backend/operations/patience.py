"""How long a node may keep the others waiting: all its questions together have a limit, and one that does not even
begin a command is not asked again."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, TypeVar

from ko_tui.backend.command.run import CommandRun
from ko_tui.backend.errors import ClusterError
from ko_tui.backend.source.interface import Cancel, ExecTimeout, PodRef

if TYPE_CHECKING:
    from ko_tui.backend.session import Session

T = TypeVar("T")
Ask = Callable[[PodRef, Sequence[str]], CommandRun]


class NodeSilent(ClusterError):
    """The node began no command before, and is not asked any more."""

    title = "The node does not answer"


def within(session: Session, node: str, total: float, each: float, cancel: Cancel | None = None) -> Ask:
    """Runs commands on one node: ``each`` seconds for one, ``total`` for all from now on. The function raises
    ExecTimeout when the time is over, and the errors of the source."""
    ends = time.monotonic() + total

    def over() -> ExecTimeout:
        return ExecTimeout(
            f"{node} took more than {total:g} s for its answers.", "See the load of that node."
        )

    def ask(pod: PodRef, argv: Sequence[str]) -> CommandRun:
        left = ends - time.monotonic()
        if left <= 0:
            raise over()
        try:
            return session.run(pod, argv, timeout=min(each, left), cancel=cancel)
        except ExecTimeout:
            if left >= each:
                raise
        raise over()

    return ask


class SilentNodes:
    """Remembers for one operation which nodes began no command. Safe from several threads."""

    def __init__(self) -> None:
        self._why: dict[str, str] = {}
        self._lock = threading.Lock()

    def ask(self, node: str, question: Callable[[], T]) -> T:
        """The answer of ``question``. Raises NodeSilent at once when that node did not begin one before."""
        with self._lock:
            why = self._why.get(node)
        if why is not None:
            raise NodeSilent(
                f"not asked any more: {why}", "See kubectl get node, and the kubelet of that node."
            )
        try:
            return question()
        except ExecTimeout as error:
            if not error.begun:
                with self._lock:
                    self._why[node] = error.what
            raise

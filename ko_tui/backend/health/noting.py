"""A session that writes down, as lines for a shell, what a look at the cluster runs in its pods."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from ko_tui.backend.cluster.leader import Database
from ko_tui.backend.cluster.rows import dump_argv, rows_argv
from ko_tui.backend.command.run import CommandRun, kubectl_line
from ko_tui.backend.errors import KoError
from ko_tui.backend.source.interface import PodRef

if TYPE_CHECKING:
    from ko_tui.backend.answers import Answer
    from ko_tui.backend.ovn.table import Row
    from ko_tui.backend.session import Session


class NotingSession:
    """Stands for ``session``; each command's line is in ``lines``, also when it failed: that one more than others."""

    def __init__(self, session: Session) -> None:
        self._session = session
        self.lines: set[str] = set()

    def __getattr__(self, name: str) -> Any:
        return getattr(self._session, name)

    def run(self, pod: PodRef, argv: Sequence[str], **options: Any) -> CommandRun:
        """See Session.run."""
        self.lines.add(kubectl_line(pod, tuple(argv)))
        return self._session.run(pod, argv, **options)

    def rows(
        self, database: Database, table: str, columns: Sequence[str] = (), **options: Any
    ) -> Answer[list[Row]]:
        """See Session.rows. They are the leader's; who leads is known when they have been had."""
        answer = self._session.rows(database, table, columns, **options)
        if self._session.live:
            try:
                leader = self._session.leader(database)
            except KoError:  # it has gone since
                return answer
            words = rows_argv(database, table, columns, (), "", leader_only=leader.certain)
            if leader.cut_off:
                words = dump_argv(database, table, columns)
            self.lines.add(kubectl_line(leader.pod, words))
        return answer

    def commands(self) -> list[str]:
        """In the order of the pods and their words; on a live cluster with what was asked of the API before."""
        if not self._session.live:
            return []
        namespace = self._session.namespace
        return [
            f"kubectl get -n {namespace} pods,deployments,daemonsets,leases,endpointslices -o yaml",
            "kubectl get nodes -o yaml",
            "kubectl get pods -A --field-selector status.phase=Pending",
            *sorted(self.lines),
        ]

"""The whole lab: a real OVN cluster, and the API in front of it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from tests.lab.api.runtime import Runtime
from tests.lab.central_pods import ClusterRuntime
from tests.lab.cluster import Lab, clean_stale
from tests.lab.handle import ApiOnlyLab
from tests.lab.leaders import Role


class RunningLab(ApiOnlyLab):
    """``with RunningLab() as lab:`` gives all of ApiOnlyLab, ``lab.cluster`` (the Lab: raft members, northd, ping),
    and leader labels that follow the real roles. Raises LabUnavailable where no cluster can run."""

    def __init__(self, directory: Path | None = None, *, port: int = 0) -> None:
        self.cluster = Lab(directory / "ovn" if directory else None)
        super().__init__(directory, port=port)

    def start(self) -> None:
        clean_stale()
        self.cluster.directory.mkdir(parents=True, exist_ok=True)
        self.cluster.start()
        super().start()

    def stop(self) -> None:
        try:
            super().stop()
        finally:
            self.cluster.stop()

    def _runtime(self) -> Runtime:
        return ClusterRuntime(self.cluster)

    def _leads(self, node: str) -> dict[Role, bool]:
        assert isinstance(self.runtime, ClusterRuntime)
        return self.runtime.leads(node)

    def _cluster_faults(self) -> dict[str, Callable[..., Any]]:
        cluster = self.cluster
        return {
            **super()._cluster_faults(),
            "kill_raft_member": cluster.kill_raft_member,
            "start_raft_member": cluster.start_raft_member,
            "stop_northd": cluster.stop_northd,
            "start_northd": cluster.start_northd,
            "pause_northd": cluster.pause_northd,
        }

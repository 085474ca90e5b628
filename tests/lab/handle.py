"""Labs as tests use them: an API alone here, and (``RunningLab``) an API in front of a real OVN cluster."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Callable
from pathlib import Path
from types import TracebackType
from typing import Any

from tests.lab import objects
from tests.lab.api import kubeconfig
from tests.lab.api.faults import Faults
from tests.lab.api.identity import MASTERS, User
from tests.lab.api.runtime import PlainRuntime, Runtime
from tests.lab.api.server import ApiServer, Audit
from tests.lab.leaders import LeaderLabels, Role
from tests.lab.topology import CONTROL, WORKER

TOKENS = {"admin-token-of-the-lab": User("admin", (MASTERS,)), "reader-token-of-the-lab": User("reader")}


class ApiOnlyLab:
    """The API with the lab's objects and no cluster: programs of exec run on this machine as they are.

    ``with ApiOnlyLab() as lab:`` gives ``lab.kubeconfig`` (contexts admin, admin-token, reader, noexec),
    ``lab.faults``, ``lab.labels`` (faults of leader labels), ``lab.server`` (its ``store`` and ``controllers``),
    ``lab.bin`` (programs put there are found first) and ``lab.environment()`` for kubectl. It starts in well
    under a second and needs no rights.
    """

    def __init__(self, directory: Path | None = None, *, port: int = 0, populate: bool = True) -> None:
        self._own_directory = directory is None
        self.directory = directory or Path(tempfile.mkdtemp(prefix="ko-lab-api-"))
        self.directory.mkdir(parents=True, exist_ok=True)
        self._port, self._populate = port, populate
        self.runtime = self._runtime()
        self.server = ApiServer(self.runtime, dict(TOKENS))
        # Where no cluster says it, these nodes lead.
        self.leading: dict[Role, str] = {"nb": CONTROL, "sb": WORKER, "northd": CONTROL}
        self.labels = LeaderLabels(self.server, self._leads)
        self.server.cluster_faults = self._cluster_faults()
        self.kubeconfig = self.directory / "kubeconfig"

    # -- life -------------------------------------------------------------------------------------------------

    def start(self) -> None:
        if self._populate:
            self.fill()
        self.server.start(self._port, *self._background())
        admin = kubeconfig.by_certificate(*self.server.authority.client("admin", (MASTERS,)))
        users = {
            "admin": admin,
            "admin-token": kubeconfig.by_token("admin-token-of-the-lab"),
            "reader": kubeconfig.by_token("reader-token-of-the-lab"),
            "noexec": kubeconfig.by_certificate(*self.server.authority.client("noexec")),
        }
        kubeconfig.write(self.kubeconfig, self.url, self.server.authority.certificate, users, "admin")

    def stop(self) -> None:
        self.server.stop()
        if self._own_directory:
            shutil.rmtree(self.directory, ignore_errors=True)

    def __enter__(self) -> ApiOnlyLab:
        try:
            self.start()
        except BaseException:
            self.stop()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    # -- what tests use ---------------------------------------------------------------------------------------

    @property
    def url(self) -> str:
        return self.server.url

    @property
    def faults(self) -> Faults:
        return self.server.faults

    @property
    def audit(self) -> list[Audit]:
        """The requests so far, oldest first."""
        return list(self.server.audit)

    @property
    def bin(self) -> Path:
        """Programs put here are found before the machine's own (API only)."""
        assert isinstance(self.runtime, PlainRuntime)
        return self.runtime.bin

    def environment(self, **more: str) -> dict[str, str]:
        """For kubectl and ko-tui as subprocesses: KUBECONFIG, and caches that no other lab shares."""
        kept = {
            k: v for k, v in os.environ.items() if not k.startswith(("KUBE", "HTTP", "HTTPS", "NO_PROXY"))
        }
        return {
            **kept, "KUBECONFIG": str(self.kubeconfig), "KUBECACHEDIR": str(self.directory / "kube-cache"), **more,
        }  # fmt: skip

    def get(self, kind: str, name: str, namespace: str = "") -> dict[str, Any]:
        """A copy of an object as it is now; ApiError when it is not there."""
        return self.server.store.get(self.server.catalogue.of(kind), namespace, name).object

    def patch(self, kind: str, name: str, namespace: str, change: Any) -> None:
        """Change an object: ``change`` edits a copy of it in place."""
        self.server.store.update(self.server.catalogue.of(kind), namespace, name, change)

    def fill(self) -> None:
        """Put the objects into the store, before the start."""
        objects.populate(self.server)
        self.labels.check()

    # -- for those made of it ---------------------------------------------------------------------------------

    def _runtime(self) -> Runtime:
        return PlainRuntime(self.directory)

    def _leads(self, node: str) -> dict[Role, bool]:
        return {role: leader == node for role, leader in self.leading.items()}

    def _background(self) -> list[Any]:
        return [self.labels.run]

    def _cluster_faults(self) -> dict[str, Callable[..., Any]]:
        """What POST /_lab/cluster may do, by name."""
        labels = self.labels
        return {
            "labels_freeze": labels.freeze,
            "labels_follow": labels.follow,
            "labels_missing": labels.missing,
            "labels_doubled": labels.doubled,
            "labels_moved": labels.moved,
            "labels_on_dead_pod": labels.on_dead_pod,
        }

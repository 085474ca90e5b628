"""Where the containers of pods really run: what the API needs to know of a cluster behind it."""

from __future__ import annotations

import os
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"


@dataclass(frozen=True, slots=True)
class Sandbox:
    """What stands behind a pod. ``name`` is the pod of the topology whose place it has, though the API may show
    a successor under another name; ``app`` is its label of that name."""

    namespace: str
    name: str
    app: str
    node: str
    host_network: bool
    subnet: str = ""  # as its annotation has it
    command: tuple[str, ...] = ()  # of its first container, arguments included
    port: int = 0  # of the readiness probe


class Runtime(Protocol):
    """Runs the pods. Methods may block; they are called in threads."""

    def exec_prefix(self, sandbox: Sandbox, container: str) -> list[str]:
        """The words before an argv that run it in the container. KeyError when there is no such place."""
        ...

    def directory(self, sandbox: Sandbox, container: str) -> str:
        """The working directory, as seen before the prefix applies."""
        ...

    def log_file(self, sandbox: Sandbox, container: str) -> Path | None:
        """The file with the container's log; None when none is kept."""
        ...

    def stop_pod(self, sandbox: Sandbox) -> None:
        """The pod was deleted: end what runs in it."""
        ...

    def start_pod(self, sandbox: Sandbox) -> dict[str, str]:
        """A pod takes this place, perhaps again: start what runs in it; gives annotations for it."""
        ...

    def serve(self, service: str, protocol: str, vips: dict[str, list[str]]) -> None:
        """Forward ``address:port`` to others for a Service that was made; with none, forget it."""
        ...


class PlainRuntime:
    """No containers: programs run as they are on this machine, each pod in a directory of its own.

    ``bin`` in the lab's directory comes first in PATH, so that tests may put programs there.
    """

    def __init__(self, directory: Path | None = None) -> None:
        self.base = directory or Path(tempfile.mkdtemp(prefix="ko-lab-api-"))
        self.bin = self.base / "bin"
        self.bin.mkdir(parents=True, exist_ok=True)
        self.stopped: list[Sandbox] = []
        self.started: list[Sandbox] = []

    def exec_prefix(self, sandbox: Sandbox, container: str) -> list[str]:
        return ["env", f"PATH={self.bin}{os.pathsep}{PATH}"]

    def directory(self, sandbox: Sandbox, container: str) -> str:
        place = self.base / "pods" / sandbox.namespace / sandbox.name
        place.mkdir(parents=True, exist_ok=True)
        return str(place)

    def log_file(self, sandbox: Sandbox, container: str) -> Path | None:
        file = self.base / "logs" / sandbox.namespace / f"{sandbox.name}.{container}.log"
        return file if file.exists() else None

    def stop_pod(self, sandbox: Sandbox) -> None:
        self.stopped.append(sandbox)

    def start_pod(self, sandbox: Sandbox) -> dict[str, str]:
        self.started.append(sandbox)
        return {}

    def serve(self, service: str, protocol: str, vips: dict[str, list[str]]) -> None:
        """Nothing is behind the addresses here."""

"""What is behind a line of the pods: its object as YAML, and the commands that show the same."""

from __future__ import annotations

import shlex
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from ko_tui.backend.explain.model import ObjectRef
    from ko_tui.backend.tracing.model import Endpoint

_KINDS = {"node": "Node", "service": "Service"}  # all others are pods, or NICs of pods


def _object(endpoint: Endpoint) -> ObjectRef:
    from ko_tui.backend.explain.model import ObjectRef

    return ObjectRef(_KINDS.get(endpoint.kind, "Pod"), endpoint.name, namespace=endpoint.namespace)


def commands_behind(endpoint: Endpoint | None) -> list[str]:
    """Lines for a shell: the lists, and what the details of this line were drawn from."""
    listed = [f"kubectl get {kind} -A -o wide" for kind in ("pods", "nodes", "services")]
    if endpoint is None:
        return listed
    where = ["-n", endpoint.namespace] if endpoint.namespace else []
    kind = _KINDS.get(endpoint.kind, "Pod").lower()
    found = [shlex.join(["kubectl", "get", kind, *where, endpoint.name, "-o", "yaml"])]
    if endpoint.lsp:
        found += [
            shlex.join(["kubectl", "ko", "nbctl", "find", "Logical_Switch_Port", f'name="{endpoint.lsp}"']),
            shlex.join(["kubectl", "ko", "sbctl", "find", "Port_Binding", f'logical_port="{endpoint.lsp}"']),
        ]
    return [*found, *listed]


class Behind:
    """Mixed into the pods screen."""

    def exact_commands(self: Any) -> list[str]:
        session = self.ko.door.opened
        return commands_behind(self.table.current) if session is not None and session.live else []

    def action_raw(self: Any) -> None:
        """The object of the chosen line as YAML."""
        from ko_tui.screens.jumps import show_object

        endpoint = self._chosen()
        if endpoint is not None:
            thing = _object(endpoint)
            show_object(self, lambda _session: thing, label=f"reading {endpoint.key}")

"""Services that were made through the API: their ready pods are looked for, and forwarded to."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.lab.api.store import at

if TYPE_CHECKING:
    from tests.lab.api.controllers import Controllers


class Services:
    """``made`` names the Services that clients have made; those of the topology are in the databases already."""

    def __init__(self, controllers: Controllers) -> None:
        self._controllers = controllers
        self.made: set[tuple[str, str]] = set()
        self._told: dict[tuple[str, str, str], dict[str, list[str]]] = {}

    def reconcile(self) -> None:
        """Tell the runtime what has changed; blocks while it does it."""
        store, kind = self._controllers.store, self._controllers.catalogue.of("Service")
        for namespace, name in list(self.made):
            entry = store.find(kind, namespace, name)
            spec = entry.object["spec"] if entry is not None else {}
            for protocol in ("tcp", "udp"):
                vips: dict[str, list[str]] = {}
                for port in spec.get("ports") or []:
                    if port.get("protocol", "TCP").lower() == protocol:
                        target = port.get("targetPort", port["port"])
                        backends = [f"{ip}:{target}" for ip in self._backends(namespace, spec)]
                        vips[f"{spec['clusterIP']}:{port['port']}"] = backends
                key = (namespace, name, protocol)
                if self._told.get(key, {}) != vips:
                    self._controllers.runtime.serve(f"{name}.{namespace}", protocol, vips)
                    self._told[key] = vips
            if entry is None:
                self.made.discard((namespace, name))

    def _backends(self, namespace: str, spec: dict[str, dict[str, str]]) -> list[str]:
        wanted = (spec.get("selector") or {}).items()
        pods = self._controllers.store.all(self._controllers.pods, namespace)[0] if wanted else []
        found = [at(p.object, "status.podIP") for p in pods if wanted <= p.labels.items()]
        return [ip for ip in found if ip]

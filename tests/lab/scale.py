"""The API of a large cluster: made nodes with their parts of Kube-OVN, and made pods, beside the lab's own objects."""

from __future__ import annotations

import copy
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from tests.lab.handle import ApiOnlyLab
from tests.lab.topology import NAMESPACE, WORKER

PARTS = ("ovs-ovn", "kube-ovn-cni")
Object = dict[str, Any]


class ScaleLab(ApiOnlyLab):
    """``ScaleLab(50_000, 1_000)``: so many pods and nodes more than the lab has. Exec runs this machine's programs."""

    def __init__(self, pods: int, nodes: int, directory: Path | None = None, *, port: int = 0) -> None:
        super().__init__(directory, port=port)
        self._pods, self._nodes = pods, nodes

    def fill(self) -> None:
        super().fill()
        store, kinds = self.server.store, self.server.catalogue
        store.load(kinds.of("Node"), self._made_nodes())
        store.load(kinds.of("Pod"), self._made_parts())
        store.load(kinds.of("Pod"), self._made_pods())

    def _made_nodes(self) -> Iterator[Object]:
        pattern = self.get("Node", WORKER)
        for number in range(self._nodes):
            item = _copy(pattern, node_name(number))
            item["status"]["addresses"] = [{"type": "InternalIP", "address": node_ip(number)}]
            notes = item["metadata"].get("annotations") or {}
            notes["ovn.kubernetes.io/ip_address"] = f"100.64.{number // 200 + 1}.{number % 200 + 2}"
            notes["ovn.kubernetes.io/port_name"] = f"node-{node_name(number)}"
            yield item

    def _made_parts(self) -> Iterator[Object]:
        pods = self.server.store.all(self.server.catalogue.of("Pod"))[0]
        for part in PARTS:
            pattern = next(
                entry.object
                for entry in pods
                if entry.namespace == NAMESPACE and entry.name.startswith(f"{part}-")
            )
            for number in range(self._nodes):
                yield _placed(_copy(pattern, f"{part}-{number:04d}"), number, node_ip(number))

    def _made_pods(self) -> Iterator[Object]:
        pattern = self.get("Pod", "client", "default")
        for number in range(self._pods):
            address = f"10.{64 + number // 65536}.{number // 256 % 256}.{number % 256}"
            name = f"load-{number % 97:02d}-{number:05d}"
            item = _placed(_copy(pattern, name), number % max(1, self._nodes), address)
            item["metadata"]["namespace"] = f"team-{number % 40:02d}"
            item["metadata"]["annotations"]["ovn.kubernetes.io/ip_address"] = address
            yield item


def node_name(number: int) -> str:
    return f"node-{number:04d}"


def node_ip(number: int) -> str:
    return f"172.19.{number // 200}.{number % 200 + 2}"


def _copy(pattern: Object, name: str) -> Object:
    item: Object = copy.deepcopy(pattern)
    item["metadata"] |= {"name": name, "uid": str(uuid.uuid4())}
    item["metadata"].pop("resourceVersion", None)
    return item


def _placed(pod: Object, number: int, address: str) -> Object:
    pod["spec"]["nodeName"] = node_name(number)
    pod["status"] |= {"hostIP": node_ip(number), "podIP": address, "podIPs": [{"ip": address}]}
    return pod

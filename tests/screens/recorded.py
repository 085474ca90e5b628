"""A cluster for the screens: the databases of a real one, Kubernetes objects made from them, and the answers that its
own ovn-trace gave. It goes through the same door as a live one."""

from __future__ import annotations

import json
import re
import tarfile
import threading
from collections.abc import Callable, Iterator, Sequence
from functools import cache
from pathlib import Path
from typing import Any, Literal

import msgspec

from ko_tui.backend.ovn.table import many
from ko_tui.backend.session import Session, SessionOptions
from ko_tui.backend.source.interface import (
    Cancel,
    ExecCancelled,
    ExecResult,
    Listing,
    NotFound,
    PodRef,
    Resource,
    SourceInfo,
    WatchEvent,
)
from ko_tui.backend.source.objects import KubeObject
from ko_tui.backend.source.ovsdb_file import Database, loads

ARCHIVE = Path(__file__).parent.parent / "fixtures" / "simulate" / "db-25.03.3.tar.xz"
NODES = ("kube-ovn-control-plane", "kube-ovn-worker", "kube-ovn-worker2")
CLIENT = "default/client-7c6f9d5b8-k2m4n"
_FACT = re.compile(r'(inport|ip[46]\.dst|(?:tcp|udp|icmp4)\.(?:dst|type)|arp\.tpa) == "?([^" &]+)')


@cache
def recording() -> tuple[dict[str, Database], list[dict[str, Any]]]:
    """The databases and the traces."""
    databases, traces = {}, []
    with tarfile.open(ARCHIVE) as archive:
        for member in archive:
            stream = archive.extractfile(member)
            if stream is None:
                continue
            content = stream.read()
            if member.name.endswith("nb.db"):
                databases["nb"] = loads(content, "ovnnb.db")
            elif member.name.endswith("sb.db"):
                databases["sb"] = loads(content, "ovnsb.db")
            else:
                traces = [json.loads(line) for line in content.splitlines()]
    return databases, traces


def facts_of(microflow: str) -> frozenset[tuple[str, str]]:
    return frozenset(_FACT.findall(microflow))


@cache
def answers() -> dict[frozenset[tuple[str, str]], str]:
    """What ovn-trace printed, by the facts of the packet."""
    found: dict[frozenset[tuple[str, str]], str] = {}
    for trace in recording()[1]:
        if trace["exit_code"] == 0:
            found.setdefault(facts_of(trace["argv"][-1]), trace["stdout"])
    return found


def kube(**parts: Any) -> KubeObject:
    return msgspec.convert(parts, KubeObject)


@cache
def objects(more_pods: int = 0) -> dict[str, list[KubeObject]]:
    """Nodes, pods and Services that fit the databases; ``more_pods`` that are only there to be many."""
    northbound = recording()[0]["nb"]
    switches = {
        str(port): str(row["name"])
        for row in northbound.find("Logical_Switch", ("name", "ports"), (), "")
        for port in many(row["ports"])
    }
    pods = []
    for number, row in enumerate(
        northbound.find("Logical_Switch_Port", ("_uuid", "name", "addresses", "external_ids"), (), "")
    ):
        place = dict(row["external_ids"] or {}).get("pod", "")
        addresses = [a for a in many(row["addresses"]) if " " in str(a)]
        if not place or not addresses:
            continue
        namespace, _, name = place.partition("/")
        if str(row["name"]) != f"{name}.{namespace}":
            continue
        mac, *ips = str(addresses[0]).split()
        pods.append(_pod(namespace, name, mac, ips, switches.get(str(row["_uuid"]), ""), NODES[number % 3]))
    for node in NODES:
        pods.append(_part("ovn-central", node, **{"ovn-nb-leader": "true", "ovn-sb-leader": "true"}))
        pods.append(_part("ovs", node))
    for number in range(more_pods):
        ip = f"10.{64 + number // 65536}.{number // 256 % 256}.{number % 256}"
        mac = f"00:00:00:{number >> 16:02x}:{number >> 8 & 255:02x}:{number & 255:02x}"
        name = f"load-{number % 97:02d}-{number:05d}"
        pods.append(_pod(f"team-{number % 40:02d}", name, mac, [ip], "ovn-default", NODES[number % 3]))
    pods.append(hostile_pod())
    return {"pods": pods, "nodes": [_node(n, i) for i, n in enumerate(NODES)], "services": services()}


def _pod(namespace: str, name: str, mac: str, ips: Sequence[str], switch: str, node: str) -> KubeObject:
    notes = {
        "ovn.kubernetes.io/allocated": "true",
        "ovn.kubernetes.io/ip_address": ",".join(ips),
        "ovn.kubernetes.io/mac_address": mac,
        "ovn.kubernetes.io/logical_switch": switch,
        "ovn.kubernetes.io/logical_router": "ovn-cluster",
        "ovn.kubernetes.io/cidr": "10.16.0.0/16,fd00:10:16::/64" if switch == "ovn-default" else "",
        "ovn.kubernetes.io/gateway": "10.16.0.1,fd00:10:16::1" if switch == "ovn-default" else "",
    }
    return kube(
        metadata={
            "name": name,
            "namespace": namespace,
            "uid": f"uid-{namespace}-{name}",
            "annotations": notes,
        },
        spec={"nodeName": node},
        status={"phase": "Running", "podIPs": [{"ip": ip} for ip in ips]},
    )


def hostile_pod() -> KubeObject:
    """Names that the API would refuse may still come from elsewhere; annotations may hold anything."""
    return _pod(
        "[/foo]",
        "[red]\x1b[31mعربى中文" + "x" * 280,
        "00:00:00:00:00:01",
        ["10.16.9.9"],
        "ovn-default",
        NODES[0],
    )


def _part(app: str, node: str, **labels: str) -> KubeObject:
    leads = node == NODES[0]
    return kube(
        metadata={
            "name": f"{app}-{node[-7:]}",
            "namespace": "kube-system",
            "labels": {"app": app, **(labels if leads else {})},
        },
        spec={"nodeName": node, "hostNetwork": True},
        status={"phase": "Running", "podIPs": [{"ip": "172.18.0.2"}]},
    )


def _node(name: str, number: int) -> KubeObject:
    notes = {
        "ovn.kubernetes.io/ip_address": f"100.64.0.{number + 2}",
        "ovn.kubernetes.io/mac_address": f"42:08:e5:08:0c:d{number}",
        "ovn.kubernetes.io/logical_switch": "join",
        "ovn.kubernetes.io/cidr": "100.64.0.0/16",
        "ovn.kubernetes.io/port_name": f"node-{name}",
    }
    return kube(
        metadata={"name": name, "annotations": notes},
        status={
            "addresses": [{"type": "InternalIP", "address": f"172.18.0.{number + 2}"}],
            "conditions": [{"type": "Ready", "status": "True"}],
        },
    )


def services() -> list[KubeObject]:
    def one(namespace: str, name: str, ip: str, *ports: tuple[str, int, str]) -> KubeObject:
        spec = [{"name": n, "port": p, "protocol": proto, "targetPort": p} for n, p, proto in ports]
        return kube(
            metadata={"name": name, "namespace": namespace},
            spec={"clusterIP": ip, "clusterIPs": [ip], "ports": spec, "type": "ClusterIP"},
        )

    return [
        one("kube-system", "kube-dns", "10.96.0.10", ("dns", 53, "UDP"), ("dns-tcp", 53, "TCP")),
        one("default", "web", "10.96.99.10", ("http", 80, "TCP")),
        one("default", "kubernetes", "10.96.0.1", ("https", 443, "TCP")),
    ]


class Recorded:
    """A source. ``broken`` is raised by lists while it is set; ``hold`` keeps execs waiting until it is set."""

    capabilities = frozenset({"exec", "watch", "logs"})

    def __init__(self, more_pods: int = 0, kind: Literal["live", "snapshot"] = "live") -> None:
        self.info = SourceInfo(kind, "lab", "lab", "https://127.0.0.1:6443", "oncall", "default")
        self.objects = objects(more_pods)
        self.broken: Exception | None = None
        self.hold: threading.Event | None = None
        self.ran: list[tuple[str, ...]] = []

    def database(self, name: str) -> Database:
        return recording()[0][name]

    def list(
        self,
        resource: Resource,
        *,
        namespace: str | None = None,
        label_selector: str = "",
        field_selector: str = "",
        cancel: Cancel | None = None,
        on_page: Callable[[Sequence[KubeObject]], None] | None = None,
        whole: bool = True,
    ) -> Listing:
        if self.broken is not None:
            raise self.broken
        items = [o for o in self.objects.get(resource.plural, []) if namespace in (None, o.namespace)]
        if label_selector:
            name, _, wanted = label_selector.partition("=")
            items = [o for o in items if o.labels.get(name) == wanted or f"({wanted}" in label_selector]
            if " in (" in label_selector:
                key, _, rest = label_selector.partition(" in (")
                allowed = rest.rstrip(")").split(",")
                items = [o for o in self.objects.get(resource.plural, []) if o.labels.get(key) in allowed]
        if field_selector.startswith("status.podIP="):
            wanted = field_selector.partition("=")[2]
            items = [o for o in items if wanted in [p["ip"] for p in o.status.get("podIPs", [])]]
        if on_page is not None:
            on_page(items)
        return Listing(items)

    def get(self, resource: Resource, namespace: str, name: str) -> KubeObject:
        for item in self.objects.get(resource.plural, []):
            if item.name == name and item.namespace == namespace:
                return item
        raise NotFound(f"{resource.plural} {name!r} not found.")

    def watch(self, resource: Resource, **_: Any) -> Iterator[WatchEvent]:
        return iter(())

    def exec(
        self,
        pod: PodRef,
        argv: Sequence[str],
        *,
        stdin: bytes = b"",
        timeout: float = 30.0,
        cancel: Cancel | None = None,
        on_stdout: Callable[[bytes], None] | None = None,
        on_stderr: Callable[[bytes], None] | None = None,
        max_output: int = 0,
    ) -> ExecResult:
        words = tuple(argv)
        self.ran.append(words)
        while self.hold is not None and not self.hold.wait(0.02):
            if cancel is not None and cancel.cancelled:
                raise ExecCancelled("It was cancelled.")
        out = self.answer(words).encode()
        if on_stdout is not None:
            on_stdout(out)
            out = b""
        return ExecResult(out, b"", 0, 12.0)

    def answer(self, words: tuple[str, ...]) -> str:
        if "ovn-trace" in words:
            return answers().get(facts_of(words[-1]), "ovn-trace: no answer was recorded for this packet\n")
        if "cluster/status" in words:
            return "Name: OVN_Southbound\nRole: leader\nTerm: 3\nLeader: self\n"
        if "show" in words:
            return "switch 6f2c (ovn-default)\n    port [red]client\x1b[31m\n" * 3
        return ""

    def logs(self, pod: PodRef, **_: Any) -> bytes:
        return b""

    def may(self, verb: str, resource: Resource, **_: Any) -> bool:
        return verb in ("get", "list", "watch")

    def close(self) -> None:
        return


def open_recorded(more_pods: int = 0, kind: Literal["live", "snapshot"] = "live") -> Session:
    return Session(Recorded(more_pods, kind), SessionOptions(namespace="kube-system"))  # type: ignore[arg-type]

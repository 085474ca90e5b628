"""What a person asks to be traced, what that was resolved to, and what came of it."""

from __future__ import annotations

import shlex
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal, get_args

from ko_tui.backend.packet import DEFAULT_TTL, TCP_SYN, Packet, Protocol

if TYPE_CHECKING:
    from ko_tui.backend.command.run import CommandRun
    from ko_tui.backend.explain.model import ExplainedTrace
    from ko_tui.backend.tracing.datapath_model import DatapathTrace

EndpointKind = Literal["pod", "attachment", "vm", "node", "service", "address"]
Engine = Literal["ovn-trace", "local", "both"]
ENGINES: tuple[Engine, ...] = get_args(Engine)


@dataclass(frozen=True, slots=True)
class Endpoint:
    """One place a packet can start from or go to, as a row of the inventory.

    A VM is one endpoint (its pod's name is ``name``, the VM's ``vm``); a NIC from a network attachment is an
    endpoint of its own with ``provider`` set. ``traceable`` is empty, or the reason why no trace can start here.
    """

    kind: EndpointKind
    name: str
    namespace: str = ""
    ips: tuple[str, ...] = ()
    mac: str = ""
    switch: str = ""
    vpc: str = ""
    node: str = ""
    phase: str = ""
    lsp: str = ""
    provider: str = "ovn"
    vm: str = ""
    host_network: bool = False
    gateway: str = ""
    cidr: str = ""
    vlan: str = ""
    ready: bool = False
    restarts: int = 0
    uid: str = ""
    traceable: str = ""
    ports: tuple[str, ...] = ()  # of a Service: "80/TCP -> 8080 (http)"
    security_groups: tuple[str, ...] = ()

    @property
    def key(self) -> str:
        """How a person types it: ``default/client``, ``node//worker``, ``svc/kube-system/kube-dns``."""
        if self.kind == "node":
            return f"node//{self.name}"
        if self.kind == "service":
            return f"svc/{self.namespace}/{self.name}"
        if self.kind == "address":
            return self.name
        suffix = f"@{self.provider}" if self.kind == "attachment" else ""
        return f"{self.namespace}/{self.name}{suffix}"

    def ip(self, family: int) -> str:
        """The first address of a family (4 or 6), or ""."""
        return next((ip for ip in self.ips if (":" in ip) == (family == 6)), "")


@dataclass(frozen=True, slots=True)
class Inventory:
    """Pods, their NICs, VMs, nodes and Services. ``taken_at`` is time.time() seconds of the oldest part."""

    endpoints: tuple[Endpoint, ...]
    taken_at: float
    complete: bool = True
    problems: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class TraceRequest:
    """What was asked. Empty means "choose for me"; the plan says what was chosen and why.

    ``source``: ``ns/pod``, ``ns/pod@provider``, ``node//name``. ``destination``: an address, ``ns/pod``,
    ``svc/ns/name``, ``node//name``. ``backend`` is ``ip[:port]``, one of a Service's endpoints.
    """

    source: str
    destination: str
    protocol: Protocol = Protocol.ICMP
    dst_port: int = 0
    src_port: int = 0
    dst_mac: str = ""
    family: int = 0
    ttl: int = DEFAULT_TTL
    tcp_flags: int = TCP_SYN
    ct: tuple[str, ...] = ()
    backend: str = ""
    port_name: str = ""  # a Service port by name
    src_ip: str = ""  # another source address than the endpoint's own (a spoofed packet, a secondary address)
    src_mac: str = ""
    namespace: str = "default"  # for names without one
    engine: Engine = "ovn-trace"
    select_id: int = 0  # the member that select() takes (ECMP); 0: as ovn-trace chooses

    def line(self) -> str:
        """The whole packet in one line, ``default/client -> svc/web:80 tcp ttl=1``, as ``parse_line`` reads it."""
        port = f":{self.dst_port or self.port_name}" if (self.dst_port or self.port_name) else ""
        destination = f"[{self.destination}]" if port and ":" in self.destination else self.destination
        settings = {
            "src-port": self.src_port or "",
            "src-ip": self.src_ip,
            "src-mac": self.src_mac,
            "ttl": self.ttl if self.ttl != DEFAULT_TTL else "",
            "tcp-flags": hex(self.tcp_flags) if self.tcp_flags != TCP_SYN else "",
            "ct": ";".join(self.ct),
            "backend": self.backend,
            "family": self.family or "",
            "select-id": self.select_id or "",
        }
        words = [self.source, "->", f"{destination}{port}", self.dst_mac, str(self.protocol)]
        words += [f"{name}={shlex.quote(str(value))}" for name, value in settings.items() if value != ""]
        return " ".join(filter(None, words))


@dataclass(frozen=True, slots=True)
class Reason:
    """Why a part of the packet is what it is: ``field`` as shown (``dst MAC``), ``value``, ``why`` a sentence."""

    field: str
    value: str
    why: str


@dataclass(frozen=True, slots=True)
class TracePlan:
    """A request resolved against the cluster: the packet and the commands that will trace it."""

    request: TraceRequest
    packet: Packet
    source: Endpoint
    destination: Endpoint
    ovn_trace: tuple[str, ...]  # the argv of ovn-trace
    reasons: tuple[Reason, ...] = ()
    warnings: tuple[str, ...] = ()
    commands: tuple[CommandRun, ...] = ()  # what ran to resolve it
    lb_dst: str = ""  # --lb-dst
    select_id: int = 0  # --select-id


@dataclass(frozen=True, slots=True)
class TraceResult:
    """A finished trace with its explanation and everything that ran for it."""

    plan: TracePlan
    explained: ExplainedTrace
    commands: tuple[CommandRun, ...]
    duration_ms: float
    engine: Engine = "ovn-trace"
    differences: tuple[str, ...] = field(default=())  # engine "both": where the two disagree
    datapath: DatapathTrace | None = (
        None  # the same packet through the nodes' OpenFlow, when that was asked for
    )

"""What the lab consists of: nodes, subnets, pods, Services and policies, named and numbered as Kube-OVN does it.

The OVN databases (``northbound.py``), the pods' network namespaces (``cluster.py``) and the Kubernetes objects are all
made from these declarations. Names, external_ids and priorities: kube-ovn pkg/util/const.go and pkg/controller.
"""

from __future__ import annotations

import zlib
from dataclasses import dataclass, field
from typing import Literal

DEFAULT_VPC = "ovn-cluster"
NAMESPACE = "kube-system"
IMAGE = "docker.io/kubeovn/kube-ovn:v1.12.22"

PodKind = Literal["normal", "statefulset", "host", "vm", "pending", "completed", "hostile"]


def mac(text: str) -> str:
    """A MAC address of the kind Kube-OVN gives, the same for the same text each time."""
    value = zlib.crc32(text.encode()) & 0xFFFFFF
    return f"00:00:00:{value >> 16:02x}:{value >> 8 & 255:02x}:{value & 255:02x}"


@dataclass(frozen=True)
class Node:
    name: str
    ip: str
    join4: str
    join6: str
    chassis: str

    @property
    def lsp(self) -> str:
        return f"node-{self.name}"

    @property
    def mac(self) -> str:
        return mac(self.lsp)

    @property
    def short(self) -> str:
        """One letter for names of devices: c, w, x."""
        return {"kube-ovn-control-plane": "c", "kube-ovn-worker": "w", "kube-ovn-worker2": "x"}[self.name]


@dataclass(frozen=True)
class Subnet:
    name: str
    cidrs: tuple[str, ...]
    gateways: tuple[str, ...]
    vpc: str = DEFAULT_VPC
    vlan: int = 0  # an underlay subnet of the provider network when not 0
    provider: str = "ovn"
    dhcp: bool = False
    localnet: str = ""  # physical network name
    outside: bool = False  # its pods leave the cluster through the external switch

    @property
    def lrp(self) -> str:
        return f"{self.vpc}-{self.name}"

    @property
    def lrp_lsp(self) -> str:
        return f"{self.name}-{self.vpc}"

    @property
    def router_mac(self) -> str:
        return mac(self.lrp)

    @property
    def underlay(self) -> bool:
        return bool(self.vlan)


@dataclass(frozen=True)
class Nic:
    """A network attachment: the second NIC of a pod."""

    nad: str
    namespace: str
    subnet: str
    ips: tuple[str, ...]
    interface: str = "net1"

    @property
    def provider(self) -> str:
        return f"{self.nad}.{self.namespace}.ovn"


@dataclass(frozen=True)
class Pod:
    name: str
    namespace: str
    node: str
    subnet: str = "ovn-default"
    ips: tuple[str, ...] = ()
    kind: PodKind = "normal"
    vm: str = ""  # the VM's name when this is its virt-launcher pod
    labels: dict[str, str] = field(default_factory=dict)
    nics: tuple[Nic, ...] = ()
    security_groups: tuple[str, ...] = ()

    @property
    def key(self) -> str:
        return f"{self.namespace}/{self.name}"

    @property
    def lsp(self) -> str:
        return f"{self.vm or self.name}.{self.namespace}"

    @property
    def mac(self) -> str:
        return mac(self.lsp)

    @property
    def real(self) -> bool:
        """Does it have a network namespace and a port?"""
        return self.kind not in ("host", "pending", "completed")

    def nic_lsp(self, nic: Nic) -> str:
        return f"{self.lsp}.{nic.provider}"

    def nic_mac(self, nic: Nic) -> str:
        return mac(self.nic_lsp(nic))


@dataclass(frozen=True)
class ServicePort:
    name: str
    protocol: Literal["TCP", "UDP"]
    port: int
    target: int


@dataclass(frozen=True)
class Service:
    name: str
    namespace: str
    ips: tuple[str, ...]
    ports: tuple[ServicePort, ...]
    backends: tuple[str, ...]  # pods by key
    selector: dict[str, str] = field(default_factory=dict)
    session: bool = False  # a client keeps its backend


@dataclass(frozen=True)
class NetworkPolicy:
    """One that lets one port in from some pods, and nothing else."""

    name: str
    namespace: str
    pods: dict[str, str]  # labels of the pods it is about
    peer_namespace: str
    peers: dict[str, str]
    protocol: Literal["TCP", "UDP"]
    port: int


@dataclass(frozen=True)
class SecurityRule:
    priority: int
    protocol: Literal["icmp", "tcp", "udp", "all"]
    remote: str  # CIDR
    ports: tuple[int, int] = (0, 0)


@dataclass(frozen=True)
class SecurityGroup:
    name: str
    ingress: tuple[SecurityRule, ...]
    egress: tuple[SecurityRule, ...]


NODES = (
    Node(
        "kube-ovn-control-plane",
        "172.18.0.2",
        "100.64.0.2",
        "fd00:100:64::2",
        "a35a4e70-4b8f-4f1c-9a58-0c4f4f5a0001",
    ),
    Node(
        "kube-ovn-worker",
        "172.18.0.3",
        "100.64.0.3",
        "fd00:100:64::3",
        "5d1f3c0e-93a1-4c60-8a7e-0c4f4f5a0002",
    ),
    Node(
        "kube-ovn-worker2",
        "172.18.0.4",
        "100.64.0.4",
        "fd00:100:64::4",
        "e0c1b7b2-6f0d-4f8c-b6ac-0c4f4f5a0003",
    ),
)
CONTROL, WORKER, WORKER2 = (node.name for node in NODES)

SUBNETS = (
    Subnet("ovn-default", ("10.16.0.0/16", "fd00:10:16::/112"), ("10.16.0.1", "fd00:10:16::1")),
    Subnet("join", ("100.64.0.0/16", "fd00:100:64::/112"), ("100.64.0.1", "fd00:100:64::1")),
    Subnet("dhcp-net", ("10.17.0.0/16",), ("10.17.0.1",), dhcp=True, outside=True),
    Subnet("attach-net", ("10.20.0.0/16",), ("10.20.0.1",), provider="net1.default.ovn"),
    Subnet("vpc2-net", ("10.16.0.0/16",), ("10.16.0.1",), vpc="vpc2"),
    Subnet("vlan100", ("192.168.100.0/24",), ("192.168.100.1",), vlan=100, localnet="provider"),
    Subnet("ovn-external", ("203.0.113.0/24",), ("203.0.113.254",), localnet="external"),
)
EXTERNAL_GATEWAY = "203.0.113.1"
SNAT_ADDRESS = "203.0.113.254"
EIP, EIP_TARGET = "203.0.113.10", "10.16.0.12"
SNAT_SUBNET = "dhcp-net"
GATEWAY_NODE = WORKER2

PODS = (
    Pod(
        "client",
        "default",
        WORKER,
        ips=("10.16.0.10", "fd00:10:16::a"),
        labels={"app": "web", "role": "client"},
    ),
    Pod("server", "default", WORKER, ips=("10.16.0.11", "fd00:10:16::b"), labels={"app": "server"}),
    Pod(
        "web-0",
        "default",
        WORKER2,
        ips=("10.16.0.12", "fd00:10:16::c"),
        kind="statefulset",
        labels={"app": "web"},
    ),
    Pod(
        "web-1",
        "default",
        CONTROL,
        ips=("10.16.0.13", "fd00:10:16::d"),
        kind="statefulset",
        labels={"app": "web"},
    ),
    Pod(
        "coredns-7d9c4-abcde",
        "kube-system",
        CONTROL,
        ips=("10.16.0.4", "fd00:10:16::4"),
        labels={"k8s-app": "kube-dns"},
    ),
    Pod(
        "coredns-7d9c4-fghij",
        "kube-system",
        WORKER2,
        ips=("10.16.0.5", "fd00:10:16::5"),
        labels={"k8s-app": "kube-dns"},
    ),
    Pod("api-6b9f7", "prod", WORKER2, ips=("10.16.0.20", "fd00:10:16::14"), labels={"app": "api"}),
    Pod(
        "db-0",
        "prod",
        WORKER,
        ips=("10.16.0.21", "fd00:10:16::15"),
        labels={"app": "db"},
        security_groups=("sg1",),
    ),
    Pod(
        "virt-launcher-vm1-x7k2p",
        "default",
        WORKER2,
        ips=("10.16.0.30", "fd00:10:16::1e"),
        kind="vm",
        vm="vm1",
        labels={"vm.kubevirt.io/name": "vm1", "kubevirt.io": "virt-launcher"},
    ),
    Pod(
        "multi",
        "default",
        WORKER,
        ips=("10.16.0.31", "fd00:10:16::1f"),
        nics=(Nic("net1", "default", "attach-net", ("10.20.0.5",)),),
    ),
    Pod(
        "multi-peer",
        "default",
        WORKER2,
        ips=("10.16.0.32", "fd00:10:16::20"),
        nics=(Nic("net1", "default", "attach-net", ("10.20.0.6",)),),
    ),
    Pod("dhcp-pod", "default", WORKER, subnet="dhcp-net", ips=("10.17.0.5",)),
    Pod("tenant-a", "vpc2", WORKER, subnet="vpc2-net", ips=("10.16.0.10",)),
    Pod("tenant-b", "vpc2", WORKER2, subnet="vpc2-net", ips=("10.16.0.11",)),
    Pod("underlay", "default", WORKER2, subnet="vlan100", ips=("192.168.100.10",)),
    Pod("hostile", "default", CONTROL, ips=("10.16.0.40", "fd00:10:16::28"), kind="hostile"),
    Pod("host-agent", "default", WORKER, kind="host"),
    Pod("pending", "default", "", kind="pending"),
    Pod("completed", "default", WORKER, ips=("10.16.0.50", "fd00:10:16::32"), kind="completed"),
)

SERVICES = (
    Service(
        "kube-dns",
        "kube-system",
        ("10.96.0.10", "fd00:10:96::a"),
        (ServicePort("dns", "UDP", 53, 53), ServicePort("dns-tcp", "TCP", 53, 53)),
        ("kube-system/coredns-7d9c4-abcde", "kube-system/coredns-7d9c4-fghij"),
        {"k8s-app": "kube-dns"},
    ),
    Service(
        "web",
        "default",
        ("10.96.0.100", "fd00:10:96::64"),
        (ServicePort("http", "TCP", 80, 8080),),
        ("default/client", "default/web-0", "default/web-1"),
        {"app": "web"},
    ),
    Service(
        "hairpin", "default", ("10.96.0.101",), (ServicePort("http", "TCP", 80, 8080),), ("default/client",)
    ),
    Service("empty", "default", ("10.96.0.102",), (ServicePort("http", "TCP", 80, 8080),), ()),
    Service(
        "sticky",
        "default",
        ("10.96.0.103",),
        (ServicePort("http", "TCP", 80, 8080),),
        ("default/web-0", "default/web-1"),
        session=True,
    ),
)


POLICIES = (NetworkPolicy("np1", "prod", {"app": "api"}, "default", {"role": "client"}, "TCP", 80),)
SECURITY_GROUPS = (
    SecurityGroup(
        "sg1",
        (SecurityRule(1, "icmp", "0.0.0.0/0"), SecurityRule(2, "tcp", "10.16.0.0/16", (5432, 5432))),
        (SecurityRule(1, "all", "0.0.0.0/0"),),
    ),
)


@dataclass(frozen=True)
class Listener:
    """What a pod serves."""

    pod: str
    protocol: Literal["TCP", "UDP"]
    port: int


LISTENERS = (
    *{
        Listener(key, port.protocol, port.target): None
        for service in SERVICES
        for port in service.ports
        for key in service.backends
    },
    Listener("prod/api-6b9f7", "TCP", 80),
    Listener("prod/api-6b9f7", "TCP", 8443),
    Listener("prod/db-0", "TCP", 5432),
    Listener("prod/db-0", "TCP", 22),
)


def node(name: str) -> Node:
    return next(n for n in NODES if n.name == name)


def subnet(name: str) -> Subnet:
    return next(s for s in SUBNETS if s.name == name)


def pod(key: str) -> Pod:
    return next(p for p in PODS if p.key == key)


def dotted(name: str) -> str:
    """A name as it stands in names of port groups and address sets."""
    return name.replace("-", ".")


def selected(namespace: str, labels: dict[str, str]) -> list[Pod]:
    """The pods with a port that carry all of some labels."""
    return [p for p in PODS if p.real and p.namespace == namespace and labels.items() <= p.labels.items()]

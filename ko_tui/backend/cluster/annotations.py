"""Kube-OVN's annotations as endpoints (kube-ovn pkg/util/const.go: ``<provider>.kubernetes.io/<key>``)."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from sys import intern

from ko_tui.backend.cluster.pods import is_ready, node_of, restarts
from ko_tui.backend.source.objects import KubeObject
from ko_tui.backend.tracing.model import Endpoint

PRIMARY = "ovn"
DEFAULT_VPC = "ovn-cluster"
_ADDRESS = re.compile(r"^(?P<provider>.+)\.kubernetes\.io/ip_address(?P<rest>)$")


def addresses(text: str) -> tuple[str, ...]:
    """``10.16.0.5,fd00::5`` -> both, without prefix lengths."""
    return tuple(part.strip().split("/")[0] for part in text.split(",") if part.strip())


def providers(annotations: Mapping[str, str]) -> list[str]:
    """The providers of a pod's NICs, the primary first; only those that have a logical port (``*.ovn``)."""
    found = []
    for key in annotations:
        match = re.match(r"^(.+)\.kubernetes\.io/(?:allocated|ip_address|logical_switch)$", key)
        if match and match[1] not in found and _has_port(match[1]):
            found.append(match[1])
    return sorted(found, key=lambda p: (p != PRIMARY, p))


def _has_port(provider: str) -> bool:
    """``ovn``, ``net1.default.ovn`` or ``net1.default.ovn.net1``; macvlan and others have no logical port."""
    return provider == PRIMARY or provider.endswith(".ovn") or ".ovn." in provider


def logical_port(pod: str, namespace: str, provider: str) -> str:
    """The name of the logical switch port of a NIC."""
    base = f"{pod}.{namespace}"
    return base if provider == PRIMARY else f"{base}.{provider}"


def pod_endpoints(pod: KubeObject) -> Iterator[Endpoint]:
    """A pod as endpoints: its primary NIC (or its node's network), then each attachment NIC."""
    phase = _phase(pod)
    host = bool(pod.spec.get("hostNetwork"))
    common = {
        # A thousand pods share a namespace, a node, a subnet: one text of each is enough.
        "namespace": intern(pod.namespace),
        "node": intern(node_of(pod)),
        "phase": intern(phase),
        "ready": is_ready(pod),
        "restarts": restarts(pod),
        "uid": pod.metadata.uid,
    }
    notes = pod.annotations
    nics = providers(notes)
    if host or PRIMARY not in nics:
        ips = tuple(str(p.get("ip")) for p in pod.status.get("podIPs") or [] if p.get("ip"))
        reason = "" if host else _why_not(pod, phase)
        yield Endpoint(
            "pod",
            pod.name,
            ips=ips,
            host_network=host,
            traceable=reason,
            **common,  # type: ignore[arg-type]
        )
    for provider in nics:
        get = _reader(notes, provider)
        vm = get("virtualmachine")
        ips = addresses(get("ip_address"))
        reason = "" if ips and get("logical_switch") else "It has no address yet."
        if phase in ("Succeeded", "Failed", "Completed"):
            reason = f"The pod has ended ({phase}); its port is gone."
        kind = "attachment" if provider != PRIMARY else ("vm" if vm else "pod")
        yield Endpoint(
            kind,  # type: ignore[arg-type]
            pod.name,
            ips=ips,
            mac=get("mac_address").lower(),
            switch=intern(get("logical_switch")),
            vpc=intern(get("logical_router") or DEFAULT_VPC),
            lsp=logical_port(vm or pod.name, pod.namespace, provider),
            provider=intern(provider),
            vm=vm,
            gateway=intern(get("gateway")),
            cidr=intern(get("cidr")),
            vlan=get("vlan_id"),
            traceable=reason,
            security_groups=tuple(intern(group) for group in addresses(get("security_groups"))),
            **common,  # type: ignore[arg-type]
        )


def node_endpoint(node: KubeObject) -> Endpoint:
    """A node: its addresses are its InternalIPs, then its join address; its port is ``node-<name>``."""
    notes = node.annotations
    get = _reader(notes, PRIMARY)
    internal = tuple(
        str(a["address"]) for a in node.status.get("addresses") or [] if a.get("type") == "InternalIP"
    )
    ready = any(
        c.get("type") == "Ready" and c.get("status") == "True" for c in node.status.get("conditions") or []
    )
    return Endpoint(
        "node",
        node.name,
        ips=internal + addresses(get("ip_address")),
        mac=get("mac_address").lower(),
        switch=get("logical_switch") or "join",
        vpc=get("logical_router") or DEFAULT_VPC,
        node=node.name,
        phase="Ready" if ready else "NotReady",
        lsp=get("port_name") or f"node-{node.name}",
        gateway=get("gateway"),
        cidr=get("cidr"),
        ready=ready,
        uid=node.metadata.uid,
        traceable="" if get("mac_address") else "Kube-OVN has not given this node a join port yet.",
    )


def service_endpoint(service: KubeObject) -> Endpoint:
    """A Service: its cluster addresses and ports."""
    spec = service.spec
    ips = tuple(ip for ip in (spec.get("clusterIPs") or [spec.get("clusterIP")]) if ip and ip != "None")
    ports = tuple(
        f"{p.get('port')}/{p.get('protocol', 'TCP')}"
        + (f" -> {p['targetPort']}" if p.get("targetPort") else "")
        + (f" ({p['name']})" if p.get("name") else "")
        for p in spec.get("ports") or []
    )
    return Endpoint(
        "service",
        service.name,
        service.namespace,
        ips=tuple(str(ip) for ip in ips),
        phase=str(spec.get("type") or "ClusterIP"),
        ports=ports,
        uid=service.metadata.uid,
        ready=bool(ips),
        traceable="A Service is a destination, not a source.",
    )


def _reader(notes: Mapping[str, str], provider: str) -> Callable[[str], str]:
    """Reads an annotation of one provider by its key; "" when it is not there."""
    return lambda key: notes.get(f"{provider}.kubernetes.io/{key}", "")


def _phase(pod: KubeObject) -> str:
    if pod.metadata.deletion_timestamp:
        return "Terminating"
    return str(pod.status.get("phase") or "Unknown")


def _why_not(pod: KubeObject, phase: str) -> str:
    if phase == "Pending":
        return "It is Pending and has no address yet."
    if phase in ("Succeeded", "Failed"):
        return f"The pod has ended ({phase}); its port is gone."
    return "It carries no Kube-OVN annotations: another CNI gave it its network."

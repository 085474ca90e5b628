"""Services with their EndpointSlices, among them those that follow the leader labels."""

from __future__ import annotations

from collections.abc import Sequence

from tests.lab.objects.made import Made, Object, new
from tests.lab.topology import NAMESPACE, SERVICES, pod

LEADER_SERVICES = {
    "ovn-nb": ("10.96.0.21", 6641, "ovn-nb-leader"),
    "ovn-sb": ("10.96.0.22", 6642, "ovn-sb-leader"),
    "ovn-northd": ("10.96.0.23", 6643, "ovn-northd-leader"),
}


def add(made: Made) -> None:
    for service in SERVICES:
        ports = [
            {"name": p.name, "protocol": p.protocol, "port": p.port, "targetPort": p.target}
            for p in service.ports
        ]
        item = _service(service.name, service.namespace, service.ips, ports, service.selector)
        if service.session:
            item["spec"] |= {
                "sessionAffinity": "ClientIP",
                "sessionAffinityConfig": {"clientIP": {"timeoutSeconds": 10800}},
            }
        made.add(item)
        for family in ("IPv4", "IPv6"):
            six = family == "IPv6"
            if not any((":" in ip) == six for ip in service.ips):
                continue
            backends = [pod(key) for key in service.backends]
            endpoints = [
                endpoint([ip for ip in p.ips if (":" in ip) == six], p.name, p.namespace, p.node)
                for p in backends
                if any((":" in ip) == six for ip in p.ips)
            ]
            slice_ports = [{"name": p.name, "protocol": p.protocol, "port": p.target} for p in service.ports]
            made.add(endpoint_slice(service.name, service.namespace, family, slice_ports, endpoints))
    api = [{"name": "https", "protocol": "TCP", "port": 443, "targetPort": 6443}]
    made.add(_service("kubernetes", "default", ("10.96.0.1",), api, {}))
    for name, (address, port, label) in LEADER_SERVICES.items():
        ports = [{"name": name, "protocol": "TCP", "port": port, "targetPort": port}]
        made.add(_service(name, NAMESPACE, (address,), ports, {"app": "ovn-central", label: "true"}))
        made.add(
            endpoint_slice(name, NAMESPACE, "IPv4", [{"name": name, "protocol": "TCP", "port": port}], [])
        )


def endpoint(addresses: Sequence[str], name: str, namespace: str, node: str) -> Object:
    return {
        "addresses": list(addresses),
        "conditions": {"ready": True, "serving": True, "terminating": False},
        "nodeName": node,
        "targetRef": {"kind": "Pod", "name": name, "namespace": namespace},
    }


def slice_name(service: str, family: str) -> str:
    return f"{service}-{'v6lab' if family == 'IPv6' else 'v4lab'}"


def endpoint_slice(
    service: str, namespace: str, family: str, ports: list[Object], endpoints: list[Object]
) -> Object:
    labels = {
        "kubernetes.io/service-name": service,
        "endpointslice.kubernetes.io/managed-by": "endpointslice-controller.k8s.io",
    }
    return new(
        "discovery.k8s.io/v1", "EndpointSlice", slice_name(service, family), namespace, labels=labels,
        addressType=family, ports=ports, endpoints=endpoints,
    )  # fmt: skip


def _service(
    name: str, namespace: str, addresses: Sequence[str], ports: list[Object], selector: dict[str, str]
) -> Object:
    spec: Object = {
        "type": "ClusterIP", "clusterIP": addresses[0], "clusterIPs": list(addresses), "ports": ports,
        "ipFamilies": ["IPv6" if ":" in ip else "IPv4" for ip in addresses],
        "ipFamilyPolicy": "PreferDualStack" if len(addresses) > 1 else "SingleStack",
        "sessionAffinity": "None", "internalTrafficPolicy": "Cluster",
    }  # fmt: skip
    if selector:
        spec["selector"] = selector
    return new("v1", "Service", name, namespace, spec=spec, status={"loadBalancer": {}})

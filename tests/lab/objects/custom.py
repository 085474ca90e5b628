"""Kube-OVN's custom resources and those of its neighbours (Multus, KubeVirt), with their definitions."""

from __future__ import annotations

import ipaddress
import json

from tests.lab.api.kinds import CUSTOM
from tests.lab.objects.made import CREATED, Made, Object, new
from tests.lab.topology import (
    DEFAULT_VPC,
    EIP,
    EIP_TARGET,
    EXTERNAL_GATEWAY,
    GATEWAY_NODE,
    NODES,
    PODS,
    SNAT_ADDRESS,
    SUBNETS,
    Nic,
    Pod,
    Subnet,
    mac,
    pod,
)

VERSION = "kubeovn.io/v1"


def add(made: Made) -> None:
    for kind in {k.plural + k.group: k for k in CUSTOM}.values():
        names = {
            "kind": kind.kind, "listKind": f"{kind.kind}List", "plural": kind.plural,
            "singular": kind.singular, "shortNames": list(kind.short),
        }  # fmt: skip
        spec = {
            "group": kind.group, "names": names, "scope": "Namespaced" if kind.namespaced else "Cluster",
            "versions": [
                {"name": kind.version, "served": True, "storage": True,
                 "schema": {"openAPIV3Schema": {"type": "object", "x-kubernetes-preserve-unknown-fields": True}}}
            ],
        }  # fmt: skip
        ready = [
            {"type": t, "status": "True", "reason": r, "message": "", "lastTransitionTime": CREATED}
            for t, r in (("NamesAccepted", "NoConflicts"), ("Established", "InitialNamesAccepted"))
        ]
        status = {"acceptedNames": names, "storedVersions": [kind.version], "conditions": ready}
        name = f"{kind.plural}.{kind.group}"
        api = "apiextensions.k8s.io/v1"
        made.add(new(api, "CustomResourceDefinition", name, spec=spec, status=status))
    for vpc in sorted({s.vpc for s in SUBNETS}):
        _vpc(made, vpc)
    for s in SUBNETS:
        made.add(_subnet(s))
    for p in PODS:
        if p.ips and p.kind != "completed":
            made.add(_ip(p))
            for nic in p.nics:
                made.add(_ip(p, nic))
    for n in NODES:
        made.add(_address(n.lsp, "join", (n.join4, n.join6), n.mac, n.name, "", n.name))
    _underlay(made)
    _security(made)
    _external(made)
    nads = {(nic.nad, nic.namespace): nic for p in PODS for nic in p.nics}
    for (name, namespace), nic in nads.items():
        config = {
            "cniVersion": "0.3.1", "type": "kube-ovn", "server_socket": "/run/openvswitch/kube-ovn-daemon.sock",
            "provider": nic.provider,
        }  # fmt: skip
        spec = {"config": json.dumps(config)}
        made.add(new("k8s.cni.cncf.io/v1", "NetworkAttachmentDefinition", name, namespace, spec=spec))


def _vpc(made: Made, name: str) -> None:
    subnets = [s.name for s in SUBNETS if s.vpc == name and not s.underlay]
    default = name == DEFAULT_VPC
    status = {
        "default": default, "standby": True, "router": name, "subnets": subnets, "defaultLogicalSwitch": subnets[0],
        "enableExternal": default, "enableBfd": False,
        "tcpLoadBalancer": "cluster-tcp-loadbalancer" if default else f"vpc-{name}-tcp-load",
        "udpLoadBalancer": "cluster-udp-loadbalancer" if default else f"vpc-{name}-udp-load",
    }  # fmt: skip
    spec: Object = {"enableExternal": True} if default else {"namespaces": [name]}
    made.add(new(VERSION, "Vpc", name, spec=spec, status=status))


def _subnet(s: Subnet) -> Object:
    both = len(s.cidrs) > 1
    spec: Object = {
        "cidrBlock": ",".join(s.cidrs), "gateway": ",".join(s.gateways), "excludeIps": list(s.gateways),
        "protocol": "Dual" if both else "IPv4", "provider": s.provider, "vpc": s.vpc,
        "default": s.name == "ovn-default", "gatewayType": "distributed", "natOutgoing": s.name == "ovn-default",
        "private": False, "enableLb": True, "namespaces": ["vpc2"] if s.vpc == "vpc2" else [],
    }  # fmt: skip
    if s.vlan:
        spec |= {"vlan": f"vlan{s.vlan}", "logicalGateway": False, "u2oInterconnection": False}
    if s.name == "ovn-external":
        spec |= {"vlan": "vlan0"}
    if s.dhcp:
        spec |= {"enableDHCP": True, "dhcpV4Options": f"lease_time=3600,router={s.gateways[0]}"}
    total = ipaddress.ip_network(s.cidrs[0]).num_addresses - 3
    used = sum(bool(p.ips) and p.subnet == s.name for p in PODS)
    used += sum(nic.subnet == s.name for p in PODS for nic in p.nics)
    used = len(NODES) if s.name == "join" else used
    ready = [
        {
            "type": type_,
            "status": "True",
            "reason": reason,
            "lastUpdateTime": CREATED,
            "lastTransitionTime": CREATED,
        }
        for type_, reason in (
            ("Validated", "ValidateLogicalSwitchSuccess"),
            ("Ready", "ResetLogicalSwitchAclSuccess"),
        )
    ]
    status = {
        "v4usingIPs": used, "v4availableIPs": total - used, "v6usingIPs": used if both else 0,
        "v6availableIPs": 65533 - used if both else 0, "activateGateway": "", "conditions": ready,
        "dhcpV4OptionsUUID": "", "dhcpV6OptionsUUID": "", "u2oInterconnectionIP": "",
    }  # fmt: skip
    return new(VERSION, "Subnet", s.name, spec=spec, status=status)


def _ip(p: Pod, nic: Nic | None = None) -> Object:
    if nic:
        return _address(p.nic_lsp(nic), nic.subnet, nic.ips, p.nic_mac(nic), p.node, p.namespace, p.name)
    return _address(p.lsp, p.subnet, p.ips, p.mac, p.node, p.namespace, p.vm or p.name)


def _address(
    name: str, subnet: str, ips: tuple[str, ...], address: str, node: str, namespace: str, owner: str
) -> Object:
    six = next((ip for ip in ips if ":" in ip), "")
    spec = {
        "podName": owner, "namespace": namespace, "subnet": subnet, "attachSubnets": [], "attachIps": [],
        "attachMacs": [], "nodeName": node, "ipAddress": ",".join(ips), "v4IpAddress": ips[0],
        "v6IpAddress": six, "macAddress": address, "containerID": "", "podType": "",
    }  # fmt: skip
    labels = {"ovn.kubernetes.io/subnet": subnet, "ovn.kubernetes.io/node-name": node}
    return new(VERSION, "IP", name, labels=labels, spec=spec)


def _underlay(made: Made) -> None:
    for name, number, network in (("vlan100", 100, "provider"), ("vlan0", 0, "external")):
        spec: Object = {"id": number, "provider": network}
        subnets = [s.name for s in SUBNETS if s.localnet == network]
        made.add(new(VERSION, "Vlan", name, spec=spec, status={"subnets": subnets, "conflict": False}))
    for network, vlan in (("provider", "vlan100"), ("external", "vlan0")):
        status = {"ready": True, "readyNodes": [n.name for n in NODES], "vlans": [vlan]}
        made.add(new(VERSION, "ProviderNetwork", network, spec={"defaultInterface": "eth1"}, status=status))


def _security(made: Made) -> None:
    """The security group and the network policy that the northbound database holds."""
    allow: Object = {"ipVersion": "ipv4", "policy": "allow", "remoteType": "address"}
    ingress = [
        {**allow, "protocol": "icmp", "priority": 1, "remoteAddress": "0.0.0.0/0"},
        {**allow, "protocol": "tcp", "priority": 2, "remoteAddress": "10.16.0.0/16",
         "portRangeMin": 5432, "portRangeMax": 5432},
    ]  # fmt: skip
    egress = [{**allow, "protocol": "all", "priority": 1, "remoteAddress": "0.0.0.0/0"}]
    spec = {"allowSameGroupTraffic": False, "ingressRules": ingress, "egressRules": egress}
    status = {"portGroup": "ovn.sg.sg1", "ingressLastSyncSuccess": True, "egressLastSyncSuccess": True}
    made.add(new(VERSION, "SecurityGroup", "sg1", spec=spec, status=status))
    peer = {
        "namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": "default"}},
        "podSelector": {"matchLabels": {"role": "client"}},
    }
    rule = {"from": [peer], "ports": [{"protocol": "TCP", "port": 80}]}
    policy = {
        "podSelector": {"matchLabels": {"app": "api"}}, "policyTypes": ["Ingress"], "ingress": [rule],
    }  # fmt: skip
    made.add(new("networking.k8s.io/v1", "NetworkPolicy", "np1", "prod", spec=policy))


def _external(made: Made) -> None:
    """The way out: the router's own address, and a floating address of one pod."""
    snat = {"externalSubnet": "ovn-external", "type": "lrp", "v4Ip": SNAT_ADDRESS, "macAddress": mac("lrp")}
    fixed = {"externalSubnet": "ovn-external", "type": "nat", "v4Ip": EIP, "macAddress": mac("eip1")}
    for name, spec in ((f"{DEFAULT_VPC}-ovn-external", snat), ("eip1", fixed)):
        status = {"ready": True, "type": spec["type"], "v4Ip": spec["v4Ip"], "macAddress": spec["macAddress"]}
        made.add(new(VERSION, "OvnEip", name, spec=spec, status=status))
    target = next(p for p in PODS if EIP_TARGET in p.ips)
    spec = {"ovnEip": "eip1", "ipName": pod(target.key).lsp, "vpc": DEFAULT_VPC, "v4Ip": EIP_TARGET}
    status = {"ready": True, "vpc": DEFAULT_VPC, "v4Eip": EIP, "v4Ip": EIP_TARGET}
    made.add(new(VERSION, "OvnFip", "fip1", spec=spec, status=status))
    spec = {"ovnEip": f"{DEFAULT_VPC}-ovn-external", "vpcSubnet": "dhcp-net", "vpc": DEFAULT_VPC}
    status = {"ready": True, "vpc": DEFAULT_VPC, "v4Eip": SNAT_ADDRESS, "v4IpCidr": "10.17.0.0/16"}
    made.add(new(VERSION, "OvnSnatRule", "snat1", spec=spec, status=status))
    config = {
        "enable-external-gw": "true", "external-gw-addr": f"{EXTERNAL_GATEWAY}/24",
        "external-gw-nic": "eth1", "external-gw-nodes": GATEWAY_NODE, "type": "centralized",
    }  # fmt: skip
    made.add(new("v1", "ConfigMap", "ovn-external-gw-config", "kube-system", data=config))

"""From a stage hint to the northbound row to the Kubernetes object, and names told back."""

from __future__ import annotations

import pytest

from ko_tui.backend.explain.inventory import names_of
from ko_tui.backend.explain.model import ObjectRef
from ko_tui.backend.explain.names import (
    acl_name_object,
    acl_purpose,
    address_set_object,
    load_balancer_object,
    policy_purpose,
    port_group_object,
    port_object,
    said,
)
from ko_tui.backend.explain.owner import HINT_TABLES, find_owner, plain
from ko_tui.backend.tracing.model import Endpoint
from tests.unit.explain_fixtures import northbound


def rows_of(table):
    return northbound().tables[table]


def owners(table):
    found = {}
    for row in rows_of(table):
        reference = find_owner(row.uuid[:8], northbound())
        assert reference is not None and reference.kind == table and reference.uuid == row.uuid
        found[row.uuid] = reference
    return found


def test_every_acl_leads_to_its_policy_group_or_subnet():
    kinds = {(ref.owner.kind, ref.owner.name) for ref in owners("ACL").values() if ref.owner is not None}
    assert all(reference.owner is not None for reference in owners("ACL").values())
    assert ("NetworkPolicy", "np1") in kinds
    assert ("SecurityGroup", "sg-web") in kinds
    assert ("Subnet", "private-net") in kinds


def test_other_rows_lead_to_their_vpc_pod_or_subnet():
    assert {ref.owner.name for ref in owners("NAT").values() if ref.owner} & {"ovn-cluster", "test-vpc"}
    assert all(ref.owner is not None for ref in owners("Logical_Router_Policy").values())
    assert {ref.owner.kind for ref in owners("Logical_Router_Static_Route").values() if ref.owner} == {"Vpc"}
    assert {ref.owner.kind for ref in owners("Logical_Switch").values() if ref.owner} == {"Subnet"}
    assert {ref.owner.kind for ref in owners("Logical_Router").values() if ref.owner} == {"Vpc"}
    pods = [
        ref.owner for ref in owners("Logical_Switch_Port").values() if ref.owner and ref.owner.kind == "Pod"
    ]
    assert ObjectRef("Pod", "web-0", namespace="default") in pods
    vpcs = {ref.owner.name for ref in owners("Load_Balancer").values() if ref.owner}
    assert {"ovn-cluster", "test-vpc"} <= vpcs


@pytest.mark.parametrize("hint", ["", "zzzz", "00000000", "'; drop"])
def test_a_hint_that_leads_nowhere_gives_nothing(hint):
    assert find_owner(hint, northbound()) is None


def test_ovsdb_notation_becomes_plain():
    assert plain(["map", [["a", "b"]]]) == {"a": "b"}
    assert plain(["set", [["uuid", "x"], ["uuid", "y"]]]) == ["x", "y"]
    assert plain(["set", []]) == []
    assert plain(["uuid", "x"]) == "x"
    assert plain("text") == "text"
    assert len(HINT_TABLES) == len(set(HINT_TABLES))


@pytest.mark.parametrize(
    ("name", "wanted"),
    [
        ("web-0.default", "Pod default/web-0"),
        ("vm-a.tenant.net1.default.ovn", "Pod tenant/vm-a"),
        ("node-worker-2", "Node worker-2"),
        ("localnet.vlan10", "Subnet vlan10"),
        ("cr-ovn-cluster-ovn-external", "GatewayPort ovn-cluster-ovn-external"),
    ],
)
def test_ports_are_named_by_rule(name, wanted):
    found = port_object(name)
    assert found is not None and said(found) == wanted


def test_router_ports_need_known_datapaths():
    assert port_object("ovn-default-ovn-cluster") is None
    found = port_object("ovn-default-ovn-cluster", {"ovn-default", "ovn-cluster"})
    assert found is not None and found.kind == "RouterPort"


def test_groups_sets_acls_and_load_balancers_are_named():
    assert said(port_group_object("np1.prod")) == "NetworkPolicy prod/np1"
    assert said(port_group_object("ovn.sg.sg.web")) == "SecurityGroup sg-web"
    assert said(port_group_object("x", {"subnet": "s1"})) == "Subnet s1"
    assert said(port_group_object("node.w1", {"node": "w1", "np": "node/w1"})) == "Node w1"
    assert said(address_set_object("np1.prod.ingress.allow.ipv4.0")) == "NetworkPolicy prod/np1"
    assert address_set_object("other") is None
    assert said(acl_name_object("np/np1.prod/ingress/IPv4/0")) == "NetworkPolicy prod/np1"
    assert acl_name_object("whatever") is None
    assert said(load_balancer_object("vpc-test-vpc-udp-sess-load")) == "Vpc test-vpc"
    assert load_balancer_object("mine") is None


def test_priorities_have_purposes():
    assert acl_purpose(2001) == "acl_np_allow"
    assert acl_purpose(2005) == "acl_sg_rule"
    assert acl_purpose(3000) == "acl_node_allow"
    assert acl_purpose(7) is None
    assert policy_purpose(31000) == "policy_subnet"
    assert policy_purpose(1) is None


def test_an_inventory_names_ports_datapaths_and_addresses():
    places = [
        Endpoint(
            "pod",
            "dns",
            "kube-system",
            ("10.16.0.4",),
            switch="ovn-default",
            vpc="ovn-cluster",
            lsp="dns.kube-system",
        ),
        Endpoint("pod", "a", "one", ("10.0.0.9",), vpc="vpc1", lsp="a.one"),
        Endpoint("pod", "b", "two", ("10.0.0.9",), vpc="vpc2", lsp="b.two"),
        Endpoint("pod", "proxy", "kube-system", ("172.18.0.2",), host_network=True),
        Endpoint("node", "w1", ips=("172.18.0.2", "100.64.0.2"), lsp="node-w1"),
        Endpoint("service", "kube-dns", "kube-system", ("10.96.0.10",)),
        Endpoint("vm", "virt-launcher-x", "tenant", ("10.0.1.1",), lsp="vm-a.tenant", vm="vm-a"),
    ]
    names = names_of(places)
    assert said(names.addresses["10.96.0.10"]) == "Service kube-system/kube-dns"
    assert said(names.addresses["172.18.0.2"]) == "Node w1"
    assert "10.0.0.9" not in names.addresses
    assert said(names_of(places, vpc="vpc2").addresses["10.0.0.9"]) == "Pod two/b"
    assert said(names.port("vm-a.tenant")) == "VirtualMachine tenant/vm-a"
    assert said(names.port("ovn-default-ovn-cluster")) == "RouterPort ovn-default-ovn-cluster"

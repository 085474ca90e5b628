"""What touches a pod, on the lab's objects, and its interface on a real node."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from ko_tui.backend.cluster.annotation_words import annotation_words
from ko_tui.backend.cluster.touching import backends_of, interface_of, policies_of, services_of
from ko_tui.backend.session import Session, SessionOptions, open_session
from ko_tui.backend.source.kinds import PODS
from ko_tui.backend.tracing.model import Endpoint
from tests.lab.handle import ApiOnlyLab
from tests.lab.running import RunningLab


@pytest.fixture
def session(own_api: ApiOnlyLab) -> Iterator[Session]:
    opened = open_session(SessionOptions(kubeconfig=str(own_api.kubeconfig), context="admin"))
    yield opened
    opened.close()


def endpoint(session: Session, key: str) -> Endpoint:
    return next(e for e in session.inventory().endpoints if e.key == key)


def told(touches: list[Any]) -> dict[str, str]:
    return {f"{t.kind} {t.name}": t.words for t in touches}


def test_services_by_selector_and_by_slice(session: Session, own_api: ApiOnlyLab) -> None:
    client = endpoint(session, "default/client")
    found = told(services_of(session, client))
    assert "10.16.0.10 ready" in found["Service default/web"]
    assert found["Service default/web"].startswith("selects it; ")
    assert found["Service default/hairpin"].startswith("does not select it, but ")

    def away(item: dict[str, Any]) -> None:
        item["spec"]["selector"] = {"app": "another"}

    own_api.patch("Service", "web", "default", away)
    assert told(services_of(session, client)).get("Service default/web", "") != found["Service default/web"]


def test_policies_of_every_kind(session: Session) -> None:
    words = told(policies_of(session, endpoint(session, "prod/api-6b9f7")))
    assert words["NetworkPolicy prod/np1"] == "1 rule for what may come in"
    assert told(policies_of(session, endpoint(session, "default/client"))) == {}
    group = told(policies_of(session, endpoint(session, "prod/db-0")))
    assert group["SecurityGroup sg1"] == "2 rules in, 1 rule out"


def test_a_cluster_wide_policy_names_its_subject(session: Session, own_api: ApiOnlyLab) -> None:
    kind = own_api.server.catalogue.of("AdminNetworkPolicy")
    for name, labels in (("for-prod", {"app": "api"}), ("for-nobody", {"app": "nothing"})):
        subject = {"pods": {"namespaceSelector": {}, "podSelector": {"matchLabels": labels}}}
        body = {
            "apiVersion": "policy.networking.k8s.io/v1alpha1", "kind": "AdminNetworkPolicy",
            "metadata": {"name": name}, "spec": {"priority": 10, "subject": subject, "ingress": [{}], "egress": []},
        }  # fmt: skip
        own_api.server.store.create(kind, body)
    words = told(policies_of(session, endpoint(session, "prod/api-6b9f7")))
    assert words["AdminNetworkPolicy for-prod"] == "priority 10; 1 ingress rule, no egress rules"
    assert "AdminNetworkPolicy for-nobody" not in words


def test_backends_of_a_service(session: Session) -> None:
    found = told(backends_of(session, endpoint(session, "svc/default/web")))
    assert found["Backend 10.16.0.10"] == "ready"
    assert backends_of(session, endpoint(session, "svc/default/empty")) == []


def test_annotations_in_words(session: Session) -> None:
    pod = session.source.get(PODS, "prod", "db-0")
    words = dict(annotation_words(pod.annotations, "ovn"))
    assert words["security_groups"] == "security groups: sg1"
    assert "port security" in words["port_security"] and "ip_address" not in words


@pytest.mark.lab
def test_the_interface_on_a_real_node(running_lab: RunningLab) -> None:
    opened = open_session(SessionOptions(kubeconfig=str(running_lab.kubeconfig), context="admin"))
    try:
        (row,) = interface_of(opened, endpoint(opened, "default/client"))
        assert row["ofport"] > 0 and row["link_state"] == "up" and "rx_packets" in row["statistics"]
        (nic,) = [e for e in opened.inventory().endpoints if e.kind == "attachment" and e.name == "multi"]
        assert len(interface_of(opened, nic)) == 1
        assert len(interface_of(opened, endpoint(opened, "node//kube-ovn-worker"))) == 1
    finally:
        opened.close()

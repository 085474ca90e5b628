"""What else in the cluster touches an endpoint: policies that select it, Services that send to it, its interface.

Facts: Kubernetes API reference (NetworkPolicy, EndpointSlice, label selectors), the network policy API's subjects,
kube-ovn pkg/apis/kubeovn/v1 (SecurityGroup, Subnet), ovs-vswitchd.conf.db(5) (Interface).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from ko_tui.backend.cluster.rows import check
from ko_tui.backend.ovn.table import Row, parse_table
from ko_tui.backend.source.interface import NotFound, Resource
from ko_tui.backend.source.kinds import (
    ENDPOINT_SLICES,
    NAMESPACES,
    NETWORK_POLICIES,
    PODS,
    SECURITY_GROUPS,
    SERVICES,
    SUBNETS,
)
from ko_tui.backend.source.objects import KubeObject

if TYPE_CHECKING:
    from ko_tui.backend.session import Session
    from ko_tui.backend.tracing.model import Endpoint

_GROUP = "policy.networking.k8s.io"
# Cluster-wide policies, in the order in which they decide: two before NetworkPolicies, one after.
WIDE: tuple[tuple[str, Resource], ...] = (
    ("ClusterNetworkPolicy", Resource(_GROUP, "v1alpha2", "clusternetworkpolicies", namespaced=False)),
    ("AdminNetworkPolicy", Resource(_GROUP, "v1alpha1", "adminnetworkpolicies", namespaced=False)),
    (
        "BaselineAdminNetworkPolicy",
        Resource(_GROUP, "v1alpha1", "baselineadminnetworkpolicies", namespaced=False),
    ),
)
INTERFACE = "name,type,ofport,link_state,admin_state,error,mac_in_use,mtu,ingress_policing_rate,external_ids,statistics"


@dataclass(frozen=True, slots=True)
class Touch:
    """One object that touches an endpoint: its ``kind``, ``name`` (with namespace), and in ``words`` how."""

    kind: str
    name: str
    words: str


def selects(selector: Mapping[str, Any] | None, labels: Mapping[str, str]) -> bool:
    """Whether a LabelSelector fits; an empty one fits everything, none fits nothing."""
    if selector is None:
        return False
    if any(labels.get(name) != value for name, value in (selector.get("matchLabels") or {}).items()):
        return False
    return all(_requirement(each, labels) for each in selector.get("matchExpressions") or [])


def _requirement(each: Mapping[str, Any], labels: Mapping[str, str]) -> bool:
    name, values = str(each.get("key")), each.get("values") or []
    match each.get("operator"):
        case "In":
            return labels.get(name) in values
        case "NotIn":
            return labels.get(name) not in values
        case "Exists":
            return name in labels
        case "DoesNotExist":
            return name not in labels
    return False


def policies_of(session: Session, endpoint: Endpoint) -> list[Touch]:
    """Policies of every kind that decide about a pod's packets. Raises ClusterError kinds; kinds that this cluster
    does not have are passed over."""
    pod = session.source.get(PODS, endpoint.namespace, endpoint.name)
    found: list[Touch] = []
    for kind, resource in WIDE:
        for policy in _listed(session, resource, None):
            if _subject_is(session, policy.spec.get("subject") or {}, pod):
                priority = policy.spec.get("priority")
                rules = _rules(policy.spec, ("ingress", "egress"))
                found.append(
                    Touch(
                        kind, policy.name, f"priority {priority}; {rules}" if priority is not None else rules
                    )
                )
    for policy in _listed(session, NETWORK_POLICIES, endpoint.namespace):
        if selects(policy.spec.get("podSelector") or {}, pod.labels):
            found.append(Touch("NetworkPolicy", policy.key, _network_policy(policy.spec)))
    notes = pod.annotations
    for name in _names(notes.get(f"{endpoint.provider}.kubernetes.io/security_groups", "")):
        found.append(Touch("SecurityGroup", name, _security_group(session, name)))
    if endpoint.switch and (words := _subnet(session, endpoint.switch)):
        found.append(Touch("Subnet", endpoint.switch, words))
    return found


def services_of(session: Session, endpoint: Endpoint) -> list[Touch]:
    """Services that a pod stands behind, by selector and by EndpointSlice, and where the two disagree.
    Raises ClusterError kinds."""
    pod = session.source.get(PODS, endpoint.namespace, endpoint.name)
    slices = session.source.list(ENDPOINT_SLICES, namespace=endpoint.namespace).items
    found = []
    for service in session.source.list(SERVICES, namespace=endpoint.namespace).items:
        wanted = service.spec.get("selector") or {}
        chosen = bool(wanted) and all(pod.labels.get(n) == v for n, v in wanted.items())
        states = [
            f"{address} {'ready' if ready else 'not ready'}"
            for address, ready in backends(slices, service.name)
            if address in endpoint.ips
        ]
        if chosen and states:
            words = f"selects it; its EndpointSlice has {', '.join(states)}"
        elif chosen:
            words = "selects it, but no EndpointSlice has an address of it"
        elif states:
            words = f"does not select it, but its EndpointSlice has {', '.join(states)}"
        else:
            continue
        found.append(Touch("Service", service.key, words))
    return found


def backends_of(session: Session, endpoint: Endpoint) -> list[Touch]:
    """What stands behind a Service: the addresses of its EndpointSlices. Raises ClusterError kinds."""
    slices = session.source.list(ENDPOINT_SLICES, namespace=endpoint.namespace).items
    return [
        Touch("Backend", address, "ready" if ready else "not ready: gets no new connections")
        for address, ready in backends(slices, endpoint.name)
    ]


def backends(slices: Sequence[KubeObject], service: str) -> list[tuple[str, bool]]:
    """Addresses behind a Service, each with whether it is ready."""
    return [
        (str(address), (each.get("conditions") or {}).get("ready") is not False)
        for one in slices
        if one.labels.get("kubernetes.io/service-name") == service
        for each in one.endpoints or []
        for address in each.get("addresses") or []
    ]


def interface_of(session: Session, endpoint: Endpoint) -> list[Row]:
    """The Interface rows of Open vSwitch on the endpoint's node that carry its logical port; empty when none does.
    Raises ClusterError kinds: no Open vSwitch pod there, a saved cluster that does not hold it."""
    argv = ("ovs-vsctl", "--timeout=10", "--format=json", f"--columns={INTERFACE}", "find", "Interface")
    condition = f'external_ids:iface-id="{endpoint.lsp}"'
    run = session.run(session.ovs(endpoint.node), (*argv, condition), timeout=15)
    return parse_table(check(run).stdout)


# -- words --------------------------------------------------------------------------------------------------


def _listed(session: Session, resource: Resource, namespace: str | None) -> Sequence[KubeObject]:
    try:
        return session.source.list(resource, namespace=namespace).items
    except NotFound:
        return ()


def _subject_is(session: Session, subject: Mapping[str, Any], pod: KubeObject) -> bool:
    """Whether a cluster-wide policy is about this pod."""

    def labels() -> Mapping[str, str]:
        ask: Callable[[], KubeObject] = lambda: session.source.get(NAMESPACES, "", pod.namespace)  # noqa: E731
        return session.answers.get(("namespace-labels", pod.namespace), ask, max_age=60).value.labels

    if subject.get("namespaces") is not None:
        return selects(subject["namespaces"], labels())
    pods = subject.get("pods")
    if not isinstance(pods, Mapping) or not selects(pods.get("podSelector") or {}, pod.labels):
        return False
    return selects(pods.get("namespaceSelector") or {}, labels())


def _network_policy(spec: Mapping[str, Any]) -> str:
    types = spec.get("policyTypes") or ["Ingress", *(["Egress"] if spec.get("egress") else [])]
    return "; ".join(_direction(str(each), spec.get(str(each).lower()) or []) for each in types)


def _direction(name: str, rules: Sequence[Mapping[str, Any]]) -> str:
    way = "in" if name == "Ingress" else "out"
    if not rules:
        return f"nothing may come {way}" if way == "in" else "nothing may go out"
    if any(not rule for rule in rules):
        return f"all may {'come in' if way == 'in' else 'go out'}"
    return f"{_many(len(rules), 'rule')} for what may {'come in' if way == 'in' else 'go out'}"


def _rules(spec: Mapping[str, Any], names: Sequence[str]) -> str:
    return ", ".join(f"{_many(len(spec.get(name) or []), f'{name} rule')}" for name in names)


def _security_group(session: Session, name: str) -> str:
    try:
        spec = session.source.get(SECURITY_GROUPS, "", name).spec
    except NotFound:
        return "named by the pod, but there is no such group: all of its traffic is refused"
    words = (
        f"{_many(len(spec.get('ingressRules') or []), 'rule')} in, "
        f"{_many(len(spec.get('egressRules') or []), 'rule')} out"
    )
    return words + ("; members may talk to each other" if spec.get("allowSameGroupTraffic") else "")


def _subnet(session: Session, name: str) -> str:
    """What the pod's subnet itself refuses; "" when nothing."""
    try:
        spec = session.source.get(SUBNETS, "", name).spec
    except NotFound:
        return ""
    parts = []
    if spec.get("acls"):
        parts.append(_many(len(spec["acls"]), "ACL") + " of its own")
    if spec.get("private"):
        allowed = ", ".join(map(str, spec.get("allowSubnets") or []))
        parts.append(f"private: other subnets are refused{f' but {allowed}' if allowed else ''}")
    return "; ".join(parts)


def _names(text: str) -> list[str]:
    return [part.strip() for part in text.split(",") if part.strip()]


def _many(count: int, word: str) -> str:
    return f"{count or 'no'} {word}{'' if count == 1 else 's'}"

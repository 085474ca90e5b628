"""The permissions that ko-tui needs, as Kubernetes objects, and an admission policy made from the allow lists.

RBAC can say who may exec, not what: exec into the Open vSwitch or CNI container is as good as root on its node. The
ValidatingAdmissionPolicy closes that gap for a group of users: the API server then lets through only what ko-tui
itself would run read-only.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal

from ko_tui.backend.command.policy_regex import Line, capture_line, read_only_lines

Profile = Literal["read-only", "capture", "operator"]
PROFILES: tuple[Profile, ...] = ("read-only", "capture", "operator")
Object = dict[str, Any]
READ = ["get", "list", "watch"]

KUBE_OVN = (
    "vpcs",
    "subnets",
    "ips",
    "vips",
    "ippools",
    "vlans",
    "provider-networks",
    "security-groups",
    "vpc-nat-gateways",
    "vpc-egress-gateways",
    "vpc-dnses",
    "switch-lb-rules",
    "router-lb-rules",
    "iptables-eips",
    "iptables-fip-rules",
    "iptables-snat-rules",
    "iptables-dnat-rules",
    "ovn-eips",
    "ovn-fips",
    "ovn-snat-rules",
    "ovn-dnat-rules",
    "qos-policies",
    "bgp-confs",
    "evpn-confs",
    "dnsnameresolvers",
)


def _rule(group: str, resources: Sequence[str], verbs: Sequence[str]) -> Object:
    return {"apiGroups": [group], "resources": list(resources), "verbs": list(verbs)}


def cluster_rules() -> list[Object]:
    """What is read cluster-wide. No secrets, no ``nodes/proxy`` (that would be an exec by another door)."""
    return [
        _rule("", ["pods", "nodes", "namespaces", "services", "events"], READ),
        _rule("apps", ["deployments", "daemonsets", "statefulsets"], READ),
        _rule("discovery.k8s.io", ["endpointslices"], READ),
        _rule("networking.k8s.io", ["networkpolicies"], READ),
        _rule(
            "policy.networking.k8s.io",
            ["adminnetworkpolicies", "baselineadminnetworkpolicies", "clusternetworkpolicies"],
            READ,
        ),
        _rule("kubeovn.io", KUBE_OVN, READ),
        _rule("k8s.cni.cncf.io", ["network-attachment-definitions"], READ),
        _rule("kubevirt.io", ["virtualmachineinstances"], READ),
        _rule("apiextensions.k8s.io", ["customresourcedefinitions"], ["get", "list"]),
        _rule("rbac.authorization.k8s.io", ["clusterroles", "clusterrolebindings"], ["get"]),
    ]


def namespace_rules(profile: Profile) -> list[Object]:
    """What is allowed in Kube-OVN's namespace alone.

    An exec over WebSocket is a GET, and since Kubernetes 1.35 is checked as a creation too: both verbs are needed.
    """
    rules = [
        _rule("", ["pods/exec"], ["get", "create"]),
        _rule("", ["pods/log"], ["get"]),
        _rule("", ["serviceaccounts"], ["get"]),
        _rule("coordination.k8s.io", ["leases"], ["get", "list"]),
    ]
    if profile == "operator":
        rules += [
            # Pods are deleted by reload, and made as services and daemonsets are by perf and diagnose.
            _rule("", ["pods", "services"], ["create", "delete"]),
            _rule("apps", ["daemonsets"], ["create", "delete"]),
            _rule("apps", ["deployments", "daemonsets", "statefulsets"], ["patch"]),
            _rule("apps", ["deployments/scale", "statefulsets/scale"], ["get", "patch", "update"]),
        ]
    return rules


def objects(profile: Profile, *, namespace: str = "kube-system", group: str = "") -> list[Object]:
    """Roles, bindings to ``group`` (default ``ko-tui:<profile>``) and, unless it is the operator's, the admission
    policy with its binding."""
    name = f"ko-tui-{profile}"
    group = group or f"ko-tui:{profile}"
    found = [
        _object("ClusterRole", name, rules=cluster_rules()),
        _binding("ClusterRole", name, group),
        _object("Role", name, namespace=namespace, rules=namespace_rules(profile)),
        _binding("Role", name, group, namespace=namespace),
    ]
    if profile != "operator":
        found += admission(name, group, capture=profile == "capture")
    return found


def admission(name: str, group: str, *, capture: bool) -> list[Object]:
    """The ValidatingAdmissionPolicy on ``pods/exec`` for ``group``, and its binding (Kubernetes 1.30 or later)."""
    lines = [*read_only_lines(), *([capture_line()] if capture else [])]
    allowed = " || ".join(_one_of(line) for line in lines)
    policy = {
        "apiVersion": "admissionregistration.k8s.io/v1",
        "kind": "ValidatingAdmissionPolicy",
        "metadata": {"name": name},
        "spec": {
            "failurePolicy": "Fail",
            "matchConstraints": {
                "resourceRules": [
                    {
                        "apiGroups": [""],
                        "apiVersions": ["v1"],
                        "operations": ["CONNECT"],
                        "resources": ["pods/exec", "pods/attach", "pods/portforward"],
                    }
                ]
            },
            "matchConditions": [
                {
                    "name": "members-of-the-group",
                    "expression": f"{cel_string(group)} in request.userInfo.groups",
                }
            ],
            "variables": [
                {"name": "words", "expression": "has(object.command) ? object.command : []"},
                {"name": "line", "expression": r"variables.words.join('\x1f')"},
            ],
            "validations": [
                {
                    "expression": "request.subResource == 'exec'",
                    "message": "ko-tui: only exec is allowed.",
                    "reason": "Forbidden",
                },
                {
                    "expression": "(!has(object.stdin) || !object.stdin) && (!has(object.tty) || !object.tty)",
                    "message": "ko-tui: read-only commands take no input and no terminal.",
                    "reason": "Forbidden",
                },
                {
                    "expression": r"variables.words.all(w, !w.matches(r'[\x00-\x1f\x7f]'))",
                    "message": "ko-tui: an argument holds a control character.",
                    "reason": "Forbidden",
                },
                {
                    "expression": allowed,
                    "message": "ko-tui: this command is not on the list of commands that only read.",
                    "reason": "Forbidden",
                },
            ],
        },
    }
    binding = {
        "apiVersion": "admissionregistration.k8s.io/v1",
        "kind": "ValidatingAdmissionPolicyBinding",
        "metadata": {"name": name},
        "spec": {"policyName": name, "validationActions": ["Deny", "Audit"]},
    }
    return [policy, binding]


def _one_of(line: Line) -> str:
    """The test for one line. A look for the program first keeps the cost of the long expressions away."""
    match = f"variables.line.matches({cel_string(line.expression)})"
    programs = ", ".join(cel_string(p) for p in line.programs)
    return f"(variables.words.exists(w, w in [{programs}]) && {match})" if programs else match


def cel_string(text: str) -> str:
    """A CEL string literal; raw where the text allows it, so that expressions stay readable."""
    if "'" not in text and "\n" not in text:
        return f"r'{text}'" if "\\" in text else f"'{text}'"
    escaped = text.replace("\\", "\\\\").replace("'", "\\'").replace("\n", "\\n")
    return f"'{escaped}'"


def document(profile: Profile, *, namespace: str = "kube-system", group: str = "") -> str:
    """All of it as one YAML stream for ``kubectl apply -f -``."""
    import yaml

    head = (
        f"# Permissions of ko-tui, profile {profile}.\n"
        "# Note: exec into the openvswitch or cni-server container is as good as root on its node. Without the\n"
        "# admission policy, ko-tui's read-only mode guards against mistakes, not against the user.\n"
    )
    found = objects(profile, namespace=namespace, group=group)
    return head + "---\n".join(yaml.safe_dump(o, sort_keys=False, width=100_000) for o in found)


def _object(kind: str, name: str, *, namespace: str = "", **content: Any) -> Object:
    metadata = {"name": name, "namespace": namespace} if namespace else {"name": name}
    return {"apiVersion": "rbac.authorization.k8s.io/v1", "kind": kind, "metadata": metadata, **content}


def _binding(role: str, name: str, group: str, *, namespace: str = "") -> Object:
    return _object(
        f"{role}Binding",
        name,
        namespace=namespace,
        subjects=[{"kind": "Group", "name": group, "apiGroup": "rbac.authorization.k8s.io"}],
        roleRef={"kind": role, "name": name, "apiGroup": "rbac.authorization.k8s.io"},
    )

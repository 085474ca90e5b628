"""RBAC of the lab's users: ``reader`` may look and exec in kube-system, ``noexec`` may only look."""

from __future__ import annotations

from tests.lab.objects.made import Made, Object, new
from tests.lab.topology import NAMESPACE

GROUP = "rbac.authorization.k8s.io"
VERSION = f"{GROUP}/v1"
LOOK = ["get", "list", "watch"]
LOOKERS = ("reader", "noexec")


def add(made: Made) -> None:
    rules = [
        {"apiGroups": [""], "verbs": LOOK,
         "resources": ["pods", "nodes", "namespaces", "services", "endpoints", "events", "configmaps",
                       "serviceaccounts", "pods/log"]},
        {"apiGroups": ["apps"], "verbs": LOOK,
         "resources": ["deployments", "daemonsets", "statefulsets", "replicasets"]},
        {"apiGroups": ["discovery.k8s.io"], "verbs": LOOK, "resources": ["endpointslices"]},
        {"apiGroups": ["coordination.k8s.io"], "verbs": LOOK, "resources": ["leases"]},
        {"apiGroups": ["networking.k8s.io"], "verbs": LOOK, "resources": ["networkpolicies"]},
        {"apiGroups": ["apiextensions.k8s.io"], "verbs": LOOK, "resources": ["customresourcedefinitions"]},
        {"apiGroups": ["rbac.authorization.k8s.io"], "verbs": LOOK, "resources": ["*"]},
        {"apiGroups": ["kubeovn.io", "k8s.cni.cncf.io", "kubevirt.io", "policy.networking.k8s.io"],
         "verbs": LOOK, "resources": ["*"]},
    ]  # fmt: skip
    made.add(_role("ClusterRole", "lab-look", rules))
    made.add(_binding("ClusterRoleBinding", "lab-look", "ClusterRole", list(LOOKERS)))
    exec_rule = {"apiGroups": [""], "resources": ["pods/exec"], "verbs": ["get", "create"]}
    made.add(_role("Role", "lab-exec", [exec_rule], NAMESPACE))
    made.add(_binding("RoleBinding", "lab-exec", "Role", ["reader"], NAMESPACE))
    admin = {"apiGroups": ["*"], "resources": ["*"], "verbs": ["*"]}
    everything = [admin, {"nonResourceURLs": ["*"], "verbs": ["*"]}]
    made.add(_role("ClusterRole", "cluster-admin", everything))
    made.add(_role("ClusterRole", "system:ovn", [admin]))
    binding = _binding("ClusterRoleBinding", "ovn", "ClusterRole", [], "", "system:ovn")
    binding["subjects"] = [{"kind": "ServiceAccount", "name": "ovn", "namespace": NAMESPACE}]
    made.add(binding)


def _role(kind: str, name: str, rules: list[Object], namespace: str = "") -> Object:
    return new(VERSION, kind, name, namespace, rules=rules)


def _binding(
    kind: str, name: str, role_kind: str, users: list[str], namespace: str = "", role: str = ""
) -> Object:
    subjects = [{"kind": "User", "apiGroup": GROUP, "name": user} for user in users]
    reference = {"apiGroup": GROUP, "kind": role_kind, "name": role or name}
    return new(VERSION, kind, name, namespace, subjects=subjects, roleRef=reference)

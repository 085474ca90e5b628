"""The pods and the Service of a measurement, as Kubernetes objects (the same five as kubectl-ko makes).

Unlike there, nothing is written to the northbound database: qperf is told the one port that it uses for its data,
so that an ordinary Service reaches it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ko_tui.backend.source.interface import JsonObject

if TYPE_CHECKING:
    from ko_tui.backend.operations.created import Creation

IPERF3, QPERF, QPERF_DATA = 5201, 19765, 19766
CONTAINER = "perf"
HOUR = 3600
_SERVE = "qperf & exec iperf3 -s"
_ROLE = "ko-tui/perf"


def server_pod(made: Creation, *, node: str, image: str, host: bool) -> JsonObject:
    word = "perf-host-server" if host else "perf-server"
    pod = _pod(made, word, node, image, host, ["sh", "-c", _SERVE])
    container = pod["spec"]["containers"][0]
    container["readinessProbe"] = {"tcpSocket": {"port": IPERF3}, "periodSeconds": 1}
    pod["metadata"]["labels"] = {_ROLE: word.removeprefix("perf-")}
    return pod


def client_pod(made: Creation, *, node: str, image: str, host: bool) -> JsonObject:
    word = "perf-host-client" if host else "perf-client"
    return _pod(made, word, node, image, host, ["sleep", str(HOUR)])


def service(made: Creation) -> JsonObject:
    """For the server on the pod network."""
    ports = [
        {"name": f"{name}-{protocol.lower()}", "port": port, "targetPort": port, "protocol": protocol}
        for protocol in ("TCP", "UDP")
        for name, port in (("iperf3", IPERF3), ("qperf", QPERF), ("qperf-data", QPERF_DATA))
    ]
    return {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": {"name": made.name("perf")},
        "spec": {"selector": {**made.labels(), _ROLE: "server"}, "ports": ports},
    }


def _pod(made: Creation, word: str, node: str, image: str, host: bool, command: list[str]) -> JsonObject:
    spec: dict[str, Any] = {
        "restartPolicy": "Never",
        # A belt for the case that nobody comes back to remove it: it runs for an hour at most.
        "activeDeadlineSeconds": HOUR,
        "terminationGracePeriodSeconds": 1,
        "automountServiceAccountToken": False,
        "enableServiceLinks": False,
        "nodeSelector": {"kubernetes.io/hostname": node},
        "tolerations": [{"operator": "Exists"}],
        "securityContext": {"seccompProfile": {"type": "RuntimeDefault"}},
        "containers": [
            {"name": CONTAINER, "image": image, "imagePullPolicy": "IfNotPresent", "command": command}
        ],
    }
    if host:
        spec["hostNetwork"] = True
    return {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": made.name(word)}, "spec": spec}

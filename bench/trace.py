"""From a request to its parsed verdict, against the bare commands of the longest chain that it needs.

The chain: who leads the northbound database, the router port's MAC address there, then ovn-trace. The bare commands
run by kubectl exec, one after the other, as a person would run them by hand.
"""

from __future__ import annotations

import statistics
import subprocess
import time

from ko_tui.backend.session import Session, SessionOptions, open_session
from ko_tui.backend.tracing.oneline import parse_line
from ko_tui.backend.tracing.plan import ovn_trace_argv
from tests.lab.cluster import why_unavailable
from tests.lab.running import RunningLab

ROUNDS = 7
LINE = "default/client svc/kube-system/kube-dns udp 53"


def ours(lab: RunningLab) -> tuple[float, Session]:
    """Seconds for a session that knows nothing yet: everything is found anew."""
    session = open_session(SessionOptions(kubeconfig=str(lab.kubeconfig), context="admin"))
    began = time.perf_counter()
    session.trace(session.plan(parse_line(LINE)))
    return time.perf_counter() - began, session


def bare(lab: RunningLab, chain: list[tuple[str, tuple[str, ...]]]) -> float:
    """Seconds for the same commands by kubectl exec."""
    began = time.perf_counter()
    for pod, argv in chain:
        words = ("kubectl", "exec", "-n", "kube-system", pod, "-c", "ovn-central", "--", *argv)
        subprocess.run(words, env=lab.environment(), check=True, capture_output=True)
    return time.perf_counter() - began


def in_pod(lab: RunningLab, chain: list[tuple[str, tuple[str, ...]]], members: list[int]) -> float:
    """Seconds for the same commands inside the pods, without any Kubernetes."""
    began = time.perf_counter()
    for member, (_, argv) in zip(members, chain, strict=True):
        lab.cluster.central_place(member).run(*argv)
    return time.perf_counter() - began


def main() -> None:
    if reason := why_unavailable():
        print(f"# trace: {reason}")
        return
    with RunningLab() as lab:
        _, session = ours(lab)
        plan = session.plan(parse_line(LINE))
        nb, sb = session.leader("nb"), session.leader("sb")
        router_port = ("ovn-nbctl", "--format=json", "--columns=name,mac", "find", "Logical_Router_Port")
        chain = [
            (nb.pod.name, nb.asked[0].argv),
            (nb.pod.name, (*router_port, "name=ovn-cluster-ovn-default")),
            (sb.pod.name, ovn_trace_argv(plan.packet)),
        ]
        leads = lab.cluster.leader("nb")
        members = [leads, leads, lab.cluster.leader("sb")]
        session.close()
        by_hand, inside = [], []
        for _ in range(ROUNDS):
            took, used = ours(lab)
            used.close()
            by_hand.append(took / bare(lab, chain))
            inside.append(took / in_pod(lab, chain, members))
    ratio = statistics.median(by_hand)
    print(
        f"trace.request_to_verdict_vs_kubectl_exec {ratio:.2f}x <=1.25x {'ok' if ratio <= 1.25 else 'short'}"
    )
    print(
        f"# trace.request_to_verdict_vs_commands_in_the_pod {statistics.median(inside):.2f}x (no Kubernetes between)"
    )


if __name__ == "__main__":
    main()

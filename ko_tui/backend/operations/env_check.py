"""``kubectl ko env-check``, typed and quiet: the six groups, every node at once.

The original (kube-ovn dist/images/env-check.sh) prints prose and matches words anywhere in the process list; here
each group gives a level with the value that was found.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from itertools import pairwise
from typing import TYPE_CHECKING

from ko_tui.backend.cluster.pods import CNI, is_ready, node_of, ref
from ko_tui.backend.command.run import CommandRun
from ko_tui.backend.errors import KoError
from ko_tui.backend.operations.fanout import ask_all
from ko_tui.backend.operations.model import Check, Level, OnChecks, Report, quiet
from ko_tui.backend.operations.patience import within
from ko_tui.backend.source.interface import Cancel, Forbidden, PodRef
from ko_tui.backend.source.kinds import NODES

if TYPE_CHECKING:
    from ko_tui.backend.session import Session

SECONDS = 10.0  # for each question
NODE_SECONDS = 30.0  # for all questions to one node; nobody else waits for it
CNI_DIRECTORY = "/etc/cni/net.d"
MTU_PROBING = "/proc/sys/net/ipv4/tcp_mtu_probing"
TW_RECYCLE = "/proc/sys/net/ipv4/tcp_tw_recycle"
SNMP = "/proc/net/snmp"
RESOLV = "/etc/resolv.conf"
GENEVE_PORT = 6081
# Names of agents that are known to drop or rewrite packets behind Kube-OVN's back.
_AGENTS = re.compile(r"^(firewalld|.*(?:qax|vmsec|defen[cs]e|security|safedog|safed?)\w*)$", re.IGNORECASE)
_HARMLESS = re.compile(r"^(?:systemd|polkit|gnome|apparmor)", re.IGNORECASE)


def env_check(session: Session, *, on_checks: OnChecks = quiet, cancel: Cancel | None = None) -> Report:
    """Check every node that runs kube-ovn-cni; ``on_checks`` gets each node's checks as they come."""
    report = Report("Environment of the nodes")
    pods = {node_of(p): p for p in session.app_pods(CNI)}
    for node, pod in pods.items():
        if not is_ready(pod):
            report.partial.append(f"{node}: {pod.name} is not ready")
            found = [Check("node", "kube-ovn-cni", Level.UNKNOWN, f"{pod.name} is not ready", node)]
            report.add(found)
            on_checks(found)
    for node in without_pod(session, pods):
        report.partial.append(f"{node}: no kube-ovn-cni pod runs there")
        found = [Check("node", "kube-ovn-cni", Level.UNKNOWN, "no kube-ovn-cni pod runs there", node)]
        report.add(found)
        on_checks(found)
    ready = [(node, ref(pod, CNI)) for node, pod in pods.items() if is_ready(pod)]
    answers = ask_all(ready, lambda at: check_node(session, *at, cancel=cancel), cancel=cancel)
    asked = 0
    for (node, _), answer in answers:
        asked += 1
        if isinstance(answer, KoError):
            report.partial.append(f"{node}: {answer.what}")
            answer = [Check("node", "kube-ovn-cni", Level.UNKNOWN, answer.what, node)]
        report.add(answer)
        on_checks(answer)
    if cancel is not None and cancel.cancelled:
        report.partial.append(f"stopped when {asked} of {len(ready)} nodes had answered")
    return report


def without_pod(session: Session, having: Iterable[str]) -> list[str]:
    """Nodes of the cluster that are not among ``having``; none when nodes may not be listed."""
    try:
        names = {node.name for node in session.source.list(NODES).items}
    except Forbidden:
        return []
    return sorted(names - set(having))


def check_node(session: Session, node: str, cni: PodRef, *, cancel: Cancel | None = None) -> list[Check]:
    """The six groups for one node, in order. Raises the typed errors of the source when the pod cannot be asked."""
    run = within(session, node, NODE_SECONDS, SECONDS, cancel)

    def ask(*argv: str) -> CommandRun:
        return run(cni, argv)

    checks = [
        cni_configuration(ask("ls", CNI_DIRECTORY), node),
        *ipv4_settings(ask("cat", MTU_PROBING), ask("cat", TW_RECYCLE), node),
        checksum_errors(ask("cat", SNMP), node),
        dns_search(ask("cat", RESOLV), node),
        agents(ask("ps", "-eo", "comm"), node),
    ]
    tunnels = run(session.ovs(node), ("ovs-appctl", "--timeout=5", "tnl/ports/show"))
    checks.append(geneve(ask("cat", "/proc/net/udp"), ask("cat", "/proc/net/udp6"), tunnels, node))
    return checks


def cni_configuration(run: CommandRun, node: str) -> Check:
    if run.exit_code != 0:
        return Check(
            "cni", "configuration", Level.FAIL, f"{CNI_DIRECTORY} cannot be read", node, "See kube-ovn-cni."
        )
    others = [
        f for f in run.stdout.split() if "kube-ovn.conflist" not in f and not f.endswith((".d", ".bak"))
    ]
    if others:
        return Check(
            "cni",
            "configuration",
            Level.WARN,
            f"other files in {CNI_DIRECTORY}: {', '.join(others)}",
            node,
            "The kubelet takes the first file by name; remove what is left of another CNI.",
        )
    return Check("cni", "configuration", Level.OK, "only Kube-OVN's", node)


def ipv4_settings(probing: CommandRun, recycle: CommandRun, node: str) -> list[Check]:
    value = probing.stdout.strip()
    if value == "0":
        first = Check(
            "ipv4",
            "tcp_mtu_probing",
            Level.WARN,
            "0",
            node,
            "Set it to 1, so that TCP finds its way around a path with a smaller MTU.",
        )
    else:
        first = Check(
            "ipv4", "tcp_mtu_probing", Level.OK if value else Level.UNKNOWN, value or "not readable", node
        )
    value = recycle.stdout.strip()
    if recycle.exit_code != 0:
        second = Check("ipv4", "tcp_tw_recycle", Level.OK, "this kernel no longer has it", node)
    elif value == "1":
        second = Check(
            "ipv4", "tcp_tw_recycle", Level.FAIL, "1", node, "Set it to 0: it breaks NodePort Services."
        )
    else:
        second = Check("ipv4", "tcp_tw_recycle", Level.OK, value, node)
    return [first, second]


def checksum_errors(run: CommandRun, node: str) -> Check:
    """Counters InCsumErrors of /proc/net/snmp (proc(5)): named columns, then values, a line pair a protocol."""
    counts: dict[str, int] = {}
    lines = run.stdout.splitlines()
    for names, values in pairwise(lines):
        kind = names.partition(":")[0]
        if values.startswith(f"{kind}:"):
            row = dict(zip(names.split()[1:], values.split()[1:], strict=False))
            if row.get("InCsumErrors", "0").isdigit():
                counts[kind] = int(row.get("InCsumErrors", "0"))
    if not counts:
        return Check("checksum", "InCsumErrors", Level.UNKNOWN, f"{SNMP} cannot be read", node)
    bad = {kind: count for kind, count in counts.items() if count}
    if bad:
        return Check(
            "checksum",
            "InCsumErrors",
            Level.WARN,
            ", ".join(f"{kind} {count}" for kind, count in bad.items()),
            node,
            "If the count grows, turn off transmit checksum offload on the NIC that carries the traffic: "
            "ethtool -K NIC tx off.",
        )
    return Check("checksum", "InCsumErrors", Level.OK, "none", node)


def dns_search(run: CommandRun, node: str) -> Check:
    words = [
        w
        for line in run.stdout.splitlines()
        if line.startswith(("search", "domain"))
        for w in line.split()[1:]
    ]
    public = [
        w for w in words if w.rstrip(".").endswith((".com", ".net", ".org", ".cn")) or w in ("com", "net")
    ]
    if run.exit_code != 0:
        return Check("dns", "search domains", Level.UNKNOWN, f"{RESOLV} cannot be read", node)
    if public:
        return Check(
            "dns",
            "search domains",
            Level.WARN,
            ", ".join(public),
            node,
            "Pods on the node's DNS try these for every short name; make sure that is meant.",
        )
    return Check("dns", "search domains", Level.OK, ", ".join(words) or "none", node)


def agents(run: CommandRun, node: str) -> Check:
    names = sorted({n for n in run.stdout.split()[1:] if _AGENTS.match(n) and not _HARMLESS.match(n)})
    if run.exit_code != 0:
        return Check("firewall", "agents", Level.UNKNOWN, "the process list cannot be read", node)
    if names:
        return Check(
            "firewall",
            "agents",
            Level.WARN,
            ", ".join(names),
            node,
            "Make sure that they let tunnel traffic pass.",
        )
    return Check("firewall", "agents", Level.OK, "none known", node)


def geneve(udp: CommandRun, udp6: CommandRun, tunnels: CommandRun, node: str) -> Check:
    """A socket on UDP 6081 (the kernel's), or a userspace tunnel port, listens for other nodes."""
    wanted = f":{GENEVE_PORT:04X} "
    if wanted in udp.stdout or wanted in udp6.stdout:
        return Check("geneve", f"UDP {GENEVE_PORT}", Level.OK, "the kernel listens", node)
    if f"({GENEVE_PORT})" in tunnels.stdout or f"_sys_{GENEVE_PORT}" in tunnels.stdout:
        return Check("geneve", f"UDP {GENEVE_PORT}", Level.OK, "Open vSwitch listens", node)
    return Check(
        "geneve",
        f"UDP {GENEVE_PORT}",
        Level.WARN,
        "nobody listens",
        node,
        "With one node or another tunnel type that is right; else see the ovs-ovn pod of this node.",
    )

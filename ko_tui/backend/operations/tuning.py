"""``tuning check``: each node's performance settings against Kube-OVN's documented advice; and the old modules.

``kubectl ko tuning`` existed from Kube-OVN 1.10 to 1.12: it compiled a kernel module in a privileged container on the
machine of the administrator and copied the result into each kube-ovn-cni pod. That is offered only where the images
are that old. The checks are those of Kube-OVN's performance guide: CPU frequency governor, NIC ring buffers, offloads,
MTU, and the settings of Open vSwitch.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from ko_tui.backend.cluster.pods import CNI, is_ready, node_of, ref
from ko_tui.backend.errors import ClusterError, KoError, UsageError
from ko_tui.backend.operations.env_check import without_pod
from ko_tui.backend.operations.fanout import ask_all
from ko_tui.backend.operations.model import Check, Level, OnChecks, OnText, Report, quiet
from ko_tui.backend.operations.patience import within
from ko_tui.backend.source.interface import Cancel, PodRef
from ko_tui.backend.source.objects import KubeObject

if TYPE_CHECKING:
    from ko_tui.backend.session import Session

SECONDS = 10.0
NODE_SECONDS = 30.0  # for all questions to one node; nobody else waits for it
GOVERNOR = "/sys/devices/system/cpu/cpu0/cpufreq/scaling_governor"
Action = Literal[
    "install-fastpath",
    "local-install-fastpath",
    "remove-fastpath",
    "install-stt",
    "local-install-stt",
    "remove-stt",
]
ACTIONS: tuple[Action, ...] = (
    "install-fastpath",
    "local-install-fastpath",
    "remove-fastpath",
    "install-stt",
    "local-install-stt",
    "remove-stt",
)
FASTPATH = "/tmp/kube_ovn_fastpath.ko"
_LINK = re.compile(r"^\d+: (?P<name>[^:@]+)[:@].*? mtu (?P<mtu>\d+)", re.MULTILINE)
_NIC = re.compile(r"^[A-Za-z0-9_.-]{1,15}$")
_VERSION = re.compile(r":v?(\d+)\.(\d+)")


class TooNew(ClusterError):
    """The release no longer has what was asked for."""

    title = "This Kube-OVN no longer has that"
    exit_code = 2


@dataclass(frozen=True, slots=True)
class Release:
    major: int
    minor: int
    image: str

    @property
    def has_modules(self) -> bool:
        """Kube-OVN 1.10 to 1.12."""
        return self.major == 1 and 10 <= self.minor <= 12


def release(session: Session) -> Release:
    """Kube-OVN's release, by the image of kube-ovn-cni. Raises TooNew when it cannot be told."""
    for pod in session.app_pods(CNI):
        for container in pod.spec.get("containers") or []:
            image = str(container.get("image") or "")
            found = _VERSION.search(image)
            if found:
                return Release(int(found[1]), int(found[2]), image)
    raise TooNew(
        "The release of Kube-OVN cannot be told from its images.", "Kernel modules are for 1.10 to 1.12 only."
    )


def tuning_check(session: Session, *, on_checks: OnChecks = quiet, cancel: Cancel | None = None) -> Report:
    """Read every node's settings; nothing is changed."""
    report = Report("Performance settings of the nodes")
    pods = session.app_pods(CNI)
    ready = [p for p in pods if is_ready(p)]
    silent = {node_of(p): f"{p.name} is not ready" for p in pods if not is_ready(p)}
    here = {node_of(p) for p in pods}
    silent |= dict.fromkeys(without_pod(session, here), "no kube-ovn-cni pod runs there")
    for node, why in silent.items():
        report.partial.append(f"{node}: {why}")
        found = [Check("node", "kube-ovn-cni", Level.UNKNOWN, why, node)]
        report.add(found)
        on_checks(found)

    def one(pod: KubeObject) -> list[Check]:
        return check_node(session, node_of(pod), ref(pod, CNI), cancel)

    for pod, answer in ask_all(ready, one, cancel=cancel):
        if isinstance(answer, KoError):
            report.partial.append(f"{node_of(pod)}: {answer.what}")
            answer = [Check("node", "asked", Level.UNKNOWN, answer.what, node_of(pod))]
        report.add(answer)
        on_checks(answer)
    return report


def check_node(session: Session, node: str, cni: PodRef, cancel: Cancel | None = None) -> list[Check]:
    """Raises the typed errors of the source when the node cannot be asked."""
    run_there = within(session, node, NODE_SECONDS, SECONDS, cancel)

    def ask(*argv: str) -> str:
        run = run_there(cni, argv)
        return run.stdout if run.exit_code == 0 else ""

    checks = [governor(ask("cat", GOVERNOR).strip(), node)]
    nic = _tunnel_nic(session, node)
    if nic:
        checks += [
            ring(ask("ethtool", "-g", nic), nic, node),
            *offloads(ask("ethtool", "-k", nic), nic, node),
        ]
    links = {m["name"]: int(m["mtu"]) for m in _LINK.finditer(ask("ip", "link", "show"))}
    checks.append(mtu(links, nic, node))
    words = ("ovs-vsctl", "--timeout=10", "get", "Open_vSwitch", ".", "other_config")
    settings = run_there(session.ovs(node), words)
    checks.append(open_vswitch(settings.stdout.strip(), node))
    return checks


def _tunnel_nic(session: Session, node: str) -> str:
    """The NIC that carries the tunnels: what kube-ovn-cni recorded on the node."""
    from ko_tui.backend.source.kinds import NODES

    name = session.source.get(NODES, "", node).annotations.get("ovn.kubernetes.io/tunnel_interface", "")
    return name if _NIC.match(name) else ""


def governor(value: str, node: str) -> Check:
    if not value:
        return Check("cpu", "governor", Level.SKIPPED, "no frequency scaling here (a virtual machine?)", node)
    if value == "performance":
        return Check("cpu", "governor", Level.OK, value, node)
    advice = "Set it to performance: cpupower frequency-set -g performance."
    return Check("cpu", "governor", Level.WARN, value, node, advice)


def ring(text: str, nic: str, node: str) -> Check:
    """``ethtool -g``: the maximums come first, the present values after "Current hardware settings"."""
    most, _, now = text.partition("Current hardware settings")
    found = {
        which: (
            re.search(rf"^{which}:\s+(\d+)", most, re.MULTILINE),
            re.search(rf"^{which}:\s+(\d+)", now, re.MULTILINE),
        )
        for which in ("RX", "TX")
    }
    low = [
        f"{which} {current[1]} of {limit[1]}"
        for which, (limit, current) in found.items()
        if limit and current and int(current[1]) < int(limit[1])
    ]
    if not any(limit for limit, _ in found.values()):
        return Check("nic", "ring buffers", Level.SKIPPED, f"{nic} does not tell", node)
    if low:
        advice = f"Raise them on busy nodes: ethtool -G {nic} rx N tx N."
        return Check("nic", "ring buffers", Level.INFO, f"{nic}: {', '.join(low)}", node, advice)
    return Check("nic", "ring buffers", Level.OK, f"{nic}: at their maximum", node)


def offloads(text: str, nic: str, node: str) -> list[Check]:
    states = dict(re.findall(r"^\s*([\w-]+): (on|off)", text, re.MULTILINE))
    checks = []
    for feature, why in (
        ("tx-udp_tnl-segmentation", "Without it the CPU cuts tunnelled packets to size."),
        ("generic-receive-offload", "Without it every packet is handled on its own."),
    ):
        if feature in states:
            level = Level.OK if states[feature] == "on" else Level.INFO
            checks.append(
                Check(
                    "nic", feature, level, f"{nic}: {states[feature]}", node, "" if level is Level.OK else why
                )
            )
    return checks


def mtu(links: dict[str, int], nic: str, node: str) -> Check:
    """Geneve needs 100 bytes of room as Kube-OVN counts it."""
    inner, outer = links.get("ovn0", 0), links.get(nic, 0)
    if not inner or not outer:
        return Check("mtu", "ovn0", Level.SKIPPED, "ovn0 or the tunnel's NIC is not seen here", node)
    if inner > outer - 100:
        advice = f"Lower Kube-OVN's --mtu to {outer - 100}, or large packets between nodes are lost."
        return Check("mtu", "ovn0", Level.FAIL, f"{inner} over {nic} with {outer}", node, advice)
    return Check("mtu", "ovn0", Level.OK, f"{inner} over {nic} with {outer}", node)


def open_vswitch(text: str, node: str) -> Check:
    return Check("ovs", "other_config", Level.INFO, text or "{}", node)


def module_plan(session: Session, action: Action, system: str, arguments: tuple[str, ...] = ()) -> list[str]:
    """The commands of an old tuning action, as kubectl-ko ran them: what needs Docker runs on this machine.

    Raises TooNew on other releases and UsageError for an unknown system.
    """
    here = release(session)
    if not here.has_modules:
        raise TooNew(
            f"Kube-OVN here is {here.major}.{here.minor}; {action} existed from 1.10 to 1.12.",
            "Use ko-tui tuning check to read each node's performance settings.",
        )
    systems = ("centos",) if action.startswith("remove") else ("centos7", "centos8")
    if system not in systems:
        raise UsageError(f"{system!r} is not a system for {action}.", f"Use {' or '.join(systems)}.")
    version = f"v{here.image.rpartition(':')[2].removeprefix('v')}"
    registry = here.image.rpartition("/")[0] or "kubeovn"
    kind = "stt" if "stt" in action else "centos"
    how = "local-install" if action.startswith("local") else "install"
    what = "/tmp/openvswitch-kmod*.rpm" if kind == "stt" else FASTPATH
    if action.startswith("remove"):
        return [f"rm -f {what}   (in every kube-ovn-cni pod)"]
    mounts = "-v /lib/modules:/lib/modules -v /usr/src:/usr/src -v /tmp:/tmp"
    words = " ".join(("./module.sh", kind, how, *arguments))
    return [
        f"docker run --rm --privileged {mounts} {registry}/{system}-compile:{version} bash -c '{words}'",
        *(
            f"for file in {what}; do "
            f'kubectl cp -n {pod.namespace} -c {pod.container} "$file" {pod.name}:"$file"; done'
            for pod in (ref(found, CNI) for found in session.app_pods(CNI))
        ),
    ]


def remove_module(session: Session, action: Action, *, on_text: OnText = quiet) -> list[str]:
    """``remove-fastpath`` and ``remove-stt``: remove the file from every kube-ovn-cni pod; gives what failed."""
    files: tuple[str, ...] = (FASTPATH,)
    failed = []
    for pod in session.app_pods(CNI):
        if not is_ready(pod):
            failed.append(f"{pod.name} is not ready")
            continue
        where = ref(pod, CNI)
        if action == "remove-stt":
            listed = session.run(where, ("find", "/tmp", "-maxdepth", "1", "-name", "openvswitch-kmod*.rpm"))
            files = tuple(line for line in listed.stdout.split() if line.startswith("/tmp/openvswitch-kmod"))
        if files:
            run = session.run(where, ("rm", "-f", *files), trusted=True)
            if run.exit_code != 0:
                failed.append(f"{pod.name}: {run.stderr.strip()}")
        on_text(f"{pod.name}: {', '.join(files) or 'nothing to remove'}")
    return failed

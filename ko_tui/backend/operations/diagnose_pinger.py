"""Kube-OVN's own pinger, run once on each node, its words read into checks (kube-ovn pkg/pinger)."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from ko_tui.backend.cluster.pods import is_ready, node_of, ref
from ko_tui.backend.errors import KoError, UsageError
from ko_tui.backend.operations.fanout import ask_all
from ko_tui.backend.operations.model import Check, Level, Report
from ko_tui.backend.operations.patience import SilentNodes
from ko_tui.backend.source.interface import Cancel
from ko_tui.backend.source.objects import KubeObject

if TYPE_CHECKING:
    from ko_tui.backend.session import Session

SECONDS = 120.0
PINGER = "/kube-ovn/kube-ovn-pinger"
_TARGET = re.compile(r"^(tcp|udp)-(.+)-(\d{1,5})$")
_LINE = re.compile(r"^[IWEF]\d{4} [\d:.]+\s+\d+ [\w./-]+:\d+\] ?(.*)$")  # klog's head


def check_targets(text: str) -> str:
    """``tcp-10.16.0.5-80,udp-...`` as the pinger takes it. Raises UsageError."""
    for part in filter(None, text.split(",")):
        found = _TARGET.match(part)
        try:
            good = found is not None and 0 < int(found[3]) < 65536 and bool(ipaddress.ip_address(found[2]))
        except ValueError:
            good = False
        if not good:
            raise UsageError(
                f"{part!r} is not a target.", "Write tcp-IP-PORT or udp-IP-PORT, several with commas."
            )
    if not text:
        raise UsageError("No target was named.", "Write tcp-IP-PORT or udp-IP-PORT, several with commas.")
    return text


def run_pingers(
    session: Session,
    report: Report,
    take: Callable[[Sequence[Check]], None],
    *,
    node: str = "",
    target_ip_ports: str = "",
    extra: tuple[str, ...] = (),
    probes: bool = True,
    cancel: Cancel | None = None,
    silent: SilentNodes | None = None,
) -> None:
    """Run the pinger on every node (or one) and add what it says to the report. ``silent`` are not asked."""
    known = silent or SilentNodes()
    if not probes or session.options.mode == "strict":
        take([Check("pinger", "probes", Level.SKIPPED, "no packets are sent in this mode")])
        return
    pods = [p for p in session.app_pods("kube-ovn-pinger") if not node or node_of(p) == node]
    ready = [p for p in pods if is_ready(p)]
    take([Check("pinger", p.name, Level.WARN, "not ready", node_of(p)) for p in pods if not is_ready(p)])
    if not pods:
        take([Check("pinger", "pods", Level.WARN, "no kube-ovn-pinger runs here", node)])
    argv = [PINGER, "--mode=job"]
    if target_ip_ports:
        argv.append(f"--target-ip-ports={target_ip_ports}")
    argv += extra
    limited = ("timeout", "-k", "2", str(int(SECONDS)), *argv)

    def one(pod: KubeObject) -> list[Check]:
        run = known.ask(
            node_of(pod), lambda: session.run(ref(pod), limited, timeout=SECONDS + 10, cancel=cancel)
        )
        return read_pinger(run.stdout + run.stderr, run.exit_code, node_of(pod))

    for pod, answer in ask_all(ready, one, cancel=cancel):
        if isinstance(answer, KoError):
            report.partial.append(f"{node_of(pod)}: {answer.what}")
            answer = [Check("pinger", "run", Level.UNKNOWN, answer.what, node_of(pod))]
        take(answer)


def read_pinger(text: str, exit_code: int | None, node: str) -> list[Check]:
    """Each line of a pinger's run that says something was or was not reached."""
    if exit_code in (126, 127) and "failed to run command" in text:
        what = "this pod's image has no pinger at /kube-ovn/kube-ovn-pinger"
        return [Check("pinger", "run", Level.UNKNOWN, what, node)]
    checks = []
    for line in text.splitlines():
        found = _LINE.match(line)
        said = (found[1] if found else line).strip()
        low = said.lower()
        bad = line.startswith("E") or any(
            w in low for w in ("failed", "cannot", "can not", "error", "timeout", "lost")
        )
        loss = re.search(r"(\d+)/(\d+)|loss:? ?(\d+)%", low)
        if bad:
            checks.append(Check("pinger", "reached", Level.FAIL, said, node))
        elif "ping" in low or "resolve" in low or "connect" in low or loss:
            checks.append(Check("pinger", "reached", Level.OK, said, node))
    if exit_code not in (0, None) and not any(c.level is Level.FAIL for c in checks):
        checks.append(Check("pinger", "run", Level.FAIL, f"it ended with status {exit_code}", node))
    if not checks:
        checks.append(Check("pinger", "run", Level.UNKNOWN, "it said nothing that is understood", node))
    return checks

"""One node, looked at from its own Open vSwitch pod: is its OVN side alive, and what do its logs say."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from ko_tui.backend.cluster.rows import check
from ko_tui.backend.operations.model import Check, Level
from ko_tui.backend.operations.patience import within
from ko_tui.backend.ovn.table import parse_table
from ko_tui.backend.source.interface import Cancel

if TYPE_CHECKING:
    from ko_tui.backend.session import Session

SECONDS = 15.0  # for each question
NODE_SECONDS = 40.0  # for all questions to one node; nobody else waits for it
LINES = "60"
LOGS = ("/var/log/ovn/ovn-controller.log", "/var/log/openvswitch/ovs-vswitchd.log")
_SERIOUS = re.compile(r"\|(EMER|ERR)\|")
_WARNING = re.compile(r"\|WARN\|")


def check_node(session: Session, node: str, *, cancel: Cancel | None = None) -> list[Check]:
    """Raises NoSuchPart or an exec error when the node's pod cannot be asked."""
    ovs = session.ovs(node)
    ask = within(session, node, NODE_SECONDS, SECONDS, cancel)
    alive = ask(ovs, ("ovn-appctl", "-T", "5", "-t", "ovn-controller", "connection-status"))
    state = alive.stdout.strip()
    checks = []
    if alive.exit_code == 0 and state == "connected":
        checks.append(Check("node", "ovn-controller", Level.OK, "connected to the southbound database", node))
    elif alive.exit_code == 0:
        advice = "New pods on this node get no network; see the southbound leader and TLS settings."
        checks.append(Check("node", "ovn-controller", Level.FAIL, state or "not connected", node, advice))
    else:
        said = (alive.stderr or alive.stdout).strip().splitlines()
        detail = said[-1] if said else f"status {alive.exit_code}"
        checks.append(
            Check("node", "ovn-controller", Level.FAIL, detail, node, "It does not answer: see its log.")
        )
    interfaces = check(
        ask(ovs, ("ovs-vsctl", "--timeout=10", "--format=json", "--columns=name,error", "list", "Interface"))
    )
    broken = [f"{row['name']}: {row['error']}" for row in parse_table(interfaces.stdout) if row["error"]]
    if broken:
        shown = "; ".join(broken[:3]) + (f" and {len(broken) - 3} more" if len(broken) > 3 else "")
        advice = "Left over from pods whose network device is gone; kube-ovn-cni should have removed them."
        checks.append(Check("node", "interfaces", Level.WARN, shown, node, advice))
    else:
        checks.append(Check("node", "interfaces", Level.OK, "no errors", node))
    for path in LOGS:
        name = path.rsplit("/", 1)[1].removesuffix(".log")
        tail = ask(ovs, ("tail", "-n", LINES, path))
        if tail.exit_code != 0:
            checks.append(Check("log", name, Level.UNKNOWN, f"{path} cannot be read", node))
            continue
        lines = tail.stdout.splitlines()
        serious = [line for line in lines if _SERIOUS.search(line)]
        warnings = [line for line in lines if _WARNING.search(line)]
        if serious:
            checks.append(
                Check("log", name, Level.WARN, f"{len(serious)} errors, the last: {serious[-1]}", node)
            )
        elif warnings:
            checks.append(
                Check("log", name, Level.INFO, f"{len(warnings)} warnings, the last: {warnings[-1]}", node)
            )
        else:
            checks.append(Check("log", name, Level.OK, "quiet", node))
    return checks

"""One node, looked at from its own Open vSwitch pod: is its OVN side alive, and what do its logs say."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from ko_tui.backend.cluster.rows import check
from ko_tui.backend.operations.model import Check, Level
from ko_tui.backend.ovn.table import parse_table

if TYPE_CHECKING:
    from ko_tui.backend.session import Session

SECONDS = 15.0
LINES = "60"
LOGS = ("/var/log/ovn/ovn-controller.log", "/var/log/openvswitch/ovs-vswitchd.log")
_SERIOUS = re.compile(r"\|(EMER|ERR)\|")
_WARNING = re.compile(r"\|WARN\|")


def check_node(session: Session, node: str) -> list[Check]:
    """Raises NoSuchPart or an exec error when the node's pod cannot be asked."""
    ovs = session.ovs(node)
    alive = session.run(
        ovs, ("ovn-appctl", "-T", "5", "-t", "ovn-controller", "connection-status"), timeout=SECONDS
    )
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
        session.run(
            ovs,
            ("ovs-vsctl", "--timeout=10", "--format=json", "--columns=name,error", "list", "Interface"),
            timeout=SECONDS,
        )
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
        tail = session.run(ovs, ("tail", "-n", LINES, path), timeout=SECONDS)
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

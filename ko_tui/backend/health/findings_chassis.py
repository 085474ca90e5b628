"""What is wrong with the nodes: one finding for each kind of trouble, however many nodes have it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from ko_tui.backend.health.model import Finding, Health, Severity

NB_CFG_LAG = 2
NAMED = 10  # nodes that a finding names


def chassis(health: Health) -> Iterator[Finding]:
    """Rules on what was asked of the nodes and on their rows in the southbound database."""
    missing = [c.node for c in health.chassis if not c.registered]
    if missing:
        yield Finding(
            Severity.CRITICAL if len(missing) == len(health.chassis) else Severity.WARNING,
            "chassis.missing",
            f"{len(missing)} node{'' if len(missing) == 1 else 's'} without a chassis",
            _listed(missing, ", "),
            "Pods there have no network.",
            "See ovn-controller's log on those nodes, and their external_ids:ovn-remote.",
        )
    if health.strays:
        yield Finding(
            Severity.WARNING,
            "chassis.stray",
            f"{len(health.strays)} chassis without a node of their own",
            _listed(health.strays, ", "),
            "Other nodes keep tunnels to them, and ports may be bound where nothing runs.",
            "If the node is gone for good: ovn-sbctl chassis-del; when two share a host name, delete the dead one.",
        )
    silent = [(c.node, c.problem) for c in health.chassis if c.problem]
    answering = [c for c in health.chassis if not c.problem]
    cut_off = [(c.node, c.controller) for c in answering if c.controller and c.controller != "connected"]
    without = [(c.node, "0 flows") for c in answering if c.controller in ("", "connected") and c.flows == 0]
    late = [
        (c.node, f"nb_cfg lag {c.lag}") for c in health.chassis if c.lag is not None and c.lag > NB_CFG_LAG
    ]
    if silent:
        yield Finding(
            Severity.WARNING,
            "chassis.silent",
            f"{_who(silent)} not answer" if len(silent) > 1 else f"Node {silent[0][0]} does not answer",
            _seen(silent),
            "Connections that its datapath knows go on; new ones may fail, and changes do not arrive there.",
            f"See the ovs-ovn pod on {_there(silent)}.",
        )
    if cut_off:
        yield Finding(
            Severity.WARNING,
            "chassis.disconnected",
            f"ovn-controller on {_there(cut_off, count=True)} is not connected",
            _seen(cut_off),
            "Changes do not reach them; new pods there get no network.",
            "See its log, the southbound leader, and the certificates when TLS is on.",
        )
    if without:
        yield Finding(
            Severity.CRITICAL,
            "chassis.no_flows",
            f"br-int on {_there(without, count=True)} has no flows",
            _seen(without),
            "Nothing gets through there.",
            "Restart ovn-controller there; see whether ovs-vswitchd was restarted.",
        )
    if late:
        most = max(c.lag or 0 for c in health.chassis)
        yield Finding(
            Severity.WARNING,
            "chassis.lag",
            f"Node {late[0][0]} is {most} configurations behind"
            if len(late) == 1
            else f"{len(late)} nodes are up to {most} configurations behind",
            _seen(late),
            "Recent changes do not work there yet.",
            f"See the load of ovn-controller and ovs-vswitchd on {_there(late)}.",
        )


def _who(nodes: Sequence[tuple[str, str]]) -> str:
    return f"{len(nodes)} nodes do"


def _there(nodes: Sequence[tuple[str, str]], *, count: bool = False) -> str:
    if len(nodes) == 1:
        return nodes[0][0]
    return f"{len(nodes)} nodes" if count else "those nodes"


def _seen(nodes: Sequence[tuple[str, str]]) -> str:
    """What each said; said once when all say the same."""
    words = {said for _, said in nodes}
    if len(nodes) == 1:
        return nodes[0][1]
    if len(words) == 1:
        return f"{words.pop()}: {_listed([node for node, _ in nodes], ', ')}"
    return _listed([f"{node}: {said}" for node, said in nodes], "; ")


def _listed(names: Sequence[str], between: str) -> str:
    return between.join(names[:NAMED]) + (" ..." if len(names) > NAMED else "")

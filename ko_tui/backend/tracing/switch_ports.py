"""The ports of a node's switch: which is which logical port, tunnel or patch (ovs-vswitchd.conf.db(5))."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from ko_tui.backend.cluster.rows import check
from ko_tui.backend.command.run import CommandRun
from ko_tui.backend.errors import ClusterError
from ko_tui.backend.ovn.table import parse_table
from ko_tui.backend.source.interface import Cancel
from ko_tui.backend.tracing.model import Endpoint

if TYPE_CHECKING:
    from ko_tui.backend.session import Session

BRIDGE = "br-int"
TUNNELS = frozenset({"geneve", "vxlan", "stt"})
SECONDS = 30
AGE = 20.0  # seconds that a node's ports are used again


class NoPort(ClusterError):
    """A logical port has no port on its node's switch."""

    title = "The port is not on its node's switch"


@dataclass(frozen=True, slots=True)
class SwitchPort:
    """``name`` of the interface, ``number`` for OpenFlow (-1: it does not work), ``lsp`` what it carries."""

    name: str
    number: int
    kind: str
    lsp: str = ""
    remote: str = ""  # of a tunnel
    error: str = ""

    @property
    def label(self) -> str:
        return f"{self.lsp} ({self.name})" if self.lsp else self.name


@dataclass(frozen=True, slots=True)
class SwitchPorts:
    """All ports of a node's br-int. ``run`` asked for them."""

    node: str
    ports: tuple[SwitchPort, ...]
    run: CommandRun
    by_number: dict[int, SwitchPort] = field(default_factory=dict)

    def of(self, endpoint: Endpoint) -> SwitchPort:
        """Raises NoPort when the endpoint's logical port is not there, or does not work."""
        found = [port for port in self.ports if port.lsp == endpoint.lsp]
        working = [port for port in found if port.number > 0]
        if working:
            return working[0]
        if found:
            raise NoPort(
                f"The interface {found[0].name} of {endpoint.key} on node {self.node} has no OpenFlow port"
                + (f": {found[0].error}" if found[0].error else "."),
                "The device is gone or cannot be opened; see the kube-ovn-cni and ovs-vswitchd logs there.",
            )
        raise NoPort(
            f"No interface on node {self.node} carries the port {endpoint.lsp}.",
            "The pod's network was not set up on that node; see the kube-ovn-cni log there.",
        )

    def tunnel_from(self, address: str) -> SwitchPort | None:
        """The port by which packets from ``address`` arrive; one with ``remote_ip=flow`` takes all."""
        tunnels = [p for p in self.ports if p.kind in TUNNELS and p.number > 0]
        exact = [p for p in tunnels if p.remote == address]
        return next(iter([*exact, *(p for p in tunnels if p.remote == "flow")]), None)


def switch_ports(session: Session, node: str, *, cancel: Cancel | None = None) -> SwitchPorts:
    """Ask a node; the answer is kept for a short while."""
    return session.answers.get(("switch-ports", node), lambda: _ask(session, node, cancel), max_age=AGE).value


def _ask(session: Session, node: str, cancel: Cancel | None) -> SwitchPorts:
    argv = (
        "ovs-vsctl",
        "--timeout=20",
        "--format=json",
        "--columns=name,ofport,type,options,external_ids,error",
        "list",
        "Interface",
        "--",
        "list-ifaces",
        BRIDGE,
    )
    run = check(session.run(session.ovs(node), argv, timeout=SECONDS, cancel=cancel))
    table, _, names = run.stdout.partition("\n")
    mine = set(names.split())  # port numbers are each bridge's own
    ports = []
    for row in parse_table(table):
        if str(row["name"]) not in mine:
            continue
        number = row["ofport"]
        ids, options = row["external_ids"] or {}, row["options"] or {}
        ports.append(
            SwitchPort(
                name=str(row["name"]),
                number=number if isinstance(number, int) else -1,
                kind=str(row["type"] or ""),
                lsp=str(ids.get("iface-id", "")),
                remote=str(options.get("remote_ip", "")),
                error=str(row["error"] or ""),
            )
        )
    known = {port.number: port for port in ports if port.number > 0}
    return SwitchPorts(node, tuple(ports), run, known)


def node_of_tunnel(session: Session, address: str) -> str:
    """The node whose tunnels end at ``address``, by the southbound's Encap and Chassis; "" when none is known."""
    encaps = session.rows("sb", "Encap", ("ip", "chassis_name"), max_age=120.0).value
    names = {str(row["chassis_name"]) for row in encaps if str(row["ip"]) == address}
    if not names:
        return ""
    rows = session.rows("sb", "Chassis", ("name", "hostname"), max_age=120.0).value
    return next((str(row["hostname"]) for row in rows if str(row["name"]) in names), "")

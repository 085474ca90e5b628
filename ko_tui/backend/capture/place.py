"""Where to capture: which pod, which network namespace, which interface (facts of kubectl-ko's tcpdump, and more).

Beside what kubectl ko knows (host network, veth, internal port) also VMs and attachment NICs, whose interface is
taken on the node's side of the pair: it is named by the logical port, whoever owns the other side.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from ko_tui.backend.cluster.rows import check
from ko_tui.backend.command.policy_tables import INTERFACE as TYPED
from ko_tui.backend.errors import ClusterError, UsageError
from ko_tui.backend.ovn.table import parse_table
from ko_tui.backend.source.interface import PodRef
from ko_tui.backend.tracing.model import Endpoint

if TYPE_CHECKING:
    from ko_tui.backend.session import Session

NETNS = re.compile(r"^/(?:var/)?run/netns/[A-Za-z0-9._-]+$")
INTERFACE = re.compile(r"^[A-Za-z0-9_.@-]{1,15}$")
NAMED = re.compile(rf"^{TYPED}$")  # by a person


class NoInterface(ClusterError):
    """The endpoint has no interface that can be captured on."""

    title = "There is nowhere to capture"


@dataclass(frozen=True, slots=True)
class CapturePlace:
    """A container, the network namespace to enter ("" for its own), and the interface. ``why`` is a sentence."""

    pod: PodRef
    interface: str
    netns: str
    why: str

    def argv(self, tcpdump: tuple[str, ...]) -> tuple[str, ...]:
        """``tcpdump`` run at this place."""
        return ("nsenter", f"--net={self.netns}", *tcpdump) if self.netns else tcpdump


def check_interface(name: str) -> None:
    """Raises UsageError for what cannot be an interface's name; "" is the endpoint's own."""
    if name and not NAMED.match(name):
        raise UsageError(f"{name!r} cannot be the name of an interface.")


def find_place(session: Session, endpoint: Endpoint, interface: str = "") -> CapturePlace:
    """``interface`` is another one than the endpoint's own, in the same network namespace.

    Raises NoInterface when the port has no interface on its node, UsageError for an ``interface`` that cannot be meant.
    """
    own = _own_place(session, endpoint)
    if not interface:
        return own
    check_interface(interface)
    if not own.netns and not (endpoint.host_network or endpoint.kind == "node"):
        raise UsageError(
            f"{endpoint.key} is captured on the node's side of its port, where {interface} would be another's.",
            "Leave -i out; an attachment is named NAMESPACE/POD@ATTACHMENT.",
        )
    where = "inside the pod's network namespace" if own.netns else f"of node {endpoint.node}"
    return replace(own, interface=interface, why=f"{interface} {where}.")


def _own_place(session: Session, endpoint: Endpoint) -> CapturePlace:
    if not endpoint.node:
        raise NoInterface(
            f"{endpoint.key} is not on any node.", "Only running pods, VMs and nodes can be captured."
        )
    ovs = session.ovs(endpoint.node)
    if endpoint.host_network or endpoint.kind == "node":
        return CapturePlace(ovs, "any", "", f"{endpoint.key} uses the network of node {endpoint.node}.")
    found = check(
        session.run(
            ovs,
            (
                "ovs-vsctl",
                "--timeout=10",
                "--format=json",
                "--columns=name,type,external_ids",
                "find",
                "Interface",
                f"external_ids:iface-id={endpoint.lsp}",
            ),
        )
    )
    rows = parse_table(found.stdout)
    if not rows:
        raise NoInterface(
            f"No interface on node {endpoint.node} carries the port {endpoint.lsp}.",
            "The pod's network was not set up on that node; see the kube-ovn-cni log there.",
        )
    name, kind = str(rows[0]["name"]), str(rows[0]["type"] or "")
    ids = rows[0]["external_ids"] or {}
    if not INTERFACE.match(name):
        raise NoInterface(f"The interface name {name!r} is not one that can be used safely.")
    if kind in ("dpdkvhostuser", "dpdkvhostuserclient", "dpdk"):
        raise NoInterface(
            f"{endpoint.key} has a DPDK port ({name}): the kernel never sees its packets.",
            "Capture on the other end, or mirror the port.",
        )
    netns = str(ids.get("pod_netns", ""))
    if kind == "internal":
        if not NETNS.match(netns):
            raise NoInterface(
                f"The network namespace of {endpoint.key} is not recorded on its interface {name}."
            )
        return CapturePlace(
            session.cni(endpoint.node),
            name,
            netns,
            f"An internal port: {name} inside the pod's network namespace.",
        )
    if endpoint.kind == "pod" and NETNS.match(netns):
        return CapturePlace(
            session.cni(endpoint.node), "eth0", netns, "eth0 inside the pod's network namespace."
        )
    return CapturePlace(ovs, name, "", f"{name}, the node's side of the port {endpoint.lsp}.")

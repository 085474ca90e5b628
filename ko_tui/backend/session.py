"""The one door between a cluster (live or saved) and whoever shows it.

Every method blocks and may be called from several threads; errors are KoError kinds. The session keeps answers
with their age and asks each question once at a time.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

from ko_tui.backend.answers import Answer, Answers
from ko_tui.backend.cluster.inventory import take_inventory
from ko_tui.backend.cluster.leader import Database, Leader, find_leader
from ko_tui.backend.cluster.pods import (
    CENTRAL,
    CNI,
    OVS_LABELS,
    NoSuchPart,
    find_namespace,
    list_app,
    ovs_pod,
    ref,
)
from ko_tui.backend.command.run import CommandRun
from ko_tui.backend.command.runner import AuditSink, Guard, Runner
from ko_tui.backend.options import SessionOptions as SessionOptions
from ko_tui.backend.source.interface import Cancel, NotInSnapshot, OnBytes, PodRef, Source, SourceInfo
from ko_tui.backend.source.objects import KubeObject
from ko_tui.backend.tracing.model import Endpoint, Inventory, TracePlan, TraceRequest, TraceResult

if TYPE_CHECKING:
    from ko_tui.backend.cluster.following import Following, InventoryNews
    from ko_tui.backend.explain.model import ObjectRef
    from ko_tui.backend.health.model import Health
    from ko_tui.backend.ovn.flows import FlowStore
    from ko_tui.backend.ovn.table import Row
    from ko_tui.backend.pipeline.browse import Datapath
    from ko_tui.backend.pipeline.node_flows import NodeFlows
    from ko_tui.backend.simulate.following import Follower
    from ko_tui.backend.source.ovsdb_file import Database as SavedDatabase
    from ko_tui.backend.tracing.datapath_model import DatapathTrace
    from ko_tui.backend.tracing.live_counts import LiveCounts

LEADER_AGE = 10.0  # seconds that a leader's own word is believed
PODS_AGE = 15.0
PARALLEL = 16
END_SECONDS = 3.0  # at most so long a session that is closed waits for what it still runs in a pod


class Session:
    """A connection to one cluster, with what was learned of it."""

    def __init__(
        self,
        source: Source,
        options: SessionOptions | None = None,
        *,
        guard: Guard | None = None,
        audit: AuditSink | None = None,
    ) -> None:
        self.source = source
        self.options = options or SessionOptions()
        self.answers = Answers()
        self.pool = ThreadPoolExecutor(PARALLEL, thread_name_prefix="ko-session")
        self.runner = Runner(source, guard, audit)
        self._following: Following | None = None
        self.southbound_follower: Follower | None = None

    # -- who we talk to -------------------------------------------------------------------------------------

    @property
    def info(self) -> SourceInfo:
        return self.source.info

    @property
    def live(self) -> bool:
        """True on a live cluster; False on a saved one, where nothing new can be run."""
        return self.source.info.kind == "live"

    @property
    def namespace(self) -> str:
        """Kube-OVN's namespace, as given or found by labels. Raises NoSuchPart when it is nowhere."""
        if self.options.namespace:
            return self.options.namespace
        return self.answers.get("namespace", lambda: find_namespace(self.source), max_age=3600).value

    def close(self) -> None:
        if self.southbound_follower is not None:
            self.southbound_follower.stop(wait=END_SECONDS)
        self.pool.shutdown(wait=False, cancel_futures=True)
        self.source.close()

    # -- Kube-OVN's pods ------------------------------------------------------------------------------------

    def app_pods(self, *apps: str, max_age: float = PODS_AGE) -> Sequence[KubeObject]:
        """Every pod of Kube-OVN with one of these ``app`` labels, ready or not."""
        ask = lambda: list_app(self.source, self.namespace, *apps)  # noqa: E731
        return self.answers.get(("pods", apps), ask, max_age=max_age).value

    def leader(self, database: Database) -> Leader:
        """Who leads a database, by the servers' own word. Raises NoSuchPart when nobody answers."""

        def ask() -> Leader:
            central = self._there(self.app_pods(CENTRAL), "ovn-central")
            pool = ThreadPoolExecutor(8, thread_name_prefix="ko-leader")
            try:
                return find_leader(database, central, lambda p, a: self.runner.run(p, a, timeout=8), pool)
            finally:
                pool.shutdown(wait=False, cancel_futures=True)

        return self.answers.get(("leader", database), ask, max_age=LEADER_AGE).value

    def ovs(self, node: str, *, max_age: float = PODS_AGE) -> PodRef:
        """The Open vSwitch container of a node, DPDK or not."""
        return ref(ovs_pod(self._there(self.app_pods(*OVS_LABELS, max_age=max_age), "Open vSwitch"), node))

    def _there(self, pods: Sequence[KubeObject], what: str) -> Sequence[KubeObject]:
        """The pods; when there are none, a namespace that was given is the likeliest reason."""
        if not pods and self.options.namespace:
            raise NoSuchPart(
                f"No {what} pod is in the namespace {self.options.namespace!r}, which was given as Kube-OVN's own.",
                "-n and KUBE_OVN_NS name that namespace; without them it is found by labels.",
            )
        return pods

    def cni(self, node: str) -> PodRef:
        """The kube-ovn-cni container of a node."""
        return ref(ovs_pod(self.app_pods(CNI), node), CNI)

    # -- running things ---------------------------------------------------------------------------------------

    def run(
        self,
        pod: PodRef,
        argv: Sequence[str],
        *,
        timeout: float = 30.0,
        cancel: Cancel | None = None,
        on_stdout: OnBytes | None = None,
        trusted: bool = False,
        max_output: int = 0,
    ) -> CommandRun:
        """Run a command in a pod under the policy; see Runner.run."""
        return self.runner.run(
            pod,
            argv,
            timeout=timeout,
            cancel=cancel,
            on_stdout=on_stdout,
            trusted=trusted,
            max_output=max_output,
        )

    def rows(
        self,
        database: Database,
        table: str,
        columns: Sequence[str] = (),
        *,
        where: Sequence[str] = (),
        record: str = "",
        max_age: float = 10.0,
    ) -> Answer[list[Row]]:
        """Rows of an OVN table: ``list TABLE [RECORD]`` or ``find TABLE where...``; on a snapshot from its file.

        ``where`` are conditions as ovn-nbctl(8) takes them (``name=web``). Raises ClusterError when the tool
        fails; a missing ``record`` gives no rows.
        """
        from ko_tui.backend.cluster.rows import ask_rows

        question = ("rows", database, table, tuple(columns), tuple(where), record)
        return self.answers.get(
            question, lambda: ask_rows(self, database, table, columns, where, record), max_age=max_age
        )

    # -- what people ask ----------------------------------------------------------------------------------------

    def inventory(
        self,
        *,
        refresh: bool = False,
        cancel: Cancel | None = None,
        on_progress: Callable[[Sequence[Endpoint]], None] | None = None,
    ) -> Inventory:
        """Pods, NICs, VMs, nodes and Services; ``taken_at`` tells their age. Followed, they are as now.

        ``on_progress`` gets the rows so far while they are listed."""
        following = self._following
        if following is not None and following.holds and not refresh:
            return following.inventory

        def ask() -> Inventory:
            try:
                return take_inventory(self.source, self.pool, cancel=cancel, on_progress=on_progress)
            except NotInSnapshot as error:
                return self._bound_inventory(error)

        return self.answers.get("inventory", ask, max_age=0.0 if refresh else 60.0).value

    def _bound_inventory(self, absent: NotInSnapshot) -> Inventory:
        """The ports of a southbound database that is all there is; raises ``absent`` when it is not there either."""
        from ko_tui.backend.cluster.bound_ports import bound_inventory

        try:
            database = self.saved_southbound()
        except NotInSnapshot:
            raise absent from None
        return bound_inventory(database)

    def saved_southbound(self) -> SavedDatabase:
        """The southbound database of a saved cluster. Raises NotInSnapshot."""
        if self.live:
            raise NotInSnapshot("A live cluster is asked, not read.")
        found: SavedDatabase = self.source.database("sb")  # type: ignore[attr-defined]  # only saved clusters have it
        return found

    @property
    def watches(self) -> bool:
        """Whether an inventory can be followed: on a live cluster, not on a saved one."""
        return self.live and "watch" in self.source.capabilities

    def follow(self, inventory: Inventory, *, cancel: Cancel) -> Iterator[InventoryNews]:
        """What changes in an inventory from now on, until cancelled; at most two batches a second.

        Others who ask for the inventory get the newest. Reconnecting is the stream's own business; it raises nothing.
        """
        from ko_tui.backend.cluster.following import Following

        following = self._following = Following(self.source, inventory, cancel)
        try:
            yield from following
        finally:
            if self._following is following:
                self._following = None

    def plan(self, request: TraceRequest) -> TracePlan:
        """Resolve a request: packet, commands, and why. Raises UsageError or ClusterError kinds."""
        from ko_tui.backend.tracing.plan import make_plan

        return make_plan(self, request)

    def trace(self, plan: TracePlan, *, cancel: Cancel | None = None) -> TraceResult:
        """Run a plan and explain what came. Raises ClusterError kinds; a dropped packet is a result."""
        from ko_tui.backend.tracing.trace import run_trace

        return run_trace(self, plan, cancel=cancel)

    def datapath(self, result: TraceResult, *, cancel: Cancel | None = None) -> DatapathTrace:
        """The same packet through the OpenFlow of its nodes, held against the logical trace.

        Raises ClusterError kinds: on a saved cluster, or when the source has no port on its node.
        """
        from ko_tui.backend.tracing.datapath import trace_datapath

        return trace_datapath(self, result, cancel=cancel)

    def live_counts(
        self, trace: DatapathTrace, before: LiveCounts | None = None, *, cancel: Cancel | None = None
    ) -> LiveCounts:
        """What the flows on that way have counted by now, and since the look ``before``."""
        from ko_tui.backend.tracing.live_counts import live_counts

        return live_counts(self, trace, before, cancel=cancel)

    def reply(self, result: TraceResult) -> TraceRequest:
        """The request for the reply of a delivered trace. Raises UsageError when there is none."""
        from ko_tui.backend.tracing.reply import reply_request

        return reply_request(self, result)

    def objects(self, result: TraceResult) -> dict[str, ObjectRef]:
        """The object behind each flow of a trace, by the flow's UUID; asks the cluster, so only when wanted."""
        from ko_tui.backend.tracing.objects import find_objects

        return find_objects(self, result.explained.stages)

    def datapaths(self, *, refresh: bool = False) -> Answer[list[Datapath]]:
        """Every logical switch and router, without counts (see flow_counts)."""
        from ko_tui.backend.pipeline.browse import datapaths

        return self.answers.get("datapaths", lambda: datapaths(self), max_age=0.0 if refresh else 60.0)

    def flow_counts(self, *, refresh: bool = False) -> Answer[dict[str, int]]:
        """Datapath UUID -> number of logical flows."""
        from ko_tui.backend.pipeline.browse import flow_counts

        return self.answers.get("flow-counts", lambda: flow_counts(self), max_age=0.0 if refresh else 120.0)

    def flows(
        self,
        datapath: str,
        *,
        refresh: bool = False,
        cancel: Cancel | None = None,
        on_progress: Callable[[int], None] = lambda _: None,
    ) -> Answer[FlowStore]:
        """The flows of one datapath; ``stages`` and ``flows`` of the store give its tables and rows."""
        from ko_tui.backend.pipeline.browse import load_flows

        ask = lambda: load_flows(self, datapath, cancel=cancel, on_progress=on_progress)  # noqa: E731
        return self.answers.get(("flows", datapath), ask, max_age=0.0 if refresh else 300.0)

    def openflow(self, node: str, bridge: str = "br-int", *, cancel: Cancel | None = None) -> NodeFlows:
        """The OpenFlow of a node, always fresh: counters are the point of it."""
        from ko_tui.backend.pipeline.node_flows import dump_flows

        return dump_flows(self, node, bridge, cancel=cancel)

    def health(self, *, cancel: Cancel | None = None) -> Health:
        """The state of the network's control plane, with findings ranked by severity."""
        from ko_tui.backend.health.collect import collect

        return collect(self, cancel=cancel)


def open_session(options: SessionOptions) -> Session:
    """Open a live cluster or a saved one, with the policy and the audit log that the options ask for.

    Raises UsageError for a bad kubeconfig, context or file; the network is not touched yet.
    """
    from ko_tui.backend.opening import open_source

    return open_source(options)

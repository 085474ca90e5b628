"""The leader labels of ovn-central pods and the endpoints of the Services that select by them.

Kube-OVN's leader checker asks the daemons of its own pod and patches the pod; here one task does it for all pods
once a second. Faults leave the labels wrong on purpose.
"""

from __future__ import annotations

import asyncio
import datetime
import threading
from collections.abc import Callable
from typing import Literal

from tests.lab.api.server import ApiServer
from tests.lab.api.status import ApiError
from tests.lab.api.store import Entry, Object, at
from tests.lab.objects.services import LEADER_SERVICES, endpoint, slice_name
from tests.lab.topology import NAMESPACE

Role = Literal["nb", "sb", "northd"]
ROLES: tuple[Role, ...] = ("nb", "sb", "northd")
EVERY = 1.0
Ask = Callable[[str], dict[Role, bool]]


class LeaderLabels:
    """``ask`` tells for a node which roles its ovn-central leads; it may block for a moment."""

    def __init__(self, server: ApiServer, ask: Ask) -> None:
        self._server, self._ask = server, ask
        self._lock = threading.Lock()
        self._frozen: set[Role] = set()
        self.controller_is_blind = False

    async def run(self) -> None:
        """Keep the labels in step until cancelled."""
        loop = asyncio.get_running_loop()
        while True:
            await loop.run_in_executor(None, self.check)
            await asyncio.sleep(EVERY)

    def check(self) -> None:
        """Ask once and write what has changed."""
        for entry in self._central():
            leads = self._ask(entry.fields.get("spec.nodeName", ""))
            with self._lock:
                for role in set(ROLES) - self._frozen:
                    self._label(entry, role, "true" if leads.get(role) else "false")
        for role in ROLES:
            self._endpoints(role)
        self._renew()

    def _renew(self) -> None:
        """kube-ovn-controller renews its lease every few seconds, unless it is blind."""
        if self.controller_is_blind:
            return
        kind = self._server.catalogue.of("Lease")
        now = datetime.datetime.now(datetime.UTC)

        def change(lease: Object) -> None:
            lease["spec"]["renewTime"] = now.strftime("%Y-%m-%dT%H:%M:%S.%fZ")

        lease = self._server.store.get(kind, "kube-system", "kube-ovn-controller").object
        age = now - datetime.datetime.fromisoformat(lease["spec"]["renewTime"].replace("Z", "+00:00"))
        if age.total_seconds() > 5:
            self._server.store.update(kind, "kube-system", "kube-ovn-controller", change)

    # -- faults -----------------------------------------------------------------------------------------------

    def freeze(self, *roles: Role) -> None:
        """Leave the labels (of all roles when none is named) as they are, whatever happens."""
        with self._lock:
            self._frozen |= set(roles or ROLES)

    def follow(self) -> None:
        """End all faults of labels, and put them right."""
        with self._lock:
            self._frozen.clear()
        self.controller_is_blind = False
        for entry in self._central():
            self._ready(entry, True)
        self.check()

    def missing(self, role: Role) -> None:
        """No pod carries the label."""
        self.freeze(role)
        for entry in self._central():
            self._label(entry, role, None)
        self._endpoints(role)

    def doubled(self, role: Role) -> None:
        """Two pods carry it: the leader and another."""
        self.freeze(role)
        entries = self._central()
        others = [e for e in entries if e.labels.get(_label(role)) != "true"]
        self._label(others[0], role, "true")
        if len(others) == len(entries):
            self._label(others[1], role, "true")
        self._endpoints(role)

    def moved(self, role: Role) -> str:
        """A follower alone carries it; gives that pod's name."""
        self.freeze(role)
        entries = self._central()
        wrong = next(e for e in entries if e.labels.get(_label(role)) != "true")
        for entry in entries:
            self._label(entry, role, "true" if entry is wrong else "false")
        self._endpoints(role)
        return wrong.name

    def on_dead_pod(self, role: Role) -> str:
        """The labelled pod's node is lost: the label stays, the pod is no longer ready. Gives the pod's name."""
        self.freeze(role)
        dead = next(e for e in self._central() if e.labels.get(_label(role)) == "true")
        self._ready(dead, False)
        self._endpoints(role)
        return dead.name

    # -- within -----------------------------------------------------------------------------------------------

    def _central(self) -> list[Entry]:
        pods = self._server.store.all(self._server.controllers.pods, NAMESPACE)[0]
        return [e for e in pods if e.labels.get("app") == "ovn-central" and e.fields.get("spec.nodeName")]

    def _update(self, entry: Entry, change: Callable[[Object], None]) -> None:
        try:
            self._server.store.update(self._server.controllers.pods, entry.namespace, entry.name, change)
        except ApiError:
            pass  # the pod has just been deleted

    def _label(self, entry: Entry, role: Role, value: str | None) -> None:
        if entry.labels.get(_label(role)) == value:
            return

        def change(pod: Object) -> None:
            if value is None:
                pod["metadata"]["labels"].pop(_label(role), None)
            else:
                pod["metadata"]["labels"][_label(role)] = value

        self._update(entry, change)

    def _ready(self, entry: Entry, ready: bool) -> None:
        def change(pod: Object) -> None:
            for condition in at(pod, "status.conditions") or []:
                if condition["type"] in ("Ready", "ContainersReady"):
                    condition["status"] = "True" if ready else "False"
            for each in at(pod, "status.containerStatuses") or []:
                each["ready"] = ready

        self._update(entry, change)

    def _endpoints(self, role: Role) -> None:
        """What the endpoint controller makes of the labels."""
        name = f"ovn-{role}"
        label = LEADER_SERVICES[name][2]
        wanted = []
        for entry in self._central():
            pod = entry.object
            ready = any(
                c["type"] == "Ready" and c["status"] == "True" for c in at(pod, "status.conditions") or []
            )
            if entry.labels.get(label) == "true" and ready:
                ip = at(pod, "status.podIP") or ""
                wanted.append(endpoint([ip], entry.name, NAMESPACE, entry.fields["spec.nodeName"]))
        kind = self._server.catalogue.of("EndpointSlice")

        def change(item: Object) -> None:
            item["endpoints"] = wanted

        try:
            self._server.store.update(kind, NAMESPACE, slice_name(name, "IPv4"), change)
        except ApiError:
            pass


def _label(role: Role) -> str:
    return f"ovn-{role}-leader"

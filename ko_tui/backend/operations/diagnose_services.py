"""What every pod needs beside Kube-OVN itself: the cluster's DNS, and who serves Services on the nodes."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from ko_tui.backend.operations.model import Check, Level
from ko_tui.backend.operations.rollout import rollout_of
from ko_tui.backend.source.interface import Forbidden, NotFound
from ko_tui.backend.source.kinds import DAEMONSETS, DEPLOYMENTS

if TYPE_CHECKING:
    from ko_tui.backend.session import Session

NAMESPACE = "kube-system"
ABSENT = {
    "coredns": "no workload of this name: DNS is served by another",
    "kube-proxy": "no DaemonSet of this name: Services are served by another program, or by Kube-OVN alone",
}


def services(session: Session) -> list[Check]:
    """CoreDNS and kube-proxy. WITHOUT_KUBE_PROXY=true leaves the second out, as for kubectl ko."""
    checks = []
    for name, resources in (("coredns", (DEPLOYMENTS, DAEMONSETS)), ("kube-proxy", (DAEMONSETS,))):
        if name == "kube-proxy" and os.environ.get("WITHOUT_KUBE_PROXY") == "true":
            checks.append(Check("services", name, Level.SKIPPED, "WITHOUT_KUBE_PROXY is set"))
            continue
        check = Check("services", name, Level.INFO, ABSENT[name])
        for resource in resources:
            try:
                state = rollout_of(session.source.get(resource, NAMESPACE, name), resource)
            except NotFound:
                continue
            except Forbidden as error:
                check = Check("services", name, Level.SKIPPED, error.what)
                break
            level = Level.OK if state.available >= state.wanted else Level.FAIL
            advice = "" if level is Level.OK else f"kubectl -n {NAMESPACE} get pods -o wide | grep {name}"
            said = f"{state.available} of {state.wanted} available"
            check = Check("services", name, level, said, advice=advice)
            break
        checks.append(check)
    return checks

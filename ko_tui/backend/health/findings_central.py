"""What is wrong with ovn-central as a whole: it is stopped, or a restore of its databases is not finished."""

from __future__ import annotations

from collections.abc import Iterator

from ko_tui.backend.cluster.pods import CENTRAL
from ko_tui.backend.health.model import Finding, Health, Severity

STOPPED = "Both databases are stopped: what is set up goes on, and nothing in the network can be changed."


def central_asked_for(health: Health) -> bool:
    """False when the Deployment asks for no ovn-central pod at all; true when that is not known."""
    return all(c.wanted > 0 for c in health.components if c.name == CENTRAL)


def restore(health: Health) -> Iterator[Finding]:
    found = health.restore
    if found is None:
        return
    if found.state == "stopped":
        yield Finding(
            Severity.CRITICAL if found.central_stopped or not central_asked_for(health) else Severity.WARNING,
            "restore.stopped",
            f"A restore of the northbound database stopped at {found.step!r}",
            f"begun {found.began}; {found.progress}",
            STOPPED if found.central_stopped else "It is half done; some of what it made may still be there.",
            found.way,
        )
    else:
        here = found.state == "here"
        yield Finding(
            Severity.INFO,
            "restore.under_way",
            "A restore of the northbound database is under way" + ("" if here else ", or was left"),
            f"begun {found.began}; {found.progress}" if here else f"pods {', '.join(found.pods)}",
            "Both databases stop meanwhile; findings about them may be due to that.",
            found.way,
        )


def stopped(health: Health) -> Iterator[Finding]:
    if central_asked_for(health):
        return
    yield Finding(
        Severity.CRITICAL,
        "central.stopped",
        f"{CENTRAL} is scaled to 0",
        "the Deployment asks for no pods",
        STOPPED,
        "End the restore that stopped it, as said above."
        if health.restore is not None
        else f"If nobody is at it: kubectl scale -n {health.namespace} deployment {CENTRAL} --replicas=N, with N the "
        "number of addresses in its NODE_IPS.",
    )

"""Why a daemon gave no answer: the last words of ovs-appctl, ovn-appctl and ovs-ofctl, put plainly.

The tools are run with a time limit of their own, after which an alarm signal ends them (ovs-appctl(8), -T).
"""

from __future__ import annotations

import re

_PREFIX = re.compile(r"^(?:\d{4}-\d\d-\d\dT[\d:.]+Z\|\d+\|\w+\|\w+\||ov[ns]-\w+: )+")
_NOT_RUNNING = re.compile(
    r"cannot read pidfile .*\(No such (?:process|file or directory)\)"
    r"|cannot connect to .*\((?:Connection refused|No such file or directory)\)"
    r"|failed to open socket \((?:Connection refused|No such file or directory)\)"
    r"|is not a bridge or a socket"
)

DAEMON = {
    "ovs-ofctl": "ovs-vswitchd",
    "ovs-appctl": "ovs-vswitchd",
    "ovs-dpctl": "ovs-vswitchd",
    "ovs-vsctl": "ovsdb-server",
    "ovn-appctl": "the daemon",
    "ovn-nbctl": "the northbound database",
    "ovn-sbctl": "the southbound database",
    "ovsdb-client": "the database",
}
"""Who is asked by a tool."""
STUCK = "it runs, and is stuck or very busy"


def gave_up(stderr: str) -> bool:
    """Did the tool's own time limit end it? The words are those of OVS's fatal-signal module."""
    return "Alarm clock" in stderr


def why_silent(stdout: str, stderr: str) -> str:
    """One line; ``no answer`` when nothing was said at all."""
    said = [line.strip() for line in (stderr.strip() or stdout.strip()).splitlines() if line.strip()]
    if not said:
        return "no answer"
    if any(map(gave_up, said)):
        return f"no answer in time: {STUCK}"
    words = _PREFIX.sub("", said[-1])
    return f"not running: {words}" if _NOT_RUNNING.search(words) else words

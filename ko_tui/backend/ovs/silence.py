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


def why_silent(stdout: str, stderr: str) -> str:
    """One line; ``no answer`` when nothing was said at all."""
    said = [line.strip() for line in (stderr.strip() or stdout.strip()).splitlines() if line.strip()]
    if not said:
        return "no answer"
    if any("Alarm clock" in line for line in said):
        return "no answer in time: it runs, and is stuck or very busy"
    words = _PREFIX.sub("", said[-1])
    return f"not running: {words}" if _NOT_RUNNING.search(words) else words

"""The policy for a whole argv as it is about to run, wrappers included.

The guard is read-only in every mode: what writes runs only where a person was asked, and says so
(``Runner.run(trusted=True)``).
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from ko_tui.backend.command.fixed import find_fixed
from ko_tui.backend.command.policy import READ_ONLY, STRICT, TOOLS, Decision, Mode, check
from ko_tui.backend.command.policy_words import Refused, check_words
from ko_tui.backend.command.runner import Guard
from ko_tui.backend.errors import PolicyRefusal

NEXT_STEP = "What may run is listed by ko-tui rbac."
_TIME_LIMIT = re.compile(r"\d{1,6}(\.\d{1,6})?")
_NETNS = re.compile(r"--net=/(var/)?run/netns/[A-Za-z0-9_-][A-Za-z0-9._-]*")
_ENTERED = frozenset({"tcpdump", "arping", "ndisc6"})


def guard_for(mode: Mode) -> Guard:
    """The guard of a session. It raises PolicyRefusal with the reason."""
    strictness: Mode = STRICT if mode == STRICT else READ_ONLY

    def guard(argv: Sequence[str]) -> None:
        decision = check_argv(argv, mode=strictness)
        if not decision.allowed:
            raise PolicyRefusal(decision.reason, NEXT_STEP)

    return guard


def check_argv(argv: Sequence[str], *, mode: Mode = READ_ONLY) -> Decision:
    """May ``argv`` run as it stands? Wrappers (``timeout``, ``nsenter`` into a pod's network) are seen through."""
    try:
        check_words(argv)
        words, entered = _unwrap(argv)
    except Refused as refused:
        return _refused(refused.reason, "words")
    entry = None if entered and words[0] not in _ENTERED else find_fixed(words)
    if entry is None:
        if words and words[0] in TOOLS and (not entered or words[0] in _ENTERED):
            return check(words[0], words[1:], mode=mode, capture=True)
        return _refused(f"{' '.join(words[:2]) or 'An empty command'} is not on the list.", "not listed")
    if mode == STRICT and (entry.probe or not entry.strict):
        what = "sends packets" if entry.probe else "is not on the short list"
        return _refused(f"{words[0]} {what}, which --read-only-strict does not allow.", "strict")
    return Decision(True, "", tuple(argv[1:]), False, f"fixed: {words[0]}")


def _unwrap(argv: Sequence[str]) -> tuple[list[str], bool]:
    words, entered = list(argv), False
    if words[:3] == ["timeout", "-k", "2"]:
        if len(words) < 5 or not _TIME_LIMIT.fullmatch(words[3]):
            raise Refused("timeout is used in a way that is not on the list.")
        words = words[4:]
    if words[:1] == ["nsenter"]:
        if len(words) < 3 or not _NETNS.fullmatch(words[1]):
            raise Refused("nsenter is used in a way that is not on the list.")
        words, entered = words[2:], True
    return words, entered


def _refused(reason: str, rule: str) -> Decision:
    return Decision(False, f"{reason} ko-tui is read-only.", (), False, f"guard: {rule}")

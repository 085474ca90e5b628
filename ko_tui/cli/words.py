"""The words of the command line: word -> (module, summary). PASS_THROUGH words hand on all that follows."""

from __future__ import annotations

WORDS: dict[str, tuple[str, str]] = {
    "trace": ("ko_tui.cli.trace", "trace a packet and explain every stage"),
    "explain": ("ko_tui.cli.explain", "explain OVN or OVS output, a match or an action; needs no cluster"),
    "rbac": ("ko_tui.cli.rbac", "print the RBAC and the admission policy that ko-tui needs"),
    "preflight": ("ko_tui.cli.preflight", "ask what this user may do on this cluster"),
}
PASS_THROUGH: frozenset[str] = frozenset()

"""The words of the command line: word -> (module, summary). PASS_THROUGH words hand on all that follows."""

from __future__ import annotations

_TOOL = "ko_tui.cli.tool"

WORDS: dict[str, tuple[str, str]] = {
    "trace": ("ko_tui.cli.trace", "trace a packet and explain every stage"),
    "ovn-trace": ("ko_tui.cli.trace", "the same (the name kubectl ko has for its logical half)"),
    "explain": ("ko_tui.cli.explain", "explain OVN or OVS output, a match or an action; needs no cluster"),
    "status": ("ko_tui.cli.status", "the control plane's health; exit status for monitors"),
    "nb": ("ko_tui.cli.database", "northbound: status, kick, backup, dbstatus, restore"),
    "sb": ("ko_tui.cli.database", "southbound: status, kick, backup, dbstatus"),
    "nbctl": (_TOOL, "ovn-nbctl at the northbound leader"),
    "sbctl": (_TOOL, "ovn-sbctl at the southbound leader"),
    "icnbctl": (_TOOL, "ovn-ic-nbctl at the interconnection leader"),
    "icsbctl": (_TOOL, "ovn-ic-sbctl at the interconnection leader"),
    "vsctl": (_TOOL, "ovs-vsctl on a node"),
    "ofctl": (_TOOL, "ovs-ofctl on a node"),
    "dpctl": (_TOOL, "ovs-dpctl on a node"),
    "appctl": (_TOOL, "ovs-appctl on a node"),
    "tcpdump": ("ko_tui.cli.tcpdump", "capture at pods, VMs and nodes, decoded as it comes"),
    "diagnose": ("ko_tui.cli.diagnose", "check everything, a result each"),
    "env-check": ("ko_tui.cli.env_check", "check the environment of every node"),
    "tuning": ("ko_tui.cli.tuning", "performance settings of every node"),
    "log": ("ko_tui.cli.log", "collect logs of every node into one archive"),
    "reload": ("ko_tui.cli.reload", "restart Kube-OVN component by component"),
    "perf": ("ko_tui.cli.perf", "latency and throughput between nodes; creates pods, asks before"),
    "cleanup": ("ko_tui.cli.cleanup", "what killed runs have left in the cluster, and its removal"),
    "snapshot": ("ko_tui.cli.snapshot", "save a cluster to a file"),
    "rbac": ("ko_tui.cli.rbac", "print the RBAC that ko-tui needs"),
    "preflight": ("ko_tui.cli.preflight", "what this user may do"),
    "config": ("ko_tui.cli.config", "the configuration, every setting documented"),
}
PASS_THROUGH: frozenset[str] = frozenset(word for word, (module, _) in WORDS.items() if module == _TOOL)

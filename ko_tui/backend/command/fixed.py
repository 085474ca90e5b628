"""Commands that ko-tui itself runs beside the OVN and OVS tools: each word by a pattern of its own.

Nobody types these; they are here so that the guard, the audit and the admission policy know them all.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

_NAME = r"[A-Za-z0-9_][A-Za-z0-9_.@-]*"
_ADDRESS = r"[0-9A-Fa-f.:]+"
_TABLES = ((), ("-t", "nat"))

_MONITOR = (
    "ovsdb-client", "-f", "json", "-vjsonrpc:console:dbg", "monitor",
    r"unix:/var/run/ovn/ovnsb_db\.sock", "OVN_Southbound", "ALL", "!initial",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Fixed:
    """``words`` are patterns, matched whole. ``probe``: it sends packets. ``strict``: also in strict mode."""

    words: tuple[str, ...]
    probe: bool = False
    strict: bool = False

    def matches(self, argv: Sequence[str]) -> bool:
        return len(argv) == len(self.words) and all(
            re.fullmatch(pattern, word) for pattern, word in zip(self.words, argv, strict=True)
        )


FIXED: tuple[Fixed, ...] = (
    Fixed(("cat", r"/proc/net/(snmp|udp6?|sockstat6?)"), strict=True),
    Fixed(("cat", r"/proc/sys/net/ipv[46]/[a-z0-9_]+"), strict=True),
    Fixed(("cat", r"/etc/resolv\.conf"), strict=True),
    Fixed(("cat", r"/sys/devices/system/cpu/cpu\d+/cpufreq/scaling_governor"), strict=True),
    Fixed(("ls", r"/etc/cni/net\.d"), strict=True),
    # A database as a file on standard output: for backups, snapshots and tracing without ovn-trace.
    *(
        Fixed(
            ("ovsdb-client", *belt, "backup", rf"unix:/var/run/ovn/ovn{short}_db\.sock", f"OVN_{name}bound")
        )
        for belt in ((), ("--no-leader-only",), ("-t", r"[1-9]\d{0,3}"))
        for short, name in (("nb", "North"), ("sb", "South"))
    ),
    # What is written to it from now on, so that what was fetched once stays current.
    Fixed(_MONITOR),
    # A member's own file, for a restore: it can be read when no server runs.
    Fixed(("ls", "-1A", "/etc/ovn")),
    Fixed(("cat|sha256sum", r"/etc/ovn/(ovn[ns]b_db|ko-restore-\d{14}-\d{1,3})\.db")),
    Fixed(("ovn-nbctl|ovn-sbctl|ovs-vsctl|ovs-ofctl|ovs-appctl|ovs-vswitchd", "--version"), strict=True),
    Fixed(("ip", "-j", "route", "show", "table", "all")),
    Fixed(("ps", "-eo", "comm")),
    Fixed(("tail", "-n", r"\d{1,5}", rf"/var/log/(ovn|openvswitch|kube-ovn)/{_NAME}\.log")),
    Fixed(("tar", "-C", "/var/log", "-cf", "-", "kube-ovn|ovn|openvswitch")),
    Fixed(("find", "/tmp", "-maxdepth", "1", "-name", r"openvswitch-kmod\*\.rpm")),
    Fixed(("dmesg", "-T")),
    *(
        Fixed((rf"/usr/sbin/ip6?tables-{flavour}", "-S", *table))
        for flavour in ("legacy", "nft")
        for table in _TABLES
    ),
    Fixed(("ip", "-[46]", "route", "show")),
    Fixed(("ip", "-d", "-s", "link", "show")),
    Fixed(("ip", "-[46]", "neigh")),
    Fixed(("ip", "link|addr", "show")),
    Fixed(("ip", "xfrm", "policy")),
    Fixed(("free", "-m")),
    Fixed(("top", "-b", "-n", "1")),
    Fixed(("sysctl", "-a")),
    Fixed(("netstat", "-tunlp")),
    Fixed(("ipset", "list")),
    Fixed(("ipsec", "statusall")),
    Fixed(("ethtool", "-[gkiS]", r"[A-Za-z0-9_][A-Za-z0-9_.@-]{0,14}")),
    # Ends a command that ko-tui itself started: its random time limit makes the pattern unique.
    Fixed(("pkill", "-TERM", "-f", r"\^timeout -k 2 \d+\[\.\]\d{6} "), strict=True),
    Fixed(("arping", "-c", r"\d", "-C", r"\d", "-i", _NAME, r"[0-9.]+"), probe=True),
    Fixed(("ndisc6", "-q", "-n", "-r", r"\d", "-1", _ADDRESS, _NAME), probe=True),
)
PINGER = "/kube-ovn/kube-ovn-pinger"
PINGER_OPTIONS = (
    r"--mode=job",
    r"--exit-code=\d{1,3}",
    r"--network-mode=kube-ovn",
    r"--(external-address|internal-dns|external-dns|target-ip-ports)=[A-Za-z0-9.:,_-]*",
    r"--(tcp|udp)-conn-check-port=\d{1,5}",
)


def find_fixed(argv: Sequence[str]) -> Fixed | None:
    """The entry that ``argv`` fits, or None."""
    if argv and argv[0] == PINGER:
        known = all(any(re.fullmatch(p, word) for p in PINGER_OPTIONS) for word in argv[1:])
        return Fixed((PINGER,), probe=True) if known and "--mode=job" in argv else None
    return next((entry for entry in FIXED if entry.matches(argv)), None)
